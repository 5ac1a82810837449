"""What an audit finds, and the result that holds it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vcfstats.statistics.results import Result

if TYPE_CHECKING:
    import pandas as pd

    from vcfstats.audit.table.echo import TableRead

IMPOSSIBLE = "impossible"
INCONSISTENT = "inconsistent"
NOTE = "note"
SEVERITIES = (IMPOSSIBLE, INCONSISTENT, NOTE)


@dataclass(frozen=True)
class Finding:
    """One thing found in the tables.

    Attributes
    ----------
    severity : str
        ``impossible``: no data can give these figures, under the counts stated. ``inconsistent``: two printed things
        contradict each other, and at least one is wrong. ``note``: worth a look, no error by itself.
    check : str
        Name of the check; each is explained in the documentation of the table audit.
    where : str
        Table, row and column.
    printed : str
        The figures as printed.
    arithmetic : str
        What shows it.
    mend : str
        What, if changed, would mend it; empty where the arithmetic does not say.
    cells : tuple of (table, row, column)
        The cells that it speaks of, counted from 0 in the tables as given.
    """

    severity: str
    check: str
    where: str
    printed: str
    arithmetic: str
    mend: str = ""
    cells: tuple[tuple[int, int, int], ...] = ()

    @property
    def id(self) -> str:
        """A name that stays the same as long as what was found does, in whatever order findings stand."""
        words = "|".join((self.check, self.where, self.printed))
        return hashlib.sha256(words.encode()).hexdigest()[:10]


@dataclass(frozen=True)
class CohortCounts:
    """Class counts of one cohort.

    Attributes
    ----------
    cohort : str
        Name of the cohort, with its table where tables do not share their counts.
    n, events, nonevents : int or None
        The counts; None where the table does not determine them.
    basis : str
        Where they come from.
    rows, rows_fitting : int
        Rows that could be checked, and those that some confusion matrix reproduces.
    also_fits : str
        Other counts that the table cannot tell from these.
    """

    cohort: str
    n: int | None
    events: int | None
    nonevents: int | None
    basis: str
    rows: int
    rows_fitting: int
    also_fits: str = ""


@dataclass(frozen=True, repr=False, eq=False)
class TableAudit(Result):
    """Result of `audit_table`.

    Attributes
    ----------
    findings : tuple of Finding
        The most severe first, then in the order of the tables.
    cohorts : tuple of CohortCounts
        Class counts given or recovered.
    rows : DataFrame
        One row a line of the performance tables: the number of confusion matrices that reproduce it, the first of
        them, the standard error that the interval implies, DeLong's largest and Hanley and McNeil's.
    checked : dict
        Number of things looked at by each check: what "no finding" is worth.
    tables : tuple of TableRead
        How each cell of each table was read, and whether anything could be held against it.
    """

    findings: tuple[Finding, ...]
    cohorts: tuple[CohortCounts, ...]
    rows: pd.DataFrame
    checked: dict[str, int]
    tables: tuple[TableRead, ...] = ()

    @property
    def verdict(self) -> str:
        """``found``, ``nothing found`` (in the figures that could be checked) or ``not checkable``."""
        if not self.is_consistent:
            return "found"
        checked = any(table.counts["checked"] for table in self.tables) if self.tables else any(self.checked.values())
        return "nothing found" if checked else "not checkable"

    @property
    def is_consistent(self) -> bool:
        """True where nothing is impossible and nothing inconsistent."""
        return not any(finding.severity in (IMPOSSIBLE, INCONSISTENT) for finding in self.findings)

    def count(self, severity: str) -> int:
        """Return the number of findings of one severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def to_frame(self) -> pd.DataFrame:
        """Return the findings, one row each."""
        import pandas as pd

        names = ["severity", "check", "where", "printed", "arithmetic", "mend"]
        return pd.DataFrame([[getattr(finding, name) for name in names] for finding in self.findings], columns=names)

    def to_csv(self, path: str | Path | None = None) -> str | None:
        """Return the findings as CSV, or write them to a file (UTF-8)."""
        from vcfstats.contracts.files import write_text
        from vcfstats.contracts.markup import csv_text

        text = csv_text(self.to_frame())
        if path is None:
            return text
        write_text(Path(path), text)
        return None

    def to_html(self, path: str | Path | None = None, *, title: str = "Table audit") -> str | None:
        """Return one HTML page that needs no other file, or write it (UTF-8)."""
        from vcfstats.audit.table.drawn import html_page
        from vcfstats.contracts.files import write_text

        text = html_page(self, title)
        if path is None:
            return text
        write_text(Path(path), text)
        return None

    def to_json(self, path: str | Path | None = None) -> str | None:
        """Return verdict, findings under ids that stay, and every cell with its role, as JSON, or write it (UTF-8)."""
        from vcfstats.audit.table.pages import as_json
        from vcfstats.contracts.files import write_text

        text = json.dumps(as_json(self), indent=1, ensure_ascii=False) + "\n"
        if path is None:
            return text
        write_text(Path(path), text)
        return None

    def to_text(self) -> str:
        """Return the report as plain text."""
        from vcfstats.audit.table.pages import text_page

        return text_page(self)

    def __repr__(self) -> str:
        """The report as text: what a person wants to see at the prompt."""
        return self.to_text()


def ordered(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return the findings once each, the most severe first."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: SEVERITIES.index(finding.severity)))
