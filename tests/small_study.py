"""Make a directory with a study of three dozen simulated patients: the repository's own study, smaller."""

import shutil
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

SIZE = 36
ROOT = Path(__file__).parents[1]


def make(directory: Path) -> Path:
    directory.mkdir(parents=True)
    yaml = YAML()
    params = yaml.load(ROOT / "params.yaml")
    params["simulate"]["cohort"].update(n_patients=SIZE, n_repeat=12)
    params["preprocess"]["n4"]["iterations"] = [5]  # most of the time of a whole study, and none of its subject here
    params["radiomics"]["image_types"] = ["original"]
    params["evaluation"]["bootstrap_samples"] = 200
    learning = params["learning"]
    learning["folds"]["n"] = 3
    learning["optimism"]["n_resamples"] = learning["stability"]["n_subsamples"] = 3
    learning["selection"]["lasso"].update(folds=3, n_lambdas=30)
    for name in ("random_forest", "extra_trees"):
        learning["classifiers"][name].update(n_estimators=[20], max_depth=[3], min_samples_leaf=[2])
    for name in ("xgboost", "lightgbm"):
        learning["classifiers"][name]["n_estimators"] = [20]
    params["deviations"].update(
        {
            "learning.folds.n": "A small check.",
            "learning.selection.lasso.folds": params["choices"].pop("learning.selection.lasso.folds"),
        }
    )
    yaml.dump(params, directory / "params.yaml")
    shutil.copy(ROOT / "protocol.yaml", directory)
    (directory / "lock.json").write_text('{"locks": []}\n')
    shutil.copy(ROOT / "vcfstats" / "pipeline" / "dvc.yaml", directory)
    shutil.copytree(ROOT / "report", directory / "report", ignore=shutil.ignore_patterns("_output", ".quarto"))
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "-q"], cwd=directory, check=True)
    for key in ("core.analytics", "core.check_update"):
        subprocess.run([sys.executable, "-m", "dvc", "config", key, "false"], cwd=directory, check=True)
    return directory


if __name__ == "__main__":
    make(Path(sys.argv[1]))
