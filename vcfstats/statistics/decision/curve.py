"""Decision curves of a binary outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from vcfstats.statistics.bootstrap import bootstrap_ci
from vcfstats.statistics.decision.benefit import POLICIES, Shares, net_benefit_of, shares, variance_of
from vcfstats.statistics.decision.models import as_harms, as_prevalence, as_thresholds, named_probabilities
from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    RandomState,
    as_outcome,
    as_positive,
    check_alignment,
    check_choice,
    check_level,
    refuse_unused,
)
from vcfstats.statistics.results import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False, eq=False)
class DecisionCurve(Result):
    """Result of `decision_curve` and `survival_decision_curve`.

    Attributes
    ----------
    thresholds : ndarray of shape (m,)
        As given.
    models : tuple of str
        Names of the rows: "all", "none", then the models in the order given.
    net_benefit : ndarray of shape (k + 2, m)
        Net benefit per patient, harms taken off.
    standardized_net_benefit : ndarray of shape (k + 2, m)
        Net benefit over its maximum: the prevalence (opt-in) or 1 - prevalence (opt-out).
    interventions_avoided : ndarray of shape (k + 2, m)
        (net benefit - net benefit of treating all) / (t / (1 - t)), times `per`: interventions spared among `per`
        patients without one event more being missed. NaN at threshold 0.
    harms : ndarray of shape (k + 2,)
        Harm taken off each row.
    prevalence : float
        Prevalence used: the sample's, or the one given.
    prevalence_given : bool
        Whether it was given (case-control data).
    n : int
        Patients.
    policy : str
        "opt-in" or "opt-out".
    per : float
        Number of patients to whom `interventions_avoided` refers.
    """

    thresholds: FloatArray
    models: tuple[str, ...]
    net_benefit: FloatArray
    standardized_net_benefit: FloatArray
    interventions_avoided: FloatArray
    harms: FloatArray
    prevalence: float
    prevalence_given: bool
    n: int
    policy: str
    per: float

    def to_frame(self) -> pd.DataFrame:
        """Return rows of `model, threshold, net_benefit, standardized_net_benefit, interventions_avoided`."""
        import pandas as pd

        m = len(self.thresholds)
        return pd.DataFrame(
            {
                "model": np.repeat(np.array(self.models, dtype=object), m),
                "threshold": np.tile(self.thresholds, len(self.models)),
                "net_benefit": self.net_benefit.ravel(),
                "standardized_net_benefit": self.standardized_net_benefit.ravel(),
                "interventions_avoided": self.interventions_avoided.ravel(),
            }
        )


@dataclass(frozen=True, repr=False, eq=False)
class BinaryDecisionCurve(DecisionCurve):
    """Decision curve of a binary outcome, which can draw its bands.

    Attributes
    ----------
    n_events : int
        Events among the n patients.
    """

    n_events: int
    _outcome: BoolArray
    _prob: FloatArray

    def confidence_band(
        self,
        confidence_level: float = 0.95,
        *,
        method: str = "wald",
        n_resamples: int | None = None,
        random_state: RandomState = None,
    ) -> pd.DataFrame:
        """Return pointwise limits of the net benefit: `model, threshold, net_benefit, low, high`.

        Two bands that overlap do not tell whether two models differ: use `net_benefit_difference`.

        Parameters
        ----------
        confidence_level : float
            Such as 0.95.
        method : {"wald", "bootstrap"}
            "wald": normal, from the variance of the patients' contributions (at a given prevalence, from the binomial
            variances of sensitivity and specificity). "bootstrap": percentiles over resampled patients (events and
            non-events apart where the prevalence was given).
        n_resamples : int
            For "bootstrap".
        random_state : int, SeedSequence or Generator, optional
            For "bootstrap".

        Notes
        -----
        Wald's nominal 95% covers 94 to 95% from 26 events on, but 81 to 89% with 4 or 8 events, missing above
        (benchmarks/results/coverage_decision.md). The bootstrap covers 93 to 95% from 26 events on too, and is no help
        below: 87 and 89% at threshold 0.1, but 44 and 59% at 0.3, where most resamples hold hardly a true positive
        (coverage_decision_bootstrap.md).

        Raises
        ------
        ValueError
            Unknown method or a level outside (0, 1).
        """
        level = check_level(confidence_level)
        check_choice(method, ("wald", "bootstrap"), name="method")
        given = self.prevalence if self.prevalence_given else None
        if method == "wald":
            refuse_unused("with method='wald'", n_resamples=n_resamples)
            variances = [
                variance_of(share, self.thresholds, self.policy, self.n, self.n_events, self.prevalence_given)
                for share in _all_shares(self._outcome, self._prob, self.thresholds, given)
            ]
            half = norm.ppf((1 + level) / 2) * np.sqrt(variances)
            low, high = self.net_benefit - half, self.net_benefit + half
        else:

            def statistic(outcome: BoolArray, prob: FloatArray) -> FloatArray:
                strategies = _all_shares(outcome, prob, self.thresholds, given)
                return np.array([net_benefit_of(share, self.thresholds, self.policy) for share in strategies])

            drawn = bootstrap_ci(
                (self._outcome, self._prob),
                statistic,
                n_resamples=2000 if n_resamples is None else n_resamples,
                strata=self._outcome if self.prevalence_given else None,
                random_state=random_state,
            )
            interval = drawn.confidence_interval(level, method="percentile")
            low, high = (np.asarray(limit) - self.harms[:, None] for limit in interval)
        frame = self.to_frame()[["model", "threshold", "net_benefit"]]
        return frame.assign(low=low.ravel(), high=high.ravel())


def decision_curve(
    y_true: npt.ArrayLike,
    y_prob: Any,
    thresholds: npt.ArrayLike | None = None,
    prevalence: float | None = None,
    *,
    harms: float | Mapping[str, float] | None = None,
    policy: str = "opt-in",
    per: float = 1,
    event: Any = None,
) -> BinaryDecisionCurve:
    """Compute decision curves: the net benefit of acting on a model, over threshold probabilities.

    Positive is risk >= threshold. With w = t / (1 - t), net benefit = TP/n - w FP/n - harm; at a given prevalence pi,
    = sensitivity pi - (1 - specificity)(1 - pi) w - harm. Standardized net benefit divides by the prevalence.
    Interventions avoided = (net benefit - net benefit of treating all) / w, per patient (`per` = 1) or per 100. Under
    the opt-out policy (treatment is the rule and the model spares it), net benefit = TN/n - FN/n / w and the maximum is
    1 - prevalence.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        0/1 outcome, or any coding with `event`.
    y_prob : array-like of shape (n,) or (n, k), DataFrame, or mapping of name to array
        Predicted probabilities of one or more models.
    thresholds : array-like of shape (m,), optional
        Threshold probabilities, 0 <= t < 1, used to the last bit: 0.15 and 0.15000000000000002 are two thresholds and
        part patients whose rounded risk is 0.15. Default 0.01, 0.02, ..., 0.99.
    prevalence : float, optional
        Prevalence in the population where the sample's is by design (case-control data).
    harms : float or mapping of model name to float, optional
        Harm of obtaining the prediction, in units of net benefit (one over the number of patients one would test to
        find one event).
    policy : {"opt-in", "opt-out"}
        Whether the model selects for treatment or spares it.
    per : float
        Patients to whom `interventions_avoided` refers, such as 100.
    event : object, optional
        The value of `y_true` that is the event.

    Returns
    -------
    BinaryDecisionCurve
        Rows "all" and "none" come first. Constant predictions are treat-all up to their value and treat-none beyond.
        Without events the standardized net benefit is NaN (0/0).

    Raises
    ------
    ValueError
        Bad input, or a given prevalence with an outcome of one class.

    References
    ----------
    Vickers and Elkin (2006), doi 10.1177/0272989X06295361; Vickers et al. (2008), doi 10.1186/1472-6947-8-53 (harms,
    prevalence); Kerr et al. (2016), doi 10.1200/JCO.2015.65.5654 (standardized); Kerr et al. (2019),
    doi 10.1177/0272989X19829532 (opt-out).

    Examples
    --------
    >>> from vcfstats import decision_curve
    >>> curve = decision_curve([0, 0, 0, 1, 1], [0.1, 0.2, 0.6, 0.5, 0.9], thresholds=[0.2, 0.5])
    >>> curve.to_frame().round(3)[["model", "threshold", "net_benefit"]]
       model  threshold  net_benefit
    0    all        0.2         0.25
    1    all        0.5        -0.20
    2   none        0.2         0.00
    3   none        0.5         0.00
    4  model        0.2         0.30
    5  model        0.5         0.20
    """
    check_choice(policy, POLICIES, name="policy")
    population = as_prevalence(prevalence)
    check_alignment(y_true=y_true, y_prob=y_prob)
    outcome = as_outcome(y_true, event=event, both_classes=population is not None)
    models = named_probabilities(y_prob, len(outcome))
    t = as_thresholds(thresholds)
    prob = np.column_stack(list(models.values()))
    strategies = _all_shares(outcome, prob, t, population)
    parts = assemble(strategies, t, list(models), harms, policy, per)
    return BinaryDecisionCurve(
        **parts,
        prevalence_given=population is not None,
        n=len(outcome),
        n_events=int(outcome.sum()),
        _outcome=outcome,
        _prob=prob,
    )


def assemble(
    strategies: list[Shares],
    thresholds: FloatArray,
    models: list[str],
    harms: float | Mapping[str, float] | None,
    policy: str,
    per: float,
) -> dict[str, Any]:
    """Return the fields of a DecisionCurve that follow from the shares of "all", "none" and the models."""
    per = as_positive(per, "per", example="100 patients")
    prevalence = strategies[0].prevalence
    harm = np.array([0.0, 0.0, *as_harms(harms, models).values()])
    plain = np.array([net_benefit_of(share, thresholds, policy) for share in strategies])
    treated = np.array([net_benefit_of(share, thresholds) for share in strategies]) - harm[:, None]
    benefit = plain - harm[:, None]
    odds = thresholds / (1 - thresholds)
    most = prevalence if policy == "opt-in" else 1 - prevalence
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        standardized = benefit / most if most > 0 else np.full_like(benefit, np.nan)
        avoided = np.where(odds > 0, (treated - treated[0]) / odds, np.nan) * per
    return {
        "thresholds": thresholds,
        "models": ("all", "none", *models),
        "net_benefit": benefit,
        "standardized_net_benefit": standardized,
        "interventions_avoided": avoided,
        "harms": harm,
        "prevalence": float(prevalence),
        "policy": policy,
        "per": float(per),
    }


def _all_shares(outcome: BoolArray, prob: FloatArray, thresholds: FloatArray, prevalence: float | None) -> list[Shares]:
    strategies: list[FloatArray | str] = ["all", "none", *prob.T]
    return [shares(outcome, strategy, thresholds, prevalence) for strategy in strategies]
