"""Figures: what is drawn, its size, its bytes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader

from vcfstats.reporting import Study, calibration_figure, decision_figure, open_study, roc_figure, save_figure
from vcfstats.reporting.figures.style import COLOURS, LINE_TYPES

MakeStudy = Callable[..., Path]


def figures(study: Study, **more: Any) -> dict[str, Any]:
    models = study.info.models
    return {
        "roc": roc_figure(study.table("roc"), models, **more),
        "calibration": calibration_figure(
            study.table("calibration"), study.table("calibration_groups"), models, **more
        ),
        "decision": decision_figure(study.table("decision"), models, **more),
    }


def test_size_resolution_and_bytes(make_study: MakeStudy, tmp_path: Path) -> None:
    figure = figures(open_study(make_study("two")))["roc"]
    for suffix in ("png", "svg", "pdf"):
        first, second = tmp_path / f"one.{suffix}", tmp_path / f"two.{suffix}"
        save_figure(figure, first)
        save_figure(figure, second)
        assert first.read_bytes() == second.read_bytes()
    with Image.open(tmp_path / "one.png") as image:
        assert image.width == pytest.approx(180 / 25.4 * 300, abs=2)
        assert image.info["dpi"][0] == pytest.approx(300, abs=0.1)
    assert "<text" not in (tmp_path / "one.svg").read_text(encoding="utf-8")
    fonts = PdfReader(tmp_path / "one.pdf").pages[0]["/Resources"]["/Font"]
    assert all(font.get_object()["/Subtype"] in ("/Type0", "/TrueType") for font in fonts.values())


def test_one_panel_fits_one_column(make_study: MakeStudy, tmp_path: Path) -> None:
    study = open_study(make_study())
    points = study.table("roc").query("kind == 'testing'")
    save_figure(roc_figure(points, study.info.models), tmp_path / "roc.png")
    with Image.open(tmp_path / "roc.png") as image:
        assert image.width == pytest.approx(85 / 25.4 * 300, abs=2)


def test_lines_differ_in_grey_and_in_type() -> None:
    def luminance(colour: str) -> float:
        """Relative luminance as WCAG 2 defines it."""
        shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    greys = [luminance(colour) for colour in COLOURS]
    assert all(abs(a - b) > 0.1 for a, b in itertools.pairwise(greys))
    assert all(1.05 / (grey + 0.05) > 2.9 for grey in greys)  # contrast with white paper
    assert len(set(map(str, LINE_TYPES))) == len(LINE_TYPES) == len(COLOURS)


@pytest.mark.parametrize("name", ["roc", "calibration", "decision"])
def test_nothing_to_draw_says_so(make_study: MakeStudy, tmp_path: Path, name: str) -> None:
    figure = figures(open_study(make_study("undefined")))[name]
    assert "not estimable" in str(figure.data["label"].iloc[0])
    save_figure(figure, tmp_path / "empty.svg")
    assert (tmp_path / "empty.svg").stat().st_size > 1000


def test_simulated_data_say_so_in_the_figure(make_study: MakeStudy) -> None:
    study = open_study(make_study())
    for figure in figures(study, simulated=True).values():
        assert figure.labels.caption == "Simulated data"
    for figure in figures(study).values():
        assert getattr(figure.labels, "caption", None) is None


def test_a_model_without_a_name_is_refused(make_study: MakeStudy) -> None:
    with pytest.raises(ValueError, match="model 'second' has no name in print"):
        roc_figure(open_study(make_study("two")).table("roc"), {"first": "First"})


def test_users_add_to_a_figure(make_study: MakeStudy) -> None:
    from plotnine import labs

    figure = figures(open_study(make_study()))["roc"] + labs(y="True positive fraction")
    assert figure.labels.y == "True positive fraction"
