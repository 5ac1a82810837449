"""The self-audit of a paper: what its rendered documents say against the records, and against one another."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from vcfstats.audit.documents.expected import differences, expected_tables
from vcfstats.audit.documents.figures import together
from vcfstats.audit.documents.pdf import ReadPdf, missing, read_pdf
from vcfstats.audit.documents.prose import own_numbers, unexplained
from vcfstats.audit.documents.reading import ReadDocument, ReadTable, read_page, read_word
from vcfstats.audit.documents.sources import misquoted, numbers
from vcfstats.contracts.errors import Problem
from vcfstats.contracts.progress import progress
from vcfstats.contracts.records import Record
from vcfstats.contracts.study import StudyFile
from vcfstats.reporting.study import Study
from vcfstats.reporting.tables import Table

# Intervals of AUCs, as params name them -> as the table audit does.
_INTERVALS = {"delong": "delong", "logit-delong": "logit"}
_SHOWN = 5  # words that cannot be read, one by one; a table that runs off its page has hundreds


@dataclass
class DocumentAudit:
    """What the self-audit looked at and found.

    Attributes
    ----------
    problems : list of Problem
        Where a document departs from the results, or its figures from one another.
    counts : dict
        Things looked at: what "nothing found" is worth.
    """

    problems: list[Problem] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def looked(self, name: str, count: int = 1) -> None:
        """Count things looked at."""
        self.counts[name] = self.counts.get(name, 0) + count

    def wrong(self, file: Path, found: str, allowed: str) -> None:
        """Note a departure."""
        mend = "correct the source (report/*.qmd, or the code that writes the document) and render again; never edit the result"
        self.problems.append(Problem(found, allowed, mend, file=file))


def audit_documents(
    study: Study, sources: Sequence[Path], rendered: Path, *, auc_interval: str, label: str | None = None
) -> DocumentAudit:
    """Read rendered documents back and hold them against the study's results.

    In HTML each number of the text names its record, and must say what the record says; a number that names none must be a
    reference, a citation, part of a name, or the authors' own (report/study, the words of the study). Tables are compared
    cell by cell with those that the results make. Word documents must hold the tables and the numbers of the HTML
    documents, PDFs each table's numbers after its caption and the numbers of the text, on the page and legible. Performance and baseline tables are then put to the table audit: can these figures stand together?

    Parameters
    ----------
    study : Study
        The finished study.
    sources : sequence of Path
        Its .qmd files.
    rendered : Path
        Folder of the rendered documents.
    auc_interval : str
        Method of the AUCs' intervals, as params name it.
    label : str, optional
        What the progress lines call the work; without one there are none.
    """
    done = DocumentAudit()
    own = _own(study, sources)
    for source in sources if label is None else progress(sources, len(sources), label=label, unit="documents"):
        page_file, word_file, pdf_file = (rendered / f"{source.stem}.{kind}" for kind in ("html", "docx", "pdf"))
        expected = expected_tables(source, study.root)
        page = read_page(page_file) if page_file.is_file() else None
        if page is not None:
            _spoken(page, study, own, done)
            tables = {table.label: table for table in page.tables if table.label}
            for name, table in expected.items():
                done.looked("tables of HTML documents")
                _compare(page_file, name, tables.get(name), table, done)
            both = {name: (tables[name], table) for name, table in expected.items() if name in tables}
            _figures(both, page_file, study, auc_interval, done)
        if word_file.is_file():
            word = read_word(word_file)
            _word(word, list(expected.items()), page, done)
        if pdf_file.is_file():
            _pdf(read_pdf(pdf_file), page, expected, done)
    return done


def _own(study: Study, sources: Sequence[Path]) -> frozenset[str]:
    """Numbers that are the authors' own: their texts, and the words of the study."""
    folders = {source.parent / "study" for source in sources}
    texts = [path.read_text(encoding="utf-8") for folder in folders for path in sorted(folder.glob("*.md"))]
    info = study.info
    people = [part for author in info.authors for part in (author.name, author.affiliation, author.orcid)]
    labels = [
        info.title,
        info.subtitle,
        info.condition,
        info.case_noun,
        info.event_label,
        info.nonevent_label,
        info.data_source,
    ]
    said = [*labels, *info.statements.values(), *_names(study)]
    made = [
        info.protocol.source,
        info.version,
        platform_words(info),
        str(len(info.notes)),
        *(note.text for note in info.notes),
    ]
    return own_numbers([*texts, *people, *said, *made]) | _plan_numbers(study.root)


# Tables of results/ with names that came with the cohort -> the columns that hold them.
_NAMES = {
    "agreement": ("finding",), "baseline": ("variable", "level"), "flow": ("reason",), "missing": ("item",), "nomogram": ("axis",),
    "nomogram_model": ("term",), "regression": ("variable", "level", "reference"), "scanners": ("scanner",), "subgroups": ("variable", "level"),
}  # fmt: skip


def _names(study: Study) -> Iterator[str]:
    """Yield what the cohort's things are called: labels, levels, units, scanners, reasons, and every word of params on them."""
    for table, columns in _NAMES.items():
        rows = study.rows(table)
        for column in columns:
            yield from rows[column].astype(str).unique()
    params = study.root / "params.yaml"
    if params.is_file():
        body = yaml.safe_load(params.read_text(encoding="utf-8"))
        yield from _words({name: body.get(name) for name in ("study", "cohort")})


def _words(value: object) -> Iterator[str]:
    """Yield the words within a value of params: its texts, and the keys that are names of the authors' own."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)
    elif isinstance(value, str):
        yield value


def platform_words(info: StudyFile) -> str:
    """Return the platform and Python that a study's words name, or nothing."""
    return "" if info.environment is None else f"{info.environment.platform} {info.environment.python}"


def _plan_numbers(root: Path) -> frozenset[str]:
    """Dates of the plan's locks, and counts up to that of the lines of both logs: what the sentences on the plan tell."""
    locks = root / "lock.json"
    dates = [lock["date"] for lock in json.loads(locks.read_text(encoding="utf-8"))["locks"]] if locks.is_file() else []
    logs = [root / "results" / name for name in ("looks.jsonl", "configurations.jsonl")]
    lines = [line for log in logs if log.is_file() for line in log.read_text(encoding="utf-8").splitlines()]
    return own_numbers(dates) | {str(count) for count in range(len(lines) + 1)}


def _spoken(page: ReadDocument, study: Study, own: frozenset[str], done: DocumentAudit) -> None:
    records: Mapping[str, Record] = study.records
    for shown in page.shown:
        done.looked("numbers and words of the text that name their record")
        wrong = misquoted(shown, records, study.root / "results" / "tables")
        if wrong:
            done.wrong(page.path, f"{shown.text!r} in the text", wrong)
    for block in page.blocks:
        done.looked("paragraphs")
        for number in unexplained(block.loose, own):
            done.wrong(
                page.path,
                f"{number} in {block.text[:70]!r}",
                "numbers that a result record explains, references, citations and the authors' own text",
            )


def _compare(file: Path, label: str, read: ReadTable | None, table: Table, done: DocumentAudit) -> None:
    if read is None:
        done.wrong(file, f"no table {label}", "every table that its source makes")
        return
    for difference in differences(table, read):
        done.wrong(file, f"table {label}, {difference}", "tables as the results make them")


def _figures(
    tables: Mapping[str, tuple[ReadTable, Table]], file: Path, study: Study, auc_interval: str, done: DocumentAudit
) -> None:
    level = study.record("design/confidence_level").value
    if not isinstance(level, float):
        raise ValueError(f"the confidence level is no number: {level!r}")
    audited = together(tables, study, auc_interval=_INTERVALS[auc_interval], level=level)
    if audited is None:
        return
    for name, count in audited.checked.items():
        done.looked(f"table audit: {name}", count)
    for finding in audited.findings:
        if finding.severity != "note":
            done.wrong(
                file,
                f"{finding.printed} ({finding.where}; {finding.check})",
                f"figures that can stand together: {finding.arithmetic}",
            )


def _word(
    word: ReadDocument, expected: Sequence[tuple[str, Table]], page: ReadDocument | None, done: DocumentAudit
) -> None:
    """Hold a Word document against the results (tables) and against the page (numbers of the text)."""
    if len(word.tables) != len(expected):
        done.wrong(word.path, f"{len(word.tables)} tables", f"the {len(expected)} tables that its source makes")
    for (label, table), read in zip(expected, word.tables, strict=False):
        done.looked("tables of Word documents")
        _compare(word.path, label, read, table, done)
    if page is None:
        return
    # Word holds more (references, the footer), but every number of the text at least as often as the page.
    left = Counter(number for block in word.blocks for number in numbers(block.text))
    for block in page.blocks:
        wanted = numbers(block.text)
        done.looked("numbers of the text, in Word as in HTML", len(wanted))
        for number in wanted:
            if left[number] < 1:
                done.wrong(word.path, f"no {number} where the HTML document has {block.text[:70]!r}", "the same text")
            left[number] -= 1


def _pdf(pdf: ReadPdf, page: ReadDocument | None, expected: Mapping[str, Table], done: DocumentAudit) -> None:
    """Hold a PDF against the page: every word can be read, and every caption, table and number of the page is there."""
    done.looked("PDFs")
    for lost in pdf.lost[:_SHOWN]:
        done.wrong(pdf.path, lost, "words on the page, each in a place of its own")
    if len(pdf.lost) > _SHOWN:
        done.wrong(pdf.path, f"{len(pdf.lost) - _SHOWN} more words that cannot be read", "words that can be read")
    if page is None:
        return
    tables = [table for table in page.tables if table.label in expected]
    done.looked("tables of PDFs", len(tables))
    for lack in missing(pdf, page.blocks, tables):
        done.wrong(pdf.path, lack, "what the HTML document holds")
