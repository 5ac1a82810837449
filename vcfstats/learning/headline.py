"""The headline models that are not one of the eight classifiers: clinical, the network's own, the nomogram."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vcfstats.learning.clinical import Findings
from vcfstats.learning.crossfit import best_known, described, pair, pooled_auc, rows_in, run_tasks, tells_nothing
from vcfstats.learning.deephead import DeepHead, HeadTask, fit_heads, slices_of
from vcfstats.learning.featuresets import clinical_cases
from vcfstats.learning.fusion import OUTPUT, Fusion, fuse, leaves_nothing
from vcfstats.learning.pooled import averaged, each_probability
from vcfstats.learning.tuning import CrossFitted, FeatureSet, FinalFit
from vcfstats.learning.work import Work


def headline_clinical(work: Work, findings: Findings) -> None:
    """Add the probabilities of the clinical logistic model, its screening repeated in every fold."""
    if () not in work.clinical:
        return
    cases = clinical_cases(work, findings)
    whole = work.clinical[()]
    if whole.model is None:
        work.give_up("clinical", whole.failed or f"no finding was left by rule {work.settings.clinical.predictors!r}")
        return
    model = whole.model
    m = whole.imputer.n_imputations if whole.imputer is not None else 1
    out_of_fold = np.full((m, len(cases.outcome)), np.nan)
    without: list[int] = []
    for k in work.given.folds:
        fit, outside = work.clinical[k,], cases.fold == k
        if fit.model is None:
            without.append(k)
            out_of_fold[:, outside] = cases.outcome.mean()  # ties over folds, see `tells_nothing`
        else:
            out_of_fold[:, outside] = each_probability(fit.model, fit.complete(cases.training[outside]))
    if without:
        work.note(
            "clinical",
            f"no finding was left, or none could be fitted, without fold {', '.join(map(str, without))}: the prevalence of all training cases is the out-of-fold probability there",
        )
    separated = [
        described(rows) for rows, fit in work.clinical.items() if len(rows) < 2 and fit.model and fit.model.separated
    ]
    if separated:
        work.note(
            "clinical",
            f"findings separate events from non-events in these fits, which are Firth's: {'; '.join(separated)}",
        )
    each = {
        "out_of_fold": out_of_fold,
        "apparent": each_probability(model, whole.complete(cases.training)),
        "testing": each_probability(model, whole.complete(cases.testing)),
    }
    work.add("clinical", cases, *(averaged(values) for values in each.values()))
    work.add_imputed("clinical", cases, each)


def headline_deep(work: Work) -> DeepHead:
    """Fit the network's head, its penalty tuned (within every fold, where that is nested), and add its probabilities."""
    given, settings = work.given, work.settings.deep_head
    deep = given.matrices["deep"]
    slices, units = slices_of(deep.loc[given.training.index])
    tested, _ = slices_of(deep.loc[given.testing.index])
    keys = work.held_out
    tasks = []
    for held_out in keys:
        rows = rows_in(given.fold, held_out)
        score = slices[~rows] if held_out else np.concatenate([slices, tested])
        tasks.append(HeadTask(slices[rows], given.outcome[rows], score, settings.C, units, settings.slices))
    results = dict(
        zip(
            keys,
            run_tasks(fit_heads, tasks, workers=work.workers, label=work.label("fit the network's head"), unit="fits"),
            strict=True,
        )
    )
    n, m = len(given.outcome), len(settings.C)
    probability = np.full((m, n), np.nan)
    for k in given.folds:
        scored = results[k,][0]
        probability[:, given.fold == k] = np.where(tells_nothing(scored), given.outcome.mean(), scored)
    at = best_known([pooled_auc(given.outcome, probability[i]) for i in range(m)])
    learned_from = probability[at]
    out_of_fold = learned_from.copy()
    for k in given.folds if work.settings.folds.nested else ():
        inner = np.full((m, n), np.nan)
        for j in given.folds:
            if j != k:
                held = np.isin(given.fold, (j, k))
                scored = results[pair(k, j)][0][:, given.fold[held] == j]
                inner[:, given.fold == j] = np.where(
                    tells_nothing(scored), given.outcome[given.fold != k].mean(), scored
                )
        inside = given.fold != k
        within = best_known([pooled_auc(given.outcome[inside], inner[i, inside]) for i in range(m)])
        out_of_fold[given.fold == k] = probability[within, given.fold == k]
    scored, heads, remarks = results[()]
    if remarks[at]:
        work.note("dl", remarks[at])
    cases = FeatureSet(
        "deep",
        deep.loc[given.training.index],
        deep.loc[given.testing.index],
        given.outcome,
        given.patients,
        given.fold,
        {},
    )
    work.add("dl", cases, out_of_fold, scored[at][:n], scored[at][n:], learned_from=learned_from)
    return heads[at]


def headline_network(work: Work) -> DeepHead:
    """Add the probabilities of the trained networks' own layer: of each fold by a network that never saw it."""
    given, networks = work.given, work.given.networks
    deep = given.matrices["deep"]
    training, _ = slices_of(deep.loc[given.training.index])
    tested, _ = slices_of(deep.loc[given.testing.index])
    whole = networks.heads[()]
    apparent = whole.predict(training)
    out_of_fold = apparent.copy()
    for k in given.folds if networks.cross_fitted else ():
        outside = given.fold == k
        slices, _ = slices_of(networks.features((k,), deep.loc[given.training.index])[outside])
        out_of_fold[outside] = networks.heads[k,].predict(slices)
    if not networks.cross_fitted:
        for model in ("dl", "dlr", "dlrn"):
            work.note(
                model,
                "the network was trained on the very patients that its out-of-fold probabilities are of: selection and "
                "classifiers were refitted in every fold, the network was not, so that these probabilities are too good",
            )
    cases = FeatureSet(
        "deep",
        deep.loc[given.training.index],
        deep.loc[given.testing.index],
        given.outcome,
        given.patients,
        given.fold,
        {},
    )
    work.add("dl", cases, out_of_fold, apparent, whole.predict(tested) if len(tested) else apparent[:0])
    return whole


def headline_nomogram(
    work: Work,
    findings: Findings | None,
    life: CrossFitted | None,
    final: Mapping[tuple[str, str], FinalFit],
    chosen: Mapping[str, str],
) -> Fusion | None:
    """Fit the nomogram model where there are a fused model and clinical predictors, and add its probabilities.

    `life` is the fused model's, tuned within the folds where the nomogram model is fitted to such probabilities.
    """
    whole = work.clinical.get(())
    if life is None or findings is None or whole is None or whole.model is None:
        work.give_up("dlrn", "there is no fused model" if life is None else "there is no clinical predictor")
        return None
    given = work.given
    key = ("fused", chosen["fused"])
    cases = clinical_cases(work, findings)
    known = given.training.index.isin(cases.training.index)
    tested = given.testing.index.isin(cases.testing.index)
    seen = CrossFitted(
        life.point,
        life.out_of_fold[known],
        life.learned_from[known],
        {k: values[known] for k, values in life.inner.items()},
        {k: values[known] for k, values in life.resubstituted.items()},
        life.inner_auc,
        life.auc,
    )
    try:
        fusion = fuse(
            seen,
            final[key].apparent[known],
            final[key].testing[tested],
            (cases.training.index, cases.testing.index),
            cases.outcome,
            cases.fold,
            findings,
            work.clinical,
            work.settings.fusion,
        )
    except ValueError as error:  # as of the clinical model
        work.give_up("dlrn", f"its regression could not be fitted: {error}")
        return None
    if leaves_nothing(fusion.model):
        work.give_up(
            "dlrn",
            f"the likelihood-ratio chi-square of its {len(fusion.model.terms)} predictors together is no larger than as many of noise would have: shrinkage leaves none",
        )
        return None
    if work.settings.fusion.input == "resubstituted":
        work.note(
            "dlrn",
            "its coefficients were fitted on the fused model's probabilities of its own training patients, which overweights that model",
        )
    repeated = "selection, tuning, screening" if life.inner else "selection, screening"
    work.note(
        "dlrn",
        f"its out-of-fold probabilities repeat {repeated} and the fit of the nomogram in every fold; the choice of the fused model's classifier, "
        "and the tuning of the models that score the other folds, were not repeated within them",
    )
    if all(term.variable != OUTPUT for term in fusion.model.terms):
        work.note(
            "dlrn",
            "the fused model's output tells nothing beside the findings (one value for everybody, or a linear combination of them) and is not among its predictors",
        )
    if fusion.model.separated:
        work.note("dlrn", "its predictors separate events from non-events: fitted by Firth's method")
    if (
        work.settings.fusion.input == "resubstituted"
    ):  # what the nomogram model was fitted to, in place of what else learns
        work.nomogram_input = pd.Series(fusion.learned_from, index=cases.training.index)
    work.add("dlrn", cases, fusion.out_of_fold, fusion.apparent, fusion.testing, feature_set="fused+clinical")
    work.add_imputed("dlrn", cases, fusion.each)
    return fusion
