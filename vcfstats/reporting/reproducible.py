"""What makes the same inputs give the same bytes, in figures and documents, whichever engine renders them."""

from __future__ import annotations

import os
from typing import Any

# Documents carry no time of their making: 1980-01-01 is the earliest that a Word file can hold, and plainly no real one.
EPOCH = 315532800
# How the cells of a document learn what renders them.
ENGINE_VARIABLE = "VCFSTATS_RENDERED_BY"
# Fonts inside the file: as outlines in SVG, so that the text looks the same everywhere, as TrueType in PDF.
# Dollar signs are words as well: no text of a figure is a formula.
STABLE_RC: Any = {
    "svg.hashsalt": "vcfstats", "svg.fonttype": "path", "pdf.fonttype": 42, "ps.fonttype": 42, "text.parse_math": False,
}  # fmt: skip


def epoch() -> int:
    """Return the time that documents carry, in seconds since 1970: the environment's SOURCE_DATE_EPOCH, or a fixed one."""
    return int(os.environ.get("SOURCE_DATE_EPOCH", EPOCH))


def matplotlibrc(fig_width: float, fig_height: float) -> str:
    """Return the settings of matplotlib, as a file, for a document's cells; figure sizes in inches."""
    settings = {"backend": "agg", "figure.figsize": f"{fig_width:g}, {fig_height:g}", **STABLE_RC}
    return "".join(f"{name}: {value}\n" for name, value in settings.items())
