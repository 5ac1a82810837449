"""Agreement measures, intervals of rates and rank tests against enumeration and other software; hypotheses on whole tables."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from vcfstats import audit_table
from vcfstats.audit.table.agreement import holds, value_of
from vcfstats.audit.table.cells import Printed, decimal_text, printed
from vcfstats.audit.table.counts import list_matrices, rate_of
from vcfstats.audit.table.pvalues import categorical_candidates
from vcfstats.audit.table.rate_intervals import limits

NAMES = ("accuracy", "sensitivity", "specificity", "ppv", "npv")


def signed(value, places):
    text = decimal_text(value, places)
    return Printed(text, int(text.replace(".", "")), places)


@given(st.tuples(*[st.integers(0, 30)] * 4), st.integers(1, 4))
def test_kappa_mcc_and_odds_ratio_of_every_matrix_are_allowed(matrix, places):
    """As printed from the definition, and not when moved by more than a unit of the last decimal."""
    for name in ("kappa", "mcc", "dor"):
        value = value_of(name, matrix)
        if value is None:
            assert holds(name, Printed("0", 0, places), matrix)
            continue
        figure = signed(Fraction(value), places)
        assert holds(name, figure, matrix)
        moved = Printed("x", figure.units + 2, places)
        assert not holds(name, moved, matrix)


def test_agreement_is_that_of_scikit_learn():
    from sklearn.metrics import cohen_kappa_score, matthews_corrcoef

    for matrix in ((47, 25, 14, 78), (8, 1, 53, 102), (0, 3, 5, 7), (3, 9, 8, 1)):
        tp, fp, fn, tn = matrix
        y, called = [1] * tp + [0] * fp + [1] * fn + [0] * tn, [1] * tp + [1] * fp + [0] * fn + [0] * tn
        assert value_of("kappa", matrix) == pytest.approx(cohen_kappa_score(y, called), abs=1e-12)
        assert value_of("mcc", matrix) == pytest.approx(matthews_corrcoef(y, called), abs=1e-12)


def test_mcc_from_four_rates_is_an_identity_and_rises_with_each():
    for tp, fp, fn, tn in product(range(1, 6), repeat=4):
        rates = [rate_of(name, tp, fp, fn, tn) for name in NAMES[1:]]
        by_rates = math.sqrt(math.prod(rates)) - math.sqrt(math.prod(1 - r for r in rates))
        assert by_rates == pytest.approx(value_of("mcc", (tp, fp, fn, tn)), abs=1e-12)


TABLE = pd.DataFrame(
    {"Model": ["A", "B", "C"], "Accuracy": ["0.762", "0.671", "0.835"], "Sensitivity": ["0.770", "0.131", "0.721"],
     "Specificity": ["0.757", "0.990", "0.903"], "Kappa": ["0.507", "0.148", "0.638"], "MCC": ["0.512", "0.252", "0.641"]}
)  # fmt: skip


def test_agreement_against_the_row_by_hand():
    """47 + 25 + 14 + 78: kappa 2 (47 x 78 - 25 x 14) / (72 x 103 + 61 x 92) = 6632/13028 = 0.509."""
    assert (2 * (47 * 78 - 25 * 14), 72 * 103 + 61 * 92) == (6632, 13028)
    right = TABLE.assign(
        Kappa=[f"{value_of('kappa', m):.3f}" for m in ((47, 25, 14, 78), (8, 1, 53, 102), (44, 10, 17, 93))],
        MCC=[f"{value_of('mcc', m):.3f}" for m in ((47, 25, 14, 78), (8, 1, 53, 102), (44, 10, 17, 93))],
    )
    audit = audit_table(right, n=164)
    assert not audit.findings
    assert audit.checked["kappa, MCC, odds ratio"] == 6
    wrong = audit_table(right.replace({"0.509": "0.590"}), n=164)
    assert [(f.severity, f.check, f.where, f.mend) for f in wrong.findings] == [
        ("inconsistent", "agreement", "row 1 (A), kappa", "0.509 for 0.590")
    ]


@pytest.mark.parametrize(("count", "total"), [(0, 12), (1, 12), (48, 51), (51, 51), (17, 40), (300, 900)])
def test_intervals_of_rates_are_those_of_other_software(count, total):
    from statsmodels.stats.proportion import proportion_confint

    ours = limits(count, total, 0.95)
    theirs = {"Wald": "normal", "Wilson": "wilson", "Agresti-Coull": "agresti_coull", "Clopper-Pearson": "beta"}
    for name, method in theirs.items():
        low, high = proportion_confint(count, total, 0.05, method)
        assert ours[name] == pytest.approx((max(low, 0), min(high, 1)), abs=1e-9), name
    corrected = stats.binomtest(count, total).proportion_ci(method="wilsoncc")
    assert ours["Wilson, corrected"] == pytest.approx((corrected.low, corrected.high), abs=1e-9)


def test_rank_tests_on_levels_are_those_of_scipy():
    counts = np.array([[30, 18, 9], [20, 22, 14], [10, 20, 30]])
    groups = [np.repeat(np.arange(3), column) for column in counts.T]
    assert categorical_candidates(counts)["Kruskal-Wallis"] == pytest.approx(stats.kruskal(*groups).pvalue, rel=1e-9)
    two = categorical_candidates(counts[:, :2])
    test = stats.mannwhitneyu(groups[0], groups[1], use_continuity=True, method="asymptotic")
    assert two["rank sum, corrected"] == pytest.approx(test.pvalue, rel=1e-9)
    assert two["Kruskal-Wallis"] == pytest.approx(stats.kruskal(*groups[:2]).pvalue, rel=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_matrices_of_figures_cut_off_are_those_of_enumeration(m, k, data):
    tp, tn = data.draw(st.integers(0, m)), data.draw(st.integers(0, k))
    places = data.draw(st.integers(1, 3))
    rates = {}
    for name in NAMES:
        value = rate_of(name, tp, k - tn, m - tp, tn)
        if value is not None:
            rates[name] = Printed("x", int(value * 10**places // 1), places).cut_off()
    everything = [(t, k - n, m - t, n) for t in range(m + 1) for n in range(k + 1)]

    def fits(matrix):
        values = {name: rate_of(name, *matrix) for name in rates}
        return all(f.holds(values[n]) if values[n] is not None else f.value in (0, 1) for n, f in rates.items())

    assert (tp, k - tn, m - tp, tn) in list_matrices(rates, m, k)
    assert sorted(list_matrices(rates, m, k)) == sorted(filter(fits, everything))


def matrix_rows(rng, m, k, count):
    return [(int(rng.integers(m // 3, m + 1)), int(rng.integers(k // 3, k + 1))) for _ in range(count)]


def rates_of(tp, tn, m, k):
    return {name: rate_of(name, tp, k - tn, m - tp, tn) for name in NAMES}


def frame_of(rows, show):
    heads = ("Accuracy", "Sensitivity", "Specificity", "PPV", "NPV")
    return pd.DataFrame(
        [{"Model": f"M{i}"} | {h: show(r[n]) for h, n in zip(heads, NAMES, strict=True)} for i, r in enumerate(rows)]
    )


@pytest.mark.parametrize("options", [{}, {"n": 164}])
def test_digits_cut_off_are_one_note(options):
    rng = np.random.default_rng(5)
    rows = [rates_of(tp, tn, 61, 103) for tp, tn in matrix_rows(rng, 61, 103, 8)]
    audit = audit_table(frame_of(rows, lambda v: f"{int(v * 1000) / 1000:.3f}"), **options)
    assert [(f.severity, f.check) for f in audit.findings] == [("note", "digits cut off")]
    assert (audit.cohorts[0].events, audit.cohorts[0].nonevents) == (61, 103)
    changed = frame_of(rows, lambda v: f"{int(v * 1000) / 1000:.3f}")
    changed.loc[3, "NPV"] = "0.123"
    assert not audit_table(changed, **options).is_consistent or options == {}


@pytest.mark.parametrize("options", [{}, {"n": 200}])
def test_means_over_folds_are_one_note(options):
    """Five folds of 40 patients; the mean of five PPVs is not the PPV of all."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        rows = []
        for _ in range(8):
            share = rng.uniform(0.55, 0.9)
            events = [15, 14, 16, 15, 15]
            folds = [rates_of(int(rng.binomial(m, share)), int(rng.binomial(40 - m, share)), m, 40 - m) for m in events]
            rows.append({name: sum((f[name] for f in folds), Fraction(0)) / 5 for name in NAMES})
        audit = audit_table(frame_of(rows, lambda v: f"{float(v):.3f}"), **options)
        assert audit.is_consistent, audit.to_text()


def test_a_model_on_other_patients_is_one_note():
    rng = np.random.default_rng(9)
    rows = [rates_of(tp, tn, 63, 288) for tp, tn in matrix_rows(rng, 63, 288, 9)]
    others = [rates_of(tp, tn, 50, 269) for tp, tn in matrix_rows(rng, 50, 269, 4)]
    audit = audit_table(frame_of([*rows, *others], lambda v: f"{float(v):.4f}"))
    assert {(f.severity, f.check) for f in audit.findings} == {("note", "other patients?")}


def test_one_wrong_row_among_right_ones_is_no_average():
    rng = np.random.default_rng(11)
    rows = [rates_of(tp, tn, 61, 103) for tp, tn in matrix_rows(rng, 61, 103, 6)]
    frame = frame_of(rows, lambda v: f"{float(v):.3f}")
    frame.loc[2, "NPV"] = f"{float(frame.loc[2, 'NPV']) + 0.004:.3f}"
    assert [f.severity for f in audit_table(frame, n=164).findings] == ["impossible"]


def test_exchanged_classes_and_a_wrong_cell_are_named():
    frame = pd.DataFrame(
        {"Model": list("ABCD"), "TP": ["47", "8", "44", "50"], "FP": ["25", "1", "10", "20"], "FN": ["14", "53", "17", "11"], "TN": ["78", "102", "93", "83"],
         "Sensitivity": ["0.770", "0.131", "0.721", "0.820"], "Specificity": ["0.757", "0.990", "0.903", "0.806"]}
    )  # fmt: skip
    assert not audit_table(frame).findings
    wrong = audit_table(frame.assign(TP=["74", "8", "44", "50"]))
    assert [f.mend.split(";")[0] for f in wrong.findings] == ["TP 47 for 74"]
    classes = audit_table(
        pd.DataFrame({"Model": list("ABCD"), "Accuracy": ["0.762", "0.671", "0.835", "0.762"], "Sensitivity": ["0.770", "0.131", "0.721", "0.757"],
                      "Specificity": ["0.757", "0.990", "0.903", "0.770"], "PPV": ["0.653", "0.889", "0.815", "0.848"], "NPV": ["0.848", "0.658", "0.845", "0.653"]}),
        n=164, events=61,
    )  # fmt: skip
    assert [f.mend for f in classes.findings] == [
        "the classes exchanged: with 103 events and 61 non-events the row fits"
    ]


def test_printed_forms_round_trip():
    assert printed("0.5").cut_off().low == Fraction(1, 2)
    assert printed("0.5").cut_off().high == Fraction(3, 5)
    assert printed("0.50").widened(Fraction(1, 50)).low == Fraction(1, 2) - Fraction(1, 200) - Fraction(1, 50)


def test_the_baseline_table_states_the_patients_of_a_cohort(tmp_path):
    """Accuracy 0.696 of 70 patients is no count (48/70 = 0.686); without n it would be one of others."""
    described = pd.DataFrame(
        {
            "Variable": ["Sex", "Male", "Female"],
            "Training (n = 164)": ["", "73 (44.5)", "91 (55.5)"],
            "Testing (n = 70)": ["", "32 (45.7)", "38 (54.3)"],
        }
    )
    rows = {
        "Model": ["A", "B", "C"],
        "Cohort": ["Testing"] * 3,
        "Accuracy": ["0.700", "0.714", "0.686"],
        "Sensitivity": ["0.125", "0.667", "0.083"],
        "Specificity": ["1.000", "0.739", "1.000"],
    }
    right = audit_table([described, pd.DataFrame(rows)])
    assert not right.findings
    assert [(c.n, c.events) for c in right.cohorts] == [(70, 24)]
    rows["Accuracy"][2] = "0.696"
    assert [f.severity for f in audit_table([described, pd.DataFrame(rows)]).findings] == ["impossible"]
    far = described.rename(columns={"Testing (n = 70)": "Testing (n = 71)"})
    assert "not used" in audit_table([far, pd.DataFrame(rows)]).to_text()
