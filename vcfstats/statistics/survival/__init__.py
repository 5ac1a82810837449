"""Times to an event: follow-up, log-rank tests, restricted means, competing risks, concordance, AUC and calibration at a time."""

from vcfstats.statistics.survival.auc import TimeDependentAUC, time_dependent_auc
from vcfstats.statistics.survival.calibration import SurvivalCalibration, survival_calibration
from vcfstats.statistics.survival.competing import CumulativeIncidence, cumulative_incidence
from vcfstats.statistics.survival.concordance import ConcordanceResult, concordance_index
from vcfstats.statistics.survival.gray import GrayTest, gray_test
from vcfstats.statistics.survival.kaplan_meier import KaplanMeier, kaplan_meier, reverse_kaplan_meier
from vcfstats.statistics.survival.log_rank import (
    LogRankResult,
    LogRankTrend,
    PairwiseLogRank,
    log_rank_test,
    log_rank_trend,
    pairwise_log_rank,
)
from vcfstats.statistics.survival.restricted_mean import RestrictedMean, restricted_mean_survival

__all__ = [
    "ConcordanceResult",
    "CumulativeIncidence",
    "GrayTest",
    "KaplanMeier",
    "LogRankResult",
    "LogRankTrend",
    "PairwiseLogRank",
    "RestrictedMean",
    "SurvivalCalibration",
    "TimeDependentAUC",
    "concordance_index",
    "cumulative_incidence",
    "gray_test",
    "kaplan_meier",
    "log_rank_test",
    "log_rank_trend",
    "pairwise_log_rank",
    "restricted_mean_survival",
    "reverse_kaplan_meier",
    "survival_calibration",
    "time_dependent_auc",
]
