"""A finished study as its documents see it: result records, words and curves, read once and never written."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.forks import Forks, read_forks
from vcfstats.contracts.nomogram import NomogramFile, read_nomogram
from vcfstats.contracts.predictions import recalibrated
from vcfstats.contracts.records import Record, Records, read_records
from vcfstats.contracts.study import TABLES, StudyFile, read_study, read_table
from vcfstats.reporting import values
from vcfstats.reporting.kernel import prepare, run_by_quarto
from vcfstats.reporting.values import Sourced, Text

# Sets of predictions in the order of print -> their names in headings and in running text.
KINDS = {
    "apparent": ("Training set, apparent", "in the training set (apparent performance)"),
    "out_of_fold": ("Training set, out of fold", "in the training set, out of fold"),
    "testing": ("Internal test set", "in the internal test set"),
    "external": ("External test set", "in the external test set"),
}


@dataclass(frozen=True)
class Study:
    """A finished study.

    Attributes
    ----------
    root : Path
        The study's directory.
    info : StudyFile
        Its words.
    records : dict of str to Record
        Every number and decision that documents print, by key.
    printed : set of str
        Keys of what was printed so far: what a document's pop-ups have to explain.
    """

    root: Path
    info: StudyFile
    records: Records
    printed: set[str] = field(default_factory=set, compare=False)
    _tables: dict[tuple[str, int, int], pd.DataFrame] = field(default_factory=dict, compare=False, repr=False)

    def __repr__(self) -> str:
        """Name the study, not its hundreds of records."""
        return f"Study({str(self.root)!r}, {len(self.records)} records)"

    @property
    def names(self) -> dict[str, str]:
        """All models, their names in records -> in print: the headline models, then each classifier on each feature set, then both recalibrated."""
        fitted = (
            self.info.models
            | self.info.variants
            | {
                f"{name}.{classifier}": f"{label}: {printed}"
                for name, label in self.info.feature_sets.items()
                for classifier, printed in self.info.classifiers.items()
            }
        )
        return fitted | {recalibrated(name): f"{label}, recalibrated" for name, label in fitted.items()}

    def classifiers(self, feature_set: str) -> dict[str, str]:
        """Return the classifiers of a feature set, their names in records -> in print."""
        return {f"{feature_set}.{name}": label for name, label in self.info.classifiers.items()}

    def has(self, key: str) -> bool:
        """Whether there is a record of that key, be it without a value."""
        return key in self.records

    def record(self, key: str) -> Record:
        """Return the record of a key.

        Raises
        ------
        InputError
            There is none: the message names the nearest keys.
        """
        try:
            return self.records[key]
        except KeyError:
            near = difflib.get_close_matches(key, self.records, n=3, cutoff=0.5)
            raise InputError(
                Problem(
                    f"no record {key!r}",
                    f"keys such as {', '.join(near or sorted(self.records)[:3])}",
                    "correct the key, or run `dvc repro` again",
                    file=self.root / "results/results.json",
                )
            ) from None

    def value(self, key: str) -> Text:
        """Return a record in full: ``0.871 (95% CI 0.786 to 0.957)``, ``24/70 (34.3%)``, or ``not estimable``."""
        return self._shown(key, values.full(self.record(key)))

    def point(self, key: str) -> Text:
        """Return a record's value alone: ``0.871``, ``34.3%``, ``1,834``."""
        return self._shown(key, values.point(self.record(key)))

    def n(self, key: str) -> Text:
        """Return the number of cases behind a record."""
        return self._shown(key, f"{self.record(key).n or 0:,}")

    def events(self, key: str) -> Text:
        """Return the number of events behind a record."""
        return self._shown(key, f"{self.record(key).events or 0:,}")

    def interval(self, key: str) -> Text:
        """Return a record's confidence interval alone: ``0.786 to 0.957``, empty where there is none."""
        return self._shown(key, values.interval(self.record(key)))

    def percent(self, key: str) -> Text:
        """Return a proportion such as a confidence level as a percentage without needless decimals: ``95%``."""
        value = self.record(key).value
        return self._shown(key, f"{100 * value:g}%" if isinstance(value, int | float) else values.NOT_ESTIMABLE)

    def p(self, key: str) -> Text:
        """Return a record's p value: ``p = 0.034``."""
        return self._shown(key, values.p_phrase(self.record(key).p_value))

    def share(self, part: str, whole: str) -> Text:
        """Return two counts as ``24/70 (34.3%)``."""
        top, bottom = self.record(part).value, self.record(whole).value
        if not isinstance(top, int) or not isinstance(bottom, int) or bottom == 0:
            return self._shown(part, values.NOT_ESTIMABLE)
        return self._shown(part, f"{top:,}/{bottom:,} ({100 * top / bottom:.1f}%)")

    def reason(self, key: str) -> Text:
        """Return why a record has no value, as a clause; empty where it has one."""
        record = self.record(key)
        if record.value is not None:
            return Text("", "")
        return self._shown(key, reason(record), "decision")

    def words(self, *names: str) -> Text:
        """Return the design records of these names, as sentences one after the other; a name without a record is left out."""
        found = [f"design/{name}" for name in names if f"design/{name}" in self.records]
        return values.join([self._shown(key, values.point(self.records[key]), "decision") for key in found])

    def told(self, name: str, words: str) -> Text:
        """Return words that tell a design record otherwise than by its value, with that record behind them."""
        return self._shown(f"design/{name}", words, "decision")

    def word(self, name: str) -> Text:
        """Return one of the study's own words, such as ``event_label``, for a document's text."""
        return Text.of(str(getattr(self.info, name)))

    def kinds(self, model: str | None = None) -> list[str]:
        """Return the kinds of predictions that have records, in the order of print."""
        have = {
            record.kind
            for record in self.records.values()
            if record.model == model or (model is None and record.model in self.info.models)
        }
        return [kind for kind in KINDS if kind in have]

    def table(self, name: str) -> pd.DataFrame:
        """Return one table of results/, such as ``roc`` or ``decision``, in the order of print.

        Raises
        ------
        InputError
            The file is missing or malformed.
        """
        path = self.root / "results" / "tables" / f"{name}.csv"
        try:
            state = path.stat()
        except OSError:
            return read_table(name, path)  # says what is missing
        key = (name, state.st_mtime_ns, state.st_size)  # a document asks for a table again and again
        if key not in self._tables:
            self._tables[key] = read_table(name, path)
        return self._tables[key].copy()

    def rows(self, name: str) -> pd.DataFrame:
        """Return a table of results/, without rows where the study does not have it."""
        if self.has_table(name):
            return self.table(name)
        return pd.DataFrame({column: pd.Series(dtype=object) for column in TABLES[name]})

    def has_table(self, name: str) -> bool:
        """Whether results/ holds a table."""
        return (self.root / "results" / "tables" / f"{name}.csv").is_file()

    def sourced(self, text: str, key: str) -> Sourced:
        """Return the words of a table's cell with the key of the record behind them."""
        self.printed.add(key)
        return Sourced(text, key)

    def row_source(self, name: str, row: int) -> str:
        """Return what names a row of a table of results/: the source of cells made from it."""
        key = f"{name}.csv, row {row}"
        self.printed.add(key)
        return key

    def nomogram(self) -> NomogramFile | None:
        """Return the nomogram with its words; None where results/ holds none."""
        path = self.root / "results" / "nomogram.json"
        return read_nomogram(path) if path.is_file() else None

    def forks(self) -> Forks:
        """Return the alternatives to the study's decisions that were run; without configurations where none was."""
        return read_forks(self.root / "results" / "forks.json")

    def _shown(self, key: str, text: str, name: str = "result") -> Text:
        """Return words with their record behind them."""
        if not text:
            return Text("", "")
        self.printed.add(key)
        return Text.of_source(text, provenance(key, self.records[key]), name)


def reason(record: Record) -> str:
    """Return why a record has no value, as a clause: of several remarks on a model the first on this estimate, else the last."""
    clauses = values.method(record).partition(" (")[2].removesuffix(")").split("; ")
    measure = record.estimate.rpartition("_")[2]
    own = [clause for clause in clauses if re.search(rf"\b{measure}\b|no calibration slope exists", clause)]
    if (record.method or "").startswith(("undefined: ", "not estimable: ")) or not own:
        return values.reason(record)
    return own[0][:1].lower() + own[0][1:]


def provenance(key: str, record: Record) -> str:
    """Return where a number came from, in one line: key, value in full, method, numbers, stage."""
    said = [f"{key} = {record.value!r}" if record.value is not None else f"{key}: no value"]
    if record.ci_low is not None and record.ci_high is not None:
        said.append(f"{values.level(record)} {record.ci_low!r} to {record.ci_high!r}")
    if record.p_value is not None:
        said.append(f"p = {record.p_value!r}")
    said += [record.method] if record.method else []
    said += [f"n = {record.n}"] if record.n is not None else []
    said += [f"events = {record.events}"] if record.events is not None else []
    return "; ".join([*said, f"stage {record.stage}"])


def open_study(path: str | Path | None = None) -> Study:
    """Open a finished study.

    Parameters
    ----------
    path : path, optional
        The study's directory. Default: the nearest directory from the working directory upward that holds
        ``results/results.json``.

    Raises
    ------
    InputError
        No study there, or its results cannot be read.
    """
    if run_by_quarto():
        # A plain `quarto render` says nothing to the kernel before the first cell: figures show themselves as in the stage.
        prepare()
    root = Path(path).resolve() if path is not None else _nearest(Path.cwd().resolve())
    results = root / "results"
    info, records = read_study(results / "study.json"), read_records(results / "results.json")
    # What is told of the alternatives is told by records too; they lie in a file of their own, since no stage makes them.
    study = Study(root, info, records | read_forks(results / "forks.json").summary)
    unnamed = sorted(
        {r.model for r in study.records.values() if r.kind in KINDS and r.model and r.model not in study.names}
    )
    if unnamed:
        raise InputError(
            Problem(
                f"records of model {unnamed[0]!r}",
                f"models named in study.json: {', '.join(study.info.models)}",
                "name it under `models`",
                file=results / "study.json",
            )
        )
    return study


def _nearest(start: Path) -> Path:
    for folder in (start, *start.parents):
        if (folder / "results" / "results.json").is_file():
            return folder
    raise InputError(
        Problem(
            f"no results/results.json in {start} or above it",
            "a study's directory with finished results",
            "change to the study's directory, or run `dvc repro` there first",
        )
    )
