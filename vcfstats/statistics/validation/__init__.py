"""Internal validation of prediction models: optimism, .632 and .632+, repeated cross-validation."""

from vcfstats.statistics.validation.crossvalidation import CrossValidationResult, repeated_cross_validation
from vcfstats.statistics.validation.optimism import OptimismResult, optimism_bootstrap

__all__ = ["CrossValidationResult", "OptimismResult", "optimism_bootstrap", "repeated_cross_validation"]
