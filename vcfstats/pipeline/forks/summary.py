"""What the configurations say together: where the reported choice lies among those that could have been made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vcfstats.contracts.forks import ANALYTIC, REFERENCE, SAMPLING, Fork
from vcfstats.contracts.records import Record, Records, add_record

STAGE = "forks"


def summarise(forks: Sequence[Fork], *, named: int, primary: str, comparator: str, effort: str) -> Records:
    """Return the records of the summary, each of the primary model's out-of-fold AUC.

    Analytic choices are the reference and its alternatives, each counted once; seeds are summarised apart, with the reference,
    whose own seed is one of them. Median, range and rank describe the configurations that were named: they are no sample of
    anything, so that no interval or test belongs to them (Steegen et al. 2016, doi:10.1177/1745691616658637; Simonsohn et al. 2020,
    doi:10.1038/s41562-020-0912-z).

    Parameters
    ----------
    forks : sequence of Fork
        The configurations, one of them the reference.
    named : int
        Configurations that params.yaml names.
    primary, comparator : str
        The headline models that the study compares first.
    effort : str
        What each configuration did with less of than the study, in words.

    Returns
    -------
    dict of str to Record
        ``model/{primary}/forks_...``: ``named`` and ``run`` (configurations of all kinds), ``n`` (analytic choices with an AUC), ``failed`` (without), ``median``, ``lowest``, ``highest``,
        ``reference``, ``from_median`` (reference less median), ``rank`` (1 is the largest AUC; ties share the better rank), ``tied``
        (others with the reference's AUC), ``ahead`` and ``compared`` (in how many of how many the primary model's AUC exceeds the
        comparator's), ``effort``; ``seeds``, ``seeds_median``, ``seeds_lowest``, ``seeds_highest`` and ``seeds_sd`` (n - 1) over seeds.
    """
    reference = next(fork for fork in forks if fork.kind == REFERENCE)
    analytic = [fork for fork in forks if fork.kind in (REFERENCE, ANALYTIC)]
    sampling = [reference, *(fork for fork in forks if fork.kind == SAMPLING)]
    records: Records = {}

    def add(estimate: str, value: Any, method: str, **more: Any) -> None:
        add_record(
            records,
            Record(
                kind="model", model=primary, partition="training", estimate=f"forks_{estimate}", value=value, method=method, stage=STAGE, **more
            ),
        )  # fmt: skip

    add("named", named, "configurations that params.yaml names")
    add("run", len(forks), "those of them that were run")
    if effort:
        add("effort", effort, "what every configuration, the reference among them, did with less of than the study")
    values = np.array([auc for fork in analytic if (auc := auc_of(fork, primary)) is not None])
    add("n", len(values), "configurations of analytic choices with an out-of-fold AUC, the reported one among them")
    add("failed", len(analytic) - len(values), "configurations of analytic choices without one")
    among = f"out-of-fold AUC, over {len(values)} configurations of analytic choices"
    if len(values):
        add("median", float(np.median(values)), f"median {among}")
        add("lowest", float(values.min()), f"smallest {among}")
        add("highest", float(values.max()), f"largest {among}")
    own = auc_of(reference, primary)
    if own is not None:
        told = reference.records[f"out_of_fold/{primary}/auc"]
        more = {name: getattr(told, name) for name in ("ci_low", "ci_high", "level", "n", "events")}
        add("reference", own, told.method or "out-of-fold AUC", **more)
        add("from_median", own - float(np.median(values)), f"reported choice less the median {among}")
        add("rank", int((values > own).sum()) + 1, f"rank of the reported choice, 1 the largest {among}")
        add("tied", int((values == own).sum()) - 1, "other configurations with the same AUC as the reported choice")
    pairs = [(auc_of(fork, primary), auc_of(fork, comparator)) for fork in analytic]
    both = [(a, b) for a, b in pairs if a is not None and b is not None]
    add(
        "compared",
        len(both),
        f"configurations of analytic choices in which {primary} and {comparator} have an out-of-fold AUC",
    )
    add("ahead", sum(a > b for a, b in both), f"those of them in which the AUC of {primary} is the larger")
    drawn = np.array([auc for fork in sampling if (auc := auc_of(fork, primary)) is not None])
    if len(sampling) > 1 and len(drawn) > 1:
        over = f"out-of-fold AUC, over {len(drawn)} seeds, the study's own among them"
        add("seeds", len(drawn), "roots of the random numbers with an out-of-fold AUC, the study's own among them")
        add("seeds_median", float(np.median(drawn)), f"median {over}")
        add("seeds_lowest", float(drawn.min()), f"smallest {over}")
        add("seeds_highest", float(drawn.max()), f"largest {over}")
        add("seeds_sd", float(drawn.std(ddof=1)), f"standard deviation of the {over}")
    return records


def auc_of(fork: Fork, model: str, kind: str = "out_of_fold") -> float | None:
    """Return a model's AUC in one configuration, None where it has none."""
    record = fork.records.get(f"{kind}/{model}/auc")
    return float(record.value) if record is not None and isinstance(record.value, int | float) else None
