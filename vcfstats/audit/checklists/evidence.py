"""What a finished study can show for an item of a guideline: records, tables, statements and files, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pandas as pd

from vcfstats.contracts.records import Record
from vcfstats.contracts.study import StudyFile

# Fewest training events for each feature that a selection keeps, for METRICS' item on dimensionality.
_EVENTS_PER_FEATURE = 10


@dataclass(frozen=True)
class Evidence:
    """A finished study, as far as the guidelines ask of it.

    Attributes
    ----------
    root : Path
        The study's directory.
    words : StudyFile
        results/study.json.
    records : mapping of str to Record
        results/results.json.
    tables : mapping of str to DataFrame
        Tables of results/ that have rows.
    covariates, second_reading, repeats, end_to_end : bool
        Whether the study has clinical findings; findings that two readers read; regions drawn again, or perturbed in
        their place; and a network trained on its own images.
    alternatives : int
        Configurations with other analytic choices that were run beside the study's own.
    """

    root: Path
    words: StudyFile
    records: Mapping[str, Record]
    tables: Mapping[str, pd.DataFrame]
    covariates: bool
    second_reading: bool
    repeats: bool
    end_to_end: bool
    alternatives: int

    def shows(self, need: str) -> str:
        """Return the artefact that meets a need, or nothing.

        A need is ``record:PATTERN`` (with a value), ``table:NAME`` (with rows), ``words:FIELD``, ``statement:NAME``,
        ``file:PATH`` or the name of a rule of this module; alternatives stand between bars.
        """
        return next((found for part in need.split("|") if (found := self._one(part))), "")

    def _one(self, need: str) -> str:
        kind, colon, name = need.partition(":")
        if not colon:
            return RULES[need](self)
        if kind == "record":
            met = (
                key for key in sorted(self.records) if fnmatchcase(key, name) and self.records[key].value is not None
            )
            return next(met, "")
        if kind == "table":
            return f"results/tables/{name}.csv" if len(self.tables.get(name, ())) else ""
        if kind == "words":
            return f"study.{name}" if getattr(self.words, name) else ""
        if kind == "statement":
            return f"study.statements.{name}" if self.words.statements.get(name) else ""
        if kind == "file":
            return name if (self.root / name).is_file() else ""
        raise ValueError(f"need {need!r}: kinds are record, table, words, statement and file")


def _protocol(given: Evidence) -> str:
    return "protocol.yaml" if given.words.protocol.registered else ""


def _step(name: str) -> Callable[[Evidence], str]:
    def found(given: Evidence) -> str:
        funnel = given.tables.get("funnel")
        return (
            f"results/tables/funnel.csv, step {name}" if funnel is not None and (funnel["step"] == name).any() else ""
        )

    return found


def _dimensionality(given: Evidence) -> str:
    """Enough training events for every feature that the selections kept."""
    kept = [key for key in sorted(given.records) if fnmatchcase(key, "model/*/n_features_kept")]
    for key in kept:
        features, events = given.records[key].value, given.records.get(key.replace("n_features_kept", "events"))
        if not isinstance(features, int) or events is None or not isinstance(events.value, int):
            return ""
        if events.value < _EVENTS_PER_FEATURE * features:
            return ""
    return ", ".join(kept)


def _intervals(given: Evidence) -> str:
    """An interval of each headline model's AUC on the internal test set."""
    keys = [f"testing/{model}/auc" for model in given.words.models if f"testing/{model}/auc" in given.records]
    whole = bool(keys) and all(given.records[key].ci_low is not None for key in keys)
    return ", ".join(keys) if whole else ""


def _specification_curve(given: Evidence) -> str:
    return "results/forks.json" if given.alternatives else ""


RULES: dict[str, Callable[[Evidence], str]] = {
    "protocol": _protocol,
    "reliability_filter": _step("reliability"),
    "redundancy_filter": _step("correlation"),
    "dimensionality": _dimensionality,
    "intervals": _intervals,
    "specification_curve": _specification_curve,
}


def _features(kind: str) -> Callable[[Evidence], bool]:
    def absent(given: Evidence) -> bool:
        record = given.records.get(f"design/n_features_{kind}")
        return record is None or not record.value

    return absent


# When an item does not apply: name -> whether it is so, and the reason that the page gives.
CONDITIONS: dict[str, tuple[Callable[[Evidence], bool], str]] = {
    "simulated": (lambda given: given.words.simulated, "The patients are simulated."),
    "no_images": (
        lambda given: _features("radiomics")(given) and _features("deep")(given),
        "The study has no features of images.",
    ),
    "no_radiomics": (_features("radiomics"), "The study has no radiomic features."),
    "no_deep": (_features("deep"), "The study has no deep features."),
    "no_end_to_end": (lambda given: not given.end_to_end, "No network was trained on the study's images."),
    "no_covariates": (lambda given: not given.covariates, "The study has no clinical findings."),
    "no_second_reading": (lambda given: not given.second_reading, "No finding was read twice."),
    "no_repeats": (lambda given: not given.repeats, "No region was drawn again."),
    "no_second_look": (
        lambda given: not given.repeats and not given.second_reading,
        "Nothing was read or drawn a second time.",
    ),
    "no_nomogram": (lambda given: "dlrn" not in given.words.models, "No combined model was fitted."),
}
