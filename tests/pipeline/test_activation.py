"""The windows that are cut around a region, and the table that the figure is drawn from."""

import numpy as np

from vcfstats.contracts.study import TABLES
from vcfstats.pipeline.activation import _cut, _window
from vcfstats.pipeline.evaluate import activation_records
from vcfstats.pipeline.evaluation.models import activation


def test_a_window_beyond_the_image_is_filled():
    plane = np.arange(12.0).reshape(3, 4)
    assert _window(1, 4) == (-1, 3)
    cut = _cut(plane, (-1, 3), (2, 6), -9.0)
    np.testing.assert_array_equal(cut[0], -9.0)
    np.testing.assert_array_equal(cut[1:, :2], plane[:, 2:])
    np.testing.assert_array_equal(cut[:, 2:], -9.0)


def test_table_and_records():
    panel = {
        "outcome": "event", "called": "negative", "case_id": "P1", "probability": 0.25, "pixel_mm": [1.0, 2.0],
        "intensity": [[0, 255], [7, 8]], "map": [[0, 0], [0, 9]], "region": [[0, 1], [0, 0]],
    }  # fmt: skip
    table = activation({"panels": [panel]})
    assert tuple(table.columns) == TABLES["activation"]
    assert table["intensity"].tolist() == ["0 255", "7 8"]
    assert table["width"].tolist() == [2.0, 2.0]
    (record,) = activation_records({"correlations": [0.1, None, 0.3]})
    assert (record.value, record.n) == (0.2, 2)
    assert activation_records({"correlations": []}) == []
    assert activation({"panels": []}).empty
