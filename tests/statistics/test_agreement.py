import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import f as f_distribution

from vcfstats import bland_altman, cohen_kappa, fleiss_kappa, gwet_ac1, icc

REFERENCE = Path(__file__).parents[1] / "reference" / "agreement"
ICC_CASES = sorted(p.stem for p in REFERENCE.glob("icc_*.json"))
KAPPA_CASES = sorted(p.stem for p in REFERENCE.glob("kappa_*.json"))
FORMS = ["ICC(1,1)", "ICC(A,1)", "ICC(C,1)", "ICC(1,k)", "ICC(A,k)", "ICC(C,k)"]
IRRCAC = json.loads((REFERENCE / "irrcac.json").read_text())


def load(case):
    content = json.loads((REFERENCE / f"{case}.json").read_text())
    data = pd.read_csv(REFERENCE / Path(content["meta"]["data"]).name)
    return data, {key: value["value"] for key, value in content["results"].items() if isinstance(value, dict)}


def json_value(case, key):
    return json.loads((REFERENCE / f"{case}.json").read_text())["results"][key]["value"]


@pytest.mark.parametrize("case", ICC_CASES)
def test_icc_of_psych_and_desctools(case):
    data, r = load(case)
    for level, key in ((0.95, "psych_ICC_anova"), (0.90, "psych_ICC_alpha0.10")):
        frame = icc(data, confidence_level=level).to_frame()
        assert frame["form"].tolist() == FORMS
        assert_allclose(frame["icc"], r[key]["ICC"], rtol=1e-10)
        assert_allclose(frame["low"], r[key]["lower bound"], rtol=1e-9)
        assert_allclose(frame["high"], r[key]["upper bound"], rtol=1e-9)
        assert_allclose(frame[["f", "df1", "df2"]].T, [r[key]["F"], r[key]["df1"], r[key]["df2"]], rtol=1e-10)
        assert_allclose(frame["p_value"], r[key]["p"], rtol=1e-9)
    assert_allclose(frame["icc"], r["DescTools_ICC"]["est"], rtol=1e-10)
    low, high = icc(data, confidence_level=0.8).confidence_interval(0.95)
    assert_allclose(low, r["DescTools_ICC"]["lwr.ci"], rtol=1e-9)
    assert_allclose(high, r["DescTools_ICC"]["upr.ci"], rtol=1e-9)


@pytest.mark.parametrize("case", ICC_CASES)
def test_icc_of_irr(case):
    data, r = load(case)
    result = icc(data)
    names = ["oneway_agreement_single", "twoway_agreement_single", "twoway_consistency_single"]
    names += [name.replace("single", "average") for name in names]
    for i, name in enumerate(names):
        peer = r[f"irr_icc_{name}"]
        assert_allclose(result.icc[i], peer["value"], rtol=1e-10)
        assert_allclose(result.statistic[i], peer["Fvalue"], rtol=1e-10)
        if name != "twoway_agreement_average":  # irr's degrees of freedom there: see the docstring of icc
            assert_allclose([result.low[i], result.high[i]], [peer["lbound"], peer["ubound"]], rtol=1e-9)


def test_icc_shrout_and_fleiss_1979_table_4():
    readings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    assert_allclose(icc(readings).icc, [0.17, 0.29, 0.71, 0.44, 0.62, 0.91], atol=0.005)


def test_icc_of_many_features_equals_one_at_a_time():
    rng = np.random.default_rng(7)
    values = rng.normal(size=(12, 9, 3)) + rng.normal(size=(12, 9, 1))
    together = icc(values)
    for i, feature in enumerate(values):
        alone = icc(feature)
        for name in ("icc", "low", "high", "statistic", "pvalue"):
            assert_allclose(getattr(together, name)[i], getattr(alone, name), rtol=1e-12)
    frame = icc(values, features=[f"f{i}" for i in range(12)]).to_frame()
    assert frame.columns[:2].tolist() == ["feature", "form"]
    assert frame.loc[frame["feature"] == "f3", "icc"].tolist() == together.icc[3].tolist()


def test_icc_of_a_whole_feature_matrix_takes_under_50_ms():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(1834, 100, 2)) + rng.normal(size=(1834, 100, 1))
    took = []
    for _ in range(3):
        begin = time.process_time()
        icc(values).to_frame()
        took.append(time.process_time() - begin)
    assert min(took) < 0.05


def test_icc_negative_is_not_truncated():
    # Subjects' means all equal: MSR = 0, so that consistency is -1 / (k - 1) exactly.
    result = icc([[1, 3, 2], [3, 2, 1], [2, 1, 3]])
    assert_allclose(result.icc[[0, 2]], -0.5)
    assert result.low[2] == pytest.approx(-0.5)


def test_icc_degenerate():
    same = icc([[1, 1], [2, 2], [5, 5]])
    assert_array_equal(same.icc, np.ones(6))
    assert_array_equal([same.low, same.high], np.ones((2, 6)))
    assert np.isnan(icc(np.full((4, 3), 0.1)).icc).all()
    estimate, interval = same.form("ICC(A,1)")
    assert (estimate, *interval) == (1, 1, 1)


def test_icc_interval_inverts_the_f_test():
    """ICC(C,1): its limits are the correlations at which the scaled F ratio sits at its 2.5% quantiles."""
    data = np.random.default_rng(3).normal(size=(15, 3)) + np.arange(15)[:, None] / 5
    result = icc(data)
    for rho, tail in ((result.low[2], 0.025), (result.high[2], 0.975)):
        scaled = result.statistic[2] * (1 - rho) / (1 + 2 * rho)
        assert_allclose(f_distribution.sf(scaled, 14, 28), tail, rtol=1e-9)


ratings = arrays(np.float64, st.tuples(st.integers(3, 7), st.integers(2, 4)), elements=st.integers(-20, 20).map(float))


@given(ratings, st.floats(0.1, 10), st.integers(-50, 50), st.randoms())
@settings(deadline=None)
def test_icc_invariants(values, scale, shift, random):
    result = icc(values)
    if np.isnan(result.icc).any():
        return
    subjects, raters = list(range(values.shape[0])), list(range(values.shape[1]))
    random.shuffle(subjects)
    random.shuffle(raters)
    other = icc(values[subjects][:, raters] * scale + shift)
    assert_allclose(other.icc, result.icc, rtol=1e-6, atol=1e-8)
    assert (
        result.icc[[0, 1, 2, 3, 5]] <= 1 + 1e-12
    ).all()  # ICC(A,k) has a negative denominator where raters agree by chance too well
    finite = np.isfinite(result.low[:3]) & np.isfinite(result.high[:3])
    finite[1] &= result.icc[1] >= 0  # the approximate interval of ICC(A,1) may miss a negative estimate
    assert (result.low[:3][finite] <= result.icc[:3][finite] + 1e-9).all()
    assert (result.icc[:3][finite] <= result.high[:3][finite] + 1e-9).all()
    # Spearman-Brown links the single and the averaged forms
    k = values.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        stepped = k * result.icc[:3] / (1 + (k - 1) * result.icc[:3])
    sound = np.isfinite(stepped) & (np.abs(stepped) < 1e6)
    assert_allclose(result.icc[3:][sound], stepped[sound], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[1, 2]], "n >= 2 subjects"),
        ([1, 2, 3], "shape"),
        ([[1, 2], [np.nan, 3]], "subject 1, rater 0"),
        ([["a", "b"], ["c", "d"]], "must hold numbers"),
    ],
)
def test_icc_errors(values, message):
    with pytest.raises(ValueError, match=message):
        icc(values)


@pytest.mark.parametrize("case", KAPPA_CASES)
@pytest.mark.parametrize(
    ("weights", "irr", "desctools"),
    [("unweighted", "unweighted", "unw"), ("linear", "equal", "Equal-Spacing"), ("squared", "squared", "Fleiss-Cohen")],
)
def test_cohen_kappa_of_irr_and_desctools(case, weights, irr, desctools):
    data, r = load(case)
    # Both packages weigh words in the order of the alphabet, which is to be said here.
    categories = sorted({word for column in data for word in data[column].dropna()})
    result = cohen_kappa(data.iloc[:, 0], data.iloc[:, 1], weights=weights, categories=categories)
    peer = r[f"kappa2_{irr}"]
    assert_allclose(result.kappa, peer["value"], rtol=1e-10)
    assert_allclose(result.statistic, peer["statistic"], rtol=1e-10)
    assert_allclose(result.pvalue, peer["p.value"], rtol=1e-9, atol=1e-15)  # irr takes 1 - pnorm
    peer = r[f"DescTools_{desctools}"]
    assert_allclose(result.confidence_interval(), [peer["lwr.ci"], peer["upr.ci"]], rtol=1e-9)


@pytest.mark.parametrize("case", KAPPA_CASES)
def test_fleiss_kappa_of_irr(case):
    data, r = load(case)
    result = fleiss_kappa(data)
    assert_allclose(result.kappa, r["fleiss"]["value"], rtol=1e-10)
    assert_allclose(result.statistic, r["fleiss"]["statistic"], rtol=1e-10)
    assert_allclose(result.pvalue, r["fleiss"]["p.value"], rtol=1e-9, atol=1e-15)
    assert_allclose(result.exact_kappa, json_value(case, "fleiss_exact"), rtol=1e-9)
    two = data.iloc[:, :2]
    assert_allclose(fleiss_kappa(two).exact_kappa, cohen_kappa(two.iloc[:, 0], two.iloc[:, 1]).kappa, rtol=1e-9)
    detail = np.array(r["fleiss"]["detail"]["data"])
    assert_allclose(result.category_kappa, detail[:, 0], atol=5.1e-4)  # irr rounds to 3 digits
    assert_allclose(result.category_statistic, detail[:, 1], atol=5.1e-4)


@pytest.mark.parametrize("name", ["gwet_ac1", "fleiss_kappa"])
def test_interval_of_irrcac(name):
    function = {"gwet_ac1": gwet_ac1, "fleiss_kappa": fleiss_kappa}[name]
    field = {"gwet_ac1": "ac1", "fleiss_kappa": "kappa"}[name]
    for case, peers in IRRCAC["complete"].items():
        if case == "call":
            continue
        result = function(pd.read_csv(REFERENCE / f"{case}.csv"))
        found = [getattr(result, field), result.se, *result.confidence_interval()]
        assert_allclose(found, peers[name], atol=6e-6)
    counts = IRRCAC["distrib6raters"]["counts"]
    expanded = [np.repeat(np.arange(5), row) for row in counts]
    for given_ratings, peer, atol in (
        (IRRCAC["raw4raters"]["ratings"], IRRCAC["raw4raters"][name], 6e-6),
        (expanded, IRRCAC["distrib6raters"][name], 6e-8),
    ):
        result = function(given_ratings)
        assert_allclose([getattr(result, field), result.se], [peer["coeff"], peer["se"]], atol=atol)
        assert_allclose([result.observed, result.expected], [peer["pa"], peer["pe"]], atol=6e-8)
        assert_allclose(result.confidence_interval().low, peer["low"], atol=6e-4)
        if name == "gwet_ac1":
            assert_allclose(result.pvalue, peer["p"], rtol=1e-5)


def test_two_raters_of_irrcac():
    table = np.array(IRRCAC["cont3x3abstractors"]["table"])
    first, second = np.repeat(np.indices(table.shape).reshape(2, -1), table.ravel(), axis=1)
    both = np.column_stack([first, second])
    n = table.sum()
    ac1, pi, kappa = gwet_ac1(both), fleiss_kappa(both), cohen_kappa(first, second)
    peers = IRRCAC["cont3x3abstractors"]
    peer = peers["gwet_ac1"]  # its function of tables divides by n, that of raw ratings by n - 1
    assert_allclose([ac1.ac1, ac1.se * np.sqrt((n - 1) / n)], [peer["coeff"], peer["se"]], atol=6e-8)
    scott = peers["scott_pi_is_fleiss_kappa"]
    assert_allclose([pi.kappa, pi.se * np.sqrt((n - 1) / n)], [scott["coeff"], scott["se"]], atol=6e-8)
    assert_allclose(kappa.kappa, peers["cohen_kappa"]["coeff"], atol=6e-8)
    assert_allclose(kappa.se, peers["cohen_kappa"]["se"], atol=6e-8)


def test_kappa_of_one_category_is_nan():
    for result in (cohen_kappa([1, 1], [1, 1]), fleiss_kappa([[1, 1], [1, 1]]), gwet_ac1([[1, 1], [1, 1]])):
        frame = result.to_frame()
        assert np.isnan(frame.iloc[0, :3].to_numpy(dtype=float)).all()
    assert cohen_kappa([1, 1], [2, 2]).kappa == 0  # margins that never meet: no agreement, none expected
    assert gwet_ac1([[1, 1], [1, 1]], categories=[1, 2]).ac1 == 1


def test_fisher_z_interval_is_symmetric_on_its_scale():
    a, b = np.random.default_rng(1).integers(0, 3, (2, 40))
    result = cohen_kappa(np.where(a == 2, a, b), b)
    low, high = np.arctanh(result.confidence_interval(method="fisher-z"))
    assert_allclose((low + high) / 2, np.arctanh(result.kappa), rtol=1e-12)
    assert_allclose(high - low, 2 * 1.959963984540054 * result.se / (1 - result.kappa**2), rtol=1e-9)
    assert np.isnan(cohen_kappa(a, a).confidence_interval(method="fisher-z")).all()


def test_kappa_of_perfect_agreement():
    x = [1, 2, 3, 1, 2]
    assert cohen_kappa(x, x, weights="linear").kappa == pytest.approx(1)
    assert_allclose(cohen_kappa(x, x).confidence_interval(), [1, 1], atol=1e-7)
    assert fleiss_kappa(np.column_stack([x, x, x])).kappa == pytest.approx(1)


codes = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=3, max_size=25)


@given(codes)
def test_kappa_invariants(pairs):
    a, b = np.array(pairs).T
    forward, backward = cohen_kappa(a, b, categories=[0, 1, 2]), cohen_kappa(b, a, categories=[0, 1, 2])
    assert_allclose([forward.kappa, forward.se], [backward.kappa, backward.se], atol=1e-12)
    words = np.array(["x", "y", "z"])
    renamed = cohen_kappa(
        pd.Categorical(words[a], categories=words, ordered=True),
        pd.Categorical(words[b], categories=words, ordered=True),
        weights="squared",
    )
    assert_allclose(renamed.kappa, cohen_kappa(a, b, weights="squared", categories=[0, 1, 2]).kappa, atol=1e-12)
    if np.isfinite(forward.kappa):
        assert -1 - 1e-12 <= forward.kappa <= 1 + 1e-12
    two = (a > 0) * 1, (b > 0) * 1  # with two categories every weighting is the same
    kappas = [cohen_kappa(*two, weights=w, categories=[0, 1]).kappa for w in ("unweighted", "linear", "squared")]
    assert_allclose(kappas, kappas[0], atol=1e-12)


def test_squared_kappa_is_close_to_the_icc_of_consistency():
    """Fleiss and Cohen (1973): with integer scores it is the intraclass correlation A but for terms of order 1/n."""
    rng = np.random.default_rng(5)
    a = rng.integers(0, 5, 2000)
    b = np.clip(a + rng.integers(-1, 2, 2000), 0, 4)
    assert_allclose(cohen_kappa(a, b, weights="squared").kappa, icc(np.column_stack([a, b])).icc[1], atol=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cohen_kappa([1, 2], [1]), "one category a subject"),
        (lambda: cohen_kappa([1, None], [1, 2]), "subject 1 lacks one"),
        (lambda: cohen_kappa([1, 5], [1, 2], categories=[1, 2]), "5 is not among"),
        (lambda: cohen_kappa([1, 2], [1, 2], weights="cubic"), "weights must be one of"),
        (lambda: cohen_kappa([1, "a"], [1, 2]), "pass categories="),
        (lambda: fleiss_kappa([[1], [2]]), "m >= 2"),
        (lambda: fleiss_kappa([[1, None], [None, 2]]), "two ratings"),
        (lambda: bland_altman([1.0], [1.0]), "n >= 2"),
        (lambda: bland_altman([1.0, 2.0], [1.0]), "shape"),
        (lambda: bland_altman([1.0, 2.0], [1.0, 2.0]).confidence_interval(of="slope"), "of must be one of"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_bland_altman_of_r():
    data, r = load("icc_rat_30x2")
    result, peer = bland_altman(data["r1"], data["r2"]), r["bland_altman"]
    found = [result.bias, result.sd, result.lower, result.upper, *result.confidence_interval()]
    assert_allclose(
        found, [peer[k] for k in ("bias", "sd", "loa_lower", "loa_upper", "bias_lo", "bias_hi")], rtol=1e-10
    )


def test_bland_altman_published_1999():
    """Bland and Altman (1999), section 2: 85 pairs, bias -16.29, SD 19.61; SE of a limit 3.64, interval -61.9 to -47.4."""
    z = np.random.default_rng(0).normal(size=85)
    difference = -16.29 + 19.61 * (z - z.mean()) / z.std(ddof=1)
    result = bland_altman(difference, np.zeros(85))
    assert_allclose([result.lower, result.upper], [-54.7, 22.1], atol=0.06)
    assert_allclose(result.confidence_interval(of="lower", method="approximate"), [-61.9, -47.5], atol=0.15)


def test_exact_limits_are_quantiles_of_the_noncentral_t():
    """A limit's exact interval holds mu + 1.96 sigma with probability 0.95: simulated within 4 Monte Carlo SE."""
    rng = np.random.default_rng(11)
    hits = 0
    for sample in rng.normal(size=(1500, 12)):
        low, high = bland_altman(sample, np.zeros(12)).confidence_interval(of="upper")
        hits += low <= 1.96 <= high
    assert abs(hits / 1500 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 1500)


def test_bland_altman_of_identical_methods():
    result = bland_altman([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert (result.bias, result.sd, result.lower, result.upper) == (0, 0, 0, 0)
    assert np.isnan(result.pvalue)
