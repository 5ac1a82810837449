"""PDF files: the words of each page in lines as they stand, from which tables are parted by their blanks."""

from __future__ import annotations

from pathlib import Path

from vcfstats.audit.table.readers.document import Document
from vcfstats.audit.table.readers.pasted import read_pasted
from vcfstats.contracts.errors import InputError, Problem


def read_portable(path: Path) -> Document:
    """Return the tables and paragraphs of a PDF file.

    Raises
    ------
    InputError
        Not a PDF, one that is locked or holds pictures of pages alone, or pypdf is not installed.
    """
    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ModuleNotFoundError:
        raise InputError(
            Problem("a PDF, and pypdf is not installed", "pypdf, or the tables in another form", "pip install 'vcfstats-clinical[report]'", file=path)
        ) from None  # fmt: skip
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise InputError(Problem("a PDF that asks for a password", "an open PDF", "save it without one", file=path))
        pages = [page.extract_text(extraction_mode="layout") for page in reader.pages]
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        what = f"a PDF that cannot be read ({type(error).__name__}: {error})"
        raise InputError(Problem(what, "an intact PDF", "save it again, or paste its tables into a text file", file=path)) from None  # fmt: skip
    if not any(page.strip() for page in pages):
        raise InputError(
            Problem("pages without words, as scans are", "a PDF whose words can be selected", "run a text recognition, or type the tables", file=path)
        )  # fmt: skip
    found = Document()
    for page in pages:
        one = read_pasted(page)
        found.grids.extend(one.grids)
        found.paragraphs.extend(one.paragraphs)
    return found
