"""Reporting: from finished results to documents. It computes no statistic.

`open_study` reads a study; its values, tables (`contents`), figures (`figures`) and sentences (`wording`) make up the
documents in ``report/``, which `render` turns into HTML, Word and PDF.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vcfstats.reporting.figures import (
        belt_figure,
        calibration_figure,
        coefficient_figure,
        comparison_figure,
        decision_figure,
        empty_figure,
        flow_figure,
        followup_figure,
        forest_figure,
        fork_figure,
        funnel_figure,
        lasso_figure,
        nomogram_figure,
        roc_figure,
        save_figure,
        workflow_figure,
    )
    from vcfstats.reporting.rendering import Rendered, render
    from vcfstats.reporting.study import Study, open_study
    from vcfstats.reporting.tables import Column, Table
    from vcfstats.reporting.values import Text

__all__ = [
    "Column",
    "Rendered",
    "Study",
    "Table",
    "Text",
    "belt_figure",
    "calibration_figure",
    "coefficient_figure",
    "comparison_figure",
    "decision_figure",
    "empty_figure",
    "flow_figure",
    "followup_figure",
    "forest_figure",
    "fork_figure",
    "funnel_figure",
    "lasso_figure",
    "nomogram_figure",
    "open_study",
    "render",
    "roc_figure",
    "save_figure",
    "workflow_figure",
]  # fmt: skip

# Loaded on first use: the stage that renders needs no plotting, and a figure no kernel.
_HOMES = {
    "figures": (
        "belt_figure",
        "calibration_figure",
        "coefficient_figure",
        "comparison_figure",
        "decision_figure",
        "empty_figure",
        "flow_figure",
        "followup_figure",
        "forest_figure",
        "fork_figure",
        "funnel_figure",
        "lasso_figure",
        "nomogram_figure",
        "roc_figure",
        "save_figure",
        "workflow_figure",
    ),
    "rendering": ("Rendered", "render"),
    "study": ("Study", "open_study"),
    "tables": ("Column", "Table"),
    "values": ("Text",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"vcfstats.reporting.{home}"), name)
    raise AttributeError(f"module 'vcfstats.reporting' has no attribute {name!r}")
