"""params.yaml and protocol.yaml: what is refused, and with which words."""

import copy
from pathlib import Path

import pytest

from vcfstats.contracts.errors import InputError
from vcfstats.pipeline.params import analytic_leaves, check_params, read_params
from vcfstats.pipeline.protocol import Protocol, compare, read_protocol
from vcfstats.pipeline.yamlfile import read_yaml

ROOT = Path(__file__).parents[2]
HERE = Path("params.yaml")


@pytest.fixture
def body():
    return copy.deepcopy(read_yaml(ROOT / "params.yaml"))


def changed(body, key, value):
    *parents, last = key.split(".")
    for part in parents:
        body = body[part]
    body[last] = value


def problems(body):
    with pytest.raises(InputError) as error:
        check_params(body, HERE)
    return [str(problem) for problem in error.value.problems]


def test_the_repository_s_own_files_are_valid():
    params = read_params(ROOT / "params.yaml")
    compare(params, read_protocol(ROOT / "protocol.yaml"), path=ROOT / "params.yaml")


def test_protocol_covers_every_analytic_key_and_no_other():
    params = read_params(ROOT / "params.yaml")
    assert set(read_protocol(ROOT / "protocol.yaml").keys) == set(analytic_leaves(params))


@pytest.mark.parametrize("path", ["params.yaml", "vcfstats/pipeline/template.yaml"])
def test_every_analytic_value_carries_a_comment(path):
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("preprocess:"))
    end = next(i for i, line in enumerate(lines) if line.startswith("compute:"))
    values = [line for line in lines[start:end] if ": " in line]
    assert len(values) > 30
    assert [line for line in values if "#" not in line] == []


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("split.methode", "random", "unknown key split.methode"),
        ("radiomics.bin_widht", 5, "unknown key radiomics.bin_widht"),
        ("radiomics.bin_widht", 5, "of which bin_width is nearest"),
        ("split.method", "by hand", "split.method = 'by hand'"),
        ("split.test_fraction", 1.3, "split.test_fraction = 1.3"),
        ("learning.folds.n", 1, "learning.folds.n = 1"),
        ("learning.folds.n", "five", "learning.folds.n = 'five'"),
        ("learning.selection.correlation.limit", 0, "learning.selection.correlation.limit = 0"),
        ("learning.threshold.rule", "fixed", "learning.threshold"),
        ("learning.best_by", "testing_auc", "learning.best_by = 'testing_auc'"),
        ("evaluation.primary_comparison", ["dlr", "dlr"], "two different models"),
        ("evaluation.confidence_level", 95, "evaluation.confidence_level = 95"),
        ("evaluation.decision.low", 0.999, "low (0.999) must be below high"),
        ("preprocess.spacing_mm", [1.0, -1.0, 1.0], "preprocess.spacing_mm.1 = -1.0"),
        ("preprocess.image_interpolator", "cubic", "preprocess.image_interpolator = 'cubic'"),
        ("radiomics.bin_count", 32, "exactly one of bin_width and bin_count"),
        ("radiomics.image_types", ["original", "orignal"], "radiomics.image_types.1 = 'orignal'"),
        ("cohort.outcome.column", "", "cohort.outcome.column = ''"),
        ("cohort.table", "../cohort.csv", "lies in the cohort's folder"),
        ("cohort.covariates.age.levels", {"1": "one"}, "continuous covariate has no levels"),
        ("compute.workers", 0, "compute.workers = 0"),
        ("report.formats", ["odt"], "report.formats.0 = 'odt'"),
        ("seed", -1, "seed = -1"),
        ("seed", None, "seed = null"),
    ],
)
def test_bad_value_is_refused_with_its_key(body, key, value, said):
    changed(body, key, value)
    assert any(said in problem for problem in problems(body)), problems(body)


def test_all_problems_are_told_at_once(body):
    changed(body, "split.test_fraction", 7)
    changed(body, "learning.folds.n", 0)
    del body["seed"]
    assert len(problems(body)) == 3


def test_a_template_is_not_a_study_until_it_is_filled_in(body):
    changed(body, "study.title", "FILL IN")
    assert problems(body) == [
        "params.yaml: found study.title not filled in; allowed: the words and columns of this study. To mend: replace FILL IN."
    ]


def test_a_default_nobody_wrote_down_is_refused(body):
    del body["preprocess"]["n4"]["convergence"]
    assert problems(body) == [
        "params.yaml: found no key preprocess.n4.convergence; allowed: every analytic decision written down. "
        "To mend: add it; its usual value is 0.001."
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed: 1\nseed: 2\n", "found key seed twice, in lines 1 and 2"),
        ("seed: [1\n", "no valid YAML"),
        ("- 1\n", "found a list"),
        ("", "found an empty file"),
    ],
)
def test_broken_yaml_is_one_clear_error(tmp_path, text, said):
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"params\.yaml") as error:
        read_yaml(path)
    assert said in str(error.value)


def test_yaml_of_a_directory_without_params_names_what_to_do(tmp_path):
    with pytest.raises(InputError, match="vcfstats new"):
        read_yaml(tmp_path / "params.yaml")


PROTOCOL = {
    "source": "a paper",
    "keys": {
        "learning.folds.n": {"status": "printed", "value": 5},
        "split.method": {"status": "contradictory", "values": ["random", "stratified"]},
        "learning.fusion.clip": {"status": "silent"},
    },
}


def compared(body, deviations=None, choices=None, **values):
    """Compare a study of three keys: the others' entries are filled with the study's own printed values."""
    for key, value in values.items():
        changed(body, key.replace("__", "."), value)
    body["deviations"], body["choices"] = deviations or {}, choices or {}
    params = check_params(body, HERE)
    protocol = copy.deepcopy(PROTOCOL)
    for key, value in analytic_leaves(params).items():
        protocol["keys"].setdefault(key, {"status": "printed", "value": value})
    return compare(params, Protocol.model_validate(protocol), path=HERE)


SETTLED = {"split.method": "a random split was run", "learning.fusion.clip": "by experience"}


def test_printed_value_needs_no_reason_and_the_rest_needs_one(body):
    departures = compared(body, choices=SETTLED, learning__folds__n=5, split__method="random")
    assert [(d.key, d.status, d.is_deviation) for d in departures] == [
        ("split.method", "contradictory", False),
        ("learning.fusion.clip", "silent", False),
    ]


@pytest.mark.parametrize(
    ("deviations", "choices", "folds", "method", "said"),
    [
        ({}, SETTLED, 3, "random", "learning.folds.n = 3 without a reason; the protocol prints 5"),
        (
            {},
            {"split.method": "x"},
            5,
            "random",
            "learning.fusion.clip = 0.001 without a reason; the protocol is silent",
        ),
        (
            {},
            {"learning.fusion.clip": "x"},
            5,
            "random",
            "split.method = 'random' without a reason; the protocol gives",
        ),
        ({"learning.folds.n": "x"}, SETTLED, 5, "random", "a reason deviations.learning.folds.n for nothing"),
        ({}, {**SETTLED, "learning.folds.n": "x"}, 5, "random", "a reason choices.learning.folds.n for nothing"),
        ({"learning.folds.m": "x"}, SETTLED, 5, "random", "no analytic key of that name"),
        ({"learning.fusion.clip": "x"}, SETTLED, 5, "random", "belongs under choices"),
        ({}, SETTLED, 5, "column", "a reason under `deviations:`"),
    ],
)
def test_reasons_are_enforced(body, deviations, choices, folds, method, said):
    with pytest.raises(InputError) as error:
        compared(body, deviations, choices, learning__folds__n=folds, split__method=method)
    assert any(said in str(problem) for problem in error.value.problems), str(error.value)


def test_departure_from_every_contradictory_value_is_a_deviation(body):
    departures = compared(
        body,
        {"split.method": "given in the table"},
        {"learning.fusion.clip": "x"},
        learning__folds__n=5,
        split__method="column",
    )
    assert [(d.key, d.is_deviation) for d in departures] == [("split.method", True), ("learning.fusion.clip", False)]


def test_without_a_protocol_a_reason_is_a_reason_for_nothing(body):
    body["study"]["protocol"] = None
    with pytest.raises(InputError, match="no protocol is named"):
        compare(check_params(body, HERE), None, path=HERE)
    body["deviations"], body["choices"] = {}, {}
    assert compare(check_params(body, HERE), None, path=HERE) == []


def test_a_protocol_that_misses_or_misspells_a_key_is_refused(body):
    params = check_params(body, HERE)
    protocol = read_protocol(ROOT / "protocol.yaml").model_dump(exclude_unset=True)
    protocol["keys"]["learning.folds.m"] = protocol["keys"].pop("learning.folds.n")
    with pytest.raises(InputError) as error:
        compare(params, Protocol.model_validate(protocol), path=HERE)
    said = str(error.value)
    assert "protocol key learning.folds.m that params.yaml does not have" in said
    assert "analytic key learning.folds.n of which the protocol file says nothing" in said


@pytest.mark.parametrize(
    "entry",
    [
        {"status": "printed"},
        {"status": "contradictory", "values": [1]},
        {"status": "silent", "value": 1},
        {"status": "guessed"},
    ],
)
def test_a_status_must_fit_its_values(tmp_path, entry):
    path = tmp_path / "protocol.yaml"
    path.write_text(f"source: a paper\nkeys:\n  learning.folds.n: {entry}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"keys\.learning\.folds\.n"):
        read_protocol(path)


def test_seed_of_a_purpose_depends_on_root_and_name_only(body):
    params = check_params(body, HERE)
    first = params.seed_for("split").generate_state(4).tolist()
    assert first == params.seed_for("split").generate_state(4).tolist()
    assert first != params.seed_for("folds").generate_state(4).tolist()
    changed(body, "seed", 1)
    assert first != check_params(body, HERE).seed_for("split").generate_state(4).tolist()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb:\n  c: 2\n  c: 3\n", "found key b.c twice, in lines 3 and 4"),
        ("a: &x 1\nb: *x\n", "an alias (*name) of line 1 under b"),
        ("a: &x [*x]\n", "an alias (*name)"),
        (f"a: {'[' * 2000}{']' * 2000}\n", "within one another"),
        ("a: " + "{b: " * 40 + "1" + "}" * 40, "within one another"),
        ("b:\n  a: 1e400\n", "b.a = 1e400 in line 2; allowed: a finite number"),
        ("a: .inf\n", "a = .inf in line 1"),
        ("a: 007\n", "put it in quotes if it is a name or a code"),
        ("a: 0x10\n", "a = 0x10"),
        ("a: 1_000\n", "a = 1_000"),
        (f"a: {'9' * 5000}\n", "a finite number"),
        ('a: "x\\0y"\n', "the character U+0000 in 'a' in line 1"),
        ('a: "\\ud800"\n', "U+D800"),
        ("a: x\0y\n", "special characters are not allowed"),
        ("a: !!python/object:os.system 1\n", "the tag python/object:os.system under a"),
        ("? [1]\n: 2\n", "a list or mapping as a key in line 1"),
        ("--- 1\n--- 2\n", "another document"),
    ],
)
def test_yaml_that_can_be_read_in_two_ways_is_refused_with_key_and_line(tmp_path, text, said):
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_yaml(path)
    assert said in str(error.value)
    assert len(error.value.problems) == 1


def test_keys_and_dates_are_text_as_they_are_written(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes(b"\xef\xbb\xbf0: a\n1.0: b\ntrue: c\nnull: d\n2020-01-01: 2020-13-45\nyes: yes\n")
    assert read_yaml(path) == {"0": "a", "1.0": "b", "true": "c", "null": "d", "2020-01-01": "2020-13-45", "yes": "yes"}


@pytest.mark.parametrize("content", [b"a: \xff\n", b"\xff\xfea\0:\0"])
def test_params_in_another_encoding_are_one_error(tmp_path, content):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match="no UTF-8"):
        read_yaml(path)
    with pytest.raises(InputError, match="no regular file"):
        read_yaml(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("learning.folds.n", True, "learning.folds.n = true; allowed: a whole number"),
        ("learning.folds.n", "5", "learning.folds.n = '5'; allowed: a whole number. To mend: write it without quotes"),
        ("learning.folds.n", 5.5, "learning.folds.n = 5.5; allowed: a whole number"),
        ("learning.folds.n", 2, "allowed: 3 or more"),
        ("learning.folds.nested", 1, "learning.folds.nested = 1; allowed: true or false"),
        ("learning.folds.nested", "no", "learning.folds.nested = 'no'; allowed: true or false"),
        ("learning.threshold.value", "0.5", "learning.threshold.value = '0.5'; allowed: a number"),
        ("learning.selection.sd_ddof", True, "learning.selection.sd_ddof = true; allowed: a whole number"),
        ("study.title", 7, 'study.title = 7; allowed: text. To mend: put it in quotes: "7"'),
        ("study.case_noun", "a\nb", "text without line breaks"),
        ("split.method", "by hand", "allowed: one of 'column', 'random' or 'stratified'"),
        ("report.formats", "html", "report.formats = 'html'; allowed: a list"),
        ("split", [1], "split = [1]; allowed: a mapping of keys to values"),
        ("cohort.mask_label", [1], "cohort.mask_label = [1]; allowed: a whole number or text"),
        ("cohort.mask_label", 0, "cohort.mask_label = 0; allowed: 1 or more"),
        ("cohort.outcome.event_label", "benign", "event_label and nonevent_label differ"),
        ("cohort.covariates.sex.levels", {"f": "Woman", "m": "Woman"}, "levels differ in print; 'Woman' stands for 2"),
        ("cohort.covariates.sex.levels", {"f": 1, "m": "Man"}, "cohort.covariates.sex.levels.f = 1; allowed: text"),
        ("cohort.covariates.sex.column", "age", "column 'age' stands under covariates.age and under covariates.sex"),
        ("cohort.covariates.sex.column", "diagnosis", "column 'diagnosis' stands under outcome and under covariates.sex"),
        ("cohort.mask", "image", "column 'image' stands under image and under mask"),
        ("cohort.followup.event", "diagnosis", "column 'diagnosis' stands under outcome and under followup.event"),
        ("split.column", "sex", "column 'sex' stands under split.column and under cohort.covariates.sex"),
        ("forks.seeds", [True], "forks.seeds.0 = true; allowed: a whole number"),
    ],
)  # fmt: skip
def test_a_value_has_the_type_that_it_is_written_with(body, key, value, said):
    changed(body, key, value)
    assert any(said in problem for problem in problems(body)), problems(body)


@pytest.mark.parametrize("name", ["outcome", "mask", "partition", "image", "patient_id", "case_id", "fold", "kind", "model", "probability", "scanner", "dlr", "age_second", "a=b", "a/b", "@a", " a", "a\nb", ""])  # fmt: skip
def test_a_covariate_takes_no_name_that_a_table_has(body, name):
    covariates = body["cohort"]["covariates"]
    covariates[name] = {"type": "continuous", "label": "X", "column": "x"}
    assert any("cohort.covariates" in problem for problem in problems(body))


def test_whole_numbers_may_be_written_with_a_point(body):
    changed(body, "learning.folds.n", 5.0)
    assert check_params(body, HERE).learning.folds.n == 5


def test_the_line_of_a_key_is_named(tmp_path):
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    line = next(at for at, line in enumerate(text.splitlines(), 1) if line.startswith("  test_fraction"))
    path = tmp_path / "params.yaml"
    path.write_text(text.replace("test_fraction: 0.3", "test_fraction: 3"), encoding="utf-8")
    with pytest.raises(InputError, match=rf"split.test_fraction = 3 in line {line}; allowed: less than 1"):
        read_params(path)
