"""`vcfstats check`: every planted fault in one run, in words; BIDS folders."""

import io
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest
import SimpleITK as sitk
from rich.console import Console
from ruamel.yaml import YAML

from tests.imaging.conftest import make_image, make_mask
from vcfstats.contracts.errors import InputError
from vcfstats.learning.settings import SplitSettings
from vcfstats.pipeline.check import check_folder, merged, narrow_table, report, wide_table
from vcfstats.pipeline.cohort_table import read_cohort_table
from vcfstats.pipeline.new import new_study
from vcfstats.pipeline.params import CohortSection

COUNT = 18


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A sound folder of eighteen simulated cases with repeated regions."""
    folder = tmp_path_factory.mktemp("check") / "cohort"
    folder.mkdir()
    rows = []
    for number in range(COUNT):
        image = make_image(number)
        mask = make_mask(image)
        name = f"P{number:02d}"
        sitk.WriteImage(image, str(folder / f"{name}.nii.gz"))
        sitk.WriteImage(mask, str(folder / f"{name}_mask.nii.gz"))
        sitk.WriteImage(sitk.BinaryErode(mask, (1, 0, 0)), str(folder / f"{name}_again.nii.gz"))
        rows.append([name, f"{name}.nii.gz", f"{name}_mask.nii.gz", f"{name}_again.nii.gz"])
    frame = pd.DataFrame(rows, columns=["patient_id", "image", "mask", "mask_intra"])
    frame.to_csv(folder / "cohort.csv", index=False)
    return folder


@pytest.fixture
def folder(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "cohort")


def _change(folder, name, change):
    path = str(folder / name)
    sitk.WriteImage(change(sitk.ReadImage(path)), path)


def _plant(folder):
    """Plant one fault in each case; return case -> (severity, words)."""
    table = pd.read_csv(folder / "cohort.csv").set_index("patient_id")

    def moved(mask):
        mask.SetOrigin([value + 2 for value in mask.GetOrigin()])
        return mask

    def two_labels(mask):
        mask[0, 0, 0] = 9
        return mask

    def nan(image):
        image = sitk.Cast(image, sitk.sitkFloat32)
        image[2, 2, 2] = float("nan")
        return image

    def at_the_border(mask):
        mask[0, 10, 5] = 1
        return mask

    def two_slices(mask):
        array = sitk.GetArrayFromImage(mask)
        array[:5], array[7:] = 0, 0
        thin = sitk.GetImageFromArray(array)
        thin.CopyInformation(mask)
        return thin

    (folder / "P00.nii.gz").unlink()
    cut = folder / "P01.nii.gz"
    cut.write_bytes(cut.read_bytes()[:900])
    _change(folder, "P02_mask.nii.gz", moved)
    _change(folder, "P03_mask.nii.gz", lambda mask: mask * 0)
    _change(folder, "P04_mask.nii.gz", two_labels)
    _change(folder, "P05_mask.nii.gz", at_the_border)
    _change(folder, "P06_mask.nii.gz", two_slices)
    _change(folder, "P07.nii.gz", lambda image: image * 0 + 5)
    _change(folder, "P08.nii.gz", nan)
    # The same voxels in another format, as an export under a second name would leave them.
    sitk.WriteImage(sitk.Cast(sitk.ReadImage(str(folder / "P09.nii.gz")), sitk.sitkFloat64), str(folder / "P10.mha"))
    table.loc["P10", "image"] = "P10.mha"
    shutil.copy(folder / "P11_mask.nii.gz", folder / "P11_again.nii.gz")
    shutil.move(folder / "P12.nii.gz", folder.parent / "elsewhere.nii.gz")
    table.loc["P12", "image"] = "../elsewhere.nii.gz"
    (folder / "P13.nii.gz").unlink()
    (folder / "P13.nii.gz").symlink_to(folder.parent / "elsewhere.nii.gz")
    (folder / "P14_mask.nii.gz").write_bytes(b"rubbish")
    table = table.reset_index()
    table.loc[table["patient_id"] == "P15", "patient_id"] = "P16"
    table.loc[table["patient_id"] == "P17", "patient_id"] = "../P17"
    table.to_csv(folder / "cohort.csv", index=False)
    return {
        "P00": ("error", "no such file"),
        "P01": ("error", "ends too early"),
        "P02": ("error", "another grid than its image: origin (14, -29, 56) against (12, -31, 54) mm"),
        "P03": ("error", "an empty mask"),
        "P04": ("error", "the labels 1, 9"),
        "P05": ("warning", "touches the border of its image (first column)"),
        "P06": ("error", "a region in 2 slices"),
        "P07": ("error", "the same value, 5, in every voxel"),
        "P08": ("error", "1 voxel that is not finite"),
        "P09": ("error", "the same image under 2 ids: P09, P10"),
        "P11": ("error", "the region of mask_intra is the first reading's"),
        "P12": ("error", "the image path '../elsewhere.nii.gz'"),
        "P13": ("error", "a link that leads out of the cohort's folder"),
        "P14": ("error", "not compressed by gzip as its name says"),
        "P16": ("error", "the same id again, in lines 17, 18"),
        "../P17": ("error", "the id '../P17'"),
    }


def test_a_sound_folder_has_no_problem(sound):
    assert check_folder(sound, workers=2) == []


def test_all_planted_faults_in_one_run(folder):
    planted = _plant(folder)
    found = report(check_folder(folder, workers=2), folder)
    for patient, (severity, words) in planted.items():
        own = found[found["patient"] == patient]
        hits = own[own["found"].map(lambda text, words=words: any(word in text for word in words.split("|")))]
        assert len(hits) == 1, (patient, words, own["found"].tolist())
        assert hits["severity"].item() == severity
        assert (own["allowed"].str.len() > 0).all()
        assert (own["mend"].str.len() > 0).all()
    assert set(found["patient"]) == set(planted)
    assert not found["file"].str.startswith("/").any()


def test_a_terminal_of_any_width_shows_every_word(folder):
    _plant(folder)
    found = report(check_folder(folder), folder)
    # A name as long as those of BIDS.
    found.loc[0, "file"] = "derivatives/readers/sub-0123456789/ses-baseline/anat/sub-0123456789_ses-1_T2w_mask.nii.gz"
    for width, table in (
        (60, narrow_table),
        (80, narrow_table),
        (120, narrow_table),
        (140, wide_table),
        (200, wide_table),
    ):
        console = Console(width=width, record=True, file=io.StringIO())
        console.print(table(found))
        said = console.export_text()
        assert max(map(len, said.splitlines())) <= width
        assert "\N{HORIZONTAL ELLIPSIS}" not in said
        words = "".join(said.split())
        for row in found.itertuples(index=False):
            assert {row.severity, row.patient} <= set(re.split(r"[\s│,]+", said))
            if table is narrow_table:
                for cell in row:
                    assert "".join(cell.split()) in words


def test_warnings_that_many_patients_have_alike_are_one_row():
    def row(severity, patient, found):
        return {
            "severity": severity,
            "patient": patient,
            "file": f"masks/{patient}.nii",
            "found": found,
            "allowed": "none",
            "mend": "look",
        }

    edge = [row("warning", f"P{i}", "at the edge") for i in range(5)]
    frame = pd.DataFrame([
        edge[0], row("warning", "P1", "small"), *edge[1:], row("warning", "P2", "small"), row("warning", "P3", "small"),
        *(row("error", f"P{i}", "empty") for i in range(6)),
    ])  # fmt: skip
    shown = merged(frame)
    assert (
        shown["severity"].tolist() == ["warning"] * 4 + ["error"] * 6
    )  # three are few, and an error is mended one by one
    assert shown.iloc[0][["patient", "file", "found"]].tolist() == ["P0, P1 and 3 more", "masks/P0.nii and 4 more", "at the edge"]  # fmt: skip
    pd.testing.assert_frame_equal(shown.iloc[1:], frame[(frame["found"] != "at the edge")])
    assert merged(frame.iloc[:0]).empty


def test_the_command_writes_the_table_and_says_so_by_its_exit_code(folder, tmp_path):
    command = [sys.executable, "-m", "vcfstats.cli", "check", str(folder), "--csv", str(tmp_path / "problems.csv")]
    clean = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert (clean.returncode, clean.stdout) == (0, "check: no problem found\n")
    border = sitk.ReadImage(str(folder / "P05_mask.nii.gz"))
    border[0, 10, 5] = 1
    sitk.WriteImage(border, str(folder / "P05_mask.nii.gz"))
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    (folder / "P00.nii.gz").unlink()
    faulty = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert faulty.returncode == 2
    assert "check: 1 error, 1 warning" in faulty.stdout
    assert "Traceback" not in faulty.stderr
    assert pd.read_csv(tmp_path / "problems.csv")["patient"].tolist() == ["P00", "P05"]


def test_no_table(tmp_path):
    with pytest.raises(InputError, match=r"no cohort table; allowed: one of cohort.csv, participants.tsv"):
        check_folder(tmp_path)


def test_a_bids_folder(tmp_path):
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nsub-01\t60\nsub-02\tn/a\nsub-03\t50\n")
    for number in (1, 2):
        image = make_image(number)
        for part, volume in (("", image), ("derivatives/readers/", make_mask(image))):
            anat = tmp_path / f"{part}sub-0{number}" / "anat"
            anat.mkdir(parents=True)
            name = f"sub-0{number}_T2w{'_mask' if part else ''}.nii.gz"
            sitk.WriteImage(volume, str(anat / name))
    problems = check_folder(tmp_path)
    assert [(p.patient, p.found) for p in problems] == [
        ("sub-03", "no file for sub-03/**/anat/*_T2w.nii.gz"),
        ("sub-03", "no file for derivatives/**/sub-03/**/anat/*_mask.nii.gz"),
    ]
    shutil.copy(tmp_path / "sub-01/anat/sub-01_T2w.nii.gz", tmp_path / "sub-01/anat/sub-01_run-2_T2w.nii.gz")
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nsub-01\t60\nsub-02\tn/a\n")
    (problem,) = check_folder(tmp_path)
    assert "2 files sub-01/anat/sub-01_T2w.nii.gz, sub-01/anat/sub-01_run-2_T2w.nii.gz" in problem.found
    assert "cohort.bids.image" in problem.mend


def test_a_study_of_a_bids_folder_reads_its_files(tmp_path):
    """Sessions and several derivatives: the patterns that a new study starts with find the files."""
    bids = tmp_path / "bids"
    for number in (1, 2, 3, 4):
        image = make_image(number)
        for part, volume in (("", image), ("derivatives/v1/readers/", make_mask(image))):
            anat = bids / f"{part}sub-{number}" / "ses-1" / "anat"
            anat.mkdir(parents=True)
            name = f"sub-{number}_ses-1_T2w{'_mask' if part else ''}.nii.gz"
            sitk.WriteImage(volume, str(anat / name))
    rows = "".join(f"sub-{n}\t{'yes' if n % 2 else 'no'}\n" for n in (1, 2, 3, 4))
    (bids / "participants.tsv").write_text("participant_id\tdead\n" + rows)
    assert check_folder(bids) == []
    new_study(tmp_path / "study", bids)
    text = (tmp_path / "study" / "params.yaml").read_text(encoding="utf-8")
    text = text.replace("column: FILL IN", "column: dead").replace("event: FILL IN #", "event: 'yes' #")
    body = YAML(typ="safe").load(text)
    settings = CohortSection.model_validate(body["cohort"])
    cohort = read_cohort_table(bids, settings, SplitSettings(method="random"))
    assert cohort["outcome"].tolist() == [1, 0, 1, 0]
    assert cohort.loc["sub-2", "mask"] == "derivatives/v1/readers/sub-2/ses-1/anat/sub-2_ses-1_T2w_mask.nii.gz"


def test_an_image_is_looked_at_though_its_row_names_no_mask(folder):
    table = pd.read_csv(folder / "cohort.csv")
    table.loc[3, "mask"] = None
    table.to_csv(folder / "cohort.csv", index=False)
    _change(folder, "P03.nii.gz", lambda image: image * 0)
    frame = report(check_folder(folder), folder)
    assert set(frame["patient"]) == {"P03"}
    assert any("the same value, 0, in every voxel" in found for found in frame["found"])
    assert len(frame) == 2, frame.to_string()
