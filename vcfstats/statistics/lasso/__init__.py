"""The lasso path of a gaussian or binomial outcome, and its cross-validated penalty."""

from vcfstats.statistics.lasso.path import LassoPath, lasso_path

__all__ = ["LassoPath", "lasso_path"]
