"""Drawn params and drawn damage: a value comes back as it is written, or one error that names its key; never a traceback."""

import copy
import io
import json
import random
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from vcfstats.contracts.errors import InputError
from vcfstats.pipeline.params import check_params
from vcfstats.pipeline.yamlfile import leaves, read_yaml, yaml_scalar

ROOT = Path(__file__).parents[2]
HERE = Path("params.yaml")
ODD = [
    True, False, None, 0, 1, -1, 7, 2.5, 3.0, 1e300, -0.0, 10**25, "", " ", "7", "1.0", "true", "null", "x\ty", "ü" * 200, [], [1], [[1, 2], 3],
    {}, {"a": 1}, {"a": {"b": [None]}}, ["training", "training"], "FILL IN", "../x", "none", "[1]",
]  # fmt: skip
TEXTS = ["yes", "no", "~", "null", "1e3", "007", "0x1", "a: b", "- a", "# c", "a #b", "'", '"', "\n", "a\nb\n", " a ", "\t", "é", "\U0001f600", "%", "@", "`", "*a", "&a", "!t", "<<", "=", "2020-01-01", "{a}", "[", ",", "?", "|", ">", "\\", "\u2028", "\ufeffa"]  # fmt: skip


@pytest.fixture(scope="module")
def whole():
    body = read_yaml(ROOT / "params.yaml")
    body["study"]["protocol"], body["deviations"], body["choices"] = None, {}, {}
    return body


def place(body, key):
    for part in key:
        body = body[part]
    return body


def keys(body, prefix=()):
    for name, value in body.items():
        yield (*prefix, name)
        if isinstance(value, dict):
            yield from keys(value, (*prefix, name))


def same(found, given):
    """Whether a value is the one that was given: 3 and 3.0 are, true and 1 are not, nor 7 and "7"."""
    if isinstance(given, bool) or isinstance(found, bool):
        return found is given
    if isinstance(given, str):
        return found == given.strip() or found == given
    if isinstance(given, list):
        return isinstance(found, list) and len(found) == len(given) and all(map(same, found, given))
    if isinstance(given, dict):
        return isinstance(found, dict) and all(same(found[name], value) for name, value in given.items())
    return found == given and isinstance(found, str) == isinstance(given, str)


def check_said(error, file="params.yaml"):
    """The error speaks of the file, in words of this package, and not at length."""
    for problem in error.problems:
        said = str(problem)
        assert file in said
        assert len(said) < 1000
        assert "Input should" not in said
        assert "validation" not in said


def odd_value(rng, whole, tmp_path):
    """One key with a value of any type."""
    body = copy.deepcopy(whole)
    *parents, last = rng.choice(list(keys(whole)))
    value = rng.choice(ODD)
    place(body, parents)[last] = copy.deepcopy(value)
    try:
        params = check_params(body, HERE)
    except InputError as error:
        check_said(error)
        return
    assert same(place(json.loads(params.model_dump_json()), [*parents, last]), value)


def odd_key(rng, whole, tmp_path):
    """A key renamed, taken away or put elsewhere."""
    body = copy.deepcopy(whole)
    *parents, last = rng.choice(list(keys(whole)))
    part = place(body, parents)
    value = part.pop(last)
    if rng.random() < 0.7:
        part[rng.choice([f"{last}s", last.upper(), "", "a.b", f" {last}"])] = value
    try:
        check_params(body, HERE)
    except InputError as error:
        check_said(error)
    else:  # what was taken away has a default that is no decision, or stands among keys that a study chooses
        assert parents[:1] in ([], ["study"], ["cohort"], ["compute"], ["report"], ["forks"], ["simulate"], ["split"])


def drawn_value(rng, deep=0):
    kind = rng.randrange(8 if deep < 4 else 6)
    if kind == 6:
        return [drawn_value(rng, deep + 1) for _ in range(rng.randint(0, 3))]
    if kind == 7:
        return {f"k{rng.choice(TEXTS)}{at}": drawn_value(rng, deep + 1) for at in range(rng.randint(0, 3))}
    return [None, rng.random() < 0.5, rng.randint(-(10**9), 10**9), rng.uniform(-1, 1) * 10 ** rng.randint(-30, 30), rng.choice(TEXTS), rng.choice(TEXTS) + rng.choice(TEXTS)][kind]  # fmt: skip


def round_trip(rng, whole, tmp_path):
    """What the library writes reads back."""
    body = {f"k{at}": drawn_value(rng) for at in range(5)}
    stream = io.StringIO()
    YAML(typ="safe", pure=True).dump(body, stream)
    (tmp_path / "x.yaml").write_text(stream.getvalue(), encoding="utf-8")
    assert json.dumps(read_yaml(tmp_path / "x.yaml"), sort_keys=True) == json.dumps(body, sort_keys=True)


def scalar(rng, whole, tmp_path):
    """One text as a scalar, a comment behind it."""
    text = "".join(rng.choices(TEXTS, k=rng.randint(0, 4)))
    (tmp_path / "x.yaml").write_text(f"a: 1\nk: {yaml_scalar(text)} # comment\nz: 2\n", encoding="utf-8")
    assert read_yaml(tmp_path / "x.yaml") == {"a": 1, "k": text, "z": 2}


def bytes_damaged(rng, whole, tmp_path):
    """Damage of any bytes: a mapping of plain values, or one error."""
    content = bytearray(
        b'study:\n  title: "a\\u00e4" # b\n  list: [1, 2.5, {x: y}]\ncohort: &a\n  levels: {0: "no", 1: yes}\n  n: 1e-3\n'
    )
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(content))
        match rng.randrange(3):
            case 0:
                content[at] = rng.randrange(256)
            case 1:
                del content[at : at + rng.randint(1, 6)]
            case 2:
                content[at:at] = rng.choice([b"[" * 600, b"\x00", b"*a", b"- ", b"!!python/name:os.system", b"<<: *a", b"\t", b"{", b"? ", b"1e999", b"0o7", b"\xff", b": ", b"---\n", b"%YAML 1.1\n", b'"\\x00"', b"9" * 5000])  # fmt: skip
    path = tmp_path / "x.yaml"
    path.write_bytes(bytes(content))
    try:
        body = read_yaml(path)
    except InputError as error:
        check_said(error, "x.yaml")
        return
    json.dumps(body, allow_nan=False).encode()
    assert all(isinstance(key, str) for key in leaves(body))


WAYS = (odd_value, odd_value, odd_value, odd_key, round_trip, scalar, bytes_damaged, bytes_damaged)


def draw(seed, whole, tmp_path):
    rng = random.Random(seed)
    way = rng.choice(WAYS)
    try:
        way(rng, whole, tmp_path)
    except Exception as error:
        raise AssertionError(f"seed {seed}, {way.__name__}: {type(error).__name__}: {error}") from error


def test_drawn_params(whole, tmp_path):
    for seed in range(250):
        draw(seed, whole, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("batch", range(10))
def test_drawn_params_at_length(whole, tmp_path, batch):
    for seed in range(10_000 + batch * 1000, 11_000 + batch * 1000):
        draw(seed, whole, tmp_path)
