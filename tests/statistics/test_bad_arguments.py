"""No bad argument is taken in silence, and none ends in another library's words: a seeded slice here, all of it in `soak`."""

from __future__ import annotations

import re
import traceback
import warnings
from pathlib import Path

import numpy as np

import vcfstats
from tests.statistics.bad_arguments import CALLS, bad_values, function_of, paired_rows
from vcfstats.statistics.results import Result

HOUSE = Path(vcfstats.__file__).parent
# A column of a frame is named in place of the argument that holds it.
COLUMNS = ("'age'", "'marker'", "'sex'", "'seen'", "'stay'", "'z'", "'x1'")
# What NumPy and SciPy say when a computation went wrong on the way.
BARE = re.compile(
    r"divide by zero|invalid value|overflow|underflow|Mean of empty|Degrees of freedom|All-NaN|Precision loss|nearly identical"
    r"|discarded|converting a masked|Ill-conditioned|singular|cast"
)


def cases():
    for name, arguments in CALLS.items():
        for argument, valid in arguments.items():
            for what in bad_values(valid):
                if (argument, what) not in (
                    ("estimator", "function"),
                    ("statistic", "function"),
                ):  # theirs to answer for
                    yield name, argument, what


def rows_cases():
    """All arguments of one row a patient cut to the first k rows."""
    for name in CALLS:
        for k in (0, 1, 2, 3, 4, 5):
            yield name, "rows", k


def spoiled(name, argument, what):
    arguments = dict(CALLS[name])
    if argument != "rows":
        return arguments | {argument: bad_values(arguments[argument])[what]}
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
