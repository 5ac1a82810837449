"""The documents by Quarto: what it is handed and told, what of its words stops the stage, and its files after it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.reporting.test_rendering import write_tiny
from vcfstats.contracts.errors import InputError
from vcfstats.reporting import render
from vcfstats.reporting.rendering.finishing import finish
from vcfstats.reporting.rendering.quarto import warnings_of

QUARTO = """\
#!{python}
# Stands in for Quarto: records how it was called and leaves the files that Quarto would.
import json, os, pathlib, sys, yaml
if sys.argv[1] == "--version":
    print("1.10.18")
    sys.exit()
_, _, document = sys.argv
path = pathlib.Path(document)
text = path.read_text(encoding="utf-8")
names = ("QUARTO_PYTHON", "SOURCE_DATE_EPOCH", "VCFSTATS_RENDERED_BY", "TYPST_IGNORE_SYSTEM_FONTS")
seen = {{name: os.environ.get(name) for name in names}}
seen["kernel"] = json.loads(pathlib.Path(os.environ["JUPYTER_PATH"], "kernels/python3/kernel.json").read_text())["argv"][0]
seen["results"] = path.parent.parent.joinpath("results", "x.json").read_text()
seen["document"] = text
seen["project"] = yaml.safe_load((path.parent / "_quarto.yml").read_text())
seen["files"] = sorted(str(file.relative_to(path.parent)) for file in path.parent.rglob("*") if file.is_file())
for line in os.environ.get("SAYS", "").splitlines():
    print(line, file=sys.stderr)
if "fails" in text:
    print("ERROR: it fails here", file=sys.stderr)
    print("    at renderFiles (file:///quarto.js:1:1)", file=sys.stderr)
    sys.exit(1)
for target in seen["project"]["format"]:
    path.with_suffix("." + {{"typst": "pdf", "jats": "xml"}}.get(target, target)).write_text(json.dumps(seen))
"""


@pytest.fixture
def quarto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study and, on the PATH, a program that stands in for Quarto."""
    program = tmp_path / "bin" / "quarto"
    program.parent.mkdir()
    program.write_text(QUARTO.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    folder = tmp_path / "study" / "report"
    folder.mkdir(parents=True)
    (folder.parent / "results").mkdir()
    (folder.parent / "results" / "x.json").write_text("results", encoding="utf-8")
    return write_tiny(folder)


def test_quarto_is_taken_where_it_is_and_told_what_it_needs(quarto: Path) -> None:
    done = render(quarto, formats=["html", "pdf"], out_dir=quarto / "_output")
    assert (done.engine, done.version) == ("quarto", "1.10.18")
    assert [file.name for file in done.files] == ["tiny.html", "tiny.pdf"]
    seen = json.loads(done.files[1].read_text(encoding="utf-8"))
    assert seen["QUARTO_PYTHON"] == seen["kernel"] == sys.executable
    assert seen["VCFSTATS_RENDERED_BY"] == "Quarto 1.10.18"
    assert seen["SOURCE_DATE_EPOCH"]
    assert seen["TYPST_IGNORE_SYSTEM_FONTS"] == "true"
    assert seen["results"] == "results"
    assert sorted(entry.name for entry in quarto.iterdir()) == [
        "_output",
        "_quarto.yml",
        "more",
        "numeric.csl",
        "refs.bib",
        "tiny.qmd",
    ]


def test_quarto_gets_what_the_cells_showed_and_runs_none(quarto: Path) -> None:
    done = render(quarto, formats=["html", "pdf"], out_dir=quarto / "_output")
    seen = json.loads(done.files[0].read_text(encoding="utf-8"))
    assert "engine: markdown" in seen["document"]
    assert "```{python}" not in seen["document"]
    assert "`{python}" not in seen["document"]
    # A figure in both kinds, named without either ending: each format takes its own.
    assert "](media/fig-line)" in seen["document"]
    assert {"media/fig-line.png", "media/fig-line.svg"} <= set(seen["files"])
    # Only what was asked for, in one go, and none of what a project does around a plain `quarto render`.
    assert list(seen["project"]["format"]) == ["html", "typst"]
    assert seen["project"]["project"] == {"render": ["tiny.qmd"]}


def test_a_document_beyond_the_offline_path_is_run_by_quarto_and_that_is_said(
    quarto: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (quarto / "tiny.qmd").write_text("{{< video x.mp4 >}}\n\n`{python} 1 + 1`\n", encoding="utf-8")
    done = render(quarto, formats=["html"], out_dir=quarto / "_output")
    assert "`{python} 1 + 1`" in json.loads(done.files[0].read_text(encoding="utf-8"))["document"]
    assert "tiny.qmd: Quarto runs its cells, once for each format" in capsys.readouterr().err


def test_quarto_that_fails_is_one_error_with_its_words(quarto: Path) -> None:
    (quarto / "tiny.qmd").write_text("It fails.", encoding="utf-8")
    with pytest.raises(InputError, match=r"tiny\.qmd: found Quarto stopped: ERROR: it fails here; allowed"):
        render(quarto, formats=["html"], out_dir=quarto / "_output")
    assert not (quarto / "_output").exists()


def test_quarto_that_is_asked_for_and_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="no quarto on the PATH"):
        render(write_tiny(tmp_path), out_dir=tmp_path / "o", engine="quarto")


# Lines that Quarto 1.11 (pandoc 3.9) wrote to its stderr.
LOST = [
    "\x1b[33mWARNING (/quarto/share/filters/./normalize/astpipeline.lua:179) Unable to parse table from raw html block: skipping.",
    "(E) Running juice failed: Error running /quarto/bin/quarto (error code 1): <no output>",
    "[WARNING] Citeproc: citation nobody2020 not found",
    "[WARNING] Could not fetch resource media/fig-roc.svg: replacing image with description",
]


@pytest.mark.parametrize("line", LOST)
def test_a_warning_of_something_left_out_stops(quarto: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setenv("SAYS", f"pandoc \n  to: docx\n{line}\n")
    with pytest.raises(InputError, match=r"tiny\.qmd: found Quarto left something out: .*; allowed: documents that"):
        render(quarto, formats=["html"], out_dir=quarto / "_output")
    assert not (quarto / "_output").exists()


def test_other_warnings_are_shown(
    quarto: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(
        "SAYS", "pandoc \nWARN: a new version is there\n[typst]: Compiling tiny.typ to tiny.pdf...DONE\n"
    )
    render(quarto, formats=["html"], out_dir=quarto / "_output")
    assert capsys.readouterr().err == "tiny.qmd: Quarto says: WARN: a new version is there\n"


def test_warnings_are_told_from_what_is_only_told() -> None:
    lines = [
        "pandoc",
        "to: docx",
        "[typst]: Compiling a.typ to a.pdf...DONE",
        "Output created: a.html",
        "[WARNING] x",
        "[WARNING] x",
    ]
    assert warnings_of(lines) == ["[WARNING] x"]
    assert warnings_of(["WARNING (main.lua:1)", "said on the next line"]) == [
        "WARNING (main.lua:1) said on the next line"
    ]


# What Quarto 1.11 wrote of a section with a figure, shortened; the comment is documents.lua's.
JATS = """\
<?xml version="1.0" encoding="utf-8" ?>
<article xmlns:xlink="http://www.w3.org/1999/xlink"><body>
<sec id="sec-methods">
  <title>
<!--label 1.2-->Methods</title>
  <fig id="fig-roc">
    <caption><p><bold>Figure 1.</bold> Curve.</p></caption>
    <graphic mimetype="image" mime-subtype="png" xlink:href="paper_files/figure-jats/fig-roc.png">
      <alt-text>Words.</alt-text>
    </graphic>
  </fig>
</sec>
</body></article>
"""


def test_figures_of_jats_lie_beside_it_under_its_name(tmp_path: Path) -> None:
    made = tmp_path / "paper.xml"
    made.write_text(JATS, encoding="utf-8")
    picture = tmp_path / "paper_files" / "figure-jats" / "fig-roc.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"png")
    (tmp_path / "out").mkdir()
    left = finish(made, tmp_path / "out" / "paper.xml", tmp_path)
    assert [file.name for file in left] == ["paper.xml", "paper-fig-roc.png"]
    assert left[1].read_bytes() == b"png"
    text = left[0].read_text(encoding="utf-8")
    assert 'xlink:href="paper-fig-roc.png"' in text
    assert "<label>1.2</label><title>Methods</title>" in text
