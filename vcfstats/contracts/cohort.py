"""The cohort: one row per case, as every stage after ingestion finds it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from vcfstats.contracts.case import Case

# What may stand in an id: it becomes part of a file name in caches and outputs, on any file system.
ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")
PARTITIONS = ("training", "testing")
# Suffix of a covariate's second reading.
SECOND = "_second"
# Names that a column has in some table from ingestion to the predictions of new patients: a covariate takes none of them.
RESERVED = frozenset({
    "index", "case", "case_id", "patient_id", "image", "mask", "mask_label", "mask_intra", "mask_inter", "outcome", "partition", "fold",
    "scanner", "followup_time", "followup_event", "simulated",
    "kind", "repeat", "feature_set", "model", "probability", "imputation",
    "clinical", "rad", "dl", "dlr", "dlrn", "points", "total", "total_points", "threshold", "class",
    "features_outside", "n_features", "warnings", "developed_on", "variable", "level", "reference", "const", "intercept",
})  # fmt: skip


# Columns after ingestion; covariates follow under the names that params give them.
COHORT = pa.DataFrameSchema(
    {
        "patient_id": pa.Column(str, pa.Check.str_matches(ID_PATTERN.pattern + r"\Z")),
        "image": pa.Column(str, nullable=True),
        "mask": pa.Column(str, nullable=True),
        "mask_label": pa.Column("Int64", nullable=True),
        # The region drawn again, by the first reader and by a second one; empty where it was not.
        "mask_intra": pa.Column(str, nullable=True),
        "mask_inter": pa.Column(str, nullable=True),
        "outcome": pa.Column("int64", pa.Check.isin([0, 1])),
        "partition": pa.Column(str, pa.Check.isin(PARTITIONS), nullable=True),
        # Which scanner made the image, where the study names scanners; empty where it is not known.
        "scanner": pa.Column(str, nullable=True, required=False),
    },
    index=pa.Index(str, pa.Check.str_matches(ID_PATTERN.pattern + r"\Z"), name="case_id", unique=True),
    strict=False,
    name="cohort",
)


REPEATS = ("mask_intra", "mask_inter")


def cases_of(cohort: pd.DataFrame, folder: Path, *, mask: str = "mask") -> Iterator[Case]:
    """Yield the cases of a cohort table, files resolved against the cohort's folder.

    Parameters
    ----------
    cohort : DataFrame
        By the contract `COHORT`.
    folder : Path
        The cohort's folder.
    mask : str
        Column of the mask: `mask`, or one of `REPEATS`, and then only the cases that have it.
    """
    for case_id, row in cohort[cohort[mask].notna()].iterrows():
        label = row["mask_label"]
        yield Case(
            case_id=str(case_id),
            patient_id=row["patient_id"],
            image=folder / row["image"],
            mask=folder / row[mask],
            mask_label=None if pd.isna(label) else int(label),
        )
