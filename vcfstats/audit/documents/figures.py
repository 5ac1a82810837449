"""Performance and baseline tables as printed, for the audit of whether their figures can stand together.

The audit of published tables has to guess what a row is: which cohort, how many patients, whether two rows are one model. Of
a study's own tables the records tell, so that nothing is guessed here: the figures are those of the page, their place is that
of the record behind them, and the names that the authors gave are left out of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pandas as pd

from vcfstats.audit.documents.reading import ReadTable
from vcfstats.audit.table import TableAudit, audit_table
from vcfstats.audit.table.findings import Finding, ordered
from vcfstats.reporting import values
from vcfstats.reporting.study import KINDS, Study
from vcfstats.reporting.tables import INDENT, Table

# Estimates of a row of a performance table -> headings that the audit knows.
_HEADINGS = {
    "auc": "AUC", "accuracy": "Accuracy", "sensitivity": "Sensitivity", "specificity": "Specificity", "ppv": "PPV", "npv": "NPV",
}  # fmt: skip
_KEY = re.compile(rf"^({'|'.join(KINDS)})/([^/]+)/({'|'.join(_HEADINGS)})$")
_MARKS = re.compile(r"[ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐ]")
# Headline models that are the classifier chosen on a feature set, under another name.
_CHOSEN_ON = {"rad": "radiomics", "dlr": "fused"}
_NAMED = re.compile(r"\b(?:Model|Variable|Level) \d+\b")
_COLUMNS = {"all": "All", "training": "Training set", "testing": "Internal test set"}


def together(
    tables: Mapping[str, tuple[ReadTable, Table]], study: Study, *, auc_interval: str, level: float
) -> TableAudit | None:
    """Audit the performance and baseline tables among those of a document; None where there is none.

    Parameters
    ----------
    tables : mapping of str to (ReadTable, Table)
        Label -> table as read back, and as the results make it.
    study : Study
        The study, whose records say what each row is.
    auc_interval : str
        How intervals of AUCs were made, a method of the table audit.
    level : float
        Their confidence level.
    """
    names = _Names()
    performance, baseline = [], []
    for label, (read, made) in tables.items():
        body = _body(read, made)
        frame = _performance(body, made, study, names)
        if len(frame):
            frame.attrs["title"] = label
            performance.append(frame)
        if label.endswith("-baseline") and len(frame := _baseline(body, made, study, names)):
            frame.attrs["title"] = label
            baseline.append(frame)
    audits = []
    if performance:
        audits.append(audit_table(performance, ci_method=auc_interval, confidence_level=level, identified=True))
    if baseline:
        audits.append(audit_table([], baseline=baseline, n=_sizes(study)))
    if not audits:
        return None
    return replace(
        audits[0],
        findings=ordered([names.in_words(finding) for audit in audits for finding in audit.findings]),
        checked={name: count for audit in audits for name, count in audit.checked.items()},
    )


def _body(read: ReadTable, made: Table) -> list[tuple[str, ...]]:
    """Return the rows as printed that are those of the table, in its order; none where they are not as many."""
    whole = [row for row in read.rows if len(row) == len(made.columns)]
    rows = whole[-len(made.rows) :] if made.rows else []
    heads = len(whole) - len(rows)
    # Headings over headings come in two rows.
    return rows if heads == 1 or (heads <= 2 and any(column.spanner for column in made.columns)) else []


def _performance(body: list[tuple[str, ...]], made: Table, study: Study, names: _Names) -> pd.DataFrame:
    """Return one line for each model and set of predictions that a row holds figures of, with its numbers of cases."""
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for printed, number in zip(body, made.order if made.sources else (), strict=False):
        row, sources = made.rows[number], made.sources[number]
        for text, cell, (kind, model, estimate) in _figures(printed, row, sources):
            auc = study.records.get(f"{kind}/{model}/auc")
            if auc is None or auc.n is None or auc.events is None or not 1 <= auc.events < auc.n:
                continue  # one class: there is no matrix and no curve to hold the figures against
            whose = {
                "Cohort": KINDS[kind][0],
                "Model": _model(study, model, names),
                "n": str(auc.n),
                "Events": str(auc.events),
            }
            line = lines.setdefault((kind, model), whose)
            is_limits = estimate == "auc" and cell == values.interval(auc)
            # A model that stands in two cells of a row, beside others, is judged by the first.
            line.setdefault("95% CI" if is_limits else _HEADINGS[estimate], _MARKS.sub("", text))
    return pd.DataFrame(list(lines.values()), dtype=object)


def _figures(
    printed: tuple[str, ...], row: tuple[str, ...], sources: tuple[str, ...]
) -> Iterator[tuple[str, str, tuple[str, str, str]]]:
    """Yield the cells of a row that tell an estimate of a model: as printed, as made, and of what."""
    for text, cell, source in zip(printed, row, sources, strict=True):
        if key := _KEY.match(source):
            yield text, cell, (key[1], key[2], key[3])


def _model(study: Study, model: str, names: _Names) -> str:
    """Return a name without words for a model, the same in every table; `names` keeps what it is called in print."""
    on = _CHOSEN_ON.get(model, "")
    own = f"{on}.{study.info.chosen[on]}" if on in study.info.chosen else model
    return names.of("Model", own, study.names.get(model, model))


def _baseline(body: list[tuple[str, ...]], made: Table, study: Study, names: _Names) -> pd.DataFrame:
    """Return the baseline table without variables that some case lacks: their counts and means are of fewer cases."""
    rows = study.rows("baseline")
    if rows.empty:
        return pd.DataFrame()
    statistics = [f", {statistic}" for statistic in rows["statistic"].unique() if statistic]
    lacking = set(rows.loc[(rows["level"] == "Missing") & (rows["statistic"] == "n"), "variable"])
    keys = [column.key for column in made.columns]
    lines, variable, levels, left_out = [], "", 0, False
    for row, printed in zip(made.rows, body, strict=False):
        name = row[0]
        if name.startswith(INDENT):
            levels += 1
            shown = names.of("Level", f"{variable} {levels}", printed[0])
        else:
            statistic = next((end for end in statistics if name.endswith(end)), "")
            # A variable's unit stands behind its label; that it lacks values is noted without.
            left_out = any(f"{name.removesuffix(statistic)} (".startswith(f"{label} (") for label in lacking)
            variable, levels = name, 0
            shown = names.of("Variable", variable, printed[0]) + statistic
        if not left_out:
            cells = dict(zip(keys[1:], (_MARKS.sub("", text) for text in printed[1:]), strict=True))
            lines.append({"Variable": shown} | {_COLUMNS.get(key, key): text for key, text in cells.items()})
    return pd.DataFrame(lines, dtype=object)


def _sizes(study: Study) -> dict[str, int]:
    """Return how many cases the columns of the baseline table hold."""
    counts = {part: study.records.get(f"cohort/{part}/n_cases") for part in ("all", "training", "testing")}
    return {
        part: record.value for part, record in counts.items() if record is not None and isinstance(record.value, int)
    }


class _Names:
    """Names that no check can read anything into, each the same wherever its key comes again, and what they stand for."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], str] = {}
        self._printed: dict[str, str] = {}

    def of(self, kind: str, key: str, printed: str) -> str:
        """Return "Model 3" for the third model, and so on."""
        number = 1 + sum(known == kind for known, _ in self._of)
        name = self._of.setdefault((kind, key), f"{kind} {number}")
        self._printed.setdefault(name, printed)
        return name

    def in_words(self, finding: Finding) -> Finding:
        """Return a finding with the names as printed."""

        def said(text: str) -> str:
            return _NAMED.sub(lambda found: self._printed.get(found[0], found[0]), text)

        return replace(
            finding, where=said(finding.where), printed=said(finding.printed), arithmetic=said(finding.arithmetic)
        )
