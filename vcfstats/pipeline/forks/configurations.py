"""The configurations that the alternatives make: what each sets, why, and what it is called in print."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.forks import SEED, Decision, Kind
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.looks import configuration_hash
from vcfstats.pipeline.params import Params, analytic_leaves, check_params
from vcfstats.pipeline.protocol import Protocol, compare
from vcfstats.pipeline.yamlfile import read_yaml

SAMPLES = ("learning.optimism.n_resamples", "learning.stability.n_subsamples")
_EFFORT = "Less effort, the same for every configuration that is compared."


@dataclass(frozen=True)
class Planned:
    """A configuration to run.

    Attributes
    ----------
    kind : {"reference", "analytic", "sampling"}
        The study's own decisions, another decision, or another root of the random numbers.
    changed : dict
        Decision -> its value in print, where it is not the study's own.
    reasons : tuple of str
        Why, one for each of them.
    decided : dict
        params.yaml with the alternatives, as the logs count it: with the effort, but as many bootstrap samples as the
        study has, which move no probability.
    body : dict
        params.yaml to run with.
    redraws : bool
        Whether patients may change sides between the training and the internal test set.
    """

    kind: Kind
    changed: dict[str, str]
    reasons: tuple[str, ...]
    decided: dict[str, Any] = field(repr=False)
    body: dict[str, Any] = field(repr=False)
    redraws: bool = False

    @property
    def params(self) -> str:
        """Hash of the decisions."""
        return configuration_hash(self.decided)

    def __str__(self) -> str:
        """Name what it changes."""
        return ", ".join(f"{name}: {value}" for name, value in self.changed.items()) or "the study's own decisions"


@dataclass(frozen=True)
class _Option:
    label: str
    set: Mapping[str, Any]
    reason: str


def plan_forks(study: StudyDirectory, *, factorial: bool = False) -> tuple[tuple[Decision, ...], list[Planned]]:
    """Return the decisions with alternatives, and the configurations to run, the study's own first.

    Parameters
    ----------
    study : StudyDirectory
        The study; its params hold the alternatives.
    factorial : bool
        Every combination of the decisions' values, in place of one departure at a time.

    Raises
    ------
    InputError
        There are no alternatives; a key is none of the analytic ones; a value is refused by the schema, or is the study's own.
    """
    settings, file = study.params.forks, study.params_file
    if not settings.decisions and not settings.seeds:
        raise InputError(
            Problem("no alternatives", "decisions with alternatives, or seeds, under `forks:`", "see docs/audit.md for what they look like", file=file)
        )  # fmt: skip
    own = analytic_leaves(study.params)
    named = [(key, name) for name, found in settings.decisions.items() for one in found for key in one.set]
    problems = [
        _refused(f"unknown key {key}", name, study, "analytic keys of params.yaml", "correct its spelling")
        for key, name in [*named, *((key, "") for key in settings.effort)]
        if key not in own
    ]
    if problems:
        raise InputError(problems)
    body = changed_body(read_yaml(file), settings.effort)
    own |= {key: value for key, value in analytic_leaves(check_params(body, file)).items() if key in settings.effort}
    decisions, options = [], {}
    for name, alternatives in settings.decisions.items():
        keys = tuple(dict.fromkeys(key for alternative in alternatives for key in alternative.set))
        found: list[_Option] = []
        for alternative in alternatives:
            try:
                values = analytic_leaves(check_params(changed_body(body, alternative.set), file))
            except InputError as error:
                problems += [_refused(p.found, name, study, p.allowed, p.mend) for p in error.problems]
                continue
            if values == own:
                problems.append(
                    _refused(f"{alternative.set}, the study's own value", name, study, "other values", "remove it")
                )
            label = in_print(values, keys)
            if any(option.label == label for option in found):
                problems.append(_refused(f"{label} twice", name, study, "each alternative once", "remove one"))
            found.append(_Option(label, alternative.set, alternative.reason))
        options[name] = found
        decisions.append(
            Decision(name=name, keys=keys, reference=in_print(own, keys), values=tuple(o.label for o in found))
        )
    if problems:
        raise InputError(problems)
    planned = [
        _planned(study, body, "analytic" if chosen else "reference", chosen)
        for chosen in (_combinations(options) if factorial else _departures(options))
    ]
    for seed in settings.seeds:
        if seed == study.params.seed:
            raise InputError(
                _refused(f"seed {seed}, the study's own", "", study, "other seeds", "remove it from forks.seeds")
            )
        why = "Another root of the random numbers, on the same patients."
        planned.append(_planned(study, body, "sampling", {SEED: _Option(str(seed), {"seed": seed}, why)}))
    return tuple(decisions), planned


def effort_of(study: StudyDirectory) -> str:
    """Return in words what every configuration does with less of than the study; empty where it is nothing."""
    own, effort = analytic_leaves(study.params), study.params.forks.effort
    return "; ".join(
        f"{key} {_words(value)} (the study: {_words(own[key])})" for key, value in effort.items() if value != own[key]
    )


def changed_body(body: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of params.yaml with other values under dotted keys."""
    changed = copy.deepcopy(dict(body))
    for key, value in values.items():
        *parents, last = key.split(".")
        part = changed
        for name in parents:
            part = part[name]
        part[last] = copy.deepcopy(value)
    return changed


def in_print(values: Mapping[str, Any], keys: Sequence[str]) -> str:
    """Write the values of a decision's keys: one by itself, several with the last part of their names, unset ones left out."""
    if len(keys) == 1:
        return _words(values[keys[0]])
    said = [
        f"{key.rpartition('.')[2].replace('_', ' ')} {_words(values[key])}" for key in keys if values[key] is not None
    ]
    return ", ".join(said) or "none"


def _words(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value))
    return str(value).replace("_", " ")


def _departures(options: Mapping[str, Sequence[_Option]]) -> Iterator[dict[str, _Option]]:
    yield {}
    for name, found in options.items():
        yield from ({name: option} for option in found)


def _combinations(options: Mapping[str, Sequence[_Option]]) -> Iterator[dict[str, _Option]]:
    for choice in itertools.product(*([None, *found] for found in options.values())):
        yield {name: option for name, option in zip(options, choice, strict=True) if option is not None}


def _planned(
    study: StudyDirectory, body: dict[str, Any], kind: Kind, chosen: Mapping[str, _Option]
) -> Planned:  # fmt: skip
    values = {key: value for option in chosen.values() for key, value in option.set.items()}
    reasons = {key: option.reason for option in chosen.values() for key in option.set}
    effort = dict.fromkeys(study.params.forks.effort, _EFFORT)
    run = changed_body(body, values)
    params = check_params(run, study.params_file)
    _give_reasons(run, params, study.protocol, effort | reasons)
    compare(check_params(run, study.params_file), study.protocol, path=study.params_file)
    leaves = analytic_leaves(study.params)
    drawn = params.split.method != "column" and "seed" in values
    return Planned(
        kind=kind,
        changed={name: option.label for name, option in chosen.items()},
        reasons=tuple(option.reason for option in chosen.values()),
        decided=changed_body(run, {key: leaves[key] for key in SAMPLES}),
        body=run,
        redraws=drawn or any(key.startswith("split.") for key in values),
    )


def _give_reasons(body: dict[str, Any], params: Params, protocol: Protocol | None, reasons: Mapping[str, str]) -> None:
    """Put the alternatives' reasons where the protocol asks for them, and take away those of the values that they replace."""
    if protocol is None:
        return
    values = analytic_leaves(params)
    for key, reason in reasons.items():
        entry = protocol.keys.get(key)
        if entry is None:
            continue
        for name in ("deviations", "choices"):
            body[name] = {k: said for k, said in (body.get(name) or {}).items() if k != key}
        table = entry.table_for(values[key])
        if table is not None:
            body[table][key] = reason


def _refused(found: str, name: str, study: StudyDirectory, allowed: str, mend: str) -> Problem:
    where = f" under forks.decisions.{name}" if name else " under forks"
    return Problem(f"{found}{where}", allowed, mend, file=study.params_file)
