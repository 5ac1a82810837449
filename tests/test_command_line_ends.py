"""How the command line ends: a sentence and 2 for what cannot be used, 130 for Ctrl-C, 141 when the reader has gone."""

import errno
import io
import sys

import pytest

from vcfstats import cli


def ended(monkeypatch, fault):
    def app():
        raise fault

    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(cli.arithmetic, "settle", lambda _: None)
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "data/x.parquet"), "data/x.parquet: found no space left"),
        (PermissionError(errno.EACCES, "Permission denied", "results"), "results: found no permission"),
        (MemoryError(), "too little memory"),
        (RecursionError(), "nested deeper"),
    ],
)
def test_a_machine_that_fails_is_a_sentence(monkeypatch, capsys, fault, words):
    assert ended(monkeypatch, fault) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), SystemExit(130)])
def test_ctrl_c_says_what_is_kept(monkeypatch, capsys, fault):
    assert ended(monkeypatch, fault) == 130
    assert "finished patients are kept" in capsys.readouterr().err


def test_a_reader_that_has_gone_is_no_error(monkeypatch, capsys):
    assert ended(monkeypatch, BrokenPipeError()) == 141
    assert capsys.readouterr().err == ""


def test_a_full_disk_behind_the_output_is_told(monkeypatch, capsys):
    class Full(io.StringIO):
        def flush(self):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    assert ended(monkeypatch, SystemExit(0)) == 2
    assert "no space left" in capsys.readouterr().err


@pytest.mark.parametrize("code", [0, 1, 2])
def test_other_codes_pass(monkeypatch, code):
    assert ended(monkeypatch, SystemExit(code)) == code
