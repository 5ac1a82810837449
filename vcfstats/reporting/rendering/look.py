"""Where the documents' sources lie, and the look that a folder of documents has when its _quarto.yml names none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import vcfstats


def report_sources() -> Path:
    """Return the documents' sources: packaged beside the code, or at the root of a source checkout."""
    package = Path(vcfstats.__file__).parent
    packaged = package / "_report"
    return packaged if packaged.is_dir() else package.parent / "report"


def with_page(given: Sequence[Path], name: str) -> list[Path]:
    """Return files of a look, such as style sheets, with the house's own first where they do not name it themselves."""
    return list(given) if any(path.name == name for path in given) else [report_sources() / name, *given]
