"""Accuracy of a test at a threshold, its intervals, and the comparison of two tests."""

from vcfstats.statistics.diagnostic.accuracy import DiagnosticAccuracy, diagnostic_accuracy
from vcfstats.statistics.diagnostic.proportion import proportion_ci

__all__ = ["DiagnosticAccuracy", "diagnostic_accuracy", "proportion_ci"]
