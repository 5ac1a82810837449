"""Words that would be more than words on a page that took them as they were."""

from __future__ import annotations

import json
import re
from itertools import cycle
from pathlib import Path

import pandas as pd

from vcfstats.contracts.markup import csv_text
from vcfstats.contracts.records import read_records, write_records
from vcfstats.reporting.statements import HEADINGS

# Tables of results/ -> the columns that hold words of the study.
NAMES = {
    "agreement": ("finding",), "baseline": ("variable", "level"), "flow": ("reason",), "missing": ("item",), "nomogram": ("axis", "label"),
    "nomogram_model": ("term",), "nomogram_example": ("axis", "value"), "regression": ("variable", "level", "reference"),
    "scanners": ("scanner",), "subgroups": ("variable", "level"),
}  # fmt: skip

ATTACKS = (
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "x' onmouseover='alert(1)",
    "$x^2$ and $\\foo$",
    "cost $5 to $10",
    "@cite [@collins2024] -@x",
    "[x](javascript:alert(1)) ![y](http://a.b/c.png)",
    "<http://a.b/c> <mailto:a@b.c>",
    "{{< include /etc/passwd >}}",
    "`{r} system('id')` `{python} 1+1` ``` `{=html} <b>` ```",
    "a\N{NO-BREAK SPACE}b",
    "a | b | c",
    "*a* _b_ **c** ~d~ ^e^ ~~f~~ ==g==",
    "# heading",
    "1. first",
    "(1) first",
    "a) first",
    "- item",
    "+ item",
    ": definition",
    "::: {.x} y :::",
    "> quoted",
    "--- a -- b ... c",
    "</title></style></script></iframe><!-- x -->",
    "]]> <![CDATA[ x",
    '#read("/etc/passwd") #include "x" *b* _c_ <label> @ref $y$',
    "\\input{/etc/passwd} \\begin{x} \\write18{id}",
    "&lt;b&gt; &copy; &#60; &nbsp;",
    "[^1] [x]: y ^[note] [a]{.b} [c]{onclick=x}",
    "@@DATA@@ @@SCRIPT@@ @@STYLE@@",
    "/*group*/ x /*end of group*/",
    "PSA > 4 ng/mL, 50% (n = 3)",
    "10⁹/L 椎体骨折 5 µm ± 2",
    "''quoted'' \"twice\" 'once'",
    "line one\nline two\n\n# line four\n\n```\ncode",
    "tab\tand control \x07 \x1b[31m bell",
    "=HYPERLINK(\"http://a.b\")",
    "{x} {0} {}",
)  # fmt: skip


def attacked(root: Path) -> Path:
    """Give a finished study names, labels, levels, units, titles and statements that are attacks; return its directory.

    What its own tests look for stays: the names of models and feature sets, which are no words of a study.
    """
    signs = cycle(ATTACKS)
    said: dict[str, str] = {}

    def word(text: str) -> str:
        # Numbers of axes are no words; a word is the same wherever it comes again.
        return said.setdefault(text, f"{text} {next(signs)}") if re.search("[A-Za-z]{3}", text) else text

    info = json.loads((root / "results" / "study.json").read_text(encoding="utf-8"))
    for name in ("title", "subtitle", "condition", "event_label", "nonevent_label", "case_noun", "data_source"):
        info[name] = word(info[name])
    info["authors"] = [
        {**author, "name": f"A. {text}", "affiliation": text}
        for author, text in zip(info["authors"] * 20, ATTACKS, strict=False)
    ]
    info["statements"] = {
        name: text for name, text in zip((*HEADINGS, "keywords", "correspondence", "limitations"), signs, strict=False)
    }
    info["notes"] = [{"subject": "fused", "text": text} for text in ATTACKS]
    for part in ("deviations", "choices"):
        for item in info["protocol"][part]:
            item |= {name: word(f"{name} given") for name in ("published", "used", "reason")}
    (root / "results" / "study.json").write_text(json.dumps(info), encoding="utf-8")
    for name, columns in NAMES.items():
        path = root / "results" / "tables" / f"{name}.csv"
        if path.is_file():
            frame = pd.read_csv(path, dtype=str, keep_default_na=False)
            for column in columns:
                frame[column] = frame[column].map(word)
            path.write_text(csv_text(frame), encoding="utf-8")
    records = read_records(root / "results" / "results.json")
    for key in ("design/split", "design/radiomics", "design/classifiers", "model/radiomics/best_classifier"):
        records[key] = records[key].model_copy(update={"value": word(str(records[key].value))})
    write_records(records, root / "results" / "results.json")
    return root
