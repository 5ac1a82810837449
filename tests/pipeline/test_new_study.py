"""A new study is private: whatever lies in its folder, `git add -A` takes up settings, words and results alone."""

import subprocess
from pathlib import Path

import pytest

from vcfstats.pipeline.graph import stages
from vcfstats.pipeline.new import new_study

# What somebody or some command may put into a study: none of it is for everybody's eyes.
PRIVATE = (
    "cohort/cohort.csv", "images/P1.nii.gz", "predictions.csv", "predictions.json", "results/predictions.csv", "results/predictions.json",
    "results/tables/predictions.csv", "nomogram.html", "results/nomogram.html", "validation/predictions.parquet",
    "validation/documents/validation.html", "figures/fig-roc.svg", "problems.csv", "notes.md", ".dvc/cache/files/md5/ab/cd", ".dvc/tmp/lock",
    ".dvc/config.local", ".dvc/tmp/rwlock", ".vcfstats-cache/preprocess/ab/x/image.nii.gz", "report/paper.html", "report/paper_files/figure.png",
    "report/.writing-host-1-ab/ready/paper.html", "report/study/scan.png", "data/.made/preprocess.json", "report/paper.docx", "core.1234",
    "results/run.json", ".writing-host-1-ab.json", "weights.pth", "Data/raw/P1.nii.gz", "audit.html", "results/quality/P1.png",
)  # fmt: skip
OPEN = {
    "results/results.json",
    "results/study.json",
    "results/nomogram.json",
    "results/plan.json",
    "results/self_audit.json",
    "results/tables",
}


@pytest.mark.parametrize("inside", [True, False], ids=["in git", "put into git later"])
def test_git_add_takes_up_nothing_of_a_patient(tmp_path, inside):
    cohort = tmp_path / "patients"
    cohort.mkdir()
    (cohort / "cohort.csv").write_text("patient_id,image,mask,died\nP1,a.nii.gz,b.nii.gz,1\n")
    root = tmp_path / "repository" / "study"
    root.parent.mkdir()

    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=root.parent, check=True, capture_output=True, text=True)

    if inside:
        git("init", "-q")
    new_study(root, cohort)
    made = {out for stage in stages().values() for out in stage.outs}
    folders = {folder for stage in stages().values() for folder in stage.folders}
    private = {*PRIVATE, *(f"{out}/P1.png" if out in folders else out for out in made - OPEN)}
    public = {
        *(OPEN - {"results/tables"}),
        "results/tables/roc.csv",
        "results/looks.jsonl",
        "results/forks.json",
        "dvc.lock",
    }
    for name in private | public:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("P1")
    if not inside:
        git("init", "-q")
    git("add", "-A")
    held = {str(Path(name).relative_to("study")) for name in git("ls-files").stdout.split()}
    assert held & private == set()
    assert held >= public | {
        "params.yaml",
        "protocol.yaml",
        "dvc.yaml",
        "lock.json",
        "report/paper.qmd",
        "report/study/background.md",
    }
    assert {name for name in held if name.startswith(".dvc/")} <= {".dvc/config", ".dvc/.gitignore"}
    assert not [name for name in held if (root / name).read_bytes() == b"P1" and name not in public]
