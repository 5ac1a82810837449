"""Whether a classifier that was read from a file can be walked: compiled code follows its indices without looking.

Hashes beside a file find damage. Against somebody who rewrites both stands this check alone: a tree whose child lies outside
it, or below itself, or which splits on a feature that there is not, would crash the process or never end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

_LEAF = -1


def defect(estimator: Any, n_features: int) -> str:
    """Return what is wrong with the inside of an estimator, empty where nothing is.

    Parameters
    ----------
    estimator : object
        As skops loaded it, of the types that `vcfstats.learning.artefacts` allows.
    n_features : int
        Features that it is given.
    """
    for part in _parts(estimator):
        check = _CHECKS.get(type(part).__name__)
        if check is None:
            return f"an object of type {type(part).__name__} that no check knows"
        if found := check(part, n_features):
            return found
    return ""


def _parts(estimator: Any) -> Iterator[Any]:
    """Return the estimators that an estimator is made of, down to those with code of their own."""
    name = type(estimator).__name__
    if name in ("RandomForestClassifier", "ExtraTreesClassifier"):
        yield from (tree.tree_ for tree in estimator.estimators_)
    elif name == "CalibratedClassifierCV":
        for fit in estimator.calibrated_classifiers_:
            yield from _parts(fit.estimator)
    elif name == "Pipeline":
        for _, step in estimator.steps:
            yield from _parts(step)
    else:
        yield estimator


def _tree(tree: Any, n_features: int) -> str:
    if tree.node_count < 1 or tree.node_count > tree.capacity:
        return f"a tree of {tree.node_count} nodes with room for {tree.capacity}"
    if tree.n_features != n_features:
        return f"a tree of {tree.n_features} features where there are {n_features}"
    return _walk(tree.children_left, tree.children_right, tree.feature, n_features)


def _walk(left: Sequence[int], right: Sequence[int], feature: Sequence[int], n_features: int) -> str:
    """Look at a tree whose nodes stand before their children, of which leaves have none."""
    low, high, used = (np.asarray(given, dtype=np.int64) for given in (left, right, feature))
    if not low.size == high.size == used.size:
        return "a tree whose lists of children and features differ in length"
    nodes = np.arange(low.size)
    inner = low != _LEAF
    for children in (low, high):
        wrong = inner & ((children <= nodes) | (children >= low.size))
        if wrong.any():
            node = int(np.flatnonzero(wrong)[0])
            return f"a tree whose node {node} has the child {int(children[node])}, of {low.size} nodes"
    wrong = inner & ((used < 0) | (used >= n_features))
    if wrong.any():
        node = int(np.flatnonzero(wrong)[0])
        return f"a tree whose node {node} splits on feature {int(used[node])}, of {n_features}"
    return ""


def _xgboost(model: Any, n_features: int) -> str:
    learner = json.loads(bytes(model.get_booster().save_raw("json")))["learner"]
    if int(learner["learner_model_param"]["num_feature"]) != n_features:
        return f"trees of {learner['learner_model_param']['num_feature']} features where there are {n_features}"
    for tree in learner["gradient_booster"]["model"]["trees"]:
        if not int(tree["tree_param"]["num_nodes"]) == len(tree["left_children"]) == len(tree["split_conditions"]):
            return "a tree whose lists of nodes differ in length"
        if found := _walk(tree["left_children"], tree["right_children"], tree["split_indices"], n_features):
            return found
    return ""


def _lightgbm(model: Any, n_features: int) -> str:
    return defect_of_text(model.booster_.model_to_string(), n_features)


def defect_of_text(text: str, n_features: int) -> str:
    """Return what is wrong with LightGBM's text of a model, which it reads without counting."""
    highest = re.search(r"^max_feature_idx=(\d+)$", text, re.MULTILINE)
    if highest is None or int(highest[1]) + 1 != n_features:
        return f"trees of {int(highest[1]) + 1 if highest else 'no'} features where there are {n_features}"
    for block in re.split(r"^Tree=\d+$", text, flags=re.MULTILINE)[1:]:
        given = dict(re.findall(r"^(\w+)=(.*)$", block, re.MULTILINE))
        numbers = (given.get(key, "").split() for key in ("left_child", "right_child", "split_feature"))
        left, right, used = ([int(number) for number in row] for row in numbers)
        leaves = int(given["num_leaves"])
        if len(given.get("leaf_value", "").split()) != leaves:
            return f"a tree of {leaves} leaves with {len(given.get('leaf_value', '').split())} values"
        if leaves > 1 and not len(left) == len(right) == len(used) == leaves - 1:
            return f"a tree of {leaves} leaves whose lists of children differ in length"
        # Inner nodes have numbers from 0, and a leaf the number that is left of -1 minus it.
        for node, (low, high, feature) in enumerate(zip(left, right, used, strict=False)):
            for child in (low, high):
                if not (node < child < leaves - 1 or 0 <= -1 - child < leaves):
                    return f"a tree whose node {node} has the child {child}, of {leaves} leaves"
            if not 0 <= feature < n_features:
                return f"a tree whose node {node} splits on feature {feature}, of {n_features}"
    return ""


def _svm(model: Any, n_features: int) -> str:
    n = len(model.support_)
    shapes = {
        "support vectors": (np.shape(model.support_vectors_), (n, n_features)),
        "coefficients": (np.shape(model._dual_coef_), (1, n)),
        "intercept": (np.shape(model._intercept_), (1,)),
        "classes": (np.shape(model.classes_), (2,)),
        "counts": (np.shape(model._n_support), (2,)),
        "training data": (tuple(model.shape_fit_[1:]), (n_features,)),
    }
    for name, (found, wanted) in shapes.items():
        if found != wanted:
            return f"{name} of shape {found} in a support vector machine where {wanted} fits"
    counts = np.asarray(model._n_support)
    if (counts < 0).any() or int(counts.sum()) != n:
        return f"{n} support vectors counted as {counts.tolist()}"
    if model._sparse or not isinstance(model.kernel, str) or model.kernel not in ("linear", "poly", "rbf", "sigmoid"):
        return f"kernel {model.kernel!r} in a support vector machine"
    return ""


def _neighbours(model: Any, n_features: int) -> str:
    if model._tree is not None or model._fit_method != "brute":
        return "neighbours kept in a tree rather than as rows"
    rows = np.shape(model._fit_X)
    if rows != (model.n_samples_fit_, n_features) or np.shape(model._y) != rows[:1]:
        return f"neighbours of shape {rows} where ({model.n_samples_fit_}, {n_features}) fits"
    return "" if 1 <= model.n_neighbors <= rows[0] else f"{model.n_neighbors} neighbours of {rows[0]}"


def _perceptron(model: Any, n_features: int) -> str:
    width = n_features
    for weights, offset in zip(model.coefs_, model.intercepts_, strict=True):
        if np.ndim(weights) != 2 or weights.shape[0] != width or np.shape(offset) != weights.shape[1:]:
            return f"a layer of shape {np.shape(weights)} after one of {width} units"
        width = weights.shape[1]
    return "" if width == 1 else f"{width} outputs of a perceptron"


_CHECKS: dict[str, Callable[[Any, int], str]] = {
    "Tree": _tree,
    "XGBClassifier": _xgboost,
    "LGBMClassifier": _lightgbm,
    "SVC": _svm,
    "KNeighborsClassifier": _neighbours,
    "MLPClassifier": _perceptron,
}
