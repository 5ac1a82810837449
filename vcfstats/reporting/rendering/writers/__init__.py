"""HTML, Word, PDF and JATS from one numbered document tree."""

from collections.abc import Callable, Mapping
from pathlib import Path

from vcfstats.reporting.rendering.writers.document import Document, check_citations, take_local_images
from vcfstats.reporting.rendering.writers.docx import write_docx
from vcfstats.reporting.rendering.writers.html import write_html
from vcfstats.reporting.rendering.writers.jats import write_jats
from vcfstats.reporting.rendering.writers.parts import html_blocks
from vcfstats.reporting.rendering.writers.pdf import write_pdf

__all__ = ["WRITERS", "Document", "check_citations", "html_blocks", "take_local_images"]

# Each writes a document to a path and returns the files that it left: the document, and what lies beside it.
WRITERS: Mapping[str, Callable[[Document, Path], list[Path]]] = {
    "html": write_html,
    "docx": write_docx,
    "pdf": write_pdf,
    "xml": write_jats,
}
