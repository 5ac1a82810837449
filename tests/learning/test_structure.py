"""A classifier's file that was rewritten is refused before compiled code follows it out of its arrays."""

import io
import json
import re
from zipfile import ZipFile

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from xgboost import XGBClassifier

from vcfstats.contracts.errors import InputError
from vcfstats.learning.artefacts import _read_skops, stable_bytes
from vcfstats.learning.structure import defect

X = np.random.default_rng(1).normal(size=(40, 3))
Y = (X[:, 0] + 0.3 * X[:, 1] > 0).astype(int)
MAKE = {
    "random_forest": lambda: RandomForestClassifier(3, max_depth=3, random_state=1),
    "extra_trees": lambda: ExtraTreesClassifier(3, max_depth=3, random_state=1),
    "xgboost": lambda: XGBClassifier(n_estimators=3, max_depth=2, n_jobs=1),
    "lightgbm": lambda: LGBMClassifier(n_estimators=3, num_leaves=4, min_child_samples=3, verbose=-1, n_jobs=1),
    "svm": lambda: CalibratedClassifierCV(SVC(kernel="rbf"), cv=2, ensemble=False),
    "knn": lambda: KNeighborsClassifier(3, algorithm="brute"),
    "mlp": lambda: MLPClassifier((2,), solver="lbfgs", random_state=1),
}


@pytest.fixture(scope="module")
def fitted():
    return {name: make().fit(X, Y) for name, make in MAKE.items()}


def written(tmp_path, raw: bytes):
    path = tmp_path / "model.skops"
    path.write_bytes(raw)
    return path


def rewritten(raw: bytes, change) -> bytes:
    """Return a skops file with its members as `change` makes them of name and content."""
    buffer = io.BytesIO()
    with ZipFile(io.BytesIO(raw)) as source, ZipFile(buffer, "w") as target:
        for name in source.namelist():
            target.writestr(name, change(name, source.read(name)))
    return buffer.getvalue()


def trees_with(change):
    """Rewrite every array of a tree's nodes."""

    def member(name, content):
        if not name.endswith(".npy"):
            return content
        array = np.load(io.BytesIO(content), allow_pickle=False)
        if array.dtype.names is None or "left_child" not in array.dtype.names or len(array) < 2:
            return content
        change(array)
        out = io.BytesIO()
        np.save(out, array)
        return out.getvalue()

    return member


def put(field, node, value):
    def change(array):
        array[field][node] = value

    return change


@pytest.mark.parametrize("name", list(MAKE))
def test_what_the_study_wrote_is_read(tmp_path, fitted, name):
    assert defect(fitted[name], 3) == ""
    again = _read_skops(written(tmp_path, stable_bytes(fitted[name])), 3)
    np.testing.assert_allclose(again.predict_proba(X), fitted[name].predict_proba(X))


@pytest.mark.parametrize("name", list(MAKE))
def test_another_number_of_features_is_refused(tmp_path, fitted, name):
    path = written(tmp_path, stable_bytes(fitted[name]))
    for n_features in (2, 4):
        with pytest.raises(InputError, match="rewritten"):
            _read_skops(path, n_features)


@pytest.mark.parametrize("name", ["random_forest", "extra_trees"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("left_child", 0, 10_000_000), "has the child 10000000"),
        (put("right_child", 0, 10_000_000), "has the child 10000000"),
        (put("left_child", 0, -7), "has the child -7"),
        (put("right_child", 0, 0), "has the child 0"),  # it would never end
        (put("feature", 0, 1_000_000), "splits on feature 1000000"),
        (put("feature", 0, -3), "splits on feature -3"),
    ],
)
def test_a_tree_that_leads_out_of_itself_is_refused(tmp_path, fitted, name, change, said):
    path = written(tmp_path, rewritten(stable_bytes(fitted[name]), trees_with(change)))
    with pytest.raises(InputError, match=said):
        _read_skops(path, 3)


@pytest.mark.parametrize(
    ("pattern", "new"),
    [
        (r"left_child=\S+", "left_child=100000"),
        (r"right_child=\S+", "right_child=-900000"),
        (r"split_feature=\S+", "split_feature=900000"),
        (r"num_leaves=\d+", "num_leaves=900000"),
        (r"leaf_value=\S+ ", "leaf_value="),
        (r"max_feature_idx=\d+", "max_feature_idx=900000"),
    ],
)
def test_a_rewritten_text_of_lightgbm_is_refused_before_it_is_read(tmp_path, fitted, monkeypatch, pattern, new):
    def member(name, content):
        if name != "schema.json":
            return content
        text = content.decode()
        assert re.search(pattern, text)
        return re.sub(pattern, new, text, count=1).encode()

    path = written(tmp_path, rewritten(stable_bytes(fitted["lightgbm"]), member))
    monkeypatch.setattr("skops.io.load", lambda *_, **__: pytest.fail("it was loaded"))
    with pytest.raises(InputError, match="rewritten"):
        _read_skops(path, 3)


def test_rewritten_trees_of_xgboost_are_refused(tmp_path, fitted):
    model = json.loads(bytes(fitted["xgboost"].get_booster().save_raw("json")))

    class Booster:
        def __init__(self, change):
            self.model = json.loads(json.dumps(model))
            change(self.model["learner"]["gradient_booster"]["model"]["trees"][0])

        def save_raw(self, _):
            return json.dumps(self.model).encode()

    def with_tree(change):
        booster = Booster(change)
        return type("XGBClassifier", (), {"get_booster": lambda _: booster})()

    assert defect(with_tree(lambda _: None), 3) == ""
    for key, value, said in (
        ("left_children", 10**6, "child"), ("right_children", 0, "child"), ("split_indices", 10**6, "feature"),
    ):  # fmt: skip
        assert said in defect(with_tree(lambda tree, key=key, value=value: tree[key].__setitem__(0, value)), 3)
    assert "length" in defect(with_tree(lambda tree: tree["left_children"].pop()), 3)


def cut(field):
    def change(model):
        machine = model.calibrated_classifiers_[0].estimator
        setattr(machine, field, getattr(machine, field)[..., :-1])

    return change


@pytest.mark.parametrize("field", ["support_", "support_vectors_", "_dual_coef_", "_n_support", "_intercept_"])
def test_a_support_vector_machine_whose_arrays_do_not_fit_is_refused(tmp_path, field):
    model = MAKE["svm"]().fit(X, Y)
    cut(field)(model)
    with pytest.raises(InputError, match=r"support vector|support vectors counted"):
        _read_skops(written(tmp_path, stable_bytes(model)), 3)


@pytest.mark.parametrize(
    ("name", "field"), [("knn", "_fit_X"), ("knn", "_y"), ("knn", "n_neighbors"), ("mlp", "coefs_")]
)
def test_neighbours_and_layers_that_do_not_fit_are_refused(tmp_path, name, field):
    model = MAKE[name]().fit(X, Y)
    value = getattr(model, field)
    changed = {"n_neighbors": 99, "coefs_": [value[0][:, :1], value[1]] if field == "coefs_" else None}
    setattr(model, field, changed[field] if field in changed else value[:-1])
    with pytest.raises(InputError, match="rewritten"):
        _read_skops(written(tmp_path, stable_bytes(model)), 3)
