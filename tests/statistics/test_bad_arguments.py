"""No bad argument is taken in silence, and none ends in another library's words: a seeded slice here, all of it in `soak`."""

from __future__ import annotations

import inspect
import re
import traceback
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import vcfstats
from tests.statistics.bad_arguments import CALLS, FRAME, MATRIX, bad_values, function_of, paired_rows
from vcfstats.statistics.results import Result

HOUSE = Path(vcfstats.__file__).parent
# A column of a frame is named in place of the argument that holds it.
COLUMNS = ("'age'", "'marker'", "'sex'", "'seen'", "'stay'", "'z'", "'x1'")
# What NumPy and SciPy say when a computation went wrong on the way.
BARE = re.compile(
    r"divide by zero|invalid value|overflow|underflow|Mean of empty|Degrees of freedom|All-NaN|Precision loss|nearly identical"
    r"|discarded|converting a masked|Ill-conditioned|singular|cast"
)


# A function of the caller's own answers for itself.
THEIRS = (("estimator", "function"), ("statistic", "function"))


def cases():
    for name, arguments in CALLS.items():
        for argument in arguments:
            for what in catalogue(name, argument):
                if (argument, what) not in THEIRS:
                    yield name, argument, what


def rows_cases():
    """All arguments of one row a patient cut to the first k rows."""
    for name in CALLS:
        for k in (0, 1, 2, 3, 4, 5):
            yield name, "rows", k


@cache
def catalogue(name, argument):
    return bad_values(CALLS[name][argument])


def spoiled(name, argument, what):
    arguments = dict(CALLS[name])
    if argument != "rows":
        bad = (number for number in range(3)) if what == "generator" else catalogue(name, argument)[what]
        return arguments | {argument: bad}
    for group in paired_rows(name):
        for key in group:
            arguments[key] = arguments[key][:what]
    return arguments


def judge(name, argument, what):
    """Return what is wrong with the answer to one bad call; empty where nothing is."""
    arguments = spoiled(name, argument, what)
    label = f"{name}({argument}: {what})"
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            result = function_of(name)(**arguments)
            if isinstance(result, Result):
                result.to_frame()
                repr(result)
        except (ValueError, TypeError) as error:
            return _of_error(label, name, argument, error) + _of_warnings(label, told)
        except Exception as error:  # every other kind is a fault of ours
            last = traceback.extract_tb(error.__traceback__)[-1]
            return [f"{label}: {type(error).__name__}: {error} ({last.filename}:{last.lineno})"]
    return _of_warnings(label, told)


def _of_error(label, name, argument, error):
    last = traceback.extract_tb(error.__traceback__)[-1]
    if not Path(last.filename).is_relative_to(HOUSE):
        return [f"{label}: {type(error).__name__} of {last.filename}:{last.lineno}: {error}"]
    if not any(re.search(rf"(?<![A-Za-z_]){re.escape(key)}", str(error)) for key in [*CALLS[name], *COLUMNS]):
        return [f"{label}: names no argument: {error}"]
    return []


def _of_warnings(label, told):
    return [
        f"{label}: bare warning {warning.message} ({warning.filename}:{warning.lineno})"
        for warning in told
        if issubclass(warning.category, RuntimeWarning | np.exceptions.ComplexWarning)
        and BARE.search(str(warning.message))
    ]


CASES = [*cases(), *rows_cases()]
# A share of the whole that is drawn anew where a case is added; `make soak` tries every one of them.
SLICE = np.random.default_rng(7).permutation(len(CASES))[:3000]


def test_a_slice_of_the_bad_arguments():
    wrong = [fault for at in sorted(SLICE) for fault in judge(*CASES[at])]
    assert not wrong, "\n".join(wrong)


@pytest.mark.soak
@pytest.mark.parametrize("name", list(CALLS))
def test_every_bad_argument(name):
    wrong = [fault for case in CASES if case[0] == name for fault in judge(*case)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", list(CALLS))
def test_the_valid_call_is_valid(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        function_of(name)(**CALLS[name])


METHODS = (
    "confidence_interval", "bands", "at", "quantile", "bootstrap", "confidence_band", "predict", "sensitivity_at", "specificity_at",
    "form", "pvalue", "risk_axis", "linear_predictor", "points", "total_to_probability", "probability_to_total", "prediction_interval",
    "coef_at", "predict_proba", "contrast", "to_frame",
)  # fmt: skip
# What else a method needs before one of its arguments can be spoiled.
NEEDED = {
    "measure": "slope", "name": "ICC(A,1)", "times": [2.0], "probability": 0.5, "at": None, "total": 50.0, "weights": [1.0],
    "X": MATRIX[:3], "data": FRAME,
}  # fmt: skip


def method_cases(name):
    """Every argument of every method of the result of a valid call, with each bad number or word."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = function_of(name)(**CALLS[name])
    if not isinstance(result, Result):
        return
    for method in METHODS:
        if not callable(getattr(result, method, None)):
            continue
        parameters = [key for key in inspect.signature(getattr(result, method)).parameters if key != "random_state"]
        for argument in parameters:
            for what, bad in bad_values(0.5).items():
                yield result, method, argument, what, bad


def judge_method(name, result, method, argument, what, bad):
    label = f"{name}.{method}({argument}: {what})"
    parameters = inspect.signature(getattr(result, method)).parameters
    given = {key: value for key, value in NEEDED.items() if key in parameters} | {argument: bad}
    drawn = method == "bootstrap" or name in ("optimal_threshold", "partial_auc")  # nothing but the bootstrap there
    if "n_resamples" in parameters and argument != "n_resamples" and drawn:
        given["n_resamples"] = 10
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            getattr(result, method)(**given)
        except (ValueError, TypeError) as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            if not Path(last.filename).is_relative_to(HOUSE):
                return [f"{label}: {type(error).__name__} of {last.filename}:{last.lineno}: {error}"]
            if not any(key in str(error) for key in [*parameters, *COLUMNS]):
                return [f"{label}: names no argument: {error}"]
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            return [f"{label}: {type(error).__name__}: {error} ({last.filename}:{last.lineno})"]
    return _of_warnings(label, told)


QUICK = (
    "kaplan_meier",
    "baseline_table",
    "diagnostic_accuracy",
    "roc_curve",
    "cohen_kappa",
    "icc",
    "bootstrap_ci",
    "Nomogram",
)


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.soak) for name in CALLS]
)
def test_methods_of_results(name):
    wrong = [fault for case in method_cases(name) for fault in judge_method(name, *case)]
    assert not wrong, "\n".join(wrong)
