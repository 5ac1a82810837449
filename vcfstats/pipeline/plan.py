"""Stage plan: the plan is locked before any result is computed: the hash of the protocol and of every analytic decision."""

from __future__ import annotations

import hashlib
import json

from vcfstats.contracts.files import write_text
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.params import analytic_leaves


def run(study: StudyDirectory) -> None:
    """Write results/plan.json; the stage evaluate needs it."""
    protocol = study.root / (study.params.study.protocol or "protocol.yaml")
    decisions = json.dumps(analytic_leaves(study.params), sort_keys=True).encode()
    plan = {
        "protocol": hashlib.sha256(protocol.read_bytes()).hexdigest() if study.params.study.protocol else None,
        "decisions": hashlib.sha256(decisions).hexdigest(),
        "seed": study.params.seed,
    }
    write_text(study.plan_file, json.dumps(plan, indent=1) + "\n")
