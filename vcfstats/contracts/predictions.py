"""The one table of probabilities: every statistic of a paper is a function of it, and no other code makes one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from vcfstats.contracts.cohort import PARTITIONS
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import replacing

KINDS = ("apparent", "out_of_fold", "testing", "external")
# What the steps after a model (nomogram, threshold, recalibration, groups of risk) learned from: no kind of performance.
SECOND_STAGE = "second_stage_input"
KEY = ["feature_set", "model", "kind", "repeat", "fold", "case_id"]

# A model's name with this at its end: the same model, its probabilities recalibrated on training patients.
_RECALIBRATED = "_recalibrated"

PREDICTIONS = pa.DataFrameSchema(
    {
        "case_id": pa.Column(str),
        "patient_id": pa.Column(str),
        "partition": pa.Column(str, pa.Check.isin([*PARTITIONS, "external"])),
        # apparent: the model's own training patients; out_of_fold: training patients scored by a model of the other folds
        # second_stage_input: training patients by a model of the other folds with the parameters that are delivered
        "kind": pa.Column(str, pa.Check.isin([*KINDS, SECOND_STAGE])),
        "repeat": pa.Column("int64", pa.Check.ge(0)),
        "fold": pa.Column("int64", pa.Check.ge(-1)),  # -1 where there are no folds
        "feature_set": pa.Column(str),
        "model": pa.Column(str),
        "probability": pa.Column("float64", pa.Check.in_range(0, 1)),
        "outcome": pa.Column("int64", pa.Check.isin([0, 1])),
    },
    unique=KEY,
    strict=True,
    ordered=True,
    name="predictions",
)


def recalibrated(model: str) -> str:
    """Return the name under which a model's recalibrated probabilities stand in the table."""
    return model + _RECALIBRATED


def as_fitted(model: str) -> str:
    """Return the name of the model itself, whether its probabilities are recalibrated or not."""
    return model.removesuffix(_RECALIBRATED)


def predictions_of(
    cohort: pd.DataFrame,
    probability: pd.Series,
    *,
    kind: str,
    feature_set: str,
    model: str,
    fold: pd.Series | None = None,
) -> pd.DataFrame:
    """Return prediction rows for the cases in `probability` (indexed by case_id).

    Parameters
    ----------
    cohort : DataFrame
        Indexed by case_id, with patient_id, partition and outcome.
    probability : Series
        One probability per case.
    kind, feature_set, model : str
        What made it.
    fold : Series, optional
        Fold that held the case out.
    """
    rows = cohort.loc[probability.index]
    return pd.DataFrame(
        {
            "case_id": probability.index.to_numpy(dtype=object),
            "patient_id": rows["patient_id"].to_numpy(dtype=object),
            "partition": rows["partition"].to_numpy(dtype=object),
            "kind": kind,
            "repeat": np.int64(0),
            "fold": np.int64(-1) if fold is None else fold.loc[probability.index].to_numpy(dtype=np.int64),
            "feature_set": feature_set,
            "model": model,
            "probability": probability.to_numpy(dtype=np.float64),
            "outcome": rows["outcome"].to_numpy(dtype=np.int64),
        }
    )


def write_predictions(frame: pd.DataFrame, path: Path) -> None:
    """Check the table against its contract and write it as parquet, sorted by its key."""
    table = PREDICTIONS.validate(frame.sort_values(KEY, ignore_index=True))
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False)


def performance(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that a performance may be computed of: all but what later steps learned from."""
    return table[table["kind"] != SECOND_STAGE].reset_index(drop=True)


def second_stage(table: pd.DataFrame, model: str | None = None) -> pd.DataFrame:
    """Return what later steps learned from, of one model or of all."""
    rows = table[table["kind"] == SECOND_STAGE]
    return (rows if model is None else rows[rows["model"] == model]).reset_index(drop=True)


def read_predictions(path: Path) -> pd.DataFrame:
    """Read a predictions table, whole, and check it against its contract; see `performance` and `second_stage`.

    Raises
    ------
    InputError
        The file is missing, or what it holds breaks the contract.
    """
    if not path.is_file():
        raise InputError(Problem("no such file", "the predictions table (parquet)", "run `dvc repro` first", file=path))
    try:
        return PREDICTIONS.validate(pd.read_parquet(path))
    except pa.errors.SchemaError as error:
        raise InputError(
            Problem(
                f"a table that breaks its contract ({error})",
                "the columns of a predictions table",
                "rebuild it with `dvc repro`",
                file=path,
            )
        ) from None
