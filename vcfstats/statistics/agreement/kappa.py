"""Chance-corrected agreement on categories: Cohen's kappa (weighted), Fleiss' kappa, Gwet's AC1."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtr

from vcfstats.statistics.agreement.kappa_results import CohenKappaResult, FleissKappaResult, GwetAC1Result
from vcfstats.statistics.inputs import (
    FloatArray,
    as_array,
    as_list,
    check_alignment,
    check_choice,
    is_missing,
    missing_of,
    refuse_cells,
    refuse_spellings,
    refuse_times,
    sorted_labels,
)

_WEIGHTS = {
    "unweighted": "unweighted",
    "linear": "linear",
    "equal": "linear",
    "squared": "squared",
    "quadratic": "squared",
}


def cohen_kappa(
    rater_a: npt.ArrayLike,
    rater_b: npt.ArrayLike,
    *,
    weights: str | None = "unweighted",
    categories: list[Any] | tuple[Any, ...] | None = None,
) -> CohenKappaResult:
    """Cohen's kappa of two raters, unweighted or weighted by the distance of the categories.

    kappa = (po - pe) / (1 - pe), po = sum w_ij p_ij, pe = sum w_ij p_i. p_.j, with w_ij = 1 - |i - j| / (q - 1)
    (``linear``), 1 - (i - j)^2 / (q - 1)^2 (``squared``: Fleiss-Cohen) or 1{i = j}.

    Parameters
    ----------
    rater_a, rater_b : array-like of shape (n,)
        Category given to each subject: numbers, words or a pandas Categorical.
    weights : {"unweighted", "linear", "squared"}
        None is unweighted; ``equal`` and ``quadratic`` are understood for linear and squared.
    categories : sequence, optional
        All categories in their order. By default those of a Categorical, else the sorted values found, which for
        weighted kappa must be the order meant.

    Returns
    -------
    CohenKappaResult

    Raises
    ------
    ValueError
        Lengths that differ, missing ratings, or a rating outside `categories`.

    Notes
    -----
    Interval and p value use different standard errors, as they should: the interval the non-null one, the test that
    under independence. They equal DescTools::CohenKappa and irr::kappa2. psych::cohen.kappa's standard error of
    weighted kappa is not that of the literature (0 on many tables) and is not followed. Both standard errors are for
    large samples: for a nominal 0.95 the Wald interval covers 0.88 at n = 30 and 0.91 at n = 100 with kappa 0.9, and 0.71
    at n = 30 where one category holds 9 in 10 (benchmarks/results/coverage_agreement.md); prefer method="fisher-z", or
    AC1 for a rare category.

    References
    ----------
    Cohen (1960), doi 10.1177/001316446002000104; (1968), doi 10.1037/h0026256. Fleiss, Cohen and Everitt (1969),
    doi 10.1037/h0028106.

    Examples
    --------
    >>> from vcfstats import cohen_kappa
    >>> result = cohen_kappa([1, 1, 2, 2, 3, 3, 1, 2], [1, 1, 2, 3, 3, 3, 1, 1], weights="squared")
    >>> round(result.kappa, 3)
    0.83
    >>> [round(limit, 3) for limit in result.confidence_interval()]
    [0.598, 1.062]
    """
    scheme = check_choice("unweighted" if weights is None else str(weights), tuple(_WEIGHTS), name="weights")
    check_alignment(rater_a=rater_a, rater_b=rater_b)
    if _WEIGHTS[scheme] != "unweighted" and categories is None:
        categories = _order(rater_a, rater_b)
    codes, found = _as_codes({"rater_a": rater_a, "rater_b": rater_b}, categories)
    if (codes < 0).any():
        raise ValueError(
            "rater_a and rater_b: ratings must not be missing;"
            f" subject {int(np.argmax((codes < 0).any(axis=1)))} lacks one. Drop it."
        )
    q, n = len(found), len(codes)
    table = np.zeros((q, q), dtype=np.int64)
    np.add.at(table, (codes[:, 0], codes[:, 1]), 1)
    agreement = _agreement_weights(q, _WEIGHTS[scheme])
    p = table / n
    row, column = p.sum(axis=1), p.sum(axis=0)
    independent = np.outer(row, column)
    observed, expected = float(np.sum(agreement * p)), float(np.sum(agreement * independent))
    kappa = se = statistic = np.nan
    # Exactly one category in both margins; from counts, since a sum of products may miss 1 by rounding.
    if table.sum(axis=1).max() < n or table.sum(axis=0).max() < n or np.argmax(row) != np.argmax(column):
        kappa = (observed - expected) / (1 - expected)
        mean_weight = (agreement @ column)[:, None] + (row @ agreement)[None, :]
        spread = np.sum(p * np.square(agreement * (1 - expected) - mean_weight * (1 - observed)))
        variance = (spread - (observed * expected - 2 * expected + observed) ** 2) / (n * (1 - expected) ** 4)
        se = float(np.sqrt(max(variance, 0.0)))
        null = np.sum(independent * np.square(agreement - mean_weight)) - expected**2
        null_se = np.sqrt(max(null, 0.0) / n) / (1 - expected)
        statistic = kappa / null_se if null_se > 0 else np.nan
    return CohenKappaResult(
        kappa=float(kappa),
        se=float(se),
        statistic=float(statistic),
        pvalue=float(2 * ndtr(-abs(statistic))),
        observed=observed,
        expected=expected,
        weights=_WEIGHTS[scheme],
        n_subjects=n,
        categories=found,
        table=table,
    )


def fleiss_kappa(ratings: npt.ArrayLike, *, categories: list[Any] | tuple[Any, ...] | None = None) -> FleissKappaResult:
    """Fleiss' kappa of n subjects rated by m raters, who need not be the same for each subject.

    kappa = (pa - pe) / (1 - pe): pa the mean share of agreeing pairs of ratings per subject, pe the sum of the squared
    shares of the categories.

    Parameters
    ----------
    ratings : array-like of shape (n, m)
        Category given by each rater. Missing ratings (None or NaN) are allowed, in Gwet's way: a subject with one
        rating counts for the shares of the categories alone.
    categories : sequence, optional
        All categories; those found by default.

    Returns
    -------
    FleissKappaResult

    Raises
    ------
    ValueError
        Another shape, no subject with two ratings, or a rating outside `categories`.

    Notes
    -----
    The interval is kappa -+ t(n-1) SE with the non-null standard error. That of irr and of Fleiss et al. (1979) holds
    under chance agreement alone and belongs to the test, not to an interval; the test equals irr::kappam.fleiss. Its
    coverage is nominal for balanced categories, and 0.75 for 0.95 at n = 30 with a category of 1 in 10, where AC1 holds
    0.93 (benchmarks/results/coverage_agreement.md).

    References
    ----------
    Conger (1980), doi 10.1037/0033-2909.88.2.322. Fleiss (1971), doi 10.1037/h0031619. Fleiss, Nee and Landis (1979), doi 10.1037/0033-2909.86.5.974. Gwet (2021),
    doi 10.1177/0013164420973080.

    Examples
    --------
    >>> from vcfstats import fleiss_kappa
    >>> result = fleiss_kappa([[1, 1, 1], [2, 2, 1], [2, 2, 2], [1, 1, 2], [1, 1, 1], [2, 2, 2]])
    >>> round(result.kappa, 3)
    0.556
    """
    counts, found, codes = _as_counts(ratings, categories)
    raters = codes.shape[1]
    shares = _category_shares(counts)
    per_subject = counts / counts.sum(axis=1, keepdims=True) @ shares
    expected = float(np.sum(shares**2))
    single = bool(np.count_nonzero(shares) < 2)
    observed, kappa, se = _linearised(counts, expected, per_subject, defined=not single)
    statistic = exact_kappa = np.nan
    q = len(found)
    category_kappa, category_statistic = np.full(q, np.nan), np.full(q, np.nan)
    n, m = len(counts), raters
    if (counts.sum(axis=1) == m).all():
        variable = shares * (1 - shares)
        pairs = n * m * (m - 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            category_kappa = 1 - (counts * (m - counts)).sum(axis=0) / (pairs * variable)
            category_statistic = category_kappa / np.sqrt(2 / pairs)
        if not single:
            own = np.stack([(codes == j).mean(axis=0) for j in range(q)])
            chance = float(np.sum(own.sum(axis=1) ** 2 - np.square(own).sum(axis=1)) / (m * (m - 1)))
            exact_kappa = (observed - chance) / (1 - chance) if chance < 1 else np.nan
            null = 2 / pairs * (variable.sum() ** 2 - np.sum(variable * (1 - 2 * shares))) / variable.sum() ** 2
            statistic = kappa / np.sqrt(null)
    return FleissKappaResult(
        kappa=kappa,
        se=se,
        statistic=float(statistic),
        pvalue=float(2 * ndtr(-abs(statistic))),
        observed=observed,
        expected=expected,
        n_subjects=n,
        n_raters=m,
        categories=found,
        exact_kappa=float(exact_kappa),
        category_kappa=category_kappa,
        category_statistic=category_statistic,
    )


def gwet_ac1(ratings: npt.ArrayLike, *, categories: list[Any] | tuple[Any, ...] | None = None) -> GwetAC1Result:
    """Gwet's AC1, a chance-corrected agreement that stays stable where one category is rare.

    AC1 = (pa - pe) / (1 - pe) with pa as for Fleiss' kappa and pe = sum s_k (1 - s_k) / (q - 1), s_k the share of
    category k among q.

    Parameters
    ----------
    ratings : array-like of shape (n, m)
        Category given by each rater; missing ratings (None or NaN) are allowed.
    categories : sequence, optional
        All q categories; those found by default. Name them where one was never used: AC1 depends on q.

    Returns
    -------
    GwetAC1Result

    Raises
    ------
    ValueError
        Another shape, no subject with two ratings, or a rating outside `categories`.

    References
    ----------
    Gwet (2008), doi 10.1348/000711006X126600.

    Examples
    --------
    >>> from vcfstats import gwet_ac1
    >>> result = gwet_ac1([[1, 1, 1], [2, 2, 1], [2, 2, 2], [1, 1, 2], [1, 1, 1], [2, 2, 2]])
    >>> round(result.ac1, 3)
    0.556
    """
    counts, found, codes = _as_counts(ratings, categories)
    q, n = len(found), len(counts)
    ac1 = se = expected = np.nan
    if q > 1:
        shares = _category_shares(counts)
        expected = float(np.sum(shares * (1 - shares)) / (q - 1))
        per_subject = counts / counts.sum(axis=1, keepdims=True) @ (1 - shares) / (q - 1)
        observed, ac1, se = _linearised(counts, expected, per_subject, defined=True)
    else:
        observed = 1.0
    statistic = ac1 / se if se > 0 else (np.inf if se == 0 else np.nan)
    return GwetAC1Result(
        ac1=ac1,
        se=se,
        statistic=float(statistic),
        df=float(n - 1),
        pvalue=float(2 * stdtr(n - 1, -abs(statistic))),
        observed=observed,
        expected=expected,
        n_subjects=n,
        n_raters=codes.shape[1],
        categories=found,
    )


def _linearised(
    counts: FloatArray, expected: float, expected_by_subject: FloatArray, *, defined: bool
) -> tuple[float, float, float]:
    """Observed agreement, coefficient, and its SE from the influence of each subject on both agreements."""
    n = len(counts)
    ratings = counts.sum(axis=1)
    paired = ratings >= 2
    agreeing = np.zeros(n)
    agreeing[paired] = (counts * (counts - 1)).sum(axis=1)[paired] / (ratings * (ratings - 1))[paired]
    observed = float(agreeing.sum() / paired.sum())
    if not defined:
        return observed, np.nan, np.nan
    coefficient = (observed - expected) / (1 - expected)
    own = n / paired.sum() * (agreeing - expected * paired) / (1 - expected)
    influence = own - 2 * (1 - coefficient) * (expected_by_subject - expected) / (1 - expected)
    if n < 2:
        return observed, float(coefficient), np.nan
    return observed, float(coefficient), float(np.sqrt(np.sum(np.square(influence - coefficient)) / (n * (n - 1))))


def _category_shares(counts: FloatArray) -> FloatArray:
    return np.asarray((counts / counts.sum(axis=1, keepdims=True)).mean(axis=0))


def _agreement_weights(q: int, scheme: str) -> FloatArray:
    if scheme == "unweighted" or q == 1:
        return np.eye(q)
    distance = np.abs(np.subtract.outer(np.arange(q), np.arange(q))) / (q - 1)
    return 1 - (distance if scheme == "linear" else distance**2)


def _as_counts(
    ratings: npt.ArrayLike, categories: list[Any] | tuple[Any, ...] | None
) -> tuple[FloatArray, tuple[Any, ...], npt.NDArray[np.int64]]:
    columns = np.asarray(as_array(ratings, "ratings"), dtype=object)
    if columns.ndim != 2 or columns.shape[1] < 2 or columns.shape[0] == 0:
        raise ValueError(
            f"ratings must have shape (n, m), subjects in rows and m >= 2 raters in columns; got {columns.shape}."
        )
    codes, found = _as_codes({f"ratings, column {at}": column for at, column in enumerate(columns.T)}, categories)
    counts = np.zeros((len(codes), len(found)))
    subject, rater = np.nonzero(codes >= 0)
    np.add.at(counts, (subject, codes[subject, rater]), 1)
    counts = counts[counts.sum(axis=1) > 0]
    if not (counts.sum(axis=1) >= 2).any():
        raise ValueError("No subject has two ratings, so that nothing can agree; at least one is needed.")
    return counts, found, codes


def _order(*raters: npt.ArrayLike) -> list[Any] | None:
    """Return the categories in the order that ordered categoricals state; None where numbers state it.

    Raises
    ------
    ValueError
        Words without a stated order, of which more than two cannot be weighed by their distance.
    """
    stated = []
    for rater in raters:
        categorical: Any = getattr(rater, "cat", rater)
        if getattr(categorical, "ordered", False):
            stated.append(list(categorical.categories))
    if stated and all(order == stated[0] for order in stated) and len(stated) == len(raters):
        return stated[0]
    if stated:
        raise ValueError(
            f"rater_a and rater_b state different orders of the categories ({stated}); pass categories= in one order."
        )
    found: set[Any] = set()
    for rater in raters:
        values = np.asarray(as_array(rater, "rater_a and rater_b"), dtype=object)
        refuse_cells(values, "rater_a and rater_b")
        found |= {v for v in values.ravel().tolist() if not is_missing(v)}
    if len(found) > 2 and not all(isinstance(v, int | float | np.number | np.bool_) for v in found):
        raise ValueError(
            f"Weighted kappa needs the order of the categories, and words such as {sorted_labels(list(found))[:4]} have"
            " none but the alphabet's; pass categories= from the lowest to the highest."
        )
    return None


def _as_codes(
    raters: dict[str, npt.ArrayLike], categories: list[Any] | tuple[Any, ...] | None
) -> tuple[npt.NDArray[np.int64], tuple[Any, ...]]:
    """Integer codes of shape (n, raters), -1 for missing, and the categories in order."""
    first = next(iter(raters.values()))
    # a pandas Categorical, or a Series of it
    ordered = getattr(getattr(first, "cat", first), "categories", None)
    columns = []
    for name, rater in raters.items():
        given = as_array(rater, name)
        refuse_times(given, name)
        columns.append(np.asarray(given, dtype=object))
        refuse_cells(columns[-1], name)
    if any(c.ndim != 1 or c.size == 0 or c.shape != columns[0].shape for c in columns):
        raise ValueError(
            f"{' and '.join(raters)}: each rater must give one category a subject; got shapes {[c.shape for c in columns]}."
        )
    values = np.stack(columns, axis=1)
    missing = missing_of(values)
    present = {v for v in values[~missing].tolist()}
    if categories is None and ordered is not None:
        categories = list(ordered)
    if categories is None:
        try:
            found = tuple(sorted(present))
        except TypeError:
            raise ValueError(
                f"Ratings mix types that have no order ({sorted({type(v).__name__ for v in present})}); pass categories=."
            ) from None
        refuse_spellings(values, " and ".join(raters))
    else:
        found = tuple(as_list(categories, "categories", what="the categories in their order"))
        if len(set(found)) != len(found):
            raise ValueError(f"categories must differ from one another; got {list(found)}.")
        unknown = present - set(found)
        if unknown:
            raise ValueError(f"Rating {sorted_labels(list(unknown))[0]!r} is not among categories {list(found)}.")
    if not found:
        raise ValueError(f"{' and '.join(raters)}: all ratings are missing.")
    index = {value: i for i, value in enumerate(found)}
    codes = np.full(values.shape, -1, dtype=np.int64)
    codes[~missing] = [index[v] for v in values[~missing].tolist()]
    return codes, found
