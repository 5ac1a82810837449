"""The checklists: each item of a guideline with its status and what proves it.

Labels are this project's own; the guidelines' texts are with their publications. An item that a program can see is
*reported* only where the artefact is there. What only the authors can say is *author must supply* until a statement in
params.yaml says it: a program that judged prose would tick what it cannot read.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from importlib.resources import files

import pandas as pd

from vcfstats.audit.checklists.evidence import CONDITIONS, Evidence
from vcfstats.contracts.records import Record

COLUMNS = ("guideline", "item", "label", "status", "place", "evidence", "weight")
REPORTED, MISSING, NOT_APPLICABLE, AUTHOR = "reported", "not reported", "not applicable", "author must supply"


@dataclass(frozen=True)
class Guideline:
    """A reporting guideline.

    Attributes
    ----------
    key : str
        Its name in files.
    name : str
        Its name in print.
    doi : str
        Its publication.
    n_items : int
        Items and sub-items that it has.
    """

    key: str
    name: str
    doi: str
    n_items: int


GUIDELINES = (
    Guideline("tripod_ai", "TRIPOD+AI", "10.1136/bmj-2023-078378", 52),
    Guideline("tripod_ai_abstracts", "TRIPOD+AI for Abstracts", "10.1136/bmj-2023-078378", 13),
    Guideline("clear", "CLEAR", "10.1186/s13244-023-01415-8", 58),
    Guideline("metrics", "METRICS", "10.1186/s13244-023-01572-w", 30),
    Guideline("claim", "CLAIM 2024", "10.1148/ryai.240300", 44),
)


def items(guideline: Guideline) -> pd.DataFrame:
    """Return the items: item, label, by (auto, author or na), needs, unless, place, and weight where it has one."""
    source = files("vcfstats.audit.checklists") / "items" / f"{guideline.key}.csv"
    with source.open(encoding="utf-8") as stream:
        return pd.read_csv(stream, dtype=str, keep_default_na=False)


def assess(given: Evidence) -> pd.DataFrame:
    """Return every item of every guideline with its status.

    Columns: guideline (key), item, label, status (reported, not reported, not applicable, author must supply), place (where
    a reader finds it, or the reason why it does not apply), evidence (artefacts), weight (of METRICS, else NaN).
    """
    rows = []
    for guideline in GUIDELINES:
        for item in items(guideline).to_dict("records"):
            status, place, evidence = _status({str(key): str(value) for key, value in item.items()}, given)
            weight = float(item["weight"]) if "weight" in item else float("nan")
            rows.append((guideline.key, item["item"], item["label"], status, place, evidence, weight))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _status(item: dict[str, str], given: Evidence) -> tuple[str, str, str]:
    if item["by"] == "na":
        return NOT_APPLICABLE, item["place"], ""
    shown = [given.shows(need) for need in item["needs"].split(";") if need]
    met = bool(shown) and all(shown)
    if met and (item["by"] == "auto" or "statement:" in item["needs"]):
        return REPORTED, item["place"], ", ".join(dict.fromkeys(shown))
    if item["unless"] and CONDITIONS[item["unless"]][0](given):
        return NOT_APPLICABLE, CONDITIONS[item["unless"]][1], ""
    if item["by"] == "author":
        # Prose of the authors is named, not judged: whether it answers the item only they can say.
        return AUTHOR, item["place"], ", ".join(part for part in dict.fromkeys(shown) if part)
    return MISSING, item["place"], ""


def scores(table: pd.DataFrame) -> list[Record]:
    """Return counts by status of each guideline, and METRICS' score.

    METRICS' score (Kocak et al. 2024, doi 10.1186/s13244-023-01572-w) is the weight of the items met over the weight of
    those that apply, in percent; its upper value counts what the authors could still supply.
    """
    records = []
    for guideline in GUIDELINES:
        rows = table[table["guideline"] == guideline.key]
        counts = Counter(rows["status"])
        for status in (REPORTED, MISSING, NOT_APPLICABLE, AUTHOR):
            records.append(
                Record(
                    kind="design",
                    estimate=f"{guideline.key}_{status.replace(' ', '_')}",
                    value=counts[status],
                    n=len(rows),
                    method=f"items of {guideline.name} that are {status}",
                    stage="evaluate",
                )
            )
    rows = table[(table["guideline"] == "metrics") & (table["status"] != NOT_APPLICABLE)]
    whole = rows["weight"].sum()
    for estimate, statuses in {"metrics_score": (REPORTED,), "metrics_score_upper": (REPORTED, AUTHOR)}.items():
        share = float(rows.loc[rows["status"].isin(statuses), "weight"].sum() / whole)
        said = "items met" if len(statuses) == 1 else "items met or left to the authors"
        records.append(
            Record(
                kind="design",
                estimate=estimate,
                value=share,
                unit="proportion",
                method=f"METRICS: weight of the {said} over that of the items that apply",
                stage="evaluate",
            )
        )
    return records
