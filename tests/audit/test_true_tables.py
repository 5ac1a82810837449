"""The self-audit accuses no true table: studies whose models are useless, perfect, equal or nearly without events."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.reporting.conftest import cohort, design, write_results
from vcfstats.audit.documents.expected import rows_of
from vcfstats.audit.documents.figures import together
from vcfstats.audit.documents.reading import ReadTable
from vcfstats.audit.table import TableAudit, audit_table
from vcfstats.audit.table.findings import NOTE
from vcfstats.contracts.study import write_table
from vcfstats.pipeline.evaluation import clinical
from vcfstats.pipeline.evaluation.performance import Predictions, performance_records
from vcfstats.pipeline.params import Covariate, read_params
from vcfstats.reporting import contents, open_study
from vcfstats.reporting.tables import Column, Table

ROOT = Path(__file__).parents[2]
PARAMS = read_params(ROOT / "params.yaml")
SETTINGS = PARAMS.evaluation
MODELS = {"clinical": "Clinical", "rad": "Rad", "dl": "DL"}
SETS = {"radiomics": "Radiomics"}
CLASSIFIERS = {"svm": "SVM", "knn": "k-NN"}
Draw = Callable[[np.random.Generator, np.ndarray, int], np.ndarray]


def useful(rng: np.random.Generator, y: np.ndarray, _: int) -> np.ndarray:
    return np.clip(0.3 * y + 0.7 * rng.random(len(y)), 0.01, 0.99)


# What the models of a study give for its patients; `number` counts the models.
CASES: dict[str, Draw] = {
    "useful": useful,
    "all positive": lambda rng, y, _: 0.5 + 0.4 * rng.random(len(y)),
    "all negative": lambda rng, y, _: 0.4 * rng.random(len(y)),
    "one probability for all": lambda rng, y, number: np.full(len(y), 0.37 + 0.2 * (number % 2)),
    "equal models": lambda rng, y, _: useful(np.random.default_rng(7), y, 0),
    "separated": lambda rng, y, _: np.where(y == 1, 0.8, 0.2) + 0.1 * rng.random(len(y)),
    "reversed": lambda rng, y, _: 1 - useful(rng, y, 0),
    "0 or 1": lambda rng, y, number: np.where(rng.random(len(y)) < 0.8, y, 1 - y).astype(float),
    "few values": lambda rng, y, _: rng.choice([0.2, 0.5, 0.8], len(y)),
    "nearly all positive": lambda rng, y, number: np.where(np.arange(len(y)) < 1 + number % 2, 0.1, 0.6 + 0.1 * y * rng.random(len(y))),
}  # fmt: skip
# Sizes: cases and events of the training and of the internal test set.
SIZES = {
    "usual": ((164, 61), (70, 24)),
    "small": ((24, 8), (9, 3)),
    "one event": ((30, 6), (12, 1)),
    "all but one": ((30, 24), (12, 11)),
    "one class": ((30, 6), (5, 0)),
}


def written(root: Path, draw: Draw, sizes: tuple[tuple[int, int], tuple[int, int]], lacking: int = 0) -> Path:
    """A study whose records are computed as the stage does; the first model gives `lacking` cases no probability."""
    rng = np.random.default_rng(1)
    records = []
    names = [*MODELS, *(f"{fs}.{c}" for fs in SETS for c in CLASSIFIERS)]
    for kind, (n, events) in {"out_of_fold": sizes[0], "testing": sizes[1]}.items():
        y = np.zeros(n)
        y[:events] = 1
        of: dict[str, np.ndarray] = {}
        for number, name in enumerate(names):
            same = {"radiomics.svm": "rad"}
            of[name] = of[same[name]] if name in same else draw(rng, y, number)
            known = slice(lacking if number == 0 else 0, None)
            given = Predictions(
                kind, name, "testing" if kind == "testing" else "training", y[known], of[name][known], 0.5
            )
            records += performance_records(given, SETTINGS)
    whole = tuple(a + b for a, b in zip(*sizes, strict=True))
    counts = {"all": whole, "training": sizes[0], "testing": sizes[1]}
    words = {"feature_sets": SETS, "classifiers": CLASSIFIERS, "chosen": dict.fromkeys(SETS, "svm")}
    return write_results(root, [*cohort(counts), *design(), *records], models=MODELS, curves=False, **words)


def tables(root: Path) -> dict[str, Table]:
    study = open_study(root)
    made = {"tbl-headline": contents.headline_table(study), "tbl-baseline": contents.baseline_table(study)}
    made |= {f"tbl-{name}": contents.classifier_table(study, name) for name in SETS}
    return {label: table for label, table in made.items() if isinstance(table, Table)}


def audited(root: Path, change: dict[str, str] | None = None) -> TableAudit | None:
    """The audit of the tables as they are printed, but for what `change` says of their cells."""
    both = {}
    for label, table in tables(root).items():
        rows = [tuple((change or {}).get(cell, cell) for cell in row) for row in rows_of(table)]
        both[label] = (ReadTable(label, tuple(rows)), table)
    return together(both, open_study(root), auc_interval="delong", level=0.95)


def accusations(audit: TableAudit | None) -> list[str]:
    return (
        [] if audit is None else [f"{f.check}: {f.where}: {f.arithmetic}" for f in audit.findings if f.severity != NOTE]
    )


@pytest.mark.parametrize(
    ("case", "size"),
    [
        *((case, "usual") for case in CASES),
        *((case, size) for case in ("all positive", "0 or 1") for size in list(SIZES)[1:]),
    ],
)
def test_no_true_performance_table_is_accused(case: str, size: str, tmp_path: Path) -> None:
    root = written(tmp_path, CASES[case], SIZES[size], 4 if size == "usual" else 0)
    (root / "results" / "tables" / "baseline.csv").unlink()  # it is of another cohort
    audit = audited(root)
    assert accusations(audit) == []
    assert audit is not None
    assert audit.checked["confusion matrices"] >= 5
    assert audit.checked["pairs of rows in two tables"] >= 1


@pytest.mark.parametrize("cell", ["AUC", "sensitivity", "limit"])
def test_a_changed_figure_of_such_a_study_is_found_still(cell: str, tmp_path: Path) -> None:
    root = written(tmp_path, useful, SIZES["usual"])
    (root / "results" / "tables" / "baseline.csv").unlink()
    row = tables(root)["tbl-radiomics"].rows[-2]
    changed = {"AUC": {row[1]: "0.999"}, "sensitivity": {row[5]: "51.7%"}, "limit": {row[2]: "0.111 to 0.999"}}[cell]
    found = accusations(audited(root, changed))
    assert any("SVM" in text or "Rad" in text for text in found)


def test_published_tables_of_useless_models_are_not_taken_for_one_model() -> None:
    columns = ["model", "AUC", "95% CI", "accuracy", "sensitivity", "specificity", "PPV", "NPV"]
    one = pd.DataFrame([("A", "0.500", "0.365-0.635", "0.343", "1.000", "0.000", "0.343", "-")], columns=columns)
    other = pd.DataFrame([("B", "0.500", "0.365-0.641", "0.343", "1.000", "0.000", "0.343", "-")], columns=columns)
    for name, frame in (("one", one), ("other", other)):
        frame.attrs["title"] = name
    assert accusations(audit_table([one, other], n=70, events=24, ci_method="bootstrap")) == []


LABELS = (
    "PSA > 4 ng/mL, n (%)",
    "Score < 5",
    "Age ≥ 65 (n = 50)",
    "mean ± SD of 3",
    "Total",
    "p value 0.03",
    "63 (13)",
)


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_no_true_baseline_table_is_accused(missing: float, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    root = written(tmp_path, useful, SIZES["usual"])
    n = 234
    frame = pd.DataFrame({"partition": ["training"] * 164 + ["testing"] * 70})
    frame["outcome"] = [1] * 61 + [0] * 103 + [1] * 24 + [0] * 46
    body: dict[str, object] = {}
    for number, label in enumerate(LABELS):
        if number % 2:
            frame[f"v{number}"] = rng.normal(50, 9, n) + 30 * (frame["partition"] == "testing")
            body[f"v{number}"] = {"type": "continuous", "label": label, "unit": "10^9/L (95%)"}
        else:
            frame[f"v{number}"] = rng.choice(["0", "1", "2"], n, p=[0.6, 0.39, 0.01])
            levels = {"0": "5 of 10 (50%)", "1": ">= 65 years", "2": "1.5 ± 2.5"}
            body[f"v{number}"] = {"type": "categorical", "label": label, "levels": levels}
        lost = (frame["partition"] == "testing") & (rng.random(n) < missing) & (number < 4)
        frame.loc[lost, f"v{number}"] = np.nan
    cohort_section = PARAMS.cohort.model_copy(
        update={"covariates": {k: Covariate.model_validate(v) for k, v in body.items()}}
    )
    baseline = clinical.baseline(frame, PARAMS.model_copy(update={"cohort": cohort_section}))
    write_table("baseline", baseline, root / "results" / "tables" / "baseline.csv")
    audit = audited(root)
    assert accusations(audit) == []
    assert audit is not None
    assert audit.checked["p values"] >= 3
    assert audit.checked["column totals"] == 3


def test_rows_of_a_group_stand_together_in_print_and_are_looked_for_there() -> None:
    rows = [{"a": str(number), "b": f"0.{number}"} for number in range(4)]
    table = Table.of([Column("a", "A"), Column("b", "B")], rows, groups=["x", "y", "x", "y"], sources=["s"] * 4)
    assert table.order == [0, 2, 1, 3]
    assert rows_of(table) == [("A", "B"), ("x",), ("0", "0.0"), ("2", "0.2"), ("y",), ("1", "0.1"), ("3", "0.3")]
    cells = re.findall(r'data-from="s"[^>]*>([^<]*)</td>', table.to_html())
    assert cells == ["0", "0.0", "2", "0.2", "1", "0.1", "3", "0.3"]
