"""Files are whole or absent, open to those whom the umask allows, and what killed processes left is swept."""

import errno
import os
import stat
import time
from pathlib import Path

import pytest

from vcfstats.contracts.errors import InputError
from vcfstats.contracts.faults import FAULTS, problem_of, writer_of
from vcfstats.contracts.files import making_folder, replacing, scratch_folder, sweep, write_text, writing_name
from vcfstats.contracts.made import mark_folder, refuse_other_file, refuse_unmarked

DEAD = "4194305"  # above the largest number that a process can have


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("umask", "expected"), [(0o022, 0o644), (0o077, 0o600), (0o027, 0o640), (0o002, 0o664)])
def test_the_umask_says_who_may_read(tmp_path, umask, expected):
    before = os.umask(umask)
    try:
        write_text(tmp_path / "new.json", "{}")
    finally:
        os.umask(before)
    assert mode(tmp_path / "new.json") == expected


def test_a_file_that_is_replaced_is_never_opened_to_more_people(tmp_path):
    write_text(tmp_path / "private.json", "1")
    (tmp_path / "private.json").chmod(0o600)
    write_text(tmp_path / "private.json", "2")
    assert mode(tmp_path / "private.json") == 0o600
    assert (tmp_path / "private.json").read_text() == "2"


def test_a_scratch_folder_is_nobody_else_s(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    left = tmp_path / writing_name(prefix="vcfstats-scratch-").replace(f"-{os.getpid()}-", f"-{DEAD}-")
    left.mkdir()
    with scratch_folder() as folder:
        assert mode(folder) == 0o700
        assert list(tmp_path.iterdir()) == [folder]
    assert not list(tmp_path.iterdir())


def test_the_dead_are_swept_and_the_living_are_not(tmp_path):
    living = tmp_path / writing_name(".json")
    dead = tmp_path / living.name.replace(f"-{os.getpid()}-", f"-{DEAD}-")
    folder = tmp_path / (dead.name + "folder")
    elsewhere = [tmp_path / f".writing-otherhost-1-{age}" for age in ("old", "new")]
    for path in (living, dead, *elsewhere):
        path.write_text("")
    (folder / "deep").mkdir(parents=True)
    os.utime(elsewhere[0], (time.time() - 90_000,) * 2)
    sweep(tmp_path)
    assert set(tmp_path.iterdir()) == {living, elsewhere[1]}


def test_a_folder_that_is_made_sweeps_beside_it(tmp_path):
    (tmp_path / writing_name().replace(f"-{os.getpid()}-", f"-{DEAD}-")).mkdir()
    with making_folder(tmp_path / "out") as work:
        assert list(tmp_path.iterdir()) == [work]
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_of_a_write_that_failed(tmp_path):
    write_text(tmp_path / "a.json", "old")

    def fail():
        with replacing(tmp_path / "a.json") as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "old"


@pytest.mark.parametrize("change", ["added", "edited", "linked"])
def test_a_folder_is_replaced_only_as_it_was_left(tmp_path, change):
    folder = tmp_path / "figures"
    refuse_unmarked(folder, "figures")
    write_text(folder / "fig-roc.svg", "<svg/>")
    with pytest.raises(InputError, match=r"fig-roc\.svg"):
        refuse_unmarked(folder, "figures")  # of the same name, and somebody's own
    mark_folder(folder)
    refuse_unmarked(folder, "figures")
    if change == "added":
        (folder / "scan.tiff").write_text("patient")
    elif change == "edited":
        (folder / "fig-roc.svg").write_text("<svg>mine</svg>")
    else:
        (folder / "more").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(InputError, match="move what you want to keep"):
        refuse_unmarked(folder, "figures")


def test_a_file_is_replaced_only_where_the_command_wrote_it(tmp_path):
    path = tmp_path / "cohort.csv"
    refuse_other_file(path, begins="severity,")
    path.write_text("patient_id,image\n")
    with pytest.raises(InputError, match="did not write"):
        refuse_other_file(path, begins="severity,", option="--csv")
    path.write_text("severity,patient\n")
    refuse_other_file(path, begins="severity,")
    with pytest.raises(InputError, match="no file"):
        refuse_other_file(tmp_path, begins="severity,")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "data/x.parquet"), ("no space left", "data/x.parquet", "kept")),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), ("quota", "free space")),
        (PermissionError(errno.EACCES, "Permission denied", "results"), ("no permission", "results")),
        (OSError(errno.EROFS, "Read-only file system", "data"), ("read only", "a copy that is yours")),
        (FileNotFoundError(errno.ENOENT, "No such file", "data/split.csv"), ("went away", "data/split.csv")),
        (FileExistsError(errno.EEXIST, "File exists", "data"), ("something else", "move away")),
        (OSError(errno.EMFILE, "Too many open files"), ("too many open files", "ulimit")),
        (OSError(errno.EIO, "Input/output error", "a.nii"), ("Input/output error", "a.nii")),
        (MemoryError(), ("memory", "compute.workers")),
        (RecursionError(), ("nested deeper",)),
    ],
)  # fmt: skip
def test_what_a_machine_does_is_said_in_a_sentence(fault, words):
    assert isinstance(fault, FAULTS)
    said = str(problem_of(fault))
    assert all(word in said for word in words)
    assert "Errno" not in said


def test_a_temporary_name_stands_for_its_folder():
    fault = OSError(errno.ENOSPC, "No space left on device", f"/study/data/{writing_name('.parquet')}")
    assert str(problem_of(fault)).startswith("/study/data: ")


def test_a_library_s_words_give_way_to_the_system_s(tmp_path):
    with pytest.raises(OSError, match="itk says so") as error, writer_of(tmp_path / "a.nii.gz"):
        raise RuntimeError("lines before\nitk says so")
    assert error.value.errno == errno.EIO
    with pytest.raises(FileNotFoundError), writer_of(tmp_path / "gone" / "a.nii.gz"):
        raise RuntimeError("itk says so")
    assert not list(tmp_path.iterdir())
