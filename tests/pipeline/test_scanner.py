"""Which scanner made each image: from a column or from headers, and what params may ask of it."""

import copy
from pathlib import Path

import pandas as pd
import pytest

from vcfstats.contracts.errors import InputError
from vcfstats.learning.settings import SplitSettings
from vcfstats.pipeline.cohort_table import read_cohort_table
from vcfstats.pipeline.ingest import scanners_of_headers
from vcfstats.pipeline.params import CohortSection, check_params
from vcfstats.pipeline.yamlfile import read_yaml

ROOT = Path(__file__).parents[2]
TABLE = "patient_id,image,mask,ill,machine\na,a.nii,am.nii,1,Maker A\nb,b.nii,bm.nii,0,\n"
OUTCOME = {"column": "ill", "event": 1, "event_label": "ill", "nonevent_label": "well"}


def cohort(tmp_path, scanner):
    (tmp_path / "cohort.csv").write_text(TABLE, encoding="utf-8")
    settings = CohortSection.model_validate({"folder": str(tmp_path), "outcome": OUTCOME, "scanner": scanner})
    return read_cohort_table(tmp_path, settings, SplitSettings(method="random"))


def test_a_column_names_the_scanner(tmp_path):
    found = cohort(tmp_path, {"column": "machine"})["scanner"]
    assert found["a"] == "Maker A"
    assert pd.isna(found["b"])
    assert "scanner" not in cohort(tmp_path, None)
    with pytest.raises(InputError, match=r"no column 'coil'.*cohort\.scanner\.column"):
        cohort(tmp_path, {"column": "coil"})


def test_headers_name_the_scanner_where_they_have_every_field():
    acquired = {
        "a": {"manufacturer": "Maker", "model": "A", "field_strength_t": 3.0},
        "b": {"manufacturer": "Maker", "field_strength_t": 1.5},
    }
    found = scanners_of_headers(pd.Index(["a", "b", "c"]), acquired, ("manufacturer", "model"))
    assert found.tolist() == ["Maker A", None, None]
    found = scanners_of_headers(pd.Index(["a", "b"]), acquired, ("manufacturer", "field_strength_t"))
    assert found.tolist() == ["Maker 3", "Maker 1.5"]


@pytest.mark.parametrize(
    ("scanner", "options", "said"),
    [
        (None, {"method": "combat"}, "needs cohort.scanner"),
        ({}, {}, "either in a column or in the header"),
        ({"column": "a", "header": ["model"]}, {}, "either in a column or in the header"),
        ({"header": ["echo_time_ms"]}, {}, "cohort.scanner.header.0 = 'echo_time_ms'"),
        ({"column": "a"}, {"covariates": ["diagnosis"]}, "'diagnosis' is the column of outcome"),
        ({"column": "a"}, {"covariates": ["followup_months"]}, "'followup_months' is the column of followup.time"),
        ({"column": "a"}, {"covariates": ["height"]}, "'height' is none of cohort.covariates: age"),
        ({"column": "a"}, {"min_cases": 1}, "harmonisation.min_cases = 1"),
        ({"column": "a"}, {"method": "bayes"}, "harmonisation.method = 'bayes'"),
    ],
)
def test_what_params_may_not_ask(scanner, options, said):
    body = copy.deepcopy(read_yaml(ROOT / "params.yaml"))
    body["cohort"]["scanner"] = scanner
    body["learning"]["selection"]["harmonisation"].update(options)
    with pytest.raises(InputError) as error:
        check_params(body, Path("params.yaml"))
    assert said in str(error.value)
