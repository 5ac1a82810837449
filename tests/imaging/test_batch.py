"""Whole cohorts: the same bytes for any number of workers, and nothing done twice, however the first run ended."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from vcfstats.contracts.errors import InputError
from vcfstats.imaging import batch
from vcfstats.imaging.radiomics import extract, feature_names
from vcfstats.imaging.settings import N4Settings, PreprocessSettings, RadiomicsSettings

PREPROCESS = PreprocessSettings(n4=N4Settings(iterations=(4,)))
RADIOMICS = RadiomicsSettings(feature_classes=("shape", "firstorder", "glcm"))


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _count(monkeypatch, name):
    """Count how often the batch really works on a case."""
    calls = []
    original = getattr(batch, name)

    def counted(*arguments):
        calls.append(1)
        return original(*arguments)

    monkeypatch.setattr(batch, name, counted)
    return calls


def test_any_number_of_workers_writes_the_same_bytes(cohort, tmp_path):
    cases = cohort(4)
    results = []
    for workers in (1, 2):
        out, cache = tmp_path / f"out{workers}", tmp_path / f"cache{workers}"
        done = batch.preprocess_cases(cases, PREPROCESS, out=out, cache=cache, workers=workers)
        assert [case.case_id for case in done] == [case.case_id for case in cases]
        features, description = batch.extract_cases(done, RADIOMICS, cache=cache, workers=workers)
        results.append((_bytes(out), features, description))
    assert len(results[0][0]) == 12
    assert results[0][0] == results[1][0]
    pd.testing.assert_frame_equal(results[0][1], results[1][1], check_exact=True)
    assert results[0][2] == results[1][2]


def test_features_are_those_of_extract(cohort, tmp_path):
    done = batch.preprocess_cases(cohort(2), PREPROCESS, out=tmp_path / "out", cache=tmp_path / "cache")
    features, description = batch.extract_cases(done, RADIOMICS, cache=tmp_path / "cache")
    assert features.index.name == "case_id"
    assert list(features.columns) == feature_names(RADIOMICS)
    assert set(features.dtypes) == {np.dtype("float64")}
    for case in done:
        expected = extract(sitk.ReadImage(str(case.image)), sitk.ReadImage(str(case.mask)), RADIOMICS)
        assert features.loc[case.case_id].to_dict() == expected
    assert set(description.inputs) == {"P0", "P1"}
    assert description.settings == RADIOMICS.model_dump(mode="json")
    assert description.versions["pyradiomics-bhklab"] == "3.1.4"


def test_a_second_run_does_nothing_and_a_new_patient_costs_one(cohort, tmp_path, monkeypatch):
    cases = cohort(3)
    work, out, cache = _count(monkeypatch, "preprocess"), tmp_path / "out", tmp_path / "cache"
    batch.preprocess_cases(cases[:2], PREPROCESS, out=out, cache=cache)
    first = _bytes(out)
    assert len(work) == 2
    for path in out.iterdir():
        path.unlink()  # as DVC does before it runs a stage
    batch.preprocess_cases(cases, PREPROCESS, out=out, cache=cache)
    assert len(work) == 3
    assert {name: content for name, content in _bytes(out).items() if not name.startswith("P2")} == first
    batch.preprocess_cases(cases, PREPROCESS.model_copy(update={"spacing_mm": (2.0, 2.0, 2.0)}), out=out, cache=cache)
    assert len(work) == 6


def test_files_of_patients_who_left_are_removed(cohort, tmp_path):
    cases = cohort(2)
    batch.preprocess_cases(cases, PREPROCESS, out=tmp_path / "out", cache=tmp_path / "cache")
    batch.preprocess_cases(cases[1:], PREPROCESS, out=tmp_path / "out", cache=tmp_path / "cache")
    assert sorted(_bytes(tmp_path / "out")) == ["P1_correction.json", "P1_image.nii.gz", "P1_mask.nii.gz"]


def test_a_changed_mask_is_another_entry(cohort, tmp_path, monkeypatch):
    (case,) = cohort(1)
    settings = RadiomicsSettings(feature_classes=("shape",))
    work = _count(monkeypatch, "extract")
    before, _ = batch.extract_cases([case], settings, cache=tmp_path / "cache")
    mask = sitk.ReadImage(str(case.mask))
    sitk.WriteImage(sitk.BinaryErode(mask, (1, 1, 0)), str(case.mask))
    after, _ = batch.extract_cases([case], settings, cache=tmp_path / "cache")
    assert len(work) == 2
    assert after.loc["P0", "original_shape_VoxelVolume"] < before.loc["P0", "original_shape_VoxelVolume"]


def test_a_damaged_cache_entry_is_computed_again(cohort, tmp_path, capsys, monkeypatch):
    cases = cohort(2)
    cache = tmp_path / "cache"
    first, _ = batch.extract_cases(cases, RADIOMICS, cache=cache)
    victim = sorted(cache.rglob("features.json"))[0]
    victim.write_text(victim.read_text(encoding="utf-8").replace("1", "2"), encoding="utf-8")
    work = _count(monkeypatch, "extract")
    second, _ = batch.extract_cases(cases, RADIOMICS, cache=cache)
    assert len(work) == 1
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert "is damaged" in capsys.readouterr().err


def test_extraction_loads_no_library_that_it_does_not_need():
    # A process on few cases lives shorter than the import of all of these.
    code = "import sys, vcfstats.imaging.batch; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert {"SimpleITK", "radiomics"} <= loaded
    assert not loaded & {"pandera", "pydicom", "joblib", "distributed", "trimesh", "scipy.stats", "sklearn", "torch"}


_RUN = """
import sys
from pathlib import Path
from vcfstats.contracts.case import Case
from vcfstats.imaging.batch import extract_cases
from vcfstats.imaging.settings import RadiomicsSettings

folder, cache, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
cases = [Case(f"P{n}", f"P{n}", folder / f"P{n}.nii.gz", folder / f"P{n}_mask.nii.gz") for n in range(count)]
extract_cases(cases, RadiomicsSettings(image_types=("original", "wavelet")), cache=cache, workers=int(sys.argv[4]))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_redoes_no_finished_patient(cohort, tmp_path, monkeypatch, workers):
    count = 10 * workers  # enough that some are left, however late this process notices the second one
    cases, cache = cohort(count), tmp_path / "cache"
    command = [sys.executable, "-c", _RUN, str(cases[0].image.parent), str(cache), str(count), str(workers)]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list(cache.rglob("manifest.json"))) < 2:
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)  # the run and its workers, as when the power goes
    process.wait()
    finished = [path for path in cache.rglob("manifest.json") if ".writing-" not in str(path)]
    assert 1 <= len(finished) < count
    stamps = {path: path.stat().st_mtime_ns for path in finished}

    work = _count(monkeypatch, "extract")
    settings = RadiomicsSettings(image_types=("original", "wavelet"))
    features, _ = batch.extract_cases(cases, settings, cache=cache)
    assert len(work) == count - len(finished)
    assert {path: path.stat().st_mtime_ns for path in finished} == stamps
    fresh, _ = batch.extract_cases(cases[:3], settings, cache=tmp_path / "other")
    pd.testing.assert_frame_equal(features.iloc[:3], fresh, check_exact=True)


def test_every_unusable_case_is_named_and_the_others_are_kept(cohort, tmp_path, monkeypatch):
    cases = cohort(4)
    cases[1].image.unlink()
    cases[2].image.write_bytes(b"rubbish")
    with pytest.raises(InputError) as error:
        batch.preprocess_cases(cases, PREPROCESS, out=tmp_path / "out", cache=tmp_path / "cache")
    assert [problem.patient for problem in error.value.problems] == ["P1", "P2"]
    assert {name[:2] for name in _bytes(tmp_path / "out")} == {"P0", "P3"}


def test_a_feature_that_is_not_finite_names_patient_and_feature(cohort, tmp_path, monkeypatch):
    def broken(image, mask, settings):
        raise ValueError("1 feature without a finite value: original_glcm_Idm = nan")

    monkeypatch.setattr(batch, "extract", broken)
    (case,) = cohort(1)
    with pytest.raises(InputError, match=r"patient P0, .*original_glcm_Idm = nan"):
        batch.extract_cases([case], RADIOMICS, cache=tmp_path / "cache")
