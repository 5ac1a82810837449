"""Nomograms: the point scale of an additive model."""

from vcfstats.statistics.nomogram.axes import Axis
from vcfstats.statistics.nomogram.model import Nomogram
from vcfstats.statistics.nomogram.terms import Factor, Term, Variable

__all__ = ["Axis", "Factor", "Nomogram", "Term", "Variable"]
