"""Patients of elsewhere: their table by the columns of the model, their images checked, their features computed."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vcfstats.contracts.case import Case
from vcfstats.contracts.cohort import cases_of
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import making_folder
from vcfstats.contracts.progress import progress
from vcfstats.imaging import extract_cases, preprocess_cases, slice_cases
from vcfstats.imaging.acquisition import acquisition_of
from vcfstats.imaging.cache import path_hash
from vcfstats.imaging.checking import check_cases
from vcfstats.imaging.paths import split_choice
from vcfstats.imaging.reading import dicom_volume
from vcfstats.learning.harmonisation.columns import unseen
from vcfstats.learning.network import load_trunk, trunk_features
from vcfstats.pipeline.application.bundle import Bundle, image_mark
from vcfstats.pipeline.application.writing import machine
from vcfstats.pipeline.cells import Told, has_decimal_commas, known, tell
from vcfstats.pipeline.cohort_files import (
    find_table,
    image_column_names,
    image_columns,
    read_table,
    require_columns,
)
from vcfstats.pipeline.cohort_table import covariate_column, outcome_column, scanner_column
from vcfstats.pipeline.ingest import scanners_of_headers
from vcfstats.pipeline.params import CohortSection, Covariate
from vcfstats.pipeline.schema import checked
from vcfstats.pipeline.yamlfile import read_yaml
from vcfstats.simulation.cohort import MARKER

# What a new cohort's params may say that concerns the study that it was written for, not the columns.
_NOT_HERE = ("folder", "followup", "screening", "mask_intra", "mask_inter")
# What a column `simulated` says of simulated patients.
_TRUE = ("true", "1", "yes")


@dataclass(frozen=True)
class Newcomers:
    """A new cohort, checked.

    Attributes
    ----------
    folder : Path
        Where it lies.
    cohort : DataFrame
        Index case_id: patient_id, files, the findings that there are and, where it was asked for, outcome.
    columns : CohortSection
        Its columns; the covariates are those that it has.
    cases : tuple of Case
        Its images.
    hashes : dict
        case_id -> hashes of image and mask.
    known : tuple of str
        Cases whose image the model was trained on.
    warnings : dict of str to list of str
        case_id -> what somebody should know of the case.
    absent : tuple of str
        Covariates of the development that it lacks.
    simulated : bool
        Whether it says that it is simulated.
    """

    folder: Path
    cohort: pd.DataFrame
    columns: CohortSection
    cases: tuple[Case, ...]
    hashes: dict[str, dict[str, str]]
    known: tuple[str, ...]
    warnings: dict[str, list[str]]
    absent: tuple[str, ...]
    simulated: bool


def columns_of(bundle: Bundle, params_file: Path | None, folder: Path) -> CohortSection:
    """Return the columns of a new cohort: the development's, or what the section `cohort` of a params file says instead.

    Raises
    ------
    InputError
        The file has no such section, or keys that are unknown or impossible.
    """
    base = bundle.body.cohort
    given: dict[str, Any] = {}
    if params_file is not None:
        body = read_yaml(params_file).get("cohort")
        if not isinstance(body, Mapping):
            allowed = "a section `cohort` that names the columns of the new cohort, as in the params.yaml of a study"
            raise InputError(Problem("no section `cohort`", allowed, "add it", file=params_file))
        given = {key: value for key, value in body.items() if key not in _NOT_HERE}
    merged = base.model_dump(mode="json") | given
    merged["covariates"] = base.model_dump(mode="json")["covariates"] | dict(given.get("covariates") or {})
    columns = checked(CohortSection, merged, params_file or bundle.folder, prefix=("cohort",))
    if "table" not in given and not (folder / columns.table).is_file():
        columns = columns.model_copy(update={"table": find_table(folder)})
    return columns


def read_newcomers(
    folder: Path, bundle: Bundle, *, params_file: Path | None, outcome: bool, everything: bool, workers: int
) -> Newcomers:
    """Read a new cohort's table and check its images and masks.

    Parameters
    ----------
    folder : Path
        The cohort.
    bundle : Bundle
        The model; its clinical predictors are required, a level that it does not know is an error there.
    params_file : Path, optional
        Names the columns where they are not the development's.
    outcome : bool
        Whether the reference standard is needed.
    everything : bool
        Whether the other covariates are read too, where the table has them, or only those that help to impute a missing
        predictor. Their unknown levels are kept.
    workers : int
        Parallel processes.

    Raises
    ------
    InputError
        Everything wrong with table, images and masks at once.
    """
    if not folder.is_dir():
        raise InputError(
            Problem("no such folder", "a folder with cohort.csv, images and masks", "correct the name", file=folder)
        )
    columns = columns_of(bundle, params_file, folder)
    table = read_table(folder / columns.table)
    needed = bundle.scorer.variables
    harmonised = bundle.scorer.preserved is not None
    wanted = dict(image_column_names(columns))
    if harmonised and columns.scanner is not None:
        wanted["cohort.scanner.column"] = columns.scanner.column
    if outcome:
        wanted["cohort.outcome.column"] = columns.outcome.column
    for name in needed:
        wanted[f"cohort.covariates.{name}.column"] = columns.covariates[name].column or name
    require_columns(table, wanted)
    told = Told(table.path, list(table.problems), [str(table)])
    cohort = image_columns(table, columns, told)
    cells = table.cells.set_axis(cohort.index)
    if outcome:
        cohort["outcome"] = outcome_column(cells, columns, told)
    warnings: dict[str, list[str]] = defaultdict(list)
    absent = []
    wished = columns.covariates if everything else bundle.scorer.helpful
    others = [name for name in wished if name not in needed]
    read = [*needed, *others]
    own = {name: columns.covariates[name] for name in read}
    commas = any(
        has_decimal_commas(cells[covariate.column or name])
        for name, covariate in own.items()
        if covariate.type == "continuous" and (covariate.column or name) in cells
    )
    for name, covariate in own.items():
        column = covariate.column or name
        if column not in cells:
            absent.append(name)
            continue
        aside = Told(table.path, notes=told.notes)
        cohort[name] = _values(cells[column], name, covariate, bundle.body.cohort.covariates.get(name), aside, commas)
        if name in needed:
            told.problems += aside.problems
            continue
        for problem in aside.problems:  # of no use to the model: said, and kept as it stands
            warnings[problem.patient].append(f"{problem.found}, unknown to the model")
        if covariate.type != "continuous":
            cohort[name] = cohort[name].where(cohort[name].notna(), known(cells[column], name, Told(table.path), covariate.levels))  # fmt: skip
    if columns.scanner is not None and columns.scanner.column is not None and columns.scanner.column in cells:
        cohort["scanner"] = scanner_column(cells[columns.scanner.column], told)
    told.say()
    cohort = cohort.sort_index()
    cases = tuple(cases_of(cohort, folder))
    problems = check_cases(list(cases), folder=folder, min_slices=columns.min_slices, workers=workers)
    tell(problems)
    for problem in problems:
        warnings[problem.patient].append(problem.found)
    hashes = {
        case.case_id: {"image": path_hash(case.image), "mask": path_hash(case.mask)}
        for case in progress(cases, len(cases), label="hashes")
    }
    marks = set(bundle.body.development.images)
    seen = tuple(case for case, own in hashes.items() if image_mark(own["image"]) in marks)
    for case in seen:
        warnings[case].append("the model was trained on this image: its probability is no prediction")
    cohort["scanner"] = _scanners(cohort, cases, columns, bundle)
    if problems := _unknown_scanners(cohort["scanner"], bundle, harmonised, warnings):
        raise InputError(problems)
    return Newcomers(
        folder=folder,
        cohort=cohort,
        columns=columns,
        cases=cases,
        hashes=hashes,
        known=seen,
        warnings=dict(warnings),
        absent=tuple(absent),
        simulated=(folder / MARKER).is_file()
        or ("simulated" in cells and bool(cells["simulated"].str.casefold().isin(_TRUE).any())),
    )


def _values(
    cells: pd.Series, name: str, own: Covariate, model: Covariate | None, told: Told, commas: bool
) -> pd.Series:
    """Return a covariate in the development's levels, matched by their names in print where the codes differ."""
    found = covariate_column(cells, name, own, told, commas=commas)
    if own.type == "continuous" or model is None or list(own.levels) == list(model.levels):
        return found
    by_label = {label.casefold(): level for level, label in model.levels.items()}
    codes = {level: by_label.get(label.casefold(), level) for level, label in own.levels.items()}
    coded = found.map(lambda value: codes.get(value, value), na_action="ignore")
    for case, level in coded.dropna().items():
        if level not in model.levels:
            told.error(
                f"{name} = {level!r}",
                f"one of {', '.join(model.levels)}",
                f"correct the cell, or cohort.covariates.{name}.levels in params.yaml",
                patient=case,
            )
    return coded


def _scanners(cohort: pd.DataFrame, cases: tuple[Case, ...], columns: CohortSection, bundle: Bundle) -> pd.Series:
    """Return each case's scanner, from where the columns say or else from the headers; missing where nothing says it."""
    if "scanner" in cohort:
        return cohort["scanner"]
    if not bundle.body.development.scanners:
        return pd.Series(None, index=cohort.index, dtype=object)
    acquired = {}
    for case in cases:
        folder, choice = split_choice(case.image)
        files = dicom_volume(folder, choice, case.case_id).files if folder.is_dir() else ()
        acquired[case.case_id] = acquisition_of(case.image, files=files)
    if columns.scanner is not None and columns.scanner.header is not None:
        return scanners_of_headers(cohort.index, acquired, columns.scanner.header)
    names = {case: machine(found) or None for case, found in acquired.items()}
    return pd.Series(names, dtype=object).reindex(cohort.index)


def _unknown_scanners(
    scanners: pd.Series, bundle: Bundle, harmonised: bool, warnings: dict[str, list[str]]
) -> list[Problem]:
    """Return the cases that cannot be harmonised; where nothing is, warn of a scanner that no training image came from."""
    known = bundle.body.development.scanners
    if harmonised:
        return [unseen(str(case), name, known) for case, name in scanners.items() if name not in known]
    for case, name in scanners.dropna().items():
        if known and name not in known:
            warnings[str(case)].append(f"scanner {name}, none of the development's ({', '.join(known)})")
    return []


def features_of(newcomers: Newcomers, bundle: Bundle, *, cache: Path, workers: int) -> dict[str, pd.DataFrame]:
    """Compute the features of new cases by the functions, the settings and the cache of the stages.

    Parameters
    ----------
    newcomers : Newcomers
        The cohort.
    bundle : Bundle
        The settings and the network.
    cache : Path
        Folder of finished cases; a killed run goes on where it stopped.
    workers : int
        Parallel processes; with VCFSTATS_SCHEDULER the workers of that Dask cluster take the images.

    Returns
    -------
    dict
        ``radiomics`` and ``deep``, as the stages of the same names leave them.
    """
    body, scheduler = bundle.body, os.environ.get("VCFSTATS_SCHEDULER")
    cache.mkdir(parents=True, exist_ok=True)
    cases = list(newcomers.cases)
    with making_folder(cache / "predict") as scratch:
        ready = preprocess_cases(cases, body.preprocess, out=scratch, cache=cache, workers=workers, scheduler=scheduler)
        radiomics, _ = extract_cases(ready, body.radiomics, cache=cache, workers=workers, scheduler=scheduler)
        stack, _ = slice_cases(ready, body.slices, cache=cache, workers=workers)
    return {"radiomics": radiomics, "deep": trunk_features(stack, load_trunk(bundle.trunk), workers=workers)}
