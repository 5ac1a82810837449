"""The tables of the documents, laid out from result records and the tables of results/."""

from vcfstats.reporting.contents.checklists import checklist_table, checklists_told
from vcfstats.reporting.contents.decisions import (
    choices_table,
    deviations_table,
    notes_table,
    provenance_table,
    sentences_table,
)
from vcfstats.reporting.contents.patients import agreement_table, baseline_table, regression_table
from vcfstats.reporting.contents.performance import (
    calibration_table,
    calibration_tests_table,
    classifier_table,
    cross_fit_table,
    headline_table,
)
from vcfstats.reporting.contents.planning import imputation_table, missing_table, sample_size_table
from vcfstats.reporting.contents.published import by_construction, published, published_table
from vcfstats.reporting.contents.quality import quality_table
from vcfstats.reporting.contents.risk import risk_group_table, risk_score_table
from vcfstats.reporting.contents.scanners import scanner_table
from vcfstats.reporting.contents.selection import funnel_table, nomogram_table, score_table
from vcfstats.reporting.contents.validation import stability_table, validation_table

__all__ = [
    "agreement_table",
    "baseline_table",
    "by_construction",
    "calibration_table",
    "calibration_tests_table",
    "checklist_table",
    "checklists_told",
    "choices_table",
    "classifier_table",
    "cross_fit_table",
    "deviations_table",
    "funnel_table",
    "headline_table",
    "imputation_table",
    "missing_table",
    "nomogram_table",
    "notes_table",
    "provenance_table",
    "published",
    "published_table",
    "quality_table",
    "regression_table",
    "risk_group_table",
    "risk_score_table",
    "sample_size_table",
    "scanner_table",
    "score_table",
    "sentences_table",
    "stability_table",
    "validation_table",
]
