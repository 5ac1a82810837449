"""Discrimination: ROC curves, areas under them, and their comparison."""

from vcfstats.statistics.roc.auc import Auc, roc_auc
from vcfstats.statistics.roc.curve import RocCurve, roc_curve
from vcfstats.statistics.roc.delong import AucDifference, delong_covariance, delong_test, delong_test_unpaired
from vcfstats.statistics.roc.resampled import bootstrap_aucs

__all__ = [
    "Auc",
    "AucDifference",
    "RocCurve",
    "bootstrap_aucs",
    "delong_covariance",
    "delong_test",
    "delong_test_unpaired",
    "roc_auc",
    "roc_curve",
]
