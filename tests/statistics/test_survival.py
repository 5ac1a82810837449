import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from vcfstats import (
    concordance_index,
    kaplan_meier,
    log_rank_test,
    reverse_kaplan_meier,
    survival_calibration,
    time_dependent_auc,
)

ROOT = Path(__file__).parents[1] / "reference"
CASES = sorted(p.stem for p in (ROOT / "survival").glob("surv_*.json"))
CODES = {"NA": np.nan, "NaN": np.nan, "Inf": np.inf}


def load(case):
    content = json.loads((ROOT / "survival" / f"{case}.json").read_text())
    r, name = content["results"], Path(content["meta"]["data"]).name
    folder = "survival" if (ROOT / "survival" / name).exists() else "baseline"
    data = pd.read_csv(ROOT / folder / name)
    column, value = r["event"].split(" == ")
    needed = [r["time"], column, r["group"], r["marker"]]
    data = data.dropna(subset=[*needed, *(["age", "sex"] if case == "surv_real_lung" else [])])
    assert len(data) == r["n"]
    event = (data[column].astype(str).str.upper() == value).to_numpy()
    return data, data[r["time"]].to_numpy(), event, data[r["group"]], data[r["marker"]].to_numpy(), r


def numbers(*values):
    return np.array([CODES[v] if isinstance(v, str) else v for v in values], dtype=float)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("band", ["log", "log-log", "plain", "logit", "arcsin"])
def test_kaplan_meier_of_survfit(case, band):
    _, time, event, _, _, r = load(case)
    peer = r[f"km_{band}"]["value"]
    curve = kaplan_meier(time, event, band=band)
    row = curve.at(r["times"])
    for column, theirs in (
        ("at_risk", "n.risk"),
        ("survival", "surv"),
        ("se", "std.err"),
        ("low", "lower"),
        ("high", "upper"),
    ):
        assert_allclose(row[column], peer[theirs], rtol=1e-12)
    table = peer["table"]
    assert_allclose(
        [curve.median, *curve.confidence_interval()],
        numbers(table["median"], table["0.95LCL"], table["0.95UCL"]),
        rtol=1e-12,
    )
    assert (curve.n, curve.n_events) == (table["records"], table["events"])


@pytest.mark.parametrize("case", CASES)
def test_reverse_kaplan_meier_of_survfit(case):
    _, time, event, _, _, r = load(case)
    peer = r["reverse_km_median_followup"]["value"]
    curve = reverse_kaplan_meier(time, event)
    found = [curve.median, *curve.confidence_interval(), curve.n_events]
    assert_allclose(found, numbers(peer["median"], peer["0.95LCL"], peer["0.95UCL"], peer["events"]), rtol=1e-12)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("key", "rho"), [("logrank", 0), ("peto_rho1", 1)])
def test_log_rank_of_survdiff(case, key, rho):
    _, time, event, group, _, r = load(case)
    peer = r[key]["value"]
    result = log_rank_test(time, event, group, rho=rho)
    assert_allclose([result.statistic, result.df, result.pvalue], [peer["chisq"], peer["df"], peer["p"]], rtol=1e-9)
    assert_allclose(result.observed, peer["obs"], rtol=1e-9)
    assert_allclose(result.expected, peer["exp"], rtol=1e-9)
    assert_allclose(result.covariance, peer["var"]["data"], rtol=1e-9)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("key", ["concordance_reverse", "concordance_timewt_uno", "concordance_ymax"])
def test_concordance_of_survival(case, key):
    _, time, event, _, marker, r = load(case)
    options = {"concordance_timewt_uno": {"method": "uno"}, "concordance_ymax": {"tau": r["times"][1]}}.get(key, {})
    result, peer = concordance_index(time, event, marker, **options), r[key]["value"]
    assert_allclose([result.concordance, result.se], [peer["concordance"], peer["se"]], rtol=1e-9)
    counts = [result.concordant, result.discordant, result.tied_risk, result.tied_time]
    assert_allclose(counts, [peer["count"][k] for k in ("concordant", "discordant", "tied.x", "tied.y")], rtol=1e-9)
    if key == "concordance_reverse":
        hmisc = r["rcorr.cens"]["value"]
        assert_allclose(result.concordance, hmisc["C Index"], rtol=1e-9)
        assert_allclose(2 * result.se, hmisc["S.D."], rtol=1e-2)  # another estimator of the same


@pytest.mark.parametrize("case", CASES)
def test_auc_of_timeroc(case):
    _, time, event, _, marker, r = load(case)
    peer = r["timeROC_marginal"]["value"]
    result = time_dependent_auc(time, event, marker, r["times"], at_horizon="dropped")
    assert_allclose(result.auc, peer["AUC"], rtol=1e-9)
    # Its influence functions order tied events and censorings otherwise.
    assert_allclose(result.se, peer["se"], rtol=1e-6 if case == "surv_real_df_surv" else 2e-4)
    low, high = result.confidence_interval()
    assert_allclose(
        100 * np.column_stack([low, high]), peer["ci"]["data"], atol=0.0051 + 0.01 * (case != "surv_real_df_surv")
    )


@pytest.mark.parametrize("case", ["surv_surv150", "surv_surv600"])
def test_auc_and_brier_of_score(case):
    data, time, event, _, _, r = load(case)
    peer = r["Score_Brier_AUC"]["value"]
    for i, horizon in enumerate(r["times"]):
        risk = 1 - (1 - np.minimum(data["risk"].to_numpy(), 0.999)) ** (horizon / 24)
        assert_allclose(time_dependent_auc(time, event, risk, [horizon]).auc, [peer["AUC"]["AUC"][i]], rtol=1e-9)
        found = survival_calibration(time, event, risk, horizon, smooth=False)
        assert_allclose(
            [found.brier_null, found.brier], [peer["Brier"]["Brier"][i], peer["Brier"]["Brier"][3 + i]], rtol=1e-9
        )


@pytest.mark.parametrize("case", CASES)
def test_lifelines_agrees(case):
    from lifelines import KaplanMeierFitter
    from lifelines.statistics import multivariate_logrank_test
    from lifelines.utils import concordance_index as lifelines_c

    _, time, event, _, marker, _ = load(case)
    curve = kaplan_meier(time, event, band="log-log")
    peer = KaplanMeierFitter().fit(time, event)
    assert_allclose(curve.survival, peer.survival_function_at_times(curve.time), rtol=1e-10)
    three = np.digitize(marker, np.quantile(marker, [0.34, 0.7]))
    result, other = log_rank_test(time, event, three), multivariate_logrank_test(time, three, event)
    assert_allclose([result.statistic, result.pvalue], [other.test_statistic, other.p_value], rtol=1e-8)
    if case == "surv_real_df_surv":  # lifelines counts pairs tied in time
        assert_allclose(
            concordance_index(time, event, marker).concordance, lifelines_c(time, -marker, event), rtol=1e-12
        )


def test_published_leukaemia():
    """Freireich et al. (1963), 6-mercaptopurine: log-rank 16.79 against placebo, median 23 weeks."""
    t1 = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    e1 = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    t0 = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
    result = log_rank_test(t1 + t0, e1 + [1] * 21, [1] * 21 + [0] * 21)
    assert_allclose(result.statistic, 16.79, atol=0.005)
    assert kaplan_meier(t1, e1).median == 23
    assert_allclose(kaplan_meier(t1, e1).at([10])["survival"], [0.753], atol=5e-4)


def test_without_censoring_all_is_plain():
    rng = np.random.default_rng(0)
    time, marker = rng.exponential(size=60), rng.normal(size=60)
    event = np.ones(60)
    curve = kaplan_meier(time, event)
    assert_allclose(curve.survival, 1 - np.arange(1, 61) / 60)
    assert_allclose(curve.se[:-1], np.sqrt(curve.survival * (1 - curve.survival) / 60)[:-1])
    harrell, uno = concordance_index(time, event, marker), concordance_index(time, event, marker, method="uno")
    assert_allclose(harrell.concordance, uno.concordance, rtol=1e-12)
    from vcfstats import roc_auc

    horizon = float(np.median(time))
    plain = roc_auc(time <= horizon, marker)
    timed = time_dependent_auc(time, event, marker, [horizon])
    assert_allclose(timed.auc[0], plain.auc, rtol=1e-12)
    assert_allclose(timed.se[0] ** 2, plain.variance, rtol=0.05)


def test_censoring_moves_harrell_but_not_uno():
    """With a risk that fades in time, heavy early censoring raises Harrell's C; Uno's stays where it was."""
    rng = np.random.default_rng(2)
    n = 20_000
    x = rng.normal(size=n)
    time = np.minimum(rng.exponential(np.exp(-2 * x)), 1) + (rng.exponential(size=n) > 0)
    time = np.where(time < 2, time - 1, 1 + rng.exponential(size=n))  # after time 1 the marker says nothing
    horizon = 2.0
    full = concordance_index(time[:4000], np.ones(4000), x[:4000], tau=horizon).concordance
    censor = rng.exponential(1.0, size=n)
    seen, event = np.minimum(time, censor)[:4000], (time <= censor)[:4000]
    harrell = concordance_index(seen, event, x[:4000], tau=horizon).concordance
    uno = concordance_index(seen, event, x[:4000], method="uno", tau=horizon)
    assert harrell - full > 0.02
    assert abs(uno.concordance - full) < 4 * uno.se


times = st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.integers(0, 4)), min_size=4, max_size=25)


@given(times)
@settings(deadline=None)
def test_invariants(rows):
    time, event, risk = (np.array(column) for column in zip(*rows, strict=True))
    curve = kaplan_meier(time, event)
    assert (np.diff(curve.survival) <= 1e-15).all()
    low, high = curve.bands()
    inside = ~np.isnan(low)
    assert (low[inside] <= curve.survival[inside] + 1e-12).all()
    assert (curve.survival[inside] <= high[inside] + 1e-12).all()
    assert_array_equal(kaplan_meier(time * 3.0, event).survival, curve.survival)
    groups = risk % 2
    if len(set(groups)) == 2 and event.any():
        result, swapped = log_rank_test(time, event, groups), log_rank_test(time, event, 1 - groups)
        assert_allclose(result.observed.sum(), result.expected.sum(), rtol=1e-9)
        assert_allclose(result.statistic, swapped.statistic, rtol=1e-7, atol=1e-9)
    try:
        c, reversed_ = concordance_index(time, event, risk), concordance_index(time, event, -risk)
    except ValueError:
        return
    assert_allclose(c.concordance + reversed_.concordance, 1, rtol=1e-12)
    assert_allclose(concordance_index(time, event, np.exp(risk)).concordance, c.concordance)


def all_pairs(time, event, risk, weight, tau):
    """Weighted concordant, discordant and tied pairs and the jackknife variance, from every pair of patients."""
    lead = (event & (time <= tau))[:, None]
    same = time[:, None] == time[None, :]
    usable = (lead & ((time[:, None] < time[None, :]) | (same & ~event[None, :]))) * weight[:, None]
    gap = np.sign(risk[:, None] - risk[None, :])
    good = usable * (gap + 1) / 2
    value = good.sum() / usable.sum()
    influence = (good - value * usable).sum(axis=0) + (good - value * usable).sum(axis=1)
    counts = [float((usable * (gap == sign)).sum()) for sign in (1, -1, 0)]
    tied_time = (lead & same & event[None, :] & (gap != 0)) * weight[:, None]
    return [value, *counts, tied_time.sum() / 2, np.sqrt(np.sum(influence**2)) / usable.sum()]


@given(times, st.integers(1, 14), st.sampled_from(["harrell", "uno"]))
@settings(deadline=None)
def test_concordance_counts_every_pair(rows, tau, method):
    time, event, risk = (np.array(column) for column in zip(*rows, strict=True))
    try:
        result = concordance_index(time, event, risk, method=method, tau=tau)
    except ValueError:
        return
    before = np.array([np.prod([1 - np.sum((time == s) & ~event) / np.sum((time > s) | ((time == s) & ~event))
                                for s in set(time[~event & (time < t)])]) for t in time])  # fmt: skip
    weight = 1 / before**2 if method == "uno" else np.ones(len(time))
    found = [result.concordance, result.concordant, result.discordant, result.tied_risk, result.tied_time, result.se]
    weight = np.where(np.isfinite(weight), weight, 0.0)
    assert_allclose(found, all_pairs(time, event, risk, weight, tau), rtol=1e-9, atol=1e-12)


def test_concordance_of_many_patients():
    """Half a second at 100,000; every pair by itself took minutes."""
    rng = np.random.default_rng(3)
    time, event, risk = rng.exponential(size=30_000), rng.random(30_000) < 0.6, rng.normal(size=30_000)
    result = concordance_index(time, event, risk)
    assert_allclose(result.concordance, 0.5, atol=4 * result.se)
    assert result.concordant + result.discordant == np.sum(30_000 - 1 - np.argsort(np.argsort(time))[event])


def test_calibrated_risks_are_found_calibrated():
    rng = np.random.default_rng(4)
    n = 3000
    rate = rng.lognormal(-2, 0.6, n)
    truth, censor = rng.exponential(1 / rate), rng.exponential(12, n)
    time, event = np.minimum(truth, censor), truth <= censor
    risk = 1 - np.exp(-5 * rate)
    good = survival_calibration(time, event, risk, 5)
    low, high = good.confidence_interval()
    assert low < 1 < high
    assert good.ici < 0.02
    assert_allclose(good.groups["observed"], good.groups["predicted"], atol=0.06)
    assert (good.groups["low"] < good.groups["high"]).all()
    bad = survival_calibration(time, event, risk / 2, 5)
    assert_allclose(bad.oe_ratio, 2 * good.oe_ratio, rtol=1e-12)
    assert_allclose(bad.ici, np.mean(risk) / 2, rtol=0.08)  # what was taken away
    assert good.brier < bad.brier


def test_statistics_import_without_lifelines():
    code = (
        "import sys; sys.modules['lifelines'] = None; import vcfstats; from vcfstats import *;"
        "vcfstats.kaplan_meier([1, 2], [1, 0]);"
        "vcfstats.survival_calibration([1., 2., 3.], [1, 0, 1], [.1, .2, .3], 2, smooth=False, n_groups=1)\n"
        "try: vcfstats.survival_calibration([1., 2., 3.], [1, 0, 1], [.1, .2, .3], 2)\n"
        "except ImportError as error: assert 'vcfstats[survival]' in str(error)\n"
        "else: raise SystemExit('no ImportError')"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kaplan_meier([1, -2], [1, 0]), "position 1"),
        (lambda: kaplan_meier([1, 2], [1, 2]), "0/1"),
        (lambda: kaplan_meier([1, 2], [1]), "shape"),
        (lambda: kaplan_meier([1, 2], [1, 0], band="hall"), "band must be one of"),
        (lambda: log_rank_test([1, 2], [1, 0], [1, 1]), "two groups"),
        (lambda: concordance_index([1, 2], [0, 0], [1, 2]), "No pair"),
        (lambda: time_dependent_auc([1, 2], [1, 0], [1, 2], [0]), "positive"),
        (lambda: survival_calibration([1, 2], [1, 0], [0.1, 0.2], 5), "within the follow-up"),
        (lambda: survival_calibration([1, 2], [1, 0], [0.1, 1.2], 1), r"\[0, 1\]"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_no_case_or_no_control_is_nan():
    result = time_dependent_auc([3, 4, 5], [1, 1, 0], [1, 2, 3], [1, 4.5, 9])
    assert np.isnan(result.auc[[0, 2]]).all()
    assert result.auc[1] == 0
    assert result.to_frame()["n_cases"].tolist() == [0, 2, 2]
