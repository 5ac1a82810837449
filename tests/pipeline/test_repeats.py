"""Which features are reproducible: from regions drawn again or from changed copies, radiomic and deep, training patients alone."""

import json

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from vcfstats import icc
from vcfstats.contracts.errors import InputError
from vcfstats.contracts.features import read_features
from vcfstats.pipeline import repeats
from vcfstats.pipeline.correlations import correlations, read_correlations
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.evaluation.reproducibility import reliability as words
from vcfstats.pipeline.learn import reliability


def study_with(root, perturbation=None, workers=1, **changes):
    yaml = YAML()
    body = yaml.load(root / "params.yaml")
    body["learning"]["reliability"].update(changes)
    body["perturbation"].update({"number": 2, "patients": 6} | (perturbation or {}))
    body["compute"]["workers"] = workers
    if changes.get("source", "repeats") != "repeats":
        body["deviations"]["learning.reliability.source"] = "a test"
    yaml.dump(body, root / "params.yaml")
    return StudyDirectory(root)


def files(study):
    return {path.name: path.read_bytes() for path in sorted(study.repeats.iterdir())}


def training_of(study):
    split = study.read_split()
    return set(split.index[split["partition"] == "training"])


def test_correlations_are_those_of_the_readings():
    rng = np.random.default_rng(0)
    index = pd.Index([f"p{i}" for i in range(9)], name="case_id")
    readings = [pd.DataFrame(rng.normal(size=(9, 3)), index=index, columns=list("abc")) for _ in range(3)]
    found = correlations([readings[0], readings[1].iloc[::-1], readings[2][["c", "a", "b"]]])
    for name in "abc":
        expected = icc(np.column_stack([frame[name] for frame in readings])).to_frame()
        rows = found[found["feature"] == name].reset_index(drop=True)
        np.testing.assert_allclose(rows[["icc", "low", "high"]], expected[["icc", "low", "high"]], rtol=1e-12)
    assert (found["n"] == 9).all()


def test_deep_features_of_regions_drawn_again(study_copy):
    before = read_correlations(StudyDirectory(study_copy), "radiomics", "intra")
    study = study_with(study_copy, deep=True)
    repeats.run(study)
    pd.testing.assert_frame_equal(read_correlations(study, "radiomics", "intra"), before)
    said = json.loads((study.repeats / "repeats.json").read_text())
    assert said["source"] == "repeats"
    assert set(said["intra"]) <= training_of(study)
    names = list(read_features(study.deep_file).columns)
    for reading in ("intra", "inter"):
        found = read_correlations(study, "deep", reading)
        assert list(dict.fromkeys(found["feature"])) == names
        assert (found["n"] == len(said[reading])).all()
    filters = reliability(study)
    assert set(filters) == {"radiomics", "deep"}
    assert set(filters["deep"].kept) | set(filters["deep"].dropped) == set(names)
    assert filters["deep"].dropped  # a box that another outline moves gives other slices
    assert filters["deep"].kept
    assert words(study.params, said).startswith("Radiomic and deep features stayed if ICC(A,1) reached 0.85")


def test_changed_copies_of_training_patients(study_copy):
    study = study_with(study_copy, source="perturbation", deep=True)
    repeats.run(study)
    said = json.loads((study.repeats / "repeats.json").read_text())
    assert len(said["perturbation"]) + len(said["failed"]) == 6
    assert set(said["perturbation"]) | set(said["failed"]) <= training_of(study)
    copies = sorted((study.cache / "work" / "perturbation").rglob("*_image.nii.gz"))
    assert {path.name.removesuffix("_image.nii.gz") for path in copies} <= training_of(study)
    assert read_correlations(study, "radiomics", "intra") is None
    found = read_correlations(study, "radiomics", "perturbation")
    value = found[found["form"] == "ICC(A,1)"].set_index("feature")["icc"]
    assert value["original_firstorder_Mean"] > 0.8  # the same anatomy, a little changed
    assert value.min() < 0.8
    filters = reliability(study)
    assert set(filters) == {"radiomics", "deep"}
    assert "original_firstorder_Mean" in filters["radiomics"].kept
    text = words(study.params, said)
    assert "shifted by up to 0.5 mm, the region grown or shrunk by up to 10% of its volume" in text
    assert f"Correlations are those of {len(said['perturbation'])} training cases." in text
    first = files(study)
    again = study_with(study_copy, source="perturbation", deep=True, workers=2)
    repeats.run(again)
    assert files(again) == first


def test_copies_that_cannot_be_measured_are_told_and_too_many_end_the_stage(study_copy, monkeypatch):
    study = study_with(study_copy, source="perturbation")
    true = repeats.extract_cases
    training = sorted(training_of(study))

    def failing(cases, *args, **more):
        from vcfstats.contracts.errors import Problem

        bad = [case for case in cases if case.case_id in refused]
        if bad:
            raise InputError([Problem("a region of one voxel", "more", "look", patient=case.case_id) for case in bad])
        return true(cases, *args, **more)

    monkeypatch.setattr(repeats, "extract_cases", failing)
    refused = set()
    repeats.run(study)
    chosen = json.loads((study.repeats / "repeats.json").read_text())["perturbation"]
    refused = {chosen[0]}
    repeats.run(study)
    said = json.loads((study.repeats / "repeats.json").read_text())
    assert said["failed"] == {chosen[0]: "copy 2: a region of one voxel"}
    assert set(said["perturbation"]) == set(chosen[1:])
    assert (read_correlations(study, "radiomics", "perturbation")["n"] == len(chosen) - 1).all()
    assert (
        "1 more could not be changed or measured and were left out (one of them: copy 2: a region of one voxel)"
        in words(study.params, said)
    )
    refused = set(training)
    with pytest.raises(InputError, match=r"found 0 training cases whose image and region could be changed 2 times"):
        repeats.run(study)


def test_no_source_is_no_filter_and_said(study_copy):
    study = study_with(study_copy, source="none")
    repeats.run(study)
    assert reliability(study) == {}
    assert words(study.params, {}) == "Features were not filtered by reproducibility."
    with pytest.raises(InputError, match="run the stage repeats first"):
        read_correlations(study, "radiomics", "fourth")
