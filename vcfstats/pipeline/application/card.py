"""The model card of a bundle, as Markdown: what it is, what it was made from, what it must not be used for."""

from __future__ import annotations

from vcfstats.contracts.markup import common
from vcfstats.learning.scoring import Scorer
from vcfstats.pipeline.application.bundle import BundleBody
from vcfstats.pipeline.evaluation.models import CLASSIFIERS, LABELS
from vcfstats.reporting.values import decimal


def model_card(body: BundleBody, scorer: Scorer) -> str:
    """Return the card."""
    d = body.development
    event, nonevent = (common(label) for label in (body.cohort.outcome.event_label, body.cohort.outcome.nonevent_label))
    noun, condition = common(body.study.case_noun), common(body.study.condition)
    lines = [f"# {LABELS.get(body.model, 'No model')}: {common(body.study.title)}", ""]
    if body.simulated:
        lines += [
            "**Developed on simulated patients. It says nothing about any patient and must not be used for one.**",
            "",
        ]
    lines += [
        f"Probability that a {noun} of a patient with {condition} is {event} rather than {nonevent}.",
        "",
        "    vcfstats predict --model FOLDER_OF_THIS_FILE NEWFOLDER",
        "    vcfstats validate --model FOLDER_OF_THIS_FILE NEWCOHORT",
        "",
        "A research tool: no medical device, and judged elsewhere only where an external validation says so.",
        "",
        "## Training patients",
        "",
        f"{d.n_cases} cases of {d.n_patients} patients, {d.n_events} of them {event}. Everything in this folder was learned from them alone.",
        "",
        "| model | cases | events | AUC, out of fold | 95% CI | threshold |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, found in d.out_of_fold.items():
        limits = "" if found.low is None else f"{decimal(found.low, 3)} to {decimal(found.high, 3)}"
        auc, threshold = decimal(found.auc, 3), decimal(body.thresholds[name], 3)
        lines.append(f"| {LABELS[name]} | {found.n} | {found.events} | {auc} | {limits} | {threshold} |")
    lines += [
        "",
        "Each patient scored by models fitted without that patient. Results on other patients are not part of the bundle.",
        "",
    ]
    if body.absent:
        lines += [
            "Not here: "
            + "; ".join(f"{LABELS.get(name, name)}, {common(why)}" for name, why in body.absent.items())
            + ".",
            "",
        ]
    if scorer.imputer is not None:
        names = ", ".join(common(body.cohort.covariates[model.variable].label) for model in scorer.imputer.models)
        lines += [
            "## Missing findings",
            "",
            f"A finding that a patient lacks is imputed {scorer.imputer.n_imputations} times from the patient's other ones ({names}) by models learned of the "
            "training patients without the outcome; the probability is the mean over the imputations, and there are no points. The random numbers follow from "
            "the patient's own values, so that the same patient has the same probability again.",
            "",
        ]
    lines += ["## What it holds of patients", "", _patients(body), ""]
    lines += [
        "## How it was made",
        "",
        f"vcfstats {body.version}; {', '.join(f'{k} {v}' for k, v in body.versions.items())}.",
        "",
    ]
    chosen = ", ".join(f"{LABELS[name]} {CLASSIFIERS[model.classifier]}" for name, model in scorer.best.items())
    if chosen:
        lines += [f"Classifiers: {chosen}.", ""]
    lines += [f"SHA-256 of {name}: `{digest}`" + "  " for name, digest in body.hashes.model_dump().items()]
    lines += [
        "",
        "`manifest.json` has the SHA-256 of every file; `vcfstats predict` refuses a bundle in which one differs.",
        "",
    ]
    return "\n".join(lines)


def _patients(body: BundleBody) -> str:
    said = (
        "Summaries (counts, means, standard deviations, quantiles with smallest and largest values, a covariance matrix) and a one-way mark "
        "of each training image, which tells whether a new image is one of them."
    )
    if not body.holds_patients:
        return f"{said} No row of a patient."
    parts = [
        f"`classifiers/{name}.*.skops` hold the standardised features of {count} training cases"
        for name, count in body.holds_patients.items()
    ]
    return (
        f"{said} **{'; '.join(parts)}**: k-nearest neighbours and support vectors are patients. Treat these files as patient data; before the "
        "bundle is published, ask whoever protects the data, or let a classifier be chosen that holds none."
    )
