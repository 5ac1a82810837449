"""The reliability filter, every way to combine two readings."""

import numpy as np
import pandas as pd
import pytest

from vcfstats import icc
from vcfstats.learning.selection import reliable_features, stable_features
from vcfstats.learning.settings import ReliabilitySettings

INTRA = {"a": 0.95, "b": 0.95, "c": 0.5, "d": np.nan}
INTER = {"a": 0.90, "b": 0.60, "c": 0.9, "d": 0.9}


def frame(values, low=0.1):
    return pd.DataFrame(
        {
            "feature": list(values),
            "form": "ICC(A,1)",
            "icc": list(values.values()),
            "low": np.array(list(values.values())) - low,
        }
    )


@pytest.mark.parametrize(
    ("combine", "kept"),
    [("both", "a"), ("either", "abcd"), ("intra", "ab"), ("inter", "acd"), ("mean", "a")],
)
def test_how_readings_combine(combine, kept):
    found = reliable_features(frame(INTRA), frame(INTER), ReliabilitySettings(combine=combine))
    assert "".join(found.kept) == kept
    assert set(found.kept) | set(found.dropped) == set("abcd")
    if combine == "both":
        assert found.dropped == {"b": "inter 0.600 < 0.85", "c": "intra 0.500 < 0.85", "d": "intra undefined"}


def test_lower_limit_and_threshold():
    assert reliable_features(frame(INTRA), None, ReliabilitySettings(combine="intra", value="lower_limit")).kept == (
        "a",
        "b",
    )
    assert (
        reliable_features(frame(INTRA, low=0.2), None, ReliabilitySettings(combine="intra", value="lower_limit")).kept
        == ()
    )
    assert reliable_features(frame(INTRA), None, ReliabilitySettings(combine="intra", threshold=0.95)).kept == (
        "a",
        "b",
    )


def test_takes_the_frame_of_icc():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(3, 30, 1)) * np.array([1, 1, 0.05])[:, None, None]
    result = icc(truth + 0.1 * rng.normal(size=(3, 30, 2)), features=["x", "y", "z"])
    for form in result.forms:
        table = reliable_features(result.to_frame(), result.to_frame(), ReliabilitySettings(form=form)).table
        np.testing.assert_array_equal(table["intra"], result.icc[:, result.forms.index(form)])
    assert reliable_features(result.to_frame(), result.to_frame(), ReliabilitySettings()).kept == ("x", "y")


def test_missing_or_unlike_readings_are_refused():
    with pytest.raises(ValueError, match="needs inter-reader values"):
        reliable_features(frame(INTRA), None, ReliabilitySettings())
    with pytest.raises(ValueError, match="of other features"):
        reliable_features(frame(INTRA), frame({"a": 0.9}), ReliabilitySettings())
    with pytest.raises(ValueError, match=r"needs one row of ICC\(C,1\)"):
        reliable_features(frame(INTRA), frame(INTER), ReliabilitySettings(form="ICC(C,1)"))


def test_changed_copies_are_one_source_whatever_readers_are_combined_by():
    table = frame({"a": 0.9, "b": 0.8, "c": float("nan")})
    for combine in ("both", "mean", "intra"):
        found = stable_features(table, ReliabilitySettings(source="perturbation", combine=combine))
        assert found.kept == ("a",)
        assert found.dropped == {"b": "perturbation 0.800 < 0.85", "c": "perturbation undefined"}
        assert list(found.table.columns) == ["perturbation"]
    low = stable_features(frame({"a": 0.9}, low=0.2), ReliabilitySettings(source="perturbation", value="lower_limit"))
    assert low.kept == ()
    with pytest.raises(ValueError, match=r"perturbation table needs one row of ICC\(C,1\)"):
        stable_features(table, ReliabilitySettings(form="ICC(C,1)"))
