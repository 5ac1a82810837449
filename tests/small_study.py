"""Make a directory with a study of twelve simulated patients: the repository's own study, smaller."""

import shutil
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]


def make(directory: Path) -> Path:
    directory.mkdir(parents=True)
    yaml = YAML()
    params = yaml.load(ROOT / "params.yaml")
    params["simulate"]["cohort"]["n_patients"] = 12
    params["model"]["folds"] = 3
    params["deviations"]["model.folds"] = "A dozen patients leave three events in training."
    yaml.dump(params, directory / "params.yaml")
    shutil.copy(ROOT / "protocol.yaml", directory)
    shutil.copy(ROOT / "vcfstats" / "pipeline" / "dvc.yaml", directory)
    shutil.copytree(ROOT / "report", directory / "report", ignore=shutil.ignore_patterns("_output", ".quarto"))
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "-q"], cwd=directory, check=True)
    shutil.copy(ROOT / ".dvc" / "config", directory / ".dvc" / "config")
    return directory


if __name__ == "__main__":
    make(Path(sys.argv[1]))
