"""Images varied as a scanner, a position and a hand might vary them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from vcfstats.learning.network.settings import AugmentationSettings


def vary(
    images: npt.NDArray[np.uint8], settings: AugmentationSettings, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Return each image mirrored, turned, shifted, scaled, brightened, contrasted and noised by draws of its own.

    Parameters
    ----------
    images : uint8 array, shape (m, s, s)
        Grey images.
    settings : AugmentationSettings
        How much.
    rng : Generator
        Source of every draw; m images take the same number of draws whatever the settings.

    Returns
    -------
    float32 array, shape (m, s, s)
        Intensities within 0 and 255, bilinear between pixels; beyond the border stands the border's value.
    """
    m, size = len(images), images.shape[-1]
    grey = torch.from_numpy(images.astype(np.float32))
    mirrored = rng.random(m) < settings.flip
    angle = np.deg2rad(settings.rotation_degrees) * rng.uniform(-1, 1, m)
    zoom = 1 + settings.scale * rng.uniform(-1, 1, m)
    # In grid_sample's coordinates a side is 2 long.
    shift = 2 * settings.shift * rng.uniform(-1, 1, (m, 2))
    brightness = 255 * settings.brightness * rng.uniform(-1, 1, m)
    contrast = 1 + settings.contrast * rng.uniform(-1, 1, m)
    noise = 255 * settings.noise * rng.standard_normal(images.shape, dtype=np.float32)
    if mirrored.any() or settings.rotation_degrees or settings.scale or settings.shift:
        sign = np.where(mirrored, -1.0, 1.0)
        theta = np.empty((m, 2, 3), dtype=np.float32)
        theta[:, 0] = np.stack([sign * np.cos(angle), -sign * np.sin(angle), np.zeros(m)], axis=1) / zoom[:, None]
        theta[:, 1] = np.stack([np.sin(angle), np.cos(angle), np.zeros(m)], axis=1) / zoom[:, None]
        theta[:, :, 2] = shift
        grid = torch.nn.functional.affine_grid(torch.from_numpy(theta), [m, 1, size, size], align_corners=False)
        grey = torch.nn.functional.grid_sample(
            grey[:, None], grid, mode="bilinear", padding_mode="border", align_corners=False
        )[:, 0]
    mean = grey.mean(dim=(1, 2), keepdim=True)
    of = [torch.from_numpy(values.astype(np.float32)).view(-1, 1, 1) for values in (contrast, brightness)]
    varied = (mean + (grey - mean) * of[0] + of[1] + torch.from_numpy(noise)).clamp(0, 255)
    values: npt.NDArray[np.float32] = varied.numpy()
    return values
