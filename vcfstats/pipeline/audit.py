"""Stage audit: the rendered documents read back; a paper that departs from its results does not build."""

from __future__ import annotations

import json

from vcfstats.audit.documents import audit_documents
from vcfstats.contracts.errors import InputError
from vcfstats.contracts.files import write_text
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.reporting import open_study
from vcfstats.reporting.rendering.configuration import project_metadata


def run(study: StudyDirectory) -> None:
    """Write results/self_audit.json.

    Raises
    ------
    InputError
        What the documents say departs from the results, or cannot be true together; one problem each.
    """
    names = (project_metadata(study.report).get("project") or {}).get("render", [])
    sources = [study.report / name for name in names] or sorted(study.report.glob("*.qmd"))
    done = audit_documents(
        open_study(study.root),
        sources,
        study.documents,
        auc_interval=study.params.evaluation.auc_interval,
        label="audit",
    )
    if done.problems:
        raise InputError(done.problems)
    body = {"found": [], "looked_at": dict(sorted(done.counts.items()))}
    write_text(study.results / "self_audit.json", json.dumps(body, indent=1) + "\n")
    print("audit: the documents say what the results say; looked at:")
    for name, count in sorted(done.counts.items()):
        print(f"  {count:6,}  {name}")
