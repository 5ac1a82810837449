"""The web nomogram in a real browser: it computes what the model does, works by keyboard, and loads nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from tests.reporting.attacks import ATTACKS
from vcfstats import Nomogram
from vcfstats.cli import app
from vcfstats.contracts.errors import InputError
from vcfstats.contracts.nomogram import NomogramFile, Predictor, read_nomogram, write_nomogram
from vcfstats.reporting.web import nomogram_page

sync_api = pytest.importorskip("playwright.sync_api")
TOLERANCE = 1e-6
READING = {"0": "Absent", "1": "Present"}


def patients(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "output": rng.uniform(0.02, 0.98, n),
            "age": rng.integers(31, 94, n).astype(float),
            "site": rng.choice(["low", "middle", "high"], n),
            "mass": rng.choice(["0", "1"], n),
            "size": rng.lognormal(2.0, 0.4, n),
        }
    )


def file(link: str = "logit", output: str = "output", **more: object) -> NomogramFile:
    """A model with a category, a spline, a logarithm and an interaction; made up."""
    data = patients(300, 1)
    coefficients = {
        "Intercept": -3.0, output: 2.5, "age": -0.05, "age'": 0.03, "site=middle": 0.6, "site=high": 1.1, "mass=1": 1.4,
        "log(size + 1)": 0.8, "mass=1*site=high": -0.9,
    }  # fmt: skip
    root = np.random.default_rng(2).normal(size=(9, 9)) * 0.1
    options: dict[str, object] = {"link": link}
    if link == "survival":
        options["baseline_survival"] = 0.8
    model = Nomogram.from_coefficients(
        coefficients,
        data,
        knots={"age": [40.0, 60.0, 85.0]},
        covariance=root @ root.T,
        **options,  # type: ignore[arg-type]
    )
    words = {
        "output": Predictor(label="Model output", lowest=0, highest=1, help="From the images."),
        "age": Predictor(label="Age", unit="years"),
        "site": Predictor(label="Site", levels={"low": "Low", "middle": "Middle", "high": "High"}),
        "mass": Predictor(label="Mass </script><script>document.title = 'broken'</script>", levels=READING),
        "size": Predictor(label="Size", unit="mm"),
    }
    given = {
        "title": "A made-up model",
        "outcome": "event",
        "simulated": True,
        "n": 300,
        "events": 120,
        "predictors": words,
    }
    return NomogramFile.model_validate({"nomogram": json.loads(model.to_json()), **given, **more})


def opened(browser: sync_api.Browser, content: NomogramFile, folder: Path, **context: object) -> sync_api.Page:
    """The page from its file; any request beyond the file, or any error, fails the test."""
    target = folder / "page.html"
    target.write_text(nomogram_page(content), encoding="utf-8")
    page = browser.new_context(**context).new_page()
    wrong: list[str] = []
    page.on("request", lambda request: None if request.url == target.as_uri() else wrong.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto(target.as_uri())
    page.wrong = wrong  # type: ignore[attr-defined]
    return page


# Gives one patient's values through the page's own fields and returns what it shows.
GIVE = """(rows) => rows.map((row) => {
  document.querySelectorAll("#fields fieldset").forEach((field, i) => {
    const box = field.querySelector("input[type=number]");
    if (box) { box.value = String(row[i]); box.dispatchEvent(new Event("input")); }
    else { field.querySelectorAll("input")[row[i]].click(); }
  });
  const points = [...document.querySelectorAll("#points td[data-points]")].map((cell) => Number(cell.dataset.points));
  return [...["value", "low", "high", "total"].map((key) => Number(document.getElementById("answer").dataset[key])), ...points];
})"""


def rows_for_page(content: NomogramFile, data: pd.DataFrame) -> list[list[float]]:
    columns = []
    for variable in content.model_of().variables:
        if variable.levels is None:
            columns.append(data[variable.name].tolist())
        else:
            order = list(content.predictors[variable.name].levels)
            columns.append([order.index(value) for value in data[variable.name]])
    return [list(row) for row in zip(*columns, strict=True)]


@pytest.mark.parametrize(
    ("link", "output"),
    [("logit", "output"), ("survival", "output"), ("identity", "output"), ("logit", "logit(output, 0.05)")],
)
def test_the_page_computes_what_the_model_does(
    browser: sync_api.Browser, tmp_path: Path, link: str, output: str
) -> None:
    content = file(link, output)
    data = patients(200, 3)
    page = opened(browser, content, tmp_path)
    shown = np.array(page.evaluate(GIVE, rows_for_page(content, data)))
    model = content.model_of()
    expected = model.prediction_interval(data)
    points = model.points(data)
    assert np.abs(shown[:, :3] - expected.to_numpy()).max() < TOLERANCE
    assert np.abs(shown[:, 3] - points["total"].to_numpy()).max() < TOLERANCE
    groups = points.drop(columns="total").to_numpy()
    # The page's groups come in the order of the axes; sums do not depend on it.
    assert np.abs(np.sort(shown[:, 4:], axis=1) - np.sort(groups, axis=1)).max() < TOLERANCE
    assert page.wrong == []  # type: ignore[attr-defined]


def test_no_result_before_all_is_given_and_none_for_the_impossible(browser: sync_api.Browser, tmp_path: Path) -> None:
    page = opened(browser, file(), tmp_path)
    answer = page.locator("#answer")
    assert "0 of 5 given" in answer.inner_text()
    page.evaluate(GIVE, [[0.5, 60, 0, 0, 8]])
    assert re.search(r"\d+%", answer.inner_text())
    box = page.get_by_role("spinbutton", name="Model output")
    box.fill("1.2")
    assert "Impossible: the value must be from 0 to 1" in page.locator("#fields").inner_text()
    assert "4 of 5 given" in answer.inner_text()
    assert answer.get_attribute("data-value") is None
    box.fill("")
    assert "4 of 5 given" in answer.inner_text()
    page.get_by_role("button", name="Clear").click()
    assert "0 of 5 given" in answer.inner_text()
    assert page.locator("#points").inner_text().count("not given") >= 4


def test_a_value_outside_the_training_range_is_warned_of(browser: sync_api.Browser, tmp_path: Path) -> None:
    page = opened(browser, file(), tmp_path)
    page.evaluate(GIVE, [[0.5, 60, 0, 0, 8]])
    assert page.locator("#warnings").inner_text() == ""
    page.get_by_role("spinbutton", name="Age").fill("104")
    assert "Age: Outside the range" in page.locator("#warnings").inner_text()
    page.locator("#said").filter(has_text="Outside the range").wait_for(state="attached")


def test_it_works_by_keyboard_alone(browser: sync_api.Browser, tmp_path: Path) -> None:
    content = file()
    page = opened(browser, content, tmp_path)
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        kind = page.evaluate("document.activeElement.type || document.activeElement.id")
        seen.append(kind)
        if kind == "number":
            page.keyboard.type("0.5" if seen.count("number") == 1 else "50")
        elif kind == "range":
            page.keyboard.press("ArrowRight")
        elif kind == "radio":
            page.keyboard.press("Space")
        elif page.evaluate("document.activeElement.id") == "print":
            break
    else:
        pytest.fail("the print button was never reached")
    assert re.search(r"\d+%", page.locator("#probability").inner_text())
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_accessible_and_within_the_screen(
    browser: sync_api.Browser, serious: Callable[[Any], list[str]], tmp_path: Path, scheme: str, width: int
) -> None:
    page = opened(browser, file(), tmp_path, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.evaluate(GIVE, [[0.5, 99, 2, 1, 8]])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious(page) == []
    assert page.title() == "A made-up model"  # a label that holds markup is text
    assert page.locator("#points").inner_text().count("</script>") >= 1


def test_on_paper_the_result_stands_without_the_fields(browser: sync_api.Browser, tmp_path: Path) -> None:
    page = opened(browser, file(), tmp_path)
    page.evaluate(GIVE, [[0.5, 60, 0, 0, 8]])
    page.emulate_media(media="print")
    assert not page.locator("#predictors").is_visible()
    assert not page.locator("#print").is_visible()
    for part in ("#probability", "#points", "#canvas svg", "#filed", ".banner"):
        assert page.locator(part).is_visible(), part
    assert "Simulated" in page.locator(".banner").inner_text()


def test_the_page_is_the_same_each_time_and_names_no_address() -> None:
    content = file()
    page = nomogram_page(content)
    assert page == nomogram_page(content)
    assert "@@" not in page
    assert re.findall(r"(?:src|href)=|https?://(?!www\.w3\.org/2000/svg)", page) == []


def test_words_of_a_study_are_words_on_the_page() -> None:
    class Page(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.elements: list[tuple[str, tuple[str, ...]]] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.elements.append((tag, tuple(name for name, _ in attrs)))

    def elements(**words: object) -> list[tuple[str, tuple[str, ...]]]:
        page = Page()
        page.feed(nomogram_page(file(**words)))
        return page.elements

    plain = elements(title="a", outcome="a", condition="a", model="a", caution="a", version="a")
    for text in ATTACKS:
        given = dict.fromkeys(("title", "outcome", "condition", "model", "caution", "version"), text)
        labels = {
            "age": Predictor(label=text, unit=text, help=text),
            "site": Predictor(label=text, levels={"low": text}),
        }
        assert elements(**given, predictors=labels) == plain, text


def test_a_caution_stands_on_the_page() -> None:
    page = nomogram_page(file(caution="out of fold this model does not rank patients"))
    assert (
        "<strong>Do not use.</strong> Out of fold this model does not rank patients: its percentages must not be used."
        in page
    )
    assert "Do not use" not in nomogram_page(file())


def test_an_input_that_spreads_otherwise_is_told_on_the_page() -> None:
    page = nomogram_page(file(spread="the fused model's output spreads wider"))
    assert "<strong>Read with care.</strong> The fused model’s output spreads wider." in page.replace(
        "&#x27;", "’"
    ).replace("'", "’")
    assert "Read with care" not in nomogram_page(file())


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", '"a"', "[]", "null", "{}"])
def test_a_number_that_is_none_is_refused(number: str, tmp_path: Path) -> None:
    path = tmp_path / "nomogram.json"
    write_nomogram(file(), path)
    text = re.sub(r'("intercept": )[^,]+', rf"\g<1>{number}", path.read_text(encoding="utf-8"), count=1)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape("nomogram.json")):
        read_nomogram(path)
    path.write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape("nomogram.json")):
        read_nomogram(path)


def test_a_plain_nomogram_is_read_by_its_columns(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(file().model_of().to_json(), encoding="utf-8")
    target = tmp_path / "page.html"
    result = CliRunner().invoke(app, ["nomogram", str(tmp_path / "model.json"), "-o", str(target)])
    assert result.exit_code == 0, result.output
    assert '"label": "output"' in target.read_text(encoding="utf-8")


def test_a_file_round_trips_and_what_is_no_nomogram_is_refused(tmp_path: Path) -> None:
    content = file()
    write_nomogram(content, tmp_path / "nomogram.json")
    assert read_nomogram(tmp_path / "nomogram.json") == content
    for name, text in {"words.json": "words", "other.json": '{"format": "other"}', "list.json": "[1]"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=re.escape(name)):
            read_nomogram(tmp_path / name)
    with pytest.raises(InputError, match="no such file"):
        read_nomogram(tmp_path / "absent.json")


def test_a_study_without_nomogram_says_why(tmp_path: Path) -> None:
    write_nomogram(NomogramFile(nomogram=None, reason="there is no fused model"), tmp_path / "nomogram.json")
    result = CliRunner().invoke(app, ["nomogram", str(tmp_path / "nomogram.json"), "-o", str(tmp_path / "page.html")])
    assert isinstance(result.exception, InputError)
    assert "there is no fused model" in str(result.exception)
    assert not (tmp_path / "page.html").exists()
