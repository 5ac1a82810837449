"""The bootstrap: resampling plans, the engine for any statistic, and the intervals."""

from vcfstats.statistics.bootstrap.engine import bootstrap_ci
from vcfstats.statistics.bootstrap.intervals import Bootstrap

__all__ = ["Bootstrap", "bootstrap_ci"]
