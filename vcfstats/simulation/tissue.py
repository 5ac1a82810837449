"""What a T2 Dixon water image shows of a piece of spine: the signal of its tissues, and the texture of its marrow.

Signals are fractions of that of cerebrospinal fluid.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter

from vcfstats.simulation import anatomy
from vcfstats.simulation.anatomy import Field, Spine

AIR, FAT, MUSCLE, VESSEL, CORTEX, LIGAMENT = 0.01, 0.07, 0.20, 0.03, 0.05, 0.08
MARROW, ANNULUS, CORD, EDEMA, MASS = 0.24, 0.11, 0.42, 0.62, 0.48


@dataclass(frozen=True)
class Appearance:
    """What one patient's fractured body and its surroundings look like.

    Attributes
    ----------
    band_edema, diffuse_change, pedicle, paravertebral_mass : bool
        The readers' findings.
    roughness : float
        SD of the marrow's texture, as a fraction of the marrow's signal.
    coarseness_mm : float
        Correlation length of the texture, in mm.
    signal : float
        Factor of the fractured body's signal.
    hydration : float
        Signal of the discs' nuclei.
    """

    band_edema: bool
    diffuse_change: bool
    pedicle: bool
    paravertebral_mass: bool
    roughness: float
    coarseness_mm: float
    signal: float
    hydration: float


@dataclass(frozen=True)
class Grid:
    """Voxel centres in the coordinates of the anatomy, and the voxels' size along each array axis, in mm."""

    x: Field
    y: Field
    z: Field
    spacing: tuple[float, float, float]


def random_field(
    shape: tuple[int, ...], spacing: tuple[float, ...], length_mm: float, rng: np.random.Generator
) -> Field:
    """Return a Gaussian random field of mean 0 and SD 1 whose correlation length is `length_mm`."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    smooth = gaussian_filter(noise, [length_mm / step for step in spacing], mode="wrap", truncate=3)
    standard: Field = ((smooth - smooth.mean()) / smooth.std()).astype(np.float32)
    return standard


def _weight(distance: Field, blur_mm: float = 0.45) -> Field:
    """Return how much of a voxel a structure fills, from the signed distance to its surface."""
    weight: Field = (0.5 * (1 + np.tanh(distance / np.float32(blur_mm)))).astype(np.float32)
    return weight


def _lay(signal: Field, distance: Field, value: float | Field, blur_mm: float = 0.45) -> None:
    """Lay a structure over what is there, in place."""
    weight = _weight(distance, blur_mm)
    signal += weight * (value - signal)


def tissue(spine: Spine, look: Appearance, grid: Grid, rng: np.random.Generator) -> tuple[Field, Field]:
    """Return the signal without coil and noise, and the signed distance to the fractured body's surface."""
    x, y, z = grid.x, grid.y, grid.z
    shape = np.broadcast_shapes(x.shape, y.shape, z.shape)
    fine = random_field(shape, grid.spacing, 1.2, rng)
    signal = _surroundings(spine, grid, shape, fine, rng)
    _lay(signal, anatomy.column(spine, x, y, z) + 1.2, LIGAMENT)
    sac, radius = anatomy.canal(spine, x, y, z)
    frames = {level: anatomy.local_frame(spine, level, x, y, z) for level in spine.levels(float(np.abs(z).max()))}

    for frame in frames.values():
        _lay(signal, anatomy.spinous_process(spine, frame) + 1, CORTEX)
        _lay(signal, anatomy.spinous_process(spine, frame), MARROW * (1 + 0.10 * fine))
    _lay(signal, sac + 1.0, LIGAMENT)
    _lay(signal, sac, _sac(spine, radius, x, fine))
    disc = anatomy.column(spine, x, y, z)
    _lay(signal, disc, ANNULUS * (1 + 0.15 * fine))
    levels = list(frames)
    for lower, upper in pairwise(levels):
        _lay(signal, anatomy.nucleus(spine, lower, upper, x, y, z), look.hydration * (1 + 0.08 * fine), 1.0)

    fractured = np.zeros(shape, np.float32)
    grain = 0.09 * fine + 0.08 * random_field(shape, grid.spacing, 3.0, rng)
    for level, frame in frames.items():
        inside, below = anatomy.body(spine, level, frame)
        roots = anatomy.pedicles(spine, frame)
        marrow = (MARROW * (1 + grain)).astype(np.float32)
        if level == 0:
            fractured = inside
            marrow = _fractured_marrow(look, grid, inside, below, rng)
            root_value: float | Field = 0.45 * (1 + 0.12 * fine) if look.pedicle else MARROW
        else:
            root_value = MARROW
        _lay(signal, roots + 0.8, CORTEX)
        _lay(signal, roots - 0.5, root_value)
        _lay(signal, inside + 0.6, CORTEX)
        _lay(signal, inside - 0.7, marrow)
    if look.paravertebral_mass:
        _mass(spine, signal, fractured, grid, rng)
    return signal, fractured


def _surroundings(spine: Spine, grid: Grid, shape: tuple[int, ...], fine: Field, rng: np.random.Generator) -> Field:
    """Return muscle and fat behind, fat and vessels in front."""
    u = grid.y - spine.line(grid.z).astype(np.float32)
    signal = np.full(shape, FAT, np.float32) * (1 + 0.25 * fine)
    strands = random_field(shape, (grid.spacing[0], grid.spacing[1], grid.spacing[2] / 6), 1.6, rng)
    behind = u - np.float32(0.4 * spine.depth)
    _lay(signal, behind.astype(np.float32), MUSCLE * (1 + 0.22 * strands))
    # Muscle beside the bodies (psoas in the lumbar spine).
    beside = 12 - np.sqrt((np.abs(grid.x) - np.float32(0.5 * spine.width + 13)) ** 2 + (0.7 * u) ** 2)
    _lay(signal, beside.astype(np.float32), MUSCLE * (1 + 0.15 * strands))
    skin = u - np.float32(0.5 * spine.depth + 2 * spine.canal + 30)
    _lay(signal, skin.astype(np.float32), FAT * (1 + 0.2 * fine))
    for side, bore in ((0.22, 9.5), (-0.28, 10.5)):  # aorta on the left, caval vein on the right: flow leaves no signal
        wander = 2.5 * np.sin(grid.z / np.float32(37) + np.float32(rng.uniform(0, 6)))
        ahead = u + np.float32(0.5 * spine.depth + bore + 2.5)
        tube = bore - np.sqrt((grid.x - np.float32(side * spine.width) - wander) ** 2 + ahead**2)
        _lay(signal, (tube + 1.2).astype(np.float32), MUSCLE)
        _lay(signal, tube.astype(np.float32), VESSEL)
    return signal


def _sac(spine: Spine, radius: Field, x: Field, fine: Field) -> Field:
    """Return the signal inside the dural sac: a cord in fluid, or the roots of the cauda equina at its back."""
    if spine.location == "lumbar":
        roots = np.clip(np.sin(x * 1.9 + 4 * radius) - 0.1, 0, 1)
        fluid: Field = (1.0 - 0.45 * roots * np.clip(1.2 - radius, 0, 1) + 0.03 * fine).astype(np.float32)
        return fluid
    cord = _weight((np.float32(0.55) - radius) * np.float32(spine.canal))
    return (1.0 + cord * (CORD - 1.0) + 0.02 * fine).astype(np.float32)


def _fractured_marrow(look: Appearance, grid: Grid, inside: Field, below: Field, rng: np.random.Generator) -> Field:
    shape = inside.shape
    base = np.full(shape, MARROW * 1.15, np.float32)
    if look.diffuse_change:
        base += np.float32(0.22)
    patch = random_field(shape, grid.spacing, 5.0, rng)
    base += np.float32(0.05) * patch
    if look.band_edema:
        edge = np.float32(rng.uniform(7, 11)) + 1.2 * patch
        base += _weight(edge - below, 1.5) * (EDEMA - base)
        line = np.exp(-(((below - np.float32(3.5) - 0.6 * patch) / np.float32(1.1)) ** 2))
        base -= np.float32(0.28) * line  # the fracture line, dark within the edema
    texture = random_field(shape, grid.spacing, look.coarseness_mm, rng)
    return np.clip(look.signal * base * (1 + np.float32(look.roughness) * texture), 0.02, 1.2).astype(np.float32)


def _mass(spine: Spine, signal: Field, fractured: Field, grid: Grid, rng: np.random.Generator) -> None:
    side = rng.choice([-1.0, 1.0])
    size = rng.uniform(11, 17)
    x0, y0 = side * 0.42 * spine.width, spine.line(0.0) - rng.uniform(0.25, 0.45) * spine.depth
    lumps = random_field(fractured.shape, grid.spacing, 4.0, rng)
    radius = np.sqrt(((grid.x - x0) / 1.1) ** 2 + ((grid.y - y0) / 0.9) ** 2 + ((grid.z + 2) / 1.5) ** 2)
    distance = np.minimum(size - radius + 1.5 * lumps, -fractured)
    _lay(signal, distance.astype(np.float32), MASS * (1 + 0.14 * lumps))
