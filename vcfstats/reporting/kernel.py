"""What a kernel is told before the first cell: how figures show themselves.

It stands apart from the machinery that renders, which no kernel should have to load.
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# Set by Quarto where it runs the cells itself: the kind of figure that the format at hand takes.
QUARTO_FORMAT = "QUARTO_FIG_FORMAT"


def run_by_quarto() -> bool:
    """Whether Quarto itself runs this kernel's cells, as in a plain `quarto render`."""
    return QUARTO_FORMAT in os.environ


def prepare() -> None:
    """Show each figure as the document takes it: as SVG (HTML, Typst) and PNG (Word), so that cells run once for all formats.

    Where Quarto runs the cells it runs them for each format, and takes the first kind that it finds: there is one. Nothing is
    imported for figures that no cell draws: the formatters are registered by name.
    """
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if run_by_quarto():
        import matplotlib

        from vcfstats.reporting.reproducible import STABLE_RC

        matplotlib.rcParams.update(STABLE_RC)
    bundle = shell.display_formatter.mimebundle_formatter
    kinds = ("svg" if os.environ[QUARTO_FORMAT] == "svg" else "png",) if run_by_quarto() else ("svg", "png")
    bundle.for_type_by_name(
        "plotnine.ggplot", "ggplot", lambda figure, **_: _shown(lambda *paths: _save_plotnine(figure, *paths), kinds)
    )
    bundle.for_type_by_name(
        "matplotlib.figure",
        "Figure",
        lambda figure, **_: _shown(lambda *paths: _save_matplotlib(figure, *paths), kinds),
    )


def _save_plotnine(figure: Any, *paths: Path) -> None:
    from vcfstats.reporting.figures import save_figure

    save_figure(figure, *paths)


def _save_matplotlib(figure: Any, *paths: Path) -> None:
    from vcfstats.reporting.figures.style import DPI

    for path in paths:
        figure.savefig(path, dpi=DPI, metadata={"Date": None} if path.suffix == ".svg" else {"Software": None})


def _shown(save: Callable[..., None], kinds: Sequence[str]) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        paths = {kind: Path(folder, f"figure.{kind}") for kind in kinds}
        save(*paths.values())
        shown = {}
        if "svg" in paths:
            shown["image/svg+xml"] = paths["svg"].read_text(encoding="utf-8")
        if "png" in paths:
            shown["image/png"] = base64.b64encode(paths["png"].read_bytes()).decode()
        return shown
