"""The small study learned again with so lax a screening that its three dozen patients give a nomogram; cheap grids."""

import shutil
from pathlib import Path

import pandas as pd
from ruamel.yaml import YAML

from vcfstats.pipeline.stages import run_stage

GRIDS = {
    "logistic_regression": {"C": [0.1]},
    "svm": {"kernel": ["linear"], "C": [1.0]},
    "knn": {"n_neighbors": [5]},
    "random_forest": {"n_estimators": [5]},
    "extra_trees": {"n_estimators": [5]},
    "xgboost": {"n_estimators": [5], "max_depth": [2]},
    "lightgbm": {"n_estimators": [5], "num_leaves": [3]},
    "mlp": {"hidden_units": [3], "alpha": [10.0]},
}


def learn_nomogram(finished: Path, root: Path) -> Path:
    """Copy a finished small study and learn it again."""
    shutil.copytree(finished, root)
    yaml = YAML()
    params = yaml.load(root / "params.yaml")
    params["study"]["protocol"] = None
    params["deviations"], params["choices"] = {}, {}
    params["learning"]["clinical"].update(screening_alpha=0.6, predictors="screened")
    params["learning"]["optimism"]["n_resamples"] = params["learning"]["stability"]["n_subsamples"] = 0
    for name, grid in GRIDS.items():
        params["learning"]["classifiers"][name].update(grid)
    yaml.dump(params, root / "params.yaml")
    run_stage("learn", root)
    return root


def folder_of(study, partition, folder, drop=(), most=5):
    """Put patients of a study into a folder of their own, as another hospital would send them."""
    raw = study / "data/simulated"
    table = pd.read_csv(raw / "cohort.csv", dtype=str).query("partition == @partition").head(most)
    for name in [*table["image"], *table["mask"]]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(raw / name, folder / name)
    table.drop(columns=[*drop, "mask_intra", "mask_inter"]).to_csv(folder / "cohort.csv", index=False)
    return folder
