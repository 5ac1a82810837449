"""Figures: what is drawn, its size, its bytes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib import pyplot
from PIL import Image
from pypdf import PdfReader

from vcfstats.reporting import (
    Study,
    calibration_figure,
    coefficient_figure,
    decision_figure,
    drawings,
    followup_figure,
    nomogram_figure,
    open_study,
    roc_figure,
    save_figure,
)
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.figures import Step
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


def test_models_without_a_name_are_not_drawn_and_colours_stay(make_study: MakeStudy) -> None:
    points = open_study(make_study("two")).table("roc")
    figure = roc_figure(points[points["model"] == "second"], {"first": "First", "second": "Second", "third": "Third"})
    assert set(figure.data["model"]) == {"Second"}
    colour = figure.scales.get_scales("color")
    assert (colour.limits, colour.map(["Second"], ["Second"])) == (["Second"], [COLOURS[1]])
    assert roc_figure(points, {"first": "First"}).data["model"].unique().tolist() == ["First"]


DRAWINGS = (
    "flow", "activation_maps", "lasso", "coefficients", "nomogram", "roc", "decision", "comparison", "calibration", "followup",
    "roc_bands", "decision_bands", "belts", "subgroups", "funnel",
)  # fmt: skip


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_study_without_anything_has_no_figure_but_a_reason(empty_study: Path, name: str) -> None:
    figure = getattr(drawings, name)(open_study(empty_study))
    assert isinstance(figure, Absent)
    assert len(str(figure)) > 15
    assert str(figure).endswith(".")


def test_the_workflow_shows_what_the_study_has(whole_study: Path, empty_study: Path) -> None:
    def boxes(root: Path) -> list[str]:
        figure = drawings.workflow(open_study(root))
        drawn = figure.draw(show=False)
        shown = [text.get_text() for axes in drawn.axes for text in axes.texts if text.get_text()]
        x = [text.get_position()[0] for axes in drawn.axes for text in axes.texts]
        assert drawn.axes[0].get_xlim()[0] <= min(x) <= max(x) <= drawn.axes[0].get_xlim()[1]
        pyplot.close(drawn)
        return shown

    everything, little = boxes(whole_study), boxes(empty_study)
    assert sorted(everything) == [
        "Cohort, checked\n234 cases",
        "Deep features\n3,840 features",
        "Models\n8 classifiers; Clinical,\nRad, DL, DLR, DLRN",
        "Training and internal\ntest set\n164 and 70 cases",
    ]
    assert little == ["The steps of the study were not recorded"]


def test_a_long_arrow_bends_around_what_it_passes() -> None:
    from vcfstats.reporting.figures.workflow import _cost, _layers, _places, _with_bends

    steps = [
        Step("a", ("A",)),
        Step("b", ("B",), ("a",)),
        Step("c", ("C",), ("b",)),
        Step("d", ("D",), ("a", "c")),
        Step("e", ("E",)),
    ]
    steps.append(Step("f", ("F",), ("d", "e")))
    layer = _layers(steps)
    assert layer == {"a": 0, "b": 1, "c": 2, "d": 3, "e": 3, "f": 4}
    rows, links = _with_bends(steps, layer)
    assert [len(row) for row in rows] == [1, 2, 2, 2, 1]
    assert len(links) == 8
    place = _places(rows, links)
    ordered_rows = [sorted(row, key=place.__getitem__) for row in rows]
    assert _cost(ordered_rows, links) < 100  # no crossing


def test_a_workflow_is_straight_and_its_neighbours_keep_their_distance() -> None:
    from vcfstats.reporting.figures.workflow import _GAPS, _layers, _places, _settled, _with_bends

    steps = [Step("a", ("A",)), Step("b", ("B",), ("a",)), Step("c", ("C",), ("b",)), Step("d", ("D",), ("c",))]
    steps.append(Step("e", ("E",), ("a", "d")))
    rows, links = _with_bends(steps, _layers(steps))
    place = _settled(rows, links, _places(rows, links), {step.name for step in steps})
    assert {len(row) for row in rows} == {1, 2}
    bends = [place[name] for name in place if len(name) > 1]
    assert len(bends) == 3
    assert max(bends) - min(bends) < 0.01
    for row in rows:
        xs = sorted(place[name] for name in row)
        assert all(right - left >= _GAPS[1] - 1e-9 for left, right in itertools.pairwise(xs))
    # A chain of boxes without anything beside it stands in one line.
    assert abs(place["b"] - place["c"]) < 0.05


def test_places_nearest_to_those_wanted_keep_their_gaps() -> None:
    from vcfstats.reporting.figures.workflow import _apart

    assert _apart([0.0, 5.0], [1.0], [1.0, 1.0]) == [0.0, 5.0]
    assert _apart([0.0, 0.0], [1.0], [1.0, 1.0]) == [-0.5, 0.5]
    assert _apart([0.0, 0.0], [1.0], [3.0, 1.0]) == [-0.25, 0.75]
    assert _apart([2.0, 1.0, 0.0], [1.0, 1.0], [1.0, 1.0, 1.0]) == [0.0, 1.0, 2.0]


def test_no_label_stands_in_the_way_of_the_nomograms_arrow() -> None:
    from vcfstats.reporting.figures.nomogram import _placed

    labels, x = [f"{i / 10:g}" for i in range(1, 10)], [50.0 + 4 * i for i in range(9)]
    for side in (1.0, -1.0):
        for arrow in (50.0, 57.3, 66.0, 81.9):
            for mark in _placed(labels, x, 10.0, barred=(arrow, side)):
                half = 1.35 * len(str(mark["label"])) / 2
                crossed = mark["label"] and abs(float(str(mark["x"])) - arrow) < half
                assert not (crossed and (float(str(mark["at"])) - 10.0) * side > 0), (arrow, mark)


def test_a_crowded_scale_keeps_its_ticks_and_its_rounder_numbers() -> None:
    from vcfstats.reporting.figures.nomogram import _thinned

    years = [str(95 - 5 * i) for i in range(14)]
    shown = _thinned(years, [50.0 + 3.0 * i for i in range(14)])
    assert [label for label in shown if label] == ["90", "80", "70", "60", "50", "40", "30"]
    assert len(shown) == 14
    assert _thinned(years, [50.0 + 9.0 * i for i in range(14)]) == years
    assert _thinned(["A", "B"], [50.0, 50.1]) == ["A", "B"]


def test_no_two_labels_of_a_nomogram_overlap() -> None:
    from vcfstats.reporting.figures.nomogram import _placed

    labels = [f"{i / 10:g}" for i in range(11)]
    marks = _placed(labels, [50 + 3.0 * i for i in range(11)], 10.0)
    assert len(marks) == 11
    for side in {mark["at"] for mark in marks}:
        shown = [mark for mark in marks if mark["at"] == side and mark["label"]]
        for left, right in itertools.pairwise(shown):
            assert right["x"] - left["x"] > 1.35 * (len(left["label"]) + len(right["label"])) / 2
    crowded = _placed(["Lumbar", "Thoracic", "Cervical"], [50.0, 51.0, 52.0], 10.0)
    assert [mark["label"] for mark in crowded] == ["Lumbar", "Thoracic", "Cervical"]
    assert len({mark["at"] for mark in crowded}) == 3


def test_of_many_features_the_largest_are_drawn() -> None:
    many = pd.DataFrame(
        {"feature": [f"f{i}" for i in range(40)], "coefficient": [(-1) ** i * (i + 1.0) for i in range(40)]}
    )
    figure = coefficient_figure(many)
    assert list(figure.data["feature"])[::29] == ["f10", "f39"]
    assert "(30 of 40 features)" in figure.labels.y
    assert "of" not in coefficient_figure(many.head(3)).labels.y.split("deviation")[1]


def test_names_on_two_lines_do_not_touch_their_neighbours() -> None:
    name = "wavelet_LLH_glszm_LowGrayLevelZoneEmphasis_of_a_long_name_{}"
    figure = coefficient_figure(
        pd.DataFrame({"feature": [name.format(i) for i in range(30)], "coefficient": [1.0 + i for i in range(30)]})
    )
    drawn = figure.draw()
    try:
        drawn.canvas.draw()
        boxes = [label.get_window_extent() for axes in drawn.axes for label in axes.get_yticklabels()]
    finally:
        pyplot.close(drawn)
    assert len(boxes) == 30
    heights = [box.height for box in boxes]
    gaps = [upper.y0 - lower.y1 for lower, upper in itertools.pairwise(boxes)]
    assert min(gaps) > 0.1 * max(heights)  # the lines of one name stand closer than the names


def test_all_features_are_those_that_the_study_has(whole_study: Path) -> None:
    study = open_study(whole_study)
    assert drawings.all_features(study) == "fused"
    one = study.info.model_copy(update={"feature_sets": {"clinical": "Clinical findings", "radiomics": "Radiomics"}})
    assert drawings.all_features(Study(study.root, one, study.records)) == "radiomics"
    assert len(drawings.coefficients(study).data) == 9


def test_a_matrix_reads_row_less_column(whole_study: Path) -> None:
    frame = drawings.comparison(open_study(whole_study)).data
    cell = frame[(frame["row"] == "DLRN") & (frame["column"] == "Clinical") & frame["panel"].str.startswith("B")].iloc[
        0
    ]
    assert cell["text"] == "0.060\n(0.010 to 0.110)\np = 0.400"
    assert cell["clear"] == "yes"
    assert not frame.loc[frame["panel"].str.startswith("A"), "text"].str.contains("p ").any()
    assert len(frame) == 30


def test_users_add_to_a_figure(make_study: MakeStudy) -> None:
    from plotnine import labs

    figure = figures(open_study(make_study()))["roc"] + labs(y="True positive fraction")
    assert figure.labels.y == "True positive fraction"


def layers(figure: Any, geometry: str) -> list[Any]:
    return [layer for layer in figure.layers if type(layer.geom).__name__ == geometry]


def test_bands_are_those_of_the_primary_comparison_and_points_stand_on_the_thresholds(whole_study: Path) -> None:
    study = open_study(whole_study)
    figure = drawings.roc(study)
    assert set(layers(figure, "geom_ribbon")[0]._data["model"]) == {"Clinical", "DLRN"}
    points = layers(figure, "geom_point")[0]._data
    row = points[(points["model"] == "DLRN") & points["panel"].str.startswith("B")].iloc[0]
    assert row["sensitivity"] == study.record("testing/dlrn/sensitivity").value
    assert row["false_positive_rate"] == 1 - study.record("testing/dlrn/specificity").value
    assert set(layers(drawings.roc_bands(study), "geom_ribbon")[0]._data["model"]) == set(study.info.models.values())
    assert not layers(drawings.roc(study, "fused"), "geom_ribbon")


def test_the_range_in_which_nobody_hesitates_is_shaded(whole_study: Path) -> None:
    study = open_study(whole_study)
    shaded = layers(drawings.decision(study), "geom_rect")[0]._data
    assert shaded["xmax"].iloc[0] == study.record("design/decision_sensible_low").value
    assert shaded["xmin"].iloc[1] == study.record("design/decision_sensible_high").value
    assert not layers(decision_figure(study.table("decision"), study.info.models), "geom_rect")


def test_predictions_are_counted_below_the_calibration_curve(whole_study: Path) -> None:
    figure = drawings.calibration(open_study(whole_study))
    bars = layers(figure, "geom_rect")[0]._data
    assert (bars["top"] < 0).all()
    assert bars.loc[bars["events"] == bars["events"].max(), "top"].max() == pytest.approx(-0.016, abs=0.01)
    assert "61/164 events\nHL p = 0.310" in set(layers(figure, "geom_text")[0]._data["text"])


def test_few_events_are_said_in_the_forest(whole_study: Path) -> None:
    frame = drawings.subgroups(open_study(whole_study)).data
    assert frame.loc[frame["name"] == "  Present", "text"].tolist() == ["\u2013 (too few events)"] * 2
    assert frame.loc[frame["name"] == "All cases", "count"].tolist() == ["70 (24)", "164 (61)"]
    assert frame.loc[frame["name"] == "  Absent", "text"].iloc[0] == "0.850 (0.750 to 0.950)"


def test_an_example_patient_stands_on_every_axis(whole_study: Path) -> None:
    study = open_study(whole_study)
    figure = drawings.nomogram(study)
    marks = layers(figure, "geom_point")[0]._data
    assert marks["note"].tolist() == ["62", "35", "2", "99", "0.97"]
    assert not layers(nomogram_figure(study.table("nomogram")), "geom_point")


def test_numbers_at_risk_and_the_unit_stand_below_the_follow_up() -> None:
    frame = pd.DataFrame(
        {
            "time": [2.0, 6.0, 7.0, 13.0],
            "estimate": [0.75, 0.5, 0.25, 0.0],
            "low": 0.1,
            "high": 0.9,
            "at_risk": [4, 3, 2, 1],
        }
    )
    figure = followup_figure(frame, unit="months")
    assert figure.labels.x == "Time (months)"
    numbers = next(
        layer._data
        for layer in layers(figure, "geom_text")
        if isinstance(layer._data, pd.DataFrame) and "text" in layer._data
    )
    assert dict(zip(numbers["time"], numbers["text"], strict=True)) == {
        0.0: "4",
        2.0: "4",
        4.0: "3",
        6.0: "3",
        8.0: "1",
        10.0: "1",
        12.0: "1",
    }


def test_a_kind_of_ones_own_is_a_panel() -> None:
    points = pd.DataFrame(
        {"kind": "my cohort", "model": "m", "false_positive_rate": [0.0, 0.2, 1.0], "sensitivity": [0.0, 0.8, 1.0]}
    )
    both = pd.concat([points, points.assign(kind="testing")])
    panels = roc_figure(both, {"m": "Model"}).data["panel"].cat.categories.tolist()
    assert panels == ["A  Internal test set", "B  my cohort"]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda frame: roc_figure(frame, {"m": "M"}), "points lacks the columns kind, model, false_positive_rate; the figure draws"),
        (lambda frame: decision_figure(frame, {"m": "M"}), "curve lacks the columns kind, model, net_benefit"),
        (lambda frame: calibration_figure(frame, frame, {"m": "M"}), "curve lacks the columns kind"),
        (lambda frame: nomogram_figure(frame), "ticks lacks the columns axis"),
    ],
)  # fmt: skip
def test_a_frame_without_its_columns_is_refused_in_words(draw: Callable[[pd.DataFrame], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw(pd.DataFrame({"threshold": [0.1], "sensitivity": [0.9]}))
