"""The simulated cohort as a folder that any study can be run on, labelled simulated wherever it shows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk
from joblib import Parallel, delayed, parallel_config

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.faults import writer_of
from vcfstats.contracts.files import replacing, write_text
from vcfstats.contracts.progress import progress
from vcfstats.simulation.course import follow_up, screening_log
from vcfstats.simulation.findings import choose, second_reading, simulate_findings
from vcfstats.simulation.patient import simulate_examination
from vcfstats.simulation.settings import SimulationSettings

MARKER = "SIMULATED.txt"
_MARKER_TEXT = """This cohort is SIMULATED. No image, mask or row in it comes from a patient.

It was made by vcfstats; simulation.json holds the settings and the seed. Counts of wedge deformity, band-pattern edema and
paravertebral mass by diagnosis and partition are reconstructed from a published study; everything else is drawn at random.
Whatever is computed from it says something about the software and nothing about vertebral fractures.
"""
_REPEATS = ("mask_intra", "mask_inter")


def simulate_cohort(
    folder: Path, settings: SimulationSettings, seed: np.random.SeedSequence, *, workers: int = 1
) -> pd.DataFrame:
    """Write a simulated cohort: ``cohort.csv``, ``screening.csv``, ``images/``, ``masks/``, settings and a marker.

    The bytes depend on settings and seed alone, and a patient's on that patient alone: a smaller cohort holds patients of
    the larger one, unchanged.

    Parameters
    ----------
    folder : Path
        Where to write. What an earlier simulation left there is replaced.
    settings : SimulationSettings
        How many patients, and what their images show.
    seed : SeedSequence
        Of everything random.
    workers : int
        Parallel processes.

    Returns
    -------
    DataFrame
        The rows of ``cohort.csv``: patient_id, image, mask (and mask_intra, mask_inter where n_repeat is not 0), partition,
        diagnosis, sex, age (years), location, the five findings (0 or 1; ``<finding>_reader2`` where there is a second
        reader), followup_months, progression, scanner, simulated (always True).

    Raises
    ------
    InputError
        The folder holds files that no simulation wrote.
    ValueError
        `workers` is below 1.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    _clear(folder)
    write_text(folder / MARKER, _MARKER_TEXT)
    table_seed, repeat_seed, image_seed, reader_seed, course_seed, screening_seed = (
        _child(seed, index) for index in range(6)
    )
    everyone = simulate_findings(table_seed)
    patients = choose(everyone, settings.n_patients)
    again = set(np.random.default_rng(repeat_seed).permutation(patients.index.to_numpy())[: settings.n_repeat])
    numbers = {patient: number for number, patient in enumerate(everyone.index)}
    tasks = [
        (
            folder,
            str(patient),
            {str(name): value for name, value in row.items()},
            settings,
            _child(image_seed, numbers[patient]),
            patient in again,
        )
        for patient, row in patients.iterrows()
    ]
    scanners = dict(progress(_written(tasks, workers), len(tasks), label="simulate"))
    cohort = patients.reset_index()
    cohort.insert(1, "image", [f"images/{patient}.nii.gz" for patient in patients.index])
    cohort.insert(2, "mask", [f"masks/{patient}.nii.gz" for patient in patients.index])
    if settings.n_repeat:
        for place, name in enumerate(_REPEATS, start=3):
            cohort.insert(place, name, [f"masks/{p}_{name}.nii.gz" if p in again else None for p in patients.index])
    if settings.second_reader_kappa is not None:
        readings = second_reading(everyone, settings.second_reader_kappa, reader_seed).loc[patients.index]
        cohort = pd.concat([cohort, readings.reset_index(drop=True)], axis=1)
    # Drawn for all, then chosen, as the findings are: a smaller cohort holds the same patients.
    course = follow_up(everyone["diagnosis"], course_seed).loc[patients.index]
    cohort = pd.concat([cohort, course.reset_index(drop=True)], axis=1)
    cohort["scanner"] = [scanners[patient] for patient in patients.index]
    cohort["simulated"] = True
    write_text(folder / "cohort.csv", cohort.to_csv(index=False, lineterminator="\n"))
    log = screening_log(len(cohort), screening_seed)
    write_text(folder / "screening.csv", log.to_csv(index=False, lineterminator="\n"))
    description = {
        "simulated": True,
        "settings": settings.model_dump(mode="json"),
        "seed": {"entropy": seed.entropy, "spawn_key": list(seed.spawn_key)},
    }
    write_text(folder / "simulation.json", json.dumps(description, indent=1, sort_keys=True) + "\n")
    return cohort


def _child(seed: np.random.SeedSequence, index: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, index))


def _clear(folder: Path) -> None:
    if not folder.exists():
        return
    if not (folder / MARKER).is_file():
        if any(folder.iterdir()):
            raise InputError(
                Problem(
                    "files that no simulation wrote",
                    f"an empty folder, or one that holds {MARKER}",
                    "name another folder for the simulated cohort",
                    file=folder,
                )
            )
        return
    for name in ("images", "masks"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("cohort.csv", "screening.csv", "simulation.json"):
        (folder / name).unlink(missing_ok=True)


_Task = tuple[Path, str, dict[str, object], SimulationSettings, np.random.SeedSequence, bool]


def _written(tasks: list[_Task], workers: int) -> Iterator[tuple[str, str]]:
    if workers == 1:
        yield from (_write_patient(*task) for task in tasks)
        return
    with parallel_config(backend="loky", inner_max_num_threads=1):
        parallel = Parallel(n_jobs=min(workers, len(tasks)), return_as="generator_unordered", batch_size=1)
        yield from parallel(delayed(_write_patient)(*task) for task in tasks)


def _write_patient(
    folder: Path,
    patient: str,
    row: dict[str, object],
    settings: SimulationSettings,
    seed: np.random.SeedSequence,
    repeat: bool,
) -> tuple[str, str]:
    examination = simulate_examination(row, settings, seed, repeat=repeat)
    _write(examination.image, folder / "images" / f"{patient}.nii.gz")
    for name, mask in examination.masks.items():
        suffix = "" if name == "mask" else f"_{name}"
        _write(mask, folder / "masks" / f"{patient}{suffix}.nii.gz")
    sidecar = json.dumps(examination.acquisition.sidecar(), indent=1) + "\n"
    write_text(folder / "images" / f"{patient}.json", sidecar)
    return patient, examination.acquisition.scanner.manufacturer


def _write(volume: sitk.Image, path: Path) -> None:
    with replacing(path) as temporary, writer_of(temporary):
        sitk.WriteImage(volume, str(temporary), useCompression=True, compressionLevel=3)
