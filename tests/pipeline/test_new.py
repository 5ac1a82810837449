"""`vcfstats new`: what a study's directory begins with, whatever the cohort is called; filled in, it passes every check."""

import random
import re

import pytest
from ruamel.yaml import YAML

from vcfstats.contracts.errors import InputError
from vcfstats.pipeline import new
from vcfstats.pipeline.cohort_files import read_table
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.filling import new_params
from vcfstats.pipeline.forks.run import list_forks
from vcfstats.pipeline.params import read_params
from vcfstats.pipeline.telling import tell_study
from vcfstats.pipeline.yamlfile import read_yaml

FILLED = {"Testing a thing": "title", "a tumour": "condition", "A test.": "data_source"}


def cohort(folder, n=60, header="Fall,Bild,Maske,Dx,Alter"):
    folder.mkdir(parents=True)
    rows = [
        f"P{at:02d},img/{at}.nii.gz,roi/{at}_mask.nii.gz,{'ill' if at % 3 else 'well'},{40 + at}" for at in range(n)
    ]
    (folder / "cohort.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Make studies without DVC's part, which takes seconds."""
    monkeypatch.setattr(new.subprocess, "run", lambda *args, **kwargs: type("Done", (), {"returncode": 1})())

    def make(folder, name="study"):
        (tmp_path / name / ".dvc").mkdir(parents=True)
        monkeypatch.setattr(new, "any", lambda files: False, raising=False)  # the folder holds .dvc already
        new.new_study(tmp_path / name, folder)
        return tmp_path / name

    return make


def fill(study, **outcome):
    path = study / "params.yaml"
    yaml = YAML()
    body = yaml.load(path)
    for value, key in FILLED.items():
        body["study"][key] = value
    body["cohort"].update(patient_id="Fall", image="Bild", mask="Maske")
    body["cohort"]["outcome"].update(column="Dx", event="ill", **outcome)
    yaml.dump(body, path)
    return path


def test_what_only_the_authors_know_is_to_be_filled_in_with_what_the_table_tells(tmp_path, made, capsys):
    study = made(cohort(tmp_path / "coh"))
    text = (study / "params.yaml").read_text(encoding="utf-8")
    assert "  patient_id: FILL IN # perhaps Fall; column with the patient's id\n" in text
    assert "  image: FILL IN # perhaps Bild; column with the image file" in text
    assert "  mask: FILL IN # perhaps Maske; column with the mask file" in text
    assert "    column: FILL IN # reference standard; of two values are Dx (ill 40, well 20)\n" in text
    assert "    event: FILL IN # value of that column" in text
    with pytest.raises(InputError) as error:
        read_params(study / "params.yaml")
    assert {re.search(r"found (\S+)", str(problem))[1] for problem in error.value.problems} == {
        "study.title", "study.condition", "study.data_source", "cohort.patient_id", "cohort.image", "cohort.mask",
        "cohort.outcome.column", "cohort.outcome.event",
    }  # fmt: skip
    said = capsys.readouterr().out
    assert "cohort.csv: 60 rows, 5 columns, separated by comma, UTF-8" in said
    assert "two values, an outcome or a finding: 'Dx': ill (40), well (20)" in said


def test_filled_in_it_passes_every_check(tmp_path, made, capsys):
    study = made(cohort(tmp_path / "coh"))
    fill(study)
    directory = StudyDirectory(study)
    tell_study(directory)
    list_forks(directory, factorial=False)
    said = capsys.readouterr()
    assert "params.yaml is valid" in said.out
    assert "outcome 'Dx': event ill (40 of 60), non-event well (20 of 60)" in said.out
    assert "training: 42 cases of 42 patients, 28 events" in said.out
    assert "warning" not in said.err


def test_columns_of_the_usual_names_are_taken(tmp_path, made):
    study = made(cohort(tmp_path / "coh", header="patient_id,image,mask,outcome,age"))
    body = read_yaml(study / "params.yaml")["cohort"]
    assert (body["patient_id"], body["image"], body["mask"]) == ("patient_id", "image", "mask")


def test_a_cohort_too_small_for_the_usual_decisions_is_told_at_once(tmp_path, made, capsys):
    made(cohort(tmp_path / "coh", n=12))
    said = capsys.readouterr().out
    assert "'Dx' as the outcome" in said
    assert "3 events among the training patients; allowed: at least one per fold (5 folds)" in said


COHORT_KEYS = set(read_yaml(new.TEMPLATE)["cohort"])
UP_TO_THE_COHORT = new.template().partition("\nsplit:")[0] + "\n"
NAMES = ["coh #2", "yes", "null", "1e3", "a: b", "- a", "*a", "&a", "!a", "%a", "@a", '"', "'", "a\nb", "a\tb", "{folder}", "{columns}", "${x}", "~", "ü", "\U0001f600", "\u2028", "\u00a0x", "[a]", "2020-01-01", "FILL", "#", ":", "?", "|", ">"]  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_whatever_a_folder_or_a_column_is_called_comes_back(tmp_path, seed):
    rng = random.Random(seed)
    folder = "".join(rng.choices(NAMES, k=rng.randint(1, 3))) if seed >= len(NAMES) else NAMES[seed]
    header = [name.replace('"', '""') for name in dict.fromkeys(rng.sample(NAMES, 6)) if name.strip()]
    table = tmp_path / "cohort.csv"
    table.write_text(",".join(f'"{name}"' for name in header) + "\n" + ",".join("ab"[at % 2] for at in range(len(header))) + "\n" + ",".join("b" for _ in header) + "\n", encoding="utf-8")  # fmt: skip
    (tmp_path / "params.yaml").write_text(new_params(UP_TO_THE_COHORT, folder, read_table(table)), encoding="utf-8")
    body = read_yaml(tmp_path / "params.yaml")
    assert body["cohort"]["folder"] == folder
    assert set(body["cohort"]) == COHORT_KEYS


@pytest.mark.parametrize("name", ["a\x07b", "a\udce4"])
def test_a_folder_whose_name_is_no_text_is_refused(tmp_path, name):
    table = tmp_path / "cohort.csv"
    table.write_text("id\n1\n")
    with pytest.raises(InputError, match="rename the folder"):
        new_params(new.template(), name, read_table(table))
