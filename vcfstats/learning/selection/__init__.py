"""Selection of features: reliability, z-score, t-test, correlation, collinearity, LASSO."""

from vcfstats.learning.selection.chain import STEPS, Selection, Step, select_features, selection_pipeline
from vcfstats.learning.selection.collinearity import CollinearityFilter
from vcfstats.learning.selection.filters import CorrelationFilter, TTestFilter, ZScore
from vcfstats.learning.selection.lasso import LassoSelector
from vcfstats.learning.selection.reliability import Reliability, reliable_features, stable_features

__all__ = [
    "STEPS",
    "CollinearityFilter",
    "CorrelationFilter",
    "LassoSelector",
    "Reliability",
    "Selection",
    "Step",
    "TTestFilter",
    "ZScore",
    "reliable_features",
    "select_features",
    "selection_pipeline",
    "stable_features",
]
