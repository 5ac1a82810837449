"""How the network came about: in words, its training as records, its training curves as a table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from vcfstats.contracts.records import Record
from vcfstats.contracts.study import TABLES
from vcfstats.learning.network.settings import AugmentationSettings, TrainingSettings
from vcfstats.learning.onenetwork import MODELS, SUFFIX
from vcfstats.pipeline.params import Params

_NAMES = {"efficientnet_lite0": "EfficientNet-Lite0", "resnet18": "ResNet-18", "resnet50": "ResNet-50"}
_WEIGHTS = {
    "packaged": "pre-trained on ImageNet",
    "torchvision": "pre-trained on ImageNet",
    "file": "with weights from a file",
    "none": "with random weights (seed {seed})",
}
_JOINED = {
    "mean_probability": "the mean of the slices' probabilities",
    "mean_logit": "the mean of the slices' logits",
    "max": "the largest of the slices' probabilities",
}


def trunk(params: Params) -> str:
    """Say what the deep features are."""
    settings = params.trunk
    features = (
        f"Deep features were the average-pooled last convolution of {_NAMES[settings.backbone]} "
        f"{_WEIGHTS[settings.weights].format(seed=settings.seed)}, for each of the three slices"
    )
    if settings.trained == "none":
        return f"{features}; no layer was trained on the study's images."
    layers = {
        "head": "a classification layer was",
        "last_block": "the last block and a classification layer were",
        "all": "all layers and a classification layer were",
    }[settings.trained]
    return f"{features}; {layers} trained on single slices of training patients with the reference standard. {_training(settings.training, settings.trained)}"


def _training(s: TrainingSettings, trained: str) -> str:
    how = {"adamw": "AdamW", "sgd": "stochastic gradient descent with momentum 0.9"}[s.optimizer]
    course = " and fell along a cosine" if s.schedule == "cosine" else ""
    weights = "both classes had the same weight" if s.class_weights == "balanced" else "every slice had the same weight"
    norm = "stayed" if s.batch_norm == "keep" else "followed the batches"
    versions = f" Of each image {s.augmentation.views} versions were seen." if trained != "all" else ""
    stop = (
        f"Training ended after {s.epochs} epochs"
        if s.patience is None
        else f"Training ended after {s.epochs} epochs, or when the loss on {100 * s.stop_share:g}% of these patients, from whom the "
        f"network did not learn, had not fallen for {s.patience} epochs, and the best epoch was kept"
    )
    return (
        f"The optimiser was {how}; the learning rate started at {s.learning_rate:g} (classification layer "
        f"{s.head_learning_rate:g}){course}; weight decay was {s.weight_decay:g}; a batch held {s.batch_size} slices; {weights}; statistics "
        f"of batch normalisation in trained layers {norm}. {_augmentation(s.augmentation)}{versions} {stop}."
    )


def _augmentation(a: AugmentationSettings) -> str:
    parts = [
        f"mirrored with probability {a.flip:g}" if a.flip else "",
        f"turned by up to {a.rotation_degrees:g} degrees" if a.rotation_degrees else "",
        f"shifted by up to {100 * a.shift:g}% of the side" if a.shift else "",
        f"scaled by up to {100 * a.scale:g}%" if a.scale else "",
        f"changed by up to {100 * a.brightness:g}% in brightness" if a.brightness else "",
        f"changed by up to {100 * a.contrast:g}% in contrast" if a.contrast else "",
        f"given noise with a standard deviation of {100 * a.noise:g}% of the range" if a.noise else "",
    ]
    said = [part for part in parts if part]
    return f"Images were at random {', '.join(said)}." if said else "Images were not varied."


def cross_fit(params: Params) -> str:
    """Say whether networks were trained again within folds."""
    if params.trunk.trained == "none":
        return "As it saw no patient of the study, its features are the same in every fold."
    k = params.learning.folds.n
    if params.trunk.cross_fit == "folds":
        return (
            f"The network was trained again without each of the {k} folds and without each pair of them ({k * (k + 1) // 2} networks more), and "
            f"selection{', tuning' if params.learning.folds.nested else ''} and classifiers were repeated on the features of each, so that out-of-fold probabilities come "
            "from networks that never saw the patient; patients of the internal test set were scored by one network trained on all training patients."
        )
    return (
        "The network was not trained again within the folds: out-of-fold probabilities of models with deep features are of "
        "patients that the network had seen, and too good."
    )


def deep_head(params: Params) -> str:
    """Say what the network's own probability is."""
    joined = _JOINED[params.learning.deep_head.slices]
    layer = (
        f"a ridge-penalised logistic head on the deep features of a slice (C {', '.join(f'{c:g}' for c in params.learning.deep_head.C)} tried)"
        if params.trunk.trained == "none"
        else "that of its classification layer for a slice"
    )
    return f"The network's own probability is {layer}; {joined} is the case's."


def network_records(card: dict[str, Any], curves: pd.DataFrame) -> list[Record]:
    """Return how many networks were trained, and how the training of the one for new patients went.

    Parameters
    ----------
    card : dict
        models/trunk.json.
    curves : DataFrame
        Training curves of all networks.
    """
    training = card.get("training")
    if training is None:
        return []
    found: dict[str, Any] = {
        "n_networks": int(curves["network"].nunique()),
        "epochs": training["epochs"],
        "best_epoch": training["best_epoch"],
        "n_learned_from": training["n_learned_from"],
        "n_stopping": training["n_stopping"],
    }
    if training["metrics"]["stopping_auc"] is not None:
        found["stopping_auc"] = training["metrics"]["stopping_auc"]
    return [
        Record(kind="model", model="network", estimate=name, value=value, stage="deep") for name, value in found.items()
    ]


def training_table(curves: pd.DataFrame) -> pd.DataFrame:
    """Return the training curves as a table of the results."""
    return curves.loc[:, list(TABLES["training"])]


def variants(labels: dict[str, str], models: list[str]) -> dict[str, str]:
    """Return the models without cross-fitting that there are predictions of, with their names in print."""
    return {
        f"{name}{SUFFIX}": f"{labels[name]} (one network)"
        for name in MODELS
        if f"{name}{SUFFIX}" in models and name in labels
    }
