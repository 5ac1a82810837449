"""The documents in report/: any cohort's, with every number from a record."""

from __future__ import annotations

import html
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pypdf import PdfReader

from vcfstats.contracts.study import write_table
from vcfstats.reporting import open_study, render
from vcfstats.reporting.contents import (
    baseline_table,
    choices_table,
    deviations_table,
    performance_table,
    provenance_table,
)
from vcfstats.reporting.rendering.source import Cell, read_source

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "report"
DOCUMENTS = sorted(REPORT.glob("*.qmd"))
MakeStudy = Callable[..., Path]

# Words of one cohort: diseases, findings, anatomy, sequences. They live in params.yaml, report/study/ and the simulation.
COHORT_WORDS = re.compile(
    r"vertebra|fractur|malignan|\bbenign|o?edema\b|\bwedge|pedicle|osteopor|\bmodic|\bdixon|\bSTIR\b|\bFLAIR\b|\bT[12][- ]?weight|\bspin(e|al)\b|tumou?r|metasta|lumbar|thoracic|cervical",
    re.IGNORECASE,
)


def prose(path: Path) -> list[tuple[int, str]]:
    """Return the lines that are printed as they stand: without front matter, code, inline code, labels and citations."""
    source = read_source(path)
    lines = []
    for part in source.body:
        if isinstance(part, Cell) or part.place.file != path:
            continue
        text = re.sub(r"`[^`]*`|\{[^}]*\}|@[\w-]+", "", part.text)
        lines.append((part.place.line, text))
    return lines


def with_report(root: Path) -> Path:
    shutil.copytree(REPORT, root / "report", ignore=shutil.ignore_patterns("_output", ".quarto", "study"))
    (root / "report" / "study").mkdir()
    (root / "report" / "study" / "background.md").write_text("Why this was done.\n", encoding="utf-8")
    (root / "report" / "study" / "participants.md").write_text("Who took part.\n", encoding="utf-8")
    return root / "report"


def text_of(path: Path) -> str:
    if path.suffix == ".pdf":
        return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in PdfReader(path).pages))
    if path.suffix == ".docx":
        body = zipfile.ZipFile(path).read("word/document.xml").decode()
    else:
        body = re.sub(
            r"<(style|script)\b.*?</\1>|src=\"data:[^\"]*\"", "", path.read_text(encoding="utf-8"), flags=re.DOTALL
        )
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_hold_no_word_of_one_cohort(path: Path) -> None:
    found = [
        (number, line)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if COHORT_WORDS.search(line)
    ]
    assert found == []


def test_the_package_holds_no_word_of_one_cohort() -> None:
    package = ROOT / "vcfstats"
    files = [
        p
        for p in package.rglob("*")
        if p.suffix in (".py", ".yaml", ".html", ".css", ".typ")
        and p.relative_to(package).parts[0] not in ("simulation", "_report")
    ]
    assert len(files) > 30
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if COHORT_WORDS.search(line)
    ]
    assert found == []


def test_the_search_for_words_finds_them() -> None:
    for line in ("a Vertebra", "compression fractures", "band edema", "oedema", "T2-weighted", "STIR"):
        assert COHORT_WORDS.search(line)
    assert not COHORT_WORDS.search("stirred, T2 a test, vcfstats")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_number_in_the_prose_comes_from_inline_code(path: Path) -> None:
    assert [(number, line) for number, line in prose(path) if re.search(r"\d", line)] == []
    captions = [
        str(part.options.get(name, ""))
        for part in read_source(path).body
        if isinstance(part, Cell)
        for name in ("fig-cap", "tbl-cap", "fig-alt")
    ]
    assert [caption for caption in captions if re.search(r"\d", caption)] == []


def test_the_words_of_the_embedded_study_claim_nothing_real() -> None:
    words = " ".join(
        (REPORT / "study" / name).read_text(encoding="utf-8") for name in ("background.md", "participants.md")
    )
    assert "simulated" in words
    assert "no claim" in words
    assert not re.search(r"\d", re.sub(r"\[@[^\]]*\]|T\d-weighted", "", words))


@pytest.mark.parametrize("case", ["two", "undefined"])
def test_both_documents_in_all_formats(make_study: MakeStudy, case: str) -> None:
    root = make_study(case)
    report = with_report(root)
    done = render(report, out_dir=report / "_output", engine="offline")
    assert [file.name for file in done.files] == [
        f"{name}.{kind}" for name in ("paper", "supplement") for kind in ("html", "docx", "pdf")
    ]
    for file in done.files:
        text = text_of(file).replace("\N{NO-BREAK SPACE}", " ")
        for words in (
            "A made-up study of nothing",
            "Simulated data",
            "rendered by vcfstats, offline path (pandoc",
            "params a1a1",
            "data b2b2",
            "code c3c3",
            "vcfstats 0.1.0",
        ):
            assert words.replace(" ", "") in text.replace(" ", ""), (file.name, words)
        assert not re.search(r"\bnan\b|\bNone\b|\{python\}|Traceback|@(fig|tbl|sec|supptbl)-", text), file.name
        if file.suffix == ".pdf":
            assert all("Simulated data" in page.extract_text() for page in PdfReader(file).pages)
        if file.suffix == ".docx":
            archive = zipfile.ZipFile(file)
            assert archive.testzip() is None
            assert "Simulated data" in archive.read("word/study-label.xml").decode()
            assert 'r:id="rIdStudyLabel"' in archive.read("word/document.xml").decode()
    paper = text_of(done.files[0])
    assert "event-labelled" in paper
    assert "made-up object" in paper
    if case == "undefined":
        assert "0/12 (0.0%) of them events" in paper
        assert "not estimable (y_true holds one class)" in paper
        assert "well calibrated" not in paper
    else:
        assert "the First model had an AUC of 0.600 (95% CI 0.450 to 0.750)" in re.sub(r" ([;.,])", r"\1", paper)
        assert "19/24 (79.2%" in paper
        assert "discrimination was not shown" in paper
    assert "Table S1" in text_of(done.files[3])


def test_a_real_cohort_with_other_labels_reads_right(make_study: MakeStudy) -> None:
    root = make_study(
        "ordinary",
        simulated=False,
        title="Another cohort",
        subtitle="",
        condition="low back pain",
        event_label="adjacent",
        nonevent_label="not adjacent",
        case_noun="segment",
        data_source="Images of a public archive.",
        protocol={"registered": False},
    )
    report = with_report(root)
    done = render(report, formats=["html", "docx", "pdf"], out_dir=report / "_output", engine="offline")
    paper, supplement = text_of(done.files[0]), text_of(done.files[3])
    assert "word/study-label.xml" not in zipfile.ZipFile(done.files[1]).namelist()
    assert not any("imulated" in page.extract_text() for page in PdfReader(done.files[2]).pages)
    for words in (
        "Another cohort",
        "One case is one segment",
        "whether a case is adjacent or not adjacent in patients with low back pain",
        "No protocol was registered",
    ):
        assert words in paper
    assert "imulated" not in paper
    assert "No protocol was registered" in supplement
    assert "so that Table S1 and Table S2 are empty" in supplement.replace("\N{NO-BREAK SPACE}", " ")


def test_performance_table(make_study: MakeStudy) -> None:
    table = performance_table(open_study(make_study("two")))
    frame = table.to_frame().set_index(["group", "measure"])
    assert frame.loc[("First", "AUC"), "testing"] == "0.600 (0.450 to 0.750)"
    assert frame.loc[("Second", "AUC"), "testing"] == "0.550 (0.400 to 0.700)"
    assert frame.loc[("First", "Sensitivity"), "testing"] == "19/24 (79.2%; 74.2 to 84.2)"
    assert frame.loc[("First", "Hosmer-Lemeshow test"), "testing"] == "χ² = 9.21, 8 df, p < 0.001"
    assert frame.loc[("First", "Cases (events)"), "apparent"] == "164 (61)"
    assert any("optimistic" in note for note in table.notes)
    blank = performance_table(open_study(make_study("undefined")))
    assert set(blank.to_frame().set_index("measure").loc["AUC"]) == {"not estimable"}
    assert any("y_true holds one class" in note for note in blank.notes)


def test_provenance_lists_every_record_and_decisions_have_reasons(make_study: MakeStudy) -> None:
    study = open_study(make_study())
    keys = {row[0].replace("\u200b", "") for row in provenance_table(study).rows}
    assert keys == set(study.records)
    assert deviations_table(study).rows == (("model.\u200bfolds", "10", "5", "The text says both."),)
    assert choices_table(study).rows == (("model.\u200bpenalty", "nothing", "ridge", "The text is silent."),)


def test_baseline_indents_levels(make_study: MakeStudy) -> None:
    rows = baseline_table(open_study(make_study())).rows
    assert rows[1] == ("Reference standard, n (%)", "", "", "")
    assert rows[2] == ("\u2003event-labelled", "85 (36.3%)", "61 (37.2%)", "24 (34.3%)")
    assert rows[-1][0] == "Age (years), mean ± SD"


def test_baseline_p_values_say_what_compares_what(make_study: MakeStudy) -> None:
    study = open_study(make_study())
    frame = study.table("baseline")
    frame.loc[frame["variable"].str.startswith("Age"), ["test", "p_value"]] = ["t test", 0.0004]
    write_table("baseline", frame, study.root / "results" / "tables" / "baseline.csv")
    table = baseline_table(study)
    assert [column.key for column in table.columns] == ["variable", "all", "training", "testing", "p_value"]
    assert table.rows[-1][-1] == "<0.001"
    assert table.rows[0][-1] == ""
    assert "p: training against internal test set by t test." in table.notes


def test_no_entry_of_the_bibliography_is_cited_without_a_doi() -> None:
    entries = re.findall(
        r"@\w+\{(\w+),(.*?)\n\}", (REPORT / "references.bib").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    assert len(entries) >= 10
    for key, body in entries:
        assert re.search(r"doi = \{10\.\d{4,9}/\S+\}", body), key


def test_reporting_computes_no_statistic() -> None:
    files = list((ROOT / "vcfstats" / "reporting").rglob("*.py"))
    assert len(files) > 15
    for file in files:
        assert not re.search(
            r"vcfstats\.statistics|from vcfstats import|import (scipy|statsmodels|sklearn)",
            file.read_text(encoding="utf-8"),
        ), file
