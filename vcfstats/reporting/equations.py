"""The fitted models as equations that a reader can compute with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from vcfstats.reporting import values
from vcfstats.reporting.findings import cell
from vcfstats.reporting.study import Study
from vcfstats.reporting.values import Text, compose, join

_TIMES = "\N{MULTIPLICATION SIGN}"
_MOST = 12  # terms that an equation in running text may have


def score(study: Study, feature_set: str) -> Text:
    """Return the linear score of a feature set as an equation; of many terms the table holds the coefficients."""
    frame = study.rows("coefficients")
    own = frame[frame["feature_set"] == feature_set]
    key = f"model/{feature_set}/score_intercept"
    name = study.info.feature_sets.get(feature_set, feature_set)
    if own.empty or not study.has(key):
        return compose("Of the feature set {name} there is no linear score.", name=name)
    return compose(
        "The score of the feature set {name} is {intercept} plus the sum, over its {n} features, of coefficient {times} (value − mean) / "
        "standard deviation, with the numbers of the table; the score is no probability.",
        name=name, intercept=study.point(key), n=study.point(f"model/{feature_set}/n_features_kept"), times=_TIMES,
    )  # fmt: skip


def nomogram(study: Study) -> Text:
    """Return the logistic model behind the nomogram as an equation, a finding counting 1 where it has the level named, else 0."""
    frame = study.rows("nomogram_model")
    if frame.empty:
        return Text.of("The nomogram's model was not fitted.")
    if len(frame) > _MOST:
        return Text.of(
            "The table holds the coefficients: the log odds are the intercept plus the sum of coefficient times value."
        )
    terms = [_term(row, first=number == 0) for number, row in enumerate(frame.to_dict("records"))]
    return compose(
        "Log odds = {terms}, where a finding counts 1 if it has the level named and 0 if not; the probability is 1 / (1 + exp(−log odds)). "
        "In brackets: standard errors.",
        terms=join(terms),
    )


def _term(row: Mapping[Any, Any], *, first: bool) -> Text:
    name, value, error = str(row["term"]), float(row["coefficient"]), float(row["standard_error"])
    size = cell("nomogram_model", name, values.scaled(value if first else abs(value), 4))
    given = "" if pd.isna(error) else compose(" [{error}]", error=cell("nomogram_model", name, values.scaled(error, 4)))
    if first:
        return compose("{size}{given}", size=size, given=given)
    return compose(
        "{sign} {size}{given} {times} {name}",
        sign=values.MINUS if value < 0 else "+", size=size, given=given, times=_TIMES, name=name,
    )  # fmt: skip
