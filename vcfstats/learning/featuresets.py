"""The feature sets: images' features selected, clinical findings coded and screened, on every set of training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from vcfstats.learning.clinical import Covariate, Findings, code_findings, fit_clinical
from vcfstats.learning.crossfit import HeldOut, described, rows_in, run_tasks
from vcfstats.learning.prepared import Prepared
from vcfstats.learning.selection import Reliability, Selection, select_features
from vcfstats.learning.settings import SelectionSettings
from vcfstats.learning.tuning import FeatureSet
from vcfstats.learning.work import BEST_OF, Work


def applied_reliability(work: Work, reliability: Mapping[str, Reliability]) -> dict[str, Reliability]:
    """Return the filters of the matrices at hand, and note where radiomics have none."""
    if "radiomics" not in reliability:
        why = {
            "repeats": "there are no repeated regions",
            "perturbation": "no changed region was measured",
            "none": "none was asked for",
        }[work.settings.reliability.source]
        work.note("radiomics", f"{why}: features were not filtered by reproducibility")
    return {name: found for name, found in reliability.items() if name in work.given.matrices}


@dataclass(frozen=True)
class SelectionTask:
    """One selection: rows of a feature set, and what it is made with."""

    features: pd.DataFrame
    outcome: np.ndarray
    patients: np.ndarray
    settings: SelectionSettings
    seed: np.random.SeedSequence
    unreliable: dict[str, str] | None


def run_selection(task: SelectionTask) -> Selection:
    """Select the features of a task."""
    return select_features(
        task.features, task.outcome, task.patients, task.settings, task.seed, unreliable=task.unreliable
    )


def matrices_of(work: Work, context: pd.DataFrame | None) -> dict[str, tuple[tuple[str, ...], pd.DataFrame]]:
    """Return feature set of images -> the matrices that it is made of, and their columns side by side, the scanners' beside them."""
    given = work.given
    frames: dict[str, tuple[tuple[str, ...], pd.DataFrame]] = {
        "radiomics": (("radiomics",), given.matrices["radiomics"])
    }
    if "deep" in given.matrices:
        frames["fused"] = (
            ("radiomics", "deep"),
            pd.concat([given.matrices["radiomics"], given.matrices["deep"]], axis=1),
        )
    if context is None:
        return frames
    return {
        name: (parts, pd.concat([frame, context.loc[frame.index]], axis=1)) for name, (parts, frame) in frames.items()
    }


def unreliable_in(parts: Sequence[str], reliability: Mapping[str, Reliability]) -> dict[str, str] | None:
    """Return the features of these matrices that readers do not reproduce, and why; None where none was filtered."""
    filters = [reliability[part].dropped for part in parts if part in reliability]
    return {key: why for dropped in filters for key, why in dropped.items()} if filters else None


def image_sets(
    work: Work,
    reliability: Mapping[str, Reliability],
    context: pd.DataFrame | None = None,
    *,
    nomogram: bool = False,
) -> list[FeatureSet]:
    """Select features of radiomics and of radiomics with deep features, on all training cases and without each fold and pair.

    Where features are harmonised, `context` holds the scanners of the cases and goes beside their features. `nomogram`:
    whether the fused model is to enter one, which is fitted to probabilities of models tuned within the folds.
    """
    given = work.given
    frames = matrices_of(work, context)
    inside = given.training.index
    beside = [given.matrices["radiomics"].loc[inside], *([] if context is None else [context.loc[inside]])]
    by_network = {
        held_out: pd.concat([beside[0], matrix, *beside[1:]], axis=1)
        for held_out, matrix in given.networks.matrices.items()
    }
    keys = [(name, held_out) for name in frames for held_out in work.held_out_of(name, nomogram=nomogram)]
    tasks = []
    for name, held_out in keys:
        parts, _ = frames[name]
        frame = by_network[held_out] if name == "fused" and held_out in by_network else frames[name][1]
        rows = rows_in(given.fold, held_out)
        tasks.append(
            SelectionTask(
                features=frame.loc[given.training.index[rows]],
                outcome=given.outcome[rows],
                patients=given.patients[rows],
                settings=work.settings.selection,
                seed=work.seeds(f"learn/{name}/selection/{described(held_out)}"),
                unreliable=unreliable_in(parts, reliability),
            )
        )
    for (name, held_out), selection in zip(
        keys,
        run_tasks(run_selection, tasks, workers=work.workers, label=work.label("select features"), unit="selections"),
        strict=True,
    ):
        work.selections.setdefault(name, {})[held_out] = selection
    sets = []
    for name, (_, frame) in frames.items():
        prepared = {held_out: selection.prepared for held_out, selection in work.selections[name].items()}
        if prepared[()].reason:
            work.note(name, f"{prepared[()].reason}: no model was fitted")
            work.give_up(next(model for model, source in BEST_OF.items() if source == name), prepared[()].reason)
            continue
        _note_refits(work, name, prepared)
        sets.append(
            FeatureSet(
                name,
                frame.loc[given.training.index],
                frame.loc[given.testing.index],
                given.outcome,
                given.patients,
                given.fold,
                prepared,
                by_network if name == "fused" else {},
            )
        )
    return sets


def _note_refits(work: Work, name: str, prepared: Mapping[HeldOut, Prepared]) -> None:
    """Note without which folds nothing was left of a feature set."""
    empty = [held_out for held_out, part in prepared.items() if not part.features]
    if empty:
        work.note(
            name,
            f"{len(empty)} of {len(prepared) - 1} refits without one or two folds had no feature left ({described(empty[0])}: {prepared[empty[0]].reason}); "
            "there the prevalence of all training cases is the out-of-fold probability",
        )


def clinical_findings(
    work: Work, covariates: Mapping[str, Covariate], agreement: Mapping[str, float]
) -> Findings | None:
    """Code the findings, on the cases that have them; None, with a note, where there are none."""
    if not covariates:
        work.give_up("clinical", "the cohort has no clinical findings")
        return None
    settings = work.settings.clinical
    everyone = pd.concat([work.given.training, work.given.testing])
    findings = code_findings(everyone, covariates, agreement, settings)
    for name, why in findings.dropped.items():
        work.note("clinical", f"{name} does not enter: {why}")
    if not findings.columns:
        work.give_up("clinical", "no clinical finding was left")
        return None
    incomplete = findings.design.isna().any(axis=1)
    if not incomplete.any():
        return findings
    counts = {
        side: int(incomplete.loc[part.index].sum())
        for side, part in (("training", work.given.training), ("testing", work.given.testing))
    }
    lack = f"{counts['training']} training and {counts['testing']} testing cases lack a finding"
    if settings.missing == "complete_case":
        findings = Findings(findings.design[~incomplete], findings.columns, findings.dropped)
        work.note("clinical", f"{lack} and have no clinical and no nomogram probability")
    elif settings.missing == "median_mode":
        work.note("clinical", f"{lack}; it was filled by the training patients' median or commonest level")
    else:
        work.note(
            "clinical",
            f"{lack}; it was imputed {settings.imputation.n_imputations} times from the other findings, image features took no part in it",
        )
    return findings


def clinical_set(work: Work, findings: Findings) -> list[FeatureSet]:
    """Fit the clinical model on all training cases and without each fold and pair; return what the classifiers see."""
    cases = clinical_cases(work, findings)
    # Both classes must be left whichever two folds are held out.
    if min(len(np.unique(cases.fold[cases.outcome == level])) for level in (0, 1)) < 3:
        work.give_up(
            "clinical", f"the {len(cases.outcome)} training cases with all findings lack a class in most folds"
        )
        return []
    for held_out in work.held_out:
        rows = rows_in(cases.fold, held_out)
        work.clinical[held_out] = fit_clinical(
            findings,
            cases.training.index[rows],
            cases.outcome[rows],
            work.settings.clinical,
            work.seeds(f"learn/clinical/imputation/{described(held_out)}"),
            ddof=work.settings.selection.sd_ddof,
        )
    unusable = work.clinical[()].screening.table.query("reason != ''")
    for name, why in zip(unusable["variable"], unusable["reason"], strict=True):
        work.note("clinical", f"{name} enters no model: {why}")
    prepared = {held_out: fit.prepared for held_out, fit in work.clinical.items()}
    if prepared[()].reason:
        work.note("clinical", f"{prepared[()].reason}: no classifier was fitted")
        return []
    _note_refits(work, "clinical", prepared)
    whole = work.clinical[()]
    if whole.imputer is None or not findings.design.isna().to_numpy().any():
        return [replace(cases, prepared=prepared)]
    # Each fit sees the findings as its own training cases impute them.
    by_fit = {held_out: fit.seen_by_classifiers(cases.training) for held_out, fit in work.clinical.items()}
    testing = whole.seen_by_classifiers(cases.testing)
    return [replace(cases, training=by_fit[()], testing=testing, prepared=prepared, by_fit=by_fit)]


def clinical_cases(work: Work, findings: Findings) -> FeatureSet:
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
