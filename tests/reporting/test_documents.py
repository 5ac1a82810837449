"""The documents in report/: any cohort's, with every number from a record."""

from __future__ import annotations

import html
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pypdf import PdfReader

from vcfstats.contracts.errors import InputError
from vcfstats.contracts.study import write_table
from vcfstats.reporting import Study, equations, findings, open_study, places, render
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.contents import (
    agreement_table,
    baseline_table,
    by_construction,
    calibration_table,
    calibration_tests_table,
    choices_table,
    classifier_table,
    deviations_table,
    funnel_table,
    headline_table,
    missing_table,
    nomogram_table,
    provenance_table,
    published_table,
    regression_table,
    sample_size_table,
    score_table,
    sentences_table,
)
from vcfstats.reporting.rendering.source import Cell, read_source

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "report"
DOCUMENTS = sorted(REPORT.glob("*.qmd"))
MakeStudy = Callable[..., Path]

# Words of one cohort: diseases, findings, anatomy, sequences. They live in params.yaml, report/study/ and the simulation.
COHORT_WORDS = re.compile(
    r"vertebra|fractur|malignan|\bbenign|o?edema\b|\bwedge|pedicle|osteopor|\bmodic|\bdixon|\bSTIR\b|\bFLAIR\b|\bT[12][- ]?weight|\bspin(e|al)\b|tumou?r|metasta|lumbar|thoracic|cervical",
    re.IGNORECASE,
)


def prose(path: Path) -> list[tuple[int, str]]:
    """Return the lines that are printed as they stand: without front matter, code, inline code, labels and citations."""
    source = read_source(path)
    lines = []
    for part in source.body:
        if isinstance(part, Cell) or part.place.file != path:
            continue
        text = re.sub(r"`[^`]*`|\{[^}]*\}|@[\w-]+", "", part.text)
        lines.append((part.place.line, text))
    return lines


def with_report(root: Path) -> Path:
    shutil.copytree(REPORT, root / "report", ignore=shutil.ignore_patterns("_output", ".quarto", "study"))
    (root / "report" / "study").mkdir()
    (root / "report" / "study" / "background.md").write_text("Why this was done.\n", encoding="utf-8")
    (root / "report" / "study" / "participants.md").write_text("Who took part.\n", encoding="utf-8")
    return root / "report"


def text_of(path: Path) -> str:
    if path.suffix == ".pdf":
        return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in PdfReader(path).pages))
    if path.suffix == ".docx":
        body = zipfile.ZipFile(path).read("word/document.xml").decode()
    else:
        body = re.sub(
            r"<(style|script)\b.*?</\1>|src=\"data:[^\"]*\"", "", path.read_text(encoding="utf-8"), flags=re.DOTALL
        )
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_hold_no_word_of_one_cohort(path: Path) -> None:
    found = [
        (number, line)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if COHORT_WORDS.search(line)
    ]
    assert found == []


def test_the_package_holds_no_word_of_one_cohort() -> None:
    package = ROOT / "vcfstats"
    files = [
        p
        for p in package.rglob("*")
        if p.suffix in (".py", ".yaml", ".html", ".css", ".typ")
        and p.relative_to(package).parts[0] not in ("simulation", "_report")
    ]
    assert len(files) > 30
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if COHORT_WORDS.search(line)
    ]
    assert found == []


def test_the_search_for_words_finds_them() -> None:
    for line in ("a Vertebra", "compression fractures", "band edema", "oedema", "T2-weighted", "STIR"):
        assert COHORT_WORDS.search(line)
    assert not COHORT_WORDS.search("stirred, T2 a test, vcfstats")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_number_in_the_prose_comes_from_inline_code(path: Path) -> None:
    assert [(number, line) for number, line in prose(path) if re.search(r"\d", line)] == []
    captions = [
        str(part.options.get(name, ""))
        for part in read_source(path).body
        if isinstance(part, Cell)
        for name in ("fig-cap", "tbl-cap", "fig-alt")
    ]
    assert [caption for caption in captions if re.search(r"\d", caption)] == []


def test_the_words_of_the_embedded_study_claim_nothing_real() -> None:
    words = " ".join(
        (REPORT / "study" / name).read_text(encoding="utf-8") for name in ("background.md", "participants.md")
    )
    assert "simulated" in words
    assert "no claim" in words
    assert not re.search(r"\d", re.sub(r"\[@[^\]]*\]|T\d-weighted", "", words))


@pytest.fixture(scope="module")
def whole_documents(whole_rendered: tuple[Path, list[Path]]) -> list[Path]:
    return whole_rendered[1]


@pytest.fixture(scope="module")
def empty_documents(empty_study: Path) -> list[Path]:
    report = with_report(empty_study)
    return list(render(report, out_dir=report / "_output", engine="offline").files)


def plain(path: Path) -> str:
    """Return a document's text with plain spaces, and none before a full stop where a span ended."""
    return re.sub(r" ([;:.,])", r"\1", text_of(path).replace("\N{NO-BREAK SPACE}", " "))


def test_both_documents_in_all_formats(whole_documents: list[Path]) -> None:
    assert [file.name for file in whole_documents] == [
        f"{name}.{kind}" for name in ("paper", "supplement") for kind in ("html", "docx", "pdf")
    ]
    for file in whole_documents:
        text = plain(file)
        for words in (
            "A made-up study of nothing",
            "Simulated data",
            "rendered by vcfstats, offline path (pandoc",
            "params a1a1",
            "data b2b2",
            "code c3c3",
            "vcfstats 0.1.0",
        ):
            assert words.replace(" ", "") in text.replace(" ", ""), (file.name, words)
        assert not re.search(r"\bnan\b|\bNone\b|\{python\}|Traceback|@(fig|tbl|sec|supptbl|suppfig)-", text), file.name
        if file.suffix == ".pdf":
            assert all("Simulated data" in page.extract_text() for page in PdfReader(file).pages)
        if file.suffix == ".docx":
            archive = zipfile.ZipFile(file)
            assert archive.testzip() is None
            assert "Simulated data" in archive.read("word/study-label.xml").decode()
            assert 'r:id="rIdStudyLabel"' in archive.read("word/document.xml").decode()


def test_every_item_has_its_number(whole_documents: list[Path]) -> None:
    paper, supplement = plain(whole_documents[0]), plain(whole_documents[3])
    for words in (
        "Figure 1. Flow of patients",
        "Figure 2. Steps of the study",
        "Figure 3. LASSO",
        "Figure 4. Features that the LASSO kept",
        "Figure 5. Nomogram",
        "Figure 6. Receiver operating characteristic curves of the headline models",
        "Figure 7. Decision curves",
        "Table 1. Characteristics",
        "Table 2. Classifiers on the clinical findings",
        "Table 3. Classifiers on the radiomic features",
        "Table 4. Classifiers on radiomic and deep features together",
        "Table 5. Headline models",
        "Of 300 patients screened, 66 were excluded and 234 included.",
        "The primary comparison, DLRN against Clinical, gave a difference in AUC of 0.060 ( 95% CI 0.010 to 0.110; p = 0.040 ): the AUC of DLRN was larger.",
    ):
        assert words in paper, words
    for words in (
        "Table S1. Univariable and multivariable",
        "Figure S1. Receiver operating characteristic curves of the classifiers on the clinical findings",
        "Figure S2. Receiver operating characteristic curves of the classifiers on the radiomic features",
        "Figure S3. Receiver operating characteristic curves of the classifiers on radiomic and deep",
        "Figure S4. Comparisons of the headline models",
        "Figure S5. Calibration of the headline models",
        "Figure S6. Receiver operating characteristic curves of the headline models with pointwise",
        "Figure S7. Decision curves of the headline models with pointwise",
        "Figure S8. Calibration belts",
        "Figure S9. Area under the receiver operating characteristic curve (AUC) by level",
        "Figure S10. Features left after each step",
        "Figure S11. Follow-up",
        # What the study lacks has a reason in place of a number.
        "How features differ between scanners was not measured",
        "No network was trained on the study’s images.",
        "No headline model has recalibrated probabilities.",
        "No classifier on all features has recalibrated probabilities.",
        "No alternative to the study’s decisions was run",
    ):
        assert words in supplement, words
    for words in (
        "Figure S12.",
        "Share of each feature’s variation",
        "Calibration of classifiers whose output",
        "Decision curves of the same classifiers",
    ):
        assert words not in supplement, words
    body = whole_documents[0].read_text(encoding="utf-8")
    assert len(re.findall(r'<img [^>]*aria-label="[^"]{20,}"', body)) == 7
    study = open_study(whole_documents[0].parents[2])
    labels = re.findall(r"^::: \{#(suppfig-[\w-]+)", (REPORT / "supplement.qmd").read_text(encoding="utf-8"), re.M)
    there = [label for label in labels if not places.ITEMS[label](study)]
    assert 10 < len(there) < len(labels)
    assert len(re.findall(r'<img [^>]*aria-label="[^"]{20,}"', whole_documents[3].read_text(encoding="utf-8"))) == len(
        there
    )


def test_a_real_cohort_in_which_nothing_was_fitted(empty_documents: list[Path]) -> None:
    paper, supplement = plain(empty_documents[0]), plain(empty_documents[3])
    assert "word/study-label.xml" not in zipfile.ZipFile(empty_documents[1]).namelist()
    assert not any("imulated" in page.extract_text() for page in PdfReader(empty_documents[2]).pages)
    for words in (
        "Another cohort",
        "One case is one segment",
        "predict the outcome, adjacent or not adjacent, in patients with low back pain",
        "No protocol was registered",
        "No screening log was given",
        "No deep features were computed.",
        "Of the feature set Radiomics, the selection kept no feature",
        "No model was fitted: there is no performance to report.",
        "No classifier was fitted",
        "The study has no clinical findings to model.",
        "The primary comparison, DLRN against Clinical, could not be made",
    ):
        assert words in paper, words
    for words in (
        "No protocol was registered",
        "Not fitted: step t_test kept none of 107 features",
        "Follow-up times were not given.",
        "The findings were not read twice, so that agreement of readers is not known.",
    ):
        assert words in supplement, words
    for text in (
        paper,
        supplement,
    ):  # nothing keeps a place that it does not fill, nothing is told of what is not there
        assert not re.search(r"Not available|keeps? (its|their) place|says? so", text)
        assert "Nomogram of the combined model" not in text
    numbers = {kind: [int(n) for n in re.findall(rf"{kind} S(\d+)\. ", supplement)] for kind in ("Table", "Figure")}
    assert numbers["Table"] == list(range(1, len(numbers["Table"]) + 1))
    assert numbers["Figure"] == list(range(1, len(numbers["Figure"]) + 1))
    for file in empty_documents:
        assert not re.search(r"\bnan\b|\bNone\b|imulated|Traceback", plain(file)), file.name


def test_nothing_estimable_is_said_with_its_reason(make_study: MakeStudy) -> None:
    report = with_report(make_study("undefined"))
    done = render(report, formats=["html"], out_dir=report / "_output", engine="offline")
    paper = plain(done.files[0])
    assert "0/12 (0.0%) of them events" in paper
    # The reason names its record, so that a span, with a space in the text, begins and ends within the brackets.
    why = "not estimable ( the reference standard holds one class )"
    assert f"In the internal test set, the AUC of the First model was {why}." in paper
    assert f"The Hosmer-Lemeshow test was {why}." in paper
    assert "well calibrated" not in paper


def test_performance_tables(whole_study: Path, make_study: MakeStudy) -> None:
    study = open_study(whole_study)
    frame = headline_table(study).to_frame().set_index(["group", "model"])
    row = frame.loc[("Internal test set: 70 cases, 24 events", "Clinical")]
    assert tuple(row) == ("0.900", "0.850 to 0.950", "0.414", "72.9%", "79.2%", "69.6%", "57.6%", "86.5%")
    assert len(frame) == 15
    classifiers = classifier_table(study, "fused")
    assert len(classifiers.rows) == 24
    assert [row[0] for row in classifiers.rows if row[0].endswith("ᵃ")] == ["Classifier Bᵃ"] * 3
    for table in (headline_table(study), classifiers):
        assert any("A predicted probability of 0.4137 or more was called positive." in note for note in table.notes)
        assert any("optimistic" in note for note in table.notes)
    blank = headline_table(open_study(make_study("undefined")))
    assert set(blank.to_frame()["auc"]) == {"–"}
    assert any("the reference standard holds one class" in note for note in blank.notes)
    assert "χ² = 9.21, 8 df, p = 0.310" in calibration_tests_table(study).to_csv()
    assert "-0.08 (-0.38 to 0.22)" in calibration_table(study).to_csv()


def test_provenance_lists_what_is_printed_and_decisions_have_reasons(whole_study: Path) -> None:
    study = open_study(whole_study)
    numbers, sentences = (
        {row[0].replace("\u200b", "") for row in table.rows}
        for table in (provenance_table(study), sentences_table(study))
    )
    assert numbers | sentences < set(study.records)
    assert not numbers & sentences
    assert "design/split" in sentences
    for key in (
        "testing/dlrn/sensitivity",
        "apparent/fused.classifier_1/auc",
        "model/fused/lambda_min",
        "cohort/all/n_cases",
        "design/confidence_level",
    ):
        assert key in numbers
    assert deviations_table(study).rows == (("model.\u200bfolds", "10", "5", "The text says both."),)
    assert choices_table(study).rows == (("model.\u200bpenalty", "nothing", "ridge", "The text is silent."),)


def test_ratios_and_steps_of_the_selection(whole_study: Path) -> None:
    study = open_study(whole_study)
    assert regression_table(study).rows[1] == (
        "Finding: Present against Absent",
        "11.2 (4.00 to 132)",
        "<0.001",
        "9.50 (3.00 to 120)",
        "0.001",
    )
    assert regression_table(study).rows[0][3:] == ("–", "–")
    assert agreement_table(study).rows == (("Finding", "100", "0.810 (0.700 to 0.920)", "yes"),)
    assert funnel_table(study).rows[2] == ("All", "200", "100", "50", "24", "12", "6", "2")
    assert score_table(study).rows[0] == ("Intercept", "0.37000", "–", "–")
    assert nomogram_table(study).rows[1] == ("Finding: Present", "2.4000", "–", "–")


def test_baseline_indents_levels(make_study: MakeStudy) -> None:
    rows = baseline_table(open_study(make_study())).rows
    assert rows[1] == ("Reference standard, n (%)", "", "", "")
    assert rows[2] == ("\u2003event-labelled", "85 (36.3%)", "61 (37.2%)", "24 (34.3%)")
    assert rows[-1][0] == "Age (years), mean ± SD"


def test_baseline_p_values_say_what_compares_what(make_study: MakeStudy) -> None:
    study = open_study(make_study())
    frame = study.table("baseline")
    frame.loc[frame["variable"].str.startswith("Age"), ["test", "p_value"]] = ["t test", 0.0004]
    write_table("baseline", frame, study.root / "results" / "tables" / "baseline.csv")
    table = baseline_table(study)
    assert [column.key for column in table.columns] == ["variable", "all", "training", "testing", "p_value"]
    assert table.rows[-1][-1] == "<0.001"
    assert table.rows[0][-1] == ""
    assert "p: training against internal test set by t test." in table.notes


def test_dois_are_well_formed_and_each_belongs_to_one_entry() -> None:
    text = (REPORT / "references.bib").read_text(encoding="utf-8")
    entries = re.findall(r"^@\w+\{([^,]+),(.*?)^\}", text, re.DOTALL | re.MULTILINE)
    assert len(entries) > 10
    assert len({key for key, _ in entries}) == len(entries)
    dois = {key: re.findall(r"^\s*doi = \{([^}]*)\}", body, re.MULTILINE) for key, body in entries}
    for key, found in dois.items():
        assert len(found) == 1, key
        # As registered: no address before it, no full stop after it, none of the letters that TeX would read.
        assert re.fullmatch(r"10\.\d{4,9}/[-._;()/:A-Za-z0-9]*[A-Za-z0-9)]", found[0]), (key, found[0])
    assert len({found[0].lower() for found in dois.values()}) == len(entries)


def test_no_entry_of_the_bibliography_is_cited_without_a_doi() -> None:
    entries = re.findall(
        r"@\w+\{(\w+),(.*?)\n\}", (REPORT / "references.bib").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    assert len(entries) >= 10
    for key, body in entries:
        assert re.search(r"doi = \{10\.\d{4,9}/\S+\}", body), key


def test_reporting_computes_no_statistic() -> None:
    files = list((ROOT / "vcfstats" / "reporting").rglob("*.py"))
    assert len(files) > 15
    for file in files:
        assert not re.search(
            r"vcfstats\.statistics|from vcfstats import|import (scipy|statsmodels|sklearn)",
            file.read_text(encoding="utf-8"),
        ), file


def test_sample_size_missing_values_and_the_equations(whole_study: Path, empty_study: Path) -> None:
    study = open_study(whole_study)
    assert sample_size_table(study).rows[0] == ("Radiomics", "107", "0.57", "164", "61", "9,000", "3,348")
    assert sample_size_table(study).rows[1][1:3] == ("–", "–")
    assert missing_table(study).rows[0] == ("Finding", "2/164 (1.2%)", "0/70 (0.0%)")
    assert missing_table(study).groups[-1] == "Predictions (indeterminate)"
    assert "0.57 events for each of 107 candidate parameters, 164 cases at hand of 9,000 asked for." in str(
        findings.sample_size(study)
    )
    assert str(findings.missing(study)) == "Values are missing, 2 in all. Headline models gave no prediction 2 times."
    assert "Its median was 15.6 (95% CI 13.4 to 23.7) months." in str(findings.followup(study))
    assert "2 of 4 subgroups held fewer and have none" in str(findings.subgroups(study, "dlrn")) or "2 of 6" in str(
        findings.subgroups(study, "dlrn")
    )
    assert str(equations.nomogram(study)).startswith("Log odds = −3.2000 [0.5000] + 2.4000 × Finding: Present, where")
    assert "0.370 plus the sum, over its 9 features" in str(equations.score(study, "fused"))
    assert score_table(study).rows[1][2:] == ("1.5", "0.25")
    empty = open_study(empty_study)
    for text in (
        findings.sample_size(empty),
        findings.missing(empty),
        findings.subgroups(empty, ""),
        equations.nomogram(empty),
        equations.score(empty, "radiomics"),
    ):
        assert len(str(text)) > 20
    for table in (sample_size_table(empty), missing_table(empty), published_table(empty)):
        assert isinstance(table, Absent)
        assert str(table).endswith(".")


def test_published_values_stand_beside_the_rebuilt_ones(
    make_study: MakeStudy, whole_study: Path, tmp_path: Path
) -> None:
    root = tmp_path / "study"
    shutil.copytree(whole_study, root)
    file = root / "report" / "study" / "published.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        "group,item,key,value,low,high\nAUC,DLRN,testing/dlrn/auc,0.871,0.786,0.957\nTest,DLRN,testing/dlrn/hosmer_lemeshow,0.208,,\n"
        "Other,Absent,testing/absent/auc,0.5,,\nOther,Age,regression/Age (per year),1.01,,\n",
        encoding="utf-8",
    )
    table = published_table(open_study(root))
    assert table.rows[0] == ("DLRN", "0.871 (0.786 to 0.957)", "0.860 (0.810 to 0.910)")
    assert table.rows[1][1:] == ("0.208", "0.310")
    assert [row[2] for row in table.rows[2:]] == ["–", "–"]
    # The caption says so as well, of simulated patients beside published values and of nothing else.
    study = open_study(root)
    assert "by construction" in str(by_construction(study))
    real = Study(root, study.info.model_copy(update={"simulated": False}), study.records)
    assert not by_construction(real)
    assert not by_construction(open_study(whole_study))
    assert any("no replication" in note for note in table.notes)
    file.write_text("item,key\n", encoding="utf-8")
    with pytest.raises(InputError, match="columns item, key"):
        published_table(open_study(root))


def test_the_embedded_study_s_published_values_name_records_that_exist() -> None:
    import csv

    with (REPORT / "study" / "published.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) > 25
    records = open_study(ROOT).records
    assert [row["key"] for row in rows if not row["key"].startswith("regression/") and row["key"] not in records] == []
