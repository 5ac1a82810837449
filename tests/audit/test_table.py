"""The audit as a whole: the published tables, tables of other shapes, and what must never be flagged."""

import subprocess
import sys
from pathlib import Path

import pytest

from vcfstats import audit_table
from vcfstats.audit.table.files import read_tables

PUBLISHED = Path(__file__).parents[1] / "reference" / "published"
N = {"training": 164, "testing": 70}


def published(*names):
    return [frame for name in names for frame in read_tables(PUBLISHED / f"{name}.csv")]


def found(audit, *severities):
    chosen = severities or ("impossible", "inconsistent")
    return {(f.check, f.where) for f in audit.findings if f.severity in chosen}


@pytest.fixture(scope="module")
def whole():
    return audit_table(published("performance", "baseline", "text"), n=N, ci_method="delong")


def test_published_findings(whole):
    """Each error of the published tables by hand: the counts behind it are in the comments."""
    assert found(whole, "impossible") == {
        ("confusion matrix", "Table 2, row 6 (XGBoost-training)"),  # NPV 78/92 = 0.848, printed 0.948
        ("confusion matrix", "Table 2, row 11 (KNN-training)"),  # 2/24, 46/46, 48/70: testing
        ("confusion matrix", "Table 3, row 11 (KNN-training)"),  # 48/70 beside four cells of the training row
        ("confusion matrix", "Table 4, row 11 (KNN-training)"),  # 12/24, 43/46, 55/70: testing
    }
    assert found(whole, "inconsistent") == {
        *(("row label", f"Table {t}, rows 3 and 11 (KNN-training)") for t in (2, 3, 4)),
        ("interval off centre", "Table 2, row 8 (MLP-training), AUC interval"),
        ("interval off centre", "Table 2, row 15 (LightGBM-testing), AUC interval"),
        ("interval off centre", "Table 4, row 8 (MLP-training), AUC interval"),
        ("interval off centre", "Table 5, row 3 (DL -training), AUC interval"),
        ("two tables", "Table 2, row 13 (ExtraTrees-testing) and Table 5, row 6 (Clinical-testing), AUC upper limit"),
        ("two tables", "Table 4, row 5 (ExtraTrees-training) and Table 5, row 4 (DLR-training), AUC lower limit"),
        ("two tables", "Table 4, row 13 (ExtraTrees-testing) and Table 5, row 9 (DLR-testing), AUC upper limit"),
        ("column total", "baseline table, column column_2_as_printed"),
        ("column total", "baseline table, column column_3_as_printed"),
        ("p value", "baseline table, Age (year)"),
        ("claim", "text, abstract: AUC 0.971 (0.948-0.995) (training)"),
        ("claim", "text, abstract: AUC 0.828 (0.727-0.929) (testing)"),
        ("claim", "text, 4: AUC 0.763 to 0.880 (training)"),
        ("claim", "text, 4: AUC 0.697 to 0.892 (testing)"),
        ("claim", "text, 4: AUC 0.857 to 0.946 (training)"),
        ("claim", "text, 4: AUC 0.693 to 0.909 (testing)"),
        ("claim", "text, 3.1: significance"),
        ("claim", "text, 3.1: table cited"),
        ("claim", "text, 3.2.3 and text, 2.6: folds"),
    }
    assert found(whole, "note") == {
        ("undefined rate", "Table 2, row 7 (LightGBM-training), PPV"),
        ("claim", "text, 4: direction"),
    }


def test_published_class_counts_and_mends(whole):
    counts = {c.cohort: (c.n, c.events, c.nonevents, c.rows_fitting, c.rows) for c in whole.cohorts}
    assert counts == {"training": (164, 61, 103, 28, 32), "testing": (70, 24, 46, 26, 26)}
    mends = {f.where: f.mend for f in whole.findings}
    assert mends["Table 2, row 6 (XGBoost-training)"] == "NPV 0.848 = 78/92 for 0.948"
    assert mends["Table 2, row 11 (KNN-training)"] == "testing for training in the row's label"
    assert mends["Table 3, row 11 (KNN-training)"] == (
        "the copied cells (sensitivity, specificity, PPV, NPV) and the row's label"
    )
    assert mends["Table 2, row 15 (LightGBM-testing), AUC interval"].startswith("upper limit about 0.870 for 0.891")
    assert mends["baseline table, Age (year)"].startswith("0.080")


def test_without_n_the_smallest_counts_are_found_and_their_multiples_named():
    audit = audit_table(published("performance"))
    assert [(c.n, c.events) for c in audit.cohorts] == [(164, 61), (70, 24)]
    assert "122 + 206" in audit.cohorts[0].also_fits
    flagged = {where for check, where in found(audit) if check == "confusion matrix"}
    assert flagged == {
        "Table 2, row 6 (XGBoost-training)",
        *(f"Table {t}, row 11 (KNN-training)" for t in (2, 3, 4)),
    }


def test_the_audit_needs_numpy_scipy_and_pandas_alone():
    code = (
        "import sys; from vcfstats import audit_table; import pandas as pd;"
        "audit_table(pd.DataFrame({'model': ['A'], 'AUC': ['0.8'], '95% CI': ['0.7-0.9']})).to_html();"
        "print([m for m in ('typer', 'rich', 'pydantic', 'sklearn', 'matplotlib', 'great_tables', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
