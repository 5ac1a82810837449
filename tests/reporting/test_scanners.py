"""The scanners' section: what it says, tabulates and draws, and what it says where nothing was measured."""

import pandas as pd
import pytest

from vcfstats.contracts.study import write_table
from vcfstats.reporting import drawings, findings, open_study
from vcfstats.reporting.contents import scanner_table
from vcfstats.reporting.figures import save_figure

EFFECT = [("radiomics", "before", 1834, 900, 300, 0.04, 0.2), ("radiomics", "apparent", 1834, 0, 2, 0.001, 0.01)]
EFFECT += [("radiomics", "out_of_fold", 1834, 3, 5, 0.002, 0.02)]


@pytest.fixture
def scanned(whole_study, tmp_path):
    import shutil

    root = tmp_path / "study"
    shutil.copytree(whole_study, root)
    tables = root / "results" / "tables"
    names = ("matrix", "state", "n_features", "location", "spread", "median_share", "upper_share")
    write_table("scanner_effect", pd.DataFrame(EFFECT, columns=list(names)), tables / "scanner_effect.csv")
    write_table("scanners", [{"scanner": "A", "n": 80}, {"scanner": "B", "n": 84}], tables / "scanners.csv")
    shares = [
        {"matrix": "radiomics", "state": state, "proportion": i / 10, "share": (i / 10) ** power / 2}
        for state, power in (("before", 1), ("apparent", 9), ("out_of_fold", 5))
        for i in range(11)
    ]
    write_table("scanner_shares", shares, tables / "scanner_shares.csv")
    return open_study(root)


def test_sentence_and_table(scanned):
    said = str(findings.scanners(scanned))
    assert "examined on these scanners: A (80), B (84)." in said
    assert "Of 1,834 radiomic features, the location of 900 differed between scanners; of 3 after ComBat" in said
    table = scanner_table(scanned)
    assert table.rows[0] == ("As they are", "900 (49.1%)", "300 (16.4%)", "4.0%", "20.0%")
    assert set(table.groups) == {"Radiomic features (1,834)"}


def test_figure_has_a_line_for_each_state(scanned, tmp_path):
    figure = drawings.scanners(scanned)
    assert figure.data.groupby("state", observed=True)["share"].max().tolist() == [50.0, 50.0, 50.0]
    save_figure(figure, tmp_path / "a.svg")
    save_figure(drawings.scanners(scanned), tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_study_whose_scanners_are_not_known_says_so(empty_study):
    study = open_study(empty_study)
    assert "was not measured" in str(findings.scanners(study))
    assert "not measured" in str(scanner_table(study))
    assert "not measured" in str(drawings.scanners(study))
