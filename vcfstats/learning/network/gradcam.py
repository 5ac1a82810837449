"""Where in a slice a linear score on pooled features comes from: Grad-CAM at the last convolution.

Reference: Selvaraju et al. 2020, doi:10.1007/s11263-019-01228-7; for a linear head on global average pooling it is the
class activation map of Zhou et al. 2016, doi:10.1109/CVPR.2016.319, over the number of positions.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch

from vcfstats.contracts.slices import N_SLICES
from vcfstats.learning.network.trunk import Trunk, feature_names


def head_weights(coefficients: Mapping[str, float], width: int) -> npt.NDArray[np.float64]:
    """Arrange coefficients on deep features by slice and unit.

    Parameters
    ----------
    coefficients : mapping
        Coefficient by feature name, on the features as `trunk_features` gives them: where a model standardises, its
        coefficients divided by the standard deviations. Features of other kinds are left out, units not named get 0.
    width : int
        Units of the trunk.

    Returns
    -------
    float64 array, shape (3, width)

    Raises
    ------
    ValueError
        No coefficient belongs to a unit of this trunk, or one is not finite.

    Examples
    --------
    >>> head_weights({"DL_1": 0.5, "DL_0.2": -2.0, "original_firstorder_Mean": 9.0}, 2)
    array([[ 0. ,  0.5],
           [ 0. ,  0. ],
           [-2. ,  0. ]])
    """
    names = feature_names(width)
    if not any(name in coefficients for name in names):
        raise ValueError(f"no coefficient belongs to a deep feature ({names[0]} ... {names[-1]})")
    weights = np.array([float(coefficients.get(name, 0.0)) for name in names])
    if not np.isfinite(weights).all():
        raise ValueError(f"the coefficient of {names[int(np.argmin(np.isfinite(weights)))]} is not finite")
    return weights.reshape(N_SLICES, width)


def grad_cam(
    images: npt.NDArray[np.uint8], trunk: Trunk, weights: npt.ArrayLike, *, rectified: bool = True
) -> npt.NDArray[np.float64]:
    """Map the linear score of each image onto the positions of the last convolution.

    The score of image m is w_m . f_m with f_mk the mean of map A_mk over its Z positions. Its gradient by A_mk is w_mk / Z
    everywhere, so that Grad-CAM is max(0, sum_k w_mk A_mk) / Z. Before rectification a map sums to the image's score.

    Parameters
    ----------
    images : uint8 array, shape (m, s, s)
        Slices, such as ``stack.images[i]`` of one case.
    trunk : Trunk
        The network that the features came from.
    weights : array-like, shape (m, width)
        Coefficient of each feature, from `head_weights`.
    rectified : bool
        Keep only what speaks for the event, as published; False keeps the sign.

    Returns
    -------
    float64 array, shape (m, s / 32, s / 32)
        In units of the score; not normalised, so that maps can be compared.

    Raises
    ------
    ValueError
        Shapes that do not fit.
    """
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != (len(images), trunk.width):
        raise ValueError(f"weights must be of shape ({len(images)}, {trunk.width}), got {w.shape}")
    maps = trunk.maps(images)
    cam: npt.NDArray[np.float64] = np.einsum("mk,mkij->mij", w, maps) / (maps.shape[2] * maps.shape[3])
    return np.maximum(cam, 0.0) if rectified else cam


def resize_map(cam: npt.NDArray[np.float64], shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Resize a map to the rows and columns of the crop it belongs to, bilinearly, outer edges on outer edges."""
    if cam.ndim != 2 or min(shape) < 1:
        raise ValueError(f"a map of two axes and a shape of at least (1, 1) are needed, got {cam.shape} and {shape}")
    plane = torch.from_numpy(np.ascontiguousarray(cam, dtype=np.float64))[None, None]
    resized = torch.nn.functional.interpolate(plane, size=tuple(shape), mode="bilinear", align_corners=False)
    values: npt.NDArray[np.float64] = resized[0, 0].numpy()
    return values
