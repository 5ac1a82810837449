"""Drawn tables and drawn damage: the cells come back as they are written, or one error; never a traceback, never another value."""

import csv
import io
import random
import re

import pandas as pd
import pytest

from vcfstats.contracts.errors import InputError
from vcfstats.learning.settings import SplitSettings
from vcfstats.pipeline.cohort_table import read_cohort_table
from vcfstats.pipeline.params import CohortSection

SPLIT = SplitSettings(method="column", column="Set", training_value="dev", testing_value="val")
IDS = ["007", "7a", "P-1", "1e5x", "A.b_c", "0012", "123456789012345678901234567890", "x", "B2", "c3", "d4", "e5"]
LEVELS = [
    "None",
    "NA",
    "null",
    "yes",
    "0",
    "1",
    "1.5",
    "Größe",
    "a, b",
    "a;b",
    'say "x"',
    "n/a",
    "nan",
    "-",
    "男",
    "TRUE",
]
FIRST = ["Patient", "Bild", "Maske", "Dx", "Alter\n(Jahre)", "Zeichen", "Set"]


def settings(levels):
    return CohortSection.model_validate(
        {
            "folder": ".",
            "patient_id": "Patient",
            "image": "Bild",
            "mask": "Maske",
            "outcome": {"column": "Dx", "event": "böse", "event_label": "bad", "nonevent_label": "good"},
            "covariates": {
                "age": {"type": "continuous", "label": "Age", "column": "Alter\n(Jahre)"},
                "sign": {
                    "type": "categorical",
                    "label": "Sign",
                    "column": "Zeichen",
                    "levels": {level: f"level {at}" for at, level in enumerate(levels)},
                },
            },
        }
    )


def drawn(rng):
    """Draw the rows of a sound table and its levels."""
    n = rng.randint(3, 8)
    levels = rng.sample(LEVELS, 3)
    ages = [rng.choice([f"{rng.uniform(1, 99):.1f}", str(rng.randint(1, 9)) + ".25", ""]) for _ in range(n)]
    rows = [
        [ids, f"im/{at}.nii.gz", f"im/{at}_m.nii", "böse" if at % 2 else "gut", age, rng.choice([*levels, ""]), "dev" if at < 2 else "val"]
        for at, (ids, age) in enumerate(zip(rng.sample(IDS, n), ages, strict=True))
    ]  # fmt: skip
    return rows, levels


def text(rng, rows, separator):
    stream = io.StringIO()
    quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    csv.writer(stream, delimiter=separator, lineterminator=rng.choice(["\n", "\r\n"]), quoting=quoting).writerows(
        [FIRST, *rows]
    )
    return stream.getvalue()


def encoded(rng, content):
    return content.encode(rng.choice(["utf-8", "utf-8-sig", "utf-16"]))


def read(tmp_path, content, levels):
    (tmp_path / "cohort.csv").write_bytes(content)
    return read_cohort_table(tmp_path, settings(levels), SPLIT)


def check_values(cohort, rows):
    """The cohort says what the rows say, cell by cell."""
    assert len(cohort) == len(rows)
    for ids, image, mask, dx, age, sign, part in rows:
        row = cohort.loc[ids]
        assert (row["patient_id"], row["image"], row["mask"]) == (ids, image, mask)
        assert row["outcome"] == (dx == "böse")
        assert row["partition"] == {"dev": "training", "val": "testing"}[part]
        assert pd.isna(row["age"]) if age == "" else row["age"] == float(age)
        assert pd.isna(row["sign"]) if sign == "" else row["sign"] == sign


def sound(rng, tmp_path):
    rows, levels = drawn(rng)
    separator = rng.choice(",;\t|")
    said = [row.copy() for row in rows]
    if separator == ";" and rng.random() < 0.5:
        for row in said:
            row[4] = row[4].replace(".", ",")
    content = text(rng, said, separator)
    if rng.random() < 0.3:
        content += rng.choice(["\n", "\r\n\r\n", separator * 6 + "\n"])
    check_values(read(tmp_path, encoded(rng, content), levels), rows)


# What is done to one table -> whether it must be refused, whatever was drawn.
def _set(at, value):
    def change(rng, rows):
        rng.choice(rows)[at] = value

    return change


def _spaces(rng, rows):
    row = rng.choice(rows)
    row[0] = f" {row[0]}\u00a0"


def _same_row(rng, rows):
    rows.append(rows[0].copy())


def _other_case(rng, rows):
    rows[0][0], rows[1][0] = "Ab1", "aB1"


def _short(rng, rows):
    rng.choice(rows).pop()


def _long(rng, rows):
    rng.choice(rows).append("")


def _events_alone(rng, rows):
    for row in rows:
        row[3] = "böse"


def _third_outcome(rng, rows):
    rows[0][3] = rng.choice(["Böse", "unklar", "böse?"])


def _one_mask(rng, rows):
    rows[0][2] = rows[1][2]


def _shifted(rng, rows):
    row = rng.choice(rows)
    row.insert(rng.randrange(7), "x")
    row.pop()


REFUSED = {
    "empty id": _set(0, ""),
    "id of a path": _set(0, "../x"),
    "id that is missing": _set(0, "NA"),
    "id as a spreadsheet shortens it": _set(0, "1.23E+12"),
    "id of letters that file names lack": _set(0, "Müller"),
    "no image": _set(1, ""),
    "no mask": _set(2, "n/a"),
    "path out of the folder": _set(1, "..\\x.nii"),
    "absolute path": _set(2, "\\\\server\\x.nii"),
    "drive": _set(1, "C:\\x.nii"),
    "no outcome": _set(3, ""),
    "missing outcome": _set(3, "NaN"),
    "age with a unit": _set(4, "65 y"),
    "age in per cent": _set(4, "65%"),
    "infinite age": _set(4, "inf"),
    "age too large": _set(4, "1e400"),
    "age as a date": _set(4, "1961-05-03"),
    "age in words": _set(4, "old"),
    "age with thousands": _set(4, "1 234"),
    "level of another case": _set(5, "gRöSSe"),
    "level that is none": _set(5, "unbekannt"),
    "partition of another case": _set(6, "Dev"),
    "no partition": _set(6, ""),
    "row twice": _same_row,
    "ids in two cases": _other_case,
    "row too short": _short,
    "row too long": _long,
    "events alone": _events_alone,
    "a third outcome": _third_outcome,
    "one mask for two": _one_mask,
    "shifted row": _shifted,
}


def refused(rng, tmp_path):
    rows, levels = drawn(rng)
    name = rng.choice(list(REFUSED))
    REFUSED[name](rng, rows)
    content = encoded(rng, text(rng, rows, rng.choice(",;\t")))
    with pytest.raises(InputError) as error:
        read(tmp_path, content, levels)
    assert all("cohort.csv" in str(problem) for problem in error.value.problems), name


def spaced(rng, tmp_path):
    """Spaces around a cell are no part of it."""
    rows, levels = drawn(rng)
    said = [row.copy() for row in rows]
    _spaces(rng, said)
    check_values(read(tmp_path, encoded(rng, text(rng, said, rng.choice(",;\t"))), levels), rows)


def bytes_damaged(rng, tmp_path):
    """Damage of any bytes: an error, or a table of as many rows whose ids and ages stand in the file."""
    rows, levels = drawn(rng)
    content = bytearray(encoded(rng, text(rng, rows, rng.choice(",;\t"))))
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(content))
        match rng.randrange(4):
            case 0:
                content[at] = rng.randrange(256)
            case 1:
                del content[at]
            case 2:
                content.insert(at, rng.choice(b'\x00",;\t\n\r\xff \x1a\xe4'))
            case 3:
                del content[at : at + rng.randint(1, 30)]
    try:
        cohort = read(tmp_path, bytes(content), levels)
    except InputError as error:
        for problem in error.problems:
            assert "cohort.csv" in str(problem)
        return
    codec = "utf-16" if content[:2] == b"\xff\xfe" else "utf-8-sig"
    whole = bytes(content).decode(codec)
    cells = {
        cell.strip().replace(",", ".")
        for pattern in ('[",;\t\r\n]+', '[";\t\r\n]+')
        for cell in re.split(pattern, whole)
    }
    written = {
        float(cell)
        for cell in cells
        if re.fullmatch(r"[-+]?\.?\d[\d.]*(e[-+]?\d+)?", cell, re.IGNORECASE) and cell.count(".") < 2
    }
    for ids, row in cohort.iterrows():
        assert ids in whole
        assert pd.isna(row["age"]) or row["age"] in written


WAYS = (sound, sound, refused, refused, spaced, bytes_damaged, bytes_damaged, bytes_damaged)


def draw(tmp_path, seed):
    rng = random.Random(seed)
    rng.choice(WAYS)(rng, tmp_path)


@pytest.mark.parametrize("batch", range(3))
def test_drawn_tables(tmp_path, batch):
    for seed in range(batch * 100, batch * 100 + 100):
        try:
            draw(tmp_path, seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error


@pytest.mark.soak
@pytest.mark.parametrize("batch", range(20))
def test_drawn_tables_at_length(tmp_path, batch):
    for seed in range(10_000 + batch * 1000, 11_000 + batch * 1000):
        try:
            draw(tmp_path, seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
