"""`vcfstats audit forks`: every configuration run once, its AUCs kept, and results/forks.json written when all are there."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import vcfstats
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import file_hash
from vcfstats.contracts.forks import REFERENCE, Fork, Forks, write_forks
from vcfstats.contracts.plan import Look, Run, State, add_looks, add_runs
from vcfstats.contracts.predictions import read_predictions
from vcfstats.contracts.progress import progress
from vcfstats.contracts.records import record_key
from vcfstats.imaging.cache import entry_key
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.environment import here
from vcfstats.pipeline.evaluate import predictions_by_model
from vcfstats.pipeline.evaluation import models, validation
from vcfstats.pipeline.evaluation.performance import discrimination_records
from vcfstats.pipeline.forks.clone import LAST, Clone, check_was_run, cloned
from vcfstats.pipeline.forks.configurations import Planned, effort_of, plan_forks
from vcfstats.pipeline.forks.summary import STAGE, auc_of, summarise
from vcfstats.pipeline.keeping import Kept
from vcfstats.pipeline.looks import configuration_hash
from vcfstats.pipeline.plan import plan_of
from vcfstats.pipeline.stages import STAGES

# Rooms and modules whose code the predictions depend on.
_ROOMS = ("contracts", "imaging", "learning", "simulation", "statistics")
_MODULES = (
    *STAGES[: STAGES.index(LAST) + 1], "cells", "cohort_check", "cohort_files", "cohort_settings", "cohort_table", "correlations",
    "feasible", "networks", "params", "schema", "screening", "textfile",
)  # fmt: skip


def run_forks(
    study: StudyDirectory, *, factorial: bool = False, testing: bool = False, finished: bool = False
) -> Forks:
    """Run every configuration that is not finished, write results/forks.json and return it.

    Each runs in a copy of the study's directory up to its predictions; no result of the internal test set is computed. A
    finished one is kept in the study's cache under the hash of its decisions, the data, the code and the environment, so
    that a killed run goes on where it was.

    Parameters
    ----------
    study : StudyDirectory
        The study, as `dvc repro` left it.
    factorial : bool
        Every combination of the alternatives.
    testing : bool
        Whether the AUC on the internal test set is computed too: only of a locked plan, and each configuration is a look.
    finished : bool
        Run none: write down those that are finished, the file says of how many.

    Raises
    ------
    InputError
        An alternative that cannot be run, a stage that failed, or testing patients asked for before the plan was locked.
    """
    decisions, planned = plan_forks(study, factorial=factorial)
    state = plan_of(study).state
    _refuse_early_looks(study, planned, state, testing=testing)
    check_was_run(study)
    data = file_hash(study.data / "ingest.json")
    keep = Kept(study.cache.absolute(), "forks")
    shared = {"data": data, "code": _code_hash(), "testing": testing, "environment": here().model_dump()}
    keys = [entry_key(params=configuration_hash(one.body), **shared) for one in planned]

    def fork(one: Planned, content: bytes) -> Fork:
        body = json.loads(content)
        _log(study, one, body["data"], state, look=testing or one.redraws)
        if one.kind == REFERENCE and body["data"] != data:
            raise InputError(
                Problem(
                    "data/ingest.json of other patients than the cohort's", "a study whose stages are up to date",
                    "run `dvc repro` first", file=study.data / "ingest.json",
                )
            )  # fmt: skip
        return Fork(
            kind=one.kind, changed=one.changed, reasons=one.reasons, params=one.params,
            data=body["data"], features=body["features"], records=body["records"],
        )  # fmt: skip

    if finished:
        there = [(one, keep.get(key)) for one, key in zip(planned, keys, strict=True)]
        done = [fork(one, content) for one, content in there if content is not None]
    else:
        with cloned(study) as clone:

            def run_all() -> Iterator[Fork]:
                for number, (one, key) in enumerate(zip(planned, keys, strict=True), 1):
                    print(f"forks: {number} of {len(planned)}: {one}", file=sys.stderr, flush=True)
                    yield fork(one, keep(key, _computed(clone, one, study, state, testing=testing)))

            done = list(progress(run_all(), len(planned), label="forks", unit="configurations"))
    if not done or done[0].kind != REFERENCE:
        raise InputError(
            Problem("no finished run of the study's own decisions", "that run and others", "run it without --finished first", file=study.cache)
        )  # fmt: skip
    primary, comparator = study.params.evaluation.primary_comparison
    forks = Forks(
        design="factorial" if factorial else "one_at_a_time",
        named=len(planned),
        primary=primary,
        comparator=comparator,
        decisions=decisions,
        configurations=tuple(done),
        summary=summarise(done, named=len(planned), primary=primary, comparator=comparator, effort=effort_of(study)),
    )
    write_forks(forks, study.forks_file)
    return forks


def _refuse_early_looks(study: StudyDirectory, planned: list[Planned], state: State, *, testing: bool) -> None:
    if state == "locked":
        return
    mend = "lock the plan first (vcfstats lock), or leave this out"
    if testing:
        raise InputError(
            Problem(f"results of the internal test set asked for with a plan that is {state}", "a plan as locked", mend, file=study.lock_file)
        )  # fmt: skip
    redrawn = next((one for one in planned if one.redraws), None)
    if redrawn is not None:
        raise InputError(
            Problem(
                f"an alternative that redraws the partition ({redrawn}) with a plan that is {state}",
                "a plan as locked, since patients of the internal test set would be learned from", mend, file=study.params_file,
            )
        )  # fmt: skip


def _computed(clone: Clone, one: Planned, study: StudyDirectory, state: State, *, testing: bool) -> Callable[[], bytes]:
    def make() -> bytes:
        ran = clone.run(one.body, str(one))
        data = file_hash(ran.data / "ingest.json")
        # Before anything is computed: a look that ends in an error was one.
        _log(study, one, data, state, look=testing or one.redraws)
        return json.dumps({"data": data, **_estimates(ran, testing=testing)}, sort_keys=True).encode()

    return make


def _log(study: StudyDirectory, one: Planned, data: str, state: State, *, look: bool) -> None:
    add_runs([Run(params=one.params, data=data, source="forks")], study.runs_file)
    if look:
        add_looks(
            [Look(params=one.params, data=data, plan=state if one.kind == REFERENCE else "changed", source="forks")],
            study.looks_file,
        )


def _estimates(ran: StudyDirectory, *, testing: bool) -> dict[str, Any]:
    """Return the AUCs of the headline models, out of fold, corrected and, where asked for, on the internal test set; features kept."""
    settings, learned = ran.params.evaluation, ran.learned
    predictions = read_predictions(ran.predictions_file)
    kinds = ("out_of_fold", "testing") if testing else ("out_of_fold",)
    shown = predictions[predictions["kind"].isin(kinds) & predictions["model"].isin(models.LABELS)]
    records = [
        record for given in predictions_by_model(ran, shown) for record in discrimination_records(given, settings)
    ]
    account = models.read_json(learned / "resamples.json")
    if account:
        resamples = validation.read_resamples(learned)
        corrected = validation.optimism_records(predictions, resamples, account, settings.confidence_level)
        records += [record for record in corrected if record.estimate == "auc_corrected"]
    selection = models.read_json(learned / "selection.json")
    return {
        "records": {
            record_key(record.kind, record.model, record.estimate): record.model_copy(update={"stage": STAGE}).model_dump(mode="json")
            for record in records
        },
        "features": {name: len(body["features"]) for name, body in selection.items()},
    }  # fmt: skip


def _code_hash() -> str:
    package = Path(vcfstats.__file__).parent
    files = [path for room in _ROOMS for path in sorted((package / room).rglob("*.py"))]
    files += [package / "pipeline" / f"{module}.py" for module in _MODULES]
    files += [Path(__file__), *(Path(module.__file__ or "") for module in (models, validation))]
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def list_forks(study: StudyDirectory, *, factorial: bool) -> None:
    """Print the configurations that would be run."""
    decisions, planned = plan_forks(study, factorial=factorial)
    print(f"{len(planned)} configurations of {len(decisions)} decisions")
    for number, one in enumerate(planned, 1):
        print(f"  {number}. {one}{' (redraws the partition: a look)' if one.redraws else ''}")
        for reason in one.reasons:
            print(f"       {reason}")


def tell_forks(forks: Forks) -> None:
    """Print what the configurations gave, sorted by the primary model's AUC, and where the reported choice lies."""
    name = models.LABELS[forks.primary]
    sd = forks.summary.get(f"model/{forks.primary}/forks_seeds_sd")
    for title, kinds in (("analytic choices", (REFERENCE, "analytic")), ("seeds: sampling variation", ("sampling",))):
        found = forks.of_kind(*kinds)
        if found:
            print(f"out-of-fold AUC of {name}, {title}")
        for fork in sorted(found, key=lambda one: auc_of(one, forks.primary) or 0.0):
            record = fork.records.get(f"out_of_fold/{forks.primary}/auc")
            limits = (
                f" ({record.ci_low:.3f} to {record.ci_high:.3f})" if record and record.ci_low and record.ci_high else ""
            )
            auc = auc_of(fork, forks.primary)
            said = ", ".join(f"{decision}: {value}" for decision, value in fork.changed.items())
            print(f"  {'not fitted' if auc is None else f'{auc:.3f}'}{limits}  {said or 'as reported'}")
    told = {key.rpartition("forks_")[2]: record.value for key, record in forks.summary.items()}
    if "from_median" in told:
        print(
            f"the reported choice: rank {told['rank']} of {told['n']}, {told['from_median']:+.3f} from the median ({told['median']:.3f})"
        )
    if sd is not None:
        print(f"over {told['seeds']} seeds the AUC has a standard deviation of {sd.value:.3f}")
