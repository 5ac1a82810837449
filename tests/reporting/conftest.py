"""Small finished studies, made up and labelled simulated: what the stage evaluate would leave, without its work."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

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
        "model": "Features were standardised and entered a ridge-penalised logistic regression.",
        "threshold": "A predicted probability of 0.4137 or more was called positive.",
        "auc_interval": "DeLong confidence interval",
        "proportion_interval": "Wilson confidence intervals",
        "n_features": 107,
        "confidence_level": 0.95,
        "hosmer_lemeshow_groups": 10,
        "decision_low": 0.05,
        "decision_high": 0.6,
        "folds": 5,
        "seed": 1,
    }
    return [Record(kind="design", estimate=name, value=value, stage="evaluate") for name, value in words.items()]


def cohort(sizes: dict[str, tuple[int, int]]) -> list[Record]:
    return [
        Record(kind="cohort", model=part, partition=part, estimate=name, value=value, stage="split")
        for part, (n, events) in sizes.items()
        for name, value in {"n_patients": n, "n_cases": n, "n_events": events}.items()
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
    models = models or {"first": "First"}
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
