"""The simulated cohort as a folder: labelled, the same bytes for any number of workers, a subset of itself."""

import json

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from pydantic import ValidationError

from vcfstats.contracts.errors import InputError
from vcfstats.simulation.cohort import simulate_cohort
from vcfstats.simulation.findings import FINDINGS, simulate_findings
from vcfstats.simulation.settings import SimulationSettings

SEED = 20250101


def _bytes(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.fixture(scope="module")
def dozen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "cohort"
    table = simulate_cohort(
        folder, SimulationSettings(n_patients=12, n_repeat=5), np.random.SeedSequence(SEED), workers=1
    )
    return folder, table


def test_the_number_of_workers_changes_no_byte(dozen, tmp_path):
    folder, table = dozen
    seed = np.random.SeedSequence(SEED)
    other = simulate_cohort(tmp_path / "c", SimulationSettings(n_patients=12, n_repeat=5), seed, workers=2)
    pd.testing.assert_frame_equal(table, other)
    assert _bytes(folder) == _bytes(tmp_path / "c")
    assert seed.n_children_spawned == 0


def test_a_smaller_cohort_holds_the_same_patients(dozen, tmp_path):
    folder, _ = dozen
    simulate_cohort(tmp_path / "c", SimulationSettings(n_patients=8), np.random.SeedSequence(SEED))
    ours, theirs = _bytes(tmp_path / "c"), _bytes(folder)
    images = [name for name in ours if name.endswith(".nii.gz")]
    assert len(images) == 16
    for name in images:
        assert ours[name] == theirs[name]


def test_another_seed_is_another_cohort(dozen, tmp_path):
    folder, _ = dozen
    simulate_cohort(tmp_path / "c", SimulationSettings(n_patients=8), np.random.SeedSequence(SEED + 1))
    assert (tmp_path / "c" / "cohort.csv").read_text() != (folder / "cohort.csv").read_text()


def test_the_table_says_what_is_there(dozen):
    folder, table = dozen
    written = pd.read_csv(folder / "cohort.csv")
    pd.testing.assert_frame_equal(written.fillna(""), table.fillna(""), check_dtype=False)
    assert list(written.columns) == [
        "patient_id", "image", "mask", "mask_intra", "mask_inter", "partition", "diagnosis", "sex", "age", "location",
        *FINDINGS, "followup_months", "progression", "scanner", "simulated",
    ]  # fmt: skip
    assert len(written) == 12
    assert written["simulated"].all()
    assert written["mask_intra"].notna().sum() == written["mask_inter"].notna().sum() == 5
    assert written.groupby(["partition", "diagnosis"]).size().min() >= 2
    for column in ("image", "mask", "mask_intra", "mask_inter"):
        for name in written[column].dropna():
            assert (folder / name).is_file()
    everyone = simulate_findings(np.random.SeedSequence(SEED, spawn_key=(0,)))
    assert set(written["patient_id"]) < set(everyone.index)


def test_a_second_reader_adds_columns_and_changes_nothing_else(dozen, tmp_path):
    folder, table = dozen
    settings = SimulationSettings(n_patients=12, n_repeat=5, second_reader_kappa=0.8)
    with_reader = simulate_cohort(tmp_path / "c", settings, np.random.SeedSequence(SEED))
    added = [f"{finding}_reader2" for finding in FINDINGS]
    assert list(with_reader.columns) == [*table.columns[:-4], *added, *table.columns[-4:]]
    pd.testing.assert_frame_equal(with_reader.drop(columns=added), table)
    assert set(np.unique(with_reader[added])) <= {0, 1}
    ours = _bytes(tmp_path / "c")
    assert {name for name, content in _bytes(folder).items() if ours[name] != content} == {
        "cohort.csv",
        "simulation.json",
    }


def test_everything_says_that_it_is_simulated(dozen):
    folder, table = dozen
    assert "SIMULATED" in (folder / "SIMULATED.txt").read_text(encoding="utf-8")
    description = json.loads((folder / "simulation.json").read_text(encoding="utf-8"))
    assert description["simulated"] is True
    assert description["settings"]["n_patients"] == 12
    assert description["seed"] == {"entropy": SEED, "spawn_key": []}
    for path in (*folder.glob("images/*.nii.gz"), *folder.glob("masks/*.nii.gz")):
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        assert reader.GetMetaData("descrip").startswith("SIMULATED")
    for path in folder.glob("images/*.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["Simulated"] is True
    assert len(list(folder.glob("images/*.json"))) == len(table)


def test_an_earlier_simulation_is_replaced(tmp_path):
    folder = tmp_path / "c"
    simulate_cohort(folder, SimulationSettings(n_patients=10), np.random.SeedSequence(1))
    simulate_cohort(folder, SimulationSettings(n_patients=8), np.random.SeedSequence(1))
    assert len(list(folder.glob("images/*.nii.gz"))) == 8


def test_a_folder_of_somebody_elses_files_is_refused(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "cohort.csv").write_text("patient_id\n1\n", encoding="utf-8")
    with pytest.raises(InputError, match="files that no simulation wrote"):
        simulate_cohort(tmp_path / "c", SimulationSettings(n_patients=8), np.random.SeedSequence(1))
    assert (tmp_path / "c" / "cohort.csv").read_text(encoding="utf-8") == "patient_id\n1\n"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"n_patients": 4}, "greater than or equal to 8"),
        ({"n_patients": 500}, "less than or equal to 234"),
        ({"n_patients": 20, "n_repeat": 30}, "exceeds n_patients"),
        ({"patients": 20}, "Extra inputs"),
        ({"noise": -0.1}, "greater than or equal to 0"),
        ({"effects": {"texture": 1}}, "Extra inputs"),
    ],
)
def test_impossible_settings(values, said):
    with pytest.raises(ValidationError, match=said):
        SimulationSettings.model_validate(values)


def test_workers_below_one(tmp_path):
    with pytest.raises(ValueError, match="at least 1, got 0"):
        simulate_cohort(tmp_path / "c", SimulationSettings(n_patients=8), np.random.SeedSequence(1), workers=0)
