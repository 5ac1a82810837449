"""Harmonisation within the whole of learning: nothing leaks, folds are fitted apart, what cannot be done is refused first."""

import re

import numpy as np
import pandas as pd
import pytest
from learning_cohorts import COVARIATES, learned, small_settings, written
from scipy import stats

from vcfstats import adjust_pvalues
from vcfstats.contracts.errors import InputError
from vcfstats.learning.artefacts import read_classifier
from vcfstats.learning.classifiers import NAMES
from vcfstats.learning.crossfit import rows_in
from vcfstats.learning.harmonisation import ComBat, context_columns, scanner_effect, split_context
from vcfstats.learning.harmonisation.effect import between
from vcfstats.learning.selection import select_features
from vcfstats.learning.settings import HarmonisationSettings


def quick(optimism=None, **changes):
    grid = {name: None for name in NAMES if name != "extra_trees"} | {
        "extra_trees": {"n_estimators": [4], "max_depth": [2], "min_samples_leaf": [2]}
    }
    options = {"method": "combat", "min_cases": 5, "matrices": ["radiomics", "deep"]} | changes
    selection = {"lasso": {"folds": 5, "n_lambdas": 30}, "harmonisation": options}
    more = {"optimism": optimism} if optimism else {}
    return small_settings(folds={"n": 3, "nested": True}, classifiers=grid, selection=selection, **more)


@pytest.fixture(scope="module")
def two_scanners(small):
    """The small cohort examined on two scanners; the second adds to every feature and spreads it."""
    cohort, matrices, _ = small
    rng = np.random.default_rng(11)
    cohort = cohort.assign(scanner=np.where(rng.random(len(cohort)) < 0.5, "alpha", "beta"))
    second = (cohort["scanner"] == "beta").to_numpy()[:, None]
    moved = {}
    for name, frame in matrices.items():
        scale = frame.std().to_numpy()
        shift, factor = rng.normal(1.5, 0.5, frame.shape[1]), rng.uniform(1.2, 1.8, frame.shape[1])
        values = frame.to_numpy()
        moved[name] = pd.DataFrame(
            np.where(second, values * factor + shift * scale, values), index=frame.index, columns=frame.columns
        )
    return cohort, moved, learned(cohort, moved, quick(covariates=["age", "location"]))


def test_models_see_features_that_training_patients_of_the_fit_harmonised(two_scanners):
    cohort, matrices, result = two_scanners
    training = cohort[cohort["partition"] == "training"].sort_index()
    fold = training["fold"].to_numpy(dtype=int)
    context = context_columns(cohort, COVARIATES, ("age", "location"))
    design = context.iloc[:, 1:]
    for held_out in ((), (1,), (0, 2)):
        inside = training.index[rows_in(fold, held_out)]
        own = ComBat().fit(
            matrices["radiomics"].loc[inside], batch=cohort.loc[inside, "scanner"], covariates=design.loc[inside]
        )
        after = pd.DataFrame(
            own.transform(matrices["radiomics"], batch=cohort["scanner"], covariates=design),
            index=cohort.index,
            columns=matrices["radiomics"].columns,
        )
        sight = result.selections["radiomics"][held_out].prepared
        names = list(sight.features)
        expected = (after[names] - after.loc[inside, names].mean()) / after.loc[inside, names].std(ddof=1)
        found = sight.apply(matrices["radiomics"].join(context))
        np.testing.assert_allclose(found, expected, atol=1e-9)
    assert [step.name for step in result.selections["fused"][()].steps][:2] == ["harmonisation", "zscore"]


def test_deep_features_stay_as_they_are_where_radiomics_alone_are_harmonised(two_scanners):
    cohort, matrices, _ = two_scanners
    training = cohort[cohort["partition"] == "training"].sort_index()
    frame = pd.concat([matrices["deep"], matrices["radiomics"]], axis=1).loc[training.index]
    context = context_columns(training, COVARIATES, ())
    found = {}
    for matrices_named in (("radiomics",), ("radiomics", "deep")):
        settings = quick(matrices=matrices_named).selection
        found[matrices_named] = select_features(
            frame.join(context),
            training["outcome"].to_numpy(),
            training["patient_id"].to_numpy(),
            settings,
            np.random.SeedSequence(1),
        ).prepared
    raw = found["radiomics",]
    deep = [name for name in raw.features if name.startswith("DL_")]
    assert deep
    values = pd.DataFrame(raw.values(frame.join(context)), index=frame.index, columns=list(raw.features))
    pd.testing.assert_frame_equal(values[deep], frame[deep])
    assert not (set(raw.features) - set(deep)) or not values[sorted(set(raw.features) - set(deep))].equals(
        frame[sorted(set(raw.features) - set(deep))]
    )


def test_testing_patients_leave_no_trace(two_scanners, tmp_path):
    cohort, matrices, result = two_scanners
    rng = np.random.default_rng(5)
    testing = cohort.index[cohort["partition"] == "testing"]
    shuffled = cohort.copy()
    for column in ("outcome", "scanner", *COVARIATES):
        shuffled.loc[testing, column] = rng.permutation(cohort.loc[testing, column].to_numpy())
    moved = {name: frame.copy() for name, frame in matrices.items()}
    for frame in moved.values():
        frame.loc[testing] = rng.permutation(frame.loc[testing].to_numpy()) * 3 + 1
    again = learned(shuffled, moved, quick(covariates=["age", "location"]))
    assert written(again, tmp_path / "again") == written(result, tmp_path / "first")
    kept = [table[table["kind"] != "testing"] for table in (again.predictions, result.predictions)]
    pd.testing.assert_frame_equal(*(table.reset_index(drop=True) for table in kept))


def test_a_fold_s_own_patients_do_not_move_what_they_are_harmonised_by(two_scanners):
    cohort, matrices, result = two_scanners
    inside = cohort.index[cohort["fold"] == 0]
    moved = {name: frame.copy() for name, frame in matrices.items()}
    for frame in moved.values():
        frame.loc[inside] = frame.loc[inside].to_numpy() * 2 + 1
    again = learned(cohort, moved, quick(covariates=["age", "location"]))
    for name in ("radiomics", "fused"):
        assert again.selections[name][0,].prepared == result.selections[name][0,].prepared
        assert again.selections[name][()].prepared != result.selections[name][()].prepared


def test_stored_classifier_harmonises_and_refuses_a_new_scanner(two_scanners, tmp_path):
    cohort, matrices, result = two_scanners
    result.write(tmp_path)
    stored = read_classifier(tmp_path / "classifiers", "fused", "extra_trees")
    context = context_columns(cohort, COVARIATES, ("age", "location"))
    frame = pd.concat([*matrices.values(), context], axis=1)
    table = result.predictions
    part = table[(table["model"] == "fused.extra_trees") & (table["kind"] == "testing")].set_index("case_id")
    np.testing.assert_allclose(stored.predict(frame.loc[part.index]), part["probability"], rtol=1e-9)
    strange = frame.loc[part.index].copy()
    strange.loc[part.index[2], "@scanner"] = "gamma"
    said = f"patient {part.index[2]}: found the scanner 'gamma', on which no training patient was examined; allowed: one of alpha, beta"
    with pytest.raises(InputError, match=said):
        stored.predict(strange)
    with pytest.raises(InputError, match="no column '@scanner' beside the features"):
        stored.predict(pd.concat(matrices.values(), axis=1).loc[part.index])
    lacking = frame.loc[part.index].copy()
    lacking.loc[part.index[0], "@age"] = np.nan
    with pytest.raises(InputError, match=f"patient {part.index[0]}: found no value of age"):
        stored.predict(lacking)


def changed(cohort, side, **values):
    case = cohort.index[cohort["partition"] == side][0]
    cohort = cohort.copy()
    for column, value in values.items():
        cohort.loc[case, column] = value
    return cohort


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (lambda c: changed(c, "testing", scanner="gamma"), {}, "patient p060: found the scanner 'gamma', on which no"),
        (lambda c: changed(c, "testing", scanner=None), {}, "patient p060: found no scanner"),
        (lambda c: changed(c, "training", scanner=None), {}, "patient p000: found no scanner"),
        (
            lambda c: changed(c, "training", scanner="gamma"),
            {},
            r"found [01] training cases of scanner gamma in the fit",
        ),
        (lambda c: changed(c, "testing", age=np.nan), {"covariates": ["age"]}, "patient p060: found no value of age"),
        (lambda c: c.assign(scanner="alpha"), {}, "one scanner, alpha, in the training set"),
        (lambda c: c.drop(columns="scanner"), {}, "no scanner in the cohort"),
        (lambda c: c, {"min_cases": 40}, "training cases of scanner .* at least 40"),
        (lambda c: c, {"covariates": ["height"]}, "the covariate 'height' to preserve"),
        (
            lambda c: c.assign(wedge=c["outcome"].astype(str)),
            {"covariates": ["wedge"]},
            "the covariate 'wedge=1', which tells the outcome of every training case",
        ),
    ],
)
def test_what_cannot_be_harmonised_is_refused_before_anything_is_fitted(two_scanners, change, options, said):
    cohort, matrices, _ = two_scanners
    with pytest.raises(InputError, match=said):
        learned(change(cohort), matrices, quick(**options))


def test_selection_that_cannot_harmonise_ends_with_the_reason(two_scanners):
    cohort, matrices, _ = two_scanners
    training = cohort[cohort["partition"] == "training"]
    frame = matrices["radiomics"].loc[training.index]
    given = (training["outcome"].to_numpy(), training["patient_id"].to_numpy(), quick().selection)
    seed = np.random.SeedSequence(1)
    alone = context_columns(training.assign(scanner="alpha"), COVARIATES, ())
    assert "one scanner, 'alpha'" in select_features(frame.join(alone), *given, seed).prepared.reason
    assert "without the scanners of their cases" in select_features(frame, *given, seed).prepared.reason


def test_resamples_short_of_a_scanner_fail_with_the_reason_and_the_others_stand(two_scanners):
    """Two patients of the third scanner in each fold: enough for every fit of the study, often too few in a resample."""
    cohort, matrices, _ = two_scanners
    training = cohort[cohort["partition"] == "training"]
    third = training.groupby("fold").head(2).index
    cohort = cohort.assign(scanner=cohort["scanner"].where(~cohort.index.isin(third), "gamma"))
    result = learned(
        cohort, {"radiomics": matrices["radiomics"]}, quick({"n_resamples": 8}, min_cases=2, matrices=["radiomics"])
    )
    cases = list(result.resamples.cases)
    assert cases == sorted(training.index)
    place = [cases.index(case) for case in third]
    told = []
    for sample in result.resamples.samples:
        drawn = sum(sample.drawn[k] for k in place)
        if "rad" in sample.probabilities:
            # Whoever is scored was harmonised by scanners that the resample holds.
            assert np.isfinite(sample.probabilities["rad"]).all()
            assert len(sample.probabilities["rad"]) == len(cases)
            assert drawn >= 2
            told.append("")
        else:
            # No model of this resample counts, so that all are compared on the same ones.
            (why,) = set(sample.failures.values())
            assert set(sample.failures) == {"clinical", "rad", "dl", "dlr", "dlrn"}
            assert re.fullmatch(r"[01] training cases of scanner gamma in the fit \((all folds|without fold \d)\)", why)
            told.append(why)
    assert any(told)
    assert not all(told)
    # What a fit may lack is decided for the study's own folds before anything is fitted: those all have scores.
    table = result.predictions
    held = table[(table["kind"] == "out_of_fold") & (table["model"] == "radiomics.extra_trees")]
    assert sorted(held["case_id"]) == cases


def test_effect_is_gone_after_and_measured_where_nothing_is_harmonised(two_scanners, small):
    cohort, matrices, result = two_scanners
    table = result.scanners.table.set_index(["matrix", "state"])
    for matrix in ("radiomics", "deep"):
        before, apparent, held = (table.loc[(matrix, state)] for state in ("before", "apparent", "out_of_fold"))
        assert before["location"] > 0.9 * before["n_features"]
        assert apparent["location"] == 0
        assert held["location"] < 0.1 * held["n_features"]
        assert held["median_share"] < 0.2 * before["median_share"]
    assert result.scanners.counts == cohort[cohort["partition"] == "training"]["scanner"].value_counts().to_dict()
    plain = learned(cohort, matrices, quick(method="none"))
    pd.testing.assert_frame_equal(
        plain.scanners.table.query("state == 'before'"), result.scanners.table.query("state == 'before'")
    )
    assert all(part.prepared.correction is None for part in plain.selections["fused"].values())
    assert learned(cohort, matrices, quick(method="none", describe=False)).scanners is None
    assert small[2].scanners is None  # no scanner is named there


def test_effect_that_cannot_be_measured_is_a_note(two_scanners):
    cohort, matrices, _ = two_scanners
    sparse = cohort.copy()
    sparse["scanner"] = "alpha"
    sparse.loc[cohort.index[:3], "scanner"] = "beta"
    sparse.loc[cohort.index[5], "scanner"] = None
    result = learned(sparse, {"radiomics": matrices["radiomics"]}, quick(method="none"), covariates={})
    said = [note.text for note in result.notes if note.subject == "scanner"]
    assert said[0].startswith("1 training cases have no known scanner")
    assert "differences between scanners were not measured" in said[1]
    assert result.scanners is None


def test_tests_of_the_effect_are_those_of_scipy(two_scanners):
    cohort, matrices, _ = two_scanners
    X = np.round(matrices["radiomics"].to_numpy() / matrices["radiomics"].std().to_numpy(), 1)
    X[:, 4] = 0.1
    three = np.where(np.arange(len(X)) % 3 == 0, "gamma", cohort["scanner"])
    for group in (cohort["scanner"].to_numpy(dtype=str), three.astype(str)):
        found = between(X, group)
        parts = [X[group == name] for name in np.unique(group)]
        vary = np.arange(X.shape[1]) != 4
        location = [stats.kruskal(*(part[:, j] for part in parts)).pvalue for j in np.flatnonzero(vary)]
        spread = [stats.levene(*(part[:, j] for part in parts), center="median").pvalue for j in np.flatnonzero(vary)]
        np.testing.assert_allclose(found.location[vary], location, rtol=1e-9)
        np.testing.assert_allclose(found.spread[vary], spread, rtol=1e-9)
        assert (found.location[4], found.spread[4], found.share[4]) == (1, 1, 0)
    settings = HarmonisationSettings(matrices=("radiomics",))
    context = context_columns(cohort, COVARIATES, ())
    effect = scanner_effect(matrices["radiomics"], context, np.arange(len(cohort)) % 3, settings)
    expected = between(matrices["radiomics"].to_numpy(), cohort["scanner"].to_numpy(dtype=str)).location
    assert effect.table["location"][0] == (adjust_pvalues(expected, method="bh") < 0.05).sum()
    features, beside = split_context(matrices["radiomics"].join(context))
    assert list(beside) == ["@scanner"]
    assert list(features) == list(matrices["radiomics"])
