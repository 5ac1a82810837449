"""Where a number of a table or a figure comes from: said by the HTML documents to those who point at it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vcfstats.audit.documents.reading import tidy
from vcfstats.audit.documents.sources import forms
from vcfstats.contracts.records import Record, record_key
from vcfstats.reporting import Column, Study, Table, contents, drawings, open_study
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.rendering.source import Cell, read_source
from vcfstats.reporting.values import Sourced, Text
from vcfstats.reporting.web import popups
from vcfstats.reporting.web.provenance import FIGURES

ROOT = Path(__file__).parents[2]
CELL = re.compile(r'<td data-from="([^"]*)"[^>]*>(.*?)</td>')


def data_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="study-sources">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_cells_keep_their_sources_in_the_order_of_print() -> None:
    rows = [{"a": "x", "b": Sourced("1", "one")}, {"a": "2 & 3", "b": "–"}, {"a": "z", "b": Sourced("3", 'th"ree')}]
    columns = [Column("a", "A"), Column("b", "B", "right")]
    table = Table.of(columns, rows, groups=["first", "second", "first"], sources=["", "row 2", ""])
    text = table.with_footnote("b", "A note.").to_html()
    assert [(html.unescape(key), html.unescape(cell)) for key, cell in CELL.findall(text)] == [
        ("one", "1"), ('th"ree', "3"), ("row 2", "2 & 3"),
    ]  # fmt: skip
    assert table.to_csv() == "group,a,b\nfirst,x,1\nsecond,2 & 3,–\nfirst,z,3\n"
    assert "data-from" not in table.to_typst() + table.to_latex()


def test_every_cell_that_names_a_record_says_what_it_holds(whole_study: Path) -> None:
    plain = open_study(whole_study)
    estimates: tuple[dict[str, Any], ...] = (
        {"estimate": "resamples", "value": 50, "method": "tuning and fit were repeated"},
        {"estimate": "auc_corrected", "value": 0.8, "ci_low": 0.7, "ci_high": 0.9, "level": 0.95},
        {"estimate": "calibration_slope_corrected", "value": 0.75},
    )
    repeated = [
        Record(kind="model", model=name, stage="evaluate", **words) for name in plain.info.models for words in estimates
    ]
    added = {record_key(record.kind, record.model, record.estimate): record for record in repeated}
    study = Study(plain.root, plain.info, plain.records | added)
    made = [
        contents.headline_table(study), contents.classifier_table(study, "clinical"), contents.calibration_table(study),
        contents.calibration_tests_table(study), contents.validation_table(study),
    ]  # fmt: skip
    tables = [table for table in made if isinstance(table, Table)]
    assert len(tables) == len(made)
    cells = [
        (html.unescape(key), tidy(html.unescape(cell)))
        for table in tables
        for key, cell in CELL.findall(table.to_html())
    ]
    assert len(cells) > 200
    for key, cell in cells:
        record = study.record(key)
        allowed = forms(record) | {f"{low} ({high})" for low in forms(record) for high in forms(record)} | {"–"}
        assert cell in allowed, (key, cell)
    shown = {key for key, _ in cells}
    assert {key for key in added if not key.endswith("/resamples")} <= shown  # these are told in notes
    # Every number of the headline table has a source.
    bare = re.findall(r'<td (?!data-from)[^>]*class="gt_row[^>]*>([^<]*\d[^<]*)</td>', tables[0].to_html())
    assert bare == []


def test_the_data_explain_every_key_in_full(whole_study: Path) -> None:
    study = open_study(whole_study)
    contents.headline_table(study)
    contents.regression_table(study)
    contents.agreement_table(study)
    study.point("cohort/all/n_cases")
    data = data_of(popups(study))
    assert set(data["sources"]) == study.printed
    said = dict(data["sources"]["testing/dlrn/auc"])
    record = study.record("testing/dlrn/auc")
    assert said["Value"] == repr(record.value)
    assert said["95% CI"] == f"{record.ci_low!r} to {record.ci_high!r}"
    assert (said["n"], said["Method"], said["Stage"]) == ("70", "DeLong", "evaluate")
    assert data["hashes"] == {name: getattr(study.info.hashes, name) for name in ("params", "data", "code")}
    row = dict(data["sources"]["agreement.csv, row 0"])
    assert float(row["kappa"]) == study.table("agreement")["kappa"].iloc[0]
    assert dict(data["figures"]["fig-roc"])["results/tables/roc.csv"].startswith(f"{len(study.table('roc')):,} rows")
    # One block of data: pointing at a cell twice costs nothing twice.
    assert popups(study).count("testing/dlrn/auc") == 2  # as a key, and named in what is said of it


class Watched(Study):
    """A study that notes which tables are read."""

    def rows(self, name: str) -> Any:
        READ.add(name)
        return super().rows(name)

    def forks(self) -> Any:
        READ.add("forks.json")
        return super().forks()


READ: set[str] = set()


def figures_of(path: Path) -> dict[str, str]:
    """Return label -> code of the cells that draw labelled figures."""
    found, label = {}, ""
    for part in read_source(path).body:
        if isinstance(part, Cell):
            name = part.label if part.label.startswith("fig-") else label
            if name and "drawings." in part.code:
                found[name] = part.code.strip()
            label = ""
        elif opened := re.search(r"\{#(suppfig-[\w-]+)", part.text):
            label = opened[1]
    return found


class Everything:
    """Stands for the module absence where no item is lacking."""

    def __getattr__(self, item: str) -> Callable[..., Text]:
        return lambda *_: Text("", "")


def test_figures_name_the_tables_that_they_are_drawn_from(whole_study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = figures_of(ROOT / "report" / "paper.qmd") | figures_of(ROOT / "report" / "supplement.qmd")
    assert set(code) == set(FIGURES)
    plain = open_study(whole_study)
    study = Watched(plain.root, plain.info, plain.records)
    # Whether a figure is there may hang on other tables (the scanners' on their counts): asked is what it is drawn from.
    monkeypatch.setattr(drawings, "absence", Everything())
    for label, expression in code.items():
        READ.clear()
        drawn = eval(expression, {"drawings": drawings, "study": study})
        assert not isinstance(drawn, Absent), label
        assert set(FIGURES[label]) == READ, label


@pytest.fixture(scope="module")
def page(browser: Any, whole_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    study = open_study(whole_study)
    words = study.value("testing/dlrn/auc")
    title = re.search(r'title="([^"]*)"', words.markdown)
    assert title is not None
    headline = contents.headline_table(study)
    assert isinstance(headline, Table)
    table = headline.to_html()
    raw = popups(study).removeprefix("```{=html}\n").removesuffix("```\n")
    file = tmp_path_factory.mktemp("popups") / "page.html"
    file.write_text(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A page</title></head><body><main>'
        f'<h1>A page</h1><p id="text">AUC <span class="result" title="{title[1]}">{words}</span>.</p>'
        f'<div id="tbl-headline">{table}</div>'
        '<div id="fig-roc" class="study-float" role="group" aria-label="Figure 7"><p>Drawn.</p></div>'
        f"<p>The end.</p></main>{raw}</body></html>",
        encoding="utf-8",
    )
    opened = browser.new_page(viewport={"width": 1000, "height": 700})
    opened.goto(file.as_uri())
    return opened


def test_pointing_and_the_keyboard_show_where_a_number_comes_from(page: Any) -> None:
    popup = page.locator("#study-popup")
    assert not popup.is_visible()
    before = page.evaluate("document.body.scrollHeight")
    cell = page.locator('td[data-from="testing/dlrn/auc"]').first
    cell.hover()
    for words in ("testing/dlrn/auc", "DeLong", "evaluate", "SHA-256 of params", "SHA-256 of code"):
        assert words in popup.inner_text(), words
    assert page.evaluate("document.body.scrollHeight") == before
    assert cell.get_attribute("aria-describedby") == "study-popup"
    page.keyboard.press("Escape")
    assert not popup.is_visible()
    number = page.locator("#text .result")
    number.focus()
    assert "testing/dlrn/auc" in popup.inner_text()
    assert number.get_attribute("title") is None
    # One stop of Tab for the whole table, from there by arrows.
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.dataset.from")
    assert first.endswith("/auc")
    page.keyboard.press("ArrowDown")
    second = page.evaluate("document.activeElement.dataset.from")
    assert second.endswith("/auc")
    assert second != first
    assert second in popup.inner_text()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Source of Figure 7"
    assert "results/tables/roc.csv" in popup.inner_text()


def test_the_pop_ups_are_accessible(page: Any, serious: Callable[[Any], list[str]]) -> None:
    page.locator("td[data-from]").first.focus()
    assert serious(page) == []
