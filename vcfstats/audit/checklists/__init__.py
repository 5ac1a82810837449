"""Reporting guidelines, item by item: what a study reports, as far as an artefact shows it."""

from vcfstats.audit.checklists.assessment import GUIDELINES, Guideline, assess, scores
from vcfstats.audit.checklists.evidence import Evidence

__all__ = ["GUIDELINES", "Evidence", "Guideline", "assess", "scores"]
