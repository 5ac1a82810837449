import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from vcfstats import fleiss_kappa, selection_stability


def sets(m=12, p=30, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random((m, p)) < rng.beta(0.4, 1.2, p)).astype(int)


@pytest.mark.parametrize(("m", "p"), [(2, 5), (12, 30), (50, 400)])
def test_is_fleiss_kappa_of_resamples_as_raters(m, p):
    kept = sets(m, p)
    assert_allclose(selection_stability(kept).stability, fleiss_kappa(kept.T).kappa, rtol=1e-12)


def test_is_kuncheva_s_index_where_sets_have_one_size():
    rng = np.random.default_rng(3)
    p, k, m = 20, 6, 8
    kept = np.zeros((m, p))
    for row in kept:
        row[rng.choice(p, k, replace=False, p=np.linspace(0.01, 0.09, p) / np.linspace(0.01, 0.09, p).sum())] = 1
    pairs = [(i, j) for i in range(m) for j in range(i)]
    kuncheva = np.mean([(kept[i] @ kept[j] - k * k / p) / (k - k * k / p) for i, j in pairs])
    assert_allclose(selection_stability(kept).stability, kuncheva, rtol=1e-12)


def test_values_worked_by_hand():
    found = selection_stability([[1, 1, 0, 0, 0, 0], [1, 0, 1, 0, 0, 0], [1, 1, 0, 0, 0, 0]])
    assert_allclose(found.stability, 0.5)  # 1 - 1.5 (2/9 + 2/9)/6 / (1/3 2/3)
    assert found.mean_size == 2
    assert_allclose(found.frequency, [1, 2 / 3, 1 / 3, 0, 0, 0])
    same = selection_stability(np.tile([1, 0, 0, 1, 0], (4, 1)))
    assert (same.stability, same.standard_error) == (1.0, 0.0)
    assert same.confidence_interval() == (1.0, 1.0)
    apart = selection_stability([[1, 0], [0, 1]])
    assert apart.stability == -1.0  # -1 / (M - 1), the least


def test_variance_is_that_of_the_influence_of_each_resample():
    """The asymptotic variance is the mean square of the derivative by a resample's weight, over M."""
    kept = sets(40, 60, seed=2).astype(float)
    m = len(kept)

    def population(weights):
        h = weights @ kept
        q = h.mean()
        return 1 - np.mean(h * (1 - h)) * m / (m - 1) / (q * (1 - q))

    even, step = np.full(m, 1 / m), 1e-6
    influence = np.empty(m)
    for i in range(m):
        moved = (1 - step) * even
        moved[i] += step
        back = (1 + step) * even
        back[i] -= step
        influence[i] = (population(moved) - population(back)) / (2 * step)
    # The published variance sets M/(M-1), which is not differentiated, into the stability alone.
    assert_allclose(selection_stability(kept).standard_error, np.sqrt(np.mean(influence**2) / m), rtol=0.03)


def test_interval_covers():
    rng = np.random.default_rng(1)
    h = np.zeros(200)
    h[:30] = np.linspace(0.95, 0.05, 30)
    q = h.mean()
    true = 1 - np.mean(h * (1 - h)) / (q * (1 - q))
    covered = 0
    for _ in range(400):
        low, high = selection_stability(rng.random((50, 200)) < h).confidence_interval()
        covered += low <= true <= high
    assert 0.91 <= covered / 400 <= 0.98  # 0.944 in 2,000 simulations


def test_sets_drawn_at_random_are_no_more_alike_than_chance():
    rng = np.random.default_rng(5)
    sizes = rng.integers(1, 30, 20)  # of any size
    found = []
    for _ in range(100):
        kept = np.zeros((20, 40))
        for row, size in zip(kept, sizes, strict=True):
            row[rng.choice(40, size, replace=False)] = 1
        found.append(selection_stability(kept).stability)
    assert abs(np.mean(found)) < 0.02  # -0.009 by the spread of the sizes


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 9), st.integers(2, 12))
def test_invariants(seed, m, p):
    rng = np.random.default_rng(seed)
    kept = rng.random((m, p)) < rng.random(p)
    found = selection_stability(kept)
    if not kept.any() or kept.all():
        assert np.isnan(found.stability)
        assert np.isnan(found.confidence_interval()).all()
        return
    assert -1 / (m - 1) - 1e-12 <= found.stability <= 1 + 1e-12
    again = selection_stability(kept[rng.permutation(m)][:, rng.permutation(p)])
    assert_allclose([again.stability, again.standard_error], [found.stability, found.standard_error], atol=1e-12)
    turned = selection_stability(~kept)  # what is dropped is as stable as what is kept
    assert_allclose([turned.stability, turned.standard_error], [found.stability, found.standard_error], atol=1e-12)
    assert found.to_frame().loc[0, "n_resamples"] == m


@pytest.mark.parametrize(
    ("selected", "message"),
    [([[1, 0, 1]], "at least 2 resamples"), ([[1], [0]], "at least 2 features"), ([[0, 2], [1, 0]], "1 .or True.")],
)
def test_errors(selected, message):
    with pytest.raises(ValueError, match=message):
        selection_stability(selected)
