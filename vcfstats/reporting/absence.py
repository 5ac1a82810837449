"""What a study does not have, and why: an absent figure or table takes no place and no number, and the text says so.

One function an item, which returns the reason as a sentence and nothing where the item is there. The functions that draw a
figure or lay out a table ask it, and so do the sentences that would refer to them: neither can promise what the other lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vcfstats.contracts.forks import REFERENCE
from vcfstats.contracts.plan import read_looks, read_plan
from vcfstats.contracts.predictions import recalibrated
from vcfstats.contracts.study import NOT_FITTED, NOT_MEASURED
from vcfstats.reporting.study import Study
from vcfstats.reporting.values import Text, compose

_THERE = Text("", "")
PUBLISHED = Path("report") / "study" / "published.csv"
# What may be computed of an alternative besides its out-of-fold AUC: kind -> key of the record, a model's name within.
LATER = {"model": "model/{}/auc_corrected", "testing": "testing/{}/auc"}


@dataclass(frozen=True)
class Absent:
    """What a cell shows in place of an item that the study does not have; the filter study.lua takes its caption away too."""

    reason: Text

    def __str__(self) -> str:
        """Return why."""
        return self.reason.plain

    def _repr_markdown_(self) -> str:
        return "::: {.study-absent}\n:::\n"


def why_not(study: Study, model: str) -> str:
    """Return why a headline model was not fitted, as a clause: what the learning noted; empty where nothing was noted."""
    notes = [note.text for note in study.info.notes if note.subject == model and note.text.startswith(NOT_FITTED)]
    return notes[0].removeprefix(NOT_FITTED).rstrip(".") if notes else ""


def models(study: Study) -> Text:
    """Headline models."""
    return _THERE if study.kinds() else Text.of("No model was fitted: there is no performance to report.")


def flow(study: Study) -> Text:
    """The flow of patients."""
    return _without_rows(
        study, "flow", "No screening log was given, so that the number of patients screened and excluded is not known."
    )


def activation(study: Study) -> Text:
    """Class activation maps."""
    tested = "testing" in study.kinds("dl")
    why = "none was drawn" if tested else "no model of the network's own was tested"
    return _without_rows(study, "activation", f"There are no class activation maps: {why}.")


def all_features(study: Study) -> str:
    """Return the feature set that holds all features: the fused one, or the only kind of image features there is."""
    names = [name for name in study.info.feature_sets if name != "clinical"]
    return "fused" if "fused" in names or not names else names[-1]


def lasso(study: Study, feature_set: str = "") -> Text:
    """The LASSO of a feature set, by default of all features."""
    chosen = feature_set or all_features(study)
    if all((study.rows(table)["feature_set"] == chosen).any() for table in ("lasso_path", "lasso_error")):
        return _THERE
    return Text.of("No feature was left for the LASSO, so that it was not fitted.")


def coefficients(study: Study, feature_set: str = "") -> Text:
    """Coefficients of a feature set, by default of all features."""
    chosen = feature_set or all_features(study)
    if (study.rows("coefficients")["feature_set"] == chosen).any():
        return _THERE
    return Text.of("There are no coefficients, since no feature was kept.")


def classifiers(study: Study, feature_set: str) -> Text:
    """Classifiers on a feature set."""
    if any(study.kinds(name) for name in study.classifiers(feature_set)):
        return _THERE
    what = {"clinical": "the clinical findings", "radiomics": "the radiomic features"}.get(
        feature_set, "radiomic and deep features together"
    )
    headline = {"clinical": "clinical", "radiomics": "rad", "fused": "dlr"}[feature_set]
    notes = [note.text for note in study.info.notes if note.subject == feature_set and ": no " in note.text]
    why = notes[0].partition(": no ")[0] if notes else why_not(study, headline)
    return compose("No classifier was fitted on {what}{why}.", what=what, why=f": {why}" if why else "")


def nomogram(study: Study) -> Text:
    """The nomogram, and the model behind it."""
    if not study.rows("nomogram").empty:
        return _THERE
    given = study.nomogram()
    why = why_not(study, "dlrn") or (given.reason.removeprefix(NOT_FITTED) if given is not None else "")
    return compose("There is no nomogram{why}.", why=f": {why}" if why else ", since the combined model was not fitted")


def baseline(study: Study) -> Text:
    """Characteristics of the cases."""
    return _without_rows(study, "baseline", "The cases were not described.")


def regression(study: Study) -> Text:
    """Odds ratios of the clinical findings."""
    if not study.rows("regression").empty:
        return _THERE
    key = "model/clinical/n_findings_entered"
    if study.has(key) and study.record(key).value is None:
        return compose("The clinical findings could not be modelled: {why}.", why=study.reason(key))
    return Text.of("The study has no clinical findings to model.")


def agreement(study: Study) -> Text:
    """Agreement of two readers on the findings."""
    return _without_rows(
        study, "agreement", "The findings were not read twice, so that agreement of readers is not known."
    )


def quality(study: Study) -> Text:
    """Cases far from the others."""
    return _without_rows(study, "quality", "No case lies far from the others.")


def funnel(study: Study) -> Text:
    """Counts of features after each step of the selection."""
    return _without_rows(study, "funnel", "No features were selected from.")


def scores(study: Study) -> Text:
    """Linear scores of the LASSO."""
    return _without_rows(study, "coefficients", "There is no linear score, since the selection kept no feature.")


def comparison(study: Study) -> Text:
    """Comparisons of pairs of headline models."""
    return _without_rows(study, "comparison", "There were no two models to compare.")


def roc_bands(study: Study) -> Text:
    """Bands of the ROC curves of the headline models."""
    return models(study) or _without_rows(study, "roc_band", "No ROC curve has a band.")


def decision_bands(study: Study) -> Text:
    """Bands of the decision curves of the headline models."""
    return models(study) or _without_rows(study, "decision_band", "No decision curve has a band.")


def belts(study: Study) -> Text:
    """Calibration belts of the headline models."""
    if not study.rows("calibration_belt").empty or models(study):
        return models(study)
    known = [f"{kind}/{model}/calibration_belt" for kind in study.kinds() for model in study.info.models]
    reasons = dict.fromkeys(
        str(study.reason(key)) for key in known if study.has(key) and study.record(key).value is None
    )
    return compose("No calibration belt could be computed{why}.", why=f": {'; '.join(reasons)}" if reasons else "")


def first_model(study: Study) -> str:
    """Return the model that an item is of which shows one: the primary comparison's first that was fitted, else the last of all."""
    fitted = [name for name in study.info.primary_comparison if name in study.info.models]
    return (fitted or [*study.info.models][-1:] or [""])[0]


def subgroups(study: Study, model: str) -> Text:
    """The AUC of a model by level of each covariate."""
    frame = study.rows("subgroups")
    own = frame[frame["model"] == model]
    if own.empty:
        return models(study) or Text.of("There are no subgroups to describe.")
    if (own["level"] != "").any():
        return _THERE
    return Text.of("There are no subgroups to describe: the study has no clinical findings with known values.")


def external_subgroups(study: Study) -> Text:
    """An external validation by level of each covariate."""
    return _without_rows(
        study, "external_subgroups", "There are no subgroups to describe: the cohort has no covariate with levels."
    )


def risk_groups(study: Study, model: str) -> Text:
    """Groups of risk of a model."""
    frame = study.rows("risk_groups")
    there = (frame["model"] == model).any()
    return _THERE if there else Text.of("There is no model whose patients could be grouped by risk.")


def risk_score(study: Study) -> Text:
    """The nomogram as a score."""
    return _without_rows(study, "risk_score", "There is no nomogram to score by.")


def validation(study: Study) -> Text:
    """The chain repeated in bootstrap samples."""
    if models(study):
        return models(study)
    if any(f"model/{name}/resamples" in study.records for name in study.info.models):
        return _THERE
    return Text.of("The models were not refitted in bootstrap samples.")


def stability(study: Study) -> Text:
    """How often features were kept over subsamples."""
    frame = study.rows("selection_frequency")
    if (frame["kept"] == "yes").any():
        return _THERE
    repeated = any(study.has(f"model/{name}/selection_mean_size") for name in study.info.feature_sets)
    if repeated:
        return Text.of("The selection was repeated in subsamples, but the study itself kept no feature.")
    return Text.of("The selection was not repeated in subsamples.")


def scanners(study: Study) -> Text:
    """Differences of features between scanners."""
    if not study.rows("scanners").empty and not study.rows("scanner_effect").empty:
        return _THERE
    notes = [note.text for note in study.info.notes if note.subject == "scanner" and note.text.startswith(NOT_MEASURED)]
    why = f": {notes[0].removeprefix(NOT_MEASURED).rstrip('.')}" if notes else ""
    return compose("How features differ between scanners was not measured{why}.", why=why)


def training(study: Study) -> Text:
    """Training curves of networks."""
    return _without_rows(study, "training", "No network was trained on the study's images.")


def cross_fit(study: Study) -> Text:
    """Models with and without networks trained within folds."""
    if study.info.variants and study.kinds():
        return _THERE
    return Text.of("No network was trained again within folds.")


def recalibration(study: Study, names: Mapping[str, str], what: str = "headline model") -> Text:
    """Recalibrated probabilities of some models on the internal test set."""
    if any("testing" in study.kinds(recalibrated(name)) for name in names):
        return _THERE
    return Text.of(f"No {what} has recalibrated probabilities.")


def recalibrated_classifiers(study: Study) -> Text:
    """Recalibrated probabilities of the classifiers on all features."""
    return recalibration(study, study.classifiers(all_features(study)), "classifier on all features")


def sample_size(study: Study) -> Text:
    """Sample sizes."""
    return _without_rows(study, "sample_size", "No sample size was calculated.")


def missing(study: Study) -> Text:
    """Missing values."""
    return _without_rows(study, "missing", "Missing values were not counted.")


def imputation(study: Study) -> Text:
    """Models pooled over imputed data sets."""
    if not study.rows("imputation").empty:
        return _THERE
    if study.has("model/clinical/imputations"):
        return Text.of(
            "No training case lacked a finding of a model, so that no model was pooled over imputed data sets."
        )
    return Text.of("Multiple imputation was not used.")


def followup(study: Study) -> Text:
    """Follow-up of the patients."""
    if not study.rows("followup").empty:
        return _THERE
    if study.has("cohort/all/median_followup"):
        return Text.of("Follow-up times were asked for, but no patient has one.")
    return Text.of("Follow-up times were not given.")


def notes(study: Study) -> Text:
    """What was not done."""
    return _THERE if study.info.notes else Text.of("Everything that was asked for was done.")


def deviations(study: Study) -> Text:
    """Departures from the protocol."""
    if study.info.protocol.deviations:
        return _THERE
    return _unregistered(study) or Text.of("No decision departs from a printed value.")


def choices(study: Study) -> Text:
    """Decisions that the protocol leaves open."""
    if study.info.protocol.choices:
        return _THERE
    return _unregistered(study) or Text.of("No decision settles what the protocol leaves open.")


def _unregistered(study: Study) -> Text:
    return _THERE if study.info.protocol.registered else Text.of("No protocol was registered to depart from.")


def locks(study: Study) -> Text:
    """Locks of the plan."""
    plan = read_plan(study.root / "results" / "plan.json")
    return _THERE if plan is not None and plan.locks else Text.of("The plan was never locked.")


def changes(study: Study) -> Text:
    """Decisions that are not as they were locked last."""
    plan = read_plan(study.root / "results" / "plan.json")
    if plan is not None and plan.changed:
        return _THERE
    return Text.of("Nothing differs from a lock.") if not locks(study) else locks(study)


def looks(study: Study) -> Text:
    """The log of looks at the internal test set."""
    found = read_looks(study.root / "results" / "looks.jsonl")
    return _THERE if found else Text.of("No look at results of the internal test set is logged.")


def forks(study: Study) -> Text:
    """Alternatives to the decisions; those run on other data or decisions are as good as absent."""
    found = study.forks().configurations
    if not found:
        return Text.of("No alternative was run.")
    reference, hashes = next((fork for fork in found if fork.kind == REFERENCE), None), study.info.hashes
    if reference is None:
        return Text.of("Alternatives were run, but not the study's own decisions beside them.")
    pairs = {"other data": (reference.data, hashes.data), "other decisions": (reference.params, hashes.configuration)}
    others = [word for word, (then, now) in pairs.items() if now and then != now]
    if not others:
        return _THERE
    return Text.of(
        f"Alternatives to the study's decisions were run, but on {' and '.join(others)} than the results of this paper: they are out of "
        "date and left out until vcfstats audit forks has run them again."
    )


def later(study: Study) -> Text:
    """What was computed of the alternatives besides their out-of-fold AUCs."""
    if forks(study):
        return forks(study)
    keys = [key.format(model) for key in LATER.values() for model in study.info.models]
    if any(key in fork.records for fork in study.forks().configurations for key in keys):
        return _THERE
    return Text.of(
        "Neither an optimism-corrected AUC nor a result of the internal test set was computed for the alternatives."
    )


def published(study: Study) -> Text:
    """Published values to set beside the rebuilt ones."""
    return _THERE if (study.root / PUBLISHED).is_file() else Text.of("The study rebuilds no published one.")


def checklist(study: Study, guideline: str) -> Text:
    """Items of a reporting guideline."""
    there = (study.rows("checklists")["guideline"] == guideline).any()
    return _THERE if there else Text.of("The items of the guideline were not assessed.")


def packages(study: Study) -> Text:
    """Versions of the packages."""
    environment = study.info.environment
    if environment is not None and environment.packages:
        return _THERE
    return Text.of("The versions of the packages were not noted when these results were computed.")


def _without_rows(study: Study, table: str, why: str) -> Text:
    return Text.of(why) if study.rows(table).empty else _THERE
