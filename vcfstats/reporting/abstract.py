"""The structured abstract, by the items that TRIPOD+AI asks of abstracts; what only authors can say is asked for in place."""

from __future__ import annotations

from vcfstats.reporting import findings, values, wording
from vcfstats.reporting.study import KINDS, Study
from vcfstats.reporting.values import Text, compose, join


def objectives(study: Study) -> Text:
    """Say what the study was for: development and validation, of a model of what in whom."""
    where = "internally and in an external test set" if "external" in study.kinds() else "internally"
    return compose(
        "The objective was to develop models that predict the outcome, {event} or {nonevent}, in patients with {condition}, and to "
        "evaluate them {where}.",
        event=study.info.event_label,
        nonevent=study.info.nonevent_label,
        condition=study.info.condition,
        where=where,
    )


def participants(study: Study) -> Text:
    """Say the source of the data, design, setting and dates."""
    asked = [] if study.info.simulated else ["setting", "dates"]
    return join([Text.of(study.info.data_source), *_stated(study, "design", *asked)])


def outcome(study: Study) -> Text:
    """Say what was predicted, by what it was judged, and from what it was predicted."""
    said = compose(
        "The outcome, by the reference standard, was {event} (the event) or {nonevent}.",
        event=study.info.event_label,
        nonevent=study.info.nonevent_label,
    )
    kinds = ["clinical findings"] if not study.rows("regression").empty or "clinical" in study.info.feature_sets else []
    for kind, name in (("radiomics", "radiomic"), ("deep", "deep")):
        key = f"design/n_features_{kind}"
        if study.has(key):
            kinds.append(f"{{{kind}}} {name} features")
    if not kinds:
        return said
    counts = {
        kind: study.point(f"design/n_features_{kind}")
        for kind in ("radiomics", "deep")
        if study.has(f"design/n_features_{kind}")
    }
    return join([said, compose(f"Candidate predictors were {wording.listed(kinds)} of each case.", **counts)])


def measures(study: Study) -> Text:
    """Say how performance was measured."""
    return compose(
        "Discrimination was measured by the area under the receiver operating characteristic curve (AUC; {how}), calibration by "
        "slope and intercept, usefulness by net benefit.",
        how=study.words("auc_interval"),
    )


def final_model(study: Study) -> Text:
    """Say what the combined model holds, or that there is none."""
    terms = study.rows("nomogram_model")
    named = [term.partition(":")[0] for term in terms["term"] if term != "Intercept"] if len(terms) else []
    if not named:
        return Text.of("No combined model was fitted.")
    return compose("The combined model includes {terms}.", terms=wording.listed(list(dict.fromkeys(named))))


def calibration(study: Study) -> Text:
    """Say the calibration of the model of the primary comparison, in the set farthest from its fit."""
    fitted = [name for name in study.info.primary_comparison if study.kinds(name)] or [
        name for name in study.info.models if study.kinds(name)
    ]
    if not fitted:
        return Text("", "")
    model, kind = fitted[0], wording.primary_kind(study, fitted[0])
    key = f"{kind}/{model}/calibration_slope"
    if not study.has(key) or study.record(key).value is None:
        return Text("", "")
    return compose(
        "{where}, the calibration slope of {name} was {slope}.",
        where=wording.capital(KINDS[kind][1]),
        name=study.info.models.get(model, model),
        slope=study.value(key),
    )


def conclusions(study: Study) -> Text:
    """Say what follows, by the primary comparison's interval, and what does not."""
    limits = wording.abstract_limits(study)
    names = study.info.primary_comparison
    shown = findings.primary_difference(study)
    if study.info.simulated or len(names) != 2 or shown is None:
        return limits
    first, second = (study.info.models.get(name, name) for name in names)
    low, high = shown[1:]
    if values.decimal(low, 3) == values.decimal(high, 3) or low != low:
        return limits
    if low > 0 or high < 0:
        larger, smaller = (first, second) if low > 0 else (second, first)
        said = compose("In these patients {a} discriminated better than {b}.", a=larger, b=smaller)
    else:
        said = compose(
            "That {a} and {b} differ in discrimination was not shown, nor that they do not.", a=first, b=second
        )
    return join([said, limits])


def registration(study: Study) -> Text:
    """Say where the study was registered and who paid for it, or ask the authors."""
    return join(_stated(study, "registration", "funding"))


def _stated(study: Study, *names: str) -> list[Text]:
    """Return statements of the authors, and in the place of one that is not given a request for it."""
    return [
        Text.of(study.info.statements.get(name) or f"[{name.capitalize()}: for the authors to supply.]")
        for name in names
    ]
