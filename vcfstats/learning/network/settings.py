"""Decisions about the frozen network that slices are turned into features with."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

BackboneName = Literal["efficientnet_lite0", "resnet18", "resnet50"]


class TrunkSettings(BaseModel):
    """A convolutional network without its classification layer, its weights as they come."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    trained: Literal["none"] = Field(
        default="none",
        description="Layers that are trained on the study's images: none, the network stays as it comes.",
    )
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
