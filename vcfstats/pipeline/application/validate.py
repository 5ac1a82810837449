"""`vcfstats validate`: a model on patients of elsewhere whose outcome is known, as records, tables and a document."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import pandas as pd

import vcfstats
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import making_folder, write_text
from vcfstats.contracts.made import mark_folder, refuse_unmarked
from vcfstats.contracts.predictions import predictions_of, write_predictions
from vcfstats.contracts.records import Record, Records, add_record, write_records
from vcfstats.contracts.study import StudyFile, write_study, write_table
from vcfstats.pipeline.application.bundle import Bundle, hashed, read_bundle
from vcfstats.pipeline.application.external import (
    STAGE,
    UPDATES,
    case_mix,
    cohort_records,
    development_records,
    external_predictions,
    performance,
    subgroups,
    updates,
)
from vcfstats.pipeline.application.newcomers import Newcomers, read_newcomers
from vcfstats.pipeline.application.predict import score, warnings_of
from vcfstats.pipeline.evaluation import curves
from vcfstats.pipeline.evaluation.description import code_hash
from vcfstats.pipeline.evaluation.models import LABELS
from vcfstats.pipeline.evaluation.performance import METHOD_NAMES
from vcfstats.pipeline.params import EvaluationSection
from vcfstats.pipeline.schema import checked
from vcfstats.pipeline.yamlfile import read_yaml
from vcfstats.reporting import Rendered, render
from vcfstats.reporting.rendering.look import report_sources

DOCUMENT = "validation.qmd"
_FEATURE_SETS = {"dlrn": "fused+clinical", "dlr": "fused", "rad": "radiomics", "dl": "deep", "clinical": "clinical"}
_UPDATED = {"intercept": "new intercept", "recalibrated": "new intercept and slope"}


def validate(
    folder: Path,
    model: Path,
    *,
    params_file: Path | None = None,
    out: Path,
    cache: Path,
    workers: int = 1,
    n_resamples: int = 200,
    seed: int = 1,
    formats: Sequence[str] = ("html", "docx", "pdf"),
    engine: str = "auto",
) -> Rendered:
    """Validate a model on new patients and render the report.

    Parameters
    ----------
    folder : Path
        cohort.csv (or a BIDS folder) with images, masks, the reference standard, the model's predictors, and any covariates
        to look at in subgroups.
    model : Path
        The bundle.
    params_file : Path, optional
        Its section ``cohort`` names the columns where they are not the development's, ``evaluation`` the statistics where
        they are not those of a new study.
    out : Path
        Folder of the validation, replaced as a whole when it is ready: predictions, records, tables, documents.
    cache : Path
        Folder of finished cases.
    workers : int
        Parallel processes; no number depends on it.
    n_resamples, seed : int
        Bootstrap samples behind the optimism of the updated models, and their seed.
    formats, engine
        As for `vcfstats render`.

    Raises
    ------
    InputError
        Everything wrong with bundle, table, images and masks; patients whom the model was trained on; one class only.
    """
    _check(out, n_resamples, formats)
    bundle = read_bundle(model)
    settings = _settings(params_file)
    newcomers = read_newcomers(folder, bundle, params_file=params_file, outcome=True, everything=True, workers=workers)
    _check_patients(newcomers, bundle)
    scored = score(newcomers, bundle, cache=cache, workers=workers)
    sets = external_predictions(newcomers, scored, bundle)
    main = bundle.body.model
    if not any(given.model == main for given in sets):
        raise InputError(
            Problem(
                f"no case with all predictors of the {LABELS[main]} model",
                f"values of {', '.join(bundle.scorer.variables)}",
                "fill the cells",
                file=folder / newcomers.columns.table,
            )
        )
    records: Records = {}
    tables: dict[str, list[pd.DataFrame]] = {
        name: [] for name in ("roc", "calibration", "calibration_groups", "decision")
    }
    shown = list(sets)
    names: dict[str, str] = {}
    for given in sets:
        names[given.model] = LABELS[given.model]
        _add(records, performance(given, settings))
        if given.model == main:
            known = scored.probabilities[main].dropna().index
            patients = newcomers.cohort.loc[known, "patient_id"].to_numpy(dtype=object)
            more, made = updates(given, patients, settings, n_resamples=n_resamples, seed=seed)
            _add(records, more)
            shown += made
            names |= {f"{main}_{suffix}": f"{LABELS[main]}, {_UPDATED[suffix]}" for suffix in UPDATES}
    for given in shown:
        if given in sets:
            tables["roc"].append(curves.roc_points(given))
        tables["calibration"].append(curves.calibration_points(given, settings))
        tables["calibration_groups"].append(curves.calibration_groups(given, settings))
        tables["decision"].append(curves.decision_points(given, settings))
    _add(records, development_records(bundle))
    _add(records, cohort_records(newcomers.cohort))
    _add(records, _design(bundle, newcomers, settings, n_resamples, seed))
    mix, told = case_mix(newcomers, scored, bundle, bundle.scorer.fusion.clip)
    _add(records, told)
    frames = {name: pd.concat([part for part in parts if len(part)] or parts) for name, parts in tables.items()}
    frames |= {
        "case_mix": mix,
        "external_subgroups": subgroups(
            newcomers, next(given for given in sets if given.model == main), scored, bundle, settings
        ),
    }
    fitted = {record.model for record in records.values()}
    words = _words(bundle, newcomers, {name: label for name, label in names.items() if name in fitted}, warnings_of(newcomers, scored, bundle))  # fmt: skip
    out = out.resolve()
    with making_folder(out) as beside:
        ready = beside / "validation"
        rows = newcomers.cohort.assign(partition="external")
        write_predictions(
            pd.concat(
                [
                    predictions_of(rows, scored.probabilities[given.model].dropna(), kind="external", feature_set=_FEATURE_SETS[given.model], model=given.model)
                    for given in sets
                ]
            ),
            ready / "predictions.parquet",
        )  # fmt: skip
        for name, frame in frames.items():
            write_table(name, frame, ready / "results" / "tables" / f"{name}.csv")
        write_records(records, ready / "results" / "results.json")
        write_study(words, ready / "results" / "study.json")
        _sources(ready / "report")
        rendered = render(
            ready / "report", formats=tuple(formats), out_dir=ready / "documents", engine=engine, label="render"
        )
        mark_folder(ready)
        if out.exists():
            out.rename(beside / "old")
        ready.rename(out)
    return Rendered(tuple(out / "documents" / file.name for file in rendered.files), rendered.engine, rendered.version)


def _check(out: Path, n_resamples: int, formats: Sequence[str]) -> None:
    unknown = [name for name in formats if name not in ("html", "docx", "pdf")]
    if unknown:
        raise InputError(Problem(f"format {unknown[0]!r}", "html, docx, pdf", "correct --formats"))
    if n_resamples < 20:
        raise InputError(Problem(f"{n_resamples} bootstrap samples", "20 or more, 200 usually", "correct --bootstrap"))
    refuse_unmarked(out, "what an earlier validation left")


def _settings(params_file: Path | None) -> EvaluationSection:
    """Return the statistics' settings: the params file's, or those of a new study."""
    given = read_yaml(params_file).get("evaluation") if params_file else None
    if given is None:
        given = read_yaml(Path(str(files("vcfstats.pipeline").joinpath("template.yaml"))))["evaluation"]
    return checked(EvaluationSection, given, params_file or Path("template.yaml"), prefix=("evaluation",))


def _check_patients(newcomers: Newcomers, bundle: Bundle) -> None:
    cohort, outcome = newcomers.cohort, bundle.body.cohort.outcome
    path = newcomers.folder / newcomers.columns.table
    if newcomers.known:
        raise InputError(
            [
                Problem(
                    "an image that the model was trained on",
                    "patients whom the model has not seen",
                    "take the case out: its probability is no prediction",
                    patient=case,
                    file=path,
                )
                for case in newcomers.known
            ]
        )
    if cohort["outcome"].nunique() < 2:
        only = outcome.event_label if cohort["outcome"].iloc[0] else outcome.nonevent_label
        raise InputError(
            Problem(
                f"one class: all {len(cohort)} cases are {only}",
                "events and non-events",
                "add patients of the other class; `vcfstats predict` needs no outcome",
                file=path,
            )
        )


def _design(
    bundle: Bundle, newcomers: Newcomers, settings: EvaluationSection, n_resamples: int, seed: int
) -> list[Record]:
    body = bundle.body
    words: dict[str, str | float | int] = {
        "simulated_model": "yes" if body.simulated else "no",
        "simulated_cohort": "yes" if newcomers.simulated else "no",
        "threshold": "Thresholds were frozen on out-of-fold predictions of the training patients; a predicted probability at or above it was called positive.",
        "bundle": f"{bundle.id}: {LABELS[body.model]} of {body.study.title}",
        "model_made_by": f"vcfstats {body.version}; SHA-256 of params {body.hashes.params[:16]}, data {body.hashes.data[:16]}, code {body.hashes.code[:16]}",
        "other_versions": ", ".join(bundle.differences()) or "none",
        "evaluation": (
            f"{100 * settings.confidence_level:g}% confidence; AUC by {METHOD_NAMES[settings.auc_interval]}, proportions by {METHOD_NAMES[settings.proportion_interval]}; "
            f"calibration curve {settings.calibration_smoother}; {n_resamples} bootstrap samples, seed {seed}"
        ),
        "confidence_level": settings.confidence_level,
        "subgroup_minimum": settings.subgroup_minimum,
    }
    return [Record(kind="design", estimate=name, value=value, stage=STAGE) for name, value in words.items()]


def _words(bundle: Bundle, newcomers: Newcomers, names: dict[str, str], said: dict[str, list[str]]) -> StudyFile:
    body, outcome = bundle.body, bundle.body.cohort.outcome
    notes = []
    if newcomers.absent:
        labels = [newcomers.columns.covariates[name].label for name in newcomers.absent]
        notes.append(f"the table lacks {', '.join(labels)}: not in the comparison of case mix, not in the subgroups")
    warned = {case: texts for case, texts in said.items() if texts}
    if warned:
        notes.append(
            f"{len(warned)} of {len(said)} cases have warnings, such as inputs outside the training range; predicting the same folder lists them by case"
        )
    without = [case for case, texts in said.items() if any("no probability" in text for text in texts)]
    if without:
        notes.append(
            f"{len(without)} cases lack a finding, have no probability and are left out where the model needs it"
        )
    return StudyFile.model_validate(
        {
            "title": f"External validation of the {LABELS[body.model]} model",
            "subtitle": body.study.title,
            "simulated": body.simulated or newcomers.simulated,
            "condition": body.study.condition,
            "event_label": outcome.event_label,
            "nonevent_label": outcome.nonevent_label,
            "case_noun": body.study.case_noun,
            "models": names,
            "notes": [{"subject": "study", "text": text} for text in notes],
            "data_source": str(newcomers.folder.name),
            "protocol": {"registered": False},
            "hashes": {
                "params": body.hashes.params,
                "data": hashed([newcomers.hashes, newcomers.cohort["outcome"].tolist()]),
                "code": code_hash(),
            },
            "version": vcfstats.__version__,
        }
    )


def _sources(folder: Path) -> None:
    """Put the document with the look of the study's documents into a folder of its own."""
    ignored = shutil.ignore_patterns("*.qmd", "_output", ".quarto", "study", "__pycache__", ".ipynb_checkpoints")
    shutil.copytree(report_sources(), folder, ignore=ignored)
    document = files("vcfstats.reporting").joinpath("documents").joinpath(DOCUMENT).read_text(encoding="utf-8")
    write_text(folder / DOCUMENT, document)
    project = (folder / "_quarto.yml").read_text(encoding="utf-8")
    write_text(folder / "_quarto.yml", re.sub(r"(?m)^  render: .*$", f"  render: [{DOCUMENT}]", project))


def _add(records: Records, more: list[Record]) -> None:
    for record in more:
        add_record(records, record)


def run_validate(
    folder: Path,
    model: Path,
    *,
    params_file: Path | None,
    out: Path,
    cache: Path,
    workers: int,
    n_resamples: int,
    seed: int,
    formats: Sequence[str],
    engine: str,
) -> None:
    """Validate and say where the report lies."""
    rendered = validate(
        folder, model, params_file=params_file, out=out, cache=cache, workers=workers, n_resamples=n_resamples, seed=seed,
        formats=formats, engine=engine,
    )  # fmt: skip
    if differing := read_bundle(model).differences():
        print(f"warning: other versions here than the model's: {', '.join(differing)}", file=sys.stderr)
    print(f"validate: results in {out / 'results'}; rendered by {rendered.engine} {rendered.version}:")
    for file in rendered.files:
        print(f"  {file}")
