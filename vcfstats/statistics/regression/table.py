"""The table of univariable and multivariable logistic regression."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    as_flag,
    as_number,
    as_outcome,
    check_alignment,
    check_choice,
    check_level,
    refuse_unused,
)
from vcfstats.statistics.inputs.columns import as_names
from vcfstats.statistics.regression.design import Design, Term, as_frame, build_design, complete_rows, read_columns
from vcfstats.statistics.regression.firth import fit_firth
from vcfstats.statistics.regression.logistic import LogisticModel, SeparationWarning, fit_model
from vcfstats.statistics.results import Result

_EXTREME = math.log(1000)  # log odds ratio of one unit that no finding has
_NOTHING = 0.0005  # log odds ratio that prints as 1.000
_SEEN = 0.02  # log odds ratio of one SD that is worth a line


@dataclass(frozen=True, repr=False, eq=False)
class LogisticTable(Result):
    """Univariable models, one a variable, and the multivariable model.

    Attributes
    ----------
    univariable : tuple of LogisticModel
        In the order of the predictors; empty where not asked for.
    multivariable : LogisticModel or None
        The joint model.
    interval : str
        ``wald`` or ``profile``.
    confidence_level : float
        Of the intervals in the frame.
    n, n_events, n_dropped : int
        Patients used, events among them, rows left out for missing values.
    """

    univariable: tuple[LogisticModel, ...]
    multivariable: LogisticModel | None
    interval: str
    confidence_level: float
    n: int
    n_events: int
    n_dropped: int
    _design: Design

    def to_frame(self) -> pd.DataFrame:
        """Return one row a coefficient.

        ``variable, level, reference``, then for each of ``univariable_`` and ``multivariable_``: ``or, low, high,
        p_value`` (of the coefficient), ``lr_p_value`` (of the variable), ``method``; for the latter also ``gvif, df,
        gvif_scaled``. Variables outside the multivariable model are NaN there.
        """
        terms = self._design.terms
        frame = pd.DataFrame(
            {
                "variable": [t.variable for t in terms],
                "level": [t.level for t in terms],
                "reference": [t.reference for t in terms],
            }
        )
        if self.univariable:
            frame = self._joined(frame, list(self.univariable), "univariable_")
        if self.multivariable is not None:
            frame = self._joined(frame, [self.multivariable], "multivariable_")
            inflation = self.multivariable.inflation
            if inflation is not None:
                frame = frame.merge(inflation.to_frame(), on="variable", how="left")
        return frame

    def _joined(self, frame: pd.DataFrame, models: list[LogisticModel], prefix: str) -> pd.DataFrame:
        rows = []
        for model in models:
            low, high = model.confidence_interval(self.confidence_level, method=self.interval)
            by_variable = dict(zip(model.variables, model.variable_pvalue, strict=True))
            rows += [
                {
                    "variable": term.variable,
                    "level": term.level,
                    f"{prefix}or": model.odds_ratio[j],
                    f"{prefix}low": low[j],
                    f"{prefix}high": high[j],
                    f"{prefix}p_value": model.pvalue[j],
                    f"{prefix}lr_p_value": by_variable[term.variable],
                    f"{prefix}method": model.method,
                }
                for j, term in enumerate(model.term_details, start=1)
            ]
        return frame.merge(pd.DataFrame(rows), on=["variable", "level"], how="left")


def logistic_table(
    y_true: npt.ArrayLike,
    predictors: pd.DataFrame | npt.ArrayLike,
    *,
    event: Any = None,
    univariable: bool = True,
    multivariable: bool | Sequence[str] = True,
    select_below: float | None = None,
    reference: Mapping[str, Any] | None = None,
    interval: str = "wald",
    confidence_level: float = 0.95,
    separation: str = "warn",
    missing: str = "raise",
) -> LogisticTable:
    """Univariable and multivariable logistic regression: odds ratios, intervals, tests, variance inflation.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        0/1 outcome, or any with `event`.
    predictors : DataFrame or array-like of shape (n, p)
        Numeric and bool columns count per unit; strings and Categoricals as contrasts against a reference level.
    event : object, optional
        The value of `y_true` that is the event.
    univariable : bool
        Fit each variable by itself.
    multivariable : bool or sequence of str
        Fit all variables, none, or those named.
    select_below : float, optional
        Enter into the multivariable model only variables whose univariable likelihood-ratio p lies below it. Common in
        papers, though it biases estimates and intervals (Heinze et al. 2018): internal validation must repeat it.
    reference : mapping, optional
        Reference level by variable; also makes a numeric column categorical. Default: the first level in order.
    interval : {"wald", "profile"}
        Of the odds ratios in the frame.
    confidence_level : float
        Of these intervals.
    separation : {"warn", "firth", "raise"}
        Where a model is separated: leave its estimates NaN with a `SeparationWarning`; refit that model by Firth's
        method, with the warning, its rows saying so; or raise.
    missing : {"raise", "drop"}
        With drop, rows that lack any predictor leave every model, so that all describe the same patients.

    Returns
    -------
    LogisticTable

    Raises
    ------
    ValueError
        Bad outcome, missing values, variables that do not vary or are collinear, separation with ``"raise"``, or no
        variable selected.

    References
    ----------
    Hosmer, Lemeshow and Sturdivant (2013), doi 10.1002/9781118548387. Heinze et al. (2018), doi 10.1002/bimj.201700067.

    Examples
    --------
    >>> import pandas as pd
    >>> from vcfstats import logistic_table
    >>> data = pd.DataFrame({"age": [50, 61, 43, 70, 66, 58, 49, 72], "sex": list("fmfmmffm")})
    >>> table = logistic_table([0, 1, 0, 1, 0, 1, 0, 0], data)
    >>> table.to_frame()[["variable", "level", "univariable_or", "multivariable_or"]].round(2)
      variable level  univariable_or  multivariable_or
    0      age  None            1.08              1.13
    1      sex     m            3.00              0.43
    """
    level = check_level(confidence_level)
    as_flag(univariable, "univariable")
    check_choice(interval, ("wald", "profile"), name="interval")
    check_choice(separation, ("warn", "firth", "raise"), name="separation")
    check_choice(missing, ("raise", "drop"), name="missing")
    check_alignment(y_true=y_true, predictors=predictors)
    outcome = as_outcome(y_true, event=event)
    frame = read_columns(as_frame(predictors, len(outcome)), reference)
    if select_below is not None and not 0 < as_number(select_below, "select_below") <= 1:
        raise ValueError(f"select_below must be a p value, above 0 and at most 1; got {select_below!r}.")
    if multivariable is False:
        refuse_unused("with multivariable=False", select_below=select_below)
    keep = complete_rows(frame, missing)
    if not keep.all():
        outcome = as_outcome(outcome[keep])
    design = build_design(frame.loc[keep], reference)
    singles: tuple[LogisticModel, ...] = ()
    if univariable or select_below is not None:
        singles = tuple(_model(outcome, design.only((name,)), separation) for name in design.variables)
    joint = None
    chosen = chosen_variables(design, multivariable, select_below, singles)
    if chosen:
        joint = _model(outcome, design.only(chosen), separation)
    warn_of_units(
        design,
        [(m.term_details, m.coef[1:]) for m in (*singles, *([joint] if joint is not None else []))],
        "odds ratio",
    )
    return LogisticTable(
        univariable=singles if univariable else (),
        multivariable=joint,
        interval=interval,
        confidence_level=level,
        n=len(outcome),
        n_events=int(outcome.sum()),
        n_dropped=int((~keep).sum()),
        _design=design,
    )


def warn_of_units(design: Design, models: list[tuple[tuple[Term, ...], FloatArray]], ratio: str) -> None:
    """Warn where the ratio of one unit says nothing, the unit being far from what patients differ by.

    Of each model its terms and their coefficients; `ratio` is what exp(coefficient) is called.
    """
    told: dict[str, str] = {}
    for terms, coefs in models:
        for term, coef in zip(terms, coefs, strict=True):
            if term.level is not None or not np.isfinite(coef) or term.variable in told:
                continue
            sd = float(np.std(design.matrix[:, design.columns_of(term.variable)[0]], ddof=1))
            per_sd = abs(coef) * sd
            if (abs(coef) > _EXTREME and sd < 1) or (abs(coef) < _NOTHING < _SEEN < per_sd):
                told[term.variable] = (
                    f"{term.variable!r} ({ratio} {np.exp(np.clip(coef, -700, 700)):.4g} per unit, SD {sd:.3g})"
                )
    if told:
        warnings.warn(
            f"One unit is no sensible step of {', '.join(told.values())}; rescale it, such as per SD, before the {ratio} is"
            " reported.",
            UserWarning,
            stacklevel=3,
        )


class Screened(Protocol):
    """A univariable model, of whatever kind, with the p value of its variable."""

    @property
    def variables(self) -> tuple[str, ...]:
        """Its one variable."""
        ...

    @property
    def variable_pvalue(self) -> FloatArray:
        """Likelihood-ratio p value of it."""
        ...


def chosen_variables(
    design: Design, multivariable: bool | Sequence[str], select_below: float | None, singles: Sequence[Screened]
) -> tuple[str, ...]:
    """Return the variables of the multivariable model: all, none, those named, or those whose p lies below a limit.

    Raises
    ------
    ValueError
        Names that are no variables, or no variable below the limit.
    """
    if isinstance(multivariable, bool):
        names = design.variables if multivariable else ()
    else:
        asked = as_names(multivariable, "multivariable", design.variables)
        names = tuple(name for name in design.variables if name in asked)
    if select_below is None or not names:
        return names
    below = {model.variables[0] for model in singles if model.variable_pvalue[0] < select_below}
    entered = tuple(name for name in names if name in below)
    if not entered:
        lowest = min(float(model.variable_pvalue[0]) for model in singles)
        raise ValueError(
            f"No variable has p < {select_below} (lowest {lowest:.3g}); raise select_below or name the variables."
        )
    return entered


def _model(outcome: BoolArray, design: Design, separation: str) -> LogisticModel:
    model = fit_model(outcome, design)
    if not model.separated:
        return model
    what = (
        f"{', '.join(design.variables)} separate{'s' if len(design.variables) == 1 else ''} the {model.n_events} events from"
        f" the {model.n - model.n_events} non-events: maximum likelihood has no finite estimate"
    )
    if separation == "raise":
        raise ValueError(f"{what}. Use firth_logistic or separation='firth', or drop or merge the level at fault.")
    if separation == "firth":
        warnings.warn(f"{what}; this model is fitted by Firth's method instead.", SeparationWarning, stacklevel=3)
        return fit_firth(outcome, design)
    warnings.warn(
        f"{what}; its estimates are NaN. See firth_logistic or separation='firth'.", SeparationWarning, stacklevel=3
    )
    return model
