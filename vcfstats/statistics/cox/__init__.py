"""Cox regression as medical papers report it: hazard ratios with intervals and tests, proportional hazards."""

from vcfstats.statistics.cox.model import CoxModel
from vcfstats.statistics.cox.proportional import ProportionalHazards, proportional_hazards_test
from vcfstats.statistics.cox.table import CoxTable, cox_table

__all__ = ["CoxModel", "CoxTable", "ProportionalHazards", "cox_table", "proportional_hazards_test"]
