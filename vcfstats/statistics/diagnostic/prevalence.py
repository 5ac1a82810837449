"""Predictive values at a prevalence other than that of the data."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from vcfstats.statistics.diagnostic.accuracy import DiagnosticAccuracy
from vcfstats.statistics.inputs import as_share, check_choice, check_level
from vcfstats.statistics.results import ConfidenceInterval, Result


@dataclass(frozen=True, repr=False, eq=False)
class PredictiveValues(Result):
    """Predictive values at a stated prevalence.

    Attributes
    ----------
    ppv, npv : float
        Positive and negative predictive value.
    prevalence : float
        The prevalence they hold at.
    """

    ppv: float
    npv: float
    prevalence: float
    _accuracy: DiagnosticAccuracy

    def confidence_interval(self, measure: str = "ppv", confidence_level: float = 0.95) -> ConfidenceInterval:
        r"""Return the interval on the logit scale, where the prevalence, taken as known, only shifts the likelihood ratio.

        :math:`\operatorname{logit}PPV\pm z\sqrt{(1-se)/(n_1 se)+sp/\{n_0(1-sp)\}}`;
        :math:`\operatorname{logit}NPV\pm z\sqrt{se/\{n_1(1-se)\}+(1-sp)/(n_0 sp)}`. NaN with an empty cell.

        Parameters
        ----------
        measure : {"ppv", "npv"}
            Which.
        confidence_level : float
            Such as 0.95.

        Raises
        ------
        ValueError
            Another measure, or a level outside (0, 1).

        References
        ----------
        Mercaldo, Lau & Zhou (2007), doi 10.1002/sim.2677.
        """
        check_choice(measure, ("ppv", "npv"), name="measure")
        ratio = "lr_positive" if measure == "ppv" else "lr_negative"
        low, high = self._accuracy.confidence_interval(ratio, check_level(confidence_level))
        if math.isnan(low) or math.isnan(high):
            return ConfidenceInterval(math.nan, math.nan)
        odds = float(special.logit(self.prevalence))
        sign = 1 if measure == "ppv" else -1
        limits = sorted(float(special.expit(sign * (odds + math.log(limit)))) for limit in (low, high))
        return ConfidenceInterval(*limits)


def predictive_values(accuracy: DiagnosticAccuracy, *, prevalence: float) -> PredictiveValues:
    r"""Return PPV and NPV of a test at another prevalence, such as that of the clinic where it will be used.

    :math:`PPV=se\,\pi/\{se\,\pi+(1-sp)(1-\pi)\}`, :math:`NPV=sp(1-\pi)/\{sp(1-\pi)+(1-se)\pi\}`. It takes sensitivity and
    specificity to be the same there, which a change of case mix may belie.

    Parameters
    ----------
    accuracy : DiagnosticAccuracy
        Of `diagnostic_accuracy`; a case-control sample serves, since its own prevalence is not used.
    prevalence : float
        In (0, 1).

    Returns
    -------
    PredictiveValues
        NaN where it is 0/0.

    Raises
    ------
    ValueError
        A prevalence outside (0, 1).

    References
    ----------
    Altman & Bland (1994), doi 10.1136/bmj.309.6947.102; Mercaldo, Lau & Zhou (2007), doi 10.1002/sim.2677.

    Examples
    --------
    >>> from vcfstats import diagnostic_accuracy, predictive_values
    >>> accuracy = diagnostic_accuracy([1] * 10 + [0] * 10, [1] * 9 + [0] * 9 + [1, 1], threshold=1)
    >>> result = predictive_values(accuracy, prevalence=0.1)
    >>> round(result.ppv, 3), round(result.npv, 3)
    (0.333, 0.986)
    """
    if not isinstance(accuracy, DiagnosticAccuracy):
        raise ValueError(f"accuracy must be a result of diagnostic_accuracy; got {type(accuracy).__name__}.")
    pi = as_share(prevalence, "prevalence")
    se, sp = accuracy.sensitivity, accuracy.specificity
    return PredictiveValues(
        ppv=_share(se * pi, (1 - sp) * (1 - pi)),
        npv=_share(sp * (1 - pi), (1 - se) * pi),
        prevalence=pi,
        _accuracy=accuracy,
    )


def _share(part: float, rest: float) -> float:
    return part / (part + rest) if part + rest > 0 else math.nan
