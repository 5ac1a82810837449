"""Decisions about the network that slices are turned into features with, and about its training."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

BackboneName = Literal["efficientnet_lite0", "resnet18", "resnet50"]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AugmentationSettings(_Settings):
    """How training images are varied; every draw comes from the seed, the case and the version or epoch."""

    views: int = Field(
        default=4,
        ge=1,
        le=64,
        description=(
            "versions of each image, the first unchanged, whose frozen output is kept and among which every epoch draws; "
            "with trained 'all' every epoch varies every image anew, and this number is not used"
        ),
    )
    flip: float = Field(
        default=0.0, ge=0, le=1, description="probability of mirroring (a sagittal slice: front to back)"
    )
    rotation_degrees: float = Field(default=10.0, ge=0, le=180, description="largest rotation to either side")
    shift: float = Field(default=0.05, ge=0, le=0.5, description="largest shift along each axis, share of the side")
    scale: float = Field(default=0.1, ge=0, le=0.5, description="largest change of size, share")
    brightness: float = Field(default=0.1, ge=0, le=1, description="largest change of brightness, share of the range")
    contrast: float = Field(default=0.1, ge=0, lt=1, description="largest change of contrast about the mean, share")
    noise: float = Field(default=0.02, ge=0, le=1, description="SD of noise added to each pixel, share of the range")


class TrainingSettings(_Settings):
    """How layers are trained; none of it is used with trained 'none'."""

    epochs: int = Field(default=50, ge=1, le=10_000, description="passes over the training images, at most")
    batch_size: int = Field(default=32, ge=2, le=4096, description="images a step")
    optimizer: Literal["adamw", "sgd"] = Field(
        default="adamw", description="AdamW, or stochastic gradient descent with momentum 0.9"
    )
    learning_rate: float = Field(default=1e-4, gt=0, description="learning rate of the trunk's layers, at the start")
    head_learning_rate: float = Field(
        default=1e-3, gt=0, description="learning rate of the classification layer, at the start"
    )
    weight_decay: float = Field(default=1e-2, ge=0, description="weight decay; biases and normalisation have none")
    schedule: Literal["constant", "cosine"] = Field(
        default="cosine", description="learning rates stay, or fall to zero along a cosine over the epochs"
    )
    class_weights: Literal["none", "balanced"] = Field(
        default="balanced", description="every image counts the same, or both classes do"
    )
    batch_norm: Literal["keep", "update"] = Field(
        default="keep", description="statistics of batch normalisation in trained layers stay, or follow the batches"
    )
    patience: int | None = Field(
        default=10,
        ge=1,
        description="epochs without a lower loss on the stopping patients after which training ends, the best epoch kept; null: all epochs, the last kept",
    )
    stop_share: float = Field(
        default=0.2,
        gt=0,
        lt=1,
        description="share of the network's training patients, within outcome, that it does not learn from and that say when to stop; unused with patience null",
    )
    augmentation: AugmentationSettings = Field(
        default=AugmentationSettings(), description="how training images are varied"
    )


class TrunkSettings(_Settings):
    """A convolutional network without its classification layer, its weights as they come or trained on."""

    backbone: BackboneName = Field(
        default="efficientnet_lite0",
        description="Architecture; units of its last convolution: efficientnet_lite0 1280, resnet18 512, resnet50 2048.",
    )
    weights: Literal["packaged", "torchvision", "file", "none"] = Field(
        default="packaged",
        description=(
            "packaged: ImageNet weights that a Python package carries (efficientnet_lite0 alone); torchvision: its "
            "IMAGENET1K_V1 weights, downloaded once (resnet18, resnet50); file: `weights_file`; none: random numbers from `seed`."
        ),
    )
    weights_file: str | None = Field(
        default=None,
        description="State dictionary of the architecture, .pth or .safetensors; used by weights file, otherwise null.",
    )
    weights_sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="SHA-256 that the weights' file must have, in lower-case hexadecimal; null accepts any.",
    )
    trained: Literal["none", "head", "last_block", "all"] = Field(
        default="none",
        description=(
            "Layers that are trained on the study's images: none, the network stays as it comes and its own probability is "
            "that of a ridge-penalised logistic head; head, a classification layer by gradient descent; last_block, also "
            "the last block before the pooling; all."
        ),
    )
    cross_fit: Literal["none", "folds"] = Field(
        default="none",
        description=(
            "folds: the network is trained again without each fold of learning.folds and each pair of folds, so that "
            "out-of-fold probabilities come from networks that never saw the patient; none: one network for all. Nothing "
            "of it matters with trained 'none', where no network sees a patient."
        ),
    )
    training: TrainingSettings = Field(default=TrainingSettings(), description="How layers are trained.")
    seed: int = Field(default=0, ge=0, lt=2**63, description="Seed of the random numbers of weights none.")

    @model_validator(mode="after")
    def _consistent(self) -> TrunkSettings:
        if (self.weights == "file") != (self.weights_file is not None):
            raise ValueError("weights 'file' needs a weights_file, and only weights 'file' takes one")
        if self.weights == "packaged" and self.backbone != "efficientnet_lite0":
            raise ValueError(
                f"no package carries weights of {self.backbone}: give weights 'file' with a weights_file, or 'torchvision'"
            )
        if self.weights == "torchvision" and self.backbone == "efficientnet_lite0":
            raise ValueError("torchvision has no weights of efficientnet_lite0: give weights 'packaged' or 'file'")
        if self.weights == "none" and self.weights_sha256 is not None:
            raise ValueError("weights 'none' has no file whose weights_sha256 could be compared")
        return self
