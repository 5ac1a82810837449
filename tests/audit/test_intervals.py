"""Intervals: the bound on DeLong's standard error, Hanley and McNeil's, centres."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcfstats import audit_table
from vcfstats.audit.table.cells import printed
from vcfstats.audit.table.intervals import centre_gap, delong_maximum_se, hanley_mcneil_se


def delong_by_pairs(events, others):
    wins = (events[:, None] > others) + 0.5 * (events[:, None] == others)
    variance = wins.mean(axis=1).var(ddof=1) / len(events) + wins.mean(axis=0).var(ddof=1) / len(others)
    return wins.mean(), np.sqrt(variance)


@settings(max_examples=200, deadline=None)
@given(st.integers(2, 12), st.integers(2, 12), st.integers(2, 6), st.integers(0, 10**6))
def test_delongs_estimator_never_exceeds_its_maximum(m, k, levels, seed):
    rng = np.random.default_rng(seed)
    auc, se = delong_by_pairs(rng.integers(0, levels, m), rng.integers(0, levels, k))
    assert se <= delong_maximum_se(auc, m, k) + 1e-12


def test_the_maximum_is_reached_in_each_part():
    """Placements of 0 and 1 alone: half of the events above and half below all non-events."""
    events, others = np.array([5.0] * 6 + [0.0] * 6), np.array([1.0, 2, 3, 4])
    wins = events[:, None] > others
    assert wins.mean(axis=1).var(ddof=1) / 12 == pytest.approx(0.25 / 11)
    assert delong_maximum_se(0.5, 12, 10**9) == pytest.approx(np.sqrt(0.25 / 11), rel=1e-6)


def test_hanley_and_mcneil_where_it_is_known():
    """One pair: A(1 - A). No discrimination: Q1 = Q2 = 1/3, the variance (m + k + 1) / (12 m k) of Mann and Whitney."""
    assert hanley_mcneil_se(0.8, 1, 1) == pytest.approx(np.sqrt(0.16))
    assert hanley_mcneil_se(0.5, 61, 103) == pytest.approx(np.sqrt(165 / (12 * 61 * 103)))


def test_centre_gap_allows_what_rounding_explains():
    assert centre_gap(printed("0.971"), printed("0.945"), printed("0.995")) == 0  # off by 0.001, all three at a tie
    assert float(centre_gap(printed("0.789"), printed("0.725"), printed("0.834"))) == pytest.approx(0.0085)


def rows(*triples):
    return [{"model": f"m{i}", "AUC": a, "95% CI": f"{low}-{high}"} for i, (a, low, high) in enumerate(triples)]


def audited(*triples, **options):
    return audit_table(pd.DataFrame(rows(*triples)), **options)


GOOD = [("0.820", "0.761", "0.879"), ("0.700", "0.600", "0.800"), ("0.750", "0.690", "0.810"), ("0.650", "0.550", "0.750"),
        ("0.600", "0.500", "0.700"), ("0.710", "0.620", "0.800")]  # fmt: skip
OFF = ("0.767", "0.664", "0.891")


def test_off_centre_is_inconsistent_where_the_method_is_symmetric_only():
    assert [f.check for f in audited(*GOOD, OFF, ci_method="delong").findings] == ["interval off centre"]
    assert not audited(*GOOD, OFF, ci_method="delong").is_consistent
    assert not audited(*GOOD, OFF, ci_method="bootstrap").findings
    unstated = audited(*GOOD, OFF)
    assert [f.severity for f in unstated.findings] == ["note"]
    assert not audited(OFF, ("0.900", "0.700", "0.950"), ("0.800", "0.600", "0.850"), GOOD[0], GOOD[1]).findings


def test_clipped_limits_are_left_in_peace():
    assert audited(("0.997", "0.980", "1.000"), ("0.030", "0.000", "0.070"), ci_method="delong").is_consistent


def test_se_above_the_maximum():
    """A = 0.6, 20 + 20: sqrt(0.24 (1/19 + 1/19)) = 0.1589 (0.1590 at 0.5995), so that the interval reaches 0.311 to each side at most."""
    wide, allowed = ("0.600", "0.270", "0.930"), ("0.600", "0.290", "0.910")
    given = {"n": 40, "events": 20}
    found = {
        method: audited(wide, ci_method=method, **given).findings for method in ("delong", "wald", "bootstrap", None)
    }
    assert {method: [(f.severity, f.check) for f in findings] for method, findings in found.items()} == {
        "delong": [("impossible", "SE above maximum")],
        "wald": [("inconsistent", "SE above maximum")],
        "bootstrap": [("note", "SE above maximum")],
        None: [("note", "SE above maximum")],
    }
    assert "0.1590" in found["delong"][0].arithmetic
    assert audited(allowed, ci_method="delong", **given).is_consistent


def test_remarkable_standard_errors_are_notes():
    """Hanley and McNeil's SE of 0.8 with 50 + 50 is 0.0446: 0.01 and a printed SE of 0.1 are far from it."""
    small = audited(("0.800", "0.780", "0.820"), n=100, events=50, ci_method="delong")
    assert [(f.severity, f.check) for f in small.findings] == [("note", "small SE")]
    large = audit_table(pd.DataFrame({"model": ["a"], "AUC": ["0.800"], "SE (AUC)": ["0.100"]}), n=100, events=50)
    assert [(f.severity, f.check) for f in large.findings] == [("note", "SE above maximum")] or [
        (f.severity, f.check) for f in large.findings
    ] == [("note", "large SE")]


def test_limits_in_the_wrong_order_or_beside_the_estimate():
    found = [(f.severity, f.where) for f in audited(("0.70", "0.80", "0.60"), ("0.95", "0.60", "0.80")).findings]
    assert found == [("impossible", "row 1 (m0), AUC interval"), ("inconsistent", "row 2 (m1), AUC interval")]
