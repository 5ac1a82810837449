"""Stage repeats: features of regions that were drawn again, for training patients, and their intraclass correlations."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vcfstats import icc
from vcfstats.contracts.cohort import REPEATS, cases_of
from vcfstats.contracts.features import read_features
from vcfstats.contracts.files import write_text
from vcfstats.imaging import extract_cases, preprocess_cases
from vcfstats.pipeline.directory import StudyDirectory


def run(study: StudyDirectory) -> None:
    """Write data/repeats: icc_intra.csv and icc_inter.csv, each empty but for its header where nothing was drawn again.

    Only training patients count: a filter that saw how reproducible a testing patient's features are would have learned
    from the internal test set.
    """
    params = study.params
    cohort = study.read_cohort()
    partition = study.read_split()["partition"]
    training = cohort[partition.loc[cohort.index] == "training"]
    first = read_features(study.radiomics_file)
    study.repeats.mkdir(parents=True, exist_ok=True)
    for column in REPEATS:
        name = column.removeprefix("mask_")
        cases = list(cases_of(training, study.cohort_folder, mask=column))
        frame = pd.DataFrame(columns=["feature", "form", "icc", "low", "high", "n"])
        if cases:
            out = study.cache / "work" / column
            again = preprocess_cases(
                cases,
                params.preprocess,
                out=out,
                cache=study.cache,
                workers=params.compute.workers,
                scheduler=study.scheduler,
            )
            second, _ = extract_cases(
                again, params.radiomics, cache=study.cache, workers=params.compute.workers, scheduler=study.scheduler
            )
            frame = correlations(first.loc[second.index], second)
        write_text(study.repeats / f"icc_{name}.csv", frame.to_csv(index=False, lineterminator="\n"))
        print(f"repeats: {len(cases)} training cases drawn again ({name})")


def correlations(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Return the intraclass correlations of two readings of the same cases, every form, one row a feature and form."""
    ratings = np.stack([first.to_numpy(), second.loc[first.index, first.columns].to_numpy()], axis=-1).transpose(
        1, 0, 2
    )
    frame: pd.DataFrame = icc(ratings, features=list(first.columns)).to_frame()
    return frame.filter(["feature", "form", "icc", "low", "high"]).assign(n=len(first))
