"""Small finished studies, made up and labelled simulated: what the stage evaluate would leave, without its work."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import pytest

from tests.sharing import made_once
from vcfstats.contracts.records import Record, Records, add_record, write_records
from vcfstats.contracts.study import StudyFile, write_study, write_table

KINDS = {"apparent": (164, 61), "out_of_fold": (164, 61), "testing": (70, 24)}
MODELS = {"first": "First", "second": "Second"}


def performance(kind: str, model: str, *, auc: float, width: float, hl_p: float) -> list[Record]:
    """Made-up performance of one model."""
    n, events = KINDS[kind]
    tp, tn = round(0.8 * events), round(0.7 * (n - events))
    fn, fp = events - tp, n - events - tn

    def record(estimate: str, value: float | int | None, half: float | None = None, **more: object) -> Record:
        limits = (
            {}
            if half is None or value is None
            else {"ci_low": round(value - half, 9), "ci_high": round(value + half, 9), "level": 0.95}
        )
        return Record(
            **{
                "kind": kind,
                "model": model,
                "estimate": estimate,
                "value": value,
                "n": n,
                "events": events,
                "stage": "evaluate",
                **limits,
                **more,
            }
        )

    def share(estimate: str, top: int, bottom: int) -> Record:
        return record(estimate, top / bottom, 0.05, n=bottom, events=top, method="Wilson")

    counts = [record(name, value, unit="patients") for name, value in {"tp": tp, "fp": fp, "fn": fn, "tn": tn}.items()]
    return [
        *counts,
        record("auc", auc, width, method="DeLong"),
        record("threshold", 0.4137, unit="probability", method="frozen on out-of-fold training predictions"),
        share("sensitivity", tp, tp + fn),
        share("specificity", tn, tn + fp),
        share("ppv", tp, tp + fp),
        share("npv", tn, tn + fn),
        share("accuracy", tp + tn, n),
        record("brier", 0.1812, 0.03, method="Wald"),
        record("calibration_in_the_large", -0.0812, 0.3, method="Wald"),
        record("calibration_intercept", -0.0004, 0.3, method="Wald"),
        record("calibration_slope", 0.8123, 0.25, method="Wald"),
        record("oe_ratio", 0.981, 0.2, method="Wald on the log scale"),
        record(
            "hosmer_lemeshow",
            9.214,
            statistic=9.214,
            df=8,
            p_value=hl_p,
            method="10 groups by quantiles of the predicted probability",
        ),
    ]


def undefined(kind: str, model: str) -> list[Record]:
    """The same keys, none of them estimable: one class only in a dozen patients."""
    defined = performance(kind, model, auc=0.5, width=0.1, hl_p=0.5)
    blank = {
        "value": None,
        "ci_low": None,
        "ci_high": None,
        "level": None,
        "statistic": None,
        "df": None,
        "p_value": None,
        "n": 12,
        "events": 0,
    }
    return [
        record
        if record.estimate == "threshold"
        else record.model_copy(update={**blank, "method": "not estimable: y_true holds one class"})
        for record in defined
    ]


def design() -> list[Record]:
    words = {
        "split": "Patients were divided at random, stratified by the reference standard, into 70% training and 30% internal testing.",
        "bias_field": "The bias field was corrected by the N4 algorithm.",
        "resampling": "Images and masks were resampled to 1 x 1 x 1 mm, both by nearest neighbour.",
        "normalization": "Intensities were not normalised.",
        "radiomics": "Features were taken from the original image, grey levels in bins of width 25.",
        "pyradiomics_version": "3.1.4",
        "threshold": "A predicted probability of 0.4137 or more was called positive.",
        "use": "In use, a value outside the range of the training patients is told beside the probability.",
        "auc_interval": "DeLong confidence interval",
        "proportion_interval": "Wilson confidence intervals",
        "n_features_radiomics": 107,
        "n_features_deep": 3840,
        "reliability": "Radiomic features stayed if ICC(A,1) reached 0.85.",
        "slices": "Three slices were cropped.",
        "trunk": "Deep features came from a network that was not trained here.",
        "selection": "Features were standardised and selected.",
        "classifiers": "Classifiers were tuned by cross-validation.",
        "clinical": "Findings entered a logistic regression.",
        "deep_head": "The network has its own probability.",
        "fusion": "The nomogram model joins both.",
        "pairs_adjusted_by": "holm",
        "confidence_level": 0.95,
        "hosmer_lemeshow_groups": 10,
        "decision_low": 0.05,
        "decision_high": 0.6,
        "decision_sensible_low": 0.1,
        "decision_sensible_high": 0.5,
        "bootstrap_samples": 2000,
        "subgroup_minimum": 5,
        "anticipated_r2": 0.15,
        "followup_unit": "months",
        "folds": 5,
        "n_deviations": 1,
        "n_choices": 1,
        "seed": 1,
    }
    return [Record(kind="design", estimate=name, value=value, stage="evaluate") for name, value in words.items()]


def cohort(sizes: dict[str, tuple[int, int]]) -> list[Record]:
    return [
        Record(kind="cohort", model=part, partition=part, estimate=name, value=value, stage="split")
        for part, (n, events) in sizes.items()
        for name, value in {"n_patients": n, "n_cases": n, "n_events": events}.items()
    ] + [
        Record(kind="cohort", partition="all", estimate=f"n_missing_{what}", value=2, stage="evaluate")
        for what in ("values", "predictions")
    ]


def write_results(
    root: Path,
    records: list[Record],
    *,
    simulated: bool = True,
    curves: bool = True,
    models: dict[str, str] | None = None,
    **words: object,
) -> Path:
    """Write results/ of a made-up study."""
    models = {"first": "First"} if models is None else models
    found: Records = {}
    for record in records:
        add_record(found, record)
    results = root / "results"
    write_records(found, results / "results.json")
    info = {
        "title": "A made-up study of nothing",
        "subtitle": "Simulated for tests",
        "simulated": simulated,
        "condition": "an imaginary condition",
        "event_label": "event-labelled",
        "nonevent_label": "other",
        "case_noun": "made-up object",
        "models": models,
        "authors": [
            {"name": "A. Person", "orcid": "0000-0002-1825-0097", "affiliation": "Nowhere"},
            {"name": "B. Person"},
        ],
        "data_source": "Made up for tests; no patient was examined.",
        "protocol": {
            "registered": True,
            "deviations": [{"key": "model.folds", "published": "10", "used": "5", "reason": "The text says both."}],
            "choices": [{"key": "model.penalty", "published": "", "used": "ridge", "reason": "The text is silent."}],
        },
        "hashes": {"params": "a1" * 32, "data": "b2" * 32, "code": "c3" * 32},
        "version": "0.1.0",
    }
    write_study(StudyFile.model_validate(info | words), results / "study.json")
    grid = [i / 40 for i in range(41)]
    rows: dict[str, list[dict[str, object]]] = {"roc": [], "calibration": [], "calibration_groups": [], "decision": []}
    for kind, (n, events) in KINDS.items() if curves else ():
        for number, model in enumerate(models):
            rows["roc"] += [
                {
                    "kind": kind,
                    "model": model,
                    "threshold": 1 - x,
                    "false_positive_rate": x,
                    "sensitivity": x ** (0.25 + 0.1 * number),
                }
                for x in grid
            ]
            rows["calibration"] += [
                {
                    "kind": kind,
                    "model": model,
                    "predicted": x,
                    "observed": 0.9 * x + 0.03,
                    "low": 0.9 * x - 0.1,
                    "high": 0.9 * x + 0.15,
                }
                for x in grid[4:32]
            ]
            rows["calibration_groups"] += [
                {
                    "kind": kind,
                    "model": model,
                    "group": g,
                    "n": n // 10,
                    "events": g,
                    "predicted": g / 11,
                    "observed": min(1.0, g / 11 + 0.05 * math.sin(g)),
                }
                for g in range(1, 11)
            ]
            prevalence = events / n
            rows["decision"] += [
                {
                    "kind": kind,
                    "model": model,
                    "threshold": t,
                    "net_benefit": prevalence * (1 - t) ** (2 + number) - 0.01,
                }
                for t in grid[2:25]
            ]
        rows["decision"] += [
            {
                "kind": kind,
                "model": "treat all",
                "threshold": t,
                "net_benefit": events / n - (1 - events / n) * t / (1 - t),
            }
            for t in grid[2:25]
        ]
        rows["decision"] += [
            {"kind": kind, "model": "treat none", "threshold": t, "net_benefit": 0.0} for t in grid[2:25]
        ]
    for name, content in rows.items():
        write_table(name, content, results / "tables" / f"{name}.csv")
    baseline = pd.DataFrame(
        [
            {"variable": "Cases", "level": "", "statistic": "n", "all": "234", "training": "164", "testing": "70"},
            {
                "variable": "Reference standard",
                "level": "event-labelled",
                "statistic": "n (%)",
                "all": "85 (36.3%)",
                "training": "61 (37.2%)",
                "testing": "24 (34.3%)",
            },
            {
                "variable": "Reference standard",
                "level": "other",
                "statistic": "n (%)",
                "all": "149 (63.7%)",
                "training": "103 (62.8%)",
                "testing": "46 (65.7%)",
            },
            {
                "variable": "Age (years)",
                "level": "",
                "statistic": "mean ± SD",
                "all": "61.2 ± 12.0",
                "training": "61.0 ± 12.1",
                "testing": "61.7 ± 11.9",
            },
        ]
    )
    write_table("baseline", baseline.assign(test="", p_value=None), results / "tables" / "baseline.csv")
    return root


HEADLINE = {"clinical": "Clinical", "rad": "Rad", "dl": "DL", "dlr": "DLR", "dlrn": "DLRN"}
FEATURE_SETS = {"clinical": "Clinical findings", "radiomics": "Radiomics", "fused": "Radiomics and deep features"}
CLASSIFIERS = {f"classifier_{i}": f"Classifier {chr(64 + i)}" for i in range(1, 9)}


def more_tables() -> dict[str, list[dict[str, object]]]:
    """Made-up rows of the tables that only a whole study has."""
    steps = ("extracted", "reliability", "zscore", "t_test", "correlation", "collinearity", "lasso")
    lambdas = [10 ** (-i / 10) for i in range(5, 25)]
    kept = [f"original_glcm_Feature{i}" for i in range(4)] + [f"DL_{i}.1" for i in range(5)]
    weights = [0.2 * (-1) ** i / (i + 1) for i in range(len(kept))]
    names = list(HEADLINE)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    predictors = [("Fused probability", "predictor", f"{i / 10:g}", 10.0 * i) for i in range(11)]
    predictors += [("Finding", "predictor", "Absent", 0.0), ("Finding", "predictor", "Present", 35.0)]
    predictors += [
        ("Site", "predictor", "Upper", 0.0),
        ("Site", "predictor", "Middle", 2.0),
        ("Site", "predictor", "Lower", 4.0),
    ]
    axes = [("Points", "points", str(10 * i), 10.0 * i) for i in range(11)]
    axes += [("Total points", "total", str(20 * i), 20.0 * i) for i in range(8)]
    risks = [
        (0.01, 10),
        (0.1, 40),
        (0.2, 50),
        (0.3, 57),
        (0.4, 62),
        (0.5, 66),
        (0.6, 70),
        (0.7, 75),
        (0.8, 81),
        (0.9, 90),
        (0.99, 120),
    ]
    axes += [("Probability: event-labelled", "probability", f"{p:g}", float(x)) for p, x in risks]
    return {
        "regression": [
            {"variable": "Age (per year)", "level": "", "reference": "", "or": 1.02, "low": 0.99, "high": 1.05, "p_value": 0.2},
            {
                "variable": "Finding", "level": "Present", "reference": "Absent", "or": 11.25, "low": 4.0, "high": 131.6, "p_value": 0.0002,
                "adjusted_or": 9.5, "adjusted_low": 3.0, "adjusted_high": 120.4, "adjusted_p_value": 0.001,
            },
        ],
        "agreement": [{"finding": "Finding", "kappa": 0.81, "low": 0.7, "high": 0.92, "n": 100, "kept": "yes"}],
        "comparison": [
            {
                "kind": kind, "model_a": a, "model_b": b, "difference": -0.02 * i, "low": -0.02 * i - 0.05, "high": -0.02 * i + 0.05,
                "p_value": None if kind == "apparent" else 0.04, "p_adjusted": None if kind == "apparent" else 0.4,
                "primary": "yes" if {a, b} == {"clinical", "dlrn"} else "no",
            }
            for kind in KINDS
            for i, (a, b) in enumerate(pairs)
        ],
        "funnel": [
            {"feature_set": name, "step": step, "feature_class": kind, "n": 100 >> i}
            for name in ("radiomics", "fused")
            for i, step in enumerate(steps)
            for kind in ("GLCM", "deep")
        ],
        "lasso_path": [
            {"feature_set": "fused", "lambda": value, "feature": name, "coefficient": weight * i / len(lambdas)}
            for name, weight in zip(kept, weights, strict=True)
            for i, value in enumerate(lambdas)
        ],
        "lasso_error": [
            {"feature_set": "fused", "lambda": value, "mean": 0.1 + (i - 12) ** 2 / 2000, "se": 0.01, "n_features": i}
            for i, value in enumerate(lambdas)
        ],
        "coefficients": [
            {"feature_set": "fused", "feature": name, "coefficient": weight} for name, weight in zip(kept, weights, strict=True)
        ],
        "nomogram": [dict(zip(("axis", "kind", "label", "points"), row, strict=True)) for row in predictors + axes],
        "nomogram_model": [
            {"term": "Intercept", "coefficient": -3.2, "standard_error": 0.5, "low": -4.2, "high": -2.2},
            {"term": "Finding: Present", "coefficient": 2.4, "standard_error": None, "low": None, "high": None},
        ],
        "nomogram_example": [
            {"axis": "Fused probability", "value": "0.62", "points": 62.0},
            {"axis": "Finding", "value": "Present", "points": 35.0},
            {"axis": "Site", "value": "Middle", "points": 2.0},
        ],
        "scaling": [{"feature_set": "fused", "feature": name, "mean": 1.5 + i, "sd": 0.25} for i, name in enumerate(kept)],
        "roc_band": [
            {"kind": kind, "model": model, "false_positive_rate": i / 20, "low": (i / 20) ** 0.5 - 0.1 * (i > 0), "high": (i / 20) ** 0.2}
            for kind in KINDS for model in HEADLINE for i in range(21)
        ],
        "decision_band": [
            {"kind": kind, "model": model, "threshold": i / 40, "low": 0.2 - i / 80, "high": 0.4 - i / 80}
            for kind in KINDS for model in HEADLINE for i in range(2, 25)
        ],
        "calibration_belt": [
            {"kind": kind, "model": model, "confidence_level": level, "predicted": i / 20, "low": i / 20 - level / 10, "high": i / 20 + level / 10}
            for kind in ("testing", "out_of_fold") for model in HEADLINE for level in (0.95, 0.8) for i in range(2, 18)
        ],
        "distribution": [
            {"kind": kind, "model": model, "lower": i / 20, "upper": (i + 1) / 20, "events": i, "nonevents": 19 - i}
            for kind in KINDS for model in HEADLINE for i in range(20)
        ],
        "subgroups": [
            {
                "variable": variable, "level": level, "kind": kind, "model": "dlrn", "n": n if kind == "testing" else 2 * n + 24,
                "events": events if kind == "testing" else 2 * events + 13, "auc": auc, "low": low, "high": high, "remark": remark,
            }
            for kind in ("testing", "out_of_fold")
            for variable, level, n, events, auc, low, high, remark in (
                ("All cases", "", 70, 24, 0.85, 0.75, 0.95, ""),
                ("Finding", "Absent", 64, 21, 0.85, 0.75, 0.95, ""),
                ("Finding", "Present", 6, 3, None, None, None, "too few events"),
            )
        ],
        "sample_size": [
            {
                "purpose": "development", "subject": "Radiomics", "parameters": 107, "n": 164, "events": 61, "events_per_parameter": 61 / 107,
                "minimum_n": 9000, "minimum_events": 3348, "criterion": "shrinkage",
            },
            {
                "purpose": "testing", "subject": "C statistic, interval of width 0.1", "parameters": None, "n": 70, "events": 24,
                "events_per_parameter": None, "minimum_n": 323, "minimum_events": 121, "criterion": "C statistic",
            },
        ],
        "missing": [
            {"item": "Finding", "what": "value", "n_training": 164, "missing_training": 2, "n_testing": 70, "missing_testing": 0},
            {"item": "Finding", "what": "second reading", "n_training": 164, "missing_training": 64, "n_testing": 70, "missing_testing": 30},
            {"item": "Clinical", "what": "prediction", "n_training": 164, "missing_training": 2, "n_testing": 70, "missing_testing": 0},
        ],
        "workflow": [
            {"stage": "ingest", "description": "Cohort, checked", "takes": ""},
            {"stage": "deep", "description": "Deep features", "takes": "ingest"},
            {"stage": "split", "description": "Training and internal test set", "takes": "ingest"},
            {"stage": "learn", "description": "Models", "takes": "deep split"},
        ],
        "flow": [
            {"step": "screened", "reason": "", "n": 300},
            {"step": "excluded", "reason": "No images", "n": 60},
            {"step": "excluded", "reason": "Lost", "n": 6},
            {"step": "included", "reason": "", "n": 234},
        ],
        "followup": [
            {"group": "all", "time": float(t), "estimate": 1 - t / 24, "low": max(0.0, 0.9 - t / 24), "high": min(1.0, 1.1 - t / 24), "at_risk": 24 - t}
            for t in range(24)
        ],
    }  # fmt: skip


def whole(root: Path) -> Path:
    """Write a study that has everything."""
    records = [
        record
        for models in (HEADLINE, [f"{name}.{classifier}" for name in FEATURE_SETS for classifier in CLASSIFIERS])
        for i, model in enumerate(models)
        for kind in KINDS
        for record in performance(kind, model, auc=0.9 - 0.01 * i, width=0.05, hl_p=0.31)
    ]
    for name in ("radiomics", "fused"):
        found = {
            "n_features_kept": 9,
            "lambda_min": 0.05,
            "lambda_1se": 0.1,
            "lambda_chosen": 0.05,
            "score_intercept": 0.37,
        }
        found |= {"best_classifier": "Classifier B", "auc_choice_repeated": 0.71}
        records += [
            Record(kind="model", model=name, estimate=key, value=value, stage="evaluate")
            for key, value in found.items()
        ]
    records += [
        Record(kind="model", model="dlrn", estimate="example_points", value=99.0, unit="points", stage="evaluate"),
        Record(kind="model", model="dlrn", estimate="example_probability", value=0.975, unit="probability", stage="evaluate"),
        Record(
            kind="cohort", model="all", partition="all", estimate="median_followup", value=15.6, ci_low=13.4, ci_high=23.7, level=0.95, n=234,
            events=40, unit="months", method="reverse Kaplan-Meier", stage="evaluate",
        ),
    ]  # fmt: skip
    records += [
        Record(
            kind=kind,
            model=name,
            estimate="calibration_belt",
            value=4.0,
            statistic=4.0,
            p_value=0.135,
            n=70,
            events=24,
            stage="evaluate",
        )
        for kind in ("out_of_fold", "testing")
        for name in HEADLINE
    ]
    sizes = {"all": (234, 85), "training": (164, 61), "testing": (70, 24)}
    words = {
        "feature_sets": FEATURE_SETS,
        "classifiers": CLASSIFIERS,
        "chosen": {name: "classifier_2" for name in FEATURE_SETS},
        "primary_comparison": ["dlrn", "clinical"],
        "notes": [{"subject": "fused", "text": "one refit had no feature left"}],
    }
    write_results(root, [*cohort(sizes), *design(), *records], models=HEADLINE, **words)
    for name, rows in more_tables().items():
        write_table(name, rows, root / "results" / "tables" / f"{name}.csv")
    curves = pd.DataFrame(
        [
            {
                "kind": kind,
                "model": f"{name}.{classifier}",
                "threshold": 1 - x,
                "false_positive_rate": x,
                "sensitivity": x**0.3,
            }
            for kind in KINDS
            for name in FEATURE_SETS
            for classifier in CLASSIFIERS
            for x in (0.0, 0.1, 0.3, 0.6, 1.0)
        ]
    )
    path = root / "results" / "tables" / "roc.csv"
    write_table("roc", pd.concat([pd.read_csv(path), curves], ignore_index=True), path)
    return root


def nothing(root: Path, **words: object) -> Path:
    """Write a study in which nothing was fitted: no predictions, no findings, no deep features."""
    sizes = {"all": (12, 3), "training": (8, 2), "testing": (4, 1)}
    kept = [record for record in design() if record.estimate not in ("n_features_deep", "slices", "trunk", "deep_head")]
    none = [Record(kind="model", model="radiomics", estimate="n_features_kept", value=0, stage="evaluate")]
    notes = [{"subject": "rad", "text": "not fitted: step t_test kept none of 107 features"}]
    given = {
        "feature_sets": {"radiomics": "Radiomics"},
        "classifiers": CLASSIFIERS,
        "primary_comparison": ["dlrn", "clinical"],
        "notes": notes,
    }
    return write_results(root, [*cohort(sizes), *kept, *none], models={}, curves=False, **(given | words))


@pytest.fixture(scope="session")
def whole_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that has everything; tests only read it."""
    return whole(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="session")
def whole_rendered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """The study that has everything with both documents in all formats: its folder report and the files; tests only read them."""
    from tests.reporting.test_documents import with_report
    from vcfstats.reporting import render

    def make(folder: Path) -> None:
        report = with_report(whole(folder / "study"))
        done = render(report, out_dir=report / "_output", engine="offline")
        (folder / "files.json").write_text(json.dumps([str(file) for file in done.files]), encoding="utf-8")

    folder = made_once(tmp_path_factory, "whole-documents", make)
    files = json.loads((folder / "files.json").read_text(encoding="utf-8"))
    return folder / "study" / "report", [Path(file) for file in files]


@pytest.fixture(scope="session")
def empty_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real study in which nothing was fitted, with other labels and without a protocol; tests only read it."""
    words = {
        "simulated": False, "title": "Another cohort", "subtitle": "", "condition": "low back pain", "event_label": "adjacent",
        "nonevent_label": "not adjacent", "case_noun": "segment", "data_source": "Images of a public archive.", "protocol": {"registered": False},
    }  # fmt: skip
    return nothing(tmp_path_factory.mktemp("nothing"), **words)


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a study: `ordinary`, `two` models, or `undefined` with nothing estimable."""

    def make(case: str = "ordinary", **words: object) -> Path:
        root = tmp_path / case
        if case == "undefined":
            sizes = {"all": (12, 0), "training": (8, 0), "testing": (4, 0)}
            records = [r for kind in KINDS for r in undefined(kind, "first")]
            return write_results(root, [*cohort(sizes), *design(), *records], curves=False, **words)
        sizes = {"all": (234, 85), "training": (164, 61), "testing": (70, 24)}
        models = MODELS if case == "two" else {"first": "First"}
        records = [
            r
            for i, model in enumerate(models)
            for kind, auc, width, p in (
                ("apparent", 0.951, 0.03, 0.62),
                ("out_of_fold", 0.842, 0.06, 0.21),
                ("testing", 0.6 - 0.05 * i, 0.15, 0.0004),
            )
            for r in performance(kind, model, auc=auc, width=width, hl_p=p)
        ]
        return write_results(root, [*cohort(sizes), *design(), *records], models=models, **words)

    return make


@pytest.fixture
def cell_alignment() -> Callable[[str, str], str | None]:
    """Return a function that says how the cell with exactly some text is aligned in word/document.xml."""

    def find(document: str, text: str) -> str | None:
        for cell in re.findall(r"<w:tc>.*?</w:tc>", document, flags=re.DOTALL):
            if "".join(re.findall(r"<w:t(?: [^>]*)?>(.*?)</w:t>", cell)) == text:
                found = re.search(r'<w:jc w:val="(\w+)"', cell)
                return found[1] if found else None
        raise AssertionError(f"no cell {text!r}")

    return find


@pytest.fixture(scope="module")  # not longer: its event loop would stand in the way of the tests that render
def browser() -> Iterator[Any]:
    """Start a real Chromium. Where there is none the tests are left out, but not in CI, which has to install one."""
    sync_api = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        missing = "no Chromium on this machine: apt-get install chromium"
        assert not os.environ.get("CI"), missing
        pytest.skip(missing)
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture(scope="session")
def serious() -> Callable[[Any], list[str]]:
    """Return a function that names the serious violations that axe finds in a page."""
    # axe's package reads its script in the encoding of the locale, which a library may have reset to ASCII by now.
    with mock.patch.object(Path, "read_text", lambda path: path.read_bytes().decode("utf-8")):
        axe = pytest.importorskip("axe_playwright_python.sync_playwright")

    def found(page: Any) -> list[str]:
        violations = axe.Axe().run(page).response["violations"]
        return [rule["id"] for rule in violations if rule["impact"] in ("serious", "critical")]

    return found
