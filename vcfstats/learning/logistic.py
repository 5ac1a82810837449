"""One logistic model from features to a probability: filter, standardise, ridge; all learned from the rows it is given."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import write_text
from vcfstats.learning.settings import LogisticSettings


@dataclass(frozen=True)
class LogisticModel:
    """A fitted logistic model, whole in its JSON: nothing is unpickled to use it.

    Attributes
    ----------
    features : tuple of str
        Features kept, in the order of the other fields.
    mean, scale : tuple of float
        Training mean and standard deviation (ddof 1) of each feature.
    coefficients : tuple of float
        Log odds ratio per standard deviation.
    intercept : float
        Log odds at the training means.
    low, high : tuple of float
        Training range of each feature, for warnings about patients outside it.
    n, events : int
        Training cases and events.
    """

    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float
    low: tuple[float, ...]
    high: tuple[float, ...]
    n: int
    events: int

    def predict(self, features: pd.DataFrame) -> pd.Series:
        """Return the probability of the event for each row."""
        missing = [name for name in self.features if name not in features]
        if missing:
            raise InputError(
                Problem(
                    f"no column {missing[0]!r}",
                    "every feature of the model",
                    "extract the features with the settings of the model",
                )
            )
        z = (features.loc[:, list(self.features)].to_numpy(dtype=np.float64) - np.array(self.mean)) / np.array(
            self.scale
        )
        linear = self.intercept + z @ np.array(self.coefficients)
        return pd.Series(1.0 / (1.0 + np.exp(-linear)), index=features.index, name="probability")

    def write(self, path: Path) -> None:
        """Write the model as JSON."""
        write_text(path, json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, path: Path) -> LogisticModel:
        """Read a model written by `write`."""
        body = json.loads(path.read_text(encoding="utf-8"))
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in body.items()
        }
        return cls(**fields)


def fit_logistic_model(features: pd.DataFrame, outcome: pd.Series, settings: LogisticSettings) -> LogisticModel:
    """Fit the model to training cases.

    Features that do not vary are dropped, then of each pair of features whose absolute Pearson correlation exceeds
    `settings.correlation_max` the later one; what is left is standardised and enters a ridge-penalised logistic
    regression (the intercept is not penalised).

    Raises
    ------
    InputError
        No feature varies, or one class only.
    """
    y = outcome.loc[features.index].to_numpy(dtype=np.int64)
    if y.min() == y.max():
        raise InputError(
            Problem(
                f"{len(y)} training cases of one class",
                "events and non-events",
                "use a stratified split or more patients",
            )
        )
    kept = features.loc[:, keep_uncorrelated(features, settings.correlation_max)]
    if kept.shape[1] == 0:
        raise InputError(
            Problem(
                "no feature varies between training cases", "at least one varying feature", "check images and masks"
            )
        )
    x = kept.to_numpy(dtype=np.float64)
    mean, scale = x.mean(axis=0), x.std(axis=0, ddof=1)
    fit = LogisticRegression(C=settings.penalty_c, solver="lbfgs", tol=1e-10, max_iter=10_000).fit(
        (x - mean) / scale, y
    )
    return LogisticModel(
        features=tuple(kept.columns),
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        coefficients=tuple(fit.coef_[0].tolist()),
        intercept=float(fit.intercept_[0]),
        low=tuple(x.min(axis=0).tolist()),
        high=tuple(x.max(axis=0).tolist()),
        n=len(y),
        events=int(y.sum()),
    )


def keep_uncorrelated(features: pd.DataFrame, limit: float) -> list[str]:
    """Return the features left when, in column order, each that correlates with a kept one above `limit` is dropped."""
    x = features.to_numpy(dtype=np.float64)
    centred = x - x.mean(axis=0)
    norm = np.sqrt((centred**2).sum(axis=0))
    # Constant up to rounding: the spread is nothing beside the values themselves.
    varies = norm > 1e-12 * np.maximum(1.0, np.abs(x).max(axis=0)) * np.sqrt(len(x))
    unit = np.divide(centred, norm, out=np.zeros_like(centred), where=varies)
    correlation = np.abs(unit.T @ unit)
    kept: list[int] = []
    for column in np.flatnonzero(varies):
        if not kept or correlation[column, kept].max() <= limit:
            kept.append(int(column))
    return [str(features.columns[i]) for i in kept]
