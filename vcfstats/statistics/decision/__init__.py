"""Decision curves: the net benefit of acting on a prediction."""

from vcfstats.statistics.decision.curve import BinaryDecisionCurve, DecisionCurve, decision_curve
from vcfstats.statistics.decision.difference import NetBenefitDifference, net_benefit_difference
from vcfstats.statistics.decision.survival import survival_decision_curve

__all__ = [
    "BinaryDecisionCurve",
    "DecisionCurve",
    "NetBenefitDifference",
    "decision_curve",
    "net_benefit_difference",
    "survival_decision_curve",
]
