"""Recalibration: the map of independent software, learned out of fold, and of use where probabilities are none."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from statsmodels.api import Logit, add_constant

from vcfstats import brier_score
from vcfstats.contracts.predictions import SECOND_STAGE, as_fitted, recalibrated
from vcfstats.learning.recalibration import (
    Recalibration,
    fit_recalibration,
    no_better_than_chance,
    recalibrate,
    useless,
)
from vcfstats.learning.settings import RecalibrationSettings

LOGISTIC, ISOTONIC = (RecalibrationSettings(method=method) for method in ("logistic", "isotonic"))


def overconfident(n=600, seed=0):
    """Return probabilities of a model that is three times too sure, and outcomes."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=n)
    return expit(3 * score + 1), (rng.random(n) < expit(score)).astype(np.int64)


def test_logistic_map_is_that_of_statsmodels():
    p, y = overconfident()
    found = fit_recalibration(p, y, LOGISTIC)
    peer = Logit(y, add_constant(logit(np.clip(p, 0.001, 0.999)))).fit(disp=0)
    np.testing.assert_allclose([found.intercept, found.slope], peer.params, rtol=1e-8)
    np.testing.assert_allclose(found.apply(p).mean(), y.mean(), rtol=1e-8)  # calibrated in the large
    assert (found.n, found.n_events, found.remark) == (600, int(y.sum()), "")


def test_isotonic_map_is_that_of_scikit_learn():
    p, y = overconfident(80)
    found = fit_recalibration(p, y, ISOTONIC)
    peer = IsotonicRegression(out_of_bounds="clip").fit(p, y)
    new = np.linspace(0, 1, 50)
    np.testing.assert_allclose(found.apply(new), peer.predict(new), atol=1e-12)


@pytest.mark.parametrize("settings", [LOGISTIC, ISOTONIC])
def test_new_patients_of_an_overconfident_model_are_better_served(settings):
    p, y = overconfident(seed=1)
    new, outcome = overconfident(seed=2)
    changed = fit_recalibration(p, y, settings).apply(new)
    assert brier_score(outcome, changed).statistic < brier_score(outcome, new).statistic - 0.02


@settings(deadline=None)
@given(st.integers(0, 1000), st.sampled_from([LOGISTIC, ISOTONIC]))
def test_order_of_patients_stays_and_probabilities_are_probabilities(seed, how):
    p, y = overconfident(50, seed)
    if y.min() == y.max():
        return
    found = fit_recalibration(p, y, how)
    values = found.apply(np.sort(p))
    assert ((values >= 0) & (values <= 1)).all()
    if found.remark == "":
        assert (np.diff(values) >= -1e-12).all()
    again = Recalibration.from_dict(json.loads(json.dumps(found.to_dict())))
    np.testing.assert_array_equal(again.apply(p), found.apply(p))


@pytest.mark.parametrize(
    ("p", "y", "remark"),
    [
        ([0.4] * 6, [0, 0, 0, 1, 1, 0], "one probability for all"),
        ([0.4] * 5 + [0.4 + 1e-15], [0, 0, 0, 1, 1, 0], "one probability for all"),
        ([0.1, 0.2, 0.3, 0.7, 0.8, 0.9], [0, 0, 0, 1, 1, 1], "Firth"),
        ([0.1, 0.6, 0.3, 0.4, 0.7, 0.9], [1, 0, 1, 1, 0, 0], "the slope is negative, the prevalence in its place"),
        ([0.0, 0.0, 1.0, 1.0, 0.0, 1.0], [0, 1, 0, 1, 0, 1], ""),
    ],
)
def test_degenerate_probabilities_end_in_words(p, y, remark):
    found = fit_recalibration(np.array(p), np.array(y), LOGISTIC)
    assert remark in found.remark
    assert np.isfinite(found.apply(np.array([0.0, 0.5, 1.0]))).all()


def table(seed=0):
    p, y = overconfident(60, seed)
    ids = [f"p{i}" for i in range(60)]
    about = {"case_id": ids, "patient_id": ids, "repeat": 0, "feature_set": "fused", "outcome": y}
    parts = [
        pd.DataFrame({**about, "kind": kind, "partition": "training", "fold": fold, "model": model, "probability": p})
        for model in ("dlr", "fused.svm", "fused.mlp")
        for kind, fold in (("apparent", -1), ("out_of_fold", np.arange(60) % 3), (SECOND_STAGE, np.arange(60) % 3))
    ]
    return pd.concat(parts, ignore_index=True)


def test_fold_is_recalibrated_by_the_other_folds():
    given_rows = table()
    rows, maps = recalibrate(given_rows, LOGISTIC)
    assert set(maps) == {"dlr", "fused.svm"}  # likelihood made the others' probabilities
    assert {as_fitted(model) for model in rows["model"]} == set(maps)
    mine = rows[(rows["model"] == recalibrated("dlr")) & (rows["kind"] == "out_of_fold")]
    raw = given_rows[(given_rows["model"] == "dlr") & (given_rows["kind"] == "out_of_fold")]
    known = given_rows[(given_rows["model"] == "dlr") & (given_rows["kind"] == SECOND_STAGE)]
    for k in range(3):
        other = known[known["fold"] != k]
        expected = fit_recalibration(other["probability"].to_numpy(), other["outcome"].to_numpy(), LOGISTIC)
        held = (raw["fold"] == k).to_numpy()
        np.testing.assert_allclose(mine["probability"][held], expected.apply(raw["probability"][held].to_numpy()))
    flipped = given_rows.copy()
    flipped.loc[flipped["fold"] == 0, "outcome"] = 1 - flipped.loc[flipped["fold"] == 0, "outcome"]
    again = recalibrate(flipped, LOGISTIC)[0]
    of_fold = (rows["fold"] == 0) & (rows["kind"] == "out_of_fold")
    pd.testing.assert_series_equal(again[of_fold]["probability"], rows[of_fold]["probability"])


def test_none_leaves_the_table_as_it_is():
    rows, maps = recalibrate(table(), RecalibrationSettings(method="none"))
    assert len(rows) == 0
    assert maps == {}


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([LOGISTIC, ISOTONIC]))
def test_no_map_turns_a_ranking_round(seed, how):
    rng = np.random.default_rng(seed)
    p, y = rng.uniform(0, 1, 20), np.arange(20) % 2
    values = fit_recalibration(p, y, how).apply(np.sort(p))
    assert (np.diff(values) >= -1e-12).all()


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda p, y, rng: p, ""),
        (lambda p, y, rng: 1 - p, "calibration slope \N{MINUS SIGN}"),
        (lambda p, y, rng: rng.permutation(p), "95% CI \N{MINUS SIGN}"),
        (lambda p, y, rng: np.full(len(p), 0.3), "it gives all of them one probability"),
        (lambda p, y, rng: np.where(y == 1, 0.9, 0.1), ""),  # separated: it ranks them perfectly
        (lambda p, y, rng: np.where(y == 1, 0.0, 1.0), "calibration slope \N{MINUS SIGN}"),
    ],
)
def test_a_model_that_does_not_rank_is_told_of(draw, said):
    p, y = overconfident(300)
    found = no_better_than_chance(draw(p, y, np.random.default_rng(3)), y, 0.001)
    assert bool(found) is bool(said)
    assert said in found
    assert not found or found.startswith("out of fold this model does not rank patients better than chance (")


def test_of_such_a_model_no_recalibrated_row_is_made_and_the_others_keep_theirs():
    rows = table(2)
    mine = (rows["model"] == "dlr").to_numpy()
    rows.loc[mine, "probability"] = 1 - rows.loc[mine, "probability"]
    of_no_use = useless(rows, LOGISTIC.clip)
    assert list(of_no_use) == ["dlr"]
    for how in (LOGISTIC, ISOTONIC):
        made, maps = recalibrate(rows, how, of_no_use)
        assert set(maps) == {"fused.svm"}
        assert set(made["model"]) == {recalibrated("fused.svm")}
