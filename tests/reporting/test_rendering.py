"""The offline path: what comes out, that it comes out the same twice, and what stops it."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pypdf import PdfReader

from vcfstats.contracts.errors import InputError
from vcfstats.reporting import Rendered, render
from vcfstats.reporting.rendering.reference import write_reference

ROOT = Path(__file__).parents[2]
CSL = ROOT / "report" / "numeric.csl"

PROJECT = """\
bibliography: refs.bib
csl: numeric.csl
number-sections: true
execute: {echo: false, warning: false}
crossref:
  custom:
    - {kind: float, key: supptbl, reference-prefix: Table S, space-before-numbering: false}
format:
  html: {toc: true}
  docx: default
  typst: {papersize: a4}
"""
BIB = """\
@article{one2001, author = {One, Anna and Two, Ben}, title = {First things}, journal = {J Tests}, year = {2001}, volume = {3}, pages = {4-5}, doi = {10.1000/one}}
@article{six2006, author = {Six, Carl}, title = {Later things}, journal = {J Tests}, year = {2006}, volume = {7}, pages = {8-9}}
"""
TINY = """\
---
title: A tiny document
---

```{python}
#| include: false
import pandas as pd
import plotnine as p9
from vcfstats.reporting import Column, Table, Text
number = 7
```

# Beginning {#sec-begin}

Inline `{python} number * 6` and `{python} "a*b_c"` and `{python} Text("x", "[x]{.result title='where it came from'}")`.
Cited [@six2006; @one2001]. See @fig-line, @tbl-cells, @supptbl-more and @sec-end.

{{< include more/part.md >}}

```{python}
#| label: fig-line
#| fig-cap: "A line, after @one2001."
#| fig-alt: "A rising line: words for those who do not see it."
p9.ggplot(pd.DataFrame({"x": [0, 1], "y": [0, 1]}), p9.aes("x", "y")) + p9.geom_line()
```

```{python}
#| label: tbl-cells
#| tbl-cap: "Some cells."
Table.of([Column("a", "Left"), Column("b", "Right", "right")], [{"a": "alpha", "b": "12.5"}]).with_footnote("b", "A footnote.")
```

::: {#supptbl-more}

```{python}
Table.of([Column("a", "Left")], [{"a": "omega"}])
```

More cells.

:::

```{python}
#| output: asis
print("Printed **by a cell**, see @fig-line.")
```

::: {.callout-important}
## Mind this
Inside the box.
:::

# End {#sec-end}

::: {#refs}
:::
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rendered]:
    folder = write_tiny(tmp_path_factory.mktemp("tiny"))
    return folder, render(folder, out_dir=folder / "_output", engine="offline")


def write_tiny(folder: Path, text: str = TINY) -> Path:
    (folder / "more").mkdir(exist_ok=True)
    (folder / "_quarto.yml").write_text(PROJECT, encoding="utf-8")
    (folder / "refs.bib").write_text(BIB, encoding="utf-8")
    (folder / "numeric.csl").write_bytes(CSL.read_bytes())
    (folder / "more" / "part.md").write_text("Included words.\n", encoding="utf-8")
    (folder / "tiny.qmd").write_text(text, encoding="utf-8")
    return folder


def word_text(path: Path) -> str:
    body = zipfile.ZipFile(path).read("word/document.xml").decode()
    return html.unescape(re.sub(r"<[^>]+>", "", re.sub(r"</w:p>", "\n", body)))


def pdf_text(path: Path) -> str:
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in PdfReader(path).pages))


def html_text(path: Path) -> str:
    text = re.sub(
        r"<(style|script)\b.*?</\1>|src=\"data:[^\"]*\"", "", path.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text)))


READERS: dict[str, Callable[[Path], str]] = {"html": html_text, "docx": word_text, "pdf": pdf_text}


@pytest.mark.parametrize("kind", ["html", "docx", "pdf"])
def test_everything_arrives_in_every_format(tiny: tuple[Path, Rendered], kind: str) -> None:
    folder, _ = tiny
    text = READERS[kind](folder / "_output" / f"tiny.{kind}").replace("\N{NO-BREAK SPACE}", " ")
    squeezed = re.sub(r"\s+", "", text)
    for words in (
        "A tiny document", "Inline 42 and a*b_c and x.", "Cited [1, 2]", "See Figure 1, Table 1, Table S1 and Section 2.", "Included words.", "Printed by a cell, see Figure 1.",
        "Figure 1. A line, after One", "Table 1. Some cells.", "Table S1. More cells.", "ᵃ A footnote.", "alpha", "12.5", "omega", "Mind this", "Inside the box.",
        "Six C. Later things", "One A, Two B. First things", "https://doi.org/10.1000/one",
    ):  # fmt: skip
        assert (
            re.sub(r"\s+", "", words.replace("Figure 1. A line, after One", "Figure 1. A line, after")) in squeezed
        ), (kind, words)
    assert "{python}" not in text
    assert "@fig-" not in text


def test_numbers_of_references_follow_the_order_of_citation(tiny: tuple[Path, Rendered]) -> None:
    text = html_text(tiny[0] / "_output" / "tiny.html")
    assert text.index("Later things") < text.index("First things")


def test_alternative_text_arrives(tiny: tuple[Path, Rendered]) -> None:
    folder = tiny[0] / "_output"
    alt = "A rising line: words for those who do not see it."
    assert f'alt="{alt}"' in (folder / "tiny.html").read_text(encoding="utf-8")
    assert f'descr="{alt}"' in zipfile.ZipFile(folder / "tiny.docx").read("word/document.xml").decode()
    assert alt in _pdf_alternatives(folder / "tiny.pdf")


def _pdf_alternatives(path: Path) -> list[str]:
    """Return the alternative texts in a tagged PDF."""
    found: list[str] = []

    def visit(item: object) -> None:
        item = item.get_object() if hasattr(item, "get_object") else item
        if isinstance(item, list):
            for inner in item:
                visit(inner)
        elif isinstance(item, dict):
            if "/Alt" in item:
                found.append(str(item["/Alt"]))
            visit(item.get("/K", []))

    visit(PdfReader(path).trailer["/Root"]["/StructTreeRoot"])
    return found


def test_html_needs_nothing_else(tiny: tuple[Path, Rendered]) -> None:
    text = (tiny[0] / "_output" / "tiny.html").read_text(encoding="utf-8")
    loaded = re.findall(r'(?:src|href)="((?:https?:)?//[^"]+)"', re.sub(r"<a [^>]*>", "", text))
    assert loaded == []
    assert "<script" not in text
    assert 'href="#fig-line"' in text
    assert 'id="fig-line"' in text
    assert "where it came from" in text


def test_word_tables_are_aligned_and_figures_sharp(
    tiny: tuple[Path, Rendered], cell_alignment: Callable[[str, str], str | None]
) -> None:
    archive = zipfile.ZipFile(tiny[0] / "_output" / "tiny.docx")
    assert cell_alignment(archive.read("word/document.xml").decode(), "12.5") == "right"
    pictures = [name for name in archive.namelist() if name.startswith("word/media/")]
    assert len(pictures) == 1
    assert pictures[0].endswith(".png")


def test_word_has_figures_at_the_end_where_that_is_asked_for(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path)
    project = PROJECT.replace("docx: default", "docx: {figures-at-end: true}")
    (folder / "_quarto.yml").write_text(project, encoding="utf-8")
    done = render(folder, formats=["docx"], out_dir=folder / "_output", engine="offline")
    text = word_text(done.files[0]).replace("\N{NO-BREAK SPACE}", " ")
    order = [
        text.index(words)
        for words in ("[Figure 1 about here]", "Table 1. Some cells.", "Six C. Later things", "Figure legends", "Figure 1. A line, after")
    ]  # fmt: skip
    assert order == sorted(order)
    body = zipfile.ZipFile(done.files[0]).read("word/document.xml").decode()
    assert body.count("<w:drawing>") == 1
    assert body.index("<w:drawing>") > body.index("Figure legends")
    assert 'descr="A rising line: words for those who do not see it."' in body
    assert re.search(r'<w:bookmarkStart [^>]*w:name="fig-line"', body)
    # Tables stay where they are read, and stay tables.
    assert body.count("<w:tbl>") == 2


def test_jats_has_figures_tables_and_front_matter(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    report = write_tiny(tmp_path / "report")
    (report / "_quarto.yml").write_text(PROJECT + "  jats: {fig-format: png}\n", encoding="utf-8")
    words = json.loads((ROOT / "results" / "study.json").read_text(encoding="utf-8"))
    words["authors"] = [{"name": "Ann One", "orcid": "0000-0002-1825-0097", "affiliation": "A clinic"}]
    words["statements"] = {"keywords": "First; second"}
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "study.json").write_text(json.dumps(words), encoding="utf-8")
    done = render(report, formats=["xml"], out_dir=report / "_output", engine="offline")
    assert [file.name for file in done.files] == ["tiny.xml", "tiny-fig-line.png"]
    article = ElementTree.parse(done.files[0]).getroot()
    assert article.tag == "article"
    assert article.findtext(".//contrib-id") == "https://orcid.org/0000-0002-1825-0097"
    assert article.findtext(".//aff//institution") == "A clinic"
    assert [word.text for word in article.iter("kwd")] == ["First", "second"]
    assert article.findtext(".//article-title") == "A tiny document"
    assert [figure.get("id") for figure in article.iter("fig")] == ["fig-line"]
    href = "{http://www.w3.org/1999/xlink}href"
    assert [graphic.get(href) for graphic in article.iter("graphic")] == ["tiny-fig-line.png"]
    assert len(list(article.iter("table-wrap"))) == 2
    assert len(list(article.iter("ref"))) == 2
    # The folder of documents may be replaced: what lies in it is known.
    again = render(report, formats=["xml"], out_dir=report / "_output", engine="offline")
    assert [file.name for file in again.files] == ["tiny.xml", "tiny-fig-line.png"]


def test_pdf_fonts_are_embedded(tiny: tuple[Path, Rendered]) -> None:
    for page in PdfReader(tiny[0] / "_output" / "tiny.pdf").pages:
        for font in page["/Resources"]["/Font"].values():
            for part in font.get_object().get("/DescendantFonts", [font]):
                descriptor = part.get_object()["/FontDescriptor"].get_object()
                assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)


def test_the_same_bytes_wherever_the_folder_lies_and_whoever_renders(
    tiny: tuple[Path, Rendered], tmp_path: Path
) -> None:
    folder, first = tiny
    elsewhere = tmp_path / "another" / "place"
    shutil.copytree(folder, elsewhere, ignore=shutil.ignore_patterns("_output", "again"))
    code = f"from vcfstats.reporting import render; render({str(elsewhere)!r}, out_dir={str(elsewhere / 'o')!r}, engine='offline')"
    # A scratch folder of its own, though not below tmp_path: the sockets of kernels bear no long names.
    with tempfile.TemporaryDirectory() as scratch:
        other = {"PYTHONHASHSEED": "4711", "TMPDIR": scratch, "TZ": "Asia/Tokyo", "LC_ALL": "C"}
        subprocess.run([sys.executable, "-c", code], env=os.environ | other, check=True)
    assert {file.name: file.read_bytes() for file in (elsewhere / "o").iterdir()} == {
        file.name: file.read_bytes() for file in first.files
    }
    for name in zipfile.ZipFile(folder / "_output" / "tiny.docx").namelist():
        assert str(folder).encode() not in zipfile.ZipFile(folder / "_output" / "tiny.docx").read(name), name


def test_the_same_bytes_twice_and_the_folder_holds_only_documents(tiny: tuple[Path, Rendered]) -> None:
    folder, first = tiny
    before = {file.name: file.read_bytes() for file in first.files}
    second = render(folder, out_dir=folder / "again", engine="offline")
    assert {file.name: file.read_bytes() for file in second.files} == before
    assert sorted(entry.name for entry in (folder / "again").iterdir()) == ["tiny.docx", "tiny.html", "tiny.pdf"]
    assert sorted(entry.name for entry in folder.iterdir()) == [
        "_output",
        "_quarto.yml",
        "again",
        "more",
        "numeric.csl",
        "refs.bib",
        "tiny.qmd",
    ]
    assert (first.engine, second.engine) == ("offline", "offline")
    assert "pandoc" in first.version


STOPS = {
    "a shortcode": ("Text {{< video x.mp4 >}}\n", 1, "shortcode {{< video x.mp4 >}}"),
    "another language": ("A\n\n```{r}\n1\n```\n", 3, "a block {r}"),
    "a diagram": ("```{mermaid}\nA\n```\n", 1, "a block {mermaid}"),
    "inline code of another language": ("A `{r} 1`.\n", 1, "inline code of r"),
    "an unknown option": ("```{python}\n#| label: fig-a\n#| fig-subcap: x\n1\n```\n", 3, "cell option 'fig-subcap'"),
    "an option after a blank line": (
        "```{python}\n#| echo: false\n\n#| fig-alt: x\n1\n```\n",
        4,
        "a #| line after the code began",
    ),
    "tabs": ("\n::: {.panel-tabset}\n:::\n", 2, "a div with .panel-tabset"),
    "a layout": ("::: {layout-ncol=2}\n:::\n", 1, "a div with layout-ncol=2"),
    "an equation": ("As in @eq-x.\n", 1, "cross-reference @eq-x"),
    "a label in a caption line": ("| a |\n|---|\n| 1 |\n\n: Cap {#tbl-x}\n", 5, "a label in a table's caption line"),
    "a reference to nothing": ("One.\n\nSee @fig-gone.\n", 3, "a reference to @fig-gone, which is nowhere"),
    "a citation of nothing": ("One.\n\nSee [@gone2020].\n", 3, "a citation of @gone2020, which is nowhere"),
    "a missing include": ("One.\n\n{{< include gone.md >}}\n", 3, "no file"),
    "a figure without words": (
        "```{python}\n#| label: fig-a\n#| fig-cap: A\nimport matplotlib.pyplot as plt\nplt.figure()\n```\n",
        1,
        "a figure without fig-alt",
    ),
    "a label twice": (
        "::: {#tbl-a}\n\n| a |\n|---|\n| 1 |\n\nCap.\n:::\n\n::: {#tbl-a}\n\n| a |\n|---|\n| 1 |\n\nCap.\n:::\n",
        1,
        "label tbl-a twice",
    ),
    "an error in a cell": (
        "One.\n\n```{python}\n#| echo: false\nx = 1\nx / 0\n```\n",
        6,
        "ZeroDivisionError: division by zero",
    ),
    "an error of syntax": ("```{python}\nx = 1\nx +\n```\n", 3, "SyntaxError"),
    "an error in inline code": (
        "One.\n\nTwo `{python} undefined_name`.\n",
        3,
        "NameError: name 'undefined_name' is not defined",
    ),
    "inline code without a value": ("One `{python} None`.\n", 1, "`None`, which has no value"),
    "an image that is nowhere": ("One.\n\n![A](gone.png)\n", 3, "an image gone.png, which is nowhere"),
    "an open block": ("One.\n\n```{python}\n1\n", 3, "a code block without an end"),
}


@pytest.mark.parametrize("case", STOPS)
def test_anything_else_stops_with_file_and_line(tmp_path: Path, case: str) -> None:
    text, line, found = STOPS[case]
    folder = write_tiny(tmp_path, text)
    with pytest.raises(InputError) as stopped:
        render(folder, formats=["html"], out_dir=folder / "_output", engine="offline")
    (problem,) = stopped.value.problems
    assert found in problem.found
    assert str(problem.file) == f"{folder / 'tiny.qmd'}, line {line}"
    assert not (folder / "_output").exists()
    assert [entry.name for entry in folder.iterdir() if entry.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("project", "line", "found"),
    [
        ("number-sections: true\nbook: {}\n", 2, "metadata key 'book'"),
        ("format:\n  html: {toc: true}\n  revealjs: default\n", 3, "format 'revealjs'"),
        ("format:\n  html:\n    code-fold: true\n", 3, "option 'code-fold' of format html"),
        ("execute:\n  echo: false\n  eval: false\n", 3, "execute option 'eval'"),
        ("jupyter: julia\n", 1, "kernel 'julia'"),
        ("toc: [\n", 2, "YAML that cannot be read"),
    ],
)
def test_metadata_that_would_be_ignored_stops(tmp_path: Path, project: str, line: int, found: str) -> None:
    folder = write_tiny(tmp_path, "Text.\n")
    (folder / "_quarto.yml").write_text(project, encoding="utf-8")
    with pytest.raises(InputError) as stopped:
        render(folder, formats=["html"], out_dir=folder / "_output", engine="offline")
    assert found in stopped.value.problems[0].found
    assert str(stopped.value.problems[0].file) == f"{folder / '_quarto.yml'}, line {line}"


def test_the_line_is_that_of_the_included_file(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path, "One.\n\n{{< include more/part.md >}}\n")
    (folder / "more" / "part.md").write_text("Fine.\n\nNot {{< meta title >}}.\n", encoding="utf-8")
    with pytest.raises(InputError) as stopped:
        render(folder, formats=["html"], out_dir=folder / "_output", engine="offline")
    assert str(stopped.value.problems[0].file) == f"{folder / 'more/part.md'}, line 3"


def test_code_that_is_shown_is_not_read_as_quarto(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path, "```python\n# {{< video x >}} and @eq-y\n```\n\nAlso `{{< video y >}}`.\n")
    render(folder, formats=["html"], out_dir=folder / "_output", engine="offline")
    text = html_text(folder / "_output" / "tiny.html")
    assert "{{< video x >}} and @eq-y" in text.replace("  ", " ")


def test_old_documents_stay_until_new_ones_are_ready_and_foreign_files_are_safe(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path, "Old.\n")
    render(folder, formats=["html"], out_dir=folder / "_output", engine="offline")
    (folder / "tiny.qmd").write_text("`{python} 1/0`\n", encoding="utf-8")
    with pytest.raises(InputError, match="ZeroDivisionError"):
        render(folder, formats=["html"], out_dir=folder / "_output", engine="offline")
    assert "Old." in html_text(folder / "_output" / "tiny.html")
    (folder / "_output" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"notes\.txt in the output folder"):
        render(folder, formats=["html"], out_dir=folder / "_output", engine="offline")
    with pytest.raises(InputError, match="an output folder that holds the sources"):
        render(folder, formats=["html"], out_dir=folder, engine="offline")


def test_bad_arguments(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path)
    with pytest.raises(ValueError, match="allowed is a sequence of html, docx, pdf"):
        render(folder, formats="html", out_dir=tmp_path / "o")
    with pytest.raises(ValueError, match="allowed are auto, quarto, offline"):
        render(folder, out_dir=tmp_path / "o", engine="latex")
    (folder / "tiny.qmd").unlink()
    with pytest.raises(InputError, match=r"no \.qmd file"):
        render(folder, out_dir=tmp_path / "o", engine="offline")


def test_no_kernel_outlives_its_document(tmp_path: Path) -> None:
    psutil = pytest.importorskip("psutil")
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    folder = write_tiny(tmp_path, "---\ntitle: T\n---\n\n`{python} 1 + 1`\n")
    render(folder, formats=["html"], out_dir=folder / "_output", engine="offline")
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    assert [child.cmdline() for child in left if child.status() != psutil.STATUS_ZOMBIE] == []


def test_cells_run_in_one_thread_unless_more_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_tiny(tmp_path, "Threads: `{python} int(__import__('os').environ['OPENBLAS_NUM_THREADS'])`\n")
    for given, shown in ((None, "1"), ("3", "3")):
        monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
        if given:
            monkeypatch.setenv("OPENBLAS_NUM_THREADS", given)
        render(folder, formats=["html"], out_dir=folder / "_output", engine="offline")
        assert f"Threads: {shown}" in html_text(folder / "_output" / "tiny.html")


def test_rendering_says_nothing_on_the_terminal(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path, "`{python} 1`\n")
    code = f"from vcfstats.reporting import render; render({str(folder)!r}, formats=['html'], out_dir={str(folder / 'o')!r}, engine='offline')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_rendering_tells_what_it_does_where_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_tiny(tmp_path)
    (folder / "other.qmd").write_text(
        "---\ntitle: Other\n---\n\n`{python} 1` and `{python} 2`\n\n`{python} 3`\n", encoding="utf-8"
    )
    render(folder, formats=["html", "pdf"], out_dir=folder / "_output", engine="offline", label="render")
    said = capsys.readouterr()
    assert said.out == ""
    lines = [re.sub(r" in \d+\.\d s$", " in T s", line) for line in said.err.splitlines()]
    # Its parts are the cells and the lines with expressions; the documents run side by side, so that lines mix.
    for name, parts in (("other", 2), ("tiny", 6)):
        own = [line for line in lines if line.startswith(f"render {name}")]
        assert own[0] == f"render {name}, cells 0/{parts} parts"
        assert f"render {name}, cells {parts}/{parts} parts in T s" in own
        at = own.index(f"render {name}, cells {parts}/{parts} parts in T s")
        assert own[at + 1 : at + 3] == [
            f"render {name}, numbers 0/1 documents",
            f"render {name}, numbers 1/1 documents in T s",
        ]
        for kind in ("html", "pdf"):
            start, end = f"render {name}.{kind} 0/1 files", f"render {name}.{kind} 1/1 files in T s"
            assert at + 2 < own.index(start) < own.index(end)


def test_a_document_that_runs_long_tells_how_far_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slow = "`{python} __import__('time').sleep(1.2) or 1`\n\n"
    folder = write_tiny(tmp_path, f"---\ntitle: Slow\n---\n\n{slow * 7}")
    render(folder, formats=["html"], out_dir=folder / "_output", engine="offline", label="render")
    lines = capsys.readouterr().err.splitlines()
    assert any(re.fullmatch(r"render tiny, cells [2-6]/7 parts, \S+/s, \d+ s left", line) for line in lines), lines


def test_the_first_document_that_fails_ends_the_others(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path, "One `{python} 1 / 0`.\n")
    (folder / "other.qmd").write_text("One `{python} __import__('time').sleep(120) or 1`.\n", encoding="utf-8")
    start = time.monotonic()
    with pytest.raises(InputError, match="ZeroDivisionError"):
        render(folder, formats=["html"], out_dir=folder / "_output", engine="offline")
    assert time.monotonic() - start < 90
    assert not (folder / "_output").exists()


def test_word_manuscripts_have_numbered_lines_and_double_spacing(tiny: tuple[Path, Rendered], tmp_path: Path) -> None:
    folder = tmp_path / "numbered"
    shutil.copytree(tiny[0], folder, ignore=shutil.ignore_patterns("_output", "again"))
    shutil.copyfile(ROOT / "report" / "reference.docx", folder / "reference.docx")
    project = PROJECT.replace("docx: default", "docx: {reference-doc: reference.docx}")
    (folder / "_quarto.yml").write_text(project, encoding="utf-8")
    archive = zipfile.ZipFile(render(folder, formats=["docx"], out_dir=folder / "_output", engine="offline").files[0])
    assert '<w:lnNumType w:countBy="1" w:restart="continuous"' in archive.read("word/document.xml").decode()
    styles = archive.read("word/styles.xml").decode()
    spacing = {
        name: re.search(rf'w:styleId="{name}".*?<w:spacing [^>]*w:line="(\d+)"', styles, re.DOTALL)
        for name in ("BodyText", "Bibliography", "Compact")
    }
    assert {name: found and found[1] for name, found in spacing.items()} == {
        "BodyText": "480", "Bibliography": "480", "Compact": "240",
    }  # fmt: skip


def test_the_word_template_is_the_one_that_the_code_makes(tmp_path: Path) -> None:
    write_reference(tmp_path / "reference.docx")
    assert (tmp_path / "reference.docx").read_bytes() == (ROOT / "report" / "reference.docx").read_bytes()


def test_an_item_that_a_study_lacks_leaves_no_caption_and_no_number(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    folder.mkdir()
    shutil.copy(Path(__file__).parents[2] / "report" / "absent.lua", folder)
    (folder / "_quarto.yml").write_text("lang: en\nfilters:\n  - path: absent.lua\n    at: pre-ast\n", encoding="utf-8")
    cell = '```{{python}}\n#| label: tbl-{0}\n#| tbl-cap: "Of {0}."\n{1}\n```\n'
    there = 'Table.of([Column("a", "A")], [{"a": "alpha"}])'
    setup = (
        "```{python}\n#| include: false\nfrom vcfstats.reporting import Column, Table, Text\n"
        "from vcfstats.reporting.absence import Absent\n```\n"
    )
    absent = cell.format("lost", 'Absent(Text.of("There is none."))')
    (folder / "a.qmd").write_text(
        f"{setup}\nSee @tbl-last.\n\n{absent}\n{cell.format('last', there)}\nAn end.\n", encoding="utf-8"
    )
    done = render(folder, formats=["html"], out_dir=tmp_path / "out", engine="offline")
    page = re.sub(r"<[^>]+>", "", done.files[0].read_text(encoding="utf-8"))
    assert re.search(r"See Table.1\.", page)
    assert re.search(r"Table.1\.\s*Of last\.", page)
    assert "Of lost" not in page
    assert not re.search(r"Table.2", page)


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("when", ["kernels start", "a cell runs"])
def test_an_interruption_ends_without_a_traceback(tmp_path: Path, when: str) -> None:
    """nbclient's own handler of signals let the work run on into kernels that it had ended."""
    folder = tmp_path / "report"
    folder.mkdir()
    waits = "import pathlib, time\npathlib.Path('runs').touch()\ntime.sleep(60)"
    write_tiny(folder, f"# Heading\n\n```{{python}}\n{waits}\n```\n")
    program = f"""
import pathlib
from vcfstats.reporting import render
print("begun", flush=True)
try:
    report = pathlib.Path({str(folder)!r})
    render(report, formats=("html",), out_dir=report / "_output", engine="offline")
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    deadline = time.monotonic() + 60
    while when == "a cell runs" and not (folder / "runs").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate(timeout=60)
    assert said == "interrupted\n"
    assert "Traceback" not in wrong
