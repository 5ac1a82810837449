"""Cases on a Dask cluster: the results of one machine, whatever happens to a worker, and clear words where it cannot work."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from distributed import LocalCluster

from vcfstats.contracts.case import Case
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.imaging import PerturbationSettings, batch, cluster, perturb_cases, slice_cases
from vcfstats.imaging.running import run_cases
from vcfstats.imaging.settings import N4Settings, PreprocessSettings, RadiomicsSettings
from vcfstats.imaging.slices import SliceSettings

PREPROCESS = PreprocessSettings(n4=N4Settings(iterations=(4,)))
RADIOMICS = RadiomicsSettings(image_types=("original", "wavelet"), feature_classes=("shape", "firstorder", "glcm"))
CASES = [Case(f"P{n}", f"P{n}", Path(f"/nowhere/{n}.nii"), Path(f"/nowhere/{n}_mask.nii")) for n in range(9)]


@pytest.fixture(scope="module")
def local():
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as started:
        yield started.scheduler_address


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _square_or_refuse(case):
    number = int(case.case_id[1:])
    if number % 4 == 3:
        raise InputError([Problem("a fault", "none", "mend", patient=case.case_id)])
    return number**2


def _break(case):
    raise RuntimeError("inside ITK")


def _die(case):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_local_cluster_gives_the_bytes_of_one_process(cohort, tmp_path, local):
    cases = cohort(4)
    results = []
    for name, scheduler in (("serial", None), ("dask", local)):
        out, cache = tmp_path / name, tmp_path / f"cache_{name}"
        done = batch.preprocess_cases(cases, PREPROCESS, out=out, cache=cache, scheduler=scheduler)
        features, description = batch.extract_cases(done, RADIOMICS, cache=cache, scheduler=scheduler)
        stack, cut = slice_cases(done, SliceSettings(size=32), cache=cache, scheduler=scheduler)
        copies, _ = perturb_cases(
            done,
            PerturbationSettings(number=1),
            lambda case: np.random.SeedSequence([3, *case.encode()]),
            image_interpolator="linear",
            mask_interpolator="nearest",
            out=tmp_path / f"{name}_changed",
            cache=cache,
            scheduler=scheduler,
        )
        assert [case.case_id for case in copies[0]] == [case.case_id for case in cases]
        changed = _bytes(tmp_path / f"{name}_changed" / "0")
        results.append((_bytes(out), features, description, stack.images.tobytes(), cut, changed))
    assert len(results[0][0]) == 12  # image, mask and what the correction did
    assert len(results[0][5]) == 8
    assert results[0][3:] == results[1][3:]
    assert results[0][0] == results[1][0]
    pd.testing.assert_frame_equal(results[0][1], results[1][1], check_exact=True)
    assert results[0][2] == results[1][2]
    assert not list((tmp_path / "cache_dask").glob(".cluster-*"))


def test_order_and_problems_as_on_one_machine(tmp_path, local, capsys):
    good = [case for n, case in enumerate(CASES) if n % 4 != 3]
    assert run_cases(_square_or_refuse, good, workers=1, label="x", scheduler=local, shared=tmp_path) == [
        n**2 for n in range(9) if n % 4 != 3
    ]
    with pytest.raises(InputError) as error:
        run_cases(_square_or_refuse, CASES, workers=1, label="x", scheduler=local, shared=tmp_path)
    assert [problem.patient for problem in error.value.problems] == ["P3", "P7"]
    assert "x 9/9 patients in" in capsys.readouterr().err


def test_other_errors_name_the_patient(tmp_path, local):
    with pytest.raises(RuntimeError, match="inside ITK") as error:
        run_cases(_break, CASES[:1], workers=1, label="x", scheduler=local, shared=tmp_path)
    assert "while working on patient P0 (/nowhere/0.nii)" in "".join(error.value.__notes__)


def test_a_case_that_kills_every_worker_is_explained(tmp_path):
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as started,
        pytest.raises(RuntimeError, match="one case ended several workers"),
    ):
        run_cases(_die, CASES[:1], workers=1, label="x", scheduler=started.scheduler_address, shared=tmp_path)


def test_a_worker_with_several_threads_is_refused(tmp_path):
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as started,
        pytest.raises(InputError, match=r"2 threads; allowed: one thread a worker"),
    ):
        run_cases(_square_or_refuse, CASES, workers=1, label="x", scheduler=started.scheduler_address, shared=tmp_path)


def test_a_worker_with_other_code_is_refused(tmp_path, local, monkeypatch):
    monkeypatch.setattr(cluster, "_code", lambda: "another")
    with pytest.raises(InputError, match="another version of this package's code"):
        run_cases(_square_or_refuse, CASES, workers=1, label="x", scheduler=local, shared=tmp_path)


def test_a_worker_without_the_folder_is_refused(tmp_path, local, monkeypatch):
    written = cluster.write_text
    monkeypatch.setattr(cluster, "write_text", lambda path, text: written(path, "other words"))
    with pytest.raises(InputError, match="does not see the folder"):
        run_cases(_square_or_refuse, CASES, workers=1, label="x", scheduler=local, shared=tmp_path)


def test_no_scheduler_and_no_worker(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_PATIENCE_S", 1)
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127.0.0.1:1"):
        run_cases(_break, CASES, workers=1, label="x", scheduler="tcp://127.0.0.1:1", shared=tmp_path)
    with (
        LocalCluster(n_workers=0, dashboard_address=None, processes=False) as started,
        pytest.raises(InputError, match="has no worker"),
    ):
        run_cases(_break, CASES, workers=1, label="x", scheduler=started.scheduler_address, shared=tmp_path)


def test_a_scheduler_without_a_shared_folder():
    with pytest.raises(ValueError, match="needs `shared`"):
        run_cases(_break, CASES, workers=1, label="x", scheduler="tcp://127.0.0.1:1")


def _start(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]])


def test_a_worker_killed_in_the_middle_changes_nothing(cohort, tmp_path):
    """Scheduler and two workers are separate processes; one worker stands still with a case, and is killed once another is done."""
    cases = cohort(6)
    expected, _ = batch.extract_cases(cases, RADIOMICS, cache=tmp_path / "serial")
    address_file = tmp_path / "scheduler.json"
    shared = ["--scheduler-file", str(address_file)]
    running = [_start("dask_scheduler", *shared, "--no-dashboard", "--port", "0")]
    try:
        one = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path / "dask")]
        running += [_start("dask_worker", *shared, *one) for _ in range(2)]
        cache = tmp_path / "cluster"
        script = (
            "import sys; from pathlib import Path; from vcfstats.contracts.case import Case\n"
            "from vcfstats.imaging.batch import extract_cases\n"
            "from vcfstats.imaging.settings import RadiomicsSettings\n"
            "folder = Path(sys.argv[1])\n"
            "cases = [Case(f'P{n}', f'P{n}', folder / f'P{n}.nii.gz', folder / f'P{n}_mask.nii.gz') for n in range(6)]\n"
            "settings = RadiomicsSettings(image_types=('original', 'wavelet'), feature_classes=('shape', 'firstorder', 'glcm'))\n"
            "frame, _ = extract_cases(cases, settings, cache=Path(sys.argv[2]), scheduler=sys.argv[3])\n"
            "frame.to_parquet(sys.argv[4])\n"
        )
        deadline = time.monotonic() + 60
        while not address_file.exists():
            assert time.monotonic() < deadline, "the scheduler did not start"
            time.sleep(0.05)
        address = json.loads(address_file.read_text(encoding="utf-8"))["address"]
        driver = subprocess.Popen(
            [sys.executable, "-c", script, cases[0].image.parent, cache, address, tmp_path / "features.parquet"]
        )
        running.append(driver)
        while not list(cache.glob(".cluster-*")):  # what workers read lies there before the first case is given out
            assert driver.poll() is None, "finished before a worker could be stopped"
            assert time.monotonic() < deadline, "no case was given out"
            time.sleep(0.01)
        os.kill(running[1].pid, signal.SIGSTOP)
        while not list(cache.rglob("features.json")):
            assert driver.poll() is None, "finished before a worker could be killed"
            assert time.monotonic() < deadline, "no case was finished"
            time.sleep(0.01)
        os.kill(running[1].pid, signal.SIGKILL)
        assert driver.wait(timeout=60) == 0
        assert running[1].wait(timeout=10) == -signal.SIGKILL
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "features.parquet"), expected, check_exact=True)
    finally:
        for process in reversed(running):
            process.kill()  # a worker asked to end says good-bye to a scheduler that may be gone
        for process in running:
            process.wait(timeout=20)
