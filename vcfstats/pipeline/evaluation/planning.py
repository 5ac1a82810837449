"""Whether there were enough patients: events per candidate parameter, and the least numbers that publications ask for."""

from __future__ import annotations

import math

import pandas as pd

from vcfstats import sample_size_binary, sample_size_validation
from vcfstats.contracts.records import Records
from vcfstats.contracts.study import TABLES
from vcfstats.pipeline.evaluation.models import FEATURE_SETS
from vcfstats.pipeline.params import Covariate, Params


def sample_sizes(
    cohort: pd.DataFrame, matrices: dict[str, list[str]], params: Params, records: Records
) -> pd.DataFrame:
    """Return events per candidate parameter and the least numbers of cases, beside those at hand.

    Development, one row a feature set: all parameters that entered its selection count, by Riley et al. (2020), with the
    share of Nagelkerke's R2 that params anticipate and the training set's prevalence. Internal testing, one row a
    criterion: intervals of the widths of Riley et al. (2021), with the out-of-fold AUC of the primary comparison's first
    model.

    Parameters
    ----------
    cohort : DataFrame
        Columns partition and outcome.
    matrices : dict
        "radiomics" and "deep" -> features.
    params : Params
        The study's.
    records : dict
        Results, for the anticipated AUC.
    """
    training, testing = (cohort[cohort["partition"] == name] for name in ("training", "testing"))
    n, events = len(training), int(training["outcome"].sum())
    prevalence = events / n if n else math.nan
    if not 0 < prevalence < 1:
        return pd.DataFrame(columns=list(TABLES["sample_size"]))
    images = {"radiomics": len(matrices["radiomics"]), "fused": len(matrices["radiomics"]) + len(matrices["deep"])}
    candidates = {"clinical": sum(map(_parameters, params.cohort.covariates.values())), **images}
    rows: list[tuple[object, ...]] = []
    for name, count in candidates.items():
        if not count or name not in FEATURE_SETS or (name == "fused" and not matrices["deep"]):
            continue
        needed = sample_size_binary(
            n_parameters=count, prevalence=prevalence, r2_nagelkerke=params.evaluation.anticipated_r2
        )
        deciding = needed.criteria[needed.sizes.index(needed.n)]
        rows.append(
            ("development", FEATURE_SETS[name], count, n, events, events / count, needed.n, _ceil(needed.n_events), deciding)
        )  # fmt: skip
    auc = records.get(f"out_of_fold/{params.evaluation.primary_comparison[0]}/auc")
    if auc is not None and isinstance(auc.value, float) and 0.5 < auc.value < 1 and len(testing):
        found = sample_size_validation(prevalence=prevalence, c_statistic=auc.value)
        at_hand = (len(testing), int(testing["outcome"].sum()))
        for criterion, size, width in zip(found.criteria, found.sizes, found.widths, strict=True):
            wanted = f"{criterion}, interval of width {width:g}"
            rows.append(("testing", wanted, math.nan, *at_hand, math.nan, size, _ceil(size * prevalence), criterion))
    return pd.DataFrame(rows, columns=list(TABLES["sample_size"]))


def _parameters(covariate: Covariate) -> int:
    return 1 if covariate.type == "continuous" else len(covariate.levels) - 1


def _ceil(value: float) -> int:
    return math.ceil(value - 1e-9)
