"""Everything between the feature matrices and the table of probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from vcfstats.contracts.predictions import KEY, PREDICTIONS, predictions_of
from vcfstats.learning.classifiers import grid_points
from vcfstats.learning.clinical import ClinicalFit, Covariate, Findings, code_findings, fit_clinical
from vcfstats.learning.crossfit import HeldOut, best, described, held_out_sets, pair, pooled_auc, rows_in, run_tasks
from vcfstats.learning.deephead import DeepHead, HeadTask, fit_heads, slices_of
from vcfstats.learning.fusion import Fusion, fuse
from vcfstats.learning.inputs import Inputs, check_inputs
from vcfstats.learning.learned import Learned, Note
from vcfstats.learning.prepared import Prepared
from vcfstats.learning.selection import Reliability, Selection, select_features
from vcfstats.learning.settings import LearningSettings, SelectionSettings
from vcfstats.learning.thresholds import choose_threshold
from vcfstats.learning.tuning import CrossFitted, FeatureSet, FinalFit, Seeds, cross_fit, fit_final
from vcfstats.statistics.inputs import FloatArray

# Headline model -> the feature set whose best classifier it is.
BEST_OF = {"rad": "radiomics", "dlr": "fused"}
HEADLINE = ("clinical", "rad", "dl", "dlr", "dlrn")


def learn(
    cohort: pd.DataFrame,
    matrices: Mapping[str, pd.DataFrame],
    settings: LearningSettings,
    seeds: Seeds,
    *,
    workers: int,
    covariates: Mapping[str, Covariate] | None = None,
    agreement: Mapping[str, float] | None = None,
    reliability: Mapping[str, Reliability] | None = None,
) -> Learned:
    """Select features, tune and fit every model on training patients, then score training and testing patients.

    Nothing is fitted, chosen or standardised with a testing patient. Supervised steps (screening, selection, tuning) are
    repeated within every fold of the out-of-fold probabilities. The reliability filter and the readers' agreement, which
    know no outcome, are taken as given.

    Parameters
    ----------
    cohort : DataFrame
        Index case_id: ``patient_id, partition`` (training, testing), ``fold`` (0 ... K - 1 of training cases, missing for
        others), ``outcome`` (0/1) and the covariates.
    matrices : mapping
        ``radiomics`` and, where there are deep features, ``deep`` (columns DL_k, DL_k.1, DL_k.2): index case_id, finite.
    settings : LearningSettings
        Every decision.
    seeds : callable
        Purpose -> SeedSequence.
    workers : int
        Processes; no number depends on it.
    covariates : mapping, optional
        Clinical finding -> type and levels (reference first); the column of `cohort` has its name.
    agreement : mapping, optional
        Finding that two readers read -> their kappa.
    reliability : mapping, optional
        Matrix -> result of `reliable_features` on training patients' repeated regions.

    Returns
    -------
    Learned

    Raises
    ------
    InputError
        Cases without features, folds that do not match the settings, an outcome of one class.
    """
    given = check_inputs(cohort, matrices, settings, covariates or {})
    work = _Work(given, settings, seeds, workers)
    if "deep" not in given.matrices:
        work.note(
            "deep", "there are no deep features: the network's model, the fused models and the nomogram were not fitted"
        )
    applied = _applied_reliability(work, reliability or {})
    sets = _image_sets(work, applied)
    findings = _clinical_findings(work, covariates or {}, agreement or {})
    if findings is not None:
        sets = [*_clinical_set(work, findings), *sets]
    fitted, tuning, failed = cross_fit(
        sets, {name: grid_points(grid) for name, grid in settings.classifiers.grids().items()}, seeds, workers=workers
    )
    for (feature_set, classifier), why in failed.items():
        work.note(f"{feature_set}.{classifier}", f"the classifier was not fitted: {why}")
    final = fit_final(sets, fitted, seeds, workers=workers)
    chosen = _choose_classifiers(sets, fitted)
    repeated = {
        given_set.name: _auc_with_choice_repeated(given_set, fitted) for given_set in sets if given_set.name in chosen
    }
    by_name = {given_set.name: given_set for given_set in sets}
    for (feature_set, classifier), fit in final.items():
        work.add(
            f"{feature_set}.{classifier}",
            by_name[feature_set],
            fitted[feature_set, classifier].out_of_fold,
            fit.apparent,
            fit.testing,
        )

    if findings is not None:
        _headline_clinical(work, findings)
    for model, feature_set in BEST_OF.items():
        if feature_set in chosen:
            key = (feature_set, chosen[feature_set])
            work.add(model, by_name[feature_set], fitted[key].out_of_fold, final[key].apparent, final[key].testing)
        elif feature_set in by_name:
            work.note(model, f"no classifier of the {feature_set} features could be fitted")
    head = _deep_head(work) if "deep" in given.matrices else None
    fusion = _nomogram(work, findings, fitted, final, chosen)

    predictions = (
        PREDICTIONS.validate(pd.concat(work.rows).sort_values(KEY, ignore_index=True))
        if work.rows
        else _no_predictions()
    )
    return Learned(
        predictions=predictions,
        thresholds=_thresholds(predictions, settings),
        classifiers=_ranking(fitted, failed, final, chosen),
        tuning=tuning,
        chosen=chosen,
        auc_choice_repeated=repeated,
        selections=work.selections,
        reliability=applied,
        findings=findings,
        clinical=work.clinical,
        deep_head=head,
        dlrn=fusion.model if fusion else None,
        final=final,
        notes=tuple(work.notes),
    )


@dataclass
class _Work:
    """What accumulates while a study is learned."""

    given: Inputs
    settings: LearningSettings
    seeds: Seeds
    workers: int
    rows: list[pd.DataFrame] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    selections: dict[str, dict[HeldOut, Selection]] = field(default_factory=dict)
    clinical: dict[HeldOut, ClinicalFit] = field(default_factory=dict)

    def note(self, subject: str, text: str) -> None:
        self.notes.append(Note(subject, text))

    def add(
        self,
        model: str,
        cases: FeatureSet,
        out_of_fold: FloatArray,
        apparent: FloatArray,
        testing: FloatArray,
        *,
        feature_set: str | None = None,
    ) -> None:
        """Add a model's rows to the predictions."""
        said: dict[str, Any] = {"feature_set": feature_set or cases.name, "model": model}
        training, tested = self.given.training, self.given.testing
        inside, outside = cases.training.index, cases.testing.index
        self.rows += [
            predictions_of(training, pd.Series(apparent, index=inside), kind="apparent", **said),
            predictions_of(
                training, pd.Series(out_of_fold, index=inside), kind="out_of_fold", fold=training["fold"], **said
            ),
            predictions_of(tested, pd.Series(testing, index=outside), kind="testing", **said),
        ]


def _no_predictions() -> pd.DataFrame:
    return PREDICTIONS.validate(
        pd.DataFrame({name: pd.Series(dtype=column.dtype.type) for name, column in PREDICTIONS.columns.items()})
    )


def _applied_reliability(work: _Work, reliability: Mapping[str, Reliability]) -> dict[str, Reliability]:
    """Return the filters that are applied, and note those that are not."""
    wanted = ["radiomics", *(["deep"] if work.settings.reliability.deep and "deep" in work.given.matrices else [])]
    for name in wanted:
        if name not in reliability:
            work.note(name, "there are no repeated regions: features were not filtered by reproducibility")
    return {name: reliability[name] for name in wanted if name in reliability}


@dataclass(frozen=True)
class _SelectionTask:
    features: pd.DataFrame
    outcome: np.ndarray
    patients: np.ndarray
    settings: SelectionSettings
    seed: np.random.SeedSequence
    unreliable: dict[str, str] | None


def _select(task: _SelectionTask) -> Selection:
    return select_features(
        task.features, task.outcome, task.patients, task.settings, task.seed, unreliable=task.unreliable
    )


def _image_sets(work: _Work, reliability: Mapping[str, Reliability]) -> list[FeatureSet]:
    """Select features of radiomics and of radiomics with deep features, on all training cases and without each fold and pair."""
    given = work.given
    frames = {"radiomics": (("radiomics",), given.matrices["radiomics"])}
    if "deep" in given.matrices:
        frames["fused"] = (
            ("radiomics", "deep"),
            pd.concat([given.matrices["radiomics"], given.matrices["deep"]], axis=1),
        )
    keys = [(name, held_out) for name in frames for held_out in held_out_sets(given.folds)]
    tasks = []
    for name, held_out in keys:
        parts, frame = frames[name]
        filters = [reliability[part].dropped for part in parts if part in reliability]
        rows = rows_in(given.fold, held_out)
        tasks.append(
            _SelectionTask(
                features=frame.loc[given.training.index[rows]],
                outcome=given.outcome[rows],
                patients=given.patients[rows],
                settings=work.settings.selection,
                seed=work.seeds(f"learn/{name}/selection/{described(held_out)}"),
                unreliable={key: why for dropped in filters for key, why in dropped.items()} if filters else None,
            )
        )
    for (name, held_out), selection in zip(
        keys, run_tasks(_select, tasks, workers=work.workers, label="select features", unit="selections"), strict=True
    ):
        work.selections.setdefault(name, {})[held_out] = selection
    sets = []
    for name, (_, frame) in frames.items():
        prepared = {held_out: selection.prepared for held_out, selection in work.selections[name].items()}
        if _noted_if_empty(work, name, prepared):
            continue
        sets.append(
            FeatureSet(
                name,
                frame.loc[given.training.index],
                frame.loc[given.testing.index],
                given.outcome,
                given.patients,
                given.fold,
                prepared,
            )
        )
    return sets


def _noted_if_empty(work: _Work, name: str, prepared: Mapping[HeldOut, Prepared]) -> bool:
    """Note a feature set of which nothing was left, on all training cases (no model) or without some folds (prevalence)."""
    if prepared[()].reason:
        work.note(name, f"{prepared[()].reason}: no model was fitted")
        return True
    empty = [held_out for held_out, part in prepared.items() if not part.features]
    if empty:
        work.note(
            name,
            f"{len(empty)} of {len(prepared) - 1} refits without one or two folds had no feature left ({described(empty[0])}: {prepared[empty[0]].reason}); "
            "there the prevalence of their training cases is the out-of-fold probability",
        )
    return False


def _clinical_findings(
    work: _Work, covariates: Mapping[str, Covariate], agreement: Mapping[str, float]
) -> Findings | None:
    """Code the findings, on the cases that have them; None, with a note, where there are none."""
    if not covariates:
        work.note("clinical", "the cohort has no clinical findings: no clinical model and no nomogram were fitted")
        return None
    settings = work.settings.clinical
    everyone = pd.concat([work.given.training, work.given.testing])
    findings = code_findings(everyone, covariates, agreement, settings)
    for name, why in findings.dropped.items():
        work.note("clinical", f"{name} does not enter: {why}")
    if not findings.columns:
        work.note("clinical", "no clinical finding was left: no clinical model and no nomogram were fitted")
        return None
    incomplete = findings.design.isna().any(axis=1)
    if incomplete.any() and settings.missing == "complete_case":
        findings = Findings(findings.design[~incomplete], findings.columns, findings.dropped)
        counts = {
            side: int(incomplete.loc[part.index].sum())
            for side, part in (("training", work.given.training), ("testing", work.given.testing))
        }
        work.note(
            "clinical",
            f"{counts['training']} training and {counts['testing']} testing cases lack a finding and have no clinical and no nomogram probability",
        )
    elif incomplete.any():
        work.note(
            "clinical",
            f"{int(incomplete.sum())} cases lack a finding; it was filled by the training patients' median or commonest level",
        )
    return findings


def _clinical_set(work: _Work, findings: Findings) -> list[FeatureSet]:
    """Fit the clinical model on all training cases and without each fold and pair; return what the classifiers see."""
    given = work.given
    known = given.training.index.isin(findings.design.index)
    cases, outcome, patients, fold = (
        given.training.index[known],
        given.outcome[known],
        given.patients[known],
        given.fold[known],
    )
    if min(outcome.sum(), len(outcome) - outcome.sum()) < 2 or len(np.unique(fold)) < len(given.folds):
        work.note(
            "clinical",
            f"{int(outcome.sum())} events among {len(outcome)} training cases with all findings are too few: no model was fitted",
        )
        return []
    for held_out in held_out_sets(given.folds):
        rows = rows_in(fold, held_out)
        work.clinical[held_out] = fit_clinical(
            findings, cases[rows], outcome[rows], work.settings.clinical, ddof=work.settings.selection.sd_ddof
        )
    prepared = {held_out: fit.prepared for held_out, fit in work.clinical.items()}
    if _noted_if_empty(work, "clinical", prepared):
        return []
    tested = given.testing.index[given.testing.index.isin(findings.design.index)]
    return [
        FeatureSet(
            "clinical", findings.design.loc[cases], findings.design.loc[tested], outcome, patients, fold, prepared
        )
    ]


def _clinical_cases(work: _Work, findings: Findings) -> FeatureSet:
    """Return the cases with clinical findings, for the models that need these."""
    given = work.given
    known = given.training.index.isin(findings.design.index)
    cases = given.training.index[known]
    tested = given.testing.index[given.testing.index.isin(findings.design.index)]
    return FeatureSet(
        "clinical",
        findings.design.loc[cases],
        findings.design.loc[tested],
        given.outcome[known],
        given.patients[known],
        given.fold[known],
        {},
    )


def _headline_clinical(work: _Work, findings: Findings) -> None:
    if () not in work.clinical:
        return
    cases = _clinical_cases(work, findings)
    whole = work.clinical[()]
    if whole.model is None:
        work.note(
            "clinical",
            f"no finding was left by rule {work.settings.clinical.predictors}: the clinical logistic model was not fitted",
        )
        return
    out_of_fold = np.full(len(cases.outcome), np.nan)
    without: list[int] = []
    for k in work.given.folds:
        fit, outside = work.clinical[k,], cases.fold == k
        if fit.model is None:
            without.append(k)
            out_of_fold[outside] = cases.outcome[~outside].mean()
        else:
            out_of_fold[outside] = fit.model.predict(fit.filled(cases.training[outside]))
    if without:
        work.note(
            "clinical",
            f"no finding was left without fold {', '.join(map(str, without))}: the prevalence is the out-of-fold probability there",
        )
    separated = [
        described(rows)
        for rows, fit in work.clinical.items()
        if len(rows) < 2 and fit.model and fit.model.method == "Firth"
    ]
    if separated:
        work.note(
            "clinical",
            f"findings separate events from non-events in {', '.join(separated)}: fitted there by Firth's method",
        )
    model = whole.model
    work.add(
        "clinical",
        cases,
        out_of_fold,
        model.predict(whole.filled(cases.training)),
        model.predict(whole.filled(cases.testing)),
    )


def _choose_classifiers(sets: list[FeatureSet], fitted: Mapping[tuple[str, str], CrossFitted]) -> dict[str, str]:
    """Return the classifier with the largest out-of-fold AUC of each feature set; of equals the first in order."""
    chosen = {}
    for given in sets:
        lives = {classifier: life for (name, classifier), life in fitted.items() if name == given.name}
        at = best([life.auc for life in lives.values()])
        if at is not None:
            chosen[given.name] = list(lives)[at]
    return chosen


def _auc_with_choice_repeated(given: FeatureSet, fitted: Mapping[tuple[str, str], CrossFitted]) -> float:
    """Out-of-fold AUC where each fold is scored by the classifier that was best on the other folds."""
    lives = [life for (name, _), life in fitted.items() if name == given.name]
    probability = np.full(len(given.outcome), np.nan)
    for k in np.unique(given.fold).tolist():
        at = best([life.inner_auc[k] for life in lives])
        if at is not None:
            probability[given.fold == k] = lives[at].out_of_fold[given.fold == k]
    return pooled_auc(given.outcome, probability)


def _deep_head(work: _Work) -> DeepHead:
    """Fit the network's head, its penalty tuned within every fold, and add its probabilities."""
    given, settings = work.given, work.settings.deep_head
    deep = given.matrices["deep"]
    slices, units = slices_of(deep.loc[given.training.index])
    tested, _ = slices_of(deep.loc[given.testing.index])
    keys = held_out_sets(given.folds)
    tasks = []
    for held_out in keys:
        rows = rows_in(given.fold, held_out)
        score = slices[~rows] if held_out else np.concatenate([slices, tested])
        tasks.append(HeadTask(slices[rows], given.outcome[rows], score, settings.C, units, settings.slices))
    results = dict(
        zip(
            keys,
            run_tasks(fit_heads, tasks, workers=work.workers, label="fit the network's head", unit="fits"),
            strict=True,
        )
    )
    n, m = len(given.outcome), len(settings.C)
    probability = np.full((m, n), np.nan)
    nested = np.full(n, np.nan)
    for k in given.folds:
        probability[:, given.fold == k] = results[k,][0]
        inner = np.full((m, n), np.nan)
        for j in given.folds:
            if j != k:
                held = np.isin(given.fold, (j, k))
                inner[:, given.fold == j] = results[pair(k, j)][0][:, given.fold[held] == j]
        inside = given.fold != k
        at = best([pooled_auc(given.outcome[inside], inner[i, inside]) for i in range(m)])
        assert at is not None  # both classes in every fold: checked with the inputs
        nested[given.fold == k] = probability[at, given.fold == k]
    at = best([pooled_auc(given.outcome, probability[i]) for i in range(m)])
    assert at is not None
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
    work.add("dl", cases, nested, scored[at][:n], scored[at][n:])
    return heads[at]


def _nomogram(
    work: _Work,
    findings: Findings | None,
    fitted: Mapping[tuple[str, str], CrossFitted],
    final: Mapping[tuple[str, str], FinalFit],
    chosen: Mapping[str, str],
) -> Fusion | None:
    """Fit the nomogram model where there are a fused model and clinical predictors, and add its probabilities."""
    whole = work.clinical.get(())
    if "fused" not in chosen or findings is None or whole is None or whole.model is None:
        missing = "a fused model" if "fused" not in chosen else "clinical predictors"
        work.note(
            "dlrn",
            f"there are no {missing.removeprefix('a ')}s: the nomogram was not fitted"
            if missing.startswith("a ")
            else f"there are no {missing}: the nomogram was not fitted",
        )
        return None
    given = work.given
    key = ("fused", chosen["fused"])
    cases = _clinical_cases(work, findings)
    known = given.training.index.isin(cases.training.index)
    tested = given.testing.index.isin(cases.testing.index)
    life = fitted[key]
    seen = CrossFitted(
        life.point,
        life.out_of_fold[known],
        {k: values[known] for k, values in life.inner.items()},
        {k: values[known] for k, values in life.resubstituted.items()},
        life.inner_auc,
        life.auc,
    )
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
    if work.settings.fusion.input == "resubstituted":
        work.note(
            "dlrn",
            "its coefficients were fitted on the fused model's probabilities of its own training patients, which overweights that model",
        )
    work.note(
        "dlrn",
        "its out-of-fold probabilities repeat selection, tuning, screening and the fit of the nomogram in every fold; the choice of the fused model's classifier, "
        "and the tuning of the models that score the other folds, were not repeated within them",
    )
    if fusion.model.method == "Firth":
        work.note("dlrn", "its predictors separate events from non-events: fitted by Firth's method")
    work.add("dlrn", cases, fusion.out_of_fold, fusion.apparent, fusion.testing, feature_set="fused+clinical")
    return fusion


def _thresholds(predictions: pd.DataFrame, settings: LearningSettings) -> dict[str, float]:
    rows = predictions[predictions["kind"] == "out_of_fold"]
    return {str(model): choose_threshold(part, settings.threshold) for model, part in rows.groupby("model", sort=True)}


def _ranking(
    fitted: Mapping[tuple[str, str], CrossFitted],
    failed: Mapping[tuple[str, str], str],
    final: Mapping[tuple[str, str], FinalFit],
    chosen: Mapping[str, str],
) -> pd.DataFrame:
    rows = [
        {
            "feature_set": name,
            "classifier": classifier,
            "point": str(life.point),
            "auc_out_of_fold": life.auc,
            "chosen": chosen.get(name) == classifier,
            "remark": final[name, classifier].remark,
        }
        for (name, classifier), life in fitted.items()
    ]
    rows += [
        {
            "feature_set": name,
            "classifier": classifier,
            "point": "",
            "auc_out_of_fold": float("nan"),
            "chosen": False,
            "remark": why,
        }
        for (name, classifier), why in failed.items()
    ]
    return pd.DataFrame(rows, columns=["feature_set", "classifier", "point", "auc_out_of_fold", "chosen", "remark"])
