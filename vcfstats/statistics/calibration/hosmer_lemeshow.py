"""The Hosmer-Lemeshow test, with R's and Stata's ways of forming groups."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

from vcfstats.statistics.inputs import FloatArray, as_count, as_outcome, as_probabilities, check_alignment, check_choice
from vcfstats.statistics.results import Result

if TYPE_CHECKING:
    import pandas as pd

GROUPINGS = ("quantile", "stata", "equal_width")


@dataclass(frozen=True, repr=False, eq=False)
class HosmerLemeshowResult(Result):
    """Result of `hosmer_lemeshow`.

    Attributes
    ----------
    statistic : float
        Sum over groups of (observed - expected)^2 / expected, over events and non-events.
    df : int
        Degrees of freedom: groups used, less 2 where the model was fitted to these data.
    pvalue : float
        Upper tail of the chi-square distribution.
    table : DataFrame
        One row a group: `group, lower, upper, n, observed_events, expected_events, observed_nonevents,
        expected_nonevents`; groups are (lower, upper], the first holds its lower end too. Empty groups stay in the
        table with n = 0.
    grouping : str
        How the groups were formed.
    n_groups : int
        Groups that hold at least one patient.
    """

    statistic: float
    df: int
    pvalue: float
    table: pd.DataFrame
    grouping: str
    n_groups: int

    def to_frame(self) -> pd.DataFrame:
        """Return the table of groups."""
        return self.table.copy()


def hosmer_lemeshow(
    y_true: npt.ArrayLike,
    y_prob: npt.ArrayLike,
    n_groups: int = 10,
    grouping: str = "quantile",
    *,
    devel: str = "internal",
    event: Any = None,
) -> HosmerLemeshowResult:
    """Test calibration over groups of predicted risk (Hosmer and Lemeshow).

    C = sum_g [(O_1g - E_1g)^2 / E_1g + (O_0g - E_0g)^2 / E_0g], with O_1g the events of group g, E_1g the sum of its
    predicted probabilities, and O_0g, E_0g the same for non-events. C is referred to chi-square with (groups used - 2)
    degrees of freedom where the model was fitted to the same data, and (groups used) on other data.

    The test depends on an arbitrary grouping and has little power in small samples: report `calibration_summary` and
    `calibration_curve` beside it. On other data, at a nominal 5%, it rejected a calibrated model in 12% of samples with 4
    events among 70, 10% with 8 among 164 and 5 to 7% otherwise (benchmarks/results/coverage_calibration_tests.md).

    Parameters
    ----------
    y_true : array-like of shape (n,)
        0/1 outcome, or any coding with `event`.
    y_prob : array-like of shape (n,)
        Predicted probability of the event.
    n_groups : int
        Groups asked for, at least 2; tied probabilities stay together, so that fewer may result.
    grouping : {"quantile", "stata", "equal_width"}
        "quantile": intervals between the distinct quantiles (type 7) of the probabilities, as R's ResourceSelection.
        "stata": intervals between Stata's percentiles (type 2: averaged where n j / g is whole), as its `xtile`.
        "equal_width": equal intervals between the smallest and the largest probability (the H statistic of DescTools).
    devel : {"internal", "external"}
        Whether the model was fitted to these data ("internal": df = groups - 2) or to others ("external": df = groups).
    event : object, optional
        The value of `y_true` that is the event.

    Returns
    -------
    HosmerLemeshowResult
        A group without patients counts for nothing, with a warning (ResourceSelection returns NaN there; DescTools
        drops the group as here). A group whose expected count is 0 contributes nothing where the observed count is 0
        too, and makes the statistic infinite (p = 0) otherwise.

    Raises
    ------
    ValueError
        Bad input, or too few distinct probabilities for at least one degree of freedom (constant predictions).

    References
    ----------
    Hosmer and Lemeshow (1980), doi 10.1080/03610928008827941; Hosmer, Lemeshow and Sturdivant, Applied Logistic
    Regression, 3rd ed. (2013), doi 10.1002/9781118548387 (degrees of freedom on other data).

    Examples
    --------
    >>> import numpy as np
    >>> from vcfstats import hosmer_lemeshow
    >>> rng = np.random.default_rng(1)
    >>> risk = rng.uniform(size=200)
    >>> result = hosmer_lemeshow(rng.random(200) < risk, risk)
    >>> result.df, len(result.table)
    (8, 10)
    """
    check_alignment(y_true=y_true, y_prob=y_prob)
    outcome = as_outcome(y_true, event=event, both_classes=False)
    prob = as_probabilities(y_prob, len(outcome))
    check_choice(grouping, GROUPINGS, name="grouping")
    check_choice(devel, ("internal", "external"), name="devel")
    breaks = _breaks(prob, as_count(n_groups, "n_groups", least=2, most=max(10_000, len(prob))), grouping)
    table = _table(outcome.astype(float), prob, breaks)
    sizes = table["n"].to_numpy()
    used = int((sizes > 0).sum())
    df = used - 2 if devel == "internal" else used
    if df < 1:
        raise ValueError(
            f"y_prob has {np.unique(prob).size} distinct value(s), which gives {used} group(s);"
            " at least 3 groups are needed where the model was fitted to these data."
        )
    if used < len(sizes):
        warnings.warn(
            f"{len(sizes) - used} of {len(sizes)} groups hold no patient (ties); they count for nothing and df is {df}.",
            RuntimeWarning,
            stacklevel=2,
        )
    statistic = _chi_square(table, "events") + _chi_square(table, "nonevents")
    return HosmerLemeshowResult(statistic, df, float(chi2.sf(statistic, df)), table, grouping, used)


def _chi_square(table: pd.DataFrame, what: str) -> float:
    observed = table[f"observed_{what}"].to_numpy()
    expected = table[f"expected_{what}"].to_numpy()
    # 1 - 1.0 leaves rounding, never a true expectation, below this
    expected = np.where(expected < 1e-14 * np.maximum(table["n"].to_numpy(), 1), 0.0, expected)
    with np.errstate(divide="ignore", invalid="ignore"):
        cells = (observed - expected) ** 2 / expected
    return float(np.where((observed == 0) & (expected == 0), 0.0, cells).sum())


def _breaks(prob: FloatArray, n_groups: int, grouping: str) -> FloatArray:
    ordered = np.sort(prob)
    n = len(ordered)
    if grouping == "quantile":
        # j * (1/g), not j/g: where (n - 1) j/g is whole the last bit decides to which side a patient falls
        index = (n - 1) * np.minimum(np.arange(n_groups + 1) * (1 / n_groups), 1.0)
        low = np.floor(index).astype(int)
        high = np.ceil(index).astype(int)
        h = index - low
        breaks = np.where(ordered[high] == ordered[low], ordered[low], (1 - h) * ordered[low] + h * ordered[high])
    elif grouping == "stata":
        whole, part = np.divmod(n * np.arange(1, n_groups), n_groups)
        upper = ordered[whole]
        inner = np.where(part == 0, (ordered[np.maximum(whole - 1, 0)] + upper) / 2, upper)
        breaks = np.concatenate([ordered[:1], inner, ordered[-1:]])
    else:
        breaks = np.linspace(ordered[0], ordered[-1], n_groups + 1)
    return np.unique(breaks)


def _table(outcome: FloatArray, prob: FloatArray, breaks: FloatArray) -> pd.DataFrame:
    import pandas as pd

    if len(breaks) == 1:
        breaks = np.repeat(breaks, 2)
    n_cells = len(breaks) - 1
    # cell j is (breaks[j], breaks[j+1]]; the lowest value joins the first cell
    cell = np.clip(np.searchsorted(breaks, prob, side="left") - 1, 0, n_cells - 1)
    sums = {
        "n": np.bincount(cell, minlength=n_cells),
        "observed_events": np.bincount(cell, outcome, n_cells),
        "expected_events": np.bincount(cell, prob, n_cells),
        "observed_nonevents": np.bincount(cell, 1 - outcome, n_cells),
        "expected_nonevents": np.bincount(cell, 1 - prob, n_cells),
    }
    return pd.DataFrame({"group": np.arange(1, n_cells + 1), "lower": breaks[:-1], "upper": breaks[1:], **sums})
