"""How much would another sample of patients have changed each patient's predicted risk?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vcfstats.statistics.calibration import calibration_curve
from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    as_numbers,
    as_outcome,
    as_probabilities,
    as_share,
    check_alignment,
    check_level,
)
from vcfstats.statistics.results import Result
from vcfstats.statistics.validation.measures import MEASURES, evaluate

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False, eq=False)
class PredictionInstability(Result):
    """Instability of the predictions of one model.

    Attributes
    ----------
    mape : float
        Mean absolute prediction error: |risk by a resample's model - risk by the model|, over resamples and patients.
    mape_max : float
        Largest mean over the resamples of any one patient.
    classification_instability : float
        Mean over patients of the share of resamples that put a patient on the other side of the threshold; NaN without one.
    threshold : float
        Of the classes; NaN where none was given.
    range_level : float
        Share of the resamples between `low` and `high`.
    n, n_events, n_resamples : int
        Patients, events among them, resamples.
    predicted : ndarray of shape (n,)
        Risk by the model.
    low, high : ndarray of shape (n,)
        Quantiles (type 7) of the resamples' risks of each patient.
    patient_mape : ndarray of shape (n,)
        Mean absolute prediction error of each patient.
    patient_instability : ndarray of shape (n,)
        Share of resamples that classify the patient otherwise.
    calibration : ndarray of shape (n_resamples, 5)
        Performance of each resample's model on the patients: auc, brier, slope, intercept, ici, as in `optimism_bootstrap`.
    """

    mape: float
    mape_max: float
    classification_instability: float
    threshold: float
    range_level: float
    n: int
    n_events: int
    n_resamples: int
    predicted: FloatArray = field(repr=False)
    low: FloatArray = field(repr=False)
    high: FloatArray = field(repr=False)
    patient_mape: FloatArray = field(repr=False)
    patient_instability: FloatArray = field(repr=False)
    calibration: FloatArray = field(repr=False)
    _outcome: BoolArray = field(repr=False)
    _resampled: FloatArray = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a patient: ``predicted, low, high, mape, classification_instability``."""
        import pandas as pd

        return pd.DataFrame(
            {
                "predicted": self.predicted,
                "low": self.low,
                "high": self.high,
                "mape": self.patient_mape,
                "classification_instability": self.patient_instability,
            }
        )

    def performance(self) -> pd.DataFrame:
        """Return the performance of the resamples' models on the patients, ``resample, auc, brier, slope, intercept, ici``."""
        import pandas as pd

        frame = pd.DataFrame(self.calibration, columns=list(MEASURES))
        frame.insert(0, "resample", np.arange(1, self.n_resamples + 1))
        return frame

    def calibration_curves(self, *, method: str = "loess", grid: npt.ArrayLike | None = None) -> pd.DataFrame:
        """Return ``resample, predicted, observed``: the calibration curve of each resample's model on the patients.

        Resample 0 is the model itself. Drawn one over the other they are the calibration instability plot.

        Parameters
        ----------
        method, grid
            As in `calibration_curve`.

        Raises
        ------
        ValueError
            As `calibration_curve`, such as constant predictions of a resample with "logistic".
        """
        import pandas as pd

        frames = []
        for number, prob in enumerate([self.predicted, *self._resampled]):
            curve = calibration_curve(self._outcome, prob, method=method, grid=grid)
            frames.append(pd.DataFrame({"resample": number, "predicted": curve.predicted, "observed": curve.observed}))
        return pd.concat(frames, ignore_index=True)


def prediction_instability(
    y_true: npt.ArrayLike,
    y_prob: npt.ArrayLike,
    resampled_prob: npt.ArrayLike,
    *,
    event: Any = None,
    threshold: float | None = None,
    range_level: float = 0.95,
) -> PredictionInstability:
    """Instability of individual risks: how far models developed on resamples of the patients disagree with the model.

    The whole procedure of development, selection and tuning included, is repeated on each bootstrap sample, and each of
    the models so made predicts all the original patients. With p_i the risk of patient i and p_bi that by resample b:
    MAPE_i = mean over b of |p_bi - p_i|; the classification instability of i is the share of b with
    (p_bi >= threshold) != (p_i >= threshold).

    Parameters
    ----------
    y_true : array-like of shape (n,)
        0/1 outcome, or any coding with `event`; both classes.
    y_prob : array-like of shape (n,)
        Risk by the model (apparent predictions).
    resampled_prob : array-like of shape (B, n)
        Risks of the same patients by the models of the resamples, 200 or more for stable ranges. As in
        `optimism_from_resamples`.
    event : object, optional
        The value of `y_true` that is the event.
    threshold : float, optional
        Risk at or above which a patient would be treated otherwise.
    range_level : float
        Share of the resamples in each patient's range.

    Returns
    -------
    PredictionInstability

    Raises
    ------
    ValueError
        Bad input, another number of patients in the resamples, or fewer than two resamples.

    Notes
    -----
    The ranges say how far the model would move, not where the truth is: the 95% range of a patient's risks held
    its true risk in 0.88 to 0.92 of samples of 70 and 164 patients (benchmarks/results/coverage_instability.md).

    References
    ----------
    Riley and Collins (2023), doi 10.1002/bimj.202200302.

    Examples
    --------
    >>> from vcfstats import prediction_instability
    >>> y, prob = [0, 1, 0, 1, 1, 0], [0.2, 0.7, 0.4, 0.6, 0.8, 0.3]
    >>> resampled = [[0.1, 0.8, 0.4, 0.7, 0.9, 0.3], [0.3, 0.6, 0.5, 0.4, 0.7, 0.3]]
    >>> result = prediction_instability(y, prob, resampled, threshold=0.5)
    >>> round(result.mape, 3), round(result.classification_instability, 3)
    (0.083, 0.167)
    """
    check_alignment(y_true=y_true, y_prob=y_prob)
    outcome = as_outcome(y_true, event=event)
    prob = as_probabilities(y_prob, outcome.size)
    drawn = as_numbers(resampled_prob, "resampled_prob", booleans=False)
    if drawn.ndim != 2 or drawn.shape[1] != outcome.size or drawn.shape[0] < 2:
        raise ValueError(
            f"resampled_prob must have shape (B, {outcome.size}) with B >= 2, one row a resample; got shape {drawn.shape}."
        )
    for number, row in enumerate(drawn):
        as_probabilities(row, outcome.size, name=f"resampled_prob[{number}]")
    level = check_level(range_level, name="range_level")
    cut = np.nan if threshold is None else as_share(threshold, "threshold", example="0.1")
    errors = np.abs(drawn - prob).mean(axis=0)
    low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    moved = np.full(outcome.size, np.nan)
    if threshold is not None:
        moved = ((drawn >= cut) != (prob >= cut)).mean(axis=0)
    return PredictionInstability(
        mape=float(errors.mean()),
        mape_max=float(errors.max()),
        classification_instability=float(moved.mean()),
        threshold=float(cut),
        range_level=level,
        n=outcome.size,
        n_events=int(outcome.sum()),
        n_resamples=len(drawn),
        predicted=prob,
        low=low,
        high=high,
        patient_mape=errors,
        patient_instability=moved,
        calibration=np.array([evaluate(outcome, row, MEASURES) for row in drawn]),
        _outcome=outcome,
        _resampled=drawn,
    )
