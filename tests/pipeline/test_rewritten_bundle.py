"""A bundle rewritten together with its manifest is refused where its numbers or names cannot be a model's."""

import json

import pytest

from vcfstats.contracts.errors import InputError
from vcfstats.learning.artefacts import read_classifier
from vcfstats.learning.scoring import read_scorer
from vcfstats.pipeline.application.bundle import FORMAT, _manifest

TERM = {
    "column": "age", "variable": "age", "level": None, "reference": None, "coefficient": 0.1, "standard_error": 0.05, "low": 20.0,
    "high": 90.0, "mean": 60.0, "scale": 10.0,
}  # fmt: skip
MODEL = {
    "name": "clinical",
    "method": "ridge",
    "intercept": -1.0,
    "intercept_error": None,
    "terms": [TERM],
    "n": 50,
    "n_events": 20,
}
SCORER = {
    "columns": {}, "fill": None, "imputer": None, "clinical": MODEL, "dlrn": None, "deep_head": None, "best": {},
    "fusion": {"input": "out_of_fold", "scale": "probability", "clip": 0.001, "penalty_c": None}, "recalibrations": {}, "preserved": None,
    "spread": "",
}  # fmt: skip
PREPARED = {
    "features": ["a", "b"],
    "mean": [0.0, 1.0],
    "scale": [1.0, 2.0],
    "fill": [None, 0.5],
    "low": [0.0, 0.0],
    "high": [1.0, 1.0],
}
CLASSIFIER = {
    "feature_set": "rad",
    "classifier": "logistic_regression",
    "remark": "",
    "members": [{"prepared": PREPARED, "prevalence": 0.4, "coefficients": [0.1, 0.2], "intercept": 0.0}],
}


def changed(body, path, value):
    body = json.loads(json.dumps(body))
    part = body
    *names, last = path
    for name in names:
        part = part[name]
    part[last] = value
    return body


@pytest.mark.parametrize("name", ["../x.json", "/etc/passwd", "a/../../x.json"])
def test_a_manifest_lists_only_what_lies_in_the_bundle(tmp_path, name):
    (tmp_path / "manifest.json").write_text(json.dumps({"format": FORMAT, "files": {name: "0" * 64}}))
    with pytest.raises(InputError, match="outside of the bundle"):
        _manifest(tmp_path)


def test_a_scorer_as_it_was_written_is_read(tmp_path):
    (tmp_path / "models.json").write_text(json.dumps(SCORER))
    assert read_scorer(tmp_path).models == ("clinical",)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("clinical", "intercept"), float("nan")),
        (("clinical", "terms", 0, "coefficient"), "0.1"),
        (("clinical", "terms", 0, "coefficient"), None),
        (("clinical", "terms", 0, "low"), float("-inf")),
        (("clinical", "covariance"), [[1.0]]),
        (("best",), {"rad": ["../elsewhere", "knn"]}),
        (("best",), {"rad": ["rad", "../../knn"]}),
        (("recalibrations",), {"clinical": {"method": "isotonic", "intercept": None, "slope": None, "x": [0.5, 0.1], "y": [0, 1], "clip": 0.001, "n": 9, "n_events": 4}}),
        (("deep_head",), {"units": ["u"], "mean": [0.0], "scale": [0.0], "coefficients": [1.0], "intercept": 0.0, "C": 1.0, "rule": "mean_probability", "n": 9, "n_events": 4}),
        (("deep_head",), {"units": ["u"], "mean": [0.0, 1.0], "scale": [1.0], "coefficients": [1.0], "intercept": 0.0, "C": 1.0, "rule": "mean_probability", "n": 9, "n_events": 4}),
    ],
)  # fmt: skip
def test_a_scorer_with_impossible_numbers_is_refused(tmp_path, path, value):
    (tmp_path / "models.json").write_text(json.dumps(changed(SCORER, path, value)))
    with pytest.raises(ValueError, match=r".+"):
        read_scorer(tmp_path)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("members", 0, "prepared", "scale"), [1.0, 0.0]),
        (("members", 0, "prepared", "scale"), [1.0, -2.0]),
        (("members", 0, "prepared", "scale"), [1.0]),
        (("members", 0, "prepared", "mean"), [0.0, float("inf")]),
        (("members", 0, "prepared", "features"), ["a"]),
        (("members", 0, "coefficients"), [0.1]),
        (("members", 0, "coefficients"), [0.1, "0.2"]),
        (("members", 0, "intercept"), float("nan")),
        (("members", 0, "prevalence"), 1.5),
        (("members", 0, "prevalence"), "0.4"),
        (("members",), []),
    ],
)
def test_a_classifier_with_impossible_numbers_is_refused(tmp_path, path, value):
    file = tmp_path / "rad.logistic_regression.json"
    file.write_text(json.dumps(CLASSIFIER))
    read_classifier(tmp_path, "rad", "logistic_regression")
    file.write_text(json.dumps(changed(CLASSIFIER, path, value)))
    with pytest.raises(ValueError, match=r".+"):
        read_classifier(tmp_path, "rad", "logistic_regression")
