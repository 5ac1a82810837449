"""Figures: functions that return plotnine objects, to which users add what they like."""

from vcfstats.reporting.figures.curves import calibration_figure, decision_figure, roc_figure
from vcfstats.reporting.figures.style import DOUBLE_MM, SINGLE_MM, save_figure

__all__ = ["DOUBLE_MM", "SINGLE_MM", "calibration_figure", "decision_figure", "roc_figure", "save_figure"]
