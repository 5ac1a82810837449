"""The methods text follows the decisions: no sentence stays as it is when the decision that it tells of is another."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from vcfstats.contracts.features import FeatureDescription
from vcfstats.pipeline.evaluation import description, methods, network
from vcfstats.pipeline.evaluation.reproducibility import reliability
from vcfstats.pipeline.evaluation.scanners import harmonisation
from vcfstats.pipeline.params import Params, read_params

PARAMS = read_params(Path(__file__).parents[2] / "params.yaml")
UNCOUNTED = FeatureDescription(
    versions={}, settings={}, inputs={}
)  # of how many grey levels a region had, the decisions say nothing
# Sections that decide nothing of the analysis, or whose words documents take from elsewhere.
OTHER = ("compute", "report", "forks", "cohort", "study", "simulate", "quality")
# Decisions that documents print from records of their own, and details that params.yaml alone says.
LEFT_TO_TABLES = {
    "learning.optimism.n_resamples", "learning.optimism.repeat_choice", "evaluation.primary_comparison",  # with their results
    "learning.selection.correlation.keep", "learning.selection.sd_ddof", "learning.clinical.screening_test",
    "learning.clinical.classifiers_use", "learning.selection.harmonisation.describe", "evaluation.decision.step",
    "learning.selection.harmonisation.min_cases",  # which refuses a study, and changes none
    "evaluation.calibration_smoother", "evaluation.baseline_yates",
}  # fmt: skip
# Decisions that say something only where another one is so.
WHERE = {
    "trunk.training": {"trunk.trained": "all"},
    "trunk.training.augmentation.views": {"trunk.trained": "head"},
    "trunk.cross_fit": {"trunk.trained": "all"},
    "trunk.seed": {"trunk.weights": "none"},
    "learning.selection.harmonisation": {"learning.selection.harmonisation.method": "combat"},
    "preprocess.normalization.over": {"preprocess.normalization.method": "zscore"},
    "preprocess.normalization.lower": {"preprocess.normalization.method": "percentile"},
    "preprocess.normalization.upper": {"preprocess.normalization.method": "percentile"},
    "split.test_fraction": {"split.method": "random"},
    "perturbation": {"learning.reliability.source": "perturbation"},
    "learning.clinical.imputation": {"learning.clinical.missing": "multiple_imputation"},
    "learning.fusion.clip": {"learning.fusion.scale": "logit"},
    "learning.fusion.penalty_c": {"learning.fusion.shrinkage": "none"},
    "learning.selection.collinearity.surplus": {"learning.selection.collinearity.limit": 10.0},
    "learning.recalibration.clip": {"learning.recalibration.method": "logistic"},
}
# Words by which a network's weights are told are those of their training, wherever the file comes from.
SAME_WORDS = {("trunk.weights", "torchvision"), ("trunk.weights", "packaged")}


def words(params: Params) -> list[str]:
    """The sentences that depend on the decisions alone."""
    own = [
        "split", "bias_field", "resampling", "normalization", "slices", "selection", "classifiers", "clinical",
        "delivered", "stability", "grids", "fusion", "threshold", "recalibration", "risk_groups",
    ]  # fmt: skip
    said = [getattr(methods, name)(params) for name in own]
    said += [harmonisation(params), network.trunk(params), network.cross_fit(params), network.deep_head(params)]
    said.append(methods.radiomics(params, UNCOUNTED))
    said.append(reliability(params, {"failed": {}, "perturbation": [1, 2]}))
    given = params.evaluation
    said += [f"{name} {number}" for name, number in description.decision_numbers(params).items()]
    return [*said, given.auc_interval, given.proportion_interval, given.pairs_adjusted_by]


def literals(annotation: Any) -> Iterator[tuple[Any, ...]]:
    if typing.get_origin(annotation) is typing.Literal:
        yield typing.get_args(annotation)
    for inner in typing.get_args(annotation):
        yield from literals(inner)


def leaves(section: BaseModel, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name), field.annotation, value


def others(annotation: Any, value: Any) -> list[Any]:
    """Return other values of a decision: all of a list of words, one of a number, fewer of several."""
    if isinstance(value, bool):
        return [not value]
    if words_of := [o for members in literals(annotation) for o in members if o != value]:
        return words_of if not isinstance(value, tuple) else [value[:-1]]
    if isinstance(value, int):
        return [value + 1]
    if isinstance(value, float):
        return [value * 0.75 if value else 0.25]
    if isinstance(value, tuple) and value:
        return (
            [value[:-1]]
            if len(value) > 1 or isinstance(value[0], str)
            else [tuple(3 if v is None else v * 2 for v in value)]
        )
    return []


def put(section: Any, path: tuple[str, ...], value: Any) -> Any:
    if len(path) > 1:
        value = put(getattr(section, path[0]), path[1:], value)
    return section.model_copy(update={path[0]: value})


FLIPS = [
    (".".join(path), other)
    for path, annotation, value in leaves(PARAMS)
    if path[0] not in OTHER
    for other in others(annotation, value)
]


@pytest.mark.parametrize(("key", "other"), FLIPS, ids=[f"{key}={other}" for key, other in FLIPS])
def test_a_decision_that_is_another_is_told_otherwise(key: str, other: Any) -> None:
    params: Any = PARAMS
    for begin, needed in WHERE.items():
        for name, value in needed.items() if key.startswith(begin) and key not in needed else ():
            params = put(params, tuple(name.split(".")), value)
    if key == "learning.threshold.rule":
        params = put(params, ("learning", "threshold", "value"), 0.5)
    told = words(put(params, tuple(key.split(".")), other)) != words(params)
    assert told or key in LEFT_TO_TABLES or (key, other) in SAME_WORDS


def test_the_decisions_are_found() -> None:
    assert len(FLIPS) > 50
    assert {key for key, _ in FLIPS} >= LEFT_TO_TABLES


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("box", "each_slice", "cropped to the bounding box of the region in each, standardised, scaled"),
        ("margin_mm", 2.5, "the bounding box of the region with a margin of 2.5 mm, standardised"),
        ("scale_over", "case", "standardised, all three together, scaled to [-1, 1]"),
        ("clip_sd", 3.0, "standardised, cut off beyond 3 standard deviations, scaled"),
    ],
)
def test_slices_are_told_as_they_were_cut(key: str, value: Any, said: str) -> None:
    assert said in methods.slices(put(PARAMS, ("slices", key), value))
    assert "cropped to the bounding box of the region, standardised, scaled to [-1, 1]" in methods.slices(PARAMS)
