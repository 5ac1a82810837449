"""The analytic choices of this room: every number that moves a feature is a field here, with its unit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

Interpolator = Literal["nearest", "linear", "bspline"]
ImageType = Literal[
    "original", "wavelet", "log", "square", "square_root", "logarithm", "exponential", "gradient", "lbp_3d"
]
FeatureClass = Literal["shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm"]

FEATURE_CLASSES: tuple[FeatureClass, ...] = ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class N4Settings(_Settings):
    """Bias-field correction by N4 (Tustison et al. 2010, doi:10.1109/TMI.2010.2046908)."""

    enabled: bool = Field(default=True, description="Correct the bias field before anything else.")
    shrink_in_plane: PositiveInt = Field(
        default=4, le=16, description="Shrink factor within the slice while the field is fitted."
    )
    shrink_across: PositiveInt = Field(
        default=1,
        le=16,
        description="Shrink factor across slices while the field is fitted; the axis of the largest spacing.",
    )
    iterations: tuple[PositiveInt, ...] = Field(
        default=(50, 50, 50, 50),
        min_length=1,
        max_length=8,
        description="Largest number of iterations, one per fitting level.",
    )
    convergence: PositiveFloat = Field(
        default=0.001,
        lt=1,
        description="A level ends when the coefficient of variation of the field's change falls below this.",
    )
    control_points: int = Field(
        default=4, ge=4, le=64, description="B-spline control points per axis at the first level."
    )
    foreground: Literal["otsu", "all"] = Field(
        default="otsu", description="Voxels that the field is fitted to: above Otsu's threshold, or all of the image."
    )


class NormalizationSettings(_Settings):
    """What becomes of the intensities after resampling."""

    method: Literal["none", "zscore", "percentile"] = Field(
        default="zscore",
        description=(
            "none; zscore: minus the mean, over the standard deviation; percentile: the lower percentile becomes 0 and the "
            "upper one 1. Values beyond are not clipped."
        ),
    )
    over: Literal["image", "region"] = Field(
        default="image",
        description="Voxels that mean, standard deviation or percentiles are taken from: whole image or mask.",
    )
    scale: PositiveFloat = Field(
        default=100.0,
        description="The normalised value is multiplied by this (intensity units per SD, or for the percentile range).",
    )
    lower: float = Field(
        default=1.0, ge=0, lt=100, description="Lower percentile, in percent; used by method percentile."
    )
    upper: float = Field(
        default=99.0, gt=0, le=100, description="Upper percentile, in percent; used by method percentile."
    )

    @model_validator(mode="after")
    def _ordered(self) -> NormalizationSettings:
        if self.lower >= self.upper:
            raise ValueError(f"lower ({self.lower}) must lie below upper ({self.upper})")
        return self


class PreprocessSettings(_Settings):
    """From an image as the scanner left it to the one that features are taken from."""

    n4: N4Settings = Field(default=N4Settings(), description="Bias-field correction.")
    spacing_mm: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = Field(
        default=(1.0, 1.0, 1.0),
        description="Voxel size after resampling, in mm: left-right, anterior-posterior, head-foot.",
    )
    image_interpolator: Interpolator = Field(default="nearest", description="Interpolator of the image.")
    mask_interpolator: Interpolator = Field(
        default="nearest", description="Interpolator of the mask; linear and bspline keep voxels of at least one half."
    )
    normalization: NormalizationSettings = Field(
        default=NormalizationSettings(), description="Intensity normalisation, after resampling."
    )
    volume_tolerance: PositiveFloat = Field(
        default=0.1,
        lt=1,
        description="Largest relative change of the region's volume by resampling, as a fraction; more is an error.",
    )


class RadiomicsSettings(_Settings):
    """Which features PyRadiomics computes, and how grey levels are binned."""

    image_types: tuple[ImageType, ...] = Field(
        default=("original",),
        min_length=1,
        description="Images that first-order and texture features are taken from, filtered in the order given.",
    )
    feature_classes: tuple[FeatureClass, ...] = Field(
        default=FEATURE_CLASSES,
        min_length=1,
        description="Feature classes, in the order of the columns; shape is of the mask alone.",
    )
    excluded_features: tuple[Annotated[str, Field(pattern=r"^[a-z]+_[A-Za-z0-9]+$")], ...] = Field(
        default=("glcm_MCC", "glcm_SumAverage"), description="Features left out of every image type, as class_Feature."
    )
    bin_width: PositiveFloat | None = Field(
        default=25.0, description="Width of a grey-level bin, in intensity units; null with bin_count."
    )
    bin_count: PositiveInt | None = Field(
        default=None, ge=2, description="Number of grey-level bins over the region's range; null with bin_width."
    )
    distance: PositiveInt = Field(
        default=1, le=10, description="Distance between neighbours in GLCM, GLDM and NGTDM, in voxels."
    )
    energy_shift: float = Field(
        default=0.0,
        ge=0,
        description="Added to intensities in Energy, TotalEnergy and RootMeanSquared, against squares of negative values; intensity units.",
    )
    gldm_alpha: int = Field(default=0, ge=0, description="GLDM: largest difference of dependent grey levels, in bins.")
    log_sigma_mm: tuple[PositiveFloat, ...] = Field(
        default=(1.0, 2.0, 3.0),
        min_length=1,
        description="Laplacian of Gaussian: standard deviations of the Gaussian, in mm.",
    )
    wavelet: str = Field(
        default="coif1", description="Wavelet of the stationary transform, one level, by its name in PyWavelets."
    )
    lbp_levels: PositiveInt = Field(default=2, le=8, description="LBP-3D: levels of the spherical harmonics.")
    lbp_radius: PositiveFloat = Field(default=1.0, description="LBP-3D: radius of the sampling sphere, in voxels.")
    lbp_subdivision: int = Field(
        default=1, ge=0, le=4, description="LBP-3D: subdivisions of the icosahedron that samples the sphere."
    )

    @model_validator(mode="after")
    def _consistent(self) -> RadiomicsSettings:
        if (self.bin_width is None) == (self.bin_count is None):
            raise ValueError("exactly one of bin_width and bin_count must be given, the other null")
        for name in ("image_types", "feature_classes", "log_sigma_mm"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} names one value twice: {list(values)}")
        if "wavelet" in self.image_types:
            import pywt  # type: ignore[import-untyped]

            if self.wavelet not in pywt.wavelist(kind="discrete"):
                raise ValueError(
                    f"wavelet {self.wavelet!r} is no discrete wavelet of PyWavelets (coif1, haar, db2, ...)"
                )
        return self


class PerturbationSettings(_Settings):
    """How far image and region are changed; each size is the largest, 0 leaves that change out."""

    number: int = Field(default=4, ge=1, le=100, description="Changed copies of each patient.")
    patients: int | None = Field(
        default=40, ge=3, description="Training patients that are changed, drawn at random; null: all of them."
    )
    rotation_deg: float = Field(
        default=5.0, ge=0, le=45, description="Turn of image and region about the region's centre, around any axis."
    )
    translation_mm: float = Field(
        default=0.5, ge=0, le=20, description="Shift of the grid that image and region are sampled on, along each axis."
    )
    volume: float = Field(
        default=0.1, ge=0, le=0.5, description="Relative change of the region's volume, eroded or dilated."
    )
    contour_mm: float = Field(
        default=1.0, ge=0, le=20, description="Standard deviation of a smooth random displacement of the contour."
    )
    contour_scale_mm: float = Field(
        default=5.0, gt=0, le=100, description="How smooth that displacement is: standard deviation of its kernel."
    )

    @model_validator(mode="after")
    def _something_changes(self) -> PerturbationSettings:
        if not (self.rotation_deg or self.translation_mm or self.volume or self.contour_mm):
            raise ValueError("one of rotation_deg, translation_mm, volume and contour_mm must be above 0")
        return self
