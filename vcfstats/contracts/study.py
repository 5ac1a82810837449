"""The words of a study, and the files of results/ that its documents are made of.

A study is a directory. Its documents read `results/` and nothing else:

- `results.json`: result records (vcfstats.contracts.records)
- `study.json`: one `StudyFile`
- `tables/`: the tables of `TABLES`, as CSV; a table that the study does not have is absent, one without an estimable row has its header
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import write_text
from vcfstats.contracts.markup import csv_text, uncell

# File of results/ -> its columns, in order. `kind` and `model` mean what they mean in a result record.
TABLES: dict[str, tuple[str, ...]] = {
    "roc": ("kind", "model", "threshold", "false_positive_rate", "sensitivity"),
    "calibration": ("kind", "model", "predicted", "observed", "low", "high"),
    "calibration_groups": ("kind", "model", "group", "n", "events", "predicted", "observed"),
    "decision": ("kind", "model", "threshold", "net_benefit"),
    # Limits of these curves, pointwise; the belt is a region for the whole curve.
    "roc_band": ("kind", "model", "false_positive_rate", "low", "high"),
    "decision_band": ("kind", "model", "threshold", "low", "high"),
    "calibration_belt": ("kind", "model", "confidence_level", "predicted", "low", "high"),
    "distribution": ("kind", "model", "lower", "upper", "events", "nonevents"),  # of predicted probabilities
    "subgroups": ("variable", "level", "kind", "model", "n", "events", "auc", "low", "high", "remark"),
    "baseline": ("variable", "level", "statistic", "all", "training", "testing", "test", "p_value"),
    # Clinical findings by themselves and together: odds ratios with limits; numbers are empty where not fitted.
    "regression": (
        "variable", "level", "reference", "or", "low", "high", "p_value", "adjusted_or", "adjusted_low", "adjusted_high", "adjusted_p_value",
    ),
    "agreement": ("finding", "kappa", "low", "high", "n", "kept"),  # of two readers
    "comparison": ("kind", "model_a", "model_b", "difference", "low", "high", "p_value", "p_adjusted", "primary"),  # AUCs
    "classifiers": ("feature_set", "classifier", "auc_out_of_fold", "chosen", "remark"),
    # Feature selection: what each step left, by class of feature; the LASSO's path, its error, what it kept.
    "funnel": ("feature_set", "step", "feature_class", "n"),
    "lasso_path": ("feature_set", "lambda", "feature", "coefficient"),
    "lasso_error": ("feature_set", "lambda", "mean", "se", "n_features"),
    "coefficients": ("feature_set", "feature", "coefficient"),
    # Groups of risk by cuts learned on training patients; the nomogram's points and the probability they stand for.
    "risk_groups": ("kind", "model", "number", "from", "below", "n", "events", "predicted", "observed", "low", "high"),
    "risk_score": ("points", "probability", "number"),
    "selection_frequency": ("feature_set", "feature", "frequency", "kept"),  # over subsamples of patients
    # Scanners: training cases, features that differ between them as they are and harmonised, distribution over features.
    "scanners": ("scanner", "n"),
    "scanner_effect": ("matrix", "state", "n_features", "location", "spread", "median_share", "upper_share"),
    "scanner_shares": ("matrix", "state", "proportion", "share"),
    # The nomogram: ticks of each axis in points; axis kinds are predictor, points, total and probability.
    "nomogram": ("axis", "kind", "label", "points"),
    "nomogram_model": ("term", "coefficient", "standard_error", "low", "high"),
    # Class activation maps: one row a row of pixels, pixels as words with spaces between them.
    "activation": ("panel", "outcome", "called", "case", "probability", "row", "height", "width", "intensity", "map", "region"),
    "nomogram_example": ("axis", "value", "points"),  # one patient traced through it
    "scaling": ("feature_set", "feature", "mean", "sd"),  # of the features of the linear scores, training cases
    "sample_size": (
        "purpose", "subject", "parameters", "n", "events", "events_per_parameter", "minimum_n", "minimum_events", "criterion",
    ),
    "missing": ("item", "what", "n_training", "missing_training", "n_testing", "missing_testing"),
    # Models pooled over imputed data sets: coefficients on the log odds, and the share of the information that is missing.
    "imputation": (
        "model", "term", "coefficient", "standard_error", "low", "high", "df", "missing_information", "p_value",
    ),
    # An external validation: the model within levels of the covariates, and both cohorts beside one another.
    "external_subgroups": (
        "variable", "level", "n", "events", "auc", "low", "high", "oe", "oe_low", "oe_high", "slope", "slope_low", "slope_high", "remark",
    ),
    "case_mix": ("variable", "level", "statistic", "development", "validation", "difference"),
    "workflow": ("stage", "description", "takes"),  # from the study's dvc.yaml; `takes` as words with spaces between them
    # Training of each network, one row an epoch; `network` says which folds it never saw.
    "training": ("network", "epoch", "training_loss", "stopping_loss", "stopping_auc", "learning_rate", "best"),
    # Cases far from the others, one row a quantity; distance from the median in robust standard deviations.
    "quality": ("case", "quantity", "unit", "found", "median", "distance"),
    "flow": ("step", "reason", "n"),  # patients screened, excluded and kept
    # Reporting guidelines, one row an item; `evidence` names the artefacts that show it.
    "checklists": ("guideline", "item", "label", "status", "place", "evidence", "weight"),
    "followup": ("group", "time", "estimate", "low", "high", "at_risk"),  # reverse Kaplan-Meier
}  # fmt: skip
WORDS = (
    "development", "validation",
    "kind", "model", "variable", "level", "reference", "statistic", "all", "training", "testing", "test", "finding", "kept", "model_a", "model_b",
    "primary", "feature_set", "classifier", "chosen", "remark", "step", "feature_class", "feature", "axis", "label", "term", "reason", "group",
    "outcome", "called", "case", "intensity", "map", "region", "value", "purpose", "subject", "criterion", "item", "what", "stage", "description",
    "takes", "scanner", "matrix", "state", "network", "best", "quantity", "unit",
    "guideline", "status", "place", "evidence",
)  # fmt: skip


# How a note of the learning begins that says why something is not there; the documents tell the rest of it.
NOT_FITTED = "not fitted: "
NOT_MEASURED = "differences between scanners were not measured: "


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Author(_Part):
    """An author of the paper."""

    name: str
    orcid: str = ""
    affiliation: str = ""
    roles: tuple[str, ...] = ()  # of the CRediT taxonomy


class Deviation(_Part):
    """An analytic key whose value departs from the printed one."""

    key: str
    published: Any
    used: Any
    reason: str


class Choice(_Part):
    """An analytic key that the protocol leaves open: it is silent (`published` is null or empty) or gives several values."""

    key: str
    published: Any = None
    used: Any
    reason: str


class Protocol(_Part):
    """How the study's decisions compare with what was published or registered."""

    registered: bool
    source: str = ""
    doi: str = ""
    deviations: tuple[Deviation, ...] = ()
    choices: tuple[Choice, ...] = ()

    @model_validator(mode="after")
    def _nothing_to_compare_with(self) -> Protocol:
        if not self.registered and (self.deviations or self.choices):
            raise ValueError("without a protocol there is nothing to deviate from: no deviations and no choices")
        return self


class Hashes(_Part):
    """SHA-256 of what the results depend on, in hexadecimal."""

    params: str
    data: str
    code: str
    configuration: str = ""  # of the decisions as the logs of looks and runs name them; older results did not note it


class Environment(_Part):
    """Where results were computed, as far as the last bits of a number may depend on it."""

    platform: str
    python: str
    packages: dict[str, str]  # distribution -> version
    arithmetic: Literal["portable", "native"] = (
        "native"  # which instructions of the processor; older results did not choose
    )


class Note(_Part):
    """Something that was not done, or done otherwise, and why; `subject` is a feature set, a model or "study"."""

    subject: str
    text: str


class StudyFile(_Part):
    """The words of one study, for its documents.

    `condition` completes "patients with ..."; `case_noun` names one case in the singular (documents write of "cases" where
    there are several, since no rule makes the plural of every noun); `models` maps the names in result records to the names
    in print, in the order of print.
    """

    title: str = Field(min_length=1)
    subtitle: str = ""
    simulated: bool
    condition: str
    event_label: str
    nonevent_label: str
    case_noun: str
    models: dict[str, str]  # empty where none could be fitted
    variants: dict[str, str] = Field(default_factory=dict)  # headline models done otherwise, for comparison alone
    feature_sets: dict[str, str] = Field(default_factory=dict)  # sets on which all classifiers were fitted
    classifiers: dict[str, str] = Field(default_factory=dict)
    chosen: dict[str, str] = Field(default_factory=dict)  # feature set -> classifier with the best out-of-fold AUC
    primary_comparison: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    authors: tuple[Author, ...] = ()
    statements: dict[str, str] = Field(default_factory=dict)  # what only authors can say: name -> sentences
    data_source: str
    protocol: Protocol
    hashes: Hashes
    version: str
    environment: Environment | None = None  # results of before it was noted have none


def write_study(info: StudyFile, path: Path) -> None:
    """Write study.json."""
    write_text(path, json.dumps(info.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_study(path: Path) -> StudyFile:
    """Read study.json.

    Raises
    ------
    InputError
        The file is missing or does not describe a study.
    """
    try:
        return StudyFile.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            Problem("no such file", "the words of a study in JSON", "run `dvc repro` first", file=path)
        ) from None
    except ValidationError as error:
        raise InputError(
            [
                Problem(
                    f"{'.'.join(map(str, item['loc'])) or 'the file'}: {item['msg']}",
                    "the fields of StudyFile",
                    "run `dvc repro` again",
                    file=path,
                )
                for item in error.errors()
            ]
        ) from None


def write_table(name: str, rows: pd.DataFrame | list[Mapping[str, Any]], path: Path) -> None:
    """Write one table of `TABLES` as CSV; floats keep all their digits, undefined is empty.

    People open it in spreadsheets: words that one would run are marked, and read back by `read_table` without the mark.
    """
    frame = pd.DataFrame(rows, columns=list(TABLES[name])) if isinstance(rows, list) else rows
    if tuple(frame.columns) != TABLES[name]:
        raise ValueError(f"table {name!r} has the columns {list(TABLES[name])}; found {list(frame.columns)}")
    write_text(path, csv_text(frame))


def read_table(name: str, path: Path) -> pd.DataFrame:
    """Read one table of `TABLES`: words as str (empty where undefined), numbers as float.

    Raises
    ------
    InputError
        The file is missing, has other columns, or holds a word where a number belongs.
    """
    columns = TABLES[name]
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise InputError(
            Problem(
                "no such file", f"a table with the columns {', '.join(columns)}", "run `dvc repro` first", file=path
            )
        ) from None
    except (ValueError, pd.errors.EmptyDataError) as error:
        raise InputError(
            Problem(
                f"no table ({error})",
                f"a CSV file with the columns {', '.join(columns)}",
                "run `dvc repro` again",
                file=path,
            )
        ) from None
    if tuple(frame.columns) != columns:
        raise InputError(
            Problem(
                f"columns {', '.join(frame.columns)}",
                f"columns {', '.join(columns)}",
                "run `dvc repro` again",
                file=path,
            )
        )
    for column in columns:
        if column in WORDS:
            frame[column] = frame[column].map(uncell)
            continue
        numbers = pd.to_numeric(frame[column].replace("", None), errors="coerce").astype(float)
        wrong = frame.index[numbers.isna() & ~frame[column].isin(["", "nan"])]
        if len(wrong):
            row = wrong[0]
            raise InputError(
                Problem(
                    f"row {row + 2}, column {column}: {frame.at[row, column]!r}",
                    "a number, or empty where undefined",
                    "run `dvc repro` again",
                    file=path,
                )
            )
        frame[column] = numbers
    return frame
