"""The whole of learning: nothing leaks, nothing depends on workers or order, every gap ends in words."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from learning_cohorts import COVARIATES, Finding, learned, ranking, seeds, simulated, small_settings, written
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score
from statsmodels.api import Logit, add_constant

from vcfstats import optimal_threshold
from vcfstats.contracts.errors import InputError
from vcfstats.contracts.predictions import PREDICTIONS, SECOND_STAGE, as_fitted, recalibrated
from vcfstats.learning.artefacts import read_classifier
from vcfstats.learning.classifiers import NAMES, build, probability_of
from vcfstats.learning.crossfit import held_out_sets
from vcfstats.learning.linear import LinearModel
from vcfstats.learning.selection import Reliability

SETS = ("clinical", "radiomics", "fused")
HEADLINE = {"clinical": "clinical", "rad": "radiomics", "dl": "deep", "dlr": "fused", "dlrn": "fused+clinical"}
NONE = {"n_resamples": 0}
LIKELY = ("logistic_regression", "mlp")  # classifiers whose probabilities are not recalibrated
RIDGE = {name: None for name in NAMES} | {"logistic_regression": {"C": [0.1]}}
# Settings whose runs are only about what happens, not how well.
QUICK = small_settings(
    classifiers={name: None for name in NAMES if name not in ("knn", "extra_trees")}
    | {"knn": {"n_neighbors": [5]}, "extra_trees": {"n_estimators": [4], "max_depth": [2], "min_samples_leaf": [2]}},
    optimism=NONE,
)
NESTED = QUICK.model_copy(update={"folds": QUICK.folds.model_copy(update={"nested": True})})


def rows(result, model, kind):
    table = result.predictions
    return table[(table["model"] == model) & (table["kind"] == kind)].set_index("case_id")


def on_logit(probability, clip=0.001):
    """Return the scale on which the fused model's output enters."""
    return logit(probability.clip(clip, 1 - clip))


def test_every_model_scores_every_case_once_of_each_kind(small):
    cohort, _, result = small
    PREDICTIONS.validate(result.predictions)
    expected = {f"{name}.{classifier}": name for name in SETS for classifier in NAMES} | HEADLINE
    of_use = ranking(result)
    assert set(result.useless) == set(expected) - of_use
    changed = {model for model in expected if model.partition(".")[2] not in LIKELY}
    assert changed & of_use  # some are recalibrated,
    assert changed - of_use  # and some do not rank patients
    assert set(result.recalibrations) == changed & of_use
    expected |= {recalibrated(model): expected[model] for model in changed & of_use}
    found = result.predictions.groupby("model")["feature_set"].unique().map(list).to_dict()
    assert found == {model: [name] for model, name in expected.items()}
    for model in expected:
        for kind, side in (("apparent", "training"), ("out_of_fold", "training"), ("testing", "testing")):
            part = rows(result, model, kind)
            assert sorted(part.index) == sorted(cohort.index[cohort["partition"] == side])
            assert (part["outcome"] == cohort.loc[part.index, "outcome"]).all()
            folds = cohort.loc[part.index, "fold"] if kind == "out_of_fold" else -1
            assert (part["fold"] == folds).all()
    assert result.absent == {}


def test_headline_models_are_the_best_by_out_of_fold_auc(small):
    result = small[2]
    for model, name in (("rad", "radiomics"), ("dlr", "fused")):
        aucs = {}
        for classifier in NAMES:
            part = rows(result, f"{name}.{classifier}", "out_of_fold")
            aucs[classifier] = roc_auc_score(part["outcome"], part["probability"])
        ranked = result.classifiers[result.classifiers["feature_set"] == name].set_index("classifier")[
            "auc_out_of_fold"
        ]
        assert ranked.to_dict() == pytest.approx(aucs)
        assert aucs[result.chosen[name]] == max(aucs.values())
        for kind in ("apparent", "out_of_fold", "testing"):
            best = rows(result, f"{name}.{result.chosen[name]}", kind)["probability"]
            pd.testing.assert_series_equal(rows(result, model, kind)["probability"], best)


def test_thresholds_are_youden_on_what_later_steps_learn_from(small):
    result = small[2]
    assert set(result.thresholds) == set(result.predictions["model"])
    for model in ("dlrn", "radiomics.knn"):
        part = rows(result, model, SECOND_STAGE)
        best = optimal_threshold(part["outcome"], part["probability"], criterion="youden")
        assert result.thresholds[model] == pytest.approx(np.clip(best.thresholds[0], 0, 1))


def test_nomogram_is_the_logistic_model_of_what_it_says(small):
    cohort, _, result = small
    model = result.dlrn
    training = rows(result, "dlrn", "apparent").index
    design = result.findings.design.assign(
        dlr=on_logit(pd.concat([rows(result, "dlr", kind)["probability"] for kind in ("apparent", "testing")]))
    )
    for kind in ("apparent", "testing"):
        part = rows(result, "dlrn", kind)
        columns = design.loc[part.index, [term.column for term in model.terms]].to_numpy()
        linear = model.intercept + columns @ [term.coefficient for term in model.terms]
        np.testing.assert_allclose(part["probability"], expit(linear), rtol=1e-12)
    # Maximum likelihood on the fused probabilities that are stored as its input, shrunken by (chi2 - df) / chi2.
    design["dlr"] = on_logit(rows(result, "dlr", SECOND_STAGE)["probability"])
    X = design.loc[training, [term.column for term in model.terms]].to_numpy()
    y = cohort.loc[training, "outcome"].to_numpy()
    peer = Logit(y, add_constant(X)).fit(disp=0)
    assert model.method == "maximum likelihood"
    assert model.shrinkage == pytest.approx((peer.llr - X.shape[1]) / peer.llr, rel=1e-8)
    np.testing.assert_allclose([term.coefficient for term in model.terms], model.shrinkage * peer.params[1:], rtol=1e-6)
    assert [(term.low, term.high) for term in model.terms] == list(zip(X.min(axis=0), X.max(axis=0), strict=True))
    residual = y - expit(model.intercept + X @ [term.coefficient for term in model.terms])
    assert abs(residual.sum()) < 1e-6


def test_what_is_delivered_is_the_mean_of_the_models_of_the_folds(small):
    """Each patient's out-of-fold probability is that of the one of these models that never saw her."""
    cohort, matrices, result = small
    frame = pd.concat(matrices.values(), axis=1)
    fold = cohort["fold"]
    for name in ("fused.random_forest", "fused.logistic_regression"):
        members = result.final[tuple(name.split("."))].members
        known, new = rows(result, name, SECOND_STAGE)["probability"], rows(result, name, "testing")["probability"]
        each = []
        for k, member in enumerate(members):
            own = known.index[fold.loc[known.index] == k]
            X = member.prepared.apply(frame)
            p = pd.Series(probability_of(member.estimator, X), index=frame.index)
            np.testing.assert_allclose(known.loc[own], p.loc[own], rtol=1e-12)
            each.append(p.loc[new.index])
        assert len(members) == 3
        np.testing.assert_allclose(new, np.mean(each, axis=0), rtol=1e-12)


def test_nested_out_of_fold_probabilities_are_means_as_those_delivered():
    cohort, matrices = simulated(60, 20, n_radiomics=60, n_units=4, folds=3)
    settings = small_settings(folds={"n": 3, "nested": True}, classifiers=RIDGE, optimism=NONE)
    result = learned(cohort, matrices, settings)
    given = matrices["radiomics"]
    p = rows(result, "radiomics.logistic_regression", "out_of_fold")["probability"]
    outcome = cohort["outcome"]
    for k in range(3):
        own = p.index[cohort.loc[p.index, "fold"] == k]
        each = []
        for j in set(range(3)) - {k}:
            sight = result.selections["radiomics"][tuple(sorted((j, k)))].prepared
            inside = p.index[~cohort.loc[p.index, "fold"].isin([j, k])]
            model = build("logistic_regression", {"C": 0.1}, 0, y=None, patients=None)
            model.fit(sight.apply(given.loc[inside]), outcome[inside])
            each.append(model.predict_proba(sight.apply(given.loc[own]))[:, 1])
        np.testing.assert_allclose(p[own], np.mean(each, axis=0), rtol=1e-9)


def test_refitted_delivers_one_model_of_all_training_patients():
    cohort, matrices = simulated(60, 20, n_radiomics=60, n_units=4, folds=3)
    settings = small_settings(delivered="refitted", classifiers=RIDGE, optimism=NONE)
    result = learned(cohort, matrices, settings)
    (member,) = result.final["radiomics", "logistic_regression"].members
    assert member.prepared.features == result.selections["radiomics"][()].prepared.features
    new = rows(result, "rad", "testing")["probability"]
    X = member.prepared.apply(matrices["radiomics"].loc[new.index])
    np.testing.assert_array_equal(new, probability_of(member.estimator, X))


def test_resubstituted_input_is_stored_as_what_the_nomogram_was_fitted_to():
    cohort, matrices = simulated(60, 20, n_radiomics=60, n_units=4, folds=3)
    fusion = {"input": "resubstituted", "shrinkage": "none"}
    settings = small_settings(fusion=fusion, classifiers=RIDGE, optimism=NONE)
    result = learned(cohort, matrices, settings)
    stored, apparent = (rows(result, "dlr", kind)["probability"] for kind in (SECOND_STAGE, "apparent"))
    cases = rows(result, "dlrn", "apparent").index
    pd.testing.assert_series_equal(stored.loc[cases], apparent.loc[cases])
    term = next(term for term in result.dlrn.terms if term.variable == "dlr")
    assert (term.low, term.high) == pytest.approx(tuple(on_logit(stored.loc[cases]).agg(["min", "max"])))


def test_files_predict_what_the_table_holds(small, tmp_path):
    _, matrices, result = small
    result.write(tmp_path)
    frames = {
        "clinical": result.findings.design,
        "radiomics": matrices["radiomics"],
        "fused": pd.concat(matrices.values(), axis=1),
    }
    for name in SETS:
        for classifier in NAMES:
            part = rows(result, f"{name}.{classifier}", "testing")
            stored = read_classifier(tmp_path / "classifiers", name, classifier)
            np.testing.assert_allclose(
                stored.predict(frames[name].loc[part.index]), part["probability"], rtol=1e-9, atol=1e-12
            )
    dlrn = json.loads((tmp_path / "dlrn.json").read_text())
    assert LinearModel.from_dict(dlrn) == result.dlrn
    head = json.loads((tmp_path / "deep_head.json").read_text())
    part = rows(result, "dl", "testing")
    logits = []
    for suffix in ("", ".1", ".2"):
        values = matrices["deep"].loc[part.index, [unit + suffix for unit in head["units"]]].to_numpy()
        logits.append(head["intercept"] + ((values - head["mean"]) / head["scale"]) @ np.array(head["coefficients"]))
    np.testing.assert_allclose(part["probability"], expit(np.array(logits)).mean(axis=0), rtol=1e-9)


def without_testing(table):
    return table[table["kind"] != "testing"].reset_index(drop=True)


def test_testing_patients_leave_no_trace(small, tmp_path):
    cohort, matrices, result = small
    rng = np.random.default_rng(5)
    testing = cohort.index[cohort["partition"] == "testing"]
    shuffled = cohort.copy()
    shuffled.loc[testing, "outcome"] = rng.permutation(cohort.loc[testing, "outcome"].to_numpy())
    shuffled.loc[testing, list(COVARIATES)] = cohort.loc[rng.permutation(testing), list(COVARIATES)].to_numpy()
    moved = {name: frame.copy() for name, frame in matrices.items()}
    for frame in moved.values():
        frame.loc[testing] = rng.permutation(frame.loc[testing].to_numpy()) * 3 + 1
    again = learned(shuffled, moved)
    assert written(again, tmp_path / "again") == written(result, tmp_path / "first")
    pd.testing.assert_frame_equal(without_testing(again.predictions), without_testing(result.predictions))
    assert again.thresholds == result.thresholds
    assert not again.predictions.equals(result.predictions)


def test_planted_feature_that_knows_testing_outcomes_changes_nothing(small, tmp_path):
    cohort, matrices, _ = small
    testing = cohort.index[cohort["partition"] == "testing"]
    noise = np.random.default_rng(6).normal(size=len(cohort))
    honest, planted = (pd.Series(noise, index=cohort.index, name="planted") for _ in range(2))
    resampling = QUICK.model_copy(update={"optimism": QUICK.optimism.model_copy(update={"n_resamples": 2})})
    planted[testing] = 100.0 * cohort.loc[testing, "outcome"]
    results = [
        learned(cohort, {**matrices, "radiomics": matrices["radiomics"].join(column)}, resampling)
        for column in (honest, planted)
    ]
    first, second = (written(result, tmp_path / str(i)) for i, result in enumerate(results))
    assert first == second
    pd.testing.assert_frame_equal(*(without_testing(result.predictions) for result in results))


def test_workers_and_order_of_rows_change_nothing(small, tmp_path):
    cohort, matrices, _ = small
    one = learned(cohort, matrices, QUICK)
    mixed = np.random.default_rng(7).permutation(cohort.index)
    two = learned(
        cohort.loc[mixed], {name: frame.loc[mixed[::-1]] for name, frame in matrices.items()}, QUICK, workers=2
    )
    pd.testing.assert_frame_equal(one.predictions, two.predictions)
    assert written(one, tmp_path / "one") == written(two, tmp_path / "two")


def test_out_of_fold_probabilities_ignore_their_own_outcomes(small):
    """Two patients of fold 0 exchange their outcomes: no probability of fold 0 moves, tuned and screened as it is."""
    cohort, matrices, _ = small
    inside = cohort.index[cohort["fold"] == 0]
    pair = [cohort.loc[inside, "outcome"].idxmax(), cohort.loc[inside, "outcome"].idxmin()]
    turned = cohort.copy()
    turned.loc[pair, "outcome"] = [0, 1]
    first, second = (learned(frame, matrices, NESTED) for frame in (cohort, turned))
    assert first.chosen["fused"] == second.chosen["fused"]  # the one choice that the nomogram does not repeat
    for model in ("radiomics.knn", "fused.extra_trees", "clinical.knn", "clinical", "dl", "dlr", "dlrn"):
        before, after = (rows(result, model, "out_of_fold")["probability"] for result in (first, second))
        pd.testing.assert_series_equal(before.loc[inside], after.loc[inside])
        if not model.startswith("clinical"):  # the pair may share its findings
            assert not before.equals(after)  # the other folds' models did learn from the pair


def test_tuning_within_folds_is_an_option_that_the_nomogram_always_takes(small):
    cohort, matrices, _ = small
    two_points = {name: None for name in NAMES} | {"knn": {"n_neighbors": [3, 15]}}
    once = QUICK.model_copy(update={"classifiers": small_settings(classifiers=two_points).classifiers})
    nested = learned(cohort, matrices, once.model_copy(update={"folds": NESTED.folds}))
    result = learned(cohort, matrices, once)
    assert result.auc_choice_repeated == {}
    assert set(nested.auc_choice_repeated) == set(SETS)
    within = result.tuning[result.tuning["training"] != "all folds"]
    assert set(zip(within["feature_set"], within["classifier"], strict=True)) == {("fused", result.chosen["fused"])}
    assert set(result.selections["radiomics"]) == {(), (0,), (1,), (2,)}
    assert set(result.selections["fused"]) == set(nested.selections["fused"]) == set(held_out_sets([0, 1, 2]))
    # The nomogram is fitted to fused probabilities tuned within every fold either way: the same model to the last digit.
    assert result.dlrn == nested.dlrn
    for kind in ("apparent", "out_of_fold", "testing"):
        pd.testing.assert_frame_equal(rows(result, "dlrn", kind), rows(nested, "dlrn", kind))
    resubstituted = once.model_copy(update={"fusion": once.fusion.model_copy(update={"input": "resubstituted"})})
    plain = learned(cohort, matrices, resubstituted)
    assert set(plain.tuning["training"]) == {"all folds"}
    assert set(plain.selections["fused"]) == {(), (0,), (1,), (2,)}
    for kind in ("apparent", "testing"):  # what is tuned at the end is tuned on all folds either way
        pd.testing.assert_series_equal(
            rows(result, "dlr", kind)["probability"], rows(nested, "dlr", kind)["probability"]
        )
    models = [set(found.predictions["model"]) for found in (result, nested)]
    fitted = [set(map(as_fitted, names)) for names in models]
    assert fitted[0] == fitted[1]
    for found, names, known in zip((result, nested), models, fitted, strict=True):
        changed = {model for model in known if model.partition(".")[2] not in LIKELY}
        assert names - known == {recalibrated(model) for model in changed & ranking(found)}
        assert names - known


def test_chance_stays_chance_out_of_fold():
    """With nothing to find, apparent AUC soars and the out-of-fold AUC does not: supervised steps are refitted in folds."""
    aucs = []
    for seed in range(3):
        cohort, matrices = simulated(60, 20, n_radiomics=300, n_units=4, effect=0.0, folds=3, seed=seed)
        result = learned(cohort, {"radiomics": matrices["radiomics"]}, QUICK, covariates={})
        for kind in ("apparent", "out_of_fold"):
            part = rows(result, "radiomics.extra_trees", kind)
            aucs.append((kind, roc_auc_score(part["outcome"], part["probability"])))
    mean = pd.DataFrame(aucs, columns=["kind", "auc"]).groupby("kind")["auc"].mean()
    assert mean["apparent"] > 0.8
    assert 0.3 < mean["out_of_fold"] < 0.7


def test_study_without_deep_features_findings_or_repeats(small):
    cohort, matrices, _ = small
    result = learned(cohort, {"radiomics": matrices["radiomics"]}, QUICK, covariates={})
    assert set(result.absent) == {"clinical", "dl", "dlr", "dlrn"}
    assert result.absent["dl"] == "there are no deep features"
    assert {"rad", "radiomics.knn", "radiomics.extra_trees"} == set(map(as_fitted, result.predictions["model"]))
    assert any("not filtered by reproducibility" in note.text for note in result.notes)


def test_selection_that_keeps_nothing_is_an_outcome(small, tmp_path):
    cohort, matrices, _ = small
    strict = QUICK.model_copy(update={"selection": QUICK.selection.model_validate({"t_test": {"alpha": 1e-12}})})
    result = learned(cohort, matrices, strict)
    assert result.absent["rad"].startswith("step t_test kept none of 100 features")
    assert set(result.absent) == {"rad", "dlr", "dlrn"}
    assert set(map(as_fitted, result.predictions["model"])) == {
        "clinical",
        "dl",
        "clinical.knn",
        "clinical.extra_trees",
    }
    result.write(tmp_path)
    assert json.loads((tmp_path / "selection.json").read_text())["radiomics"]["features"] == []
    assert json.loads((tmp_path / "dlrn.json").read_text()) is None


def test_study_with_nothing_left_has_an_empty_table(small, tmp_path):
    cohort, matrices, _ = small
    strict = QUICK.model_copy(update={"selection": QUICK.selection.model_validate({"t_test": {"alpha": 1e-12}})})
    result = learned(cohort, {"radiomics": matrices["radiomics"]}, strict, covariates={})
    assert set(result.absent) == {"clinical", "rad", "dl", "dlr", "dlrn"}
    assert len(PREDICTIONS.validate(result.predictions)) == 0
    assert result.thresholds == {}
    result.write(tmp_path)


def test_reliability_and_agreement_filter_before_anything_else(small):
    cohort, matrices, _ = small
    names = list(matrices["radiomics"].columns)
    found = Reliability(tuple(names[50:]), dict.fromkeys(names[:50], "intra 0.1 < 0.85"), pd.DataFrame())
    result = learned(
        cohort,
        matrices,
        QUICK,
        reliability={"radiomics": found},
        agreement={"wedge": 0.75, "edema": 0.76, "mass": np.nan},
    )
    for name, n in (("radiomics", 100), ("fused", 160)):
        step = result.selections[name][()].steps[0]
        assert (step.name, step.n_in, step.n_out) == ("reliability", n, n - 50)
        assert not set(result.selections[name][()].prepared.features) & set(names[:50])
    assert set(result.findings.dropped) == {"wedge", "mass"}
    assert "edema" in result.findings.variables


@pytest.mark.parametrize("rule", ["complete_case", "median_mode"])
def test_missing_findings(small, rule):
    cohort, matrices, _ = small
    gaps = cohort.copy()
    training, testing = (cohort.index[cohort["partition"] == side] for side in ("training", "testing"))
    gaps.loc[[training[0], testing[0]], "wedge"] = None
    settings = QUICK.model_copy(update={"clinical": QUICK.clinical.model_copy(update={"missing": rule})})
    result = learned(gaps, matrices, settings)
    lost = 1 if rule == "complete_case" else 0
    for model in ("clinical", "clinical.knn", "dlrn"):
        assert len(rows(result, model, "apparent")) == len(training) - lost
        assert len(rows(result, model, "testing")) == len(testing) - lost
    assert len(rows(result, "dlr", "apparent")) == len(training)
    assert any("lack a finding" in note.text for note in result.notes)


@pytest.mark.parametrize(
    "fusion", [{"input": "resubstituted", "scale": "probability"}, {"penalty_c": 0.1, "shrinkage": "none"}]
)
def test_other_ways_to_fuse(small, fusion):
    cohort, matrices, _ = small
    result = learned(cohort, matrices, QUICK.model_copy(update={"fusion": QUICK.fusion.model_copy(update=fusion)}))
    assert result.dlrn.terms[0].variable == "dlr"
    assert (result.dlrn.terms[0].standard_error is None) == ("penalty_c" in fusion)
    low, high = result.dlrn.terms[0].low, result.dlrn.terms[0].high
    assert (low < 0 < high) if fusion.get("scale") != "probability" else (0 <= low < high <= 1)
    said = any("overweights" in note.text for note in result.notes)
    assert said == (fusion.get("input") == "resubstituted")


def test_a_dozen_patients():
    """Too few for anything: every model either stands or says why not."""
    cohort, matrices = simulated(12, 6, n_radiomics=20, n_units=4, folds=3)
    result = learned(cohort, matrices)
    said = {note.subject for note in result.notes}
    for model in (*HEADLINE, *(f"{name}.{classifier}" for name in SETS for classifier in NAMES)):
        feature_set = HEADLINE.get(model, model.split(".")[0])
        assert model in set(result.predictions["model"]) or {model, feature_set} & said, model


def test_bad_input_is_named(small):
    cohort, matrices, _ = small
    with pytest.raises(InputError, match=r"patient p000: found no row in the deep features"):
        learned(cohort, {**matrices, "deep": matrices["deep"].drop(index="p000")})
    with pytest.raises(InputError, match="folds 0, 1, 2 of training cases"):
        learned(cohort, matrices, QUICK.model_copy(update={"folds": QUICK.folds.model_copy(update={"n": 5})}))
    with pytest.raises(InputError, match="no column 'height'"):
        learned(cohort, matrices, covariates={"height": Finding("continuous")})
    torn = cohort.assign(patient_id=np.where(np.arange(len(cohort)) < 2, "same", cohort["patient_id"]))
    torn.loc[cohort.index[:2], "fold"] = [0, 1]
    with pytest.raises(InputError, match="patient same: found cases in several folds"):
        learned(torn, matrices)
    with pytest.raises(InputError, match="two features named"):
        learned(
            cohort, {**matrices, "deep": matrices["deep"].rename(columns={"DL_0": matrices["radiomics"].columns[0]})}
        )


def test_strange_model_file_is_refused(small, tmp_path):
    import skops.io
    from sklearn.preprocessing import FunctionTransformer

    small[2].write(tmp_path)
    (tmp_path / "classifiers" / "fused.knn.1.skops").write_bytes(skops.io.dumps(FunctionTransformer(func=replace)))
    with pytest.raises(InputError, match="found an object of type"):
        read_classifier(tmp_path / "classifiers", "fused", "knn")


def test_seeds_by_purpose(small):
    cohort, matrices, _ = small
    purposes = []
    from vcfstats.learning.learn import learn

    result = learn(
        cohort,
        matrices,
        QUICK,
        lambda purpose: purposes.append(purpose) or seeds(purpose),
        workers=1,
        covariates=COVARIATES,
    )
    # The models whose mean is delivered are those of the folds, fitted again: theirs are the seeds that come twice.
    twice = {purpose for purpose in purposes if purposes.count(purpose) > 1}
    assert all(purpose.split("/")[2] in NAMES and purpose.endswith(tuple("012")) for purpose in twice)
    assert f"learn/fused/{result.chosen['fused']}/without fold 0 and 2" in purposes
