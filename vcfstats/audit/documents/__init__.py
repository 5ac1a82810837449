"""A paper against its own results: what the rendered documents say, read back and held against the records."""

from vcfstats.audit.documents.audit import DocumentAudit, audit_documents

__all__ = ["DocumentAudit", "audit_documents"]
