"""Coverage of restricted means and cumulative incidences, and size of the tests of groups. Simulated data."""

from __future__ import annotations

import numpy as np

from benchmarks.coverage import register
from vcfstats import cumulative_incidence, gray_test, log_rank_trend, pairwise_log_rank, restricted_mean_survival

DESIGNS = [{"n": n, "censoring": c} for n in (70, 164, 1000) for c in (0.3, 1.0)]


def _kept(pvalue):
    """A test that keeps a true hypothesis, as an interval that covers."""
    return (-1.0, 1.0) if pvalue >= 0.05 else (1.0, 2.0)


@register("groups", designs=DESIGNS, replicates=2000)
def restricted_means(design, generator):
    """Difference and ratio of restricted means up to time 1 of two groups with hazards 1 and 1/2 (ratio: against its truth; undefined where a group is not followed so far)."""
    n, half = design["n"], design["n"] // 2
    group = np.repeat([0, 1], [half, n - half])
    truth, end = (
        generator.exponential(np.where(group == 0, 1.0, 2.0)),
        generator.exponential(1 / design["censoring"], n),
    )
    result = restricted_mean_survival(np.minimum(truth, end), truth <= end, tau=1.0, groups=group)
    means = (1 - np.exp(-1.0), 2 * (1 - np.exp(-0.5)))
    difference, ratio = means[1] - means[0], means[1] / means[0]
    low, high = result.confidence_interval(of="ratio")
    return difference, {
        "difference": result.confidence_interval(),
        "ratio": (low - ratio + difference, high - ratio + difference),
    }


@register("groups", designs=[{**d, "at": a} for d in DESIGNS for a in (0.1, 1.0)], replicates=2000)
def cumulative_incidences(design, generator):
    """Cumulative incidence at a time, hazards 0.4 of the cause and 0.6 of another, by scale of the interval."""
    n = design["n"]
    truth, end = generator.exponential(1.0, n), generator.exponential(1 / design["censoring"], n)
    code = np.where(truth <= end, np.where(generator.random(n) < 0.4, 1, 2), 0)
    if not (code == 1).any():
        raise ValueError("no event")
    curve = cumulative_incidence(np.minimum(truth, end), code, cause=1)
    step = np.searchsorted(curve.time, design["at"], side="right") - 1
    found = {}
    for method in ("log-log", "log", "plain"):
        low, high = curve.bands(method=method)
        found[method] = (low[step], high[step])
    return 0.4 * (1 - np.exp(-design["at"])), found


@register("groups", designs=DESIGNS, replicates=2000)
def tests_of_groups(design, generator):
    """Share of tests of three alike groups that rightly keep the hypothesis: Gray's, the log-rank trend, all of Holm's pairs."""
    n = design["n"]
    truth, end = generator.exponential(1.0, n), generator.exponential(1 / design["censoring"], n)
    code = np.where(truth <= end, np.where(generator.random(n) < 0.4, 1, 2), 0)
    time, group = np.minimum(truth, end), generator.permutation(np.arange(n) % 3)
    return 0.0, {
        "gray": _kept(gray_test(time, code, group, cause=1).pvalue),
        "trend": _kept(log_rank_trend(time, code == 1, group).pvalue),
        "pairs, holm": _kept(float(np.nanmin(pairwise_log_rank(time, code == 1, group).adjusted))),
    }
