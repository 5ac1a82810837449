"""A small cohort drawn from a seed, with what the image stages would have left: seconds from its table to its pages.

Whatever a step may leave behind of a real study, a draw may lack: findings that tell nothing, do not vary, repeat one another
or are missing, features that fail every filter, readers who read once, one scanner, no log of the patients screened.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk
from ruamel.yaml import YAML

from vcfstats.contracts.features import FeatureDescription, write_features
from vcfstats.contracts.files import write_text
from vcfstats.contracts.predictions import read_predictions
from vcfstats.imaging.quality import QUANTITIES, find_outliers
from vcfstats.pipeline import quality
from vcfstats.pipeline.correlations import MATRICES, READINGS, write_correlations
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.networks import write_networks
from vcfstats.pipeline.stages import run_stage

from .with_nomogram import GRIDS

ROOT = Path(__file__).parents[2]
LEVELS = {"a": "Level A", "b": "Level B"}
KINDS = ("noise", "telling", "constant", "copy", "gaps", "empty", "rare", "three", "shared")
FORMS = ("ICC(1,1)", "ICC(A,1)", "ICC(C,1)", "ICC(1,k)", "ICC(A,k)", "ICC(C,k)")


@dataclass
class Drawn:
    """A cohort and its decisions: table, covariates, feature matrices, and the keys of params.yaml that depart."""

    table: pd.DataFrame
    covariates: dict
    matrices: dict
    settings: dict
    repeats: str
    screening: bool
    rng: np.random.Generator


def draw(seed: int, **fixed) -> Drawn:
    """Draw a study; `fixed` takes the place of what would have been drawn."""
    rng = np.random.default_rng([20, seed])

    def pick(name, *choices):
        drawn = choices[int(rng.integers(len(choices)))]
        return fixed.get(name, drawn)

    n = fixed.get("n", int(rng.integers(12, 41)))
    ids = [f"p{i:02d}" for i in range(n)]
    outcome = (np.arange(n) % pick("every", 2, 2, 3) == 0).astype(int)
    testing = np.zeros(n, dtype=bool)
    for level in (0, 1):
        mine = np.flatnonzero(outcome == level)
        testing[mine[: max(1, round(pick("share", 0.25, 0.35) * len(mine)))]] = True
    table = pd.DataFrame(
        {
            "patient_id": ids,
            "image": [f"{name}.nii.gz" for name in ids],
            "mask": [f"{name}_m.nii.gz" for name in ids],
            "partition": np.where(testing, "testing", "training"),
            "outcome": outcome,
        }
    )
    kinds = fixed.get("kinds", [KINDS[int(rng.integers(len(KINDS)))] for _ in range(int(rng.integers(0, 6)))])
    covariates = {}
    for number, kind in enumerate(kinds):
        covariates |= _covariate(f"c{number}_{kind}", kind, table, covariates, rng)
    if covariates and pick("second", False, False, True):
        name = next(iter(covariates))
        again = table[name].copy()
        again.iloc[: int(rng.integers(0, n))] = again.iloc[0]
        table["again"] = again
        covariates[name]["second_reading"] = "again"
    scanner = pick("scanner", "none", "one", "two", "small", "gaps")
    if scanner != "none":
        names = np.where(rng.random(n) < 0.5, "Alpha", "Beta").astype(object)
        if scanner == "one":
            names[:] = "Alpha"
        if scanner == "small":
            names[:] = "Alpha"
            names[-2:] = ["Beta", "Gamma"]
        table["scanner"] = names
        if scanner == "gaps":
            table.loc[table.index[::2], "scanner"] = None
    followup = pick("followup", "none", "times", "gaps", "none")
    if followup != "none":
        table["months"] = np.round(rng.uniform(1, 60, n), 1)
        table["ended"] = rng.integers(0, 2, n) if rng.random() < 0.7 else 0
        if followup == "gaps":
            table.loc[table.index[: n if rng.random() < 0.3 else n // 2], ["months", "ended"]] = None
    effect = pick("effect", 0.0, 0.0, 2.0)
    radiomics = rng.normal(size=(n, int(rng.integers(1, 25)))) + effect * outcome[:, None] * (rng.random() < 0.7)
    deep = np.maximum(rng.normal(size=(n, 3 * 4)) + pick("deep", 0.0, 1.0) * outcome[:, None], 0)
    if pick("constant", False, False, False, True):
        radiomics[:], deep[:] = 1.0, 0.0
    matrices = {
        "radiomics": pd.DataFrame(radiomics, columns=[f"original_glcm_F{j}" for j in range(radiomics.shape[1])]),
        "deep": pd.DataFrame(deep, columns=[f"DL_{k}{s}" for s in ("", ".1", ".2") for k in range(4)]),
    }
    settings = {
        "split.method": "column" if pick("split", "column", "column", "stratified") == "column" else "stratified",
        "cohort.scanner": {"column": "scanner"} if scanner != "none" else None,
        "cohort.followup": {"time": "months", "event": "ended", "unit": "months"} if followup != "none" else None,
        "learning.folds.n": pick("folds", 3, 3, 4),
        "learning.folds.nested": pick("nested", False, False, True),
        "learning.clinical.missing": pick("missing", "complete_case", "median_mode", "multiple_imputation"),
        "learning.clinical.predictors": pick("predictors", "independent", "screened"),
        "learning.clinical.classifiers_use": pick("use", "screened", "all"),
        "learning.clinical.screening_alpha": pick("alpha", 0.05, 0.05, 0.6),
        "learning.reliability.deep": pick("reliability_deep", False, False, True),
        "learning.fusion.input": pick("input", "out_of_fold", "out_of_fold", "resubstituted"),
        "learning.optimism.n_resamples": pick("optimism", 0, 0, 2),
        "learning.stability.n_subsamples": pick("stability", 0, 0, 2),
        "learning.delivered": pick("delivered", "mean_of_folds", "refitted"),
        "learning.fusion.shrinkage": pick("shrinkage", "heuristic", "none"),
        "learning.selection.collinearity.limit": pick("collinearity", None, 10.0),
        "learning.recalibration.method": pick("recalibration", "none", "logistic", "isotonic"),
        "learning.selection.t_test.alpha": pick("t_alpha", 0.05, 0.05, 1.0),
        "learning.threshold": pick("threshold", {"rule": "youden", "value": None}, {"rule": "fixed", "value": 0.5}),
        "evaluation.subgroup_minimum": pick("subgroup", 2, 5),
    }  # fmt: skip
    return Drawn(
        table, covariates, matrices, settings, pick("repeats", "none", "bad", "good"), pick("log", False, True), rng
    )


def _covariate(name: str, kind: str, table: pd.DataFrame, before: dict, rng: np.random.Generator) -> dict:
    n, outcome = len(table), table["outcome"].to_numpy()
    numbers = [other for other, given in before.items() if given["type"] == "continuous"]
    continuous = {"type": "continuous", "label": f"Finding {len(before) + 1}", "unit": "years"}
    levels = {"type": "binary", "label": f"Finding {len(before) + 1}", "levels": dict(LEVELS)}
    if kind == "telling":
        table[name] = np.round(rng.normal(60, 8, n) + 12 * outcome, 1)
        return {name: continuous}
    if kind == "constant":
        table[name] = 50 if rng.random() < 0.5 else "a"
        return {name: continuous if table[name].iloc[0] == 50 else levels}
    if kind == "copy" and numbers:
        table[name] = 12 * table[numbers[0]]
        return {name: continuous}
    if kind == "gaps":
        table[name] = np.where(rng.random(n) < 0.3, np.nan, np.round(rng.normal(60, 8, n), 1))
        return {name: continuous}
    if kind == "empty":
        table[name] = np.nan
        return {name: continuous}
    if kind == "rare":  # a level that one partition does not have
        table[name] = np.where(table["partition"] == ("testing" if rng.random() < 0.5 else "training"), "b", "a")
        return {name: levels}
    if kind == "three":
        table[name] = rng.choice(["a", "b", "c"], n)
        return {name: {**levels, "type": "categorical", "levels": {**LEVELS, "c": "Level C"}}}
    if kind == "shared":  # separates the classes
        table[name] = np.where(outcome == 1, "b", "a")
        return {name: levels}
    table[name] = np.round(rng.normal(60, 8, n), 1)
    return {name: continuous}


def make(directory: Path, drawn: Drawn, *, report: bool = True) -> Path:
    """Write a study's directory up to its raw cohort."""
    raw = directory / "cohort"
    raw.mkdir(parents=True)
    drawn.table.to_csv(raw / "cohort.csv", index=False)
    for number, row in enumerate(drawn.table.itertuples()):
        box = np.zeros((5, 8, 8), dtype=np.uint8)
        box[1:4, 2:6, 2:6] = 1
        image = np.random.default_rng(number).normal(100, 20, box.shape).astype(np.float32)
        sitk.WriteImage(sitk.GetImageFromArray(image), str(raw / row.image))
        sitk.WriteImage(sitk.GetImageFromArray(box), str(raw / row.mask))
    if drawn.screening:
        n = len(drawn.table)
        log = pd.DataFrame(
            {"step": ["screened", "excluded", "included"], "reason": ["", "No image", ""], "n": [n + 3, 3, n]}
        )
        log.to_csv(raw / "screening.csv", index=False)
    yaml = YAML()
    params = yaml.load(
        (ROOT / "vcfstats" / "pipeline" / "template.yaml")
        .read_text()
        .replace("{folder}", "cohort")
        .replace("{columns}", "-")
    )
    params["study"].update(
        title="A drawn study", condition="a tumour", case_noun="lesion", data_source="Drawn for a test."
    )
    params["cohort"]["outcome"]["column"] = "outcome"
    params["cohort"]["covariates"] = drawn.covariates
    params["cohort"]["screening"] = "screening.csv" if drawn.screening else None
    params["split"]["column"] = "partition"
    params["report"]["formats"] = ["html"]
    params["compute"].update(workers=1, arithmetic="native")
    params["trunk"].update(weights="none")
    learning = params["learning"]
    for name, grid in GRIDS.items():
        learning["classifiers"][name].update(grid)
    learning["classifiers"]["knn"]["n_neighbors"] = [3]
    learning["classifiers"]["mlp"].update(hidden_units=[2])
    learning["deep_head"]["C"] = [0.01]
    learning["selection"]["lasso"].update(folds=3, n_lambdas=10)
    learning["clinical"]["imputation"].update(n_imputations=2, iterations=2, donors=2)
    params["evaluation"]["bootstrap_samples"] = 200
    for key, value in drawn.settings.items():
        *path, last = key.split(".")
        section = params
        for part in path:
            section = section[part]
        section[last] = value
    yaml.dump(params, directory / "params.yaml")
    write_text(directory / "lock.json", '{"locks": []}\n')
    shutil.copy(ROOT / "vcfstats" / "pipeline" / "dvc.yaml", directory)
    if report:
        ignored = shutil.ignore_patterns("_output", ".quarto", "study")
        shutil.copytree(ROOT / "report", directory / "report", ignore=ignored)
        for name in ("background", "participants"):
            write_text(directory / "report" / "study" / f"{name}.md", "Not written yet.\n")
    return directory


def images_done(root: Path, drawn: Drawn) -> None:
    """Write what the stages between ingest and learn would have written."""
    study, rng = StudyDirectory(root), drawn.rng
    cases = pd.Index(drawn.table["patient_id"], name="case_id")
    for name, path in (("radiomics", study.radiomics_file), ("deep", study.deep_file)):
        frame = drawn.matrices[name].set_axis(cases)
        versions = {"pyradiomics-bhklab": "3.1.4"}
        write_features(frame, FeatureDescription(versions=versions, settings={}, inputs={}), path)
    write_networks([], study.networks)
    write_text(study.models / "trunk.json", "{}\n")
    source = study.params.learning.reliability.source
    said = {"source": source, "intra": [], "inter": []}
    if drawn.repeats != "none":
        said |= {"intra": list(cases[:4]), "inter": list(cases[:4])}
    study.repeats.mkdir(parents=True, exist_ok=True)
    for reading in READINGS:
        for matrix in MATRICES:
            known = drawn.repeats != "none" and reading != "perturbation"
            known &= matrix == "radiomics" or study.params.learning.reliability.deep
            features = list(drawn.matrices[matrix].columns)
            value = (
                rng.uniform(0.9, 1, len(features)) if drawn.repeats == "good" else rng.uniform(-0.5, 0.5, len(features))
            )
            rows = [
                (name, form, v, v - 0.1, min(v + 0.1, 1.0), 4)
                for name, v in zip(features, value, strict=True)
                for form in FORMS
            ]
            frame = pd.DataFrame(rows, columns=["feature", "form", "icc", "low", "high", "n"])
            write_correlations(study, matrix, reading, frame if known else None)
    write_text(study.repeats / "repeats.json", json.dumps(said) + "\n")
    quantities = pd.DataFrame(
        rng.uniform(1, 2, (len(cases), len(QUANTITIES))), index=list(cases), columns=list(QUANTITIES)
    )
    if rng.random() < 0.5:
        quantities.iloc[0, 0] = 2343.0
    outliers = find_outliers(quantities, study.params.quality.limit)
    write_text(study.quality_file, json.dumps(quality._content(quantities, outliers, 40.0), allow_nan=False) + "\n")


def maps_done(root: Path) -> None:
    """Write what the stage activation would have written, without maps."""
    write_text(StudyDirectory(root).activation_file, '{"panels": [], "correlations": []}\n')


def to_results(root: Path, drawn: Drawn) -> Path:
    """Run a drawn study to its results."""
    run_stage("ingest", root)
    run_stage("split", root)
    images_done(root, drawn)
    run_stage("learn", root)
    maps_done(root)
    run_stage("plan", root)
    run_stage("evaluate", root)
    return root


def to_pages(root: Path, drawn: Drawn) -> Path:
    """Run a drawn study to its documents, read back."""
    to_results(root, drawn)
    run_stage("render", root)
    run_stage("audit", root)
    return root


def predicted(root: Path) -> pd.DataFrame:
    """Return the predictions of a study."""
    return read_predictions(StudyDirectory(root).predictions_file)
