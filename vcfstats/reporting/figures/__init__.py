"""Figures: functions that return plotnine objects, to which users add what they like."""

from vcfstats.reporting.figures.activation import activation_figure
from vcfstats.reporting.figures.calibration import belt_figure, calibration_figure
from vcfstats.reporting.figures.comparison import comparison_figure
from vcfstats.reporting.figures.curves import decision_figure, roc_figure
from vcfstats.reporting.figures.diagrams import flow_figure
from vcfstats.reporting.figures.followup import followup_figure
from vcfstats.reporting.figures.forest import forest_figure
from vcfstats.reporting.figures.forks import fork_figure
from vcfstats.reporting.figures.nomogram import nomogram_figure
from vcfstats.reporting.figures.scanners import scanner_figure
from vcfstats.reporting.figures.selection import coefficient_figure, funnel_figure, lasso_figure
from vcfstats.reporting.figures.style import DOUBLE_MM, SINGLE_MM, empty_figure, save_figure
from vcfstats.reporting.figures.training import training_figure
from vcfstats.reporting.figures.workflow import Step, workflow_figure, wrapped

__all__ = [
    "DOUBLE_MM", "SINGLE_MM", "Step", "activation_figure", "belt_figure", "calibration_figure", "coefficient_figure", "comparison_figure", "decision_figure",
    "empty_figure", "flow_figure", "followup_figure", "forest_figure", "fork_figure", "funnel_figure", "lasso_figure", "nomogram_figure", "roc_figure", "save_figure", "scanner_figure", "training_figure", "workflow_figure", "wrapped",
]  # fmt: skip
