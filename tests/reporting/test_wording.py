"""Sentences follow the estimates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from vcfstats.audit.documents.sources import forms
from vcfstats.contracts.records import Record
from vcfstats.pipeline.params import EvaluationSection
from vcfstats.reporting import Study, findings, open_study, places, wording
from vcfstats.reporting.contents import calibration_table, checklists_told
from vcfstats.reporting.contents.decisions import words
from vcfstats.reporting.contents.layout import per_parameter

MakeStudy = Callable[..., Path]


def changed(study: Study, key: str, **fields: object) -> Study:
    record = study.records[key].model_copy(update=fields)
    return Study(study.root, study.info, {**study.records, key: record})


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    return open_study(make_study())


@pytest.mark.parametrize(
    ("low", "high", "said", "not_said"),
    [
        (0.45, 0.75, "discrimination was not shown", "lies above"),
        (0.5, 0.9, "discrimination was not shown", "lies above"),
        (0.51, 0.9, "lies above", "not shown"),
        (0.2, 0.49, "the wrong way round", "not shown"),
        (None, None, "discrimination cannot be judged", "lies above"),
        (0.6, 0.6, "discrimination cannot be judged", "lies above"),
    ],
)
def test_an_interval_with_one_half_is_no_discrimination(
    study: Study, low: float | None, high: float | None, said: str, not_said: str
) -> None:
    sentence = str(
        wording.discrimination_in(changed(study, "testing/first/auc", ci_low=low, ci_high=high), "first", "testing")
    )
    assert said in sentence
    assert not_said not in sentence


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (0.62, "does not show that they agree"),
        (0.0501, "does not show that they agree"),
        (0.05, "evidence that"),
        (0.0004, "evidence that"),
    ],
)
def test_hosmer_lemeshow_never_shows_good_calibration(study: Study, p: float, said: str) -> None:
    sentence = str(wording.calibration(changed(study, "testing/first/hosmer_lemeshow", p_value=p), "first", "testing"))
    assert said in sentence
    for praise in ("good", "well calibrated", "adequate", "excellent"):
        assert praise not in sentence


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.5, 0.9, "too extreme"), (1.1, 1.9, "not extreme enough"), (0.5, 1.2, "does not establish it")],
)
def test_the_slope_is_read_by_its_interval(study: Study, low: float, high: float, said: str) -> None:
    assert said in str(
        wording.calibration(
            changed(study, "testing/first/calibration_slope", ci_low=low, ci_high=high), "first", "testing"
        )
    )


@pytest.mark.parametrize(("low", "high", "said"), [(0.1, 0.9, "underestimated"), (-0.9, -0.1, "overestimated")])
def test_the_intercept_is_read_by_its_interval(study: Study, low: float, high: float, said: str) -> None:
    assert said in str(
        wording.calibration(
            changed(study, "testing/first/calibration_intercept", ci_low=low, ci_high=high), "first", "testing"
        )
    )


def test_everything_undefined_is_said_with_its_reason(make_study: MakeStudy) -> None:
    study = open_study(make_study("undefined"))
    sentences = [
        wording.discrimination(study, "first"),
        wording.accuracy(study, "first", "testing"),
        wording.calibration(study, "first", "testing"),
        findings.summary(study),
    ]
    for sentence in map(str, sentences):
        assert "not estimable (the reference standard holds one class)" in sentence
        assert "None" not in sentence
        assert "nan" not in sentence.lower().replace("not estimable", "")
    assert "could not be estimated" in str(wording.limitations(study))


def test_the_banner_and_the_limits_follow_the_data(make_study: MakeStudy) -> None:
    simulated = open_study(make_study())
    real = Study(simulated.root, simulated.info.model_copy(update={"simulated": False}), simulated.records)
    assert "Simulated data" in str(wording.simulated(simulated))
    assert "simulated" in str(wording.limitations(simulated))
    assert not wording.simulated(real)
    assert "simulated" not in str(wording.limitations(real)).lower()
    assert "simulated" not in str(wording.abstract_limits(real)).lower()


def test_cases_of_fewer_patients_are_counted_as_such(study: Study) -> None:
    assert (
        str(wording.counts(study, "testing"))
        == "The internal test set had 70 patients, one case each, 24/70 (34.3%) of them events."
    )
    fewer = changed(study, "cohort/testing/n_patients", value=40)
    assert (
        str(wording.counts(fewer, "testing"))
        == "The internal test set had 70 cases of 40 patients; 24/70 (34.3%) of the cases were events."
    )


def test_the_names_of_models_are_told_once_and_only_of_those_fitted(study: Study) -> None:
    assert not wording.models(study)  # a model that nothing is known of
    info = study.info.model_copy(update={"models": {"rad": "Rad", "dlrn": "DLRN"}})
    named = Study(study.root, info, study.records)
    assert str(wording.models(named)) == (
        "The headline models are Rad, the best classifier on the radiomic features; DLRN, the nomogram model."
    )


def test_one_item_of_a_guideline_is_and_two_are(study: Study) -> None:
    counts = {"reported": 1, "not_reported": 2, "not_applicable": 1, "author_must_supply": 9}
    added = {
        f"design/clear_{name}": Record(kind="design", estimate=f"clear_{name}", value=value, stage="evaluate")
        for name, value in counts.items()
    }
    said = checklists_told(Study(study.root, study.info, study.records | added))
    assert str(said) == (
        "Of the items of CLEAR, 1 is reported, 2 are not, 1 does not apply, and 9 are for the authors to supply."
    )


@pytest.mark.parametrize(
    ("value", "shown"), [(True, "yes"), ("False", "no"), ("None", "none"), (None, ""), ([1, 2.5], "1, 2.5"), (1, "1")]
)
def test_switches_of_a_program_are_words(value: object, shown: str) -> None:
    assert words(value) == shown


def test_what_is_absent_is_not_referred_to_and_the_reason_stands_in_its_place(
    whole_study: Path, empty_study: Path
) -> None:
    whole, empty = open_study(whole_study), open_study(empty_study)
    assert str(places.at(whole, "See {item}.", "supptbl-agreement")) == "See @supptbl-agreement."
    assert str(places.at(empty, "See {item}.", "supptbl-agreement")) == ""
    pair = ("tbl-headline", "gives all measures"), ("fig-nomogram", "shows the nomogram")
    assert str(places.see(whole, *pair)) == "@tbl-headline gives all measures, @fig-nomogram shows the nomogram."
    assert str(places.see(empty, *pair)) == (
        "No model was fitted: there is no performance to report. There is no nomogram, since the combined model was not fitted."
    )
    assert str(places.see(empty, *pair, why=False)) == ""
    labels = ["tbl-clinical", "tbl-radiomics", "tbl-fused"]
    assert str(places.together(whole, labels, "gives it", "give it")).startswith(
        "@tbl-clinical, @tbl-radiomics and @tbl-fused give it."
    )
    assert "Table" not in str(places.together(empty, labels, "gives it", "give it"))
    assert str(places.together(whole, labels[:1], "gives it", "give it")) == "@tbl-clinical gives it."
    assert "@johnson2007" not in places.scanners(empty, "supptbl-scanners", "suppfig-scanners").markdown


def test_each_reason_is_told_once(empty_study: Path) -> None:
    told = str(places.see(open_study(empty_study), ("fig-roc", "shows curves"), ("tbl-headline", "gives measures")))
    assert told.count("No model was fitted") == 1


def entered(study: Study, value: int | None, method: str = "") -> Study:
    record = Record(
        kind="model", model="clinical", estimate="n_findings_entered", value=value, method=method, stage="evaluate"
    )
    return Study(study.root, study.info, study.records | {"model/clinical/n_findings_entered": record})


def test_what_became_of_the_findings_is_said_cause_by_cause(whole_study: Path, empty_study: Path) -> None:
    whole, empty = open_study(whole_study), open_study(empty_study)
    assert "were modelled by logistic regression" in str(findings.regression(entered(whole, 2)))
    few = Study(whole.root, whole.info.model_copy(update={"models": {}}), whole.records)
    assert str(findings.regression(entered(few, 0))).endswith(
        "No finding passed the univariable screening, so that none entered a multivariable regression. There is no clinical model; the notes say why."
    )
    none = entered(empty, None, "not estimable: no training case has all findings")
    assert str(findings.regression(none)) == (
        "The clinical findings could not be modelled: no training case has all findings."
    )
    assert str(findings.regression(empty)) == "The study has no clinical findings to model."


@pytest.mark.parametrize(("events", "shown"), [(6.778, "6.78"), (0.0107, "0.01"), (0.00228, "0.0023")])
def test_few_events_per_parameter_are_not_none(events: float, shown: str) -> None:
    assert per_parameter(events) == shown


def test_lists_in_sentences() -> None:
    assert [wording.listed(["A", "B", "C"][:n]) for n in range(4)] == ["", "A", "A and B", "A, B and C"]


@pytest.mark.parametrize("name", get_args(EvaluationSection.model_fields["pairs_adjusted_by"].annotation))
def test_an_adjustment_is_named_as_people_name_it(study: Study, name: str) -> None:
    told = changed(study, "design/pairs_adjusted_by", value=name)
    said = wording.adjustment(told)
    assert ("are not adjusted" in str(said)) is (name == "none")
    assert f"design/pairs_adjusted_by = '{name}'" in said.markdown
    # What the documents' audit takes for the record's words, and nothing else.
    printed = wording.ADJUSTMENTS[name]
    assert printed in str(said)
    assert printed in forms(told.records["design/pairs_adjusted_by"])
    assert name == "holm" or "Holm's method" not in forms(told.records["design/pairs_adjusted_by"])


def test_without_a_protocol_the_paper_says_so(study: Study) -> None:
    none = study.info.protocol.model_copy(update={"registered": False, "deviations": (), "choices": ()})
    bare = Study(study.root, study.info.model_copy(update={"protocol": none}), study.records)
    assert "No protocol was registered" in str(wording.protocol(bare))
    assert "one decision departs from a printed value, and one decision settles" in str(wording.protocol(study))


def test_sets_of_predictions_are_those_that_there_are(study: Study) -> None:
    assert "three sets of predictions that are kept apart: of the training patients" in str(wording.sets(study))
    only = Study(
        study.root,
        study.info,
        {key: record for key, record in study.records.items() if record.kind not in ("apparent", "out_of_fold")},
    )
    assert str(wording.sets(only)) == "Performance is given for one set of predictions: of the internal test set."


def test_the_footer_names_versions_hashes_and_engine(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(wording.ENGINE_VARIABLE, "Quarto 1.10.18")
    footer = str(wording.footer(study))
    for part in ("vcfstats 0.1.0", "Quarto 1.10.18", "params a1a1", "data b2b2", "code c3c3"):
        assert part in footer


@pytest.mark.parametrize(
    ("testing", "events", "out_of_fold", "said"),
    [
        ((0.8, 0.65, 0.95), 6, (0.497, 0.4, 0.6), "That is an AUC of 6 events; out of fold in the training set, with 61 events, it was 0.497"),
        ((0.8, 0.65, 0.95), 24, (0.497, 0.4, 0.6), "Out of fold in the training set it was 0.497 (95% CI 0.400 to 0.600), an interval that includes"),
        ((0.6, 0.45, 0.75), 24, (0.84, 0.78, 0.9), "an interval above the value of a model that does not discriminate"),
        ((0.8, 0.65, 0.95), 24, (0.3, 0.2, 0.4), "an interval below the value"),
        ((0.8, 0.65, 0.95), 24, (0.84, 0.78, 0.9), None),
        ((0.6, 0.45, 0.75), 24, (0.5, 0.4, 0.6), None),
    ],
)  # fmt: skip
def test_an_auc_of_few_events_stands_beside_the_out_of_fold_one(
    study: Study, testing: tuple[float, ...], events: int, out_of_fold: tuple[float, ...], said: str | None
) -> None:
    for kind, (value, low, high) in (("testing", testing), ("out_of_fold", out_of_fold)):
        study = changed(study, f"{kind}/first/auc", value=value, ci_low=low, ci_high=high)
    study = changed(study, "testing/first/auc", events=events)
    text = str(wording.discrimination_in(study, "first", "testing"))
    assert (said in text) if said else ("ut of fold" not in text)
    assert "ut of fold in the training set" not in str(wording.discrimination_in(study, "first", "out_of_fold"))


def test_a_model_that_does_not_rank_says_that_its_percentages_must_not_be_used(study: Study) -> None:
    assert "must not be used" not in str(wording.calibration(study, "first", "testing"))
    why = (
        "out of fold this model does not rank patients better than chance (calibration slope 0.10, 95% CI 0.00 to 0.20)"
    )
    record = Record(kind="model", model="first", estimate="better_than_chance", value="no", method=why, stage="learn")
    told = Study(study.root, study.info, study.records | {"model/first/better_than_chance": record})
    text = str(wording.calibration(told, "first", "testing"))
    assert "Out of fold, the First model does not rank patients better than chance (calibration slope 0.81" in text
    assert "its percentages must not be used, and were not recalibrated." in text
    assert any("First; out of fold, their probabilities do not rank" in note for note in calibration_table(told).notes)


def test_fewer_groups_of_the_test_are_told(study: Study) -> None:
    assert str(wording.hosmer_lemeshow_groups(study)) == "10 groups"
    fewer = changed(
        study, "testing/first/hosmer_lemeshow", method="4 groups by quantiles, as many as leave 5 cases to each"
    )
    assert (
        str(wording.hosmer_lemeshow_groups(fewer))
        == "10 groups, or as many as leave five cases to each, at least three"
    )


def test_a_reason_with_numbers_names_its_record(make_study: MakeStudy) -> None:
    study = open_study(make_study())
    none = changed(study, "testing/first/hosmer_lemeshow", value=None, p_value=None, statistic=None, df=None, method="not estimable: 16 cases are too few for 4 groups of 5")  # fmt: skip
    said = wording.calibration(none, "first", "testing")
    assert "was not estimable (16 cases are too few for 4 groups of 5)" in str(said)
    assert ".decision title=" in said.markdown.partition("16 cases")[2]
    assert "16 cases are too few for 4 groups of 5" in forms(none.records["testing/first/hosmer_lemeshow"])
