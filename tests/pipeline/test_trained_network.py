"""A study whose network is trained and cross-fitted, from slices to models: whose patients taught which weights."""

import shutil

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from vcfstats.contracts.predictions import read_predictions
from vcfstats.learning.classifiers import NAMES
from vcfstats.learning.crossfit import described, held_out_sets
from vcfstats.learning.deephead import join_slices, slices_of
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.networks import read_curves, read_networks
from vcfstats.pipeline.stages import run_stage

from .test_chain import bytes_of


def change_slices(study, change):
    with np.load(study.slices_file, allow_pickle=False) as archive:
        held = dict(archive)
    held["images"] = change(held["case_ids"], held["images"])
    np.savez_compressed(study.slices_file, **held)


@pytest.fixture(scope="module")
def trained_study(finished_study, tmp_path_factory):
    """The small study again: its last block trained on coarse slices, a network for all folds and for each and pair of them."""
    root = tmp_path_factory.mktemp("trained") / "study"
    shutil.copytree(finished_study, root)
    yaml = YAML()
    params = yaml.load(root / "params.yaml")
    params["study"]["protocol"] = None
    params["deviations"], params["choices"] = {}, {}
    params["trunk"].update(trained="last_block", cross_fit="folds")
    params["trunk"]["training"].update(epochs=2, patience=None)
    params["trunk"]["training"]["augmentation"]["views"] = 1
    learning = params["learning"]
    learning["clinical"].update(screening_alpha=0.6, predictors="screened")
    learning["optimism"]["n_resamples"] = learning["stability"]["n_subsamples"] = 0
    learning["classifiers"].update({name: None for name in NAMES if name != "knn"})
    learning["classifiers"]["knn"]["n_neighbors"] = [3, 9]
    yaml.dump(params, root / "params.yaml")
    change_slices(StudyDirectory(root), lambda _, images: np.ascontiguousarray(images[:, :, ::7, ::7]))
    for stage in ("deep", "repeats", "learn"):
        run_stage(stage, root)
    return root


def test_out_of_fold_probabilities_come_from_networks_that_never_saw_the_patient(trained_study):
    study = StudyDirectory(trained_study)
    predictions, deep = read_predictions(study.predictions_file), pd.read_parquet(study.deep_file)
    rule = study.params.learning.deep_head.slices
    networks = read_networks(study.networks, slices_of(deep)[1], rule)
    assert list(networks.heads) == held_out_sets([0, 1, 2])
    assert set(networks.matrices) == set(networks.heads) - {()}
    curves = read_curves(study.networks)
    assert list(curves["network"].unique()) == [described(held_out) for held_out in networks.heads]
    assert (curves.groupby("network")["best"].value_counts()[:, "yes"] == 1).all()

    def probability(held_out, matrix, cases):
        head = networks.heads[held_out]
        slices, _ = slices_of(matrix.loc[cases])
        return join_slices(slices @ head.coefficients + head.intercept, rule)

    of = predictions[predictions["model"] == "dl"]
    for k, rows in of[of["kind"] == "out_of_fold"].groupby("fold"):
        expected = probability((k,), networks.matrices[k,], rows["case_id"])
        np.testing.assert_allclose(rows["probability"], expected, rtol=1e-9)
    for kind, model in (("apparent", "dl"), ("testing", "dl"), ("out_of_fold", "dl_one_network")):
        rows = predictions[(predictions["model"] == model) & (predictions["kind"] == kind)]
        np.testing.assert_allclose(rows["probability"], probability((), deep, rows["case_id"]), rtol=1e-9)


def test_testing_patients_leave_no_trace_in_weights_or_models(trained_study, tmp_path):
    """Testing patients exchange outcomes and findings, their slices and a radiomic feature tell the outcome: all that was fitted stays."""
    root = tmp_path / "other"
    shutil.copytree(trained_study, root)
    study = StudyDirectory(root)
    split = study.read_split()
    testing = split.index[split["partition"] == "testing"]
    cohort = pd.read_parquet(study.cohort_file)
    others = np.roll(testing, 1)
    columns = ["outcome", *study.params.cohort.covariates]
    cohort.loc[testing, columns] = cohort.loc[others, columns].to_numpy()
    cohort = cohort.astype(pd.read_parquet(study.cohort_file).dtypes)
    cohort.to_parquet(study.cohort_file)
    told = cohort["outcome"].to_dict()
    assert set(cohort.loc[testing, "outcome"]) == {0, 1}

    def plant(case_ids, images):
        for place, case in enumerate(case_ids):
            if case in testing:
                images[place] = 255 * told[case]
        return images

    change_slices(study, plant)
    radiomics = pd.read_parquet(study.radiomics_file)
    radiomics.loc[testing, radiomics.columns[:3]] = cohort.loc[testing, ["outcome"]].to_numpy(dtype=np.float64)
    radiomics.to_parquet(study.radiomics_file)
    shutil.rmtree(study.cache / "networks" / "trainings")  # trained again, not read
    for stage in ("deep", "repeats", "learn"):
        run_stage(stage, root)
    one, two = (bytes_of(place, "models/network", "data/networks", "models/learned") for place in (trained_study, root))
    assert list(one) == list(two)
    assert {"models/network/network.safetensors", "models/learned/dlrn.json"} <= set(one)
    assert [name for name in one if one[name] != two[name]] == []
    before, after = (read_predictions(place / "data/predictions.parquet") for place in (trained_study, root))
    kept = before["kind"] != "testing"
    pd.testing.assert_frame_equal(before[kept], after[kept])
    assert not before.equals(after)
