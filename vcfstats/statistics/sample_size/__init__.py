"""How many patients a prediction model needs: to be developed (Riley et al.) and to be validated."""

from vcfstats.statistics.sample_size.development import (
    SampleSize,
    sample_size_binary,
    sample_size_continuous,
    sample_size_survival,
)
from vcfstats.statistics.sample_size.external import ValidationSampleSize, sample_size_validation

__all__ = [
    "SampleSize",
    "ValidationSampleSize",
    "sample_size_binary",
    "sample_size_continuous",
    "sample_size_survival",
    "sample_size_validation",
]
