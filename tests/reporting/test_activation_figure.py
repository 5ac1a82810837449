"""The figure of activation maps: which pixels are bright, where the outline runs, one column a case."""

import pandas as pd

from vcfstats.contracts.study import TABLES
from vcfstats.reporting.figures.activation import _heat, _outline, activation_figure
from vcfstats.reporting.figures.style import save_figure


def _pixels() -> pd.DataFrame:
    rows = []
    for panel in (0, 1):
        for row in range(3):
            words = ("0 100 200", "0 0 255" if panel else "0 0 0", "0 1 1" if row == 1 else "0 0 0")
            rows.append((panel, "event", "positive", "P", 0.5, float(row), 1.0, 2.0, *words))
    return pd.DataFrame(rows, columns=list(TABLES["activation"]))


def test_two_cases_in_two_views(tmp_path):
    figure = activation_figure(_pixels(), ["A  one", "B  two"], simulated=True)
    assert list(figure.data["case"].cat.categories) == ["A  one", "B  two"]
    assert len(figure.data) == 2 * 2 * 9
    # Above: the grey values as they are. Below: brightest where the map is strongest, darkened grey where it is zero.
    above = figure.data[(figure.data["view"].cat.codes == 0) & (figure.data["case"] == "A  one")]
    assert above["fill"].tolist()[:3] == ["#000000", "#646464", "#c8c8c8"]
    save_figure(figure, tmp_path / "a.png")
    save_figure(activation_figure(_pixels(), ["A  one", "B  two"], simulated=True), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_brightness_follows_the_map():
    import numpy as np

    grey = np.full((1, 4), 100.0)
    colours = _heat(grey, np.array([[0.0, 60.0, 150.0, 255.0]]))
    light = [sum(int(colour[i : i + 2], 16) * w for i, w in ((1, 0.299), (3, 0.587), (5, 0.114))) for colour in colours]
    assert colours[0] == "#505050"
    assert light[-1] == max(light)
    assert light[1] < light[2] < light[3]  # in grey print too


def test_outline_runs_around_the_region():
    import numpy as np

    edges = _outline(np.array([[False, False], [False, True]]), 1.0, 2.0)
    assert {tuple(row) for row in edges.to_numpy()} == {
        (2.0, -1.0, 4.0, -1.0),
        (2.0, -2.0, 4.0, -2.0),
        (2.0, -1.0, 2.0, -2.0),
        (4.0, -1.0, 4.0, -2.0),
    }
