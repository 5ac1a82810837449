"""Cases in parallel: order kept, problems of all cases collected, a killed worker explained."""

import os
import signal
import time
from pathlib import Path

import pytest
import SimpleITK as sitk

from vcfstats.contracts.case import Case
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.imaging.running import run_cases

CASES = [Case(f"P{n}", f"P{n}", Path(f"{n}.nii"), Path(f"{n}_mask.nii")) for n in range(7)]


def _slow_first(case):
    time.sleep(0.3 if case.case_id == "P0" else 0)
    return case.case_id, sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()


def _refuse_odd(case):
    number = int(case.case_id[1:])
    if number % 2:
        raise InputError([Problem(f"fault {k}", "none", "mend", patient=case.case_id) for k in range(2)])
    return number


def _break(case):
    if case.case_id == "P3":
        raise RuntimeError("inside ITK")


def _die(case):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_cases_one_thread_each(workers):
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    assert run_cases(_slow_first, CASES, workers=workers, label="x") == [(case.case_id, 1) for case in CASES]
    assert sitk.ProcessObject.GetGlobalDefaultNumberOfThreads() == threads


@pytest.mark.parametrize("workers", [1, 2])
def test_problems_of_all_cases_are_raised_together(workers, capsys):
    with pytest.raises(InputError) as error:
        run_cases(_refuse_odd, CASES, workers=workers, label="radiomics")
    assert [(problem.patient, problem.found) for problem in error.value.problems] == [
        (f"P{n}", f"fault {k}") for n in (1, 3, 5) for k in range(2)
    ]
    assert "radiomics 7/7 patients in" in capsys.readouterr().err


@pytest.mark.parametrize("workers", [1, 2])
def test_other_errors_name_the_patient(workers):
    with pytest.raises(RuntimeError, match="inside ITK") as error:
        run_cases(_break, CASES, workers=workers, label="x")
    assert "while working on patient P3 (3.nii)" in "".join(error.value.__notes__)


def test_a_killed_worker_is_explained():
    with pytest.raises(RuntimeError, match="a worker process was killed"):
        run_cases(_die, CASES[:2], workers=2, label="x")


def test_workers_below_one():
    with pytest.raises(ValueError, match="at least 1, got 0"):
        run_cases(_break, CASES, workers=0, label="x")


def test_no_cases():
    assert run_cases(_break, [], workers=2, label="x") == []
