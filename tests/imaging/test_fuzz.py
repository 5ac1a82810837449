"""Headers changed in every field: what is read is what was written, and all else ends in one line that says why."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def outcomes(folder: Path, fraction: float, seed: int) -> list[list[str]]:
    """Change and read in another process, so that one that crashes or hangs names the file and fails here."""
    command = [sys.executable, "-m", "tests.imaging.fuzzing", str(folder), str(fraction), str(seed)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in (folder / "outcomes.jsonl").read_text(encoding="utf-8").splitlines()]
    assert ended.returncode == 0, f"ended with {ended.returncode} over {lines[-1]}\n{ended.stderr[-2000:]}"
    return [line for line in lines if len(line) == 3]


def _held(lines: list[list[str]], least: int) -> None:
    counts = {kind: sum(line[0] == kind for line in lines) for kind in ("nifti", "metaimage", "nrrd", "dicom")}
    assert min(counts.values()) >= least, counts
    assert [line for line in lines if line[2]] == []


def test_a_tenth_of_the_changed_headers(tmp_path):
    _held(outcomes(tmp_path, 0.1, 1), 60)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2))
def test_every_changed_header_and_bytes_at_random(tmp_path, seed):
    _held(outcomes(tmp_path, 1.0, seed), 1500)
