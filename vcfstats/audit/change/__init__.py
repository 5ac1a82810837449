"""What a change of params.yaml moved: two revisions of a study compared from what git holds, paired where DVC has more."""

from vcfstats.audit.change.compare import Audit, Decision, Moved, audit_revisions, compare_revisions
from vcfstats.audit.change.revision import Revision, read_revision

__all__ = ["Audit", "Decision", "Moved", "Revision", "audit_revisions", "compare_revisions", "read_revision"]
