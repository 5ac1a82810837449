"""A mask that somebody spoilt is the first thing that the quality pages show."""

import json

import numpy as np
import pandas as pd
import SimpleITK as sitk

from vcfstats.contracts.records import read_records
from vcfstats.contracts.study import TABLES, read_table
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.evaluation.quality import quality_records, quality_table
from vcfstats.pipeline.stages import run_stage
from vcfstats.reporting import open_study, regions
from vcfstats.reporting.contents import quality_table as printed_table
from vcfstats.reporting.drawings import contact_sheets


def test_every_case_has_a_picture_and_a_place(finished_study):
    study = StudyDirectory(finished_study)
    cases = sorted(study.read_cohort().index)
    assert sorted(path.stem for path in study.quality.glob("*.png")) == cases
    content = json.loads(study.quality_file.read_text(encoding="utf-8"))
    assert sorted(content["cases"]) == cases
    records = read_records(study.results / "results.json")
    named = {f"Case {cases.index(row['case_id']) + 1}" for row in content["outliers"]}
    assert records["cohort/all/n_quality_outliers"].value == len(named)
    assert set(read_table("quality", study.results / "tables" / "quality.csv")["case"]) == named
    document = open_study(finished_study)
    assert len(contact_sheets(document)) == 1
    assert f"Each of the {len(cases)} cases" in regions.quality(document).plain
    assert len(printed_table(document).rows) == max(len(content["outliers"]), 1)


def test_a_shifted_mask_is_named_first(study_copy):
    study = StudyDirectory(study_copy)
    rows = pd.read_csv(study.cohort_folder / "cohort.csv").set_index("patient_id")
    victim = str(rows.index[7])
    path = study.cohort_folder / rows.loc[victim, "mask"]
    mask = sitk.ReadImage(str(path))
    # Sagittal images: rows run from head to foot. Three centimetres.
    moved = sitk.GetImageFromArray(np.roll(sitk.GetArrayFromImage(mask), round(30 / mask.GetSpacing()[1]), axis=1))
    moved.CopyInformation(mask)
    sitk.WriteImage(moved, str(path))
    for stage in ("ingest", "preprocess", "quality"):
        run_stage(stage, study_copy)
    content = json.loads(study.quality_file.read_text(encoding="utf-8"))
    table = quality_table(content, patient_ids=True)
    assert tuple(table.columns) == TABLES["quality"]
    assert table["case"].iloc[0] == victim
    assert "Centre above the image's" in set(table.loc[table["case"] == victim, "quantity"])
    records = {record.estimate: record for record in quality_records(content, patient_ids=True)}
    assert str(records["quality_outliers"].value).split(", ")[0] == victim


def test_too_few_cases_are_not_compared():
    content = {"n": 5, "enough": False, "outliers": [], "limit": 3.5, "window_mm": 60.0, "median": {}}
    (record,) = quality_records(content)
    assert record.value is None
    assert record.method == "not estimable: fewer than 8 cases"
    assert quality_table(content).empty
