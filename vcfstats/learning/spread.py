"""Whether what is delivered spreads as what later steps learned from: a nomogram fitted to one and used with the other is off."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from vcfstats.contracts.predictions import second_stage
from vcfstats.learning.resamples import Resamples
from vcfstats.statistics.inputs import FloatArray

_FEWEST = 10  # patients, or bootstrap samples, without which nothing is said


@dataclass(frozen=True)
class Spread:
    """Standard deviation of the fused model's output on patients whom no fitted step saw, against that of the nomogram's input.

    Attributes
    ----------
    ratio, low, high : float
        SD of the delivered output / SD of the input, with its interval.
    n : int
        Patients whom no step saw, or bootstrap samples.
    source : str
        ``internal test set`` or ``out of bag``.
    level : float
        Of the interval.
    """

    ratio: float
    low: float
    high: float
    n: int
    source: str
    level: float

    @property
    def warning(self) -> str:
        """Say that the two differ, where the interval excludes 1; nothing where it does not."""
        if self.low <= 1 <= self.high:
            return ""
        how = "wider" if self.ratio > 1 else "narrower"
        shift = "more extreme" if self.ratio > 1 else "less extreme"
        who = "of the internal test set" if self.source == "internal test set" else "left out of bootstrap samples"
        return (
            f"the fused model's output spreads {how} on patients {who} than what the nomogram was fitted to (ratio of standard deviations {self.ratio:.2f}, "
            f"{self.level:.0%} CI {self.low:.2f} to {self.high:.2f}), which makes its probabilities {shift} than they were fitted to be"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def ratio_of_spreads(
    given: FloatArray, reference: FloatArray, *, confidence_level: float = 0.95
) -> tuple[float, float, float]:
    """Return the ratio of two standard deviations of independent samples with an interval that needs no normal distribution.

    On the log scale se^2 is the sum over both samples of (g - (n - 3) / n) / (4 (n - 1)), g = n sum d^4 / (sum d^2)^2 the kurtosis
    about the mean trimmed by 1 / (2 sqrt(n - 4)) at each end.

    Parameters
    ----------
    given, reference : ndarray
        Samples of 10 values or more that vary.
    confidence_level : float
        Of the interval.

    References
    ----------
    Bonett (2006), doi 10.1016/j.csda.2004.10.003.
    """
    errors = []
    for values in (given, reference):
        n = len(values)
        cut = int(n / (2 * np.sqrt(n - 4)))
        d = values - np.sort(values)[cut : n - cut].mean()
        kurtosis = n * (d**4).sum() / ((values - values.mean()) ** 2).sum() ** 2
        errors.append(max(0.0, kurtosis - (n - 3) / n) / (4 * (n - 1)))
    ratio = float(np.std(given, ddof=1) / np.std(reference, ddof=1))
    half = float(ndtri((1 + confidence_level) / 2) * np.sqrt(sum(errors)))
    return ratio, ratio * float(np.exp(-half)), ratio * float(np.exp(half))


def spread_in_testing(predictions: pd.DataFrame, *, confidence_level: float = 0.95) -> Spread | None:
    """Compare on the internal test set; None where there are fewer than 10 patients of a kind, or one value for everybody."""
    known = second_stage(predictions, "dlr")["probability"].to_numpy(dtype=np.float64)
    rows = predictions[(predictions["model"] == "dlr") & (predictions["kind"] == "testing")]
    tested = rows["probability"].to_numpy(dtype=np.float64)
    if min(len(known), len(tested)) < _FEWEST or np.ptp(known) == 0 or np.ptp(tested) == 0:
        return None
    found = ratio_of_spreads(tested, known, confidence_level=confidence_level)
    return Spread(*found, len(tested), "internal test set", confidence_level)


def spread_out_of_bag(
    predictions: pd.DataFrame, resamples: Resamples | None, *, confidence_level: float = 0.95
) -> Spread | None:
    """Compare on the training patients whom bootstrap samples left out, the chain repeated in each: mean ratio, quantiles over samples.

    None where fewer than 10 samples have a fused model.
    """
    known = second_stage(predictions, "dlr")["probability"].to_numpy(dtype=np.float64)
    if resamples is None or len(known) < _FEWEST or np.ptp(known) == 0:
        return None
    ratios = []
    for sample in resamples.samples:
        left_out = np.array(sample.drawn) == 0
        if "dlr" in sample.probabilities and left_out.sum() >= _FEWEST:
            output = np.array(sample.probabilities["dlr"])[left_out]
            ratios.append(float(np.std(output, ddof=1) / np.std(known, ddof=1)))
    if len(ratios) < _FEWEST:
        return None
    low, high = np.quantile(ratios, [(1 - confidence_level) / 2, (1 + confidence_level) / 2])
    return Spread(float(np.mean(ratios)), float(low), float(high), len(ratios), "out of bag", confidence_level)
