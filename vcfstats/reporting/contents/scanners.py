"""Table of how features differ between scanners, as they are and harmonised."""

from __future__ import annotations

from vcfstats.reporting import absence, values
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.contents.layout import row_sources
from vcfstats.reporting.figures.scanners import MATRICES, STATES
from vcfstats.reporting.study import Study
from vcfstats.reporting.tables import Column, Table


def scanner_table(study: Study) -> Table | Absent:
    """Return how many features differ between scanners, one row group a kind of feature."""
    frame = study.rows("scanner_effect")
    if why := absence.scanners(study):
        return Absent(why)
    columns = [
        Column("state", "Features", width=28),
        Column("location", "Location differs", "right", width=19),
        Column("spread", "Spread differs", "right", width=19),
        Column("median", "Between scanners, median", "right", width=17),
        Column("upper", "90th percentile", "right", width=17),
    ]
    rows = [
        {
            "state": STATES[row["state"]],
            "location": _of(row["location"], row["n_features"]),
            "spread": _of(row["spread"], row["n_features"]),
            "median": _percent(row["median_share"]),
            "upper": _percent(row["upper_share"]),
        }
        for row in frame.to_dict("records")
    ]
    groups = [f"{MATRICES[row['matrix']]} ({int(row['n_features']):,})" for row in frame.to_dict("records")]
    return Table.of(columns, rows, groups=groups, sources=row_sources(study, "scanner_effect", frame)).with_note(
        "Training cases. Location by the Kruskal-Wallis test, spread by the Brown-Forsythe test, at a false discovery rate of 5% (Benjamini-Hochberg). "
        "Between scanners: share of the variance of a feature's ranks. Harmonised: by ComBat fitted to the same cases; by other folds: each fold's cases by "
        "ComBat fitted to the others. What differs may be the scanners or their patients."
    )


def _of(count: float, total: float) -> str:
    return f"{int(count):,} ({_percent(count / total)})"


def _percent(share: float) -> str:
    return f"{values.decimal(100 * share, 1)}%"
