"""The command: exit codes, files written, bad input."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from vcfstats.audit.commands import app

PUBLISHED = Path(__file__).parents[1] / "reference" / "published"
GOOD = "model,cohort,AUC,accuracy,sensitivity,specificity\nA,training,0.775,0.762,0.770,0.757\nB,training,0.876,0.835,0.721,0.903\n"


def run(*arguments):
    return CliRunner().invoke(app, ["table", *map(str, arguments)])


def test_published_files_together(tmp_path):
    html, csv, rows = tmp_path / "out" / "a.html", tmp_path / "a.csv", tmp_path / "rows.csv"
    result = run(
        PUBLISHED / "performance.csv", "--baseline", PUBLISHED / "baseline.csv", "--claims", PUBLISHED / "text.csv",
        "--n", "training=164", "--n", "testing=70", "--ci-method", "delong", "--html", html, "--csv", csv, "--rows", rows,
    )  # fmt: skip
    assert result.exit_code == 1
    assert result.output.startswith("Table audit: 4 impossible, 22 inconsistent, 2 notes.")
    assert "NPV 78/92 = 0.848, printed 0.948" in " ".join(result.output.split())
    findings = pd.read_csv(csv)
    assert list(findings.columns) == ["severity", "check", "where", "printed", "arithmetic", "mend"]
    assert findings["severity"].value_counts().to_dict() == {"inconsistent": 22, "impossible": 4, "note": 2}
    page = html.read_text(encoding="utf-8")
    assert page.count("<tr class=") == 28
    for outside in ("<script", "<link", "<img", "http:", "https:"):
        assert outside not in page
    lines = pd.read_csv(rows)
    first = lines.iloc[0]
    assert (len(lines), first["tp"], first["fp"], first["fn"], first["tn"]) == (58, 8, 1, 53, 102)


@pytest.mark.parametrize(
    ("name", "checks"),
    [("performance", {"confusion matrix", "row label", "two tables"}), ("baseline", {"p value"}), ("text", {"claim"})],
)
def test_published_files_one_by_one(name, checks, tmp_path):
    csv = tmp_path / "a.csv"
    assert run(PUBLISHED / f"{name}.csv", "--csv", csv).exit_code == 1
    findings = pd.read_csv(csv)
    assert set(findings.loc[findings["severity"] != "note", "check"]) == checks


def test_consistent_table_exits_with_0(tmp_path):
    file = tmp_path / "good.csv"
    file.write_text(GOOD)
    result = run(file, "--n", "training=164", "--events", "training=61")
    assert (result.exit_code, "Nothing found" in result.output) == (0, True), result.output


def test_html_escapes_what_the_table_holds(tmp_path):
    file, html = tmp_path / "a.csv", tmp_path / "a.html"
    file.write_text("model,AUC,95% CI\n<script>alert(1)</script>,0.9,0.5-0.6\n")
    assert run(file, "--html", html).exit_code == 1
    assert "<script" not in html.read_text()
    assert "&lt;script&gt;" in html.read_text()


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (GOOD, ["--n", "training"], "write it like --n training=164"),
        (GOOD, ["--n", "training=many"], "a whole number of patients"),
        (GOOD, ["--n", "external=10"], "its cohorts are 'training'"),
        (GOOD, ["--ci-method", "guess"], "must be one of"),
        (GOOD, ["--baseline", "/nowhere.csv"], "no such file"),
        ("a,b\n1,2\n", [], "neither a performance table"),
        ("", [], "no table"),
    ],
)
def test_bad_input_exits_with_2(content, options, message, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text(content)
    result = run(file, *options)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
