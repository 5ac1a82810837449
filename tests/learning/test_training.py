"""Training of networks: it learns, it goes on where it was killed, it never sees a testing patient."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save
from sklearn.metrics import roc_auc_score
from torch.optim.optimizer import register_optimizer_step_post_hook

from vcfstats.contracts.errors import InputError
from vcfstats.contracts.slices import SliceStack
from vcfstats.learning.crossfit import held_out_sets
from vcfstats.learning.network import (
    AugmentationSettings,
    Hardware,
    TrainingSettings,
    TrunkSettings,
    choose_hardware,
    load_trunk,
    networks,
    study_trunk,
    train_networks,
    trunk_features,
    write_trained,
)
from vcfstats.learning.network.augmentation import vary
from vcfstats.learning.network.backbones import BACKBONES
from vcfstats.learning.network.checkpoint import read_checkpoint
from vcfstats.learning.network.frozen import FrozenOutputs
from vcfstats.learning.network.trunk import state_hash

SIZE = 32
STILL = AugmentationSettings(views=1, rotation_degrees=0, shift=0, scale=0, brightness=0, contrast=0, noise=0)
LIVELY = AugmentationSettings(views=2, flip=0.5)


@pytest.fixture(autouse=True)
def weights_are_read_once(monkeypatch):
    """Reading the packaged weights takes longer than most of these trainings; nothing may change a network that was read."""
    held = {}

    def load(settings, *, device="cpu"):
        key = (settings.backbone, settings.weights, settings.seed)
        if key not in held:
            held[key] = load_trunk(settings, device=device)
        return replace(held[key], settings=settings)

    monkeypatch.setattr(networks, "load_trunk", load)
    yield
    for trunk in held.values():
        assert trunk.card["weights_sha256"] == state_hash(trunk.network, (trunk.backbone.head,))


def cohort(n_training=18, n_testing=6, *, folds=3, seed=0, planted=True):
    """A cohort whose events have a dark square in the middle of every slice, where `planted` says so."""
    rng = np.random.default_rng(seed)
    n = n_training + n_testing
    ids = tuple(f"C{i:03d}" for i in range(n))
    outcome = np.tile([1, 0, 0], n)[:n]
    images = rng.integers(60, 200, (n, 3, SIZE, SIZE)).astype(np.uint8)
    if planted:
        images[outcome == 1, :, 8:24, 8:24] //= 3
    three, four = np.zeros((n, 3), np.int64), np.zeros((n, 3, 4), np.int64)
    table = pd.DataFrame(
        {
            "patient_id": ids,
            "partition": ["training"] * n_training + ["testing"] * n_testing,
            "fold": pd.array([i // 3 % folds for i in range(n_training)] + [None] * n_testing, dtype="Int64"),
            "outcome": outcome,
        },
        index=pd.Index(ids, name="case_id"),
    )
    return SliceStack(ids, images, three, three, three + 1, four), table


def settings(trained="last_block", *, cross_fit="none", weights="packaged", backbone="efficientnet_lite0", **training):
    given = {"epochs": 4, "batch_size": 16, "patience": None, "augmentation": LIVELY} | training
    return TrunkSettings(
        backbone=backbone, weights=weights, trained=trained, cross_fit=cross_fit, training=TrainingSettings(**given)
    )


def seeds(purpose):
    return np.random.SeedSequence([3, *purpose.encode()])


def trained(stack, table, how, *, workers=1, **more):
    return train_networks(stack, table, how, seeds, Hardware(), workers=workers, **more)


def weights(network):
    return save({name: value.contiguous() for name, value in network.training.state.items()})


@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "resnet18", "resnet50"])
def test_body_and_tail_are_the_network_and_the_tail_is_the_last_block(backbone):
    kind = BACKBONES[backbone]
    trunk = load_trunk(TrunkSettings(backbone=backbone, weights="none", seed=2))
    batch = trunk.batch(np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE), dtype=np.uint8))
    with torch.inference_mode():
        middle = kind.body(trunk.network, batch)
        assert kind.tail(trunk.network, middle).shape == (2, kind.width, 1, 1)
    touched = set()
    for name, module in trunk.network.named_modules():
        module.register_forward_hook(lambda *_, name=name: touched.add(name))
    with torch.inference_mode():
        kind.tail(trunk.network, middle)
    touched = {f"{name}." for name in touched if name and "relu" not in name and "swish" not in name}
    assert all(name.startswith(kind.last_block) for name in touched), touched
    assert all(any(name.startswith(prefix) for name in touched) for prefix in kind.last_block)
    held = [name for name in trunk.network.state_dict() if name.startswith(kind.last_block)]
    assert {f"{name.rsplit('.', 1)[0]}." for name in held} <= touched


@pytest.mark.parametrize("layers", ["head", "last_block", "all"])
def test_a_mark_in_the_images_is_learned(layers):
    stack, table = cohort()
    epochs = {"head": 30, "last_block": 8, "all": 3}[layers]
    rate = {"learning_rate": 1e-3, "head_learning_rate": 1e-2}
    (network,) = trained(stack, table, settings(layers, epochs=epochs, augmentation=STILL, **rate))
    testing = (table["partition"] == "testing").to_numpy()
    slices = network.features.to_numpy().reshape(len(table), 3, -1)
    probability = (network.intercept + slices @ network.weights).mean(axis=1)
    assert roc_auc_score(table.loc[testing, "outcome"], probability[testing]) == 1.0
    history = network.training.history
    assert [row.epoch for row in history] == list(range(1, epochs + 1))
    assert history[-1].training_loss < 0.7 * history[0].training_loss
    named = set(network.card["trained_layers"])
    assert ("_conv_stem.weight" in named, "_conv_head.weight" in named) == (layers == "all", layers != "head")


def test_untrained_layers_stay_and_statistics_follow_only_where_asked():
    stack, table = cohort()
    before = load_trunk(settings()).network.state_dict()
    kept, followed = (trained(stack, table, settings(epochs=1, batch_norm=how))[0] for how in ("keep", "update"))
    changed = {
        how: {
            name for name, value in network.training.state.items() if name in before and not value.equal(before[name])
        }
        for how, network in (("keep", kept), ("update", followed))
    }
    assert all(name.startswith(BACKBONES["efficientnet_lite0"].last_block) for name in changed["keep"])
    assert "_conv_head.weight" in changed["keep"]
    assert not any("running" in name for name in changed["keep"])
    assert any("running" in name for name in changed["update"])


KILLED = settings("head", epochs=4, batch_size=4, weights="none")


class KilledError(Exception):
    pass


@pytest.mark.parametrize(
    "how",
    [
        {"trained": "last_block", "patience": 2, "stop_share": 0.4, "optimizer": "adamw", "epochs": 4},
        {"trained": "all", "optimizer": "sgd", "batch_norm": "update", "schedule": "constant"},
        {"trained": "head", "class_weights": "none"},
    ],
    ids=["last_block", "all", "head"],
)
def test_a_killed_training_goes_on_and_ends_with_the_same_weights(how, tmp_path):
    stack, table = cohort(9, 3)
    given = settings(**{"epochs": 3} | how)
    whole = trained(stack, table, given, folder=tmp_path / "whole")[0]
    seen = []

    def stop(name, epoch):
        seen.append(epoch.epoch)
        if epoch.epoch == 2:
            raise KilledError

    with pytest.raises(KilledError):
        trained(stack, table, given, folder=tmp_path / "killed", on_epoch=stop)
    (path,) = (tmp_path / "killed" / "trainings").rglob("*.safetensors")
    assert len(read_checkpoint(path).history) == 2
    assert not read_checkpoint(path).finished
    told = []
    again = trained(stack, table, given, folder=tmp_path / "killed", on_epoch=lambda name, e: told.append((name, e)))[0]
    assert weights(again) == weights(whole)
    assert again.training.history == whole.training.history
    pd.testing.assert_frame_equal(again.features, whole.features)
    assert again.card == whole.card
    assert [epoch for _, epoch in told] == list(whole.training.history)  # curves are whole after a killed run
    assert {name for name, _ in told} == {"all folds"}
    if how["trained"] != "head":
        return
    # Neither a folder nor a finished training on disk makes a difference.
    assert weights(trained(stack, table, given)[0]) == weights(whole)
    touched = path.stat().st_mtime_ns
    assert weights(trained(stack, table, given, folder=tmp_path / "killed")[0]) == weights(whole)
    assert path.stat().st_mtime_ns == touched
    # A damaged checkpoint is trained again.
    path.write_bytes(path.read_bytes()[:1000])
    assert weights(trained(stack, table, given, folder=tmp_path / "killed")[0]) == weights(whole)


def train_until_killed(folder):
    """Train in a process that is killed, as by the machine's memory, in the middle of epoch 3."""
    seen = []

    def step_done(*_):
        if seen == [1, 2]:
            os.kill(os.getpid(), signal.SIGKILL)

    register_optimizer_step_post_hook(step_done)
    stack, table = cohort(9, 3)
    trained(stack, table, KILLED, folder=Path(folder), on_epoch=lambda name, epoch: seen.append(epoch.epoch))


def test_a_process_killed_within_an_epoch_leaves_what_ends_with_the_same_weights(tmp_path):
    """The same in a process of its own, which no handler ends in order: SIGKILL after a step of epoch 3."""
    load = (
        "import importlib.util as u\n"
        f"spec = u.spec_from_file_location('training', {__file__!r})\n"
        "module = u.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        f"module.train_until_killed({str(tmp_path / 'killed')!r})\n"
    )
    ended = subprocess.run([sys.executable, "-c", load], capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    (path,) = (tmp_path / "killed" / "trainings").rglob("*.safetensors")
    assert [epoch.epoch for epoch in read_checkpoint(path).history] == [1, 2]
    stack, table = cohort(9, 3)
    again = trained(stack, table, KILLED, folder=tmp_path / "killed")[0]
    whole = trained(stack, table, KILLED)[0]
    assert weights(again) == weights(whole)
    assert again.training.history == whole.training.history


@pytest.mark.parametrize("layers", ["last_block", "all"])
def test_a_residual_network_is_trained(layers):
    """One epoch of one step from random weights: the layers asked for move, the others do not."""
    stack, table = cohort(6, 3)
    how = settings(layers, backbone="resnet18", weights="none", epochs=1, augmentation=STILL)
    before = load_trunk(how).network.state_dict()
    (network,) = trained(stack, table, how)
    moved = {name for name, value in network.training.state.items() if name in before and not value.equal(before[name])}
    assert "layer4.1.conv2.weight" in moved
    assert ("conv1.weight" in moved) == (layers == "all")
    assert network.features.shape == (9, 3 * 512)
    assert np.isfinite(network.features.to_numpy()).all()


def test_early_stopping_keeps_the_best_epoch_and_whole_patients_apart(tmp_path):
    stack, table = cohort(36, planted=False)
    table["patient_id"] = [f"P{i // 2}" for i in range(len(table))]
    table["outcome"] = [i // 2 % 2 for i in range(len(table))]
    how = settings("head", epochs=30, patience=2, head_learning_rate=1e-1, stop_share=0.3)
    (network,) = trained(stack, table, how)
    losses = [row.stopping_loss for row in network.training.history]
    best = network.training.best_epoch
    assert losses[best - 1] == min(losses)
    assert len(losses) == best + 2 < 30
    assert network.training.n_learned + network.training.n_stopping == 36
    assert network.training.n_stopping == 12  # two cases of each of 3 of 9 patients with and 3 of 9 without the outcome
    assert network.card["training"]["metrics"]["stopping_loss"] == min(losses)


def test_networks_within_folds_never_saw_their_folds(tmp_path):
    """Change images and outcomes of fold 0: networks without it stay the same to the byte, the others do not."""
    stack, table = cohort()
    how = settings(cross_fit="folds", epochs=1)
    first = trained(stack, table, how, folder=tmp_path)
    assert [network.held_out for network in first] == held_out_sets([0, 1, 2])
    inside = (table["fold"] == 0).fillna(False).to_numpy()
    images = stack.images.copy()
    images[inside] = 255 - images[inside]
    changed = SliceStack(stack.case_ids, images, *(getattr(stack, n) for n in ("index", "wanted", "area", "box")))
    other = table.assign(outcome=np.where(inside, np.roll(table["outcome"], 1), table["outcome"]))
    second = trained(changed, other, how, folder=tmp_path)
    for one, two in zip(first, second, strict=True):
        assert (weights(one) == weights(two)) == (0 in one.held_out), one.held_out
        assert len(one.features) == (len(table) if not one.held_out else 18)
        if one.held_out:
            own = (table["fold"] == 0).reindex(one.features.index)
            assert one.features[own].equals(two.features[own]) is False  # the changed images themselves
            assert one.features[~own].equals(two.features[~own]) == (0 in one.held_out)


def test_testing_patients_leave_no_trace_in_any_weight(tmp_path):
    stack, table = cohort()
    how = settings(epochs=2, patience=1, stop_share=0.4)
    first = trained(stack, table, how, folder=tmp_path / "a")
    testing = (table["partition"] == "testing").to_numpy()
    results = {}
    for name, plant in (("outcome", True), ("noise", False)):
        images = stack.images.copy()
        noise = np.random.default_rng(9).integers(0, 256, images[testing].shape, dtype=np.uint8)
        images[testing] = 255 * table.loc[testing, "outcome"].to_numpy()[:, None, None, None] if plant else noise
        moved = SliceStack(stack.case_ids, images, *(getattr(stack, n) for n in ("index", "wanted", "area", "box")))
        shuffled = table.copy()
        shuffled.loc[testing, "outcome"] = np.roll(table.loc[testing, "outcome"], 1)
        results[name] = trained(moved, shuffled if plant else table, how, folder=tmp_path / name)
    for found in results.values():
        for one, two in zip(first, found, strict=True):
            assert weights(one) == weights(two)
            assert one.card == two.card
            training = one.features.index.isin(table.index[~testing])
            assert one.features[training].equals(two.features[training])
    assert not first[0].features.equals(results["noise"][0].features)


def test_workers_and_order_of_cases_change_nothing(tmp_path):
    stack, table = cohort()
    how = settings("head", cross_fit="folds", epochs=1)
    one = trained(stack, table, how)
    mixed = np.random.default_rng(1).permutation(len(table))
    turned = SliceStack(
        tuple(stack.case_ids[i] for i in mixed),
        *(getattr(stack, n)[mixed] for n in ("images", "index", "wanted", "area", "box")),
    )
    two = trained(turned, table.iloc[mixed[::-1]], how, workers=2, folder=tmp_path)
    for a, b in zip(one, two, strict=True):
        assert weights(a) == weights(b)
        pd.testing.assert_frame_equal(a.features, b.features)


def test_features_from_frozen_outputs_are_those_of_the_whole_network(tmp_path):
    stack, table = cohort()
    how = settings(epochs=1)
    (network,) = trained(stack, table, how, folder=tmp_path)
    write_trained(network.training.state, tmp_path / "model")
    trunk = study_trunk(how, tmp_path / "model")
    pd.testing.assert_frame_equal(trunk_features(stack, trunk), network.features)
    assert trunk.card["weights_sha256"] == network.card["weights_sha256"] != load_trunk(how).card["weights_sha256"]
    state = load_file(tmp_path / "model" / "network.safetensors")
    np.testing.assert_array_equal(state["head.weight"].double().numpy()[0], network.weights)
    json.dumps(network.card)
    # Of a trunk as it came, too.
    plain = load_trunk(TrunkSettings())
    known = FrozenOutputs(plain, "pooled", tmp_path / "frozen")
    for _ in range(2):
        pd.testing.assert_frame_equal(trunk_features(stack, plain, pooled=known.of), trunk_features(stack, plain))


def test_model_files_that_do_not_fit_are_refused(tmp_path):
    stack, table = cohort()
    how = settings("head", epochs=1)
    (network,) = trained(stack, table, how)
    with pytest.raises(InputError, match="no such file"):
        study_trunk(how, tmp_path)
    for name, change in {
        "of shape": {"head.weight": torch.zeros(1, 3)},
        "weights _fc": {"_fc2.weight": torch.zeros(2)},
        "not finite": {"head.bias": torch.full((1,), torch.nan)},
    }.items():
        write_trained({**network.training.state, **change}, tmp_path)
        with pytest.raises(InputError, match=name):
            study_trunk(how, tmp_path)
    (tmp_path / "network.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot be read"):
        study_trunk(how, tmp_path)


def test_what_cannot_be_trained_is_said():
    stack, table = cohort(6, planted=False)
    with pytest.raises(InputError, match="too few to keep a share"):
        trained(stack, table, settings(patience=3))
    stack, table = cohort()
    with pytest.raises(InputError, match="no number in epoch"):
        trained(stack, table, settings("head", optimizer="sgd", epochs=20, head_learning_rate=1e38))
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="without a usable GPU"):
            choose_hardware("cuda")
        assert choose_hardware("auto").device == "cpu"


def test_images_vary_within_what_was_asked():
    images = np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE), dtype=np.uint8)

    def drawn(seed=1, **change):
        return vary(images, STILL.model_copy(update=change), np.random.default_rng(seed))

    np.testing.assert_array_equal(drawn(), images)
    np.testing.assert_allclose(drawn(flip=1.0), images[:, :, ::-1], atol=0.01)
    shifted = drawn(shift=0.25)
    assert not np.allclose(shifted, images)
    bright = drawn(brightness=0.1) - images.astype(float)
    inside = (images > 30) & (images < 225)
    for one, mask in zip(bright, inside, strict=True):
        assert np.ptp(one[mask]) < 1e-3
        assert abs(one[mask][0]) <= 25.5
    everything = drawn(flip=0.5, rotation_degrees=30, shift=0.1, scale=0.2, brightness=0.3, contrast=0.3, noise=0.1)
    assert everything.min() >= 0
    assert everything.max() <= 255
    assert not np.array_equal(everything, drawn(2, flip=0.5, rotation_degrees=30))
    np.testing.assert_array_equal(drawn(noise=0.1), drawn(noise=0.1))


def test_a_turned_image_is_that_of_scipy():
    """A rotation about the middle, away from the border, against scipy's own interpolation."""
    from scipy.ndimage import affine_transform

    size = 64
    y, x = np.mgrid[:size, :size]
    image = (120 + 60 * np.sin(x / 7) * np.cos(y / 9)).astype(np.uint8)
    angle = np.deg2rad(20) * np.random.default_rng(5).uniform(-1, 1, 1)  # not the draw itself: found below
    rng = np.random.default_rng(5)
    rng.random(1)
    angle = np.deg2rad(20) * rng.uniform(-1, 1, 1)[0]
    ours = vary(image[None], STILL.model_copy(update={"rotation_degrees": 20.0}), np.random.default_rng(5))[0]
    # Output pixel (x, y) about the middle comes from (x cos - y sin, x sin + y cos); scipy counts rows first.
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = (size - 1) / 2
    theirs = affine_transform(image.astype(float), matrix, offset=middle - matrix @ [middle, middle], order=1)
    part = slice(16, 48)
    np.testing.assert_allclose(ours[part, part], theirs[part, part], atol=0.05)
