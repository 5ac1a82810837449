"""Accuracy of a test at a threshold, its intervals, and the comparison of two tests."""

from vcfstats.statistics.diagnostic.accuracy import DiagnosticAccuracy, diagnostic_accuracy
from vcfstats.statistics.diagnostic.mcnemar import McNemar, mcnemar_test
from vcfstats.statistics.diagnostic.paired import DiagnosticComparison, MeasureDifference, compare_diagnostic_tests
from vcfstats.statistics.diagnostic.prevalence import PredictiveValues, predictive_values
from vcfstats.statistics.diagnostic.proportion import proportion_ci

__all__ = [
    "DiagnosticAccuracy",
    "DiagnosticComparison",
    "McNemar",
    "MeasureDifference",
    "PredictiveValues",
    "compare_diagnostic_tests",
    "diagnostic_accuracy",
    "mcnemar_test",
    "predictive_values",
    "proportion_ci",
]
