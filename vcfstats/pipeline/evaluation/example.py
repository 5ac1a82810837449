"""One patient traced through the nomogram."""

from __future__ import annotations

from typing import Any

import pandas as pd

from vcfstats import Nomogram
from vcfstats.contracts.naming import printed_names
from vcfstats.contracts.numbers import plainly
from vcfstats.contracts.predictions import second_stage
from vcfstats.contracts.records import Record
from vcfstats.contracts.study import TABLES
from vcfstats.learning.fusion import OUTPUT
from vcfstats.pipeline.evaluation.models import axis_label
from vcfstats.pipeline.params import Params


def example(
    drawn: Nomogram, cohort: pd.DataFrame, predictions: pd.DataFrame, params: Params
) -> tuple[pd.DataFrame, list[Record]]:
    """Return the points of one training event, and its total and probability as records.

    The patient is the training event with the median out-of-fold probability of the nomogram's model (the lower one of
    two): neither the easiest nor the hardest, found by a rule and not picked. `predictions` is the whole table: the fused
    probability shown is one that the model was fitted to.
    """
    training = predictions[predictions["kind"] == "out_of_fold"]
    own = training[(training["model"] == "dlrn") & (training["outcome"] == 1)]
    fused = second_stage(predictions, "dlr").set_index("case_id")["probability"]
    order = own[own["case_id"].isin(fused.index)].sort_values(["probability", "case_id"], kind="stable")
    if order.empty:
        return pd.DataFrame(columns=list(TABLES["nomogram_example"])), []
    case = str(order["case_id"].iloc[(len(order) - 1) // 2])
    names = [variable.name for variable in drawn.variables]
    data = cohort.loc[[case], [name for name in names if name != OUTPUT]].copy()
    if OUTPUT in names:
        data[OUTPUT] = fused.loc[[case]]
    points = drawn.points(data)
    rows = [
        (axis_label(name, params), _value(name, data[name].iloc[0], params), float(points[name].iloc[0]))
        for name in names
        if name in points
    ]
    total, probability = float(points["total"].iloc[0]), float(drawn.predict(data)[0])
    name = printed_names(cohort.index, patient_ids=params.report.patient_ids)[case]
    method = f"training event with the median out-of-fold probability ({name})"

    def record(estimate: str, value: float, unit: str) -> Record:
        return Record(
            kind="model", model="dlrn", estimate=estimate, value=value, unit=unit, method=method, stage="evaluate"
        )

    return (
        pd.DataFrame(rows, columns=list(TABLES["nomogram_example"])),
        [record("example_points", total, "points"), record("example_probability", probability, "probability")],
    )


def _value(name: str, value: Any, params: Params) -> str:
    covariate = params.cohort.covariates.get(name)
    if covariate is not None and covariate.levels:
        return covariate.levels.get(str(value), str(value))
    return f"{float(value):.2f}" if name == OUTPUT else plainly(float(value))


def scaling(selection: dict[str, Any]) -> pd.DataFrame:
    """Return training mean and standard deviation of every feature that a linear score holds."""
    rows = [
        (feature_set, name, mean, sd)
        for feature_set, body in selection.items()
        for name, mean, sd in zip(body["features"], body["mean"], body["sd"], strict=True)
        if body["coefficients"].get(name)
    ]
    return pd.DataFrame(rows, columns=list(TABLES["scaling"]))
