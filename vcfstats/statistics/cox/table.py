"""The table of univariable and multivariable Cox regression."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcfstats.statistics.cox.model import CoxModel, cox_data, fit_model
from vcfstats.statistics.inputs import (
    as_flag,
    as_named_labels,
    as_number,
    check_alignment,
    check_choice,
    check_level,
    refuse_unused,
)
from vcfstats.statistics.regression.design import Design, as_frame, build_design, complete_rows, read_columns
from vcfstats.statistics.regression.logistic import SeparationWarning
from vcfstats.statistics.regression.table import chosen_variables, warn_of_units
from vcfstats.statistics.results import Result
from vcfstats.statistics.survival.times import as_survival


@dataclass(frozen=True, repr=False, eq=False)
class CoxTable(Result):
    """Univariable models, one a variable, and the multivariable model.

    Attributes
    ----------
    univariable : tuple of CoxModel
        In the order of the predictors; empty where not asked for.
    multivariable : CoxModel or None
        The joint model.
    interval : str
        ``wald`` or ``profile``.
    confidence_level : float
        Of the intervals in the frame.
    n, n_events, n_dropped : int
        Patients used, events among them, rows left out for missing values.
    """

    univariable: tuple[CoxModel, ...]
    multivariable: CoxModel | None
    interval: str
    confidence_level: float
    n: int
    n_events: int
    n_dropped: int
    _design: Design

    def to_frame(self) -> pd.DataFrame:
        """Return one row a coefficient.

        ``variable, level, reference``, then for each of ``univariable_`` and ``multivariable_``: ``hr, low, high,
        p_value`` (of the coefficient: Wald's beside Wald's interval, the likelihood ratio's beside the profile's),
        ``lr_p_value`` (of the variable), ``infinite``; for the latter also ``gvif, df, gvif_scaled``. Variables outside the
        multivariable model are NaN there.
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
            if self.multivariable.inflation is not None:
                frame = frame.merge(self.multivariable.inflation.to_frame(), on="variable", how="left")
        return frame

    def _joined(self, frame: pd.DataFrame, models: list[CoxModel], prefix: str) -> pd.DataFrame:
        rows = []
        for model in models:
            low, high = model.confidence_interval(self.confidence_level, method=self.interval)
            pvalue = model.pvalue if self.interval == "wald" else model.likelihood_ratio()[1]
            by_variable = dict(zip(model.variables, model.variable_pvalue, strict=True))
            rows += [
                {
                    "variable": term.variable,
                    "level": term.level,
                    f"{prefix}hr": model.hazard_ratio[j],
                    f"{prefix}low": low[j],
                    f"{prefix}high": high[j],
                    f"{prefix}p_value": pvalue[j],
                    f"{prefix}lr_p_value": by_variable[term.variable],
                    f"{prefix}infinite": bool(model.infinite[j]),
                }
                for j, term in enumerate(model.term_details)
            ]
        return frame.merge(pd.DataFrame(rows), on=["variable", "level"], how="left")


def cox_table(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    predictors: pd.DataFrame | npt.ArrayLike,
    *,
    event_value: Any = None,
    univariable: bool = True,
    multivariable: bool | Sequence[str] = True,
    select_below: float | None = None,
    reference: Mapping[str, Any] | None = None,
    strata: npt.ArrayLike | None = None,
    ties: str = "efron",
    interval: str = "wald",
    confidence_level: float = 0.95,
    missing: str = "raise",
) -> CoxTable:
    """Univariable and multivariable Cox regression: hazard ratios, intervals, tests, variance inflation.

    Parameters
    ----------
    time, event, event_value
        As in `kaplan_meier`.
    predictors : DataFrame or array-like of shape (n, p)
        Numeric and bool columns count per unit; strings and Categoricals as contrasts against a reference level.
    univariable : bool
        Fit each variable by itself.
    multivariable : bool or sequence of str
        Fit all variables, none, or those named.
    select_below : float, optional
        Enter into the multivariable model only variables whose univariable likelihood-ratio p lies below it. Common in
        papers, though it biases estimates and intervals (Heinze et al. 2018): internal validation must repeat it.
    reference : mapping, optional
        Reference level by variable; also makes a numeric column categorical. Default: the first level in order.
    strata : array-like of shape (n,), optional
        Labels of strata, each with a baseline hazard of its own, as of centres or of a variable whose hazards are not
        proportional.
    ties : {"efron", "breslow"}
        How events at one time share the likelihood. Efron's is closer to the truth where ties are many.
    interval : {"wald", "profile"}
        Of the hazard ratios in the frame; the p values stand by the same likelihood.
    confidence_level : float
        Of these intervals.
    missing : {"raise", "drop"}
        With drop, rows that lack any predictor leave every model, so that all describe the same patients.

    Returns
    -------
    CoxTable
        Its models offer `concordance`, `proportional_hazards`, `baseline_survival` and intervals of other kinds. A
        coefficient in which the likelihood is monotone (all events in one group) is infinite and is so marked, with a
        `SeparationWarning`; the others keep their estimates.

    Raises
    ------
    ValueError
        Bad times or events, no event, missing values, variables that do not vary (at the events, within strata) or are
        collinear, or no variable selected.

    Notes
    -----
    Equals survival::coxph. A time is tied only where it is equal to the last bit: round times that were computed.

    References
    ----------
    Cox (1972), doi 10.1111/j.2517-6161.1972.tb00899.x. Efron (1977), doi 10.1080/01621459.1977.10480613. Monotone likelihood:
    Heinze and Schemper (2001), doi 10.1111/j.0006-341X.2001.00114.x. Heinze et al. (2018), doi 10.1002/bimj.201700067.

    Examples
    --------
    >>> import pandas as pd
    >>> from vcfstats import cox_table
    >>> data = pd.DataFrame({"age": [50, 61, 43, 70, 66, 58, 49, 72], "sex": list("fmfmmffm")})
    >>> table = cox_table([5, 8, 3, 9, 2, 7, 6, 4], [1, 1, 1, 0, 1, 0, 1, 1], data)
    >>> table.to_frame()[["variable", "level", "univariable_hr", "multivariable_hr"]].round(2)
      variable level  univariable_hr  multivariable_hr
    0      age  None            0.96              0.90
    1      sex     m            0.76              3.52
    """
    level = check_level(confidence_level)
    as_flag(univariable, "univariable")
    check_choice(ties, ("efron", "breslow"), name="ties")
    check_choice(interval, ("wald", "profile"), name="interval")
    check_choice(missing, ("raise", "drop"), name="missing")
    check_alignment(time=time, event=event, predictors=predictors, strata=strata)
    times, happened = as_survival(time, event, event_value=event_value)
    n = len(times)
    codes, names = as_named_labels(np.zeros(n) if strata is None else strata, n, name="strata")
    frame = read_columns(as_frame(predictors, n), reference)
    if select_below is not None and not 0 < as_number(select_below, "select_below") <= 1:
        raise ValueError(f"select_below must be a p value, above 0 and at most 1; got {select_below!r}.")
    if multivariable is False:
        refuse_unused("with multivariable=False", select_below=select_below)
    keep = complete_rows(frame, missing)
    if not keep.any():
        raise ValueError("predictors: every row lacks a value; nothing is left.")
    if not keep.all():
        times, happened = times[keep], happened[keep]
        kept, codes = np.unique(codes[keep], return_inverse=True)
        names = tuple(names[code] for code in kept)
    data = cox_data(times, happened, codes, names, ties)
    design = build_design(frame.loc[keep], reference)
    singles: tuple[CoxModel, ...] = ()
    if univariable or select_below is not None:
        singles = tuple(fit_model(data, design.only((name,))) for name in design.variables)
    joint = None
    chosen = chosen_variables(design, multivariable, select_below, singles)
    if chosen:
        joint = fit_model(data, design.only(chosen))
    models = [*singles, *([joint] if joint is not None else [])]
    _warn_of_infinite(models)
    warn_of_units(design, [(m.term_details, m.coef) for m in models], "hazard ratio")
    return CoxTable(
        univariable=singles if univariable else (),
        multivariable=joint,
        interval=interval,
        confidence_level=level,
        n=len(times),
        n_events=int(happened.sum()),
        n_dropped=int((~keep).sum()),
        _design=design,
    )


def _warn_of_infinite(models: list[CoxModel]) -> None:
    names = dict.fromkeys(t for m in models for t, is_infinite in zip(m.terms, m.infinite, strict=True) if is_infinite)
    if names:
        warnings.warn(
            f"{', '.join(names)}: the likelihood is monotone (as where all events lie in one group), so that no finite hazard ratio"
            " exists; interval='profile' keeps one finite limit.",
            SeparationWarning,
            stacklevel=3,
        )
