"""What the documents say of the alternatives: where the reported choice lies among them, and how many configurations were ever run."""

from __future__ import annotations

import math

from vcfstats.contracts.forks import ANALYTIC, REFERENCE, SAMPLING, Fork, Forks
from vcfstats.contracts.plan import read_looks, read_runs
from vcfstats.reporting import absence, values
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.study import Study
from vcfstats.reporting.tables import Column, Table
from vcfstats.reporting.values import Text, compose, join

_NONE = "No alternative to the study's decisions was run: how far the results depend on the choices that were made is not known."
_GROUPS = {REFERENCE: "As reported", ANALYTIC: "Other choices", SAMPLING: "Other seeds: sampling variation, no choice"}
_LATER = {"model": "Optimism-corrected", "testing": "Internal test set"}


def told(study: Study) -> Text:
    """Say where the reported choice lies among the alternatives, apart from that how much the seed moves it, and with what effort."""
    forks = study.forks()
    if not forks.configurations:
        sentences = [Text.of(_NONE)]
    elif old := absence.forks(study):
        sentences = [old]
    else:
        sentences = [*_found(study, forks), *_effort(study, forks)]
    return join([*sentences, Text.of(_counted(study))])


def _found(study: Study, forks: Forks) -> list[Text]:
    name = f"model/{forks.primary}/forks_"
    label, other = (study.info.models.get(model, model) for model in (forks.primary, forks.comparator))
    said = []

    def say(template: str, *records: str, **words: str) -> None:
        said.append(compose(template, **{record: study.point(name + record) for record in records}, **words))

    if not study.has(name + "median"):
        return [Text.of(f"In no configuration was {label} fitted, so that there is nothing to compare.")]
    combined = (
        "every combination of them was run"
        if forks.design == "factorial"
        else "each departs from the study in one decision"
    )
    say(
        "Decisions that could have been made otherwise with good reason were made otherwise; {combined}. In {n} configurations of analytic "
        "choices, the reported one among them, the out-of-fold AUC of {label} lay between {lowest} and {highest}, with a median of {median}.",
        "n", "lowest", "highest", "median", label=label, combined=combined,
    )  # fmt: skip
    if study.has(name + "from_median"):
        tied = study.record(name + "tied").value
        shared = compose(", a rank shared with {count} more", count=study.point(name + "tied")) if tied else ""
        said.append(
            compose(
                "With the reported choices it was {own}; the reported value less the median is {far}, and its rank {rank} of {n}, counted "
                "from the largest{shared}.",
                own=study.value(name + "reference"), far=study.point(name + "from_median"), rank=study.point(name + "rank"),
                n=study.point(name + "n"), shared=shared,
            )
        )  # fmt: skip
    else:
        said.append(Text.of(f"With the reported choices {label} was not fitted."))
    if study.record(name + "failed").value:
        say("In {failed} further configurations {label} was not fitted.", "failed", label=label)
    if study.record(name + "compared").value:
        say(
            "The AUC of {label} was larger than that of {other} in {ahead} of {compared}.", "ahead", "compared", label=label, other=other
        )  # fmt: skip
    if study.has(name + "seeds"):
        say(
            "The seed is no choice: over {seeds} seeds, which draw folds, tuning and, where it is drawn, the partition of the same patients anew, the AUC lay between "
            "{seeds_lowest} and {seeds_highest} (standard deviation {seeds_sd}). Differences between choices of that size mean little.",
            "seeds", "seeds_lowest", "seeds_highest", "seeds_sd",
        )  # fmt: skip
    return said


def _effort(study: Study, forks: Forks) -> list[Text]:
    name = f"model/{forks.primary}/forks_"
    said = []
    if len(forks.configurations) < forks.named:
        said.append(
            compose(
                "Of {named} configurations that were named, {run} were run; the others say nothing here.",
                named=study.point(name + "named"), run=study.point(name + "run"),
            )
        )  # fmt: skip
    key = f"out_of_fold/{forks.primary}/auc"
    if study.has(name + "effort"):
        said.append(
            compose("To cost less, every configuration, the reported one among them, was run with {effort}.", effort=study.point(name + "effort"))
        )  # fmt: skip
    if study.has(key) and study.has(name + "reference") and not _same(study, key, name + "reference"):
        said.append(
            compose(
                "The study itself has an out-of-fold AUC of {own} where the reported choices had {here} in this comparison{why}.",
                own=study.point(key), here=study.point(name + "reference"),
                why="" if study.has(name + "effort") else ": it was run before the study was changed, and is out of date",
            )
        )  # fmt: skip
    looked = any(record.kind == "testing" for fork in forks.configurations for record in fork.records.values())
    said.append(
        Text.of(
            "Each configuration was also looked at on the internal test set, after the plan was locked; each is a look in the log."
            if looked
            else "No result of the internal test set was computed for the alternatives."
        )
    )
    return said


def _same(study: Study, *keys: str) -> bool:
    a, b = (study.record(key).value for key in keys)
    return isinstance(a, int | float) and isinstance(b, int | float) and math.isclose(a, b, rel_tol=0, abs_tol=1e-9)


def _counted(study: Study) -> str:
    """Say how many configurations were ever run on these data, by both logs."""
    results = study.root / "results"
    keys = {run.key for run in read_runs(results / "configurations.jsonl")} | {
        look.key for look in read_looks(results / "looks.jsonl")
    }
    here = sum(data == study.info.hashes.data for _, data in keys)
    if not keys:
        return "No log tells how many configurations were ever run."
    elsewhere = len(keys) - here
    before = f", and {_many(elsewhere)} on earlier versions of the data" if elsewhere else ""
    verb = "has" if here == 1 else "have"
    return f"By the logs, {_many(here)} of decisions {verb} ever been run on these data{before}; running one again adds none."


def _many(count: int) -> str:
    return "one configuration" if count == 1 else f"{count} configurations"


def forks_table(study: Study) -> Table | Absent:
    """Return every configuration: what it changes and why, features kept, and the out-of-fold AUC of each headline model."""
    forks = study.forks()
    if why := absence.forks(study):
        return Absent(why)
    others = [model for model in study.info.models if model != forks.primary]
    sets = [name for name in study.info.feature_sets if any(name in fork.features for fork in forks.configurations)]
    columns = [
        Column("what", "Decision and value", width=20),
        Column("why", "Reason", width=18),
        Column("features", "Features", "right", width=10),
        Column(forks.primary, f"{study.info.models.get(forks.primary, forks.primary)} (CI)", "right", width=20),
        *(Column(model, study.info.models[model], "right", width=32 // max(len(others), 1)) for model in others),
    ]
    rows, groups = [], []
    for fork in _ordered(forks):
        row = {
            "what": _what(fork), "why": " ".join(fork.reasons),
            "features": " / ".join(str(fork.features.get(name, "–")) for name in sets) or "–",
            forks.primary: _cell(fork, f"out_of_fold/{forks.primary}/auc", whole=True),
        }  # fmt: skip
        rows.append(row | {model: _cell(fork, f"out_of_fold/{model}/auc") for model in others})
        groups.append(_GROUPS[fork.kind])
    table = Table.of(columns, rows, groups=groups)
    if sets:
        names = " / ".join(study.info.feature_sets[name] for name in sets)
        table = table.with_note(f"Features: how many selection kept, {names}.")
    return table.with_note(
        "Out-of-fold area under the receiver operating characteristic curve (AUC) of each model; CI, confidence interval. Within a group from the largest down."
    )


def later_table(study: Study) -> Table | Absent:
    """Return the optimism-corrected AUC of each headline model in every configuration and, where it was looked at, the testing AUC."""
    forks = study.forks()
    rows, groups = [], []
    for kind, key in absence.LATER.items():
        for fork in _ordered(forks):
            cells = {model: _cell(fork, key.format(model), whole=model == forks.primary) for model in study.info.models}
            if any(key.format(model) in fork.records for model in study.info.models):
                rows.append({"what": _what(fork), **cells})
                groups.append(_LATER[kind])
    if why := absence.later(study):
        return Absent(why)
    columns = [
        Column("what", "Decision and value", width=30),
        *(
            Column(
                model,
                f"{label} (CI)" if model == forks.primary else label,
                "right",
                width=26 if model == forks.primary else 11,
            )
            for model, label in study.info.models.items()
        ),
    ]
    return Table.of(columns, rows, groups=groups)


def _ordered(forks: Forks) -> list[Fork]:
    def auc(fork: Fork) -> float:
        record = fork.records.get(f"out_of_fold/{forks.primary}/auc")
        return float(record.value) if record is not None and isinstance(record.value, int | float) else -1.0

    return [fork for kind in _GROUPS for fork in sorted(forks.of_kind(kind), key=auc, reverse=True)]


def _what(fork: Fork) -> str:
    return "; ".join(f"{name}: {value}" for name, value in fork.changed.items()) or "All as reported"


def _cell(fork: Fork, key: str, *, whole: bool = False) -> str:
    record = fork.records.get(key)
    if record is None or record.value is None:
        return "–"
    limits = values.interval(record) if whole else ""
    return f"{values.point(record)} ({limits})" if limits else values.point(record)
