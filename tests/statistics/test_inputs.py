"""What every statistic refuses: times for numbers, rows in another order, codings without a 0, missing values, unused options."""

from __future__ import annotations

import datetime
import inspect
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import vcfstats
from tests.statistics.bad_arguments import AGE, CALLS, FRAME, PROB, SCORE, STATUS, TIME, N, Y, function_of, paired_rows
from vcfstats import (
    Nomogram,
    adjust_pvalues,
    baseline_table,
    bootstrap_ci,
    calibration_curve,
    cohen_kappa,
    decision_curve,
    kaplan_meier,
    lasso_path,
    log_rank_test,
    logistic_table,
    mcnemar_test,
    optimal_threshold,
    roc_auc,
    survival_calibration,
    survival_decision_curve,
    time_dependent_auc,
)
from vcfstats.statistics.digits import decimals_for, fixed
from vcfstats.statistics.inputs import as_numbers, as_outcome

DAYS = pd.to_timedelta([60, 366, 517, 731, 882], unit="D")
EVENTS = [1, 1, 0, 1, 0]
DATES = pd.date_range("2020-01-01", periods=5)


# Numbers, and what NumPy would read as numbers


@pytest.mark.parametrize(
    "times",
    [
        DAYS,
        pd.Series(DAYS),
        DAYS.to_numpy(),
        DATES,
        pd.Series(DATES),
        list(DAYS),
        pd.Series(list(DAYS), dtype=object),
        [datetime.timedelta(days=i) for i in range(1, 6)],
        [datetime.date(2020, 1, i) for i in range(1, 6)],
        pd.Series(DAYS).where(pd.Series(EVENTS) == 1),
        pd.Series(DAYS).astype("category"),
        pd.period_range("2020-01", periods=5, freq="M"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_times_are_no_numbers(times):
    with pytest.raises(
        ValueError, match=r"time must hold numbers; got (time spans|dates).*np\.timedelta64\(1, \"D\"\)"
    ):
        kaplan_meier(times, EVENTS)


def test_days_are_numbers():
    curve = kaplan_meier(DAYS / np.timedelta64(1, "D"), EVENTS)
    assert curve.at(365).survival.tolist() == [0.8]
    assert curve.median == 731


@pytest.mark.parametrize("span", [pd.Timedelta(days=365), np.timedelta64(365, "D"), datetime.timedelta(days=365)])
def test_horizons_are_numbers(span):
    days = DAYS / np.timedelta64(1, "D")
    for call in (
        lambda: kaplan_meier(days, EVENTS).at(span),
        lambda: kaplan_meier(days, EVENTS).quantile(span),
        lambda: survival_calibration(days, EVENTS, [0.1] * 5, span, smooth=False),
        lambda: survival_decision_curve(days, EVENTS, [0.1] * 5, horizon=span),
        lambda: time_dependent_auc(days, EVENTS, [0.1] * 5, [span]),
        lambda: vcfstats.concordance_index(days, EVENTS, [0.1] * 5, tau=span),
        lambda: vcfstats.diagnostic_accuracy(EVENTS, [0.1] * 5, threshold=span),
        lambda: vcfstats.sample_size_survival(n_parameters=3, rate=0.1, mean_follow_up=span, time=2, r2_cox_snell=0.1),
    ):
        with pytest.raises(ValueError, match=r"got time spans .*np\.timedelta64\(1, \"D\"\)"):
            call()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ma.masked_array([1.0, 2, 3], mask=[0, 1, 1]), "masked array with 2 of 3 values masked"),
        (np.array([1 + 1j, 2]), "complex"),
        (np.array([(1.0, 2)], dtype=[("a", float), ("b", int)]), "structured array with the fields a, b"),
        (["0.1", "0.2"], r"text, such as '0.1'"),
        (pd.Series(["0.1", "0.2"], dtype="string"), "text"),
        (sparse.csr_matrix(np.eye(2)), "sparse matrix"),
        ([[1, 2], [3]], "rows of unequal length"),
        ([1, 10**400], "rescale"),
        ([object()], "objects of type object"),
        ({1: 2}, "got dict"),
        ("12", "got str"),
    ],
)
def test_what_is_no_number(values, message):
    with pytest.raises(ValueError, match=message):
        as_numbers(values, "x")


def test_what_is_missing_is_nan_and_what_is_not_masked_is_kept():
    np.testing.assert_array_equal(as_numbers([1, None, pd.NA, 2.5], "x"), [1, np.nan, np.nan, 2.5])
    np.testing.assert_array_equal(as_numbers(pd.Series([1, None], dtype="Int64"), "x"), [1, np.nan])
    np.testing.assert_array_equal(as_numbers(np.ma.masked_array([1.0, 2.0]), "x"), [1, 2])
    with pytest.raises(ValueError, match="truth values"):
        as_numbers([True, False], "x", booleans=False)


def test_a_date_column_is_no_set_of_levels():
    frame = FRAME.assign(seen=pd.date_range("2020-01-01", periods=N))
    for call in (lambda: baseline_table(frame, Y), lambda: logistic_table(Y, frame)):
        with pytest.raises(ValueError, match=r"'seen' must hold numbers; got dates"):
            call()
    with pytest.raises(ValueError, match=r"'age' holds numbers as text \(such as "):
        baseline_table(FRAME.assign(age=FRAME["age"].astype(str)), Y)
    grades = FRAME.assign(grade=np.tile(["1", "2", "3"], N // 3))
    assert baseline_table(grades, Y).variables[3].levels == ("1", "2", "3")  # whole numbers as text may be codes


def test_objects_that_are_numbers_are_numbers():
    as_objects = baseline_table(FRAME.astype({"age": object}), Y).variables[0]
    assert as_objects.mean.tolist() == baseline_table(FRAME, Y).variables[0].mean.tolist()


# Rows that belong together


def _labelled(value, index):
    if isinstance(value, pd.DataFrame):
        return value.set_axis(index, axis=0)
    if np.ndim(value) == 2:
        return pd.DataFrame(np.asarray(value), index=index)
    return pd.Series(np.asarray(value), index=index)


PAIRS = [(name, rows) for name in CALLS for rows in paired_rows(name) if len(rows) > 1]


@pytest.mark.parametrize(("name", "rows"), PAIRS, ids=[name for name, _ in PAIRS])
def test_rows_in_another_order_are_refused(name, rows):
    valid = CALLS[name]
    n = len(valid[rows[0]])
    index = pd.Index([f"p{i}" for i in range(n)])
    call = function_of(name)
    for moved in rows[1:]:
        turned = _labelled(valid[moved], index[::-1])
        with pytest.raises(ValueError, match=r"same row labels in another order .*\.loc\[.*to_numpy\(\)"):
            call(**valid | {rows[0]: _labelled(valid[rows[0]], index), moved: turned})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        aligned = call(**valid | {key: _labelled(valid[key], index) for key in rows})
        apart = call(
            **valid | {key: _labelled(valid[key], pd.RangeIndex(n * at, n * at + n)) for at, key in enumerate(rows)}
        )
        plain = call(**valid)
    assert _numbers(aligned) == _numbers(apart) == _numbers(plain)


def _numbers(result):
    """A result as text, without the names that columns have in a frame alone."""
    return [line for line in str(result).splitlines() if not line.startswith(("  models:", "  features:", "  pairs:"))]


def test_every_function_of_several_rows_is_walked():
    several = {name for name in vcfstats.__all__ if inspect.isfunction(getattr(vcfstats, name))} - {"audit_table"}
    assert several <= set(CALLS)
    walked = {name for name, _ in PAIRS}
    for name in several:
        parameters = set(inspect.signature(getattr(vcfstats, name)).parameters)
        if (
            {"y_true", "y", "time", "event"} & parameters
            and len(parameters & {"y_true", "y", "time"})
            and "estimator" not in parameters
        ):
            assert name in walked or "n_parameters" in parameters, name


def test_labels_that_repeat_and_labels_within_mappings_and_tuples():
    y, p = pd.Series([0, 1, 1, 0], index=list("aabb")), pd.Series([0.1, 0.9, 0.8, 0.2], index=list("abab"))
    with pytest.raises(ValueError, match="the labels repeat, so sort y_true and y_score by one key"):
        roc_auc(y, p)
    assert roc_auc(y, p.set_axis(list("aabb"))).auc == 1
    y, p = y.set_axis(range(4)), p.set_axis(range(4))
    with pytest.raises(ValueError, match=r"y_true and y_prob\['m'\] carry"):
        decision_curve(y, {"m": p[::-1]})
    with pytest.raises(ValueError, match=r"data\[0\] and data\[1\] carry"):
        bootstrap_ci((y, p[::-1]), lambda a, b: float(np.mean(a * b)))
    with pytest.raises(ValueError, match="y_true and clusters carry"):
        optimal_threshold(y, p).bootstrap(clusters=pd.Series(range(4))[::-1])
    shifted = roc_auc(y, p.set_axis(range(1, 5)))  # labels that only overlap are paired by position
    assert shifted.auc == roc_auc(y, p).auc


def test_columns_are_taken_by_name():
    X = pd.DataFrame({"a": AGE, "b": SCORE, "c": PROB})
    path = lasso_path(X, AGE + 20 * SCORE, n_folds=3, random_state=1)
    turned = path.predict(X[["c", "a", "b"]], "lambda_min")
    np.testing.assert_array_equal(turned, path.predict(X, "lambda_min"))
    with pytest.raises(ValueError, match=r"lacks the columns \['c'\]"):
        path.predict(X[["a", "b"]].assign(d=1.0), "lambda_min")
    table = pd.crosstab(Y, (PROB > 0.5) * 1)
    with pytest.raises(ValueError, match="columns of table carry"):
        mcnemar_test(table[[1, 0]])
    covariance = pd.DataFrame(np.eye(2), index=["age", "sex"], columns=["age", "sex"])
    with pytest.raises(ValueError, match="covariance names the coefficients in another order"):
        Nomogram.from_coefficients({"sex": 1.0, "age": 0.1}, {"age": [40, 60.0], "sex": [0, 1]}, covariance=covariance)


# Codings of events


@pytest.mark.parametrize(
    "status", [STATUS + 1, np.full(N, 2), STATUS * 2, STATUS + 2.0, np.where(STATUS == 1, "1", "0")]
)
def test_status_without_a_zero_is_refused_by_the_name_of_its_argument(status):
    for call in (
        lambda: kaplan_meier(TIME, status),
        lambda: log_rank_test(TIME, status, Y),
        lambda: vcfstats.concordance_index(TIME, status, SCORE),
    ):
        with pytest.raises(ValueError, match="Pass event_value= to name the event"):
            call()


def test_status_of_r_is_refused_where_causes_compete():
    """R's lung: 1 is censored, 2 dead; read as 0/1/2 the censored would count as the event."""
    call = {"time": TIME, "y_prob": PROB, "thresholds": [0.2], "horizon": 8.0}
    with pytest.raises(ValueError, match=r"codes \[1, 2\] and no 0.*event - 1.*cause="):
        survival_decision_curve(event=STATUS + 1, **call)
    with pytest.raises(ValueError, match="no 0"):
        survival_decision_curve(event=np.full(N, 2), **call)
    everyone = survival_decision_curve(event=np.ones(N, dtype=int), **call)  # all events: 0/1 without a censored one
    assert everyone.net_benefit[0, 0] == pytest.approx(np.mean(TIME <= 8) - np.mean(TIME > 8) * 0.25)
    with pytest.warns(UserWarning, match="nobody counts as censored"):
        survival_decision_curve(event=STATUS + 1, cause=1, **call)


def test_messages_name_an_argument_that_exists():
    with pytest.raises(ValueError, match=r"y_true must be 0/1.*Pass event= "):
        roc_auc(Y + 1, SCORE)
    with pytest.raises(ValueError, match=r"second must be 0/1 or bool.*Recode it first, such as \(second == 2\)"):
        mcnemar_test(Y, Y + 1)
    with pytest.raises(ValueError, match=r"test_b must be 0/1.*Recode it first"):
        vcfstats.compare_diagnostic_tests(Y, Y, Y + 1)
    with pytest.raises(ValueError, match="event_value=3 never occurs in event"):
        kaplan_meier(TIME, STATUS, event_value=3)
    for name, arguments in CALLS.items():
        key = next((key for key in ("y_true", "y_a", "y", "event") if np.size(arguments.get(key)) == N), None)
        if key is None:
            continue
        with pytest.raises(ValueError, match=r"must be 0/1 or bool|holds the codes") as caught:
            getattr(vcfstats, name)(**arguments | {key: np.asarray(arguments[key]) + 3})
        said = str(caught.value)
        offered = said.split("Pass ")[-1].split("=")[0] if "Pass " in said else "cause"
        assert offered in inspect.signature(getattr(vcfstats, name)).parameters, said


def test_missing_values_of_pandas_are_counted_and_named():
    truth = pd.Series([True, False, None, True], index=list("abcd")).convert_dtypes()
    for call, name in (
        (lambda: roc_auc(truth, [1, 2, 3, 4]), "y_true"),
        (lambda: kaplan_meier([1, 2, 3, 4], truth), "event"),
        (lambda: log_rank_test([1, 2, 3, 4], [1, 0, 1, 0], truth), "groups"),
        (lambda: vcfstats.standardised_difference([1, 2, 3, 4], truth), "groups"),
        (lambda: vcfstats.clustered_auc([0, 1, 0, 1], [1, 2, 3, 4], clusters=truth), "clusters"),
    ):
        with pytest.raises(ValueError, match=rf"{name} has 1 missing .*first at row 'c' \(position 2\)"):
            call()
    with pytest.raises(ValueError, match="subject 2 lacks one"):
        cohen_kappa(truth, [True, False, True, True])
    words = pd.Series(["a", None, "b", "a"]).convert_dtypes()
    with pytest.raises(ValueError, match="y_true has 1 missing"):
        roc_auc(words, [1, 2, 3, 4], event="a")
    assert vcfstats.fleiss_kappa(pd.DataFrame({"r": words, "s": ["a", "b", "b", "b"]})).n_subjects == 4


def test_labels_keep_their_names():
    """Numbers as objects are ordered as numbers: 2 comes before 10, and each name has its own counts."""
    groups = pd.Series([2] * 14 + [10] * 10, dtype=object)
    result = log_rank_test(TIME, STATUS, groups)
    assert (result.groups, result.n.tolist()) == ((2, 10), [14, 10])


def test_strings_are_no_outcome():
    with pytest.raises(ValueError, match="found values '0', '1'"):
        as_outcome(np.array(["0", "1"]))


# Options that nothing would use


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: optimal_threshold(Y, SCORE, cost=5, prevalence=0.3), r"cost= and prevalence= have no effect with criterion='youden'"),
        (lambda: roc_auc(Y, SCORE).confidence_interval(n_resamples=500), "n_resamples= has no effect with method='delong'"),
        (lambda: calibration_curve(Y, PROB, n_knots=4), "n_knots= has no effect with method='loess'"),
        (lambda: calibration_curve(Y, PROB, method="logistic", span=0.5), "span= has no effect"),
        (lambda: decision_curve(Y, PROB).confidence_band(n_resamples=50), "n_resamples= has no effect"),
        (lambda: survival_calibration(TIME, STATUS, PROB, 8, smooth=False, n_knots=4), "n_knots= has no effect"),
        (lambda: lasso_path(FRAME[["age", "marker"]], AGE, groups=Y), "groups= has no effect without n_folds="),
        (lambda: lasso_path(FRAME[["age", "marker"]], AGE, lambdas=[1.0], n_lambdas=5), "n_lambdas= has no effect"),
        (lambda: logistic_table(Y, FRAME, multivariable=False, select_below=0.1), "select_below= has no effect"),
        (lambda: bootstrap_ci(AGE, np.mean, indices=[[0, 1], [1, 2]], n_resamples=10), "n_resamples= has no effect"),
        (lambda: vcfstats.bootstrap_aucs(Y, SCORE, clusters=Y, stratified=True), "exclude each other"),
        (lambda: vcfstats.optimism_bootstrap("logistic", FRAME[["age"]], Y, n_inner=5), "n_inner= has no effect"),
        (lambda: vcfstats.auc_difference_sample_size(0.8, 0.7, correlation=0.2, pilot_events=30), "pilot_events= has no effect"),
        (lambda: vcfstats.sample_size_validation(prevalence=0.3, c_statistic=0.8, net_benefit_width=0.1), "net_benefit_width= has no effect"),
        (lambda: adjust_pvalues([0.1], method=None), "method must be one of"),
        (lambda: Nomogram.from_coefficients({"a": 1.0}, {"a": [1, 2.0]}, ticks={"b": [1]}), "ticks names"),
        (lambda: Nomogram.from_coefficients({"a": 1.0}, {"a": [1, 2.0]}, knots={"b": [1, 2, 3]}), "knots names"),
    ],
)  # fmt: skip
def test_options_without_effect_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_weighted_kappa_needs_the_order_of_words():
    a, b = ["mild", "severe", "none", "mild"], ["none", "severe", "none", "severe"]
    order = ["none", "mild", "severe"]
    with pytest.raises(ValueError, match="Weighted kappa needs the order of the categories"):
        cohen_kappa(a, b, weights="linear")
    with pytest.raises(ValueError, match="Weighted kappa needs the order"):
        cohen_kappa(pd.Series(a, dtype="category"), pd.Series(b, dtype="category"), weights="linear")
    stated = [pd.Categorical(values, categories=order, ordered=True) for values in (a, b)]
    numbered = [[order.index(value) for value in values] for values in (a, b)]
    expected = cohen_kappa(*numbered, weights="linear").kappa
    assert cohen_kappa(*stated, weights="linear").kappa == expected
    assert cohen_kappa(a, b, weights="linear", categories=order).kappa == expected
    with pytest.raises(ValueError, match="different orders"):
        cohen_kappa(stated[0], pd.Categorical(b, categories=order[::-1], ordered=True), weights="linear")
    assert cohen_kappa(a, b).categories == ("mild", "none", "severe")


# Vectors, frames, horizons


def test_quantiles_of_several_probabilities():
    curve = kaplan_meier(DAYS / np.timedelta64(1, "D"), EVENTS)
    found = curve.quantile([0.25, 0.5, 0.9])
    assert found[:2].tolist() == [curve.quantile(0.25), curve.quantile(0.5)]
    assert np.isnan(found[2])
    with pytest.raises(ValueError, match="probability must lie between 0 and 1"):
        curve.quantile(50)


def test_a_frame_is_resampled_as_a_frame():
    data = pd.DataFrame({"y": Y, "p": PROB}, index=[f"p{i}" for i in range(N)])
    by_name = bootstrap_ci(data, lambda d: float((d.y * d.p).mean()), n_resamples=20, random_state=1)
    by_array = bootstrap_ci((Y, PROB), lambda y, p: float((y * p).mean()), n_resamples=20, random_state=1)
    np.testing.assert_array_equal(by_name.replicates, by_array.replicates)


def test_horizons_beyond_follow_up_say_when_it_ends():
    curve = kaplan_meier([1, 2, 3, 4], [1, 0, 1, 0])
    with pytest.warns(RuntimeWarning, match="beyond the last follow-up at 4"):
        assert np.isnan(curve.at([3, 9])["survival"]).tolist() == [False, True]
    assert kaplan_meier([1, 2], [1, 1]).at(9)["survival"].tolist() == [0]  # everybody had the event
    with pytest.warns(RuntimeWarning, match="beyond the last follow-up at 4"):
        result = time_dependent_auc([1, 2, 3, 4], [1, 0, 1, 0], [4, 3, 2, 1], [9])
    assert np.isnan([result.auc[0], result.cumulative_incidence[0]]).all()


# Digits


def test_small_units_do_not_print_as_nothing():
    frame = pd.DataFrame({"adc": np.round(0.0012 + 0.0003 * SCORE, 6), "age": AGE, "sex": FRAME["sex"]})
    shown = baseline_table(frame, Y, normal=["adc", "age"]).to_frame()
    assert shown["overall"][0] == f"{frame.adc.mean():.5f} ± {frame.adc.std():.5f}"
    assert shown["overall"][1] == f"{AGE.mean():.1f} ± {AGE.std(ddof=1):.1f}"
    fine = baseline_table(frame, Y, nonnormal=["adc"]).to_frame(digits={"age": 2, "adc": 4})
    assert fine["overall"][0].startswith(f"{frame.adc.median():.4f} (")
    assert f"± {AGE.std(ddof=1):.2f}" in fine["overall"][1]
    four = baseline_table(frame, Y).to_frame(digits=4)
    assert "(33.3%)" in four["overall"][2]
    assert "(33%)" in baseline_table(frame, Y).to_frame(percent_digits=0)["overall"][2]
    with pytest.raises(ValueError, match="digits names"):
        baseline_table(frame, Y).to_frame(digits={"weight": 1})


def test_decimals_follow_the_spread():
    assert [decimals_for([sd], 1) for sd in (120, 10.3, 1.0, 0.94, 0.1, 0.00031)] == [1, 1, 1, 2, 2, 5]
    assert decimals_for([], 1) == decimals_for([0.0, float("nan")], 1) == 1
    assert fixed(1.234e-9, 11) == "1.23e-09"


@pytest.mark.parametrize("factor", [1e-4, 1e6])
def test_units_that_make_an_odds_ratio_meaningless_are_told(factor):
    frame = pd.DataFrame({"x": SCORE * factor})
    with pytest.warns(UserWarning, match=r"One unit is no sensible step of 'x' \(odds ratio .*SD"):
        logistic_table(Y, frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        logistic_table(Y, pd.DataFrame({"age": AGE, "score": SCORE}))


SPELT = ["no", "Yes", "yes", "no", "no", "yes", "no", "Yes"]
TIMES = [1.0, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    "call",
    [
        lambda: vcfstats.roc_auc(SPELT, TIMES, event="yes"),
        lambda: vcfstats.kaplan_meier(TIMES, ["dead", "dead ", "alive", "alive"] * 2, event_value="dead"),
        lambda: vcfstats.log_rank_test(TIMES, [1, 0] * 4, ["A", "a", "B", "B "] * 2),
        lambda: vcfstats.cohen_kappa(SPELT, ["yes", "no"] * 4),
        lambda: vcfstats.clustered_auc([0, 1] * 4, TIMES, clusters=[" 007", "007", "1", "1", "2", "2", "3", "3"]),
        lambda: vcfstats.clustered_auc([0, 1] * 4, TIMES, clusters=pd.Series([7, "7", 1, 1, 2, 2, 3, 3], dtype=object)),
        lambda: vcfstats.baseline_table(pd.DataFrame({"a": SPELT, "g": [0, 1] * 4}), "g"),
    ],
)
def test_one_word_spelt_twice_is_not_two(call):
    with pytest.raises(ValueError, match=r"differ in (case or blanks|kind) alone"):
        call()


def test_levels_that_a_categorical_declares_are_taken_as_they_are():
    rater = pd.Categorical(["a", "A", "a", "A"])
    assert vcfstats.cohen_kappa(rater, rater).kappa == 1.0


def test_two_series_that_each_lost_rows_of_their_own_are_refused():
    frame = pd.DataFrame({"y": [0, 1] * 10, "p": [0.2, 0.8] * 10}, index=[f"P{i}" for i in range(20)])
    frame.loc["P3", "y"] = np.nan
    frame.loc["P10", "p"] = np.nan
    with pytest.raises(ValueError, match="'P10' stands in y_true alone and 'P3' in y_score alone"):
        vcfstats.roc_auc(frame["y"].dropna(), frame["p"].dropna())
    whole = frame.dropna()
    assert vcfstats.roc_auc(whole["y"], whole["p"]).auc == 1.0
    # pandas' own numbers say nothing of patients: predictions come back numbered anew.
    part = whole.iloc[[0, 2, 1, 4, 5, 7]].set_axis([0, 2, 1, 4, 5, 7])
    assert vcfstats.roc_auc(part["y"], pd.Series(part["p"].to_numpy())).auc == 1.0
