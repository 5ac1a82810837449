import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from scipy.stats import random_table

from vcfstats import baseline_table, standardised_difference
from vcfstats.statistics.descriptive.difference import difference_of_counts
from vcfstats.statistics.descriptive.fisher import fisher_pvalue

ROOT = Path(__file__).parents[1] / "reference"
REFERENCE = ROOT / "baseline"
TWO = sorted(p.stem for p in REFERENCE.glob("tests_*.json"))
THREE = sorted(p.stem for p in REFERENCE.glob("threegroup_*.json"))
FORCED = {
    "t_student": ("student", "Student t-test"),
    "t_welch": ("welch", "Welch t-test"),
    "wilcox_default": ("mann-whitney", "Mann-Whitney U test"),
}
COUNTS = {
    "chisq_yates": "chi-square-yates",
    "chisq_nocorrect": "chi-square",
    "fisher": "fisher",
}


def load(case):
    content = json.loads((REFERENCE / f"{case}.json").read_text())
    name = Path(content["meta"]["data"]).name
    path = REFERENCE / name if (REFERENCE / name).exists() else ROOT / "regression" / name
    r = content["results"]
    by = r.get("group_var", "center")
    data = pd.read_csv(path).dropna(subset=[by])
    return data, by, {k: v for k, v in r.items() if isinstance(v, dict) and k in data.columns}


def numeric(entry):
    return "summary" in entry or "aov" in entry


def only(data, by, name, test, kind):
    option = {"continuous" if kind == "numeric" else "categorical": [name]}
    return baseline_table(data, by, variables=[name], test={name: test}, **option).variables[0]


@pytest.mark.parametrize("case", TWO)
def test_numeric_variables_of_r(case):
    data, by, r = load(case)
    checked = 0
    for name, entry in r.items():
        if not numeric(entry):
            continue
        for key, (test, label) in FORCED.items():
            if "value" not in entry.get(key, {}):
                continue
            found, peer = only(data, by, name, test, "numeric"), entry[key]["value"]
            assert found.test == label
            assert_allclose(found.pvalue, peer["p.value"], rtol=1e-9)
            assert_allclose(found.statistic, next(iter(peer["statistic"].values())), rtol=1e-9)
            if "parameter" in peer:
                assert_allclose(found.df[0], peer["parameter"]["df"], rtol=1e-9)
            checked += 1
        summary = entry["summary"]
        assert_allclose(found.mean, summary["mean"], rtol=1e-12)
        assert_allclose(found.sd, summary["sd"], rtol=1e-10)
        quartiles = np.array([summary["q_type7_x1"], summary["q_type7_x2"]])[:, 1:4].T
        assert_allclose([found.q1, found.median, found.q3], quartiles, rtol=1e-12)
        assert_allclose(found.smd, entry["smd_tableone"]["value"], rtol=1e-9)
        for i in (0, 1):
            if "value" in entry[f"shapiro_x{i + 1}"]:  # Royston's algorithm keeps 6 digits
                assert_allclose(found.normality_pvalue[i], entry[f"shapiro_x{i + 1}"]["value"]["p.value"], rtol=1e-5)
        for key, center in (("levene_mean", "mean"), ("brown_forsythe_median", "median")):
            table = baseline_table(data, by, variables=[name], continuous=[name], variance_center=center)
            peer = entry[key]["value"]["Pr(>F)"][0]
            if isinstance(peer, float):
                assert_allclose(table.variables[0].homogeneity_pvalue, peer, rtol=1e-9)
    assert checked > 0


@pytest.mark.parametrize("case", TWO + THREE)
def test_categorical_variables_of_r(case):
    data, by, r = load(case)
    for name, entry in r.items():
        if numeric(entry):
            continue
        complete = data.dropna(subset=[name])
        keys = COUNTS | ({"chisq": "chi-square"} if case in THREE else {})
        for key, test in keys.items():
            if "value" not in entry.get(key, {}):
                continue
            found = only(complete, by, name, test, "categorical")
            if "Monte Carlo" in found.test:
                p = entry[key]["value"]["p.value"]
                assert abs(found.pvalue - p) < 4 * np.sqrt(p * (1 - p) / 100_000)
            else:
                assert_allclose(found.pvalue, entry[key]["value"]["p.value"], rtol=1e-9)
        if "table" in entry:
            assert found.counts[:, found.counts.sum(axis=0) > 0].tolist() == entry["table"]["counts"]
            value = entry.get("smd_tableone", {}).get("value")
            shared = all((a * b).any() for a, b in combinations(found.counts, 2))
            if isinstance(value, float) and shared:
                assert_allclose(found.smd, value, rtol=1e-9)
            elif not shared:  # tableone's number then depends on the order of the levels
                assert found.smd == np.inf


@pytest.mark.parametrize("case", THREE)
def test_three_groups_of_r(case):
    data, by, r = load(case)
    for name, entry in r.items():
        if not numeric(entry):
            continue
        for key, test in (("oneway_welch", "welch-anova"), ("kruskal", "kruskal-wallis")):
            found, peer = only(data, by, name, test, "numeric"), entry[key]["value"]
            assert_allclose(found.pvalue, peer["p.value"], rtol=1e-9)
            assert_allclose(found.statistic, next(iter(peer["statistic"].values())), rtol=1e-9)
        assert_allclose(only(data, by, name, "anova", "numeric").pvalue, entry["aov"]["value"]["Pr(>F)"][0], rtol=1e-9)


def brute_force(table):
    """Freeman-Halton by drawing: the share of random tables no more probable, as an independent route."""
    from scipy.special import gammaln

    table = np.asarray(table)
    drawn = random_table(table.sum(axis=1), table.sum(axis=0), seed=np.random.default_rng(1)).rvs(20_000)
    logs = -gammaln(drawn + 1.0).sum(axis=(1, 2))
    return np.mean(logs <= -gammaln(table + 1.0).sum() + 1e-7)


@given(arrays(np.int64, st.sampled_from([(2, 3), (3, 3), (3, 2), (4, 2)]), elements=st.integers(0, 6)))
@settings(max_examples=25, deadline=None)
def test_exact_fisher_agrees_with_drawn_tables(table):
    if (table.sum(axis=0) == 0).any() or (table.sum(axis=1) == 0).any():
        return
    exact, name = fisher_pvalue(table)
    assert name == "Fisher's exact test"
    drawn = brute_force(table)
    assert abs(exact - drawn) < 5 * np.sqrt(max(exact * (1 - exact), 1e-4) / 20_000)
    assert_allclose(fisher_pvalue(table.T)[0], exact, rtol=1e-9)


def test_published_tea_tasting():
    assert_allclose(fisher_pvalue([[3, 1], [1, 3]])[0], 34 / 70, rtol=1e-12)  # Fisher (1935): 1, 16, 36, 16, 1 of 70


def test_rules_choose_the_test():
    rng = np.random.default_rng(4)
    group = np.repeat(["a", "b"], 60)
    data = pd.DataFrame(
        {
            "same": rng.normal(size=120),
            "wide": rng.normal(size=120) * np.repeat([1, 4], 60),
            "skewed": rng.lognormal(sigma=1.5, size=120),
            "common": rng.integers(0, 3, 120).astype(str),
            "binary": rng.integers(0, 2, 120),
            "rare": np.repeat(["u", "v", "u"], [3, 1, 116]),
            "only": "one",
            "flat": np.where(np.arange(120) >= 0, 7.0, 7.0),
        }
    )
    table = baseline_table(data, group, continuous=["flat"])
    chosen = {v.name: (v.test, v.reason) for v in table.variables}
    assert chosen["same"] == ("Student t-test", "Shapiro-Wilk p >= 0.05 in every group; Levene p >= 0.05")
    assert chosen["wide"] == ("Welch t-test", "Shapiro-Wilk p >= 0.05 in every group; Levene p < 0.05")
    assert chosen["skewed"] == ("Mann-Whitney U test", "Shapiro-Wilk p < 0.05 in a group")
    assert chosen["common"] == ("chi-square test", "expected counts suffice")
    assert chosen["binary"] == ("chi-square test (Yates)", "expected counts suffice")
    assert chosen["rare"] == ("Fisher's exact test", "small expected counts (smallest 0.5)")
    assert chosen["only"] == ("", "no test: one level only")
    assert chosen["flat"][0] == ""
    plain = baseline_table(data, group, yates=False, small_expected="chi-square", nonnormal=["same"], normal=["skewed"])
    chosen = {v.name: v.test for v in plain.variables}
    assert chosen["binary"] == "chi-square test"
    assert chosen["rare"] == "chi-square test"
    assert chosen["same"] == "Mann-Whitney U test"
    assert chosen["skewed"].endswith("t-test")


def test_frame_counts_missing_and_prints_both_shapes():
    data, by, _ = load("tests_real_lung")
    table = baseline_table(data, by, variables=["age", "wt.loss", "ph.ecog"], categorical=["ph.ecog"])
    frame = table.to_frame()
    assert frame.columns.tolist() == ["variable", "level", "overall", "1", "2", "missing", "p_value", "test", "smd"]
    assert frame["missing"].dropna().tolist() == [0, 14, 1]
    assert frame.loc[1, "overall"] == "7.0 (0.0, 15.8)"
    first = frame[frame["variable"] == "ph.ecog"].iloc[0]
    assert first["1"] == "36 (26.3%)"
    tidy = table.to_tidy()
    assert tidy.loc[(tidy["variable"] == "ph.ecog") & (tidy["group"] == "overall"), "count"].sum() == 227


def test_groups_of_the_same_patients_do_not_differ():
    data = pd.read_csv(REFERENCE / "base70.csv").drop(columns="group")
    doubled = pd.concat([data, data], ignore_index=True)
    frame = baseline_table(doubled, np.repeat([0, 1], 70)).to_frame().dropna(subset="p_value")
    assert_allclose(frame["smd"].astype(float), 0, atol=1e-12)
    assert (frame["p_value"] > 0.99).all()


@given(st.integers(0, 10_000), st.floats(0.1, 10), st.floats(-5, 5))
@settings(max_examples=25, deadline=None)
def test_smd_is_free_of_units_and_of_order(seed, scale, shift):
    rng = np.random.default_rng(seed)
    x, g = rng.normal(size=30), np.repeat([0, 1], 15)
    base = standardised_difference(x, g)
    assert_allclose(standardised_difference(x * scale + shift, g), base, rtol=1e-8)
    assert_allclose(standardised_difference(x, 1 - g), base, rtol=1e-10)
    two = x > 0
    p, q = two[g == 0].mean(), two[g == 1].mean()
    spread = np.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    if spread > 0:
        assert_allclose(standardised_difference(two, g, categorical=True), abs(p - q) / spread, rtol=1e-8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "nothing"}, "no column"),
        ({"by": "one"}, "needs two groups"),
        ({"by": "holed"}, "group is missing in 1 row"),
        ({"by": [0, 1]}, "2 entries for 4 rows"),
        ({"by": "g", "variables": ["z"]}, r"\['z'\]"),
        ({"by": "g", "test": {"x": "sign"}}, "test must be one of"),
        ({"by": "g", "test": {"x": "fisher"}, "continuous": ["x"]}, "does not fit 'x'"),
        ({"by": "g", "test": {"w": "student"}}, "does not fit 'w'"),
        ({"by": "g", "continuous": ["w"]}, "called continuous"),
        ({"by": "g", "variables": ["empty"], "continuous": ["empty"]}, "no known value in group '1'"),
    ],
)
def test_errors(options, message):
    data = pd.DataFrame(
        {
            "g": [0, 0, 1, 1],
            "one": [1, 1, 1, 1],
            "holed": [0, 1, None, 1],
            "x": [1.0, 2, 3, 4],
            "w": list("abab"),
            "empty": [1.0, 2, np.nan, np.nan],
        }
    )
    with pytest.raises(ValueError, match=message):
        baseline_table(data, **options)


def test_groups_that_share_no_level_are_infinitely_far_apart():
    values, groups = np.array(list("aabbccdd")), np.repeat([0, 1], 4)
    for order in ("abcd", "cadb", "dcba"):
        renamed = np.array([order["abcd".index(v)] for v in values])
        assert standardised_difference(renamed, groups, categorical=True) == np.inf
    assert standardised_difference(list("aabb"), [0, 0, 1, 1], categorical=True) == np.inf
    assert standardised_difference([1, 1, 2, 2, 1, 2], [0, 0, 1, 1, 2, 2], categorical=True) == np.inf
    assert np.isnan(standardised_difference(list("aaaa"), [0, 0, 1, 1], categorical=True))
    frame = pd.DataFrame({"level": values, "g": groups})
    assert baseline_table(frame, "g").to_frame()["smd"][0] == np.inf


@given(arrays(np.int64, (2, 4), elements=st.integers(0, 5)), st.permutations(range(4)))
@settings(deadline=None, max_examples=60)
def test_smd_does_not_depend_on_the_order_of_levels(counts, order):
    if (counts.sum(axis=1) == 0).any():
        return
    found, other = difference_of_counts(counts), difference_of_counts(counts[:, order])
    assert_allclose(found, other, rtol=1e-6, atol=1e-9)
    assert np.isinf(found) == (not (counts.min(axis=0) > 0).any())


def test_fisher_of_the_job_satisfaction_table():
    """Agresti (2002), table 3.2, as in the help of R's fisher.test: p 0.7827, whichever way the table lies."""
    job = np.array([1, 2, 1, 0, 3, 3, 6, 1, 10, 10, 14, 9, 6, 7, 12, 11]).reshape(4, 4)
    found = {fisher_pvalue(table) for table in (job, job.T[::-1, [2, 0, 3, 1]])}
    assert len(found) == 1
    pvalue, name = found.pop()
    assert_allclose(pvalue, 0.782684938965639, rtol=1e-9)
    assert name == "Fisher's exact test"


def test_drawn_fisher_says_its_error_and_does_not_depend_on_orientation():
    table = np.random.default_rng(1).integers(2, 60, (3, 3)) // 3 + np.diag([30, 20, 10])
    table = np.column_stack([table, table[::-1] + 9])
    pvalue, name = fisher_pvalue(table)
    assert "Monte Carlo, 100,000 tables, SE " in name
    assert fisher_pvalue(table.T[::-1]) == (pvalue, name)
    assert_allclose(float(name.split("SE ")[1][:-1]), np.sqrt(pvalue * (1 - pvalue) / 100_000), rtol=0.05)


def test_a_table_without_groups():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"age": rng.normal(60, 10, 30), "size": rng.exponential(size=30), "sex": list("fmm") * 10})
    data.loc[4, "age"] = np.nan
    table, by_sex = baseline_table(data, nonnormal=["size"]), baseline_table(data, "sex", nonnormal=["size"])
    frame = table.to_frame()
    assert frame.columns.tolist() == ["variable", "level", "overall", "missing"]
    assert frame["missing"][0] == 1
    assert frame["overall"][2:].tolist() == ["10 (33.3%)", "20 (66.7%)"]
    assert_allclose(table.variables[0].mean[0], by_sex.variables[0].overall.mean[0])
    assert_allclose(table.variables[1].median[0], data["size"].median())
    assert set(table.to_tidy()["group"]) == {"overall"}
    with pytest.raises(ValueError, match="test= has no effect without groups"):
        baseline_table(data, test={"age": "welch"})
    with pytest.raises(ValueError, match="'age' has no known value; leave it out"):
        baseline_table(data.assign(age=np.nan))
