"""Fitted models of other libraries as named coefficients. Nothing is imported from them: their attributes suffice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from vcfstats.statistics.inputs import FloatArray
from vcfstats.statistics.nomogram.build import as_frame
from vcfstats.statistics.nomogram.terms import level_name

if TYPE_CHECKING:
    from vcfstats.statistics.nomogram.model import Nomogram

_AGREEMENT = 1e-8
_LINEAR = ("OLS", "WLS", "GLS", "GLSAR")

# A column on its way through a pipeline: coefficient = weight on `source`, a column name or "name=LEVEL", plus a constant.
Column = tuple[str, float, float]


def from_statsmodels(cls: type[Nomogram], result: Any, data: Any, options: Mapping[str, Any]) -> Nomogram:
    """Build from a statsmodels result; its own predictions must agree."""
    import pandas as pd

    missing = [name for name in ("params", "model", "cov_params") if not hasattr(result, name)]
    if missing:
        raise ValueError(f"{type(result).__name__} is no fitted statsmodels model: it has no {missing[0]!r}.")
    names = [str(name) for name in result.model.exog_names]
    coefficients = dict(zip(names, np.asarray(result.params, dtype=float), strict=True))
    stored = getattr(result.model.data, "frame", None)
    design = pd.DataFrame(np.asarray(result.model.exog), columns=names).drop(columns="const", errors="ignore")
    frame = as_frame(data if data is not None else stored if stored is not None else design)
    if frame is stored:
        frame = frame.loc[result.model.data.row_labels]  # rows with missing values were not fitted
    link = options.get("link") or _link(result)
    nomogram = cls.from_coefficients(
        coefficients, frame, **{"covariance": np.asarray(result.cov_params()), **options, "link": link}
    )
    if len(frame) == len(design):
        _check(nomogram, frame, np.asarray(result.model.exog) @ np.asarray(result.params))
    return nomogram


def from_sklearn(cls: type[Nomogram], estimator: Any, data: Any, options: Mapping[str, Any]) -> Nomogram:
    """Build from a fitted scikit-learn linear model or pipeline; its own predictions must agree."""
    frame = as_frame(data)
    steps = [step for _, step in estimator.steps] if hasattr(estimator, "steps") else [estimator]
    columns: list[Column] = [(str(name), 1.0, 0.0) for name in getattr(estimator, "feature_names_in_", frame.columns)]
    *before, final = steps
    for step in before:
        columns = _through(step, columns)
    if not hasattr(final, "coef_") or not hasattr(final, "intercept_"):
        raise ValueError(f"{type(final).__name__} has no coef_ and intercept_: a nomogram needs a fitted linear model.")
    weights = np.ravel(final.coef_)
    if len(weights) != len(columns):
        raise ValueError(
            f"The model has {len(weights)} coefficients for {len(columns)} columns; one outcome of two classes is needed."
        )
    intercept = float(np.ravel(final.intercept_)[0])
    coefficients: dict[str, float] = {}
    for weight, (source, scale, shift) in zip(weights, columns, strict=True):
        coefficients[source] = coefficients.get(source, 0.0) + float(weight) * scale
        intercept += float(weight) * shift
    link = options.get("link") or ("logit" if hasattr(final, "classes_") else "identity")
    nomogram = cls.from_coefficients(coefficients, frame, **{**options, "link": link, "intercept": intercept})
    score = estimator.decision_function(frame) if hasattr(estimator, "decision_function") else estimator.predict(frame)
    _check(nomogram, frame, np.ravel(score))
    if link == "logit" and not options.get("link"):
        _check_logistic(estimator, final, frame, np.ravel(score))
    return nomogram


def _check_logistic(estimator: Any, final: Any, frame: Any, score: FloatArray) -> None:
    """Refuse a classifier whose score is no log odds, such as a support vector machine's."""
    predicts = getattr(estimator, "predict_proba", None)
    if predicts is None:
        raise ValueError(
            f"{type(final).__name__} predicts no probabilities: its score is no log odds, and a nomogram would read it as"
            " one. Fit a logistic regression, or pass link='identity' to show the score."
        )
    gap = np.abs(np.asarray(predicts(frame))[:, -1] - expit(score)).max()
    if not gap <= _AGREEMENT:
        raise ValueError(
            f"The probabilities of {type(final).__name__} are up to {gap:.3g} away from the logistic function of its score; a"
            " nomogram would show others. Pass link='identity' to show the score."
        )


def _through(step: Any, columns: list[Column]) -> list[Column]:
    """Return the columns after one fitted step."""
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return columns
    if getattr(step, "func", "none") is None:  # a FunctionTransformer without function
        return columns
    if hasattr(step, "steps"):
        for _, inner in step.steps:
            columns = _through(inner, columns)
        return columns
    if hasattr(step, "transformers_"):
        return _through_parts(step, columns)
    if hasattr(step, "categories_"):
        return _one_hot(step, columns)
    if hasattr(step, "get_support"):
        return [column for column, kept in zip(columns, step.get_support(), strict=True) if kept]
    if hasattr(step, "statistics_") and hasattr(step, "missing_values"):
        if getattr(step, "add_indicator", False):
            raise ValueError("An imputer with add_indicator adds columns that no axis can show.")
        return columns
    if hasattr(step, "n_samples_seen_") and hasattr(step, "data_min_"):
        return [(s, a * k, b * k + m) for (s, a, b), k, m in zip(columns, step.scale_, step.min_, strict=True)]
    centre = getattr(step, "mean_", getattr(step, "center_", None))
    if hasattr(step, "scale_") and not hasattr(step, "components_"):
        p = len(columns)
        centres = np.zeros(p) if centre is None else np.asarray(centre, dtype=float)
        if getattr(step, "with_mean", True) is False:
            centres = np.zeros(p)
        scales = np.ones(p) if step.scale_ is None else np.asarray(step.scale_, dtype=float)
        return [(s, a / k, (b - c) / k) for (s, a, b), c, k in zip(columns, centres, scales, strict=True)]
    raise ValueError(
        f"{type(step).__name__} cannot be folded into coefficients. Known: scalers, one-hot encoders, imputers, selectors,"
        " column transformers, pipelines."
    )


def _through_parts(step: Any, columns: list[Column]) -> list[Column]:
    names = [str(name) for name in getattr(step, "feature_names_in_", [source for source, _, _ in columns])]
    known = dict(zip(names, columns, strict=True))
    result: list[Column] = []
    for _, transformer, chosen in step.transformers_:
        if isinstance(transformer, str) and transformer == "drop":
            continue
        picked = np.asarray(names, dtype=object)[chosen] if not _are_names(chosen) else np.atleast_1d(chosen)
        result += _through(transformer, [known[str(name)] for name in picked])
    return result


def _are_names(chosen: Any) -> bool:
    return isinstance(chosen, str) or (len(np.atleast_1d(chosen)) > 0 and isinstance(np.atleast_1d(chosen)[0], str))


def _one_hot(step: Any, columns: list[Column]) -> list[Column]:
    if any(scale != 1 or shift != 0 for _, scale, shift in columns):
        raise ValueError("A one-hot encoder must see the raw columns, before any scaling.")
    dropped = step.drop_idx_ if step.drop_idx_ is not None else [None] * len(columns)
    result: list[Column] = []
    for (source, _, _), categories, out in zip(columns, step.categories_, dropped, strict=True):
        result += [(f"{source}={level_name(c)}", 1.0, 0.0) for k, c in enumerate(categories) if k != out]
    return result


def _link(result: Any) -> str:
    """Return the link of a statsmodels model that a nomogram can show.

    Raises
    ------
    ValueError
        A model whose prediction is no known function of its linear predictor, such as a Cox model without its baseline.
    """
    model = type(result.model).__name__
    if model == "Logit":
        return "logit"
    if model in _LINEAR:
        return "identity"
    family = getattr(result.model, "family", None)
    if model == "GLM" and family is not None:
        kind, link = type(family).__name__, type(family.link).__name__.lower()
        if (kind, link) == ("Binomial", "logit"):
            return "logit"
        if link == "identity":
            return "identity"
        model = f"GLM of the family {kind} with the link {link}"
    raise ValueError(
        f"A {model} model has no link that a nomogram knows (logit, identity). For a Cox model (PHReg) pass link='survival'"
        " with baseline_survival= at one time; else say what its linear predictor stands for with link=."
    )


def _check(nomogram: Nomogram, frame: Any, expected: FloatArray) -> None:
    """Refuse a nomogram whose linear predictor is not the model's own."""
    gap = np.abs(nomogram.linear_predictor(frame) - expected).max()
    if not gap <= _AGREEMENT * (1 + np.abs(expected).max()):
        raise ValueError(
            f"The coefficients as read give linear predictors up to {gap:.3g} away from the model's own: it holds a step"
            " that is not additive on the columns of data, or data are not the data that the model saw."
        )
