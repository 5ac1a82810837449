"""Published tables of prediction models checked by arithmetic: can the figures be true together?"""

from vcfstats.audit.table.audit import audit_table
from vcfstats.audit.table.findings import CohortCounts, Finding, TableAudit

__all__ = ["CohortCounts", "Finding", "TableAudit", "audit_table"]
