"""The simulated patients carry the reconstructed counts, the published margins and the published pattern of association."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import mannwhitneyu
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.contingency_tables import Table

from vcfstats.simulation.findings import AGES, FINDINGS, choose, second_reading, simulate_findings


@pytest.fixture(scope="module", params=[1, 20250101])
def patients(request):
    return simulate_findings(np.random.SeedSequence(request.param))


def _auc(outcome, score):
    return mannwhitneyu(score[outcome == 1], score[outcome == 0]).statistic / (outcome.sum() * (1 - outcome).sum())


def test_the_model_of_the_three_findings_is_the_reconstructed_one(patients):
    predictors = ["anterior_wedge", "band_edema", "paravertebral_mass"]
    event = (patients["diagnosis"] == "malignant").astype(int)
    training = patients["partition"] == "training"
    design = sm.add_constant(patients[predictors].astype(float))
    fit = sm.Logit(event[training], design[training]).fit(disp=False)
    odds_ratios = np.exp(fit.params[predictors])
    np.testing.assert_allclose(odds_ratios, [0.178, 0.114, 12.4], rtol=0.005)
    score = fit.predict(design)
    assert _auc(event[training], score[training]) == pytest.approx(0.815, abs=0.0005)
    assert _auc(event[~training], score[~training]) == pytest.approx(0.793, abs=0.0005)


# Counts of the published baseline table, training and testing.
MARGINS = {
    ("sex", "male"): (73, 32),
    ("sex", "female"): (91, 38),
    ("location", "cervical"): (3, 5),
    ("location", "thoracic"): (61, 22),
    ("location", "lumbar"): (100, 43),
    ("anterior_wedge", 1): (87, 41),
    ("band_edema", 1): (44, 23),
    ("paravertebral_mass", 1): (9, 3),
    ("diffuse_change", 1): (113, 45),
    ("pedicle", 1): (79, 36),
    ("diagnosis", "malignant"): (61, 24),
}


@pytest.mark.parametrize("margin", MARGINS)
def test_margins_are_the_published_ones(patients, margin):
    variable, level = margin
    present = patients[patients[variable] == level]["partition"].value_counts()
    assert (present["training"], present["testing"]) == MARGINS[margin]


@pytest.mark.parametrize("partition", AGES)
def test_ages_have_the_published_mean_and_sd(patients, partition):
    ages = patients.loc[patients["partition"] == partition, "age"]
    mean, sd = AGES[partition]
    assert ages.mean() == pytest.approx(mean, abs=0.2)
    assert ages.std() == pytest.approx(sd, abs=0.3)
    assert ages.between(20, 95).all()


def test_univariable_associations_in_training_are_the_published_ones(patients):
    training = patients[patients["partition"] == "training"]
    event = (training["diagnosis"] == "malignant").astype(int)

    def p_value(values):
        design = (
            pd.get_dummies(values, drop_first=True, dtype=float)
            if values.dtype == object
            else values.to_frame().astype(float)
        )
        return sm.Logit(event, sm.add_constant(design)).fit(disp=False).llr_pvalue

    for associated in ("sex", "age", "location", "band_edema", "anterior_wedge", "paravertebral_mass"):
        assert p_value(training[associated]) < 0.05, associated
    for unassociated in ("diffuse_change", "pedicle"):
        assert p_value(training[unassociated]) > 0.2, unassociated


def test_other_findings_do_not_depend_on_the_three_given_the_diagnosis():
    # Over seeds, sex is spread evenly over wedge within benign training patients: the sum of chi-squares is as expected.
    statistics = []
    for seed in range(60):
        patients = simulate_findings(np.random.SeedSequence(seed))
        group = patients[(patients["partition"] == "training") & (patients["diagnosis"] == "benign")]
        table = Table(pd.crosstab(group["sex"], group["anterior_wedge"]), shift_zeros=False)
        statistics.append(table.test_nominal_association().statistic)
    assert 0.6 < np.mean(statistics) < 1.6  # chi-square with 1 df


def test_the_seed_decides(patients):
    again = simulate_findings(np.random.SeedSequence(20250101))
    pd.testing.assert_frame_equal(again, simulate_findings(np.random.SeedSequence(20250101)))
    assert not again.equals(simulate_findings(np.random.SeedSequence(2)))


@pytest.mark.parametrize("count", [8, 12, 13, 60, 233, 234])
def test_subsets_are_stratified(patients, count):
    chosen = choose(patients, count)
    sizes = chosen.groupby(["partition", "diagnosis"]).size()
    assert len(chosen) == count
    assert len(sizes) == 4
    assert sizes.min() >= 2
    full = patients.groupby(["partition", "diagnosis"]).size()
    if count > 30:
        assert (sizes - full * count / 234).abs().max() <= 1
    assert patients.loc[chosen.index].equals(chosen)


@pytest.mark.parametrize("count", [7, 235])
def test_impossible_subsets(patients, count):
    with pytest.raises(ValueError, match=f"between 8 and 234, got {count}"):
        choose(patients, count)


@pytest.mark.parametrize("kappa", [0.0, 0.6, 0.85, 1.0])
def test_a_second_reader_agrees_as_much_as_asked(patients, kappa):
    readings = second_reading(patients, kappa, np.random.SeedSequence(5))
    for finding in FINDINGS:
        second = readings[f"{finding}_reader2"]
        assert second.sum() == patients[finding].sum()
        # Half a patient of rounding either way is worth 0.5 / (n p q).
        share = patients[finding].mean()
        rounding = 0.51 / (len(patients) * share * (1 - share))
        assert cohen_kappa_score(patients[finding], second) == pytest.approx(kappa, abs=rounding)
