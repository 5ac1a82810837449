"""Times to an event: follow-up, log-rank tests, concordance, time-dependent AUC, calibration at a time."""

from vcfstats.statistics.survival.auc import TimeDependentAUC, time_dependent_auc
from vcfstats.statistics.survival.calibration import SurvivalCalibration, survival_calibration
from vcfstats.statistics.survival.concordance import ConcordanceResult, concordance_index
from vcfstats.statistics.survival.kaplan_meier import KaplanMeier, kaplan_meier, reverse_kaplan_meier
from vcfstats.statistics.survival.log_rank import LogRankResult, log_rank_test

__all__ = [
    "ConcordanceResult",
    "KaplanMeier",
    "LogRankResult",
    "SurvivalCalibration",
    "TimeDependentAUC",
    "concordance_index",
    "kaplan_meier",
    "log_rank_test",
    "reverse_kaplan_meier",
    "survival_calibration",
    "time_dependent_auc",
]
