"""Multiple imputation of clinical findings by chained equations, fitted on training patients alone."""

from vcfstats.learning.imputation.chained import impute
from vcfstats.learning.imputation.newcomers import Imputer, LevelModel, NumberModel

__all__ = ["Imputer", "LevelModel", "NumberModel", "impute"]
