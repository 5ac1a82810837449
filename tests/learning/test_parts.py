"""The smaller parts: the network's head, held-out sets, grids, files that load nothing strange."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from vcfstats.contracts.errors import InputError
from vcfstats.learning.classifiers import NAMES, GridTask, build, fit_grid, grid_points
from vcfstats.learning.crossfit import best, held_out_sets, pooled_auc, rows_in, run_tasks
from vcfstats.learning.deephead import HeadTask, fit_heads, join_slices, slices_of
from vcfstats.learning.grids import ClassifierSettings, SvmGrid
from vcfstats.learning.settings import LearningSettings


def test_slices_come_apart_by_name_in_any_order_of_columns():
    columns = [f"DL_{k}{s}" for s in ("", ".1", ".2") for k in range(4)]
    frame = pd.DataFrame(np.arange(24.0).reshape(2, 12), columns=columns)
    slices, units = slices_of(frame[columns[::-1]])
    assert slices.shape == (2, 3, 4)
    for s in range(3):
        for i, unit in enumerate(units):
            assert (slices[:, s, i] == frame[unit + ("", ".1", ".2")[s]]).all()
    with pytest.raises(InputError, match=r"deep feature 'DL_2' not in every slice"):
        slices_of(frame.drop(columns="DL_2.1"))


def test_slices_join_by_each_rule():
    logits = np.array([[0.0, 1.0, -2.0], [3.0, 3.0, 3.0]])
    p = expit(logits)
    np.testing.assert_allclose(join_slices(logits, "mean_probability"), p.mean(axis=1))
    np.testing.assert_allclose(join_slices(logits, "max"), p.max(axis=1))
    np.testing.assert_allclose(join_slices(logits, "mean_logit"), expit(logits.mean(axis=1)))


def test_head_is_the_ridge_regression_of_all_slices():
    rng = np.random.default_rng(0)
    slices = np.maximum(rng.normal(size=(12, 3, 50)), 0)
    slices[:, :, 7] = 0.0  # a unit that never fires
    y = (np.arange(12) < 5).astype(int)
    probability, (head,), (remark,) = fit_heads(
        HeadTask(slices, y, slices, (0.02,), tuple(map(str, range(50))), "mean_logit")
    )
    flat = slices.reshape(36, 50)
    sd = flat.std(axis=0, ddof=1)
    z = np.where(sd > 0, (flat - flat.mean(axis=0)) / np.where(sd > 0, sd, 1), 0)
    labels = np.repeat(y, 3)

    def objective(beta):
        eta = beta[0] + z @ beta[1:]
        return 0.02 * np.sum(np.logaddexp(0, eta) - labels * eta) + 0.5 * beta[1:] @ beta[1:]

    top = minimize(objective, np.zeros(51), method="BFGS", options={"gtol": 1e-9}).x
    np.testing.assert_allclose(head.coefficients, top[1:], atol=1e-5)
    np.testing.assert_allclose(probability[0], expit((top[0] + z @ top[1:]).reshape(12, 3).mean(axis=1)), atol=1e-5)
    assert head.coefficients[7] == 0
    assert remark == ""


def test_held_out_sets_are_none_each_and_each_pair():
    assert held_out_sets([2, 0, 1]) == [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]
    assert rows_in(np.array([0, 1, 2, 1]), (0, 2)).tolist() == [False, True, False, True]


def test_best_takes_the_first_of_equals_and_knows_nothing_of_nan():
    assert best([0.7, np.nan, 0.8, 0.8 + 1e-15]) == 2
    assert best([np.nan, np.nan]) is None
    assert best([]) is None
    assert np.isnan(pooled_auc(np.array([0, 1]), np.array([0.2, np.nan])))
    assert pooled_auc(np.array([0, 1, 1]), np.array([0.5, 0.5, 0.9])) == 0.75


def test_tasks_come_back_in_order():
    assert run_tasks(abs, [-3, 2, -1], workers=1, label="x", unit="y") == [3, 2, 1]
    with pytest.raises(ValueError, match="workers must be at least 1"):
        run_tasks(abs, [1], workers=0, label="x", unit="y")


def test_grid_is_every_combination_and_a_linear_kernel_has_no_gamma():
    grids = ClassifierSettings().grids()
    assert list(grids) == list(NAMES)
    assert len(grid_points(grids["xgboost"])) == 4
    points = grid_points(SvmGrid(kernel=("linear", "rbf"), C=(1.0,), gamma=("scale", 0.1)))
    assert [(p["kernel"], p["gamma"]) for p in points] == [("linear", "scale"), ("rbf", "scale"), ("rbf", 0.1)]
    assert list(ClassifierSettings(svm=None, mlp=None).grids()) == [n for n in NAMES if n not in ("svm", "mlp")]


@pytest.mark.parametrize("name", NAMES)
def test_classifiers_learn_and_repeat_themselves(name):
    rng = np.random.default_rng(1)
    X, patients = rng.normal(size=(80, 3)), np.array([f"p{i // 2}" for i in range(80)])
    y = np.repeat((X[::2, 0] > 0).astype(int), 2)
    point = grid_points(ClassifierSettings().grids()[name])[-1]
    task = GridTask(name, (point,), X, y, patients, X, seed=3)
    first, second = fit_grid(task), fit_grid(task)
    assert first.remarks == ("",)
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
    assert ((first.probabilities >= 0) & (first.probabilities <= 1)).all()
    assert pooled_auc(y[::2], first.probabilities[0][::2]) > 0.75


def test_platts_folds_hold_whole_patients():
    patients = np.array([f"p{i // 4}" for i in range(40)])
    y = (np.arange(40) < 16).astype(int)
    model = build("svm", {"kernel": "linear", "C": 1.0, "gamma": "scale"}, 0, y=y, patients=patients)
    for inside, outside in model.cv:
        assert not set(patients[inside]) & set(patients[outside])


def test_impossible_fit_says_why():
    X, y = np.zeros((4, 1)), np.array([0, 1, 0, 1])
    result = fit_grid(
        GridTask(
            "knn",
            ({"n_neighbors": 5, "weights": "uniform"}, {"n_neighbors": 3, "weights": "uniform"}),
            X,
            y,
            np.arange(4).astype(str),
            X,
            0,
        )
    )
    assert result.remarks == ("not fitted: 5 neighbours among 4 training cases", "")
    assert np.isnan(result.probabilities[0]).all()
    assert np.isfinite(result.probabilities[1]).all()


def test_settings_describe_every_field_and_survive_json():
    def fields(model):
        for name, field in type(model).model_fields.items():
            assert field.description, f"{type(model).__name__}.{name}"
            value = getattr(model, name)
            if hasattr(type(value), "model_fields"):
                fields(value)

    settings = LearningSettings()
    fields(settings)
    assert LearningSettings.model_validate_json(settings.model_dump_json()) == settings
