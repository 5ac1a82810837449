"""Which cases are shown with their class activation maps, the maps, and whether they depend on what the network learned.

Reference for the check: Adebayo et al. 2018, doi:10.48550/arXiv.1810.03292.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import spearmanr

from vcfstats.contracts.progress import progress
from vcfstats.contracts.slices import SliceStack
from vcfstats.learning.network.gradcam import grad_cam, head_weights
from vcfstats.learning.network.settings import TrunkSettings
from vcfstats.learning.network.trunk import Trunk, load_trunk

# Reference standard and call, in the order of print: right and wrong cases of both classes.
CELLS = (("event", "positive"), ("event", "negative"), ("nonevent", "negative"), ("nonevent", "positive"))


@dataclass(frozen=True)
class Shown:
    """A case that is shown.

    Attributes
    ----------
    outcome : str
        ``event`` or ``nonevent``.
    called : str
        ``positive`` where the probability reaches the threshold, else ``negative``.
    case_id : str
        The case.
    probability : float
        The network's own.
    """

    outcome: str
    called: str
    case_id: str
    probability: float


def cases_shown(predictions: pd.DataFrame, threshold: float) -> list[Shown]:
    """Choose the case of the median probability in each cell of reference standard and call; an empty cell has none.

    Parameters
    ----------
    predictions : DataFrame
        Predictions of the network's own model on one set of cases: case_id, outcome, probability.
    threshold : float
        Positive is a probability of at least this.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"case_id": list("abcd"), "outcome": [1, 1, 1, 0], "probability": [0.9, 0.6, 0.7, 0.2]})
    >>> [(shown.outcome, shown.called, shown.case_id) for shown in cases_shown(frame, 0.5)]
    [('event', 'positive', 'c'), ('nonevent', 'negative', 'd')]
    """
    found = []
    for outcome, called in CELLS:
        own = predictions[
            (predictions["outcome"] == (outcome == "event"))
            & ((predictions["probability"] >= threshold) == (called == "positive"))
        ].sort_values(["probability", "case_id"], kind="stable")
        if len(own):
            middle = own.iloc[(len(own) - 1) // 2]  # the lower of two middle ones
            found.append(Shown(outcome, called, str(middle["case_id"]), float(middle["probability"])))
    return found


def slice_maps(
    stack: SliceStack, cases: Sequence[str], trunk: Trunk, weights: npt.NDArray[np.float64], *, rectified: bool = True
) -> npt.NDArray[np.float64]:
    """Return the map of each case's slice with the largest region, shape (n, s / 32, s / 32).

    Parameters
    ----------
    stack : SliceStack
        Slices that hold the cases.
    cases : sequence of str
        The cases.
    trunk : Trunk
        The network.
    weights : float64 array, shape (width,)
        Of the head on each unit.
    rectified : bool
        As for `grad_cam`.
    """
    place = {case: number for number, case in enumerate(stack.case_ids)}
    maps = [
        grad_cam(stack.images[place[case], :1], trunk, weights[None], rectified=rectified)[0]
        for case in progress(cases, len(cases), label="activation maps")
    ]
    return np.array(maps)


def unit_weights(
    units: Sequence[str], coefficients: npt.ArrayLike, scale: npt.ArrayLike, width: int
) -> npt.NDArray[np.float64]:
    """Return the head's weight on each unit as the network gives it, shape (width,): coefficient over standard deviation."""
    per_unit = np.asarray(coefficients, dtype=np.float64) / np.asarray(scale, dtype=np.float64)
    named: Mapping[str, float] = dict(zip(units, per_unit.tolist(), strict=True))
    weights: npt.NDArray[np.float64] = head_weights(named, width)[0]
    return weights


def randomised_correlations(
    stack: SliceStack,
    cases: Sequence[str],
    settings: TrunkSettings,
    maps: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Return how each case's map correlates (Spearman) with that of the same architecture with random weights.

    A map that stays what it was shows edges of the image, not what the network learned. Maps are compared with their
    signs; a map without variation gives NaN.

    Parameters
    ----------
    stack, cases, weights
        As for `slice_maps`.
    settings : TrunkSettings
        Of the network that was used; its architecture and seed are taken.
    maps : float64 array, shape (n, s / 32, s / 32)
        Of the network that was used, not rectified.
    """
    drawn = settings.model_copy(
        update={"weights": "none", "weights_file": None, "weights_sha256": None, "trained": "none"}
    )
    random = slice_maps(stack, cases, load_trunk(drawn), weights, rectified=False)
    found = np.full(len(maps), np.nan)
    for number, (own, other) in enumerate(zip(maps, random, strict=True)):
        if np.ptp(own) > 0 and np.ptp(other) > 0:
            found[number] = spearmanr(own.ravel(), other.ravel()).statistic
    return found
