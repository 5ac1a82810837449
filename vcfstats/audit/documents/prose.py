"""Numbers in running text that name no record: those that have another reason to stand there, and the rest."""

from __future__ import annotations

import re
from collections.abc import Set

from vcfstats.audit.documents.reading import tidy

# Numbers that no record explains and none need: references to items and sections, citations, names that hold a figure.
_EXPLAINED = (
    re.compile(r"\b(?:Tables?|Figures?|Sections?|Supplementary|Equations?) S?\d+(?:\.\d+)*"),
    re.compile(r"\[\d+(?:[,–-] ?\d+)*\]"),
    re.compile(r"\[ ?\d+(?: ?[,–-] ?\d+)* ?\]"),
    re.compile(r"^\d+(?:\.\d+)* (?=\S)"),  # a heading's number
    re.compile(r"\b(?=[\w.-]*[A-Za-zµ])(?=[\w.-]*\d)[\w.-]*\w\b"),  # EfficientNet-Lite0, 2.5D, SHA-256
)
_CONSTANTS = frozenset({"0", "1"})  # what a finding counts as, where a line would be perfect
_NUMBER = re.compile(r"(?<![\w.])[−-]?\d[\d,]*(?:\.\d+)?%?")


def unexplained(loose: str, given: Set[str]) -> list[str]:
    """Return the numbers of a text without its results that nothing explains.

    Parameters
    ----------
    loose : str
        A block's words outside of results.
    given : set of str
        Numbers that the authors wrote themselves, in the texts that are theirs.
    """
    return [found for found in _NUMBER.findall(_left(loose)) if found.rstrip(",%") not in given]


def _left(text: str) -> str:
    for pattern in _EXPLAINED:
        text = pattern.sub(" ", text)
    return text


def own_numbers(texts: list[str]) -> frozenset[str]:
    """Return the numbers in what the authors wrote themselves, with and without those that explain themselves around them."""
    said = [part for text in map(tidy, texts) for part in (text, _left(text))]
    return frozenset({found.rstrip(",%") for text in said for found in _NUMBER.findall(text)} | _CONSTANTS)
