"""The logistic model: equal to an independent fit, whole in its JSON, blind to what it was not given."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from vcfstats.contracts.errors import InputError
from vcfstats.learning.logistic import LogisticModel, fit_logistic_model, keep_uncorrelated
from vcfstats.learning.settings import LogisticSettings

SETTINGS = LogisticSettings(correlation_max=0.9, penalty_c=0.5, folds=3)


@pytest.fixture
def data():
    rng = np.random.default_rng(11)
    x = rng.normal(size=(60, 5)) * [1, 10, 0.1, 1, 1] + [0, 100, 0, 0, 0]
    x[:, 3] = x[:, 0] * 2 + rng.normal(size=60) * 0.01  # a copy of the first but for a little noise
    x[:, 4] = 7.0  # constant
    y = pd.Series((rng.random(60) < 1 / (1 + np.exp(-x[:, 0]))).astype(int), index=[f"c{i}" for i in range(60)])
    return pd.DataFrame(x, index=y.index, columns=list("abcde")), y


def test_equals_the_penalised_likelihood_maximised_directly(data):
    features, y = data
    model = fit_logistic_model(features, y, SETTINGS)
    assert model.features == ("a", "b", "c")
    z = (features[list("abc")] - features[list("abc")].mean()) / features[list("abc")].std()

    def objective(beta):
        eta = beta[0] + z.to_numpy() @ beta[1:]
        return SETTINGS.penalty_c * np.sum(np.logaddexp(0, eta) - y * eta) + 0.5 * beta[1:] @ beta[1:]

    best = minimize(objective, np.zeros(4), method="BFGS", options={"gtol": 1e-9}).x
    np.testing.assert_allclose([model.intercept, *model.coefficients], best, atol=1e-5)  # two optimisers' tolerances
    expected = 1 / (1 + np.exp(-(best[0] + z.to_numpy() @ best[1:])))
    np.testing.assert_allclose(model.predict(features), expected, atol=1e-5)


def test_json_is_the_whole_model(data, tmp_path):
    features, y = data
    model = fit_logistic_model(features, y, SETTINGS)
    model.write(tmp_path / "model.json")
    again = LogisticModel.read(tmp_path / "model.json")
    assert again == model
    pd.testing.assert_series_equal(again.predict(features), model.predict(features))


def test_prediction_is_blind_to_other_columns_and_their_order(data):
    features, y = data
    model = fit_logistic_model(features, y, SETTINGS)
    shuffled = features[list("edcba")].assign(z=1.0)
    pd.testing.assert_series_equal(model.predict(shuffled), model.predict(features))
    with pytest.raises(InputError, match="no column 'a'"):
        model.predict(features.drop(columns="a"))


def test_correlation_filter_keeps_the_first_of_a_pair(data):
    features, _ = data
    assert keep_uncorrelated(features, 0.9) == ["a", "b", "c"]
    assert keep_uncorrelated(features[list("dabce")], 0.9) == ["d", "b", "c"]
    assert keep_uncorrelated(features, 1.0) == ["a", "b", "c", "d"]
    assert keep_uncorrelated(features.assign(a=-features["a"]), 0.9) == ["a", "b", "c"]  # |r|, not r


def test_nothing_that_varies_is_refused(data):
    features, y = data
    with pytest.raises(InputError, match="no feature varies"):
        fit_logistic_model(features[["e"]], y, SETTINGS)
    with pytest.raises(InputError, match="of one class"):
        fit_logistic_model(features, y * 0, SETTINGS)
