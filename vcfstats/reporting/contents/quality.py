"""The table of cases that lie far from the others."""

from __future__ import annotations

from vcfstats.reporting import absence, values
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.contents.layout import breakable, row_sources
from vcfstats.reporting.study import Study
from vcfstats.reporting.tables import Column, Table


def quality_table(study: Study) -> Table | Absent:
    """Return the cases far from the others with the quantities that make them so, the farthest first."""
    frame = study.rows("quality")
    if why := absence.quality(study):
        return Absent(why)
    columns = [
        Column("case", "Case", width=22),
        Column("quantity", "Quantity", width=38),
        Column("found", "Value", "right", width=14),
        Column("median", "Cohort\u2019s median", "right", width=14),
        Column("distance", "Distance", "right", width=12),
    ]
    rows, last = [], ""
    for row in frame.to_dict("records"):
        unit = f" ({row['unit']})" if row["unit"] else ""
        rows.append(
            {
                "case": "" if row["case"] == last else breakable(row["case"]),
                "quantity": row["quantity"] + unit,
                "found": values.significant(row["found"]),
                "median": values.significant(row["median"]),
                "distance": values.decimal(row["distance"], 1),
            }
        )
        last = row["case"]
    return Table.of(columns, rows, sources=row_sources(study, "quality", frame)).with_note(
        "Distance: from the cohort\u2019s median, in robust standard deviations; of volume, extents and bias field on a logarithmic scale."
    )
