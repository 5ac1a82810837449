from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logit
from scipy.stats import DegenerateDataWarning

from vcfstats import precision_recall_curve, roc_curve

REFERENCE = Path(__file__).parents[1] / "reference" / "roc"
CASES = ["sim234", "sim164_r1", "sim1000_r2", "sim100_3pos", "sim70_const", "sim70_sep", "real_pima_te"]


@pytest.mark.parametrize("case", CASES)
def test_precision_and_recall_of_scikit_learn(case):
    from sklearn.metrics import average_precision_score
    from sklearn.metrics import precision_recall_curve as peer

    table = np.genfromtxt(REFERENCE / f"{case}.csv", delimiter=",", names=True)
    for name in table.dtype.names[1:]:
        for direction, sign in (("higher", 1), ("lower", -1)):
            curve = precision_recall_curve(table["y"], table[name], direction=direction)
            precision, recall, _ = peer(table["y"], sign * table[name])
            assert_allclose(curve.precision, precision[:-1], rtol=1e-12)
            assert_allclose(curve.recall, recall[:-1], rtol=1e-12)
            assert_allclose(
                curve.average_precision, average_precision_score(table["y"], sign * table[name]), rtol=1e-12
            )


def test_intervals_by_their_formulas():
    curve = precision_recall_curve([0, 1, 0, 1, 1, 0, 0, 1], [1, 5, 2, 3, 8, 4, 7, 6])
    # By hand: thresholds 8, 7, 6, 5, 4, 3 with 1/1, 1/2, 2/3, 3/4, 3/5, 4/6.
    value = (1 + 2 / 3 + 3 / 4 + 4 / 6) / 4
    assert_allclose(curve.average_precision, value, rtol=1e-12)
    assert curve.baseline == 0.5
    low, high = curve.confidence_interval()
    assert_allclose(logit(high) - logit(low), 2 * 1.959964 / np.sqrt(4 * value * (1 - value)), rtol=1e-6)
    assert_allclose(logit(high) + logit(low), 2 * logit(value), rtol=1e-9)
    low, high = curve.confidence_interval(0.5, "binomial")
    assert_allclose([low, high], value + np.array([-1, 1]) * 0.6744898 * np.sqrt(value * (1 - value) / 4), rtol=1e-6)
    low, high = curve.confidence_interval(method="bootstrap", n_resamples=300, random_state=1)
    assert low < value < high
    drawn = curve.bootstrap(n_resamples=50, random_state=2)
    assert_array_equal(drawn.replicates, curve.bootstrap(n_resamples=50, random_state=2).replicates)


def test_degenerate_curves():
    perfect = precision_recall_curve([0, 0, 1, 1], [1, 2, 3, 4])
    assert perfect.average_precision == 1
    assert np.isnan(perfect.confidence_interval()).all()
    assert tuple(perfect.confidence_interval(method="binomial")) == (1, 1)
    with pytest.warns(DegenerateDataWarning, match="says nothing"):
        perfect.confidence_interval(method="bootstrap", n_resamples=20, random_state=1)
    constant = precision_recall_curve([0, 0, 1, 0], [2, 2, 2, 2])
    assert constant.average_precision == constant.baseline == 0.25
    assert len(constant.to_frame()) == 1
    with pytest.raises(ValueError, match="n_resamples= has no effect"):
        perfect.confidence_interval(n_resamples=10)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=3, max_size=40))
@settings(deadline=None, max_examples=60)
def test_invariants(rows):
    y, score = (np.array(column) for column in zip(*rows, strict=True))
    if y.all() or not y.any():
        return
    curve = precision_recall_curve(y, score)
    assert_allclose(curve.average_precision, precision_recall_curve(y, np.exp(score)).average_precision, rtol=1e-12)
    assert 0 < curve.average_precision <= 1
    assert_allclose(curve.precision[0], curve.baseline)
    roc = roc_curve(y, score)
    odds = curve.baseline / (1 - curve.baseline)  # Bayes, from the points of the ROC curve
    right, wrong = roc.sensitivity[:-1] * odds, 1 - roc.specificity[:-1]
    assert_allclose(curve.precision, right / (right + wrong), rtol=1e-9)
    missed = (1 - roc.sensitivity[1:-1]) * odds
    assert_allclose(curve.npv[1:], roc.specificity[1:-1] / (roc.specificity[1:-1] + missed), rtol=1e-9)
    doubled = precision_recall_curve(np.repeat(y, 2), np.repeat(score, 2))
    assert_allclose(doubled.average_precision, curve.average_precision, rtol=1e-12)
