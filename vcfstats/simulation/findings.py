"""Who the simulated patients are: diagnosis, partition, findings, sex, age, location.

Wedge, edema and paravertebral mass follow ``reconstructed_counts.csv``, which reproduces the published margins, confusion
tables and odds ratios. The other variables follow the published margins of both partitions; ``other_counts.csv`` divides
them between the diagnoses so that sex and location are associated with malignancy in training and diffuse signal change
and pedicle involvement are not, as published. That division, and the ages' difference, are ours.
"""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import numpy.typing as npt
import pandas as pd

FINDINGS = ("anterior_wedge", "band_edema", "diffuse_change", "pedicle", "paravertebral_mass")
_STRATA = ["partition", "diagnosis"]

# Mean and standard deviation of age in years as published, by partition.
AGES = {"training": (64.33, 14.14), "testing": (60.97, 11.37)}
# Benign fractures, mostly osteoporotic, come this much later in life (years); not published.
AGE_DIFFERENCE = 6.0
_YOUNGEST, _OLDEST = 20, 95


def _read(name: str) -> pd.DataFrame:
    with files("vcfstats.simulation").joinpath(name).open(encoding="utf-8") as stream:
        return pd.read_csv(stream)


def simulate_findings(seed: np.random.SeedSequence) -> pd.DataFrame:
    """Return the 234 patients, one row each.

    Parameters
    ----------
    seed : SeedSequence
        Decides who has which of the findings whose counts are fixed, the ages, and the order of the patients.

    Returns
    -------
    DataFrame
        Index patient_id (``SIM-001`` to ``SIM-234``); columns partition, diagnosis, sex, age (years), location, the five
        findings (0 or 1).
    """
    rng = np.random.default_rng(seed)
    counts = _read("reconstructed_counts.csv")
    patients = counts.loc[counts.index.repeat(counts["n"])].drop(columns="n").reset_index(drop=True)
    other = _read("other_counts.csv")
    for variable in ("sex", "location", "diffuse_change", "pedicle"):
        rows = other[other["variable"] == variable]
        for partition, diagnosis in _strata(patients):
            levels = rows[(rows["partition"] == partition) & (rows["diagnosis"] == diagnosis)]
            members = (patients["partition"] == partition) & (patients["diagnosis"] == diagnosis)
            patients.loc[members, variable] = rng.permutation(np.repeat(levels["level"].to_numpy(), levels["n"]))
    for name in FINDINGS:
        patients[name] = patients[name].astype(int)
    for partition, (mean, sd) in AGES.items():
        cohort = patients["partition"] == partition
        patients.loc[cohort, "age"] = _ages((patients["diagnosis"] == "benign")[cohort].to_numpy(), mean, sd, rng)
    patients["age"] = patients["age"].astype(int)
    patients = patients.iloc[rng.permutation(len(patients))]
    patients.index = pd.Index([f"SIM-{number:03d}" for number in range(1, len(patients) + 1)], name="patient_id")
    return patients[["partition", "diagnosis", "sex", "age", "location", *FINDINGS]]


def _strata(patients: pd.DataFrame) -> list[tuple[str, str]]:
    return sorted(set(zip(patients["partition"], patients["diagnosis"], strict=True)))


def second_reading(patients: pd.DataFrame, kappa: float, seed: np.random.SeedSequence) -> pd.DataFrame:
    """Return a second reader's findings, as often present as the first one's.

    Of n patients with a finding in a fraction p, the second reader misses (1 - kappa) n p (1 - p) that the first one saw,
    and sees as many that the first one did not: Cohen's kappa is then the one asked for, to the rounding to whole patients.

    Parameters
    ----------
    patients : DataFrame
        From `simulate_findings`.
    kappa : float
        Agreement beyond chance, from 0 to 1.
    seed : SeedSequence
        Decides who is read differently.

    Returns
    -------
    DataFrame
        The patients' index; a column ``<finding>_reader2`` (0 or 1) for each finding.
    """
    rng = np.random.default_rng(seed)
    readings = pd.DataFrame(index=patients.index)
    for finding in FINDINGS:
        first = patients[finding].to_numpy()
        share = first.mean()
        swaps = round((1 - kappa) * len(first) * share * (1 - share))
        second = first.copy()
        for value in (0, 1):
            second[rng.permutation(np.flatnonzero(first == value))[:swaps]] = 1 - value
        readings[f"{finding}_reader2"] = second
    return readings


def _ages(benign: npt.NDArray[np.bool_], mean: float, sd: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw whole years with the given mean and SD (to the rounding), benign patients older."""
    within = np.sqrt(sd**2 - AGE_DIFFERENCE**2 * benign.mean() * (1 - benign.mean()))
    ages = AGE_DIFFERENCE * benign + within * rng.standard_normal(len(benign))
    for _ in range(100):
        ages = np.clip(mean + sd * (ages - ages.mean()) / ages.std(ddof=1), _YOUNGEST, _OLDEST)
    years: npt.NDArray[np.float64] = np.round(ages)
    return years


def choose(patients: pd.DataFrame, n_patients: int) -> pd.DataFrame:
    """Return the first patients of each stratum of partition and diagnosis, in proportion, at least two of each.

    Raises
    ------
    ValueError
        Fewer than eight are asked for, or more than there are.
    """
    if not 8 <= n_patients <= len(patients):
        raise ValueError(f"n_patients must lie between 8 and {len(patients)}, got {n_patients}")
    sizes = patients.groupby(_STRATA).size()
    share = sizes * n_patients / len(patients)
    take = share.astype(int).clip(lower=2)
    while take.sum() != n_patients:
        step = 1 if take.sum() < n_patients else -1
        gap = (share - take) * step
        gap[(take == (2 if step < 0 else sizes))] = -np.inf
        take[gap.idxmax()] += step
    members = [
        patients[(patients[_STRATA] == list(stratum)).all(axis=1)].head(int(take[stratum]))
        for stratum in _strata(patients)
    ]
    return pd.concat(members).sort_index()
