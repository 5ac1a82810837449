"""A study's directory: its params, its protocol and where each stage keeps its files."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from vcfstats.contracts import arithmetic
from vcfstats.contracts.cohort import COHORT
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import write_text
from vcfstats.pipeline.graph import SIMULATED
from vcfstats.pipeline.params import Params, check_params
from vcfstats.pipeline.places import check_places
from vcfstats.pipeline.protocol import Departure, Protocol, compare, read_protocol
from vcfstats.pipeline.yamlfile import key_lines, read_yaml


@dataclass(frozen=True)
class StudyDirectory:
    """A directory with params.yaml, in which the stages run.

    Attributes
    ----------
    root : Path
        The directory.
    results_folder : Path or None
        Where results go if not to the directory's own `results`: what is recomputed only to be compared.
    making : mapping of str to Path
        Output folders that a stage is making -> where they lie until they are whole.
    """

    root: Path
    results_folder: Path | None = None
    making: Mapping[str, Path] = field(default_factory=dict)

    @cached_property
    def body(self) -> dict[str, Any]:
        """params.yaml as it is written; read once, so that a stage has one set of settings however long it runs."""
        return read_yaml(self.params_file)

    @cached_property
    def params(self) -> Params:
        """params.yaml, checked against its schema and its protocol."""
        params = check_params(self.body, self.params_file, lines=lambda: key_lines(self.params_file))
        check_places(params, self.root, self.params_file)
        arithmetic.check_active(params.compute.arithmetic, file=self.params_file)
        compare(params, self._protocol_of(params), path=self.params_file)
        return params

    @cached_property
    def protocol(self) -> Protocol | None:
        """The published or registered values, None where params name no protocol."""
        return self._protocol_of(self.params)

    def departures(self) -> list[Departure]:
        """Return every deviation and choice with its reason."""
        return compare(self.params, self.protocol, path=self.params_file)

    def _protocol_of(self, params: Params) -> Protocol | None:
        return read_protocol(self.root / params.study.protocol) if params.study.protocol else None

    @property
    def params_file(self) -> Path:
        """params.yaml."""
        return self.root / "params.yaml"

    def folder(self, name: str) -> Path:
        """Return an output folder of a stage: its place in the study, or where the stage that runs is making it."""
        return self.making.get(name, self.root / name)

    @property
    def simulated(self) -> Path:
        """Where the simulated cohort is written."""
        return self.folder(SIMULATED)

    @property
    def cohort_folder(self) -> Path:
        """Folder with the raw cohort."""
        return self.root / self.params.cohort.folder

    @property
    def data(self) -> Path:
        """What stages make and DVC caches."""
        return self.root / "data"

    @property
    def cohort_file(self) -> Path:
        """The checked cohort table."""
        return self.data / "cohort.parquet"

    @property
    def preprocessed(self) -> Path:
        """Preprocessed images and masks."""
        return self.folder("data/preprocessed")

    @property
    def quality(self) -> Path:
        """Pictures of the cases and contact sheets."""
        return self.folder("data/quality")

    @property
    def quality_file(self) -> Path:
        """Simple quantities of each case, and which cases lie far from the others."""
        return self.data / "quality.json"

    @property
    def radiomics_file(self) -> Path:
        """The radiomics matrix."""
        return self.data / "radiomics.parquet"

    @property
    def repeats(self) -> Path:
        """Preprocessed cases with the repeated regions, and the features' intraclass correlations."""
        return self.folder("data/repeats")

    @property
    def slices_file(self) -> Path:
        """Three slices of each case."""
        return self.data / "slices.npz"

    @property
    def deep_file(self) -> Path:
        """The deep feature matrix."""
        return self.data / "deep.parquet"

    @property
    def networks(self) -> Path:
        """Features and heads of the networks trained without some folds, and the training curves of all."""
        return self.folder("data/networks")

    @property
    def network(self) -> Path:
        """Weights of the network for new patients, where layers were trained."""
        return self.folder("models/network")

    @property
    def activation_file(self) -> Path:
        """Class activation maps of the cases that are shown."""
        return self.data / "activation.json"

    @property
    def plan_file(self) -> Path:
        """The plan against its lock, written before any testing result."""
        return self.results / "plan.json"

    @property
    def lock_file(self) -> Path:
        """The locks of the plan, committed to git."""
        return self.root / "lock.json"

    @property
    def looks_file(self) -> Path:
        """The log of looks at results of the internal test set, committed to git and made by no stage alone."""
        return self.results / "looks.jsonl"

    @property
    def runs_file(self) -> Path:
        """The log of every configuration that was run, committed to git and made by no stage alone."""
        return self.results / "configurations.jsonl"

    @property
    def forks_file(self) -> Path:
        """What defensible alternatives to the study's decisions gave, committed to git; `vcfstats audit forks` writes it."""
        return self.results / "forks.json"

    @property
    def split_file(self) -> Path:
        """Partition and fold of each case."""
        return self.data / "split.csv"

    @property
    def predictions_file(self) -> Path:
        """The predictions table."""
        return self.data / "predictions.parquet"

    @property
    def models(self) -> Path:
        """Fitted models."""
        return self.root / "models"

    @property
    def bundle(self) -> Path:
        """The headline models with all that scores a new patient."""
        return self.folder("models/dlrn")

    @property
    def learned(self) -> Path:
        """What the stage learn fitted."""
        return self.folder("models/learned")

    @property
    def results(self) -> Path:
        """Results, committed to git."""
        return self.results_folder or self.root / "results"

    @property
    def report(self) -> Path:
        """The documents' sources."""
        return self.root / "report"

    @property
    def documents(self) -> Path:
        """The rendered documents."""
        return self.folder("report/_output")

    @property
    def cache(self) -> Path:
        """Finished patients, keyed by content."""
        return self.root / ".vcfstats-cache"

    @property
    def scheduler(self) -> str | None:
        """Address of the Dask scheduler whose workers take the patients, None for processes of this machine.

        The environment's VCFSTATS_SCHEDULER goes before params.yaml: a cluster's address changes from day to day.
        """
        return os.environ.get("VCFSTATS_SCHEDULER") or self.params.compute.scheduler

    def read_cohort(self) -> pd.DataFrame:
        """Return the checked cohort table, indexed by case_id."""
        if not self.cohort_file.is_file():
            raise InputError(
                Problem("no such file", "the checked cohort table", "run the stage ingest first", file=self.cohort_file)
            )
        return COHORT.validate(pd.read_parquet(self.cohort_file))

    def read_split(self) -> pd.DataFrame:
        """Return partition and fold, indexed by case_id; fold is missing for testing cases."""
        if not self.split_file.is_file():
            raise InputError(Problem("no such file", "the split", "run the stage split first", file=self.split_file))
        # No case_id is a missing value, whatever it is called.
        split = pd.read_csv(
            self.split_file,
            dtype={"case_id": str, "partition": str, "fold": "Int64"},
            keep_default_na=False,
            na_values={"fold": [""]},
        )
        return split.set_index("case_id")

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Note how long a stage took, on what, in results/run.json, which no comparison reads."""
        start = time.monotonic()
        yield
        path = self.results / "run.json"
        try:
            run = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            run = {}  # a first run, or one killed before this file was whole: only durations are lost
        run[stage] = {
            "seconds": round(time.monotonic() - start, 1),
            "ended": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        }
        write_text(path, json.dumps(run, indent=1, sort_keys=True) + "\n")
