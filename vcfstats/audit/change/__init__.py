"""What a change of params.yaml moved: two revisions of a study compared from what git holds, without any cache."""

from vcfstats.audit.change.compare import Audit, Decision, Moved, compare_revisions
from vcfstats.audit.change.revision import Revision, read_revision

__all__ = ["Audit", "Decision", "Moved", "Revision", "compare_revisions", "read_revision"]
