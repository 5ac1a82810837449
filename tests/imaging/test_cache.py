"""Entries are whole or absent, and a damaged one is noticed, said and made again."""

import json
import os

import pytest

from vcfstats.contracts.files import writing_name
from vcfstats.imaging import batch, perturbation, quality, slices
from vcfstats.imaging.cache import _imported, cached, code_version, entry_key, modules_behind, path_hash, sweep


@pytest.fixture
def counted():
    calls = []

    def make(folder):
        calls.append(folder)
        (folder / "value.json").write_text(json.dumps({"n": len(calls)}), encoding="utf-8")

    make.calls = calls
    return make


def test_an_entry_is_made_once(tmp_path, counted):
    first = cached(tmp_path, "kind", "ab12", counted)
    second = cached(tmp_path, "kind", "ab12", counted)
    assert first == second == tmp_path / "kind" / "ab" / "ab12"
    assert len(counted.calls) == 1
    assert sorted(path.name for path in first.iterdir()) == ["manifest.json", "value.json"]


@pytest.mark.parametrize("damage", ["content", "missing", "manifest", "empty"])
def test_a_damaged_entry_is_made_again_and_said(tmp_path, counted, capsys, damage):
    entry = cached(tmp_path, "kind", "ab12", counted)
    if damage == "content":
        (entry / "value.json").write_text('{"n": 9}', encoding="utf-8")
    elif damage == "missing":
        (entry / "value.json").unlink()
    elif damage == "manifest":
        (entry / "manifest.json").write_text("{", encoding="utf-8")
    else:
        (entry / "manifest.json").write_text("{}", encoding="utf-8")
    entry = cached(tmp_path, "kind", "ab12", counted)
    assert len(counted.calls) == 2
    assert json.loads((entry / "value.json").read_text(encoding="utf-8")) == {"n": 2}
    assert "kind entry ab12 is damaged" in capsys.readouterr().err


def test_a_failure_leaves_nothing(tmp_path, counted):
    def fail(folder):
        (folder / "half").write_text("half", encoding="utf-8")
        raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        cached(tmp_path, "kind", "ab12", fail)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    cached(tmp_path, "kind", "ab12", counted)
    assert len(counted.calls) == 1


def test_an_entry_that_another_process_finished_meanwhile_is_taken(tmp_path, counted):
    def slow(folder):
        (folder / "value.json").write_text('{"n": 1}', encoding="utf-8")
        cached(tmp_path, "kind", "ab12", counted)

    entry = cached(tmp_path, "kind", "ab12", slow)
    assert sorted(path.name for path in entry.parent.iterdir()) == ["ab12"]


def test_what_killed_runs_left_is_swept_and_what_living_ones_write_is_not(tmp_path, counted):
    entry = cached(tmp_path, "kind", "ab12", counted)
    (entry.parent / writing_name()).mkdir()
    (
        entry.parent / writing_name().replace(str(os.getpid()), "4194305")
    ).mkdir()  # above the largest number of a process
    sweep(tmp_path)
    assert len([path for path in entry.parent.iterdir() if path.name.startswith(".writing-")]) == 1


def test_keys_tell_everything_apart():
    base = {"image": "a", "mask": "b", "settings": {"x": 1.0}, "label": None}
    keys = {entry_key(**base)}
    for change in ({"image": "c"}, {"mask": "c"}, {"settings": {"x": 1.5}}, {"label": 1}):
        keys.add(entry_key(**(base | change)))
    assert len(keys) == 5
    assert entry_key(**dict(reversed(base.items()))) in keys


def test_code_version_follows_sources_and_packages():
    versions = {
        code_version(("reading",), ("numpy",)),
        code_version(("reading", "radiomics"), ("numpy",)),
        code_version(("reading",), ("numpy", "SimpleITK")),
    }
    assert len(versions) == 3


def test_a_folder_is_hashed_by_names_and_contents(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.dcm").write_bytes(b"one")
    (tmp_path / "a" / "2.dcm").write_bytes(b"two")
    first = path_hash(tmp_path / "a")
    (tmp_path / "a" / "2.dcm").rename(tmp_path / "a" / "3.dcm")
    assert path_hash(tmp_path / "a") != first
    (tmp_path / "a" / "3.dcm").rename(tmp_path / "a" / "2.dcm")
    assert path_hash(tmp_path / "a") == first


@pytest.mark.parametrize(
    "modules", [batch._PREPROCESSING, batch._RADIOMICS, slices._MODULES, quality._MODULES, perturbation._MODULES]
)
def test_every_module_that_reads_a_case_decides_its_key(modules):
    behind = set(modules_behind(modules))
    assert behind >= {*modules, "reading", "dicom", "segments", "paths", "geometry", "loading"}
    for name in behind - {"batch"}:  # which carries cases about, and is not followed
        assert set(_imported(name)) - {"cache", "running", "settings", "batch", "cluster"} <= behind


def test_a_picture_s_key_does_not_depend_on_features():
    assert not {name for name in modules_behind(quality._MODULES) if name.startswith("features/")}
    assert {"features/glcm", "filters"} <= set(modules_behind(batch._RADIOMICS))
