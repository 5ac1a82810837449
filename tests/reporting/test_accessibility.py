"""The documents as a whole, on a wide and on a narrow screen: axe finds no serious violation in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vcfstats.reporting import Column, Table, open_study
from vcfstats.reporting.web import popups


@pytest.fixture(scope="module")
def documents(whole_rendered: tuple[Path, list[Path]]) -> list[Path]:
    return [file for file in whole_rendered[1] if file.suffix == ".html"]


@pytest.mark.parametrize("width", [1280, 390])
def test_the_documents_have_no_serious_violation(
    documents: list[Path], browser: Any, serious: Callable[[Any], list[str]], width: int
) -> None:
    for file in documents:
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.goto(file.as_uri())
        assert page.locator("table").count() > 4
        assert serious(page) == [], file.name
        page.close()


def test_a_table_that_scrolls_is_reached_by_tab(
    browser: Any, serious: Callable[[Any], list[str]], whole_study: Path, tmp_path: Path
) -> None:
    columns = [Column(f"c{i}", f"Heading{i}") for i in range(12)]
    table = Table.of(columns, [{f"c{i}": "unbreakable" for i in range(12)}]).to_html()
    raw = popups(open_study(whole_study)).removeprefix("```{=html}\n").removesuffix("```\n")
    file = tmp_path / "page.html"
    file.write_text(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A page</title></head><body><main><h1>A page</h1>'
        f'<div class="study-float" role="group" aria-label="Table 1">{table}</div></main>{raw}</body></html>',
        encoding="utf-8",
    )
    page = browser.new_page(viewport={"width": 390, "height": 700})
    page.goto(file.as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.querySelector('table') !== null")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Table 1"
    assert serious(page) == []
    page.set_viewport_size({"width": 2400, "height": 700})
    page.wait_for_function("document.querySelectorAll('[tabindex]').length === 0")
    page.close()
