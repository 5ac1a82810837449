"""Records and tables of multiple imputation: by Rubin's rules by hand, and as direct computation gives them."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import expit, logit

from vcfstats import pool_imputations, roc_auc
from vcfstats.contracts.study import TABLES
from vcfstats.learning.linear import Column
from vcfstats.learning.pooled import pooled_terms, stored
from vcfstats.pipeline.evaluation.imputation import (
    imputation_records,
    imputation_table,
    pooled_regression,
    read_imputed,
)
from vcfstats.pipeline.params import read_params

ROOT = Path(__file__).parents[2]
COUNTED = {
    "n_imputations": 2,
    "iterations": 10,
    "cases": {"training": 5, "testing": 3},
    "missing": {"age": {"training": 4, "testing": 3}, "pedicle": {"training": 1, "testing": 0}},
}
COLUMNS = {
    "age": {"variable": "age", "level": None, "reference": None},
    "location=thoracic": {"variable": "location", "level": "thoracic", "reference": "lumbar"},
    "pedicle=1": {"variable": "pedicle", "level": "1", "reference": "0"},
}
# Four events, then four non-events; the third event lies above three of four non-events, or above two.
OUTCOME = [1, 1, 1, 1, 0, 0, 0, 0]
PROBABILITIES = ([0.9, 0.8, 0.7, 0.3, 0.6, 0.4, 0.2, 0.1], [0.9, 0.8, 0.5, 0.3, 0.6, 0.4, 0.2, 0.1])


@pytest.fixture(scope="module")
def params():
    return read_params(ROOT / "params.yaml")


def long(kind, model, each):
    """Return probabilities (m, n) as the learning stage stores them, in no order: cases are matched by name."""
    frame = pd.concat(
        [
            pd.DataFrame(
                {"kind": kind, "model": model, "imputation": i, "case_id": [f"C{j:03}" for j in range(len(row))], "probability": row}
            )
            for i, row in enumerate(each)
        ]
    )  # fmt: skip
    return frame.sample(frac=1, random_state=3)


def cases(outcome):
    return pd.DataFrame({"case_id": [f"C{j:03}" for j in range(len(outcome))], "outcome": outcome})


def test_an_auc_is_pooled_by_rubin_s_rules_on_the_logit(params):
    """By hand: AUC 7/8 with DeLong's variance 1/48, and 13/16 with 11/384."""
    found = imputation_records(COUNTED, long("testing", "dlrn", PROBABILITIES), cases(OUTCOME), params)
    (record,) = [each for each in found if each.estimate == "auc_pooled"]
    assert (record.kind, record.model, record.partition) == ("testing", "dlrn", "testing")
    assert (record.n, record.events, record.level) == (8, 4, 0.95)
    assert "DeLong in each of 2 imputations" in record.method
    first, second = math.log(7), math.log(13 / 3)
    within = ((1 / 48) / (7 / 8 * 1 / 8) ** 2 + (11 / 384) / (13 / 16 * 3 / 16) ** 2) / 2
    between = (first - second) ** 2 / 2
    total = within + 1.5 * between
    df = (total / (1.5 * between)) ** 2
    half = stats.t.ppf(0.975, df) * math.sqrt(total)
    middle = (first + second) / 2
    assert_allclose(record.value, math.sqrt(91 / 3) / (1 + math.sqrt(91 / 3)), rtol=1e-12)
    assert_allclose([record.ci_low, record.ci_high], expit([middle - half, middle + half]), rtol=1e-9)
    assert_allclose(record.df, df, rtol=1e-9)


def test_every_model_and_kind_is_pooled_as_direct_computation_says(params):
    rng = np.random.default_rng(4)
    y = rng.permutation(np.repeat([1, 0], [25, 35]))
    linear = rng.normal(size=60) + 1.2 * y
    given = {
        (kind, model): expit(linear + rng.normal(scale=0.6, size=(5, 60)))
        for kind in ("apparent", "out_of_fold", "testing")
        for model in ("clinical", "dlrn")
    }
    table = pd.concat([long(kind, model, each) for (kind, model), each in given.items()])
    level = params.model_copy(update={"evaluation": params.evaluation.model_copy(update={"confidence_level": 0.9})})
    records = imputation_records(COUNTED, table, cases(y), level)
    pooled = {(each.kind, each.model): each for each in records if each.estimate == "auc_pooled"}
    assert set(pooled) == set(given)
    for key, each in given.items():
        aucs = [roc_auc(y, row) for row in each]
        expected = pool_imputations([auc.auc for auc in aucs], [auc.se for auc in aucs], scale="logit")
        record = pooled[key]
        assert record.value == expected.estimate
        assert (record.ci_low, record.ci_high) == tuple(expected.confidence_interval(0.9))
        assert (record.df, record.level) == (expected.df, 0.9)
        assert record.partition == ("testing" if record.kind == "testing" else "training")
        assert_allclose(record.value, expit(np.mean(logit([auc.auc for auc in aucs]))), rtol=1e-12)


def test_imputations_that_agree_and_an_auc_of_one(params):
    same = imputation_records(COUNTED, long("testing", "dlrn", PROBABILITIES[:1] * 3), cases(OUTCOME), params)[-1]
    alone = roc_auc(OUTCOME, PROBABILITIES[0]).confidence_interval(0.95, method="logit-delong")
    assert_allclose([same.value, same.ci_low, same.ci_high], [7 / 8, alone.low, alone.high], rtol=1e-6)
    assert same.df is None  # infinitely many, which JSON cannot hold
    perfect = [0.9, 0.8, 0.75, 0.7, 0.6, 0.4, 0.2, 0.1]
    none = imputation_records(COUNTED, long("testing", "dlrn", [perfect, PROBABILITIES[0]]), cases(OUTCOME), params)[-1]
    assert (none.value, none.ci_low, none.ci_high) == (None, None, None)
    assert none.method.startswith("not estimable")


def test_who_lacked_what_is_counted(params, tmp_path):
    records = imputation_records(COUNTED, read_imputed(tmp_path), cases(OUTCOME), params)
    found = {each.estimate: each.value for each in records}
    assert found == {
        "imputations": 2, "imputed_training": 5, "imputed_testing": 3, "imputed_training_age": 4, "imputed_testing_age": 3,
        "imputed_training_pedicle": 1, "imputed_testing_pedicle": 0,
    }  # fmt: skip
    assert {each.method for each in records if each.estimate.endswith("_age")} == {"Age"}
    assert imputation_records(None, read_imputed(tmp_path), cases(OUTCOME), params) == []


def test_probabilities_by_imputation_are_read_where_they_lie(params, tmp_path):
    table = long("testing", "dlrn", PROBABILITIES)
    table.to_parquet(tmp_path / "imputed.parquet")
    records = imputation_records(COUNTED, read_imputed(tmp_path), cases(OUTCOME), params)
    assert records == imputation_records(COUNTED, table, cases(OUTCOME), params)
    assert records[-1].estimate == "auc_pooled"


def completed(rng, n=90, m=4):
    """Return completed data sets that differ in a third of the ages, and the outcome."""
    age, thoracic = rng.normal(64, 10, n), rng.integers(0, 2, n).astype(float)
    y = (rng.random(n) < expit(0.05 * (age - 64) + 0.8 * thoracic - 0.4)).astype(int)
    lost = np.arange(n) % 3 == 0
    filled = [np.where(lost, age + rng.normal(0, 9, n), age) for _ in range(m)]
    return [pd.DataFrame({"age": each, "location=thoracic": thoracic}) for each in filled], y


def by_rubin(designs, y, column):
    """Return coefficient, total variance, degrees of freedom (Barnard and Rubin) and missing information of one column."""
    fits = [sm.Logit(y, sm.add_constant(design)).fit(disp=0, tol=1e-12) for design in designs]
    q, u = np.array([fit.params[column] for fit in fits]), np.array([fit.bse[column] ** 2 for fit in fits])
    m, complete = len(fits), len(y) - designs[0].shape[1] - 1
    added = (1 + 1 / m) * q.var(ddof=1)
    total = u.mean() + added
    old, seen = (m - 1) * (total / added) ** 2, (complete + 1) / (complete + 3) * complete * (1 - added / total)
    df = 1 / (1 / old + 1 / seen)
    r = added / u.mean()
    return q.mean(), total, df, (r + 2 / (df + 3)) / (r + 1)


def account_of(designs, y):
    """Return the account as the learning stage writes it, through JSON."""
    columns = {name: Column(**COLUMNS[name]) for name in designs[0].columns}
    both = stored(pooled_terms(designs, y, columns))
    single = [
        row for name in designs[0] for row in stored(pooled_terms([part[[name]] for part in designs], y, columns))
    ]
    output = stored(pooled_terms([part[["age"]].set_axis(["probability"], axis=1) for part in designs], y, {"probability": Column("probability")}))  # fmt: skip
    regression = {"univariable": single, "multivariable": both[:1], "clinical": both, "dlrn": output}
    return json.loads(json.dumps({**COUNTED, "regression": regression}))


def test_pooled_coefficients_are_those_of_statsmodels_by_rubin_s_rules(params):
    designs, y = completed(np.random.default_rng(7))
    table = imputation_table(account_of(designs, y), COLUMNS, params)
    assert list(table.columns) == list(TABLES["imputation"])
    assert table["model"].tolist() == ["Clinical", "Clinical", "DLRN"]
    assert table["term"].tolist() == ["Age (per year)", "Location: Thoracic", "DLR probability (logit)"]
    for row, (parts, column) in zip(
        table.to_dict("records"),
        [(designs, "age"), (designs, "location=thoracic"), ([part[["age"]] for part in designs], "age")],
        strict=True,
    ):
        estimate, total, df, missing = by_rubin(parts, y, column)
        half = stats.t.ppf(0.975, df) * math.sqrt(total)
        found = [row[name] for name in ("coefficient", "standard_error", "low", "high", "df", "missing_information", "p_value")]  # fmt: skip
        p = 2 * stats.t.sf(abs(estimate) / math.sqrt(total), df)
        expected = [estimate, math.sqrt(total), estimate - half, estimate + half, df, missing, p]
        assert_allclose(found, expected, rtol=1e-6, err_msg=row["term"])
    assert table["missing_information"].iloc[0] > 0.1  # of the ages
    assert imputation_table(None, COLUMNS, params).empty


def test_pooled_odds_ratios_take_the_form_of_the_regression_table(params):
    designs, y = completed(np.random.default_rng(7))
    table = pooled_regression(account_of(designs, y), COLUMNS, params)
    assert list(table.columns) == list(TABLES["regression"])
    assert table[["variable", "level", "reference"]].to_numpy().tolist() == [
        ["Age (per year)", "", ""],
        ["Location", "Thoracic", "Lumbar"],
    ]
    for prefix, parts, column, at in (
        ("", [part[["age"]] for part in designs], "age", 0),
        ("", [part[["location=thoracic"]] for part in designs], "location=thoracic", 1),
        ("adjusted_", designs, "age", 0),
    ):
        found = table.loc[at, [f"{prefix}{name}" for name in ("or", "low", "high", "p_value")]].astype(float)
        if column == "location=thoracic":  # never missing: its own fit, four times
            fit = sm.Logit(y, sm.add_constant(parts[0])).fit(disp=0, tol=1e-12)
            estimate, error, df = fit.params[column], fit.bse[column], (len(y) - 1) / (len(y) + 1) * (len(y) - 2)
        else:
            estimate, total, df, _ = by_rubin(parts, y, column)
            error = math.sqrt(total)
        half = stats.t.ppf(0.975, df) * error
        ratios = np.exp([estimate, estimate - half, estimate + half])
        assert_allclose(found, [*ratios, 2 * stats.t.sf(abs(estimate) / error, df)], rtol=1e-6)
    assert (
        table.loc[1, ["adjusted_or", "adjusted_low", "adjusted_high", "adjusted_p_value"]].isna().all()
    )  # not screened
    assert pooled_regression(COUNTED | {"regression": {}}, COLUMNS, params) is None
    assert pooled_regression(None, COLUMNS, params) is None
