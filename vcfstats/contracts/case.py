"""One case: what every worker takes, in a module that loads no library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """One examination of one patient: an image and the mask of its region of interest.

    Attributes
    ----------
    case_id, patient_id : str
        Identifiers. Cases of one patient are never split between partitions.
    image, mask : Path
        Files, absolute.
    mask_label : int or None
        The label of the region in the mask; None takes the only non-zero label.
    """

    case_id: str
    patient_id: str
    image: Path
    mask: Path
    mask_label: int | None = None
