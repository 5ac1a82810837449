"""Decision curves: the net benefit of acting on a prediction."""

from vcfstats.statistics.decision.curve import BinaryDecisionCurve, DecisionCurve, decision_curve

__all__ = ["BinaryDecisionCurve", "DecisionCurve", "decision_curve"]
