"""Describing patients: the baseline table, standardised differences, and the tests beside them."""

from vcfstats.statistics.descriptive.difference import standardised_difference
from vcfstats.statistics.descriptive.results import BaselineTable, BaselineVariable
from vcfstats.statistics.descriptive.table import baseline_table

__all__ = ["BaselineTable", "BaselineVariable", "baseline_table", "standardised_difference"]
