"""Reporting guidelines: nothing is ticked that no artefact shows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from vcfstats.audit.checklists import GUIDELINES, Evidence, assess, scores
from vcfstats.audit.checklists.assessment import AUTHOR, MISSING, NOT_APPLICABLE, REPORTED, items
from vcfstats.audit.checklists.evidence import CONDITIONS, RULES
from vcfstats.contracts.records import Record
from vcfstats.contracts.study import TABLES, Hashes, Protocol, StudyFile
from vcfstats.pipeline.params import Statements


def study(tmp_path: Path, **more: object) -> Evidence:
    words = StudyFile(
        title="A made-up study", simulated=False, condition="nothing", event_label="event", nonevent_label="none", case_noun="case",
        models={"dlrn": "DLRN", "clinical": "Clinical"}, data_source="Made up.", protocol=Protocol(registered=False),
        hashes=Hashes(params="a", data="b", code="c"), version="0",
    )  # fmt: skip
    given: dict[str, object] = {"root": tmp_path, "words": words, "records": {}, "tables": {}}
    flags = {"covariates": True, "second_reading": True, "repeats": True, "end_to_end": False, "alternatives": 0}
    return Evidence(**{**given, **flags, **more})  # type: ignore[arg-type]


def record(key: str, value: object = 0.8, **more: object) -> dict[str, Record]:
    kind, model, estimate = key.split("/") if key.count("/") == 2 else (key.split("/")[0], None, key.split("/")[1])
    return {key: Record(kind=kind, model=model, estimate=estimate, value=value, stage="evaluate", **more)}  # type: ignore[arg-type]


def status(table: pd.DataFrame, guideline: str, item: str) -> str:
    found = table.loc[(table["guideline"] == guideline) & (table["item"] == item), "status"]
    assert len(found) == 1
    return str(found.iloc[0])


@pytest.mark.parametrize("guideline", GUIDELINES, ids=lambda given: given.key)
def test_items_are_whole_and_ask_for_what_there_can_be(guideline: object) -> None:
    table = items(guideline)  # type: ignore[arg-type]
    assert len(table) == guideline.n_items  # type: ignore[attr-defined]
    assert table["item"].is_unique
    assert set(table["by"]) <= {"auto", "author", "na"}
    assert (table["label"].str.len() > 3).all()
    for need in (part for needs in table["needs"] for group in needs.split(";") if group for part in group.split("|")):
        kind, colon, name = need.partition(":")
        known = {
            "table": lambda name: name in TABLES,
            "statement": lambda name: name in Statements.model_fields,
            "words": lambda name: name in StudyFile.model_fields,
        }
        if not colon:
            assert kind in RULES, need
        elif kind in known:
            # Tables of stages that a study may leave out are named before they are in the contract.
            assert known[kind](name) or name in ("forks", "optimism"), need
        else:
            assert kind in ("record", "file"), need
    assert set(table["unless"]) - {""} <= set(CONDITIONS)
    assert (table.loc[table["by"] == "auto", "needs"] != "").all()  # else it could never be reported


def test_the_weights_of_metrics_sum_to_one() -> None:
    metrics = next(guideline for guideline in GUIDELINES if guideline.key == "metrics")
    assert items(metrics)["weight"].astype(float).sum() == pytest.approx(1, abs=1e-9)


def test_an_empty_study_has_nothing_ticked(tmp_path: Path) -> None:
    table = assess(study(tmp_path))
    assert len(table) == sum(guideline.n_items for guideline in GUIDELINES)
    ticked = table[table["status"] == REPORTED]
    # What every study's words hold.
    always = {"study.data_source", "study.condition", "study.event_label", "study.nonevent_label"}
    assert {part for shown in ticked["evidence"] for part in shown.split(", ")} <= always
    found = {record.estimate: record.value for record in scores(table)}
    assert found["metrics_score"] == 0
    assert 0 < found["metrics_score_upper"] < 1  # type: ignore[operator]


def test_an_item_is_ticked_with_its_artefact_and_unticked_without(tmp_path: Path) -> None:
    records = record("testing/dlrn/auc", ci_low=0.7, ci_high=0.9, level=0.95) | record("testing/dlrn/calibration_slope")
    rows = {name: pd.DataFrame({"x": [1]}) for name in ("roc", "calibration", "decision")}
    whole = assess(study(tmp_path, records=records, tables=rows))
    assert status(whole, "tripod_ai", "12e") == REPORTED
    assert status(whole, "metrics", "22") == REPORTED
    for name in rows:
        less = assess(study(tmp_path, records=records, tables={key: rows[key] for key in rows if key != name}))
        assert status(less, "tripod_ai", "12e") == MISSING
    undefined = record("testing/dlrn/auc", None) | record("testing/dlrn/calibration_slope")
    assert status(assess(study(tmp_path, records=undefined, tables=rows)), "metrics", "26") == MISSING
    empty = {**rows, "decision": pd.DataFrame({"x": []})}
    assert status(assess(study(tmp_path, records=records, tables=empty)), "tripod_ai", "12e") == MISSING


def test_an_interval_is_needed_of_every_headline_model(tmp_path: Path) -> None:
    both = record("testing/dlrn/auc", ci_low=0.7, ci_high=0.9, level=0.95) | record("testing/clinical/auc")
    assert status(assess(study(tmp_path, records=both)), "metrics", "21") == MISSING
    both |= record("testing/clinical/auc", ci_low=0.6, ci_high=0.8, level=0.95)
    assert status(assess(study(tmp_path, records=both)), "metrics", "21") == REPORTED


def test_dimensionality_counts_events_for_each_feature_kept(tmp_path: Path) -> None:
    base = record("design/n_features_radiomics", 100)
    for kept, expected in ((6, REPORTED), (7, MISSING)):
        records = base | record("model/radiomics/n_features_kept", kept) | record("model/radiomics/events", 61)
        assert status(assess(study(tmp_path, records=records)), "metrics", "16") == expected


def test_what_only_authors_can_say_is_theirs_until_they_say_it(tmp_path: Path) -> None:
    given = study(tmp_path)
    assert status(assess(given), "tripod_ai", "18a") == AUTHOR
    words = given.words.model_copy(update={"statements": {"funding": "None."}})
    assert status(assess(study(tmp_path, words=words)), "tripod_ai", "18a") == REPORTED
    assert status(assess(study(tmp_path, words=words)), "claim", "44") == REPORTED
    # Prose is named but never judged.
    assert status(assess(study(tmp_path, words=words)), "tripod_ai", "1") == AUTHOR


def test_the_abstract_is_ticked_by_what_it_prints(tmp_path: Path) -> None:
    records = record("testing/dlrn/auc", ci_low=0.7, ci_high=0.9, level=0.95) | record("design/auc_interval", "DeLong")
    table = assess(study(tmp_path, records=records))
    found = {item: status(table, "tripod_ai_abstracts", item) for item in map(str, range(1, 14))}
    assert {item for item, given in found.items() if given == REPORTED} == {"3", "4", "6", "8", "11"}
    assert {item for item, given in found.items() if given == AUTHOR} == {"1", "2", "5", "12", "13"}
    # The list of the whole paper names the abstract as one item, of which these are the parts.
    assert status(table, "tripod_ai", "2") == MISSING
    less = assess(study(tmp_path, records=record("testing/dlrn/auc") | record("design/auc_interval", "DeLong")))
    assert status(less, "tripod_ai_abstracts", "11") == MISSING


def test_a_sensitivity_analysis_is_alternatives_that_were_run(tmp_path: Path) -> None:
    for alternatives, shown in ((0, ("not reported", "")), (3, ("reported", "results/forks.json"))):
        table = assess(study(tmp_path, alternatives=alternatives)).set_index(["guideline", "item"])
        assert tuple(table.loc[("claim", "30"), ["status", "evidence"]]) == shown


def test_what_does_not_apply_says_why(tmp_path: Path) -> None:
    given = study(tmp_path, words=study(tmp_path).words.model_copy(update={"simulated": True}))
    table = assess(given)
    row = table[(table["guideline"] == "tripod_ai") & (table["item"] == "8b")].iloc[0]
    assert (row["status"], row["place"]) == (NOT_APPLICABLE, "The patients are simulated.")
    # METRICS lets an item fall away for want of regions, features or end-to-end learning, not for simulated patients.
    assert status(table, "metrics", "3") == AUTHOR
    assert status(table, "metrics", "17") == NOT_APPLICABLE


def test_the_score_is_a_share_of_what_applies(tmp_path: Path) -> None:
    records = record("testing/dlrn/auc", ci_low=0.7, ci_high=0.9, level=0.95)
    table = assess(study(tmp_path, records=records))
    rows = table[(table["guideline"] == "metrics") & (table["status"] != NOT_APPLICABLE)]
    by_hand = rows.loc[rows["status"] == REPORTED, "weight"].sum() / rows["weight"].sum()
    found = {record.estimate: record.value for record in scores(table)}
    assert found["metrics_score"] == pytest.approx(by_hand, rel=1e-12)
    assert found["metrics_score"] > 0
    counts = [found[f"metrics_{name}"] for name in ("reported", "not_reported", "not_applicable", "author_must_supply")]
    assert sum(counts) == 30  # type: ignore[arg-type]


def test_a_need_of_no_known_kind_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="kinds are record, table"):
        study(tmp_path).shows("hope:best")
