"""How the text refers to figures and tables that a study may lack: to those there are, with why the others are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vcfstats.reporting import absence
from vcfstats.reporting.study import Study
from vcfstats.reporting.values import Text, compose, join

Reason = Callable[[Study], Text]


def _classifiers(feature_set: str) -> Reason:
    return lambda study: absence.classifiers(study, feature_set)


def _checklist(guideline: str) -> Reason:
    return lambda study: absence.checklist(study, guideline)


# Label of an item that a study may lack -> why it does, nothing where it is there.
ITEMS: Mapping[str, Reason] = {
    "fig-flow": absence.flow,
    "fig-activation": absence.activation,
    "fig-lasso": absence.lasso,
    "fig-coefficients": absence.coefficients,
    "tbl-clinical": _classifiers("clinical"),
    "tbl-radiomics": _classifiers("radiomics"),
    "tbl-fused": _classifiers("fused"),
    "fig-nomogram": absence.nomogram,
    "tbl-headline": absence.models,
    "fig-roc": absence.models,
    "fig-decision": absence.models,
    "supptbl-regression": absence.regression,
    "supptbl-agreement": absence.agreement,
    "supptbl-quality": absence.quality,
    "supptbl-funnel": absence.funnel,
    "suppfig-funnel": absence.funnel,
    "supptbl-score": absence.scores,
    "suppfig-roc-clinical": _classifiers("clinical"),
    "suppfig-roc-radiomics": _classifiers("radiomics"),
    "suppfig-roc-fused": _classifiers("fused"),
    "suppfig-comparison": absence.comparison,
    "suppfig-calibration": absence.models,
    "supptbl-calibration": absence.models,
    "supptbl-calibration-tests": absence.models,
    "supptbl-nomogram": absence.nomogram,
    "suppfig-roc-bands": absence.roc_bands,
    "suppfig-decision-bands": absence.decision_bands,
    "suppfig-belts": absence.belts,
    "suppfig-subgroups": lambda study: absence.subgroups(study, absence.first_model(study)),
    "supptbl-stability": absence.stability,
    "supptbl-scanners": absence.scanners,
    "suppfig-scanners": absence.scanners,
    "suppfig-training": absence.training,
    "supptbl-cross-fit": absence.cross_fit,
    "suppfig-recalibration": lambda study: absence.recalibration(study, study.info.models),
    "suppfig-recalibration-classifiers": absence.recalibrated_classifiers,
    "suppfig-recalibrated-decision": absence.recalibrated_classifiers,
    "supptbl-risk-groups": lambda study: absence.risk_groups(study, absence.first_model(study)),
    "supptbl-risk-score": absence.risk_score,
    "supptbl-validation": absence.validation,
    "supptbl-sample-size": absence.sample_size,
    "supptbl-missing": absence.missing,
    "supptbl-imputation": absence.imputation,
    "supptbl-published": absence.published,
    "suppfig-followup": absence.followup,
    "supptbl-notes": absence.notes,
    "supptbl-deviations": absence.deviations,
    "supptbl-choices": absence.choices,
    "supptbl-locks": absence.locks,
    "supptbl-changes": absence.changes,
    "supptbl-looks": absence.looks,
    "suppfig-forks": absence.forks,
    "supptbl-forks": absence.forks,
    "supptbl-forkslater": absence.later,
    "supptbl-tripod": _checklist("tripod_ai"),
    "supptbl-tripodabstracts": _checklist("tripod_ai_abstracts"),
    "supptbl-clear": _checklist("clear"),
    "supptbl-metrics": _checklist("metrics"),
    "supptbl-claim": _checklist("claim"),
    "supptbl-packages": absence.packages,
}


def see(study: Study, *items: tuple[str, str], why: bool = True) -> Text:
    """Say what items show, each as label and words, in one sentence; of those that the study lacks say why.

    Parameters
    ----------
    study : Study
        The study.
    items : pairs of str
        Label of the item in the document, and what it shows: ("fig-roc", "shows the curves").
    why : bool
        Whether the reasons are told; not where the text before has told them.
    """
    shown = [compose("{at} {words}", at=_at(label), words=words) for label, words in items if not ITEMS[label](study)]
    sentence = [compose("{shown}.", shown=join(shown, ", "))] if shown else []
    return join([*sentence, *(_reasons(study, [label for label, _ in items]) if why else [])])


def together(study: Study, labels: list[str], one: str, several: str, *, why: bool = True) -> Text:
    """Say what several items show alike, with the verb for one and for several; of those that the study lacks say why."""
    shown = [_at(label) for label in labels if not ITEMS[label](study)]
    sentence = []
    if shown:
        listed = join([*([join(shown[:-1], ", ")] if shown[:-1] else []), shown[-1]], " and ")
        sentence = [compose("{listed} {words}.", listed=listed, words=one if len(shown) == 1 else several)]
    return join([*sentence, *(_reasons(study, labels) if why else [])])


def scanners(study: Study, table: str, figure: str) -> Text:
    """Refer to the table and the figure of the scanners."""
    if absence.scanners(study):
        return Text("", "")
    cited = Text("", "[@johnson2007; @fortin2018]")
    return compose(
        "{table} and {figure} show what ComBat {cite} takes out.", table=_at(table), figure=_at(figure), cite=cited
    )


def at(study: Study, template: str, label: str) -> Text:
    """Return a sentence that refers to an item in its field ``{item}``; nothing where the study lacks it."""
    return Text("", "") if ITEMS[label](study) else compose(template, item=_at(label))


def where_models(study: Study, sentence: str) -> Text:
    """Return a sentence that holds where a headline model was fitted, and else why it does not."""
    return absence.models(study) or Text.of(sentence)


def _reasons(study: Study, labels: list[str]) -> list[Text]:
    """Return why items are not there, each reason once."""
    found = {str(reason): reason for label in labels if (reason := ITEMS[label](study))}
    return list(found.values())


def _at(label: str) -> Text:
    return Text(f"@{label}", f"@{label}")
