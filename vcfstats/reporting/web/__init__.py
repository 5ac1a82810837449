"""Pages that compute in the reader's browser, each one file without network or server."""

from vcfstats.reporting.web.embedding import PAGE, embedded
from vcfstats.reporting.web.page import nomogram_page
from vcfstats.reporting.web.provenance import popups

__all__ = ["PAGE", "embedded", "nomogram_page", "popups"]
