"""Logistic regression as medical papers report it: odds ratios with intervals, tests, inflation factors, separation."""

from vcfstats.statistics.regression.firth import firth_logistic
from vcfstats.statistics.regression.inflation import VarianceInflation, variance_inflation
from vcfstats.statistics.regression.logistic import LogisticModel, SeparationWarning, fit_model
from vcfstats.statistics.regression.table import LogisticTable, logistic_table

__all__ = [
    "LogisticModel",
    "LogisticTable",
    "SeparationWarning",
    "VarianceInflation",
    "firth_logistic",
    "fit_model",
    "logistic_table",
    "variance_inflation",
]
