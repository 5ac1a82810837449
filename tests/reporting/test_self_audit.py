"""A paper reads its own pages back: what departs from the results, or cannot be true together, is found."""

from __future__ import annotations

import re
import shutil
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reporting.attacks import ATTACKS, attacked
from tests.reporting.test_documents import with_report
from vcfstats.audit.documents import DocumentAudit, audit_documents
from vcfstats.audit.documents.prose import own_numbers, unexplained
from vcfstats.audit.documents.reading import read_page, read_word, tidy
from vcfstats.reporting import open_study, render


@pytest.fixture(scope="module")
def rendered(whole_rendered: tuple[Path, list[Path]]) -> Path:
    return whole_rendered[0]


@pytest.fixture(scope="module")
def attacked_paper(whole_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The paper of a study whose names are markup, commands and numbers."""
    root = tmp_path_factory.mktemp("attacked") / "study"
    shutil.copytree(whole_study, root, ignore=shutil.ignore_patterns("report"))
    report = with_report(attacked(root))
    project = (report / "_quarto.yml").read_text(encoding="utf-8")
    (report / "_quarto.yml").write_text(
        re.sub(r"(?m)^  render: .*$", "  render: [paper.qmd]", project), encoding="utf-8"
    )
    render(report, formats=["html", "docx"], out_dir=report / "_output", engine="offline")
    return report


def audited(report: Path, folder: Path) -> DocumentAudit:
    sources = [report / "paper.qmd", report / "supplement.qmd"]
    return audit_documents(open_study(report.parent), sources, folder, auc_interval="delong")


def test_the_documents_as_rendered_hold_what_the_results_say(rendered: Path) -> None:
    done = audited(rendered, rendered / "_output")
    # The figures of this study are made up one by one: its tables need not be able to stand together.
    left = [str(problem) for problem in done.problems if "can stand together" not in problem.allowed]
    assert left == []
    assert done.counts["numbers and words of the text that name their record"] > 80
    assert done.counts["tables of HTML documents"] >= 15
    assert done.counts["tables of Word documents"] == done.counts["tables of HTML documents"]


def test_the_audit_tells_how_far_it_is(rendered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sources = [rendered / "paper.qmd"]
    study = open_study(rendered.parent)
    audit_documents(study, sources, rendered / "_output", auc_interval="delong", label="audit")
    first, last = capsys.readouterr().err.splitlines()
    assert first == "audit 0/1 documents"
    assert last.startswith("audit 1/1 documents in ")


class Page(HTMLParser):
    """Collects the elements of a page with their attributes, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def bare(text: str) -> str:
    return re.sub(r"\s+", "", tidy(text))


def test_words_of_a_study_are_words_on_its_pages(attacked_paper: Path) -> None:
    page = Page()
    page.feed((attacked_paper / "_output" / "paper.html").read_text(encoding="utf-8"))
    scripts = [tag for tag, _ in page.elements if tag == "script"]
    assert len(scripts) == 2  # the pop-ups: their data and their code
    assert not [
        tag for tag, _ in page.elements if tag in ("iframe", "object", "embed", "form", "input", "base", "link", "b")
    ]
    for tag, its in page.elements:
        assert not [key for key in its if key.startswith("on")], (tag, its)
        for key in ("href", "src"):
            assert not re.match(r"javascript:|http://a\.b|mailto:|x$", its.get(key, "")), (tag, its)
    shown = bare(" ".join(page.text))
    assert [text for text in ATTACKS if bare(text) not in shown] == []


def test_the_audit_takes_no_word_of_a_study_for_a_number_of_nobody_s(attacked_paper: Path) -> None:
    study = open_study(attacked_paper.parent)
    done = audit_documents(study, [attacked_paper / "paper.qmd"], attacked_paper / "_output", auc_interval="delong")
    assert [str(problem) for problem in done.problems if "can stand together" not in problem.allowed] == []


def test_words_of_a_study_are_words_in_word(attacked_paper: Path) -> None:
    with zipfile.ZipFile(attacked_paper / "_output" / "paper.docx") as archive:
        links = archive.read("word/_rels/document.xml.rels").decode("utf-8")
        body = ElementTree.fromstring(archive.read("word/document.xml"))
        for entry in archive.namelist():
            if entry.endswith((".xml", ".rels")):
                ElementTree.fromstring(archive.read(entry))
    assert not re.search(r"javascript:|http://a\.b|mailto:", links)
    kinds = {item.tag.rpartition("}")[2] for item in body.iter()}
    assert not kinds & {"instrText", "fldSimple", "object"}
    shown = bare(" ".join(item.text or "" for item in body.iter() if item.tag.endswith("}t")))
    assert [text for text in ATTACKS if bare(text) not in shown] == []


def planted(report: Path, tmp_path: Path, name: str, old: str, new: str) -> DocumentAudit:
    """The audit of documents of which one was edited after rendering."""
    folder = tmp_path / "_output"
    shutil.copytree(report / "_output", folder)
    target = folder / name
    if target.suffix == ".docx":
        with zipfile.ZipFile(target) as archive:
            parts = {entry: archive.read(entry) for entry in archive.namelist()}
        body = parts["word/document.xml"].decode("utf-8")
        assert re.search(old, body), old
        parts["word/document.xml"] = re.sub(old, new, body, count=1).encode("utf-8")
        with zipfile.ZipFile(target, "w") as archive:
            for entry, content in parts.items():
                archive.writestr(entry, content)
    else:
        body = target.read_text(encoding="utf-8")
        assert re.search(old, body), old
        target.write_text(re.sub(old, new, body, count=1), encoding="utf-8")
    return audited(report, folder)


def found(done: DocumentAudit) -> str:
    return "\n".join(f"{Path(problem.file).name}: {problem.found} | {problem.allowed}" for problem in done.problems)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        # A changed AUC in the text, which still names its record.
        ("paper.html", r"(testing/dlrn/auc = [^>]*>)0\.\d{3}", r"\g<1>0.123", "the record testing/dlrn/auc says"),
        # A number typed into the text.
        ("paper.html", r"<p>This report follows", "<p>In 812 patients this report follows", "812 in"),
        # A changed cell of the headline table.
        (
            "paper.html",
            r'(id="tbl-headline".*?>Clinical</td>\s*<td[^>]*>)0\.\d{3}',
            r"\g<1>0.321",
            "table tbl-headline",
        ),
        # A percentage of the baseline table.
        ("paper.html", r"61 \(37\.2%\)</td>", "61 (27.2%)</td>", "table tbl-baseline"),
        # A p value of the supplement's text.
        ("supplement.html", r"p\s*=\s*0\.040", "p = 0.004", "p = 0.004"),
        # The same in Word: a cell of a table, and a number of the text.
        ("paper.docx", r"61 \(37\.2%\)", "16 (37.2%)", "paper.docx: table tbl-baseline"),
        ("paper.docx", r"0\.060", "0.090", "paper.docx: no 0.060"),
    ],
)
def test_a_planted_error_is_found(rendered: Path, tmp_path: Path, name: str, old: str, new: str, said: str) -> None:
    done = planted(rendered, tmp_path, name, f"(?s){old}", new)
    assert said in found(done), found(done)


def test_figures_that_cannot_stand_together_are_found(rendered: Path, tmp_path: Path) -> None:
    """The table audit looks at what is printed: here sensitivity no longer fits the counts of its cohort."""
    pattern = r'(?s)(id="tbl-headline".*?Internal test set: 70 cases, 24 events.*?>DLRN</td>(?:\s*<td[^>]*>[^<]*</td>){4}\s*<td[^>]*>)[\d.]+%'
    done = planted(rendered, tmp_path, "paper.html", pattern, r"\g<1>99.1%")
    assert any("can stand together" in problem.allowed for problem in done.problems), found(done)


def test_a_table_that_is_gone_is_missed(rendered: Path, tmp_path: Path) -> None:
    done = planted(rendered, tmp_path, "paper.html", 'id="tbl-headline"', 'id="tbl-other"')
    assert "no table tbl-headline" in found(done)


def test_numbers_that_need_no_record() -> None:
    for text in (
        "See Table 5 and Figure S12.",
        "as others did [3, 4].",
        "2.1 Participants",
        "T2-weighted, 2.5D, SHA-256",
    ):
        assert unexplained(text, frozenset()) == [], text
    assert unexplained("in 34 patients, 12.5% of them", frozenset()) == ["34", "12.5%"]
    assert unexplained("in 34 patients", frozenset({"34"})) == []


def test_pages_and_word_hold_the_same_tables(rendered: Path) -> None:
    page, word = (
        reader(rendered / "_output" / f"paper.{kind}") for reader, kind in ((read_page, "html"), (read_word, "docx"))
    )
    assert len(page.tables) == len(word.tables) == 5
    for left, right in zip(page.tables, word.tables, strict=True):
        width = max(map(len, left.rows))
        assert [row for row in left.rows if len(row) == width] == [row for row in right.rows if len(row) == width]


LABELS = st.lists(
    st.sampled_from(
        [
            *("PSA", ">", "<", ">=", "±", "-", "–", "−", "(", ")", "%", "/", "^", ",", ".", "4", "65", "1.5", "1,000", "50%", "10⁹/L", "2.5D", "T2"),
            *("Table", "Figure 3", "[5]", "years", "n =", "椎体", "５", "*", "_", "$", "<b>", "µm", "grade III-IV", "3-5", "x2"),
        ]
    ),
    min_size=1,
    max_size=6,
).map(" ".join)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(LABELS, st.sampled_from(["{}", "Of {}, none.", "The outcome was *{}* ({}); {}.", "{}: {}"]))
def test_a_label_explains_its_own_numbers(label: str, sentence: str) -> None:
    assert unexplained(tidy(sentence.format(label, label, label)), own_numbers([label])) == []


@given(LABELS)
def test_a_label_explains_no_other_number(label: str) -> None:
    assert unexplained(f"In 8127 of them {label}.", own_numbers([label]))[0] == "8127"
