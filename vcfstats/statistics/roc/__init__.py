"""Discrimination: ROC curves, areas under them, their comparison, thresholds and sample sizes."""

from vcfstats.statistics.roc.auc import Auc, roc_auc
from vcfstats.statistics.roc.band import partial_auc_test, roc_band
from vcfstats.statistics.roc.clustered import (
    ClusteredAuc,
    clustered_auc,
    clustered_auc_covariance,
    clustered_auc_test,
)
from vcfstats.statistics.roc.compare import AucComparison, compare_aucs
from vcfstats.statistics.roc.curve import RocCurve, roc_curve
from vcfstats.statistics.roc.delong import AucDifference, delong_covariance, delong_test, delong_test_unpaired
from vcfstats.statistics.roc.partial import PartialAuc, partial_auc
from vcfstats.statistics.roc.precision import PrecisionRecallCurve, precision_recall_curve
from vcfstats.statistics.roc.resampled import bootstrap_aucs
from vcfstats.statistics.roc.sample_size import (
    AucSampleSize,
    auc_difference_power,
    auc_difference_sample_size,
    auc_power,
    auc_sample_size,
    detectable_auc,
)
from vcfstats.statistics.roc.threshold import OptimalThreshold, optimal_threshold

__all__ = [
    "Auc",
    "AucComparison",
    "AucDifference",
    "AucSampleSize",
    "ClusteredAuc",
    "OptimalThreshold",
    "PartialAuc",
    "PrecisionRecallCurve",
    "RocCurve",
    "auc_difference_power",
    "auc_difference_sample_size",
    "auc_power",
    "auc_sample_size",
    "bootstrap_aucs",
    "clustered_auc",
    "clustered_auc_covariance",
    "clustered_auc_test",
    "compare_aucs",
    "delong_covariance",
    "delong_test",
    "delong_test_unpaired",
    "detectable_auc",
    "optimal_threshold",
    "partial_auc",
    "partial_auc_test",
    "precision_recall_curve",
    "roc_auc",
    "roc_band",
    "roc_curve",
]
