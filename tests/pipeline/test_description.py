"""The methods text follows the decisions: no sentence stays as it is when the decision that it tells of is another."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from vcfstats.contracts.features import FeatureDescription
from vcfstats.pipeline.evaluation import description, network
from vcfstats.pipeline.evaluation.reproducibility import reliability
from vcfstats.pipeline.evaluation.scanners import harmonisation
from vcfstats.pipeline.params import Params, read_params

PARAMS = read_params(Path(__file__).parents[2] / "params.yaml")
UNCOUNTED = FeatureDescription(
    versions={}, settings={}, inputs={}
)  # of how many grey levels a region had, the decisions say nothing
# Sections that decide nothing of the analysis, or whose words documents take from elsewhere.
OTHER = ("compute", "report", "forks", "cohort", "study", "simulate", "quality")
# Details of a step that the text leaves to params.yaml and to the supplement's table of decisions.
LEFT_TO_TABLES = {
    "preprocess.n4.foreground", "learning.selection.correlation.keep", "learning.clinical.screening_test",
    "learning.clinical.classifiers_use", "learning.selection.harmonisation.describe", "learning.optimism.repeat_choice", "evaluation.calibration_smoother", "evaluation.baseline_yates",
}  # fmt: skip
# Decisions that say something only where another one is so.
WHERE = {
    "trunk.training": {"trunk.trained": "all"},
    "trunk.cross_fit": {"trunk.trained": "all"},
    "learning.selection.harmonisation": {"learning.selection.harmonisation.method": "combat"},
    "preprocess.normalization.over": {"preprocess.normalization.method": "zscore"},
}
# Words by which a network's weights are told are those of their training, wherever the file comes from.
SAME_WORDS = {("trunk.weights", "torchvision"), ("trunk.weights", "packaged")}


def words(params: Params) -> list[str]:
    """The sentences that depend on the decisions alone."""
    own = [
        "_split", "_bias_field", "_resampling", "_normalization", "_slices", "_selection", "_classifiers", "_clinical",
        "_fusion", "_threshold", "_recalibration", "_risk_groups",
    ]  # fmt: skip
    said = [getattr(description, name)(params) for name in own]
    said += [harmonisation(params), network.trunk(params), network.cross_fit(params), network.deep_head(params)]
    said.append(description._radiomics(params, UNCOUNTED))
    said.append(reliability(params, {"failed": {}, "perturbation": [1, 2]}))
    given = params.evaluation
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
        elif not isinstance(value, tuple):
            yield (*path, name), field.annotation, value


def put(section: Any, path: tuple[str, ...], value: Any) -> Any:
    if len(path) > 1:
        value = put(getattr(section, path[0]), path[1:], value)
    return section.model_copy(update={path[0]: value})


FLIPS = [
    (".".join(path), other)
    for path, annotation, value in leaves(PARAMS)
    if path[0] not in OTHER
    for other in (
        [not value]
        if isinstance(value, bool)
        else [o for members in literals(annotation) for o in members if o != value]
    )
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
    assert said in description._slices(put(PARAMS, ("slices", key), value))
    assert "cropped to the bounding box of the region, standardised, scaled to [-1, 1]" in description._slices(PARAMS)
