"""Fitted classifiers as files: linear ones as JSON, the others through skops with an allow-list; nothing is unpickled."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import pandas as pd
import skops.io
from scipy.special import expit

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import replacing, write_text
from vcfstats.contracts.strict import finite_numbers, strict_json
from vcfstats.learning.classifiers import probability_of
from vcfstats.learning.harmonisation.correction import Correction
from vcfstats.learning.prepared import Prepared
from vcfstats.learning.structure import defect, defect_of_text
from vcfstats.learning.tuning import FinalFit, mean_of
from vcfstats.statistics.inputs import FloatArray

# What a file may hold beside numpy arrays and scikit-learn's own estimators: nothing here runs code while it is read.
ALLOWED = (
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.tree._tree.Tree",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
)
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class StoredMember:
    """One fitted classifier of those whose mean is the probability.

    Attributes
    ----------
    prepared : Prepared
        Its features, their standardisation and training ranges; none where its probability is the prevalence.
    prevalence : float
        Of its training cases.
    coefficients, intercept : ndarray, float
        Of a linear one, per standard deviation.
    estimator : object or None
        Of another one.
    """

    prepared: Prepared
    prevalence: float
    coefficients: FloatArray
    intercept: float
    estimator: Any

    def predict(self, features: pd.DataFrame) -> FloatArray:
        """Return the probability of the event for each row."""
        if not self.prepared.features:
            return np.full(len(features), self.prevalence)
        X = self.prepared.apply(features)
        if self.estimator is not None:
            return probability_of(self.estimator, X)
        return np.asarray(expit(self.intercept + X @ self.coefficients))


@dataclass(frozen=True)
class StoredClassifier:
    """A classifier read from its files.

    Attributes
    ----------
    feature_set, classifier : str
        What it is.
    members : tuple of StoredMember
        One model, or one a fold.
    """

    feature_set: str
    classifier: str
    members: tuple[StoredMember, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """The features that some model of it sees."""
        return tuple(dict.fromkeys(name for member in self.members for name in member.prepared.features))

    def predict(self, features: pd.DataFrame) -> FloatArray:
        """Return the probability of the event for each row: the mean of the models."""
        return mean_of([member.predict(features) for member in self.members])

    def outside(self, features: pd.DataFrame) -> FloatArray:
        """Return for each row how many features lie outside the training range of every model that sees them."""
        within = pd.DataFrame(False, index=features.index, columns=list(self.features))
        for member in self.members:
            own = list(member.prepared.features)
            if own:
                within[own] |= ~member.prepared.outside(features)
        return np.asarray((~within).sum(axis=1), dtype=np.int64)


def write_classifier(fit: FinalFit, feature_set: str, classifier: str, folder: Path) -> None:
    """Write ``<feature_set>.<classifier>.json`` and, unless it is linear, a ``.<number>.skops`` beside it for each of its models.

    k-nearest neighbours and support vectors are training cases: their files hold features of patients.
    """
    stem = f"{feature_set}.{classifier}"
    members = []
    for number, member in enumerate(fit.members, 1):
        own = {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(member.prepared).items()
        }
        own["fill"] = [None if np.isnan(value) else value for value in member.prepared.fill]
        found: dict[str, Any] = {"prepared": own, "prevalence": member.prevalence}
        if member.estimator is not None and classifier == "logistic_regression":
            found["coefficients"] = member.estimator.coef_[0].tolist()
            found["intercept"] = float(member.estimator.intercept_[0])
        elif member.estimator is not None:
            with replacing(folder / f"{stem}.{number}.skops") as temporary:
                temporary.write_bytes(stable_bytes(member.estimator))
        members.append(found)
    body = {"feature_set": feature_set, "classifier": classifier, "remark": fit.remark, "members": members}
    write_text(folder / f"{stem}.json", json.dumps(body, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_classifier(folder: Path, feature_set: str, classifier: str) -> StoredClassifier:
    """Read a classifier written by `write_classifier`.

    Raises
    ------
    InputError
        A file is missing, holds something outside the allow-list, or a model that compiled code could not walk.
    """
    path = folder / f"{feature_set}.{classifier}.json"
    if not path.is_file():
        raise InputError(Problem("no such file", "a classifier of the study", "run `dvc repro` first", file=path))
    body = strict_json(path.read_text(encoding="utf-8"))
    if not body["members"]:
        raise ValueError("a classifier without a model")
    members = tuple(
        _member(found, path.with_name(f"{path.stem}.{number}.skops")) for number, found in enumerate(body["members"], 1)
    )
    return StoredClassifier(feature_set, classifier, members)


def _member(body: dict[str, Any], skops_file: Path) -> StoredMember:
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in body["prepared"].items()
    }
    _check_lengths(given, body.get("coefficients"))
    finite_numbers([body["prevalence"], body.get("intercept", 0.0)], "prevalence and intercept")
    if not 0 <= body["prevalence"] <= 1:
        raise ValueError(f"a prevalence of {body['prevalence']}")
    given["fill"] = tuple(np.nan if value is None else value for value in given["fill"])
    if given.get("correction"):
        given["correction"] = Correction.from_dict(given["correction"])
    linear = "coefficients" in body or not given["features"]
    return StoredMember(
        Prepared(**given),
        float(body["prevalence"]),
        np.array(body.get("coefficients", [])),
        float(body.get("intercept", 0.0)),
        None if linear else _read_skops(skops_file, len(given["features"])),
    )


def _check_lengths(given: dict[str, Any], coefficients: list[Any] | None) -> None:
    """Check that every feature has its numbers, and a standard deviation above 0."""
    n = len(given["features"])
    numbers = {name: given.get(name, ()) for name in ("mean", "scale", "fill", "low", "high")}
    if coefficients is not None:
        numbers["coefficients"] = coefficients
    for name, values in numbers.items():
        if len(values) != n:
            raise ValueError(f"{len(values)} values of {name} for {n} features")
        known = [value for value in values if value is not None] if name == "fill" else values
        finite_numbers(known, name, above=0.0 if name == "scale" else None)


def _read_skops(path: Path, n_features: int) -> Any:
    if not path.is_file():
        raise InputError(Problem("no such file", "a fitted classifier", "run `dvc repro` first", file=path))
    try:
        strange = sorted(set(skops.io.get_untrusted_types(file=path)) - set(ALLOWED))
    except Exception as error:  # zip, JSON and skops each raise their own kind
        raise InputError(
            Problem(
                f"a file that cannot be read ({error})",
                "a fitted classifier in skops' format",
                "fetch it again from whoever made it, or run `dvc repro`",
                file=path,
            )
        ) from error
    if strange:
        raise InputError(
            Problem(
                f"an object of type {strange[0]}",
                "the classifiers' own types",
                "use only model files that you or the study made",
                file=path,
            )
        )
    try:
        found = next((said for text in _texts(path) if (said := defect_of_text(text, n_features))), "")
        if not found:
            estimator = skops.io.load(path, trusted=list(ALLOWED))
            found = defect(estimator, n_features) or _strange_probability(estimator, n_features)
    except Exception as error:  # each library has its own kinds for content that it cannot make sense of
        found = f"content that no classifier has ({type(error).__name__}: {error})"
    if found:
        raise InputError(
            Problem(
                found,
                "a fitted classifier as the study wrote it",
                "fetch it again from whoever made it, or run `dvc repro`; a file that was rewritten is not to be trusted",
                file=path,
            )
        )
    return estimator


def _texts(path: Path) -> list[str]:
    """Return the models that a file holds as LightGBM's text, which is looked at before LightGBM reads it."""
    found: list[str] = []

    def look(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                look(item)
        elif isinstance(node, dict):
            if node.get("__loader__") == "JsonNode" and isinstance(node.get("content"), str):
                content = json.loads(node["content"]) if node.get("is_json", True) else node["content"]
                if isinstance(content, str) and content.startswith("tree\n"):
                    found.append(content)
            for value in node.values():
                look(value)

    with ZipFile(path) as archive:
        look(json.loads(archive.read("schema.json")))
    return found


def _strange_probability(estimator: Any, n_features: int) -> str:
    value = float(probability_of(estimator, np.zeros((1, n_features)))[0])
    return "" if 0 <= value <= 1 else f"a probability of {value:g} for the average patient"


def stable_bytes(estimator: Any) -> bytes:
    """Return the estimator in skops' format, the same bytes for the same estimator.

    skops names objects and arrays by their addresses in memory, which tell which of equal ones are the same, and stamps
    files with the time. Every object and array gets a number of its own here, and files a fixed date.
    """
    source = ZipFile(io.BytesIO(skops.io.dumps(estimator)))
    schema = json.loads(source.read("schema.json"))
    files: list[str] = []  # name within the source, of the file numbered by its position
    _renumber(schema, count(1), files)
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", compression=ZIP_DEFLATED) as target:
        for i, name in enumerate(files):
            target.writestr(ZipInfo(_numbered(i, name), _EPOCH), source.read(name), compress_type=ZIP_DEFLATED)
        target.writestr(ZipInfo("schema.json", _EPOCH), json.dumps(schema, indent=1), compress_type=ZIP_DEFLATED)
    return buffer.getvalue()


def _numbered(position: int, name: str) -> str:
    return f"{position + 1}{Path(name).suffix}"


def _renumber(node: Any, numbers: Iterator[int], files: list[str]) -> None:
    """Replace ids and file names throughout the schema, in the order in which they come."""
    if isinstance(node, list):
        for item in node:
            _renumber(item, numbers, files)
    elif isinstance(node, dict):
        if "__id__" in node:
            node["__id__"] = next(numbers)
        if isinstance(node.get("file"), str) and "__loader__" in node:
            files.append(node["file"])
            node["file"] = _numbered(len(files) - 1, node["file"])
        for value in node.values():
            _renumber(value, numbers, files)
