"""Write values.json: PyRadiomics' own extractor on an image that a formula gives, so that no image need be stored.

Run with pyradiomics-bhklab 3.1.4 from the repository's root: python tests/reference/radiomics/make.py
"""

import json
from pathlib import Path

import numpy as np
import SimpleITK as sitk

SIZE = (14, 12, 9)  # columns, rows, slices
SPACING = (0.8, 1.1, 2.5)
TYPES = {"Original": {}, "Gradient": {}, "Square": {}, "Wavelet": {}}


def case():
    """Return image and mask: whole numbers from sums of products, an ellipsoid with a corner cut off."""
    z, y, x = np.meshgrid(*(np.arange(n) for n in reversed(SIZE)), indexing="ij")
    values = (37 * x * y + 53 * y * z + 29 * x * z + 11 * x * x + 7 * y * y * z) % 251 + 3 * x + 5 * y
    inside = ((x - 6.5) / 5.5) ** 2 + ((y - 5.5) / 4.5) ** 2 + ((z - 4) / 3.5) ** 2 <= 1
    inside &= x + y + z > 9
    image = sitk.GetImageFromArray(values.astype(np.float64))
    mask = sitk.GetImageFromArray(inside.astype(np.uint8))
    for volume in (image, mask):
        volume.SetSpacing(SPACING)
    return image, mask


if __name__ == "__main__":
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    extractor = RadiomicsFeatureExtractor(additionalInfo=False, binWidth=25)
    extractor.disableAllImageTypes()
    for name, options in TYPES.items():
        extractor.enableImageTypeByName(name, customArgs=options)
    found = {name: float(value) for name, value in extractor.execute(*case()).items()}
    Path(__file__).with_name("values.json").write_text(
        json.dumps(found, indent=0, sort_keys=True) + "\n", encoding="utf-8"
    )
