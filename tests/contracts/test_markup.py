"""Words of a study stay words in every language that pages are written in."""

from __future__ import annotations

import html.parser
import io
import json
import re
import string
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.reporting.attacks import ATTACKS
from vcfstats.contracts import markup
from vcfstats.contracts.study import TABLES, read_table, write_table
from vcfstats.reporting.rendering.pandoc import pandoc
from vcfstats.reporting.rendering.syntax import walk
from vcfstats.reporting.values import Text, compose

# What pandoc makes of plain words; a quotation is one that typesetting made.
WORDS = {"Para", "Str", "Space", "SoftBreak"}
SIGNS = str.maketrans({"’": "'", "‘": "'"})


def as_said(text: str) -> str:
    """Words as a reader should see them."""
    return " ".join(markup.one_line(text).split(" ")).strip(" ")


def blocks(markdown: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(pandoc(markdown, source="markdown", target="json"))["blocks"]
    return found


def seen(tree: Any) -> str:
    return "".join(
        {"Str": item.get("c"), "Space": " ", "SoftBreak": " "}.get(item["t"], "") or "" for item in walk(tree)
    )


def paragraphs(texts: list[str]) -> list[dict[str, Any]]:
    """What pandoc makes of texts, one each, in as many paragraphs, separated by rules."""
    return blocks("\n\n* * * * *\n\n".join(texts))[::2]


def test_markdown_prints_words_as_they_stand() -> None:
    made = paragraphs([markup.markdown(text) for text in ATTACKS])
    assert len(made) == len(ATTACKS)
    for text, block in zip(ATTACKS, made, strict=True):
        assert {item["t"] for item in walk(block)} <= WORDS, text
        assert seen(block).translate(SIGNS) == as_said(text), text


def test_words_within_a_sentence_and_in_a_span_stay_words() -> None:
    made = paragraphs([compose("In {a}, {b}.", a=text, b=Text.of_source(text, text)).markdown for text in ATTACKS])
    for text, block in zip(ATTACKS, made, strict=True):
        assert {item["t"] for item in walk(block)} <= WORDS | {"Span"}, text
        said = as_said(text)
        assert seen(block).translate(SIGNS) == f"In {said}, {said}.", text
        (span,) = [item for item in walk(block) if item["t"] == "Span"]
        assert span["c"][0] == ["", ["result"], [["title", markup.one_line(text)]]], text


@settings(max_examples=40, deadline=None)
@example("`" * 3 + "{=html}\n<b>\n" + "`" * 3)
@given(st.text(st.sampled_from(string.punctuation + "ab1 \n\t\N{NO-BREAK SPACE}é"), max_size=30))
def test_any_punctuation_stays_punctuation(text: str) -> None:
    (block,) = blocks(f"x{markup.markdown(text)}x")
    assert {item["t"] for item in walk(block)} <= WORDS
    assert seen(block).translate(SIGNS) == as_said(f"x{text}x")


class Live(html.parser.HTMLParser):
    """Collects the elements, attributes and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_holds_words_as_text_and_within_an_attribute() -> None:
    for text in ATTACKS:
        page = Live()
        page.feed(f'<p title="{markup.hypertext(text)}">{markup.hypertext(text)}</p>')
        assert page.found == [("p", [("title", markup.one_line(text))])]
        assert page.text == markup.one_line(text)


def test_raw_html_ends_where_its_fence_does() -> None:
    text = "<p>\n" + "`" * 14 + "\n<b>\n" + "`" * 20 + "{=html}\n</p>"
    (block,) = blocks(markup.raw_html(text))
    assert block == {"t": "RawBlock", "c": ["html", text]}


def bare(text: str) -> str:
    return re.sub(r"\s+", "", text).translate(SIGNS)


def written(target: str, *args: str) -> str:
    source = "\n\n* * * * *\n\n".join(markup.markdown(text) for text in ATTACKS)
    return pandoc(source, source="markdown", target=target, args=args)


def test_words_reach_word_as_text(tmp_path: Path) -> None:
    written("docx", "--output", str(tmp_path / "x.docx"))
    with zipfile.ZipFile(tmp_path / "x.docx") as archive:
        root = ElementTree.fromstring(archive.read("word/document.xml"))
    kinds = {item.tag.rpartition("}")[2] for item in root.iter()}
    assert not kinds & {"hyperlink", "drawing", "instrText", "fldSimple", "oMath", "footnoteReference"}
    said = bare("".join(item.text or "" for item in root.iter() if item.tag.endswith("}t")))
    assert [text for text in ATTACKS if bare(markup.one_line(text)) not in said] == []


@pytest.mark.parametrize("target", ["html5", "jats"])
def test_words_reach_html_and_jats_as_text(target: str) -> None:
    page = Live()
    page.feed(written(target))
    assert {tag for tag, _ in page.found} <= {"p", "hr"}
    assert all(not attrs for _, attrs in page.found)
    said = bare(page.text)
    assert [text for text in ATTACKS if bare(markup.one_line(text)) not in said] == []


@pytest.mark.parametrize(
    ("target", "rule", "live"),
    [
        ("typst", r"#horizontalrule|#divider\(\)", r"(?<!\\)[#$@`]"),
        ("latex", r"\\begin\{center\}.*?\\end\{center\}", r"\\(?:input|begin|write|foo)|(?<!\\)\$"),
    ],
)
def test_no_command_of_a_typesetter_begins_in_words(target: str, rule: str, live: str) -> None:
    kept = re.sub(rule, "", written(target), flags=re.DOTALL)
    assert len(kept) > 1000
    assert not re.search(live, kept), re.search(f".*{live}.*", kept)


def test_a_spreadsheet_runs_nothing_and_readers_see_no_mark(tmp_path: Path) -> None:
    runnable = [*ATTACKS, "+1+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "'=1", "''=1", "＝1", "-", "a"]
    rows = [
        {"variable": text, "level": text, "statistic": "n", "all": "-1.2", "training": "-0.05 (-0.1 to 0.2)", "testing": "-inf", "test": "", "p_value": -0.5}
        for text in runnable
    ]  # fmt: skip
    write_table("baseline", rows, tmp_path / "t.csv")
    raw = pd.read_csv(tmp_path / "t.csv", dtype=str, keep_default_na=False)
    for cell in (*raw["variable"], *raw["level"]):
        assert cell == "-" or cell[:1] not in "=+-@\t＝＋－＠", cell
    for column, number in (
        ("all", "-1.2"),
        ("training", "-0.05 (-0.1 to 0.2)"),
        ("testing", "-inf"),
        ("p_value", "-0.5"),
    ):
        assert set(raw[column]) == {number}
    assert read_table("baseline", tmp_path / "t.csv")["variable"].tolist() == [
        text.replace("\r", "") for text in runnable
    ]
    assert set(TABLES["baseline"]) == set(raw.columns)


@given(st.text(max_size=12))
def test_the_mark_is_taken_away_again(text: str) -> None:
    assert markup.uncell(markup.cell(text)) == text


def test_an_index_is_marked_as_well() -> None:
    frame = pd.DataFrame({"p": [0.5]}, index=pd.Index(["=1+1"], name="case_id"))
    assert markup.csv_text(frame, index=True) == "case_id,p\n'=1+1,0.5\n"
    assert pd.read_csv(io.StringIO(markup.csv_text(frame))).columns.tolist() == ["p"]
