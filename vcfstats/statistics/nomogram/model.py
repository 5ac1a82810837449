"""The nomogram of an additive model: points, total points, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from scipy.stats import norm

from vcfstats.statistics.inputs import FloatArray, as_numbers, check_level
from vcfstats.statistics.nomogram.axes import Axis, build_axes
from vcfstats.statistics.nomogram.build import as_frame, as_values, read_model
from vcfstats.statistics.nomogram.pretty import pretty_ticks
from vcfstats.statistics.nomogram.storage import dumps, loads
from vcfstats.statistics.nomogram.terms import Term, Variable, level_name
from vcfstats.statistics.results import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False, eq=False)
class Nomogram(Result):
    """The point scale of an additive model (logistic, Cox at one time, or linear).

    Each variable's effect on the linear predictor, from its smallest, is read as points; the widest effect spans
    `maxscale` points. Total points are the linear predictor on another scale:
    lp = lp_at_zero + total / points_per_unit. Ranges come from the training data: a number's axis runs over round ticks
    that cover its observed range (Harrell's rule), a number of at most ten values has ticks at these.

    Build it with `from_coefficients`, `from_statsmodels` or `from_sklearn`, or read it with `from_json`.

    Attributes
    ----------
    intercept : float
        Constant of the linear predictor; for a Cox model, minus the centre of its linear predictor.
    variables : tuple of Variable
        Predictors with their ranges and levels in the training data.
    terms : tuple of Term
        Coefficients with the functions that they multiply.
    lp_range : tuple of float
        Smallest and largest linear predictor in the training data.
    maxscale : float
        Points that the widest effect spans.
    link : str
        "logit", "survival" or "identity".
    baseline_survival : float or None
        "survival": survival at the time of interest where lp = 0; S = baseline_survival ** exp(lp).
    covariance : ndarray of shape (1 + terms, 1 + terms) or None
        Covariance of the intercept and the coefficients, for intervals.
    interact, ticks : dict or None
        Settings of interacting numbers, and ticks given instead of the rule.

    References
    ----------
    Harrell, Regression Modeling Strategies (2015), doi 10.1007/978-3-319-19425-7; Iasonos et al. (2008),
    doi 10.1200/JCO.2007.12.9791.

    Examples
    --------
    >>> import pandas as pd
    >>> from vcfstats import Nomogram
    >>> data = pd.DataFrame({"age": range(40, 80), "sex": [0, 1] * 20})
    >>> nomogram = Nomogram.from_coefficients({"Intercept": -6, "age": 0.1, "sex": -0.5}, data)
    >>> points = nomogram.points(data.head(1))
    >>> points.round(2).to_dict("records")
    [{'age': 0.0, 'sex': 12.5, 'total': 12.5}]
    >>> float(nomogram.total_to_probability(points["total"]).round(4)[0])
    0.1192
    """

    intercept: float
    variables: tuple[Variable, ...]
    terms: tuple[Term, ...]
    lp_range: tuple[float, float]
    maxscale: float = 100.0
    link: str = "logit"
    baseline_survival: float | None = None
    covariance: FloatArray | None = None
    interact: dict[str, tuple[Any, ...]] | None = None
    ticks: dict[str, tuple[Any, ...]] | None = None

    @classmethod
    def from_coefficients(
        cls,
        coefficients: Mapping[str, float],
        data: Any,
        *,
        intercept: float | None = None,
        knots: Mapping[str, Sequence[float]] | None = None,
        covariance: npt.ArrayLike | None = None,
        maxscale: float = 100.0,
        link: str = "logit",
        baseline_survival: float | None = None,
        interact: Mapping[str, Sequence[Any]] | None = None,
        ticks: Mapping[str, Sequence[Any]] | None = None,
    ) -> Nomogram:
        """Build a nomogram from named coefficients and the training data.

        Parameters
        ----------
        coefficients : mapping of name to float
            Names as in R's rms or in patsy formulas: ``age``; ``stage=II`` or ``stage[T.II]``; spline terms ``age'``,
            ``age''``; ``age^2``; ``log(x + 1)``; products with ``*`` or ``:``. The intercept is "Intercept", "const" or
            given apart.
        data : DataFrame
            Training data, for ranges, levels and the range of the linear predictor.
        intercept : float, optional
            The constant, where `coefficients` does not hold it. For a Cox model, minus the centre of lp.
        knots : mapping of name to sequence of float, optional
            Knots of each restricted cubic spline (Harrell's basis).
        covariance : array-like of shape (p, p), optional
            Covariance of the coefficients in their order, intercept included where it is one of them.
        maxscale : float
            Points that the widest effect spans.
        link : {"logit", "survival", "identity"}
            What the linear predictor means.
        baseline_survival : float, optional
            For "survival": survival where lp = 0, between 0 and 1.
        interact : mapping of name to sequence, optional
            Values at which to draw axes for an interacting number of more than ten values.
        ticks : mapping of name to sequence, optional
            Tick values instead of the rule.

        Raises
        ------
        ValueError
            Names that cannot be read, missing values, constant variables, levels without data, or no effect at all.
        """
        fields = read_model(
            coefficients,
            as_frame(data),
            intercept=intercept,
            knots={} if knots is None else knots,
            covariance=covariance,
            maxscale=maxscale,
            link=link,
            baseline_survival=baseline_survival,
        )
        frame = as_frame(data)
        lp = cls(**fields, lp_range=(0.0, 1.0)).linear_predictor(frame)
        if not np.isfinite(lp).all():
            raise ValueError(
                "The linear predictor of the training data is not finite; check logarithms of values of 0 or less."
            )
        used = [variable.name for variable in fields["variables"]]
        nomogram = cls(
            **fields,
            lp_range=(float(lp.min()), float(lp.max())),
            interact=as_values(interact, "interact", used),
            ticks=as_values(ticks, "ticks", used),
        )
        _ = nomogram.axes  # an axis that cannot be drawn fails here, not at first use
        return nomogram

    @classmethod
    def from_statsmodels(cls, result: Any, data: Any = None, **options: Any) -> Nomogram:
        """Build a nomogram from a fitted statsmodels model (Logit, binomial GLM, OLS), by formula or by matrix.

        `data` defaults to the data of the fit. Options are those of `from_coefficients`.
        """
        from vcfstats.statistics.nomogram.adapters import from_statsmodels

        return from_statsmodels(cls, result, data, options)

    @classmethod
    def from_sklearn(cls, estimator: Any, data: Any, **options: Any) -> Nomogram:
        """Build a nomogram from a fitted scikit-learn linear model or pipeline and its training data.

        Scaling, one-hot encoding, imputation, selection and column transformers are folded into the coefficients.
        Options are those of `from_coefficients`.
        """
        from vcfstats.statistics.nomogram.adapters import from_sklearn

        return from_sklearn(cls, estimator, data, options)

    @cached_property
    def _built(self) -> tuple[list[Axis], float, FloatArray]:
        return build_axes({v.name: v for v in self.variables}, self.terms, self.maxscale, self.interact, self.ticks)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes of the predictors, numbers before categories where any interact."""
        return tuple(self._built[0])

    @property
    def points_per_unit(self) -> float:
        """Points per unit of the linear predictor."""
        return self._built[1]

    @property
    def lp_at_zero(self) -> float:
        """Linear predictor at 0 total points."""
        return float(self.intercept + self._built[2].sum())

    @property
    def group_lows(self) -> FloatArray:
        """Smallest effect of each group of axes, where its points are 0, in the order of the groups."""
        return self._built[2]

    @property
    def lp_ticks(self) -> FloatArray:
        """Round values that cover the linear predictors of the training data."""
        return pretty_ticks(*self.lp_range)

    @property
    def total_points_ticks(self) -> FloatArray:
        """Ticks of the total points axis, from 0."""
        groups = {axis.group for axis in self.axes}
        reach = (self.lp_ticks.max() - self.lp_at_zero) * self.points_per_unit
        return pretty_ticks(0.0, self.maxscale if len(groups) == 1 else max(self.maxscale, float(reach)))

    def to_frame(self) -> pd.DataFrame:
        """Return the table of points: `axis, variable, value, effect, points`, one row a tick."""
        import pandas as pd

        rows = [
            (axis.name, axis.variable, tick, effect, points)
            for axis in self.axes
            for tick, effect, points in zip(axis.ticks, axis.effect, axis.points, strict=True)
        ]
        return pd.DataFrame(rows, columns=["axis", "variable", "value", "effect", "points"])

    def risk_axis(self, at: npt.ArrayLike | None = None) -> pd.DataFrame:
        """Return `risk, total_points, lp` at round risks (or survivals), those within the ticks of lp only.

        `at` defaults to 0.01, 0.05, 0.1, 0.2, ..., 0.9, 0.95, 0.99; for the identity link, to the ticks of lp.
        """
        import pandas as pd

        if at is None:
            default = [0.01, 0.05, *(np.arange(1, 10) / 10), 0.95, 0.99]
            values = self.lp_ticks if self.link == "identity" else np.array(default)
        else:
            values = np.atleast_1d(as_numbers(at, "at", booleans=False))
        lp = self._to_lp(values, "at")
        ticks = self.lp_ticks
        shown = (lp >= ticks.min()) & (lp <= ticks.max())
        total = (lp - self.lp_at_zero) * self.points_per_unit
        return pd.DataFrame({"risk": values[shown], "total_points": total[shown], "lp": lp[shown]})

    def linear_predictor(self, data: Any) -> FloatArray:
        """Return the linear predictor of patients, shape (n,)."""
        columns = self._columns(data)
        return np.asarray(self.intercept + np.sum([t.coef * t.column(columns) for t in self.terms], axis=0))

    def predict(self, data: Any) -> FloatArray:
        """Return the predicted probability (survival, or mean) of patients, shape (n,)."""
        return self._from_lp(self.linear_predictor(data))

    def points(self, data: Any) -> pd.DataFrame:
        """Return each patient's points: one column a variable (or group of interacting ones), and `total`.

        The total is the linear predictor: lp = lp_at_zero + total / points_per_unit, exactly. Values outside the axes
        get points below 0 or above the axis' end.
        """
        import pandas as pd

        columns = self._columns(data)
        scale, lows = self._built[1], self._built[2]
        result: dict[str, FloatArray] = {}
        for number, low in enumerate(lows):
            members = {axis.variable for axis in self.axes if axis.group == number}
            members |= {name for axis in self.axes if axis.group == number for name in axis.settings}
            effect = np.sum([t.coef * t.column(columns) for t in self.terms if set(t.variables) <= members], axis=0)
            label = " * ".join(v.name for v in self.variables if v.name in members)
            result[label] = np.asarray((effect - low) * scale)
        total = np.sum(list(result.values()), axis=0)
        return pd.DataFrame({**result, "total": total}, index=getattr(data, "index", None))

    def total_to_probability(self, total: npt.ArrayLike) -> FloatArray:
        """Return the probability (survival, or mean) at total points."""
        return self._from_lp(
            self.lp_at_zero + np.atleast_1d(as_numbers(total, "total", booleans=False)) / self.points_per_unit
        )

    def probability_to_total(self, probability: npt.ArrayLike) -> FloatArray:
        """Return the total points at a probability (survival, or mean)."""
        lp = self._to_lp(np.atleast_1d(as_numbers(probability, "probability", booleans=False)), "probability")
        return np.asarray((lp - self.lp_at_zero) * self.points_per_unit)

    def prediction_interval(self, data: Any, confidence_level: float = 0.95) -> pd.DataFrame:
        """Return `probability, low, high` for patients: Wald's interval of the linear predictor, transformed.

        It covers the uncertainty of the coefficients, not of their selection. Without a covariance a ValueError says so;
        for the survival link the baseline is taken as known. A nominal 95% covers 95 to 96% with 26 events or more; with
        8 events among 164 patients 93%, and with 4 among 70 73%, most of the rest being separated samples, which have no
        interval (benchmarks/results/coverage_nomogram.md).
        """
        import pandas as pd

        if self.covariance is None:
            raise ValueError("No covariance is stored; pass covariance= when building the nomogram.")
        columns = self._columns(data)
        lp = self.linear_predictor(data)
        design = np.column_stack([np.ones(len(lp)), *(term.column(columns) for term in self.terms)])
        variance = np.einsum("ij,jk,ik->i", design, self.covariance, design)
        half = norm.ppf((1 + check_level(confidence_level)) / 2) * np.sqrt(np.maximum(variance, 0.0))
        limits = np.sort([self._from_lp(lp - half), self._from_lp(lp + half)], axis=0)
        return pd.DataFrame(
            {"probability": self._from_lp(lp), "low": limits[0], "high": limits[1]}, index=getattr(data, "index", None)
        )

    def to_json(self) -> str:
        """Return the nomogram as JSON text, which `from_json` reads back to the last bit."""
        return dumps(self)

    @classmethod
    def from_json(cls, text: str) -> Nomogram:
        """Return the nomogram that `to_json` wrote.

        Raises
        ------
        ValueError
            Text that is no JSON, of another format, or with a function this version does not know.
        """
        return cls(**loads(text))

    def _columns(self, data: Any) -> dict[str, Any]:
        frame = as_frame(data)
        columns: dict[str, Any] = {}
        for variable in self.variables:
            if variable.name not in frame.columns:
                raise ValueError(
                    f"data lacks the column {variable.name!r}; the nomogram needs {[v.name for v in self.variables]}."
                )
            column = frame[variable.name]
            if column.isna().any():
                raise ValueError(
                    f"{variable.name!r} is missing in row {column.index[int(np.argmax(column.isna()))]!r}."
                )
            if variable.levels is not None:
                strange = np.array([level_name(value) not in variable.levels for value in column])
                if strange.any():
                    position = int(np.argmax(strange))
                    raise ValueError(
                        f"{variable.name!r} is {column.iloc[position]!r} in row {column.index[position]!r}; the model"
                        f" knows the levels {list(variable.levels)}."
                    )
                columns[variable.name] = column.to_numpy()
                continue
            values = as_numbers(column, repr(variable.name))
            if not np.isfinite(values).all():
                position = int(np.argmax(~np.isfinite(values)))
                raise ValueError(f"{variable.name!r} is infinite in row {column.index[position]!r}; recode it.")
            columns[variable.name] = values
        return columns

    def _from_lp(self, lp: FloatArray) -> FloatArray:
        if self.link == "logit":
            return np.asarray(expit(lp))
        if self.baseline_survival is not None:
            return np.asarray(self.baseline_survival ** np.exp(lp))
        return lp

    def _to_lp(self, values: FloatArray, name: str) -> FloatArray:
        if self.link == "identity":
            return values
        if not ((values > 0) & (values < 1)).all():
            raise ValueError(f"{name}: probabilities must lie strictly between 0 and 1 to have total points.")
        if self.baseline_survival is not None:
            return np.asarray(np.log(np.log(values) / np.log(self.baseline_survival)))
        return np.asarray(logit(values))
