"""Sentences that say what the estimates allow to be said, and no more."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from vcfstats.contracts.records import Record
from vcfstats.reporting import values
from vcfstats.reporting.reproducible import ENGINE_VARIABLE
from vcfstats.reporting.study import KINDS, Study
from vcfstats.reporting.values import Text, compose, join

_FEW_EVENTS = 10  # in a test set; with fewer, its AUC is told beside the out-of-fold one


def _sets(study: Study, model: str) -> list[str]:
    return study.kinds(model)


def _limits(record: Record) -> tuple[float, float] | None:
    """Return the interval; one without width says nothing and counts as none."""
    if record.ci_low is None or record.ci_high is None or record.ci_low == record.ci_high:
        return None
    return record.ci_low, record.ci_high


def primary_kind(study: Study, model: str) -> str:
    """Return the set of predictions that a summary speaks of: the one farthest from those the model was fitted to."""
    return _sets(study, model)[-1]


def discrimination(study: Study, model: str) -> Text:
    """Say how well a model separates events from non-events, in the set farthest from its fit first, and by that set's interval."""
    primary = primary_kind(study, model)
    others = [_auc(study, model, kind) for kind in _sets(study, model) if kind != primary]
    first = discrimination_in(study, model, primary)
    return join([first, compose("The AUC was {others}.", others=join(others, " and "))]) if others else first


def _auc(study: Study, model: str, kind: str) -> Text:
    return compose("{auc} {where}", auc=study.value(f"{kind}/{model}/auc"), where=KINDS[kind][1])


def discrimination_in(study: Study, model: str, kind: str) -> Text:
    """Say how well a model separates events from non-events in one set: an interval that includes 0.5 is no discrimination."""
    key = f"{kind}/{model}/auc"
    record = study.record(key)
    name, where = study.info.models[model], KINDS[kind][1]
    if record.value is None:
        return compose(
            "{where}, the AUC of the {name} model was not estimable ({reason}).",
            where=capital(where),
            name=name,
            reason=study.reason(key),
        )
    begin = compose(
        "{where}, the {name} model had an AUC of {auc}", where=capital(where), name=name, auc=study.value(key)
    )
    judged = {
        "unknown": "{begin}; without a confidence interval, discrimination cannot be judged.",
        "above": "{begin}; the interval lies above the value of a model that does not discriminate.",
        "below": "{begin}; the interval lies below the value of a model that does not discriminate: it ranked the cases the wrong way round.",
        "includes": "{begin}; the interval includes the value of a model that does not discriminate, so that discrimination was not shown.",
    }
    said = compose(judged[_against_chance(record)], begin=begin)
    return join([said, *_out_of_fold_beside(study, model, kind)])


def _against_chance(record: Record) -> str:
    """Say where the interval of an AUC lies: above one half, below it, or around it."""
    limits = _limits(record)
    if limits is None:
        return "unknown"
    return "above" if limits[0] > 0.5 else "below" if limits[1] < 0.5 else "includes"


def _out_of_fold_beside(study: Study, model: str, kind: str) -> list[Text]:
    """Set the out-of-fold AUC beside that of a test set where the two disagree about chance, or the test set has few events."""
    key, other = f"{kind}/{model}/auc", f"out_of_fold/{model}/auc"
    if kind not in ("testing", "external") or not study.has(other) or study.record(other).value is None:
        return []
    record, beside = study.record(key), study.record(other)
    few = record.events is not None and record.events < _FEW_EVENTS
    if not few and _against_chance(record) == _against_chance(beside):
        return []
    where = {
        "unknown": "an estimate without an interval",
        "above": "an interval above the value of a model that does not discriminate",
        "below": "an interval below the value of a model that does not discriminate",
        "includes": "an interval that includes the value of a model that does not discriminate",
    }[_against_chance(beside)]
    if few:
        return [
            compose(
                "That is an AUC of {few} events; out of fold in the training set, with {more} events, it was {auc}, {where}.",
                few=study.events(key), more=study.events(other), auc=study.value(other), where=where,
            )
        ]  # fmt: skip
    return [compose("Out of fold in the training set it was {auc}, {where}.", auc=study.value(other), where=where)]


def accuracy(study: Study, model: str, kind: str) -> Text:
    """Say sensitivity, specificity and predictive values at the model's threshold."""
    shown = {name: study.value(f"{kind}/{model}/{name}") for name in ("sensitivity", "specificity", "ppv", "npv")}
    if all(text.plain == values.NOT_ESTIMABLE for text in shown.values()):
        return compose(
            "{where}, sensitivity, specificity and predictive values were not estimable ({reason}).",
            where=capital(KINDS[kind][1]),
            reason=study.reason(f"{kind}/{model}/sensitivity"),
        )
    sentence = "At the threshold of {threshold}, {where}, sensitivity was {sensitivity}, specificity {specificity}, PPV {ppv} and NPV {npv}."
    return compose(sentence, where=KINDS[kind][1], threshold=study.point(f"{kind}/{model}/threshold"), **shown)


def calibration(study: Study, model: str, kind: str) -> Text:
    """Say how predicted and observed risks agree; a test that finds no difference is never called agreement."""
    where = capital(KINDS[kind][1])
    parts = [
        _slope(study, f"{kind}/{model}/calibration_slope", where, study.info.models[model]),
        _intercept(study, f"{kind}/{model}/calibration_intercept"),
    ]
    return join([*parts, _hosmer_lemeshow(study, f"{kind}/{model}/hosmer_lemeshow"), *_useless(study, model)])


def _useless(study: Study, model: str) -> list[Text]:
    """Warn of the probabilities of a model that does not rank patients out of fold."""
    slope = f"out_of_fold/{model}/calibration_slope"
    if not study.has(f"model/{model}/better_than_chance"):
        return []
    shown = compose(" (calibration slope {slope})", slope=study.value(slope)) if study.has(slope) else Text("", "")
    return [
        compose(
            "Out of fold, the {name} model does not rank patients better than chance{shown}: its percentages must not be used, and were not recalibrated.",
            name=study.info.models[model], shown=shown,
        )
    ]  # fmt: skip


def hosmer_lemeshow_groups(study: Study) -> Text:
    """Say in how many groups the Hosmer-Lemeshow test was made, and whether fewer were somewhere."""
    tests = [record for record in study.records.values() if record.estimate == "hosmer_lemeshow"]
    asked = study.record("design/hosmer_lemeshow_groups").value
    fewer = any(
        "as many as leave" in (record.method or "") or "too few for" in (record.method or "") for record in tests
    )
    said = compose("{n} groups", n=study.point("design/hosmer_lemeshow_groups"))
    if not fewer or not isinstance(asked, int):
        return said
    return compose("{said}, or as many as leave five cases to each, at least three", said=said)


def _slope(study: Study, key: str, where: str, name: str) -> Text:
    record = study.record(key)
    if record.value is None:
        return compose(
            "{where}, the calibration slope was not estimable ({reason}).", where=where, reason=study.reason(key)
        )
    begin = compose(
        "{where}, the calibration slope of the {name} model was {slope}", where=where, name=name, slope=study.value(key)
    )
    limits = _limits(record)
    if limits is None:
        return compose("{begin}.", begin=begin)
    if limits[1] < 1:
        return compose("{begin}: predictions were too extreme.", begin=begin)
    if limits[0] > 1:
        return compose("{begin}: predictions were not extreme enough.", begin=begin)
    return compose("{begin}, an interval that includes the ideal value but does not establish it.", begin=begin)


def _intercept(study: Study, key: str) -> Text:
    record = study.record(key)
    if record.value is None:
        return compose("The calibration intercept was not estimable ({reason}).", reason=study.reason(key))
    begin = compose("The calibration intercept was {intercept}", intercept=study.value(key))
    limits = _limits(record)
    if limits is None or limits[0] <= 0 <= limits[1]:
        return compose("{begin}.", begin=begin)
    return compose(
        "{begin}: risks were {way} on average.", begin=begin, way="underestimated" if limits[0] > 0 else "overestimated"
    )


def _hosmer_lemeshow(study: Study, key: str) -> Text:
    record = study.record(key)
    if record.value is None or record.p_value is None:
        return compose(
            "The Hosmer-Lemeshow test was not estimable ({reason}).",
            reason=study.reason(key) or Text.of("no p value recorded"),
        )
    begin = compose("The Hosmer-Lemeshow test gave {test}", test=study.value(key))
    if record.p_value <= 0.05:
        return compose("{begin}: evidence that predicted and observed risks differ.", begin=begin)
    return compose(
        "{begin}: it found no difference between predicted and observed risks, which does not show that they agree.",
        begin=begin,
    )


def counts(study: Study, part: str) -> Text:
    """Say how many cases, patients and events there are in ``all``, ``training`` or ``testing``."""
    names = {"all": "The cohort", "training": "The training set", "testing": "The internal test set"}
    cases, patients = study.record(f"cohort/{part}/n_cases").value, study.record(f"cohort/{part}/n_patients").value
    share = study.share(f"cohort/{part}/n_events", f"cohort/{part}/n_cases")
    if cases == patients:
        sentence = "{name} had {cases} patients, one case each, {events} of them events."
    else:
        sentence = "{name} had {cases} cases of {patients} patients; {events} of the cases were events."
    return compose(
        sentence,
        name=names[part],
        cases=study.point(f"cohort/{part}/n_cases"),
        patients=study.point(f"cohort/{part}/n_patients"),
        events=share,
    )


_SETS = {
    "apparent": "of the training patients by the model fitted to them (apparent)",
    "out_of_fold": "of the training patients by models fitted without them (out of fold)",
    "testing": "of the internal test set",
    "external": "of an external test set",
}
_COUNTS = {1: "one set", 2: "two sets", 3: "three sets", 4: "four sets"}


def sets(study: Study) -> Text:
    """Say for which predictions performance is given."""
    kinds = study.kinds()
    if not kinds:
        return Text.of("No model was fitted, so that there are no predictions to judge.")
    apart = " that are kept apart" if len(kinds) > 1 else ""
    return Text.of(
        f"Performance is given for {_COUNTS[len(kinds)]} of predictions{apart}: {'; '.join(_SETS[kind] for kind in kinds)}."
    )


# Adjustments of p values for the number of tests -> their names in print.
ADJUSTMENTS = {
    "holm": "Holm's method",
    "hochberg": "Hochberg's method",
    "hommel": "Hommel's method",
    "bonferroni": "Bonferroni's method",
    "bh": "the method of Benjamini and Hochberg",
    "by": "the method of Benjamini and Yekutieli",
    "none": "not adjusted for their number",
}


# Headline model -> what it is; the learning names them so, study.json says how each is printed.
_MODELS = {
    "clinical": "the logistic regression of the clinical findings",
    "rad": "the best classifier on the radiomic features",
    "dl": "the network's own probability",
    "dlr": "the best classifier on radiomic and deep features together",
    "dlrn": "the nomogram model",
}


def models(study: Study) -> Text:
    """Say what the names of the headline models stand for; empty where none of those known was fitted."""
    known = [f"{label}, {_MODELS[name]}" for name, label in study.info.models.items() if name in _MODELS]
    if not known:
        return Text("", "")
    return Text.of(f"The headline model{'s are' if len(known) > 1 else ' is'} {'; '.join(known)}.")


def adjustment(study: Study) -> Text:
    """Say, after a semicolon, how the p values of several comparisons are adjusted for their number."""
    name = str(study.record("design/pairs_adjusted_by").value)
    method = study.told("pairs_adjusted_by", ADJUSTMENTS[name])
    if name == "none":
        return compose("p values are {method}.", method=method)
    return compose(
        "p values of all pairs but the primary one are adjusted for their number by {method}.", method=method
    )


def protocol(study: Study) -> Text:
    """Say with what the decisions were compared."""
    if not study.info.protocol.registered:
        return Text.of("No protocol was registered, and no decision was compared with one.")
    return compose(
        "The decisions were compared with a published protocol: {deviations}, and {choices}.",
        deviations=_how_many(study, "n_deviations", "departs from a printed value", "depart from a printed value"),
        choices=_how_many(study, "n_choices", "settles what it leaves open", "settle what it leaves open"),
    )


def _how_many(study: Study, estimate: str, singular: str, plural: str) -> Text:
    key = f"design/{estimate}"
    count = study.record(key).value
    if count in (0, 1):
        return Text.of(f"{'no' if count == 0 else 'one'} decision {singular}")
    return compose("{count} decisions {verb}", count=study.point(key), verb=plural)


def limitations(study: Study) -> Text:
    """Say what the design itself limits, as a Markdown list."""
    found: list[Text] = []
    if study.info.simulated:
        found.append(
            Text.of(
                "The patients are simulated: the results say that the computation works, and nothing of any disease or any reader."
            )
        )
    events, cases = (_int(study, f"cohort/testing/{name}") for name in ("n_events", "n_cases"))
    if min(events, cases - events) < 100:
        found.append(
            compose(
                "The sample is small: the internal test set has {events} events among {cases} cases, fewer than the hundred events and hundred non-events "
                "that are asked for when a model is evaluated {cite}. Intervals are wide accordingly.",
                events=study.point("cohort/testing/n_events"), cases=study.point("cohort/testing/n_cases"),
                cite=Text("", "[@vergouwe2005]"),
            )
        )  # fmt: skip
    if study.kinds() and "external" not in study.kinds():
        found.append(Text.of("There was no external test set: how the models do elsewhere is unknown."))
    if not study.kinds():
        found.append(Text.of("No model could be fitted."))
    if any(r.kind in KINDS and r.value is None for r in study.records.values()):
        found.append(
            Text.of("Some measures could not be estimated from this sample; notes under the tables say which, and why.")
        )
    if not study.info.protocol.registered:
        found.append(Text.of("No protocol was registered before the analysis."))
    elif study.info.protocol.deviations:
        found.append(Text.of("Some decisions depart from the protocol; the supplement lists them with reasons."))
    if given := study.info.statements.get("limitations"):
        found.append(Text.of(given))
    return Text("\n\n".join(f"- {text.plain}" for text in found), "\n\n".join(f"- {text.markdown}" for text in found))


def abstract_limits(study: Study) -> Text:
    """Say in one sentence what the abstract's reader must know before using a number."""
    if study.info.simulated:
        return Text.of("All data are simulated: no clinical conclusion can be drawn.")
    if "external" not in study.kinds():
        return compose(
            "The internal test set had {events} events, and no model was tested elsewhere.",
            events=study.point("cohort/testing/n_events"),
        )
    return compose("The internal test set had {events} events.", events=study.point("cohort/testing/n_events"))


def simulated(study: Study) -> Text:
    """Return the banner of a simulated study, as Markdown; empty for a real one."""
    if not study.info.simulated:
        return Text("", "")
    title = "Simulated data"
    body = "No patient was examined. Images, findings and outcomes were made by a computer; no number in this document says anything about any disease, test or treatment."
    return Text(f"{title}. {body}", f"::: {{.callout-important}}\n## {title}\n\n{body}\n:::\n")


def rendered_by() -> str:
    """Return what renders the document that asks."""
    if name := os.environ.get(ENGINE_VARIABLE):
        return name
    if "QUARTO_DOCUMENT_PATH" not in os.environ:
        return "nothing: the cells were run by hand"
    program = shutil.which("quarto", path=os.environ.get("QUARTO_BIN_PATH")) or shutil.which("quarto")
    if program is None:
        return "Quarto"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return f"Quarto {said.stdout.strip()}".strip()


def footer(study: Study) -> Text:
    """Say what made the document: versions, and the hashes of params, data and code."""
    hashes = study.info.hashes
    return Text.of(
        f"Computed by vcfstats {study.info.version}; rendered by {rendered_by()}. SHA-256 of params {_short(hashes.params)}, data {_short(hashes.data)}, code {_short(hashes.code)}."
    )


def _short(digest: str) -> str:
    return digest[:16]


def _int(study: Study, key: str) -> int:
    value = study.record(key).value
    return value if isinstance(value, int) else 0


def listed(parts: Sequence[str]) -> str:
    """Return words as a list in a sentence: ``A, B and C``."""
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


def capital(text: str) -> str:
    """Return a text with a capital at its beginning."""
    return text[:1].upper() + text[1:]
