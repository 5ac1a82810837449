"""The tables of the documents, laid out from result records and the tables of results/."""

from vcfstats.reporting.contents.decisions import choices_table, deviations_table, notes_table, provenance_table
from vcfstats.reporting.contents.patients import agreement_table, baseline_table, regression_table
from vcfstats.reporting.contents.performance import calibration_table, classifier_table, cross_fit_table, headline_table
from vcfstats.reporting.contents.scanners import scanner_table
from vcfstats.reporting.contents.selection import funnel_table, nomogram_table, score_table

__all__ = [
    "agreement_table", "baseline_table", "calibration_table", "choices_table", "classifier_table", "cross_fit_table", "deviations_table", "funnel_table",
    "headline_table", "nomogram_table", "notes_table", "provenance_table", "regression_table", "scanner_table", "score_table",
]  # fmt: skip
