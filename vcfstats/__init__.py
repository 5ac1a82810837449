"""Statistics, audit trail and reports for clinical prediction models.

The names below are loaded on first use (PEP 562), so that ``import vcfstats`` costs next to nothing and the rooms that
need images, learning or plotting stay shut until somebody asks for them.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Public name -> the module of vcfstats.statistics (or another room) in which it lives. One line a module.
_HOMES: dict[str, tuple[str, ...]] = {
    "statistics.results": ("ConfidenceInterval",),
    "statistics.calibration": (
        "brier_score",
        "calibration_belt",
        "calibration_curve",
        "calibration_summary",
        "hosmer_lemeshow",
        "spiegelhalter_test",
        "update_calibration",
    ),
    "statistics.casemix": ("case_mix_difference",),
    "statistics.nomogram": ("Nomogram",),
    "statistics.reclassification": ("integrated_discrimination", "net_reclassification"),
    "statistics.decision": ("decision_curve", "net_benefit_difference", "survival_decision_curve"),
    "statistics.roc": (
        "auc_difference_power",
        "auc_difference_sample_size",
        "auc_power",
        "auc_sample_size",
        "bootstrap_aucs",
        "clustered_auc",
        "clustered_auc_covariance",
        "clustered_auc_test",
        "compare_aucs",
        "delong_covariance",
        "delong_test",
        "delong_test_unpaired",
        "detectable_auc",
        "optimal_threshold",
        "partial_auc",
        "partial_auc_test",
        "precision_recall_curve",
        "roc_auc",
        "roc_band",
        "roc_curve",
    ),
    "statistics.bootstrap": ("bootstrap_ci",),
    "statistics.diagnostic": (
        "compare_diagnostic_tests",
        "diagnostic_accuracy",
        "mcnemar_test",
        "predictive_values",
        "proportion_ci",
    ),
    "statistics.multiplicity": ("adjust_pvalues",),
    "statistics.performance_change": ("performance_change",),
    "statistics.agreement": ("icc", "cohen_kappa", "fleiss_kappa", "gwet_ac1", "bland_altman"),
    "statistics.regression": ("logistic_table", "firth_logistic", "variance_inflation", "SeparationWarning"),
    "statistics.descriptive": ("baseline_table", "standardised_difference"),
    "audit.table": ("CohortCounts", "Finding", "TableAudit", "audit_table"),
    "statistics.centres": ("meta_analysis",),
    "statistics.cox": ("cox_table", "proportional_hazards_test"),
    "statistics.lasso": ("lasso_path",),
    "statistics.pooling": ("pool_imputations",),
    "statistics.pooled_tests": ("pool_chi_squares", "pool_wald"),
    "statistics.stability": ("selection_stability",),
    "statistics.validation": (
        "optimism_bootstrap",
        "optimism_from_resamples",
        "prediction_instability",
        "repeated_cross_validation",
    ),
    "statistics.sample_size": (
        "sample_size_binary",
        "sample_size_survival",
        "sample_size_continuous",
        "sample_size_validation",
    ),
    "statistics.survival": (
        "kaplan_meier",
        "reverse_kaplan_meier",
        "log_rank_test",
        "log_rank_trend",
        "pairwise_log_rank",
        "restricted_mean_survival",
        "cumulative_incidence",
        "gray_test",
        "concordance_index",
        "time_dependent_auc",
        "survival_calibration",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]  # noqa: PLE0604 (names are strings, computed)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'vcfstats' has no attribute {name!r}")
    value = getattr(import_module(f"vcfstats.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
