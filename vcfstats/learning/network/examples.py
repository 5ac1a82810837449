"""Training cases, and the versions of their images that a network meets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vcfstats.learning.network.augmentation import vary
from vcfstats.learning.network.frozen import Cut, Floats
from vcfstats.learning.network.settings import AugmentationSettings

_VIEWS = 1  # purpose of the numbers that versions are drawn from, among those of one seed


@dataclass(frozen=True)
class Examples:
    """Training cases.

    Attributes
    ----------
    case_ids : tuple of str
        In ascending order, so that nothing depends on the order in which they came.
    images : uint8 array, shape (n, 3, s, s)
        Their slices.
    outcome, patients : array, shape (n,)
        0/1, and the patient of each case.
    """

    case_ids: tuple[str, ...]
    images: npt.NDArray[np.uint8]
    outcome: npt.NDArray[np.int64]
    patients: npt.NDArray[np.str_]


def derived(seed: np.random.SeedSequence, *path: int) -> np.random.SeedSequence:
    """Return the seed at a path below another; nothing drawn before changes it."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *path))


def versions(
    examples: Examples, settings: AugmentationSettings, seed: np.random.SeedSequence, cut: Cut
) -> Iterator[list[Floats]]:
    """Yield all cases as they are and, where frozen layers make it worth keeping them, each varied version of all cases."""
    cases = range(len(examples.case_ids))
    yield [examples.images[case] for case in cases]
    for view in range(1, settings.views if cut != "pixels" else 1):
        yield [varied(examples, case, settings, seed, _VIEWS, view) for case in cases]


def varied(
    examples: Examples, case: int, settings: AugmentationSettings, seed: np.random.SeedSequence, *path: int
) -> Floats:
    """Vary the slices of a case by draws that depend on the seed, the path and the case's name alone."""
    name = int.from_bytes(examples.case_ids[case].encode(), "big")
    # A SeedSequence's path is made of words of 32 bits.
    words = [name >> shift & 0xFFFFFFFF for shift in range(0, max(name.bit_length(), 1), 32)]
    return vary(examples.images[case], settings, np.random.default_rng(derived(seed, *path, *words)))
