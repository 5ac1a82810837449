"""What a kernel of the offline path is told before the first cell: how figures show themselves.

It stands apart from the machinery that renders, which no kernel should have to load.
"""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def prepare() -> None:
    """Show each figure both as SVG (HTML, Typst) and PNG (Word), so that cells run once for all formats.

    Nothing is imported for figures that no cell draws: the formatters are registered by name.
    """
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    bundle = shell.display_formatter.mimebundle_formatter
    bundle.for_type_by_name(
        "plotnine.ggplot", "ggplot", lambda figure, **_: _both(lambda *paths: _save_plotnine(figure, *paths))
    )
    bundle.for_type_by_name(
        "matplotlib.figure", "Figure", lambda figure, **_: _both(lambda *paths: _save_matplotlib(figure, *paths))
    )


def _save_plotnine(figure: Any, *paths: Path) -> None:
    from vcfstats.reporting.figures import save_figure

    save_figure(figure, *paths)


def _save_matplotlib(figure: Any, *paths: Path) -> None:
    from vcfstats.reporting.figures.style import DPI

    for path in paths:
        figure.savefig(path, dpi=DPI, metadata={"Date": None} if path.suffix == ".svg" else {"Software": None})


def _both(save: Callable[..., None]) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        svg, png = Path(folder, "figure.svg"), Path(folder, "figure.png")
        save(svg, png)
        return {
            "image/svg+xml": svg.read_text(encoding="utf-8"),
            "image/png": base64.b64encode(png.read_bytes()).decode(),
        }
