"""Bootstrap replicates and the confidence intervals that can be drawn from them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special
from scipy.stats import DegenerateDataWarning

from vcfstats.statistics.inputs import FloatArray, as_numbers, check_choice, check_level
from vcfstats.statistics.results import ConfidenceInterval, Result

if TYPE_CHECKING:
    import pandas as pd

METHODS = ("percentile", "basic", "bca", "studentized", "normal")
# One array a stratum, shape (units of the stratum, ...): the statistic without each unit in turn.
Jackknife = Callable[[], list[FloatArray]]


@dataclass(frozen=True, repr=False, eq=False)
class Bootstrap(Result):
    """Bootstrap replicates of a statistic.

    Attributes
    ----------
    estimate : float or ndarray
        The statistic of the data.
    low, high : float or ndarray
        The interval that was asked for.
    confidence_level : float
        Its level.
    method : str
        Its method.
    se : float or ndarray
        Standard deviation of the replicates.
    bias : float or ndarray
        Mean of the replicates less the estimate.
    n_resamples : int
        Resamples drawn.
    n_failed : int
        Resamples on which the statistic failed; the intervals use the others.
    failure : str
        Why the first of them failed; empty where none did.
    replicates : ndarray of shape (n_resamples, ...)
        The statistic of each resample, NaN where it failed.
    """

    estimate: Any
    low: Any
    high: Any
    confidence_level: float
    method: str
    se: Any
    bias: Any
    n_resamples: int
    n_failed: int
    failure: str
    replicates: FloatArray
    _jackknife: Jackknife
    _studentized: tuple[Any, FloatArray] | None

    def confidence_interval(self, confidence_level: float = 0.95, method: str | None = None) -> ConfidenceInterval:
        r"""Return an interval from the replicates, elementwise where the statistic is an array.

        With the estimate t, replicates t*, q(p) their quantile (linear interpolation, "type 7") and
        :math:`\alpha` = (1 - level) / 2:

        - "percentile": q(α), q(1-α);
        - "basic": 2t - q(1-α), 2t - q(α);
        - "normal": t - bias ± z se;
        - "bca": :math:`q(\Phi(z_0+(z_0+z_p)/(1-a(z_0+z_p))))` for p = α and 1-α, with :math:`z_0` the normal quantile of
          the share of replicates below t (ties one half) and the acceleration a from the jackknife within strata;
        - "studentized": t - s q_t(1-α), t - s q_t(α) with (t* - t)/s*; needs the `standard_error` of `bootstrap_ci`.

        Parameters
        ----------
        confidence_level : float
            Such as 0.95.
        method : str, optional
            One of the above; the method of this result where left out.

        Raises
        ------
        ValueError
            An unknown method, a level outside (0, 1), or "studentized" without standard errors.

        References
        ----------
        Efron (1987), doi 10.1080/01621459.1987.10478410; DiCiccio & Efron (1996), doi 10.1214/ss/1032280214; Davison &
        Hinkley (1997), doi 10.1017/CBO9780511802843, chapter 5.
        """
        level = check_level(confidence_level)
        chosen = check_choice(method, METHODS, name="method", default=self.method)
        return make_interval(self.estimate, self.replicates, level, chosen, self._jackknife, self._studentized)

    def to_frame(self) -> pd.DataFrame:
        """Return one row an element of the statistic: estimate, limits, standard error, bias, and the resamples' tally."""
        import pandas as pd  # loaded on use: importing a statistic must not cost pandas

        columns = {
            "estimate": self.estimate,
            "ci_low": self.low,
            "ci_high": self.high,
            "se": self.se,
            "bias": self.bias,
        }
        frame = pd.DataFrame({name: np.ravel(value) for name, value in columns.items()})
        return frame.assign(
            confidence_level=self.confidence_level,
            method=self.method,
            n_resamples=self.n_resamples,
            n_failed=self.n_failed,
        )

    def contrast(self, weights: npt.ArrayLike) -> Bootstrap:
        """Return the bootstrap of ``weights @ estimate``, such as a difference of two models on the same resamples.

        Raises
        ------
        ValueError
            Unless the statistic is a vector of the length of `weights`.
        """
        vector = as_numbers(weights, "weights", booleans=False)
        if np.ndim(self.estimate) != 1 or vector.shape != np.shape(self.estimate):
            raise ValueError(
                f"weights must have the shape of the estimate, {np.shape(self.estimate)}; got {vector.shape}."
            )
        contrast = assemble(
            float(vector @ self.estimate),
            self.replicates @ vector,
            confidence_level=self.confidence_level,
            method=self.method if self.method != "studentized" else "percentile",
            jackknife=lambda: [values @ vector for values in self._jackknife()],
            failure=self.failure,
        )
        if not np.all(constant_elements(self.replicates)):  # else it was said of the whole
            warn_constant(contrast)
        return contrast


def constant_elements(replicates: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which elements of the statistic came out the same on every resample that succeeded."""
    kept = replicates[_finite_rows(replicates)]
    return np.asarray((kept == kept[0]).all(axis=0))


def warn_constant(result: Bootstrap, *, each: bool = False) -> None:
    """Warn where the statistic cannot vary over the resamples, so that its interval is a point that says nothing.

    Of an array all elements must be constant, since those of a curve rightly are at its ends; with `each`, one suffices.
    """
    constant = np.atleast_1d(constant_elements(result.replicates))
    if not (constant.any() if each else constant.all()):
        return
    value = float(np.ravel(result.estimate)[int(np.argmax(constant))])
    which = f" in {int(constant.sum())} of {constant.size} elements" if constant.size > 1 else ""
    warnings.warn(
        f"The statistic is the same ({value:.6g}) on all {result.n_resamples - result.n_failed:,} resamples{which}: its bootstrap"
        " interval is a point and says nothing of sampling error.",
        DegenerateDataWarning,
        stacklevel=3,
    )


def assemble(
    estimate: Any,
    replicates: FloatArray,
    *,
    confidence_level: float,
    method: str,
    jackknife: Jackknife,
    studentized: tuple[Any, FloatArray] | None = None,
    failure: str = "",
) -> Bootstrap:
    """Return the result of replicates that were made elsewhere.

    Raises
    ------
    ValueError
        Fewer than two resamples succeeded.
    """
    succeeded = _finite_rows(replicates)
    if succeeded.sum() < 2:
        raise ValueError(
            f"The statistic failed on {int((~succeeded).sum())} of {succeeded.size} resamples; no interval can be made."
            f" First reason: {failure or 'not a finite number'}."
        )
    kept = replicates[succeeded]
    with np.errstate(over="ignore", invalid="ignore"):  # of replicates near the largest float: infinite
        low, high = make_interval(estimate, replicates, confidence_level, method, jackknife, studentized)
        se, bias = kept.std(axis=0, ddof=1), kept.mean(axis=0) - estimate
    scalar = np.ndim(estimate) == 0
    return Bootstrap(
        estimate=estimate,
        low=low,
        high=high,
        confidence_level=confidence_level,
        method=method,
        se=float(se) if scalar else se,
        bias=float(bias) if scalar else bias,
        n_resamples=replicates.shape[0],
        n_failed=int((~succeeded).sum()),
        failure=failure,
        replicates=replicates,
        _jackknife=jackknife,
        _studentized=studentized,
    )


def make_interval(
    estimate: Any,
    replicates: FloatArray,
    level: float,
    method: str,
    jackknife: Jackknife,
    studentized: tuple[Any, FloatArray] | None,
) -> ConfidenceInterval:
    """Return the interval of one method."""
    kept = replicates[_finite_rows(replicates)]
    tails = np.array([0.5 - level / 2, 0.5 + level / 2])
    if method == "percentile":
        low, high = np.quantile(kept, tails, axis=0)
    elif method == "basic":
        high, low = 2 * np.asarray(estimate) - np.quantile(kept, tails, axis=0)
    elif method == "normal":
        centre, half = 2 * np.asarray(estimate) - kept.mean(axis=0), special.ndtri(tails[1]) * kept.std(axis=0, ddof=1)
        low, high = centre - half, centre + half
    elif method == "bca":
        low, high = _bca(np.asarray(estimate), kept, tails, jackknife)
    else:
        if studentized is None:
            raise ValueError(
                "The studentized interval needs a standard error of each resample: pass standard_error= to bootstrap_ci,"
                " a function of the same data that returns the standard error of the statistic."
            )
        se, ratios = studentized
        high, low = estimate - se * np.quantile(ratios[_finite_rows(ratios)], tails, axis=0)
    if np.ndim(estimate) == 0:
        return ConfidenceInterval(float(low), float(high))
    return ConfidenceInterval(low, high)


def acceleration(jackknife: list[FloatArray]) -> FloatArray:
    r"""Return the acceleration :math:`\frac16\sum_s n_s^{-3}\sum l^3/(\sum_s n_s^{-2}\sum l^2)^{3/2}`, elementwise.

    The l are the jackknife's empirical influence values within stratum s, (n_s - 1)(mean - leave-one-out value); 0
    where the statistic does not vary. R's boot leaves out the :math:`n_s`, which agrees only where all strata are of one
    size; these are the weights with which the strata enter the variance (Davison & Hinkley 1997, section 5.3).

    Raises
    ------
    ValueError
        A leave-one-out value that is not finite.
    """
    cubes: Any = 0.0
    squares: Any = 0.0
    for values in jackknife:
        if not np.isfinite(values).all():
            raise ValueError(
                "The BCa interval needs the statistic without each patient in turn, and without one of them it is not"
                " finite. Choose another method."
            )
        size = values.shape[0]
        influence = (size - 1) * (values.mean(axis=0) - values)
        cubes = cubes + (influence**3).sum(axis=0) / size**3
        squares = squares + (influence**2).sum(axis=0) / size**2
    scale = np.where(squares > 0, squares, 1.0) ** 1.5
    return np.asarray(np.where(squares > 0, cubes / scale, 0.0) / 6)


def _bca(estimate: FloatArray, kept: FloatArray, tails: FloatArray, jackknife: Jackknife) -> tuple[Any, Any]:
    count = kept.shape[0]
    below = ((kept < estimate).sum(axis=0) + 0.5 * (kept == estimate).sum(axis=0)) / count
    # All replicates on one side of the estimate would put z0 at infinity; the nearest value the resamples can resolve.
    z0 = special.ndtri(np.clip(below, 0.5 / count, 1 - 0.5 / count))
    a = acceleration(jackknife())
    shifted = z0 + special.ndtri(tails).reshape((2,) + (1,) * estimate.ndim)
    levels = special.ndtr(z0 + shifted / (1 - a * shifted))
    flat = kept.reshape(count, -1)
    limits = np.array([np.quantile(column, p) for column, p in zip(flat.T, levels.reshape(2, -1).T, strict=True)])
    return limits[:, 0].reshape(estimate.shape), limits[:, 1].reshape(estimate.shape)


def _finite_rows(values: FloatArray) -> npt.NDArray[np.bool_]:
    finite: npt.NDArray[np.bool_] = np.asarray(np.isfinite(values.reshape(values.shape[0], -1)).all(axis=1))
    return finite
