"""Two tests on the same patients: which has the better sensitivity, specificity and predictive values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special

from vcfstats.statistics.diagnostic.mcnemar import METHODS, mcnemar_test, paired_difference_ci
from vcfstats.statistics.inputs import BoolArray, as_outcome, check_alignment, check_choice, check_level
from vcfstats.statistics.results import ConfidenceInterval, Result

if TYPE_CHECKING:
    import pandas as pd

MEASURES = ("sensitivity", "specificity", "accuracy", "ppv", "npv")


@dataclass(frozen=True, repr=False, eq=False)
class MeasureDifference(Result):
    """One measure of two tests on the same patients.

    Attributes
    ----------
    measure : str
        "sensitivity", "specificity", "accuracy", "ppv" or "npv".
    a, b : float
        The measure of the two tests.
    difference : float
        `a - b`.
    ratio : float
        `a / b`.
    se, se_log_ratio : float
        Standard errors of the difference and of the logarithm of the ratio (delta method).
    statistic, pvalue, df : float
        McNemar's test (sensitivity, specificity, accuracy), or the weighted generalised score test (ppv, npv).
    """

    measure: str
    a: float
    b: float
    difference: float
    ratio: float
    se: float
    se_log_ratio: float
    statistic: float
    pvalue: float
    df: float
    _discordant: tuple[int, int, int] | None

    def confidence_interval(
        self, confidence_level: float = 0.95, method: str | None = None, *, of: str = "difference"
    ) -> ConfidenceInterval:
        """Return an interval of the difference or of the ratio.

        Parameters
        ----------
        confidence_level : float
            Such as 0.95.
        method : {"tango", "wald"}, optional
            Of the difference. "tango" is the default for sensitivity, specificity and accuracy; ppv and npv have "wald" only.
            The ratio has "wald" on the log scale only.
        of : {"difference", "ratio"}
            Of what.

        Raises
        ------
        ValueError
            An unknown method or a level outside (0, 1).

        References
        ----------
        Tango (1998), doi 10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B; Moskowitz & Pepe (2006),
        doi 10.1191/1740774506cn147oa.
        """
        level = check_level(confidence_level)
        z = float(special.ndtri(0.5 + level / 2))
        if check_choice(of, ("difference", "ratio"), name="of") == "ratio":
            check_choice(method, ("wald",), name="method", default="wald")
            half = z * self.se_log_ratio
            return ConfidenceInterval(self.ratio * math.exp(-half), self.ratio * math.exp(half))
        if self._discordant is None:
            check_choice(method, ("wald",), name="method", default="wald")
            return ConfidenceInterval(self.difference - z * self.se, self.difference + z * self.se)
        chosen = check_choice(method, ("tango", "wald"), name="method", default="tango")
        return paired_difference_ci(*self._discordant, chosen, level)


@dataclass(frozen=True, repr=False, eq=False)
class DiagnosticComparison(Result):
    """Two tests compared on the same patients.

    Attributes
    ----------
    sensitivity, specificity, accuracy, ppv, npv : MeasureDifference
        Each measure of both tests with its difference, ratio and test.
    n_events, n_nonevents : int
        Size of the two classes.
    method : str
        Of McNemar's test.
    """

    sensitivity: MeasureDifference
    specificity: MeasureDifference
    accuracy: MeasureDifference
    ppv: MeasureDifference
    npv: MeasureDifference
    n_events: int
    n_nonevents: int
    method: str

    def to_frame(self, confidence_level: float = 0.95) -> pd.DataFrame:
        """Return one row a measure: both estimates, the difference with its interval, and p."""
        import pandas as pd  # loaded on use: importing a statistic must not cost pandas

        rows = []
        for name in MEASURES:
            measure: MeasureDifference = getattr(self, name)
            low, high = measure.confidence_interval(confidence_level)
            rows.append((name, measure.a, measure.b, measure.difference, low, high, measure.statistic, measure.pvalue))
        columns = ["measure", "a", "b", "difference", "ci_low", "ci_high", "statistic", "pvalue"]
        return pd.DataFrame(rows, columns=columns)


def compare_diagnostic_tests(
    y_true: npt.ArrayLike,
    test_a: npt.ArrayLike,
    test_b: npt.ArrayLike,
    *,
    event: Any = None,
    method: str = "mid-p",
    correction: bool = True,
) -> DiagnosticComparison:
    r"""Compare two binary tests read on the same patients.

    Sensitivities (among events), specificities (among non-events) and accuracies by McNemar's test; predictive values,
    which the two tests have on different though overlapping patients, by Kosinski's weighted generalised score test

    .. math:: T=\frac{(PPV_a-PPV_b)^2}{\{\bar p(1-\bar p)-2C\}(1/n_a+1/n_b)},\quad
              C=\frac{n_{11}^{+}(1-\bar p)^2+n_{11}^{-}\bar p^2}{n_a+n_b},

    with n the positives of each test, :math:`\bar p` their pooled PPV and :math:`n_{11}^{\pm}` the events and non-events
    positive in both; NPV likewise among negatives. T is chi-square with 1 degree of freedom. The standard errors of
    predictive values and of their log ratio are the delta method's (for the ratio, Moskowitz and Pepe's).

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Outcome, 0/1 or bool, or any coding with `event`.
    test_a, test_b : array-like of shape (n,)
        Results of the two tests, 0/1 or bool: cut a score first, such as ``y_prob >= 0.5``.
    event : object, optional
        The value of `y_true` that is the event.
    method, correction
        Of McNemar's test; see `mcnemar_test`.

    Returns
    -------
    DiagnosticComparison
        A predictive value of a test that calls nobody positive (or negative) is NaN, and so is its comparison.

    Raises
    ------
    ValueError
        Bad shapes, missing values, an outcome of one class, results other than 0/1.

    References
    ----------
    McNemar (1947), doi 10.1007/BF02295996; Kosinski (2013), doi 10.1002/sim.5587; Moskowitz & Pepe (2006),
    doi 10.1191/1740774506cn147oa.

    Examples
    --------
    >>> from vcfstats import compare_diagnostic_tests
    >>> y = [1] * 6 + [0] * 8
    >>> a = [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1]
    >>> b = [1, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0]
    >>> result = compare_diagnostic_tests(y, a, b)
    >>> round(result.sensitivity.difference, 3), round(result.sensitivity.pvalue, 3)
    (0.333, 0.25)
    """
    check_alignment(y_true=y_true, test_a=test_a, test_b=test_b)
    outcome = as_outcome(y_true, event=event)
    check_choice(method, METHODS, name="method")
    a = as_outcome(test_a, both_classes=False, name="test_a", argument=None)
    b = as_outcome(test_b, both_classes=False, name="test_b", argument=None)
    for name, test in (("test_a", a), ("test_b", b)):
        if test.size != outcome.size:
            raise ValueError(f"{name} must have shape ({outcome.size},), one result per patient; got {test.shape}.")
    settings = (method, correction)
    return DiagnosticComparison(
        sensitivity=_proportions("sensitivity", a[outcome], b[outcome], *settings),
        specificity=_proportions("specificity", ~a[~outcome], ~b[~outcome], *settings),
        accuracy=_proportions("accuracy", a == outcome, b == outcome, *settings),
        ppv=_predictive("ppv", outcome, a, b),
        npv=_predictive("npv", ~outcome, ~a, ~b),
        n_events=int(outcome.sum()),
        n_nonevents=int((~outcome).sum()),
        method=method,
    )


def _proportions(measure: str, a: BoolArray, b: BoolArray, method: str, correction: bool) -> MeasureDifference:
    test = mcnemar_test(a, b, method=method, correction=correction)
    x, y, n = int(a.sum()), int(b.sum()), test.n
    log_variance = (test.b + test.c) / (x * y) if x and y else math.nan
    return MeasureDifference(
        measure=measure,
        a=x / n,
        b=y / n,
        difference=test.difference,
        ratio=_quotient(x, y),
        se=math.sqrt(test.b + test.c - (test.b - test.c) ** 2 / n) / n,
        se_log_ratio=math.sqrt(log_variance),
        statistic=test.statistic,
        pvalue=test.pvalue,
        df=test.df,
        _discordant=(test.b, test.c, n),
    )


def _predictive(measure: str, outcome: BoolArray, a: BoolArray, b: BoolArray) -> MeasureDifference:
    n_a, n_b = int(a.sum()), int(b.sum())
    right_a, right_b = int((a & outcome).sum()), int((b & outcome).sum())
    if n_a == 0 or n_b == 0:
        nan = math.nan
        value_a, value_b = right_a / n_a if n_a else nan, right_b / n_b if n_b else nan
        return MeasureDifference(measure, value_a, value_b, nan, nan, nan, nan, nan, nan, 1.0, None)
    value_a, value_b = right_a / n_a, right_b / n_b
    difference = value_a - value_b
    # Influence of each patient on the two predictive values.
    on_a = np.where(a, outcome - value_a, 0.0) / n_a
    on_b = np.where(b, outcome - value_b, 0.0) / n_b
    se = float(np.sqrt(((on_a - on_b) ** 2).sum()))
    both = a & b
    pooled = (right_a + right_b) / (n_a + n_b)
    shared = (int((both & outcome).sum()) * (1 - pooled) ** 2 + int((both & ~outcome).sum()) * pooled**2) / (n_a + n_b)
    variance = (pooled * (1 - pooled) - 2 * shared) * (1 / n_a + 1 / n_b)
    statistic = difference**2 / variance if variance > 0 else (math.nan if difference else 0.0)
    log_ratio_se = float(np.sqrt(((on_a / value_a - on_b / value_b) ** 2).sum())) if right_a and right_b else math.nan
    return MeasureDifference(
        measure=measure,
        a=value_a,
        b=value_b,
        difference=difference,
        ratio=_quotient(value_a, value_b),
        se=se,
        se_log_ratio=log_ratio_se,
        statistic=statistic,
        pvalue=float(special.chdtrc(1, statistic)),
        df=1.0,
        _discordant=None,
    )


def _quotient(x: float, y: float) -> float:
    if y == 0:
        return math.inf if x else math.nan
    return x / y
