"""What a reader must know of how the models came about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """What was not done, or done otherwise, and why.

    `subject` is a feature set (clinical, radiomics, deep, fused), a model ("radiomics.knn", "dlrn") or "study".
    """

    subject: str
    text: str
