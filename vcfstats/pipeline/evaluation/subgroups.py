"""Discrimination within levels of the covariates, with counts; of too few events nothing is estimated."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from vcfstats import roc_auc
from vcfstats.contracts.numbers import plainly
from vcfstats.contracts.study import TABLES
from vcfstats.pipeline.evaluation.models import LABELS
from vcfstats.pipeline.evaluation.performance import remarks
from vcfstats.pipeline.params import Params

KINDS = ("out_of_fold", "testing")


def subgroups(cohort: pd.DataFrame, predictions: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Return the AUC of the headline models by level of each covariate, on patients that a model was not fitted on.

    A continuous covariate is cut at its median among the training cases. A level with fewer events or non-events than
    `evaluation.subgroup_minimum` has its counts and no AUC. Levels are described, not tested: a study of this kind is not
    planned for them.
    """
    settings = params.evaluation
    shown = predictions[predictions["model"].isin(LABELS) & predictions["kind"].isin(KINDS)]
    levels = list(_levels(cohort, params))
    rows = []
    for kind in KINDS:
        for model in LABELS:
            own = shown[(shown["kind"] == kind) & (shown["model"] == model)].set_index("case_id")
            if own.empty:
                continue
            for variable, level, members in levels:
                part = own[own.index.isin(members)]
                events = int(part["outcome"].sum())
                fewest = min(events, len(part) - events)
                auc, low, high, remark = float("nan"), float("nan"), float("nan"), ""
                if fewest < settings.subgroup_minimum:
                    remark = "too few events" if events <= len(part) - events else "too few non-events"
                else:
                    with remarks():  # an interval without width is printed as none
                        found = roc_auc(part["outcome"], part["probability"])
                        auc = found.auc
                        low, high = found.confidence_interval(settings.confidence_level, method=settings.auc_interval)
                rows.append((variable, level, kind, model, len(part), events, auc, low, high, remark))
    return pd.DataFrame(rows, columns=list(TABLES["subgroups"]))


def _levels(cohort: pd.DataFrame, params: Params) -> Iterator[tuple[str, str, pd.Index]]:
    """Yield variable, level and the cases of that level; first of all, everybody."""
    yield "All cases", "", cohort.index
    for name, covariate in params.cohort.covariates.items():
        values = cohort[name]
        if covariate.type == "continuous":
            cut = float(values[cohort["partition"] == "training"].median())
            if math.isnan(cut):
                continue
            unit = f" {covariate.unit}" if covariate.unit else ""
            yield covariate.label, f"below {plainly(cut)}{unit}", cohort.index[values < cut]
            yield covariate.label, f"{plainly(cut)}{unit} or more", cohort.index[values >= cut]
            continue
        for code, label in covariate.levels.items():
            yield covariate.label, label, cohort.index[values == code]
