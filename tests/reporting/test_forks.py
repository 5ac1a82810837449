"""What the supplement says of the alternatives: sentences, tables and the specification curve."""

import re

import pytest
from PIL import Image

from vcfstats.audit.documents.prose import unexplained
from vcfstats.contracts.forks import Decision, Fork, Forks, write_forks
from vcfstats.contracts.plan import Look, Run, add_looks, add_runs
from vcfstats.contracts.records import Record
from vcfstats.contracts.study import read_study
from vcfstats.pipeline.forks.summary import summarise
from vcfstats.reporting import drawings, forks, open_study, save_figure
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.figures import fork_figure

KEY = "out_of_fold/{}/auc"


def auc(model, value, kind="out_of_fold", estimate="auc"):
    return Record(kind=kind, model=model, partition="training", estimate=estimate, value=value, ci_low=value - 0.05, ci_high=value + 0.04, level=0.95, n=164, events=61, stage="forks", method="DeLong")  # fmt: skip


def made(reference=0.9, effort="", named=None, corrected=False):
    def one(kind, value, **changed):
        records = {KEY.format("second"): auc("second", value), KEY.format("first"): auc("first", 0.87)}
        if corrected:
            records["model/second/auc_corrected"] = auc("second", value - 0.03, "model", "auc_corrected")
        reasons = tuple(f"Why {value}." for value in changed.values())
        return Fork(kind=kind, changed=changed, reasons=reasons, params=str(value), data="b2" * 32, features={"radiomics": 9, "fused": 21}, records=records)  # fmt: skip

    found = (
        one("reference", reference), one("analytic", 0.92, ICC="0.75"), one("analytic", 0.86, ICC="0.9"), one("analytic", 0.88, Pearson="0.8"),
        one("sampling", 0.85, Seed="1"), one("sampling", 0.93, Seed="2"),
    )  # fmt: skip
    named = named or len(found)
    told = summarise(found, named=named, primary="second", comparator="first", effort=effort)
    decisions = (
        Decision(name="ICC", keys=("a",), reference="0.85", values=("0.75", "0.9")),
        Decision(name="Pearson", keys=("b",), reference="0.9", values=("0.8",)),
    )
    return Forks(named=named, primary="second", comparator="first", decisions=decisions, configurations=found, summary=told)  # fmt: skip


@pytest.fixture
def root(make_study):
    return make_study("two")


def opened(root, found):
    write_forks(found, root / "results" / "forks.json")
    return open_study(root)


def test_where_none_was_run_it_says_so(root):
    study = open_study(root)
    assert "No alternative to the study's decisions was run" in forks.told(study).plain
    assert "No log tells how many" in forks.told(study).plain
    for table in (forks.forks_table(study), forks.later_table(study)):
        assert str(table) == "No alternative was run."


def test_the_reported_choice_among_the_others(root):
    study = opened(root, made())
    said = forks.told(study).plain
    assert "In 4 configurations of analytic choices, the reported one among them, the out-of-fold AUC of Second lay between 0.860 and 0.920, with a median of 0.890." in said  # fmt: skip
    assert "it was 0.900 (95% CI 0.850 to 0.940); the reported value less the median is 0.010, and its rank 2 of 4, counted from the largest." in said  # fmt: skip
    assert "larger than that of First in 3 of 4" in said
    assert "over 3 seeds" in said
    assert "between 0.850 and 0.930 (standard deviation 0.040)" in said
    assert "No result of the internal test set was computed for the alternatives." in said
    assert "were run; the others" not in said


def test_less_effort_a_run_cut_short_and_results_out_of_date_are_told(root):
    own = open_study(root).record(KEY.format("second")).value
    said = forks.told(opened(root, made(effort="learning.folds.nested no (the study: yes)", named=8))).plain
    assert "Of 8 configurations that were named, 6 were run" in said
    assert "was run with learning.folds.nested no (the study: yes)." in said
    assert (
        f"The study itself has an out-of-fold AUC of {own:.3f} where the reported choices had 0.900 in this comparison."
        in said
    )
    assert "out of date" in forks.told(opened(root, made())).plain
    assert "out of date" not in forks.told(opened(root, made(reference=own))).plain


def test_every_number_of_the_sentences_names_its_record(root):
    study = opened(root, made(effort="learning.optimism.n_resamples 0 (the study: 50)", named=8))
    markdown = forks.told(study).markdown
    for key in ("n", "median", "reference", "from_median", "rank", "seeds_sd", "effort", "named"):
        assert f'title="model/second/forks_{key} = ' in markdown
    loose = re.sub(r"\[[^\]]*\]\{[^}]*\}", "", markdown)
    assert unexplained(loose, frozenset()) == []


def test_configurations_ever_run_are_counted_once_whichever_log_has_them(root):
    data = read_study(root / "results" / "study.json").hashes.data
    results = root / "results"
    add_looks([Look(params="a", data=data, plan="open"), Look(params="a", data="older", plan="open")], results / "looks.jsonl")  # fmt: skip
    add_runs([Run(params=name, data=data) for name in "abc"], results / "configurations.jsonl")
    said = forks.told(open_study(root)).plain
    assert "By the logs, 3 configurations of decisions have ever been run on these data, and one configuration on earlier versions of the data" in said  # fmt: skip


def test_tables_give_every_configuration_sorted_within_its_group(root):
    study = opened(root, made(corrected=True))
    table = forks.forks_table(study)
    assert [row[0] for row in table.rows] == [
        "All as reported",
        "ICC: 0.75",
        "Pearson: 0.8",
        "ICC: 0.9",
        "Seed: 2",
        "Seed: 1",
    ]
    assert table.rows[1][1] == "Why 0.75."
    assert table.rows[1][3] == "0.920 (0.870 to 0.960)"
    assert sorted(set(table.groups)) == ["As reported", "Other choices", "Other seeds: sampling variation, no choice"]
    later = forks.later_table(study)
    assert len(later.rows) == 6
    assert any("0.870 (" in cell for cell in later.rows[0])
    assert sum(column.width for column in table.columns) <= 100


def test_the_curve_is_drawn_for_few_and_for_many(root, tmp_path):
    study = opened(root, made())
    save_figure(drawings.forks(study), tmp_path / "few.png")
    with Image.open(tmp_path / "few.png") as image:
        assert image.width == pytest.approx(180 / 25.4 * 300, abs=2)
        assert image.height < 160 / 25.4 * 300
    layers = drawings.forks(study)
    points = [layer._data for layer in layers.layers if type(layer.geom).__name__ == "geom_point"]
    assert [len(data) for data in points[:2]] == [5, 2]  # the reported one stands in both panels
    assert len(fork_figure(Forks(), "Second").layers) == 1
    many = made()
    many = many.model_copy(update={"configurations": many.configurations + 60 * many.configurations[1:4]})
    drawn = fork_figure(many, "Second")
    seeds = next(layer._data for layer in drawn.layers if type(layer.geom).__name__ == "geom_text" and "seed" in layer.mapping.values())  # fmt: skip
    assert seeds["x"].min() >= 0.86  # beside hundreds of combinations the seeds keep their room


@pytest.mark.parametrize(
    ("hashes", "words"),
    [({"data": "e5" * 32}, "on other data than"), ({"configuration": "f6" * 32}, "on other decisions than")],
)
def test_alternatives_of_other_data_or_decisions_are_told_and_left_out(make_study, hashes, words):
    root = make_study("two", hashes={"params": "a1" * 32, "data": "b2" * 32, "code": "c3" * 32} | hashes)
    study = opened(root, made())
    assert words in forks.told(study).plain
    assert "median" not in forks.told(study).plain
    assert not re.search(r"0\.9[23]", str(forks.forks_table(study)) + str(forks.later_table(study)))
    assert isinstance(drawings.forks(study), Absent)
