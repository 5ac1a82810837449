"""One simulated examination: from a patient's findings to an image and the masks that readers drew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from vcfstats.simulation.anatomy import Field, Fracture, Spine
from vcfstats.simulation.scanner import Acquisition, acquire
from vcfstats.simulation.settings import EffectSettings, SimulationSettings
from vcfstats.simulation.tissue import Appearance, Grid, random_field, tissue


@dataclass(frozen=True)
class Examination:
    """Image and masks of one patient, on one grid.

    Attributes
    ----------
    image : SimpleITK.Image
        int16, sagittal slices.
    masks : dict of str to SimpleITK.Image
        uint8; ``mask`` by reader 1, and where the patient was drawn again ``mask_intra`` (reader 1) and ``mask_inter``
        (reader 2).
    acquisition : Acquisition
        How the image was acquired.
    """

    image: sitk.Image
    masks: dict[str, sitk.Image]
    acquisition: Acquisition


def simulate_examination(
    patient: Mapping[str, Any], settings: SimulationSettings, seed: np.random.SeedSequence, *, repeat: bool
) -> Examination:
    """Simulate one patient's image and masks.

    Parameters
    ----------
    patient : mapping
        diagnosis, sex, location and the findings, as `simulate_findings` returns them.
    settings : SimulationSettings
        Field of view, noise, effect sizes, readers.
    seed : SeedSequence
        The patient's own: who else is simulated changes nothing.
    repeat : bool
        Whether the region is drawn again by both readers.

    Returns
    -------
    Examination
        Image, masks, acquisition.
    """
    shape_rng, scan_rng, reader_rng = (np.random.default_rng(child) for child in _children(seed, 3))
    acquisition = Acquisition.of(scan_rng)
    look, bulge = _appearance(patient, settings.effects, shape_rng)
    fracture = _fracture(bool(patient["anterior_wedge"]), bulge, shape_rng)
    spine = Spine.of(str(patient["location"]), str(patient["sex"]), fracture, shape_rng)
    grid, frame = _grid(spine, acquisition, settings, scan_rng)
    signal, inside = tissue(spine, look, grid, shape_rng)
    voxels = acquire(signal, grid, acquisition.scanner, noise=settings.noise, bias=settings.bias, rng=scan_rng)
    masks = {"mask": _draw(inside, grid, 0.0, settings, reader_rng)}
    if repeat:
        masks["mask_intra"] = _draw(inside, grid, 0.0, settings, reader_rng)
        masks["mask_inter"] = _draw(inside, grid, settings.reader_2_shift_mm, settings, reader_rng)
    return Examination(
        image=_volume(voxels, frame),
        masks={name: _volume(mask, frame) for name, mask in masks.items()},
        acquisition=acquisition,
    )


def _children(seed: np.random.SeedSequence, count: int) -> list[np.random.SeedSequence]:
    """Return the first children of a seed. Unlike spawn() it leaves the seed as it was, and so returns the same each time."""
    return [np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, index)) for index in range(count)]


def _appearance(
    patient: Mapping[str, Any], effects: EffectSettings, rng: np.random.Generator
) -> tuple[Appearance, float]:
    malignant = float(patient["diagnosis"] == "malignant")
    draws = rng.standard_normal(4)
    shifts = np.array([effects.roughness, effects.coarseness, effects.signal, effects.bulge])
    rough, coarse, bright, bulge = draws + malignant * shifts
    look = Appearance(
        band_edema=bool(patient["band_edema"]),
        diffuse_change=bool(patient["diffuse_change"]),
        pedicle=bool(patient["pedicle"]),
        paravertebral_mass=bool(patient["paravertebral_mass"]),
        roughness=float(0.15 * np.exp(0.40 * rough)),
        coarseness_mm=float(1.8 * np.exp(0.25 * coarse)),
        signal=float(np.exp(0.10 * bright)),
        hydration=float(np.clip(0.62 - 0.006 * (float(patient["age"]) - 40) + 0.10 * rng.standard_normal(), 0.15, 0.8)),
    )
    return look, float(0.3 + 0.9 * bulge)


def _fracture(wedge: bool, bulge: float, rng: np.random.Generator) -> Fracture:
    """Draw a compression: with a wedge the front gives way, without one the endplate sinks and the whole body shortens."""
    if wedge:
        return Fracture(rng.uniform(0.30, 0.50), rng.uniform(0.02, 0.10), rng.uniform(0.5, 2.0), bulge)
    common = rng.uniform(0.10, 0.25)
    return Fracture(common + rng.uniform(0, 0.05), common, rng.uniform(1.5, 4.0), bulge)


@dataclass(frozen=True)
class _Frame:
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    direction: tuple[float, ...]


def _grid(
    spine: Spine, acquisition: Acquisition, settings: SimulationSettings, rng: np.random.Generator
) -> tuple[Grid, _Frame]:
    """Return voxel centres in the anatomy's frame, and the volume's place in the scanner's.

    Array axes are slice (left to right), row (head to foot), column (front to back): right-handed, as in DICOM.
    """
    pixel, thickness = acquisition.pixel_mm, acquisition.thickness_mm
    slices = int(np.ceil((spine.width + 24) / thickness))
    rows, columns = round(settings.field_hf_mm / pixel), round(settings.field_ap_mm / pixel)
    shift = rng.uniform(-0.5, 0.5, 3) * (thickness, 6.0, 8.0)
    x = ((slices - 1) / 2 - np.arange(slices)) * thickness + shift[0]
    # The canal and the muscles behind it take more room than what lies in front.
    y = (np.arange(columns) - 0.38 * columns) * pixel + shift[1]
    z = ((rows - 1) / 2 - np.arange(rows)) * pixel + shift[2]
    grid = Grid(
        x=x.astype(np.float32)[:, None, None],
        y=y.astype(np.float32)[None, None, :],
        z=z.astype(np.float32)[None, :, None],
        spacing=(thickness, pixel, pixel),
    )
    # The patient lies a little askew: the volume is turned about its three axes by a few degrees.
    a, b, c = np.deg2rad(rng.normal(0, 2.0, 3))
    turn = (
        np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
        @ np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
        @ np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    )
    axes = turn @ np.array(
        [[0, 0, -1], [1, 0, 0], [0, -1, 0]], dtype=float
    )  # columns: image axes (column, row, slice) in LPS
    origin = turn @ np.array([x[0], y[0], z[0]]) + rng.uniform(-40, 40, 3)
    frame = _Frame((pixel, pixel, thickness), tuple(map(float, origin)), tuple(map(float, axes.ravel())))  # type: ignore[arg-type]
    return grid, frame


def _draw(
    inside: Field, grid: Grid, shift_mm: float, settings: SimulationSettings, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Return the outline that a reader draws: off the true border by a shift and by a smooth wander, slice by slice."""
    wander = random_field(inside.shape, grid.spacing, 4.0, rng)
    return (inside + np.float32(shift_mm) + np.float32(settings.reader_sd_mm) * wander > 0).astype(np.uint8)


def _volume(voxels: npt.NDArray[Any], frame: _Frame) -> sitk.Image:
    volume = sitk.GetImageFromArray(voxels)
    volume.SetSpacing(frame.spacing)
    volume.SetOrigin(frame.origin)
    volume.SetDirection(frame.direction)
    volume.SetMetaData("ITK_FileNotes", "SIMULATED, not a patient (vcfstats)")
    return volume
