"""Figures: functions that return plotnine objects, to which users add what they like."""

from vcfstats.reporting.figures.activation import activation_figure
from vcfstats.reporting.figures.comparison import comparison_figure, followup_figure
from vcfstats.reporting.figures.curves import calibration_figure, decision_figure, roc_figure
from vcfstats.reporting.figures.diagrams import Step, flow_figure, workflow_figure
from vcfstats.reporting.figures.nomogram import nomogram_figure
from vcfstats.reporting.figures.selection import coefficient_figure, lasso_figure
from vcfstats.reporting.figures.style import DOUBLE_MM, SINGLE_MM, empty_figure, save_figure

__all__ = [
    "DOUBLE_MM", "SINGLE_MM", "Step", "activation_figure", "calibration_figure", "coefficient_figure", "comparison_figure", "decision_figure", "empty_figure", "flow_figure",
    "followup_figure", "lasso_figure", "nomogram_figure", "roc_figure", "save_figure", "workflow_figure",
]  # fmt: skip
