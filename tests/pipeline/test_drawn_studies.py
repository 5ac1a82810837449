"""Small cohorts drawn from seeds, to their results, their sentences and their pages: any step may leave nothing.

A draw that params or ingest refuse in words is fine; a traceback never, nor a page that promises what is not there.
"""

import os
import re
from pathlib import Path

import pytest

from vcfstats.contracts.errors import InputError
from vcfstats.contracts.markup import NOTHING
from vcfstats.contracts.records import read_records
from vcfstats.contracts.study import read_study
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.places import ITEMS
from vcfstats.reporting.rendering.source import Prose, read_source
from vcfstats.reporting.study import open_study

from .drawn_study import draw, make, to_pages, to_results

_LABEL = re.compile(r"\{#((?:supp)?(?:fig|tbl)-[\w-]+)")
_REFERENCE = re.compile(r"(?<![\w\\])@((?:supp)?(?:fig|tbl)-[\w-]+)")


def spoken(document: Path) -> tuple[str, dict[str, object]]:
    """Return what a document's sentences say, as Markdown, and what its labelled cells show, undrawn."""
    space: dict[str, object] = {}
    text, label, shown = [], "", {}
    before = Path.cwd()
    os.chdir(document.parent)
    try:
        for part in read_source(document).body:
            if isinstance(part, Prose):
                values = [eval(expression, space) for expression in part.expressions]
                text.append(
                    part.filled([v if isinstance(v, str) else v._repr_markdown_().replace(NOTHING, "") for v in values])
                )
                label = (_LABEL.findall(part.text) or [label])[-1]
                continue
            name = str(part.options.get("label", "")) or label
            label = ""
            if name:
                shown[name] = eval(part.code.strip(), space)
            elif part.options.get("include") is False:
                exec(part.code, space)
    finally:
        os.chdir(before)
    return "\n".join(text), shown


def check_sentences(root: Path) -> None:
    """Every item that is there is referred to, none that is not, and what is not there has a reason in words."""
    study = open_study(root)
    for name in ("paper", "supplement"):
        text, shown = spoken(root / "report" / f"{name}.qmd")
        there = {label for label, item in shown.items() if not isinstance(item, Absent)}
        referred = set(_REFERENCE.findall(text))
        assert referred - there == set(), "referred to, and not there"
        assert there - referred == set(), "there, and not referred to"
        for label, item in shown.items():
            if label in ITEMS:
                reason = str(ITEMS[label](study))
                assert (str(item) == reason) if isinstance(item, Absent) else reason == "", label
                assert not reason or re.fullmatch(r"[A-Z].{10,}\.", reason), reason
            else:
                assert not isinstance(item, Absent), label
        words = re.sub(r'title="[^"]*"', "", text)
        assert not re.search(r"\bnan\b|\bNone\b|keeps? (its|their) place|  \.|\.\.(?!/)|: \.", words)


def test_a_drawn_study_with_fewer_events_than_folds_is_refused_before_it_learns(tmp_path):
    drawn = draw(2, n=14)
    root = make(tmp_path / "study", drawn)
    with pytest.raises(InputError, match=r"found 3 events among the training patients; allowed: at least one per fold"):
        to_results(root, drawn)
    assert not (root / "models" / "learned").exists()


@pytest.mark.parametrize("seed", [0, 1, 3, 4, 5, 6, 7])
def test_drawn_studies_end_in_results_and_sentences_that_say_what_is_not_there(seed, tmp_path):
    drawn = draw(seed, n=12 + seed, **({} if seed % 4 else {"nested": True}))
    check_sentences(to_results(make(tmp_path / "study", drawn), drawn))


EMPTY = {
    "nothing at all": {
        "n": 16, "kinds": [], "constant": True, "scanner": "none", "followup": "none", "repeats": "none", "log": False, "optimism": 0,
        "recalibration": "none", "nested": False, "folds": 3, "split": "column",
    },
    "no finding passes": {
        "n": 24, "kinds": ["noise", "constant", "copy"], "effect": 0.0, "alpha": 0.05, "scanner": "small", "followup": "gaps", "repeats": "bad",
        "predictors": "independent", "use": "screened", "optimism": 2, "missing": "complete_case", "folds": 3, "second": False, "split": "column",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", EMPTY)
def test_studies_in_which_a_step_leaves_nothing_end_in_pages_that_agree_with_them(name, tmp_path):
    drawn = draw(1, **EMPTY[name])
    root = to_pages(make(tmp_path / "study", drawn), drawn)
    check_sentences(root)
    records, words = read_records(root / "results" / "results.json"), read_study(root / "results" / "study.json")
    notes = {note.subject: note.text for note in words.notes}
    page = (root / "report" / "_output" / "paper.html").read_text(encoding="utf-8")
    assert "dlrn" not in words.models
    assert "There is no nomogram: " in page
    assert 'id="fig-nomogram"' not in page
    if name == "nothing at all":
        assert "clinical" in notes
        # Deep features that are all alike: the network's head ranks nobody, in no fold.
        assert records["out_of_fold/dl/auc"].value == 0.5
    else:
        assert records["model/clinical/n_findings_entered"].value == 0
        assert "No finding passed the univariable screening" in page


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 150))
def test_drawn_studies_end_in_pages_that_agree_with_them(seed, tmp_path):
    drawn = draw(seed)
    root = make(tmp_path / "study", drawn)
    try:
        to_pages(root, drawn)
    except InputError:
        if (root / "data" / "predictions.parquet").exists():
            raise  # refused in words before anything was learned, or not at all
    else:
        check_sentences(root)
