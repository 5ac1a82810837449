"""Baseline tables: p values against R, totals, percentages, sums, pooling, and forms of tables."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vcfstats import audit_table
from vcfstats.audit.table.cells import printed
from vcfstats.audit.table.characteristics import read_baseline
from vcfstats.audit.table.pvalues import categorical_candidates, continuous_candidates

REFERENCE = Path(__file__).parents[1] / "reference" / "baseline"
FILES = sorted(path.name for path in REFERENCE.glob("tests_*.json"))


def of_r(file):
    return json.loads((REFERENCE / file).read_text())["results"]


@pytest.mark.parametrize("file", FILES)
def test_categorical_p_values_of_r(file):
    """chisq.test with and without correction, fisher.test (of r x 2 too), DescTools::GTest."""
    looked = 0
    for entry in of_r(file).values():
        if not isinstance(entry, dict) or "chisq_nocorrect" not in entry:
            continue
        counts = np.array(entry["table"]["counts"])
        if (counts.sum(axis=0) == 0).any() or (counts.sum(axis=1) == 0).any() or min(counts.shape) < 2:
            continue
        found = categorical_candidates(counts)
        names = {"Pearson": "chisq_nocorrect", "Yates": "chisq_yates", "Fisher": "fisher", "likelihood ratio": "gtest"}
        for ours, theirs in names.items():
            if ours not in found or "value" not in entry.get(theirs, {}):
                continue
            p = entry[theirs]["value"]["p.value"]
            p = p["p.value"] if isinstance(p, dict) else p
            assert found[ours] == pytest.approx(p, rel=1e-6), (file, ours)
            looked += 1
    assert looked or file == "tests_sim1000_lowprev.json"


@pytest.mark.parametrize("file", FILES)
def test_t_tests_of_r_lie_in_the_range_over_the_rounding(file):
    looked = 0
    for entry in of_r(file).values():
        if not isinstance(entry, dict) or "t_welch" not in entry:
            continue
        summary = entry["summary"]
        for places in (1, 3):
            means = [printed(f"{abs(m):.{places}f}") for m in summary["mean"]]
            sds = [printed(f"{s:.{places}f}") for s in summary["sd"]]
            if min(summary["mean"]) < 0 or min(s.units for s in sds) == 0:
                continue
            ranges = continuous_candidates(means, sds, summary["n"])
            for ours, theirs in (("Student", "t_student"), ("Welch", "t_welch")):
                p = entry[theirs]["value"]["p.value"]
                low, high = ranges[ours]
                assert low * (1 - 1e-9) <= p <= high * (1 + 1e-9)
                looked += 1
    assert looked


def test_three_groups_of_r():
    data = pd.read_csv(REFERENCE / "base70.csv")
    reference = of_r("threegroup_base70.json")
    for name in ("age", "bmi", "crp", "score"):
        groups = [group[name].dropna() for _, group in data.groupby("center")]
        means, sds = [printed(f"{g.mean():.6f}") for g in groups], [printed(f"{g.std():.6f}") for g in groups]
        ranges = continuous_candidates(means, sds, [len(g) for g in groups])
        for ours, p in (
            ("analysis of variance", reference[name]["aov"]["value"]["Pr(>F)"][0]),
            ("Welch's analysis of variance", reference[name]["oneway_welch"]["value"]["p.value"]),
        ):
            low, high = ranges[ours]
            assert low / 0.9 == pytest.approx(p, rel=1e-4)
            assert low <= p <= high


def table(**changes):
    lines = {
        ("Age", ""): ["63.32 ± 13.44", "64.33 ± 14.14", "60.97 ± 11.37", "0.080"],
        ("Gender", ""): ["", "", "", "0.979"],
        ("Gender", "Male"): ["105 (44.87)", "73 (44.51)", "32 (45.71)", ""],
        ("Gender", "Female"): ["129 (55.13)", "91 (55.49)", "38 (54.29)", ""],
        ("Edema", ""): ["", "", "", "0.438"],
        ("Edema", "Absent"): ["167 (71.37)", "120 (73.17)", "47 (67.14)", ""],
        ("Edema", "Present"): ["67 (28.63)", "44 (26.83)", "23 (32.86)", ""],
    }
    columns = ["All", "Training", "Testing", "p"]
    for place, value in changes.items():
        variable, level, column = place.split("__")
        lines[variable, level][columns.index(column)] = value
    return pd.DataFrame([[*key, *cells] for key, cells in lines.items()], columns=["variable", "level", *columns])


def found(frame, **options):
    audit = audit_table(frame, n=options.pop("n", {"training": 164, "testing": 70}), **options)
    return {(f.severity, f.check) for f in audit.findings}


def test_a_table_that_is_right():
    assert found(table()) == set()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Gender__Male__Testing": "32 (46.71)"}, {("inconsistent", "percentage")}),
        (
            {"Gender__Male__Testing": "33 (45.71)"},
            {("inconsistent", "percentage"), ("inconsistent", "groups and all"), ("inconsistent", "p value")},
        ),
        ({"Age____p": "0.008"}, {("inconsistent", "p value")}),
        ({"Gender____p": "0.797"}, {("inconsistent", "p value")}),
        ({"Age____All": "68.32 ± 13.44"}, {("inconsistent", "pooled mean")}),
        ({"Age____All": "63.36 ± 13.44"}, {("note", "pooled mean")}),  # a few missing values would do it
        ({"Age____All": "63.32 ± 18.44"}, {("inconsistent", "pooled SD")}),
        ({"Age____p": "0.085"}, {("note", "p value")}),
    ],
)  # fmt: skip
def test_one_error(changes, expected):
    assert found(table(**changes)) == expected


def test_columns_under_each_others_heading():
    frame = table().rename(columns={"Training": "Testing", "Testing": "Training"})
    audit = audit_table(frame, n={"training": 164, "testing": 70})
    assert {f.check for f in audit.findings} == {"column total"}
    assert "exchanged" in audit.findings[0].mend
    named = table().rename(columns={"Training": "B", "Testing": "A"})
    assert found(named) == set()  # a column that nobody labels is no error
    assert found(named, columns={"A": "training", "B": "testing"}) == {("inconsistent", "column total")}
    assert found(named, columns={"B": "training", "A": "testing"}) == set()


def test_percentages_of_rows_and_of_patients_without_missing_values():
    by_row = pd.DataFrame(
        {"variable": ["Sex", "Sex"], "level": ["Male", "Female"], "All": ["105", "129"],
         "Benign": ["65 (61.9%)", "84 (65.1%)"], "Malignant": ["40 (38.1%)", "45 (34.9%)"], "P": ["0.611", ""]}
    )  # fmt: skip
    assert not audit_table(by_row).findings
    missing = table(Edema__Absent__Training="115 (72.33)", Edema__Present__Training="44 (27.67)", Edema__Absent__All="162 (70.74)", Edema__Present__All="67 (29.26)", Edema____p="0.527")  # fmt: skip
    assert ("inconsistent", "percentage") not in found(missing)  # of 159 and 229


FORMS = {
    "levels indented, two blocks": (
        ["Characteristic", "Benign (n=103)", "Malignant (n=61)", "P", "Benign test (n=46)", "Malignant test (n=24)", "P value"],
        [
            ["Age, mean ± SD", "60.1 ± 10.2", "66.3 ± 9.8", "<0.001", "61.0 ± 11.0", "65.2 ± 10.1", "0.125"],
            ["Sex", "", "", "0.960", "", "", "0.603"],
            ["  Male", "46 (44.7)", "27 (44.3)", "", "20 (43.5)", "12 (50.0)", ""],
            ["  Female", "57 (55.3)", "34 (55.7)", "", "26 (56.5)", "12 (50.0)", ""],
            ["CA125, median (IQR)", "35.0 (20.1-60.2)", "44 [30, 80]", "0.010", "12 (8–20)", "14 (9–25)", "0.300"],
        ],
        [("Age, mean ± SD", "mean", 1), ("Sex", "count", 2), ("CA125, median (IQR)", "median", 1)],
    ),
    "slashes and a column of statistics": (
        ["Variables", "All patients (n = 234)", "Training set (n = 164)", "Test set (n = 70)", "χ2/t", "P"],
        [
            ["Gender (male/female)", "105/129", "73/91", "32/38", "0.03", "0.979"],
            ["Age (years)", "63.32±13.44", "64.33±14.14", "60.97±11.37", "1.76", "0.080"],
            ["Mass (%)", "12 (5.1)", "9 (5.5)", "3 (4.3)", "", "0.954"],
        ],
        [("Gender (male/female)", "count", 2), ("Age (years)", "mean", 1), ("Mass (%)", "count", 1)],
    ),
    "mean (SD) beside n (%)": (
        ["Characteristic", "Training (n=164)", "Testing (n=70)", "p"],
        [["Age", "64 (14)", "61 (11)", "0.11"], ["Male", "73 (45)", "32 (46)", "0.98"], ["BMI", "24.1 (3.2)", "24.3 (3.1)", "0.66"]],
        [("Age", None, 1), ("Male", None, 1), ("BMI", "mean", 1)],
    ),
    "percent before count": (
        ["Feature", "Training", "Validation", "P value"],
        [["Male", "44.5% (73/164)", "45.7% (32/70)", "0.98"], ["Edema", "26.8% (44/164)", "32.9% (23/70)", "0.44"]],
        [("Male", "count", 1), ("Edema", "count", 1)],
    ),
    "decimal commas": (
        ["Variable", "Training", "Testing", "p-Wert"],
        [["Alter", "64,33 ± 14,14", "60,97 ± 11,37", "0,080"], ["Masse", "9 (5,5 %)", "3 (4,3 %)", "0,954"]],
        [("Alter", "mean", 1), ("Masse", None, 1)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_baseline_tables(form):
    columns, rows, expected = FORMS[form]
    frame = pd.DataFrame(rows, columns=columns)
    read = read_baseline(frame, "")
    assert [(v.name, len(v.lines)) for v in read.variables] == [(name, lines) for name, _, lines in expected]
    for variable, (_, kind, _) in zip(read.variables, expected, strict=True):
        assert kind is None or variable.kind == kind
    audit = audit_table(frame)
    assert audit.checked.get("p values", 0) >= 2 or form == "decimal commas"
    assert not audit.findings, audit.to_text()


def test_quartiles_and_no_numbers():
    frame = pd.DataFrame({"variable": ["CRP, median (IQR)"], "A": ["8 (10-20)"], "B": ["12 (8-20)"], "p": ["0.2"]})
    assert {(f.severity, f.check) for f in audit_table(frame).findings} == {("inconsistent", "quartiles")}
    with pytest.raises(ValueError, match="no column of the baseline table holds counts"):
        audit_table(table(), baseline=pd.DataFrame({"variable": ["a"], "A": ["x"], "B": ["y"]}))
