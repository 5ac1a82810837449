"""Stage repeats: features of regions that were drawn again or changed a little, for training patients, and how they correlate."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vcfstats.contracts.case import Case
from vcfstats.contracts.cohort import REPEATS, cases_of
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.features import read_features
from vcfstats.contracts.files import write_text
from vcfstats.imaging import extract_cases, perturb_cases, preprocess_cases, preprocessed_case, slice_cases
from vcfstats.pipeline.correlations import MATRICES, READINGS, correlations, write_correlations
from vcfstats.pipeline.directory import StudyDirectory

_FEWEST = 3  # patients whose every copy was measured; fewer say nothing


def run(study: StudyDirectory) -> None:
    """Write data/repeats: for each matrix icc_intra.csv, icc_inter.csv and icc_perturbation.csv, and repeats.json.

    A file has its header alone where there is no such reading. Only training patients count: a filter that saw how
    reproducible a testing patient's features are would have learned from the internal test set.
    """
    settings = study.params.learning.reliability
    cohort = study.read_cohort()
    partition = study.read_split()["partition"]
    training = cohort[partition.loc[cohort.index] == "training"]
    study.repeats.mkdir(parents=True, exist_ok=True)
    measure = _Measure.of(study)
    found: dict[str, dict[str, pd.DataFrame]] = {}
    said: dict[str, object] = {"source": settings.source}
    if settings.source == "repeats":
        for column in REPEATS:
            name = column.removeprefix("mask_")
            cases = list(cases_of(training, study.cohort_folder, mask=column))
            said[name] = [case.case_id for case in cases]
            if cases:
                found[name] = measure.drawn_again(cases, column)
            print(f"repeats: {len(cases)} training cases drawn again ({name})")
    elif settings.source == "perturbation":
        found["perturbation"], said["perturbation"], said["failed"] = measure.changed(training)
    for reading in READINGS:
        for matrix in MATRICES:
            write_correlations(study, matrix, reading, found.get(reading, {}).get(matrix))
    write_text(study.repeats / "repeats.json", json.dumps(said, indent=1, sort_keys=True) + "\n")


@dataclass(frozen=True)
class _Measure:
    """Takes the features of preprocessed cases, those of the study's matrices that are filtered."""

    study: StudyDirectory
    first: dict[str, pd.DataFrame]

    @classmethod
    def of(cls, study: StudyDirectory) -> _Measure:
        first = {"radiomics": read_features(study.radiomics_file)}
        if study.params.learning.reliability.deep:
            first["deep"] = read_features(study.deep_file)
        return cls(study, first)

    def drawn_again(self, cases: list[Case], column: str) -> dict[str, pd.DataFrame]:
        """Return the correlations between the regions as they are and drawn again."""
        study, params = self.study, self.study.params
        again = preprocess_cases(
            cases,
            params.preprocess,
            out=study.cache / "work" / column,
            cache=study.cache,
            workers=params.compute.workers,
            scheduler=study.scheduler,
        )
        return self._correlated([self._features(again)])

    def changed(self, training: pd.DataFrame) -> tuple[dict[str, pd.DataFrame], list[str], dict[str, str]]:
        """Return the correlations over image and region as they are and changed, the cases, and those that failed.

        A case that fails in any copy is left out of all, so that every feature is compared on the same cases.
        """
        study, params = self.study, self.study.params
        chosen = _drawn(training, params.perturbation.patients, params.seed_for("perturbation/patients"))
        cases = [preprocessed_case(case, study.preprocessed) for case in cases_of(chosen, study.cohort_folder)]
        copies, failed = perturb_cases(
            cases,
            params.perturbation,
            lambda case: params.seed_for(f"perturbation/{case}"),
            image_interpolator=params.preprocess.image_interpolator,
            mask_interpolator=params.preprocess.mask_interpolator,
            out=study.cache / "work" / "perturbation",
            cache=study.cache,
            workers=params.compute.workers,
            scheduler=study.scheduler,
        )
        for k, copy in enumerate(copies):
            failed |= {case: f"copy {k + 1}: {why}" for case, why in self._unmeasurable(copy).items()}
        kept = [case.case_id for case in cases if case.case_id not in failed]
        print(f"repeats: {len(kept)} training cases changed {len(copies)} times; {len(failed)} failed")
        if len(kept) < _FEWEST:
            why = next(iter(failed.values()), "there are no others")
            raise InputError(
                Problem(
                    f"{len(kept)} training cases whose image and region could be changed {len(copies)} times ({why})",
                    f"at least {_FEWEST}",
                    "make the changes under perturbation smaller, or set learning.reliability.source to none",
                )
            )
        readings = [self._features([case for case in copy if case.case_id in set(kept)]) for copy in copies]
        return self._correlated(readings), kept, failed

    def _unmeasurable(self, cases: Sequence[Case]) -> dict[str, str]:
        """Return the cases that have no features, and why; those that have are kept in the cache."""
        try:
            self._features(cases)
        except InputError as error:
            return {problem.patient: problem.found for problem in error.problems}
        return {}

    def _features(self, cases: Sequence[Case]) -> dict[str, pd.DataFrame]:
        study, params = self.study, self.study.params
        workers = params.compute.workers
        found = {
            "radiomics": extract_cases(
                cases, params.radiomics, cache=study.cache, workers=workers, scheduler=study.scheduler
            )[0]
        }
        if "deep" in self.first and cases:
            from vcfstats.learning.network import load_trunk, trunk_features  # torch, where it is needed

            stack, _ = slice_cases(cases, params.slices, cache=study.cache, workers=workers, scheduler=study.scheduler)
            found["deep"] = trunk_features(stack, load_trunk(params.trunk), workers=workers)
        return found

    def _correlated(self, readings: list[dict[str, pd.DataFrame]]) -> dict[str, pd.DataFrame]:
        return {
            matrix: correlations([frame.loc[readings[0][matrix].index], *(reading[matrix] for reading in readings)])
            for matrix, frame in self.first.items()
        }


def _drawn(training: pd.DataFrame, patients: int | None, seed: np.random.SeedSequence) -> pd.DataFrame:
    """Return the cases of so many patients drawn at random, in the order of the cohort."""
    names = np.array(sorted(training["patient_id"].unique()), dtype=object)
    if patients is not None and patients < len(names):
        names = np.random.default_rng(seed).choice(names, patients, replace=False)
    return training[training["patient_id"].isin(set(names))]
