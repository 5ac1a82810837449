"""A piece of spine in millimetres: vertebral bodies, discs, canal, and one fractured body, as signed distances.

Coordinates: x to the patient's left, y to the back, z to the head, zero in the middle of the fractured body. A signed
distance is positive inside a structure; near its border it is the distance to the border in mm, elsewhere only its sign
and its order matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]

# Typical adult sizes in mm: height, depth and width of a body, height of a disc, half-depth of the canal.
SIZES = {
    "cervical": (14.0, 17.0, 24.0, 5.0, 7.0),
    "thoracic": (22.0, 28.0, 32.0, 5.0, 7.5),
    "lumbar": (27.0, 34.0, 46.0, 10.0, 8.5),
}
# Curvature of the spine's line in 1/mm: in a lordosis (positive) the middle lies in front of the ends, in a kyphosis behind.
CURVATURE = {"cervical": 1 / 250, "thoracic": -1 / 320, "lumbar": 1 / 280}


@dataclass(frozen=True)
class Fracture:
    """How the middle body is deformed.

    Attributes
    ----------
    anterior_loss, posterior_loss : float
        Height lost at the front and at the back, as a fraction.
    endplate_dip : float
        How far the superior endplate sinks in the middle, in mm.
    bulge : float
        How far the posterior wall is pushed into the canal, in mm; negative leaves it hollow.
    """

    anterior_loss: float
    posterior_loss: float
    endplate_dip: float
    bulge: float


@dataclass(frozen=True)
class Spine:
    """Sizes of one patient's piece of spine, in mm."""

    location: str
    height: float
    depth: float
    width: float
    disc: float
    canal: float
    curvature: float
    tilt: float
    fracture: Fracture

    @classmethod
    def of(cls, location: str, sex: str, fracture: Fracture, rng: np.random.Generator) -> Spine:
        """Draw the sizes of a patient."""
        scale = (1.05 if sex == "male" else 0.96) * (1 + 0.04 * rng.standard_normal())
        height, depth, width, disc, canal = (
            size * scale * (1 + 0.03 * rng.standard_normal()) for size in SIZES[location]
        )
        curvature = CURVATURE[location] * (1 + 0.25 * rng.standard_normal())
        return cls(location, height, depth, width, disc, canal, curvature, 0.08 * rng.standard_normal(), fracture)

    def line(self, z: npt.ArrayLike) -> npt.NDArray[np.floating]:
        """Return y of the middle of the bodies at height z."""
        z = np.asarray(z)
        return self.tilt * z + 0.5 * self.curvature * z**2

    def levels(self, reach: float) -> list[float]:
        """Return the heights of the middles of the bodies within `reach` mm of the fractured one, which is at 0."""
        step = self.height + self.disc
        lost = 0.5 * self.height * (self.fracture.anterior_loss + self.fracture.posterior_loss)
        count = int(reach // step) + 1
        return [*(-step * k for k in range(count, 0, -1)), 0.0, *(step * k - lost for k in range(1, count + 1))]


@dataclass(frozen=True)
class Local:
    """Coordinates of voxels in the frame of one body: u to the back, v to the head, both in mm."""

    u: Field
    v: Field
    x: Field


def local_frame(spine: Spine, level: float, x: Field, y: Field, z: Field) -> Local:
    """Return coordinates in the frame of the body at `level`, turned as the spine's line is there."""
    angle = -np.arctan(spine.tilt + spine.curvature * level)
    if level > 0:
        # The bodies above follow the wedge of the fractured one.
        loss = spine.fracture.anterior_loss - spine.fracture.posterior_loss
        angle -= 0.6 * np.arctan(loss * spine.height / spine.depth)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    dy, dz = y - np.float32(spine.line(level)), z - np.float32(level)
    return Local(cos * dy + sin * dz, -sin * dy + cos * dz, x)


def _round_min(a: Field, b: Field, radius: float) -> Field:
    """Return the smaller of two signed distances, with the edge between their surfaces rounded."""
    share = np.clip(np.float32(0.5) + (b - a) / np.float32(2 * radius), 0, 1)
    distance: Field = (b + (a - b) * share - np.float32(radius) * share * (1 - share)).astype(np.float32)
    return distance


def _wall(spine: Spine, frame: Local, waist: float, bulge: float) -> Field:
    """Return the signed distance to the side walls: a rounded outline, hollow at half height, flattened at the back."""
    half = 0.5 * spine.height
    t = np.clip(frame.v / np.float32(half), -1.2, 1.2)
    narrow = np.float32(1.0) - np.float32(waist) * (1 - t * t)
    depth, width = 0.5 * spine.depth * narrow, 0.5 * spine.width * narrow
    # The back of a body is nearly flat, slightly hollow; a bulge pushes its middle into the canal.
    middle = np.clip(1 - (frame.x / np.float32(0.35 * spine.width)) ** 2, 0, 1)
    back = np.float32(-0.10 * spine.depth) + np.float32(bulge) * middle * np.clip(1 - t * t, 0, 1)
    u = np.where(frame.u > 0, frame.u - back, frame.u)
    radius = (np.abs(u / depth) ** np.float32(2.6) + np.abs(frame.x / width) ** np.float32(2.6)) ** np.float32(1 / 2.6)
    distance: Field = ((1 - radius) * np.minimum(depth, width)).astype(np.float32)
    return distance


def body(spine: Spine, level: float, frame: Local) -> tuple[Field, Field]:
    """Return a vertebral body: the signed distance to its surface, and the depth below its superior endplate in mm."""
    half = np.float32(0.5 * spine.height)
    hollow = np.float32(0.06 * spine.height)
    ahead = np.clip(0.5 - frame.u / np.float32(spine.depth), 0, 1)  # 1 at the front, 0 at the back
    dome = np.clip(1 - (2 * frame.u / np.float32(spine.depth)) ** 2, 0, 1) * np.clip(
        1 - (2 * frame.x / np.float32(spine.width)) ** 2, 0, 1
    )
    top, bulge, waist = half - hollow * dome, 0.0, 0.07
    if level == 0:
        fracture = spine.fracture
        loss = (
            np.float32(fracture.posterior_loss) + np.float32(fracture.anterior_loss - fracture.posterior_loss) * ahead
        )
        top = top - loss * np.float32(spine.height) - np.float32(fracture.endplate_dip) * dome
        bulge, waist = fracture.bulge, 0.05
    bottom = -half + hollow * dome
    below = (top - frame.v).astype(np.float32)
    radius = 0.09 * spine.height
    plates = np.minimum(below, frame.v - bottom)
    return _round_min(plates, _wall(spine, frame, waist, bulge), radius), below


def nucleus(spine: Spine, lower: float, upper: float, x: Field, y: Field, z: Field) -> Field:
    """Return the signed distance to the nucleus of the disc between the bodies at two levels."""
    floor = lower + 0.5 * spine.height
    if lower == 0:
        floor -= 0.5 * spine.height * (spine.fracture.anterior_loss + spine.fracture.posterior_loss)
    ceiling = upper - 0.5 * spine.height
    gap = ceiling - floor
    frame = local_frame(spine, 0.5 * (floor + ceiling), x, y, z)
    half = np.float32(0.42 * gap + 0.05 * spine.height)
    radius = np.sqrt(
        (np.abs((frame.u + np.float32(0.03 * spine.depth)) / np.float32(0.32 * spine.depth)) ** 2.4)
        + (frame.v / half) ** 2
        + (frame.x / np.float32(0.36 * spine.width)) ** 2
    )
    distance: Field = ((1 - radius) * half).astype(np.float32)
    return distance


def column(spine: Spine, x: Field, y: Field, z: Field) -> Field:
    """Return the signed distance to the column that bodies and discs fill."""
    u = y - spine.line(z).astype(np.float32)
    back = np.where(u > 0, u + np.float32(0.08 * spine.depth), u)
    radius = (
        np.abs(back / np.float32(0.5 * spine.depth)) ** 2.4 + np.abs(x / np.float32(0.5 * spine.width)) ** 2.4
    ) ** (1 / 2.4)
    distance: Field = ((1 - radius) * np.float32(0.5 * spine.depth)).astype(np.float32)
    return distance


def canal(spine: Spine, x: Field, y: Field, z: Field) -> tuple[Field, Field]:
    """Return the signed distance to the dural sac, and each voxel's distance from its axis in units of its radius."""
    u = y - spine.line(z).astype(np.float32) - np.float32(0.43 * spine.depth + spine.canal)
    radius = np.sqrt((u / np.float32(spine.canal)) ** 2 + (x / np.float32(1.3 * spine.canal)) ** 2)
    return ((1 - radius) * np.float32(spine.canal)).astype(np.float32), radius.astype(np.float32)


def pedicles(spine: Spine, frame: Local) -> Field:
    """Return the signed distance to both pedicles of a body."""
    u = frame.u - np.float32(0.5 * spine.depth + 0.5 * spine.canal)
    across = (np.abs(frame.x) - np.float32(0.36 * spine.width)) / np.float32(0.11 * spine.width)
    up = (frame.v - np.float32(0.18 * spine.height)) / np.float32(0.24 * spine.height)
    along = np.abs(u) - np.float32(0.5 * spine.canal + 5)
    radius = np.sqrt(across * across + up * up)
    distance: Field = np.minimum((1 - radius) * np.float32(0.14 * spine.width), -along).astype(np.float32)
    return distance


def spinous_process(spine: Spine, frame: Local) -> Field:
    """Return the signed distance to the spinous process of a body, a plate behind the canal that points downwards."""
    u = frame.u - np.float32(0.5 * spine.depth + 2 * spine.canal + 12)
    v = frame.v + np.float32(0.30 * spine.height) + np.float32(0.35) * u
    radius = np.sqrt(
        (u / np.float32(12)) ** 2 + (v / np.float32(0.36 * spine.height)) ** 2 + (frame.x / np.float32(4.5)) ** 2
    )
    return ((1 - radius) * np.float32(4.5)).astype(np.float32)
