"""What the table shows of too few cases is told before any image is read, whatever asks."""

import copy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vcfstats.contracts.errors import InputError
from vcfstats.pipeline.cells import Told
from vcfstats.pipeline.check import check_folder
from vcfstats.pipeline.feasible import tell_infeasible
from vcfstats.pipeline.params import Params, check_params
from vcfstats.pipeline.yamlfile import read_yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def body():
    found = read_yaml(ROOT / "params.yaml")
    found["study"]["protocol"], found["deviations"], found["choices"] = None, {}, {}
    found["simulate"], found["split"]["method"] = {}, "stratified"
    found["cohort"] |= {"covariates": {}, "followup": None, "screening": None, "scanner": None}
    return found


def decided(body, **values) -> Params:
    changed = copy.deepcopy(body)
    for key, value in values.items():
        *parents, last = key.split("__")
        part = changed
        for name in parents:
            part = part[name]
        part[last] = value
    return check_params(changed, Path("params.yaml"))


def cohort(events, others, **columns):
    n = events + others
    index = pd.Index([f"P{at:03d}" for at in range(n)], name="case_id")
    frame = pd.DataFrame(
        {
            "patient_id": index,
            "outcome": np.repeat([1, 0], [events, others]),
            "partition": None,
            "mask_intra": "a.nii",
            "mask_inter": "b.nii",
        },
        index=index,
    )
    return frame.assign(**columns)


def told_of(frame, params):
    told = Told(Path("cohort.csv"))
    tell_infeasible(frame, params, told)
    return told


SEX = {"sex": {"type": "binary", "label": "Sex", "levels": {"f": "F", "m": "M"}}}


def test_a_cohort_that_is_large_enough_is_counted_and_nothing_else(body):
    told = told_of(cohort(40, 60), decided(body))
    assert told.problems == []
    assert told.notes == [
        "training: 70 cases of 70 patients, 28 events",
        "internal test set: 30 cases of 30 patients, 12 events",
    ]


@pytest.mark.parametrize(
    ("events", "others", "values", "warning", "said"),
    [
        (6, 60, {}, False, "4 events among the training patients; allowed: at least one per fold (5 folds)"),
        (60, 6, {}, False, "4 non-events among the training patients"),
        (1, 60, {}, False, "internal test set"),
        (60, 0, {}, False, "events and non-events in both partitions"),
        (9, 17, {}, False, "25 neighbours among 18 training cases"),
        (15, 25, {}, True, "25 neighbours among 22 training cases of the smallest fit"),
        (4, 60, {"learning__folds__n": 3}, True, "2 patients of the rarer class in the smallest fit"),
        (30, 30, {"trunk__trained": "head", "trunk__training__stop_share": 0.01}, False, "for the network (all folds)"),
        (7, 60, {"trunk__trained": "head", "trunk__cross_fit": "folds", "trunk__training__stop_share": 0.15}, False, "for the network (without fold"),
    ],
)  # fmt: skip
def test_too_few_cases_are_told(body, events, others, values, warning, said):
    told = told_of(cohort(events, others), decided(body, **values))
    found = [problem for problem in told.problems if said.replace("internal test set", "testing cases") in str(problem)]
    assert found, [str(problem) for problem in told.problems]
    assert found[0].warning == warning
    assert "cohort.csv" in str(found[0])


def test_a_given_partition_is_looked_at(body):
    params = decided(body, split__method="column", split__column="partition")
    frame = cohort(20, 40)
    frame["partition"] = np.where(np.arange(60) < 25, "training", "testing")
    assert "35 testing cases, 0 of them events" in str(told_of(frame, params).problems[0])
    frame["partition"] = np.where(np.arange(60) % 2, "training", "testing")
    frame["patient_id"] = np.repeat([f"Q{at}" for at in range(30)], 2)
    assert "cases in training and in testing" in str(told_of(frame, params).problems[0])


def test_readings_that_the_filter_needs_are_told(body):
    frame = cohort(40, 60, mask_inter=None)
    (problem,) = told_of(frame, decided(body)).problems
    assert "0 training cases with a region in cohort.mask_mask_inter" not in str(problem)
    assert "0 training cases with a region in cohort.mask_inter; allowed: 2 at least" in str(problem)
    assert told_of(frame, decided(body, learning__reliability__combine="intra")).problems == []
    assert told_of(frame.assign(mask_intra=None), decided(body)).problems == []  # no filter, which the paper says
    assert told_of(frame, decided(body, learning__reliability__source="none")).problems == []


def test_findings_that_nobody_has_are_told(body):
    params = decided(body, cohort__covariates={"sex": {**SEX["sex"], "second_reading": "sex2"}})
    frame = cohort(40, 60, sex="f", sex_second=None)
    assert "no training case with both readings of sex" in str(told_of(frame, params).problems[0])
    found = [str(problem) for problem in told_of(frame.assign(sex=None), params).problems]
    assert any("0 training cases with every finding" in said and "sex is missing in 70 of 70" in said for said in found)


def test_scanners_of_a_column_are_counted_in_every_fit(body):
    options = {
        "cohort__scanner": {"column": "machine"},
        "learning__selection__harmonisation__method": "combat",
        "learning__selection__harmonisation__min_cases": 10,
    }
    params = decided(body, **options)
    assert told_of(cohort(40, 60, scanner=np.where(np.arange(100) % 2, "A", "B")), params).problems == []
    few = cohort(40, 60, scanner=np.where(np.arange(100) % 10, "A", "B"))
    assert "training cases of scanner B in the fit" in str(told_of(few, params).problems[0])
    assert "one scanner, A" in str(told_of(cohort(40, 60, scanner="A"), params).problems[0])
    gaps = cohort(40, 60, scanner=np.where(np.arange(100) % 2, "A", None))
    assert "no scanner" in str(told_of(gaps, params).problems[0])
    assert (
        told_of(few, decided(body, **{**options, "learning__selection__harmonisation__method": "none"})).problems == []
    )


def test_check_with_params_tells_it_without_an_image(body, tmp_path):
    """No image is there at all: what the table shows comes beside what is missing."""
    from ruamel.yaml import YAML

    changed = copy.deepcopy(body)
    changed["cohort"] |= {"folder": ".", "mask_intra": None, "mask_inter": None}
    changed["cohort"]["outcome"] |= {"column": "dx", "event": "ill"}
    YAML(typ="safe").dump(changed, tmp_path / "params.yaml")
    rows = [f"P{at},{at}.nii,{at}m.nii,{'ill' if at < 5 else 'well'}" for at in range(30)]
    (tmp_path / "cohort.csv").write_text("patient_id,image,mask,dx\n" + "\n".join(rows) + "\n")
    problems = check_folder(tmp_path, params_file=tmp_path / "params.yaml")
    assert "3 events among the training patients" in str(problems[0])
    assert sum("no such file" in problem.found for problem in problems) == 60


def test_check_without_params_understands_other_names_and_proposes(tmp_path):
    from vcfstats.pipeline.check import look_at

    rows = [f"S{at},scans\\{at}.nii.gz,rois/{at}_seg.nii.gz,{'hi' if at % 2 else 'lo'},{at + 0.5},x" for at in range(6)]
    (tmp_path / "cohort.csv").write_text("Subjekt,Aufnahme,Umriss,Grad,Alter,Ort\n" + "\n".join(rows) + "\n")
    told = look_at(tmp_path)
    said = "\n".join(told.notes)
    assert "patient_id: column 'Subjekt' (guessed" in said
    assert "image: column 'Aufnahme' (guessed" in said
    assert "mask: column 'Umriss' (guessed" in said
    assert "two values, an outcome or a finding: 'Grad': hi (3), lo (3)" in said
    assert "numbers: 'Alter'" in said
    assert {problem.found for problem in told.problems} == {"no such file"}
    (tmp_path / "cohort.csv").write_text("a,b\n1,2\n1,3\n")
    found = look_at(tmp_path).problems
    assert [problem.found[:20] for problem in found] == ["no column that must b"[:20]] * 3
    assert all("cohort." in problem.mend for problem in found)


def test_a_refusal_by_the_split_stage_is_the_same(body):
    with pytest.raises(InputError, match="4 events among the training patients"):
        told_of(cohort(6, 60), decided(body)).refuse()
