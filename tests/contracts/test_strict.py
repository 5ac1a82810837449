"""Files that somebody may have rewritten hold finite numbers, or are refused."""

import json
import math

import pytest

from vcfstats.contracts.errors import InputError
from vcfstats.contracts.nomogram import read_nomogram
from vcfstats.contracts.strict import finite_numbers, strict_json


@pytest.mark.parametrize(
    "text", ["NaN", "[1, Infinity]", '{"a": -Infinity}', "[1e400]", "[-1e400]", "{", "[" * 100_000]
)
def test_numbers_that_are_none_are_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        strict_json(text)


def test_what_json_writes_is_read():
    content = {"a": [1, -2.5, 1e-300, 10**40], "b": None, "c": {"d": True}}
    assert strict_json(json.dumps(content)) == content


@pytest.mark.parametrize("values", [[math.nan], [1.0, math.inf], ["1"], [None], [True], [[1.0]]])
def test_only_finite_numbers_pass(values):
    with pytest.raises(ValueError, match="where a finite number stands"):
        finite_numbers(values, "x")


def test_a_limit_is_kept():
    finite_numbers([0.1, 2], "scale", above=0.0)
    with pytest.raises(ValueError, match="above 0"):
        finite_numbers([0.0], "scale", above=0.0)


@pytest.mark.parametrize(
    "text", ['{"format": "vcfstats-nomogram-file-1", "nomogram": {"intercept": NaN}}', "NaN", "[]", "3", '{"a": 1e999}']
)
def test_a_nomogram_that_is_none_is_one_sentence(tmp_path, text):
    path = tmp_path / "nomogram.json"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_nomogram(path)
    assert len(error.value.problems) == 1
    assert error.value.problems[0].file == path
