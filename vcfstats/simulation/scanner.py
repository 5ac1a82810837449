"""Two scanners: coil sensitivity, gain, Rician noise, and the parameters of an acquisition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from vcfstats.simulation.anatomy import Field
from vcfstats.simulation.tissue import Grid


@dataclass(frozen=True)
class Scanner:
    """One of the two scanners."""

    manufacturer: str
    model: str
    gain: float
    noise_factor: float
    bias_factor: float


SCANNERS = (
    Scanner("Philips", "Ingenia CX", 1150.0, 1.0, 1.0),
    Scanner("GE", "Signa Architect", 2100.0, 1.25, 1.35),
)


def acquire(
    signal: Field, grid: Grid, scanner: Scanner, *, noise: float, bias: float, rng: np.random.Generator
) -> npt.NDArray[np.int16]:
    """Return what a scanner makes of the signal: coil sensitivity, gain, Rician noise, whole numbers."""
    y = (grid.y - grid.y.mean()) / np.ptp(grid.y)
    z = (grid.z - grid.z.mean()) / np.ptp(grid.z)
    x = (grid.x - grid.x.mean()) / np.ptp(grid.x)
    # The coil lies behind the patient: brighter towards the back, with a slow variation of its own along the table.
    shape = (
        y
        + 0.35 * rng.standard_normal() * z
        + 0.8 * rng.standard_normal() * (z * z - 1 / 12)
        + 0.2 * rng.standard_normal() * x
    )
    field = np.exp(np.float32(bias * scanner.bias_factor) * shape.astype(np.float32))
    blurred = gaussian_filter(signal, [0.4, 0.4, 0.0])
    sd = np.float32(noise * scanner.noise_factor)
    real = blurred * field + sd * rng.standard_normal(signal.shape, dtype=np.float32)
    imaginary = sd * rng.standard_normal(signal.shape, dtype=np.float32)
    gain = scanner.gain * rng.uniform(0.85, 1.15)
    voxels: npt.NDArray[np.int16] = np.clip(np.rint(gain * np.hypot(real, imaginary)), 0, 32767).astype(np.int16)
    return voxels


@dataclass(frozen=True)
class Acquisition:
    """How one examination was acquired, within the published ranges.

    Attributes
    ----------
    scanner : Scanner
        Which of the two.
    repetition_ms, echo_ms : float
        TR (2129 to 3862) and TE (75 to 107).
    fov_mm : float
        Field of view within the slice (230 to 360).
    matrix : int
        Matrix of that field (256 to 320).
    thickness_mm : float
        Slice thickness (3 to 4), slices without gap.
    """

    scanner: Scanner
    repetition_ms: float
    echo_ms: float
    fov_mm: float
    matrix: int
    thickness_mm: float

    @classmethod
    def of(cls, rng: np.random.Generator) -> Acquisition:
        """Draw the acquisition of a patient; each scanner examines about half of them."""
        return cls(
            scanner=SCANNERS[int(rng.integers(2))],
            repetition_ms=float(np.round(rng.uniform(2129, 3862))),
            echo_ms=float(np.round(rng.uniform(75, 107), 1)),
            fov_mm=float(rng.choice([230, 260, 280, 300, 320, 340, 360])),
            matrix=int(rng.choice([256, 288, 320])),
            thickness_mm=float(rng.choice([3.0, 3.5, 4.0])),
        )

    @property
    def pixel_mm(self) -> float:
        """Edge of a pixel within the slice, in mm."""
        return self.fov_mm / self.matrix

    def sidecar(self) -> dict[str, object]:
        """Return the acquisition in the field names of BIDS; times in seconds, lengths in mm."""
        return {
            "Simulated": True,
            "Manufacturer": self.scanner.manufacturer,
            "ManufacturersModelName": self.scanner.model,
            "MagneticFieldStrength": 3.0,
            "SeriesDescription": "sagittal T2 Dixon, water, simulated",
            "RepetitionTime": self.repetition_ms / 1000,
            "EchoTime": self.echo_ms / 1000,
            "FieldOfView": self.fov_mm,
            "Matrix": self.matrix,
            "SliceThickness": self.thickness_mm,
        }
