import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from vcfstats import adjust_pvalues

REFERENCE = Path(__file__).parents[1] / "reference" / "multtest"
R = json.loads((REFERENCE / "p_adjust.json").read_text())["results"]
METHODS = ("holm", "hochberg", "hommel", "bonferroni", "BH", "BY", "fdr", "none")
p_vectors = st.lists(st.floats(0, 1), min_size=1, max_size=7)


@pytest.mark.parametrize("case", R)
@pytest.mark.parametrize("method", METHODS)
def test_p_adjust_of_r(case, method):
    assert_allclose(
        adjust_pvalues(np.atleast_1d(R[case]["p"]), method=method), np.atleast_1d(R[case][method]["value"]), rtol=1e-12
    )


def closed_test(p, local):
    """Adjusted p by closed testing from its definition: the largest local p value over all index sets that hold i."""
    indices = range(len(p))
    sets = [s for size in range(1, len(p) + 1) for s in itertools.combinations(indices, size)]
    return [max(local(np.sort([p[j] for j in s])) for s in sets if i in s) for i in indices]


@given(p_vectors)
def test_hommel_and_holm_are_closed_tests(p):
    simes = closed_test(p, lambda s: min(1, np.min(len(s) * s / np.arange(1, len(s) + 1))))
    assert_allclose(adjust_pvalues(p, method="hommel"), simes, rtol=1e-12, atol=1e-300)
    bonferroni = closed_test(p, lambda s: min(1, len(s) * s[0]))
    assert_allclose(adjust_pvalues(p, method="holm"), bonferroni, rtol=1e-12, atol=1e-300)


@given(p_vectors, st.sampled_from(METHODS), st.randoms())
def test_invariants(p, method, random):
    adjusted = adjust_pvalues(p, method=method)
    assert ((adjusted >= np.asarray(p)) & (adjusted <= 1)).all()
    permutation = list(range(len(p)))
    random.shuffle(permutation)
    assert_array_equal(adjust_pvalues(np.asarray(p)[permutation], method=method), adjusted[permutation])


def test_nan_stays_and_does_not_count():
    assert_array_equal(adjust_pvalues([0.01, np.nan, 0.03]), [0.02, np.nan, 0.03])
    assert np.isnan(adjust_pvalues([np.nan])).all()


@pytest.mark.parametrize(
    ("p", "method", "message"),
    [
        ([0.1, 1.2], "holm", "found 1.2 at position 1"),
        ([], "holm", "shape"),
        ([[0.1]], "holm", "shape"),
        ([0.1], "sidak", "method must be one of"),
        (["a"], "holm", "must hold numbers"),
    ],
)
def test_errors(p, method, message):
    with pytest.raises(ValueError, match=message):
        adjust_pvalues(p, method=method)
