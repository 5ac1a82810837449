"""Internal validation of prediction models: optimism, .632 and .632+, repeated cross-validation."""

from vcfstats.statistics.validation.crossvalidation import CrossValidationResult, repeated_cross_validation
from vcfstats.statistics.validation.instability import PredictionInstability, prediction_instability
from vcfstats.statistics.validation.optimism import OptimismResult, optimism_bootstrap
from vcfstats.statistics.validation.resamples import optimism_from_resamples

__all__ = [
    "CrossValidationResult",
    "OptimismResult",
    "PredictionInstability",
    "optimism_bootstrap",
    "optimism_from_resamples",
    "prediction_instability",
    "repeated_cross_validation",
]
