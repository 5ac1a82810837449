"""Whatever the estimates are, sentences claim no more than their intervals allow."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vcfstats.reporting import Study, abstract, findings, open_study, wording
from vcfstats.reporting.rendering.source import Cell, read_source
from vcfstats.reporting.values import Text

ROOT = Path(__file__).parents[2]
# What an interval that includes no difference, or a p value above 0.05, never allows to say.
SUPERIOR = re.compile(
    r"superior|better|outperform|larger|higher than|improve|significan|excellent|\bbest\b", re.IGNORECASE
)
SAME = re.compile(
    r"equivalen|no difference (?:was|between the models|in AUC)|non-?inferior|\bequal|as good as|comparable|similar|did not differ|(?<!nor )that they do not differ",
    re.IGNORECASE,
)
CALIBRATED = re.compile(
    r"good (?:calibration|fit|agreement)|well[- ]calibrated|(?:was|is|are) calibrated|adequate|satisfactor|fits? well|agree(?:d|s)? well|showed? agreement",
    re.IGNORECASE,
)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
unit = st.floats(0.0, 1.0)
p_values = st.one_of(st.none(), st.floats(0.0, 1.0))


class Made(Study):
    """A study whose primary comparison is made up."""

    def rows(self, name: str) -> pd.DataFrame:
        frame = super().rows(name)
        return pd.DataFrame([COMPARISON]) if name == "comparison" else frame


COMPARISON: dict[str, Any] = {}


@pytest.fixture(scope="module")
def study(whole_study: Path) -> Study:
    opened = open_study(whole_study)
    return Study(opened.root, opened.info.model_copy(update={"simulated": False}), opened.records)


def changed(study: Study, key: str, **fields: object) -> Study:
    return Study(study.root, study.info, {**study.records, key: study.records[key].model_copy(update=fields)})


def limits(low: float, high: float) -> tuple[float, float]:
    return min(low, high), max(low, high)


@quick
@given(value=unit, a=unit, b=unit)
def test_discrimination_follows_the_interval(study: Study, value: float, a: float, b: float) -> None:
    low, high = limits(a, b)
    said = str(
        wording.discrimination_in(
            changed(study, "testing/dlrn/auc", value=value, ci_low=low, ci_high=high), "dlrn", "testing"
        )
    )
    if low <= 0.5 <= high:
        assert "lies above" not in said
        assert "wrong way round" not in said
        assert "not shown" in said or "cannot be judged" in said
    assert not SUPERIOR.search(said)
    assert not SAME.search(said)


@quick
@given(difference=st.floats(-1, 1), a=st.floats(-1, 1), b=st.floats(-1, 1), p=st.floats(0, 1), turned=st.booleans())
def test_the_primary_comparison_follows_its_interval(
    study: Study, difference: float, a: float, b: float, p: float, turned: bool
) -> None:
    low, high = limits(a, b)
    names = study.info.primary_comparison[::-1] if turned else study.info.primary_comparison
    COMPARISON.update(
        kind="testing", model_a=names[0], model_b=names[1], difference=difference, low=low, high=high, p_value=p,
        p_adjusted=p, primary="yes",
    )  # fmt: skip
    made = Made(study.root, study.info, study.records)
    for said in (str(findings.primary_comparison(made)), str(abstract.conclusions(made))):
        if low <= 0 <= high:
            assert not SUPERIOR.search(said), said
        assert not SAME.search(said.replace("nor that they do not", "").replace("nor that there is none", "")), said
    whole = str(findings.primary_comparison(made))
    if low < high and not low <= 0 <= high:
        # The one said to be larger is the one whose side the interval lies on.
        first_is_larger = (low > 0) != turned
        label = {True: "DLRN", False: "Clinical"}[first_is_larger]
        assert f"the AUC of {label} was larger" in whole
    if low == high:
        assert "cannot be judged" in whole


@quick
@given(
    p=p_values,
    slope=st.floats(-5, 15),
    a=st.floats(-5, 15),
    b=st.floats(-5, 15),
    c=st.floats(-9, 9),
    d=st.floats(-9, 9),
)
def test_calibration_is_never_praised(
    study: Study, p: float | None, slope: float, a: float, b: float, c: float, d: float
) -> None:
    low, high = limits(a, b)
    low_0, high_0 = limits(c, d)
    made = changed(study, "testing/dlrn/hosmer_lemeshow", p_value=p)
    made = changed(made, "testing/dlrn/calibration_slope", value=slope, ci_low=low, ci_high=high)
    made = changed(made, "testing/dlrn/calibration_intercept", value=c, ci_low=low_0, ci_high=high_0)
    said = str(wording.calibration(made, "dlrn", "testing"))
    assert not CALIBRATED.search(said), said
    assert not SUPERIOR.search(said), said
    if p is not None and p > 0.05:
        assert "which does not show that they agree" in said
        assert "evidence that" not in said
    if low <= 1 <= high:
        assert "too extreme" not in said
        assert "not extreme enough" not in said
    if low_0 <= 0 <= high_0:
        assert "estimated on average" not in said
    assert not CALIBRATED.search(str(abstract.calibration(made)))


@quick
@given(values=st.lists(st.tuples(unit, unit, unit), min_size=3, max_size=3))
def test_lists_of_estimates_rank_nothing(study: Study, values: list[tuple[float, float, float]]) -> None:
    made = study
    for name, (value, a, b) in zip(list(study.info.models)[:3], values, strict=True):
        low, high = limits(a, b)
        made = changed(made, f"testing/{name}/auc", value=value, ci_low=low, ci_high=high)
    for said in map(str, (findings.aucs(made, "testing"), findings.comparisons(made))):
        assert not SUPERIOR.search(said), said
        assert not SAME.search(said), said


def test_the_patterns_find_what_they_should() -> None:
    for claim in ("A was superior to B", "significantly improved", "the AUC was larger"):
        assert SUPERIOR.search(claim)
    for claim in ("there was no difference in AUC", "the models were equivalent", "they did not differ"):
        assert SAME.search(claim)
    for claim in ("p = 0.62 shows good calibration", "the model was well calibrated", "the fit was adequate"):
        assert CALIBRATED.search(claim)


@pytest.mark.parametrize("name", ["paper", "supplement"])
def test_bands_say_whether_they_hold_pointwise_or_for_the_whole_curve(name: str) -> None:
    source = read_source(ROOT / "report" / f"{name}.qmd")
    captions = [str(part.options.get("fig-cap", "")) for part in source.body if isinstance(part, Cell)]
    captions += [
        part.text for part in source.body if not isinstance(part, Cell) and re.search(r"\bbands?\b", part.text)
    ]
    found = [
        text for text in captions
        if re.search(r"\bbands?\b", text) and not text.startswith(("@", "#", ":"))
    ]  # fmt: skip
    assert found
    for text in found:
        assert re.search(r"pointwise|simultaneous|the whole calibration curve", text), text


def sentences(study: Study) -> list[Callable[[], Text]]:
    return [
        lambda: findings.summary(study), lambda: findings.comparisons(study), lambda: wording.limitations(study),
        lambda: abstract.objectives(study), lambda: abstract.outcome(study), lambda: abstract.participants(study),
        lambda: abstract.registration(study), lambda: abstract.final_model(study), lambda: abstract.measures(study),
    ]  # fmt: skip


def test_no_sentence_praises(study: Study) -> None:
    for made in sentences(study):
        said = str(made())
        assert said
        assert not CALIBRATED.search(said), said
        assert not re.search(r"superior|outperform|excellent|significan", said), said


def test_the_abstract_holds_what_tripod_asks_of_abstracts(study: Study) -> None:
    said = " ".join(
        str(part)
        for part in (
            abstract.objectives(study), abstract.participants(study), abstract.outcome(study), abstract.measures(study),
            wording.counts(study, "training"), abstract.final_model(study), findings.summary(study),
            abstract.calibration(study), abstract.conclusions(study), abstract.registration(study),
        )
    )  # fmt: skip
    for words in (
        "to develop models",
        "evaluate them internally",
        "the event",
        "Candidate predictors",
        "AUC",
        "61/164",
        "95% CI",
        "calibration slope",
    ):
        assert words in said, words
    # What only authors can say is asked for where it should stand.
    for item in ("Setting", "Dates", "Registration", "Funding"):
        assert f"[{item}: for the authors to supply.]" in said
    given = study.info.model_copy(update={"statements": {"registration": "Registered nowhere.", "funding": "None."}})
    assert str(abstract.registration(Study(study.root, given, study.records))) == "Registered nowhere. None."
