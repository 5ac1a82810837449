"""Simulated papers: none flagged as they are, planted errors found; and the study's committed figures."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("table_audit_study", ROOT / "benchmarks" / "table_audit.py")
study = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = study  # dataclasses look their module up
spec.loader.exec_module(study)


def hard(result):
    return [finding for finding in result["findings"] if finding[0] in ("impossible", "inconsistent")]


def test_consistent_simulated_papers_are_not_flagged():
    for seed in np.random.SeedSequence(20).spawn(15):
        assert not hard(study.run_one((seed, "")))


@pytest.mark.parametrize(
    "kind",
    ["row under another cohort's label", "baseline: count", "claim: limits of an interval as a range"],
)
def test_planted_errors_that_cannot_hide(kind):
    results = [study.run_one((seed, kind)) for seed in np.random.SeedSequence(21).spawn(4)]
    assert sum(bool(hard(result)) for result in results) >= 3


def test_the_committed_study():
    summary = json.loads((ROOT / "benchmarks" / "results" / "table_audit.json").read_text(encoding="utf-8"))
    assert summary["papers"] == 1000
    assert summary["consistent papers"]["flagged impossible or inconsistent"] == 0
    assert sum(group["papers"] for group in summary["one planted error"].values()) == 1000
    shares = {kind: group["share"] for kind, group in summary["one planted error"].items()}
    page = (ROOT / "docs" / "table-audit.md").read_text(encoding="utf-8")
    for kind, share in shares.items():
        assert f"| {kind} | {share:.1%} |" in page
