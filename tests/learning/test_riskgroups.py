"""Groups of risk: quantiles of numpy, frozen, and no testing patient among them."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from vcfstats.contracts.predictions import SECOND_STAGE
from vcfstats.learning.riskgroups import risk_cuts, risk_group
from vcfstats.learning.settings import RiskGroupSettings


def predictions(known, testing=(0.9, 0.95)):
    parts = [(SECOND_STAGE, value) for value in known] + [("testing", value) for value in testing]
    return pd.DataFrame(parts, columns=["kind", "probability"]).assign(model="dlrn")


def test_cuts_are_quantiles_of_what_the_model_had_not_seen():
    known = np.random.default_rng(0).random(50)
    cuts = risk_cuts(predictions(known), RiskGroupSettings(groups=4))["dlrn"]
    np.testing.assert_allclose(cuts, np.quantile(known, [0.25, 0.5, 0.75]))
    assert risk_cuts(predictions(known, testing=(0.0,) * 90), RiskGroupSettings(groups=4))["dlrn"] == cuts
    sizes = np.bincount(risk_group(known, cuts))
    assert sizes.tolist() == [13, 12, 12, 13]


def test_fixed_cuts_are_taken_and_one_at_a_cut_is_above_it():
    cuts = risk_cuts(predictions([0.1, 0.5]), RiskGroupSettings(cuts=(0.2, 0.5)))["dlrn"]
    assert cuts == (0.2, 0.5)
    assert risk_group(np.array([0.1, 0.2, 0.49, 0.5, 1.0]), cuts).tolist() == [0, 1, 1, 2, 2]


def test_coinciding_quantiles_make_fewer_groups():
    assert risk_cuts(predictions([0.3] * 20 + [0.7] * 4), RiskGroupSettings())["dlrn"] == ()
    assert len(risk_cuts(predictions([0.1] * 6 + [0.5] * 20), RiskGroupSettings())["dlrn"]) == 1
    assert risk_cuts(predictions([]), RiskGroupSettings()) == {}


@pytest.mark.parametrize("cuts", [(0.5, 0.2), (0.2, 0.2), (0.0, 0.5), (1.5,)])
def test_cuts_that_do_not_ascend_are_refused(cuts):
    with pytest.raises(ValidationError, match="larger than the one before"):
        RiskGroupSettings(cuts=cuts)
