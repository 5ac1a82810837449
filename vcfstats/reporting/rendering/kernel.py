"""What a kernel of the offline path is told before the first cell: how figures show themselves."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import Any

from vcfstats.reporting.figures.style import DPI, STABLE_RC, save_figure


def prepare(fig_width: float, fig_height: float) -> None:
    """Show each figure both as SVG (HTML, Typst) and PNG (Word), so that cells run once for all formats."""
    import matplotlib.pyplot as plt
    from IPython.core.getipython import get_ipython
    from matplotlib.figure import Figure
    from plotnine import ggplot

    plt.switch_backend("agg")
    plt.rcParams.update({**STABLE_RC, "figure.figsize": (fig_width, fig_height)})
    shell: Any = get_ipython()
    bundle = shell.display_formatter.mimebundle_formatter
    bundle.for_type(ggplot, lambda figure, **_: _both(lambda path: save_figure(figure, path)))
    bundle.for_type(Figure, lambda figure, **_: _both(lambda path: _save_matplotlib(figure, path)))


def _save_matplotlib(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=DPI, metadata={"Date": None} if path.suffix == ".svg" else {"Software": None})


def _both(save: Any) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        svg, png = Path(folder, "figure.svg"), Path(folder, "figure.png")
        save(svg)
        save(png)
        return {
            "image/svg+xml": svg.read_text(encoding="utf-8"),
            "image/png": base64.b64encode(png.read_bytes()).decode(),
        }
