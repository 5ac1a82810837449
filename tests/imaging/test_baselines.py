"""Radiomic features against values that PyRadiomics left in files: its own baselines, and those of a small image."""

import csv
import hashlib
import importlib.util
import json
from pathlib import Path

import pytest
import SimpleITK as sitk

from vcfstats.imaging.radiomics import extract, feature_names
from vcfstats.imaging.settings import RadiomicsSettings

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "tests" / "reference" / "radiomics"
CLASSES = ("firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm", "shape")
EVERY_TYPE = ("original", "wavelet", "log", "square", "square_root", "logarithm", "exponential", "gradient", "lbp_3d")
# The baselines were written by PyRadiomics 2.0.1. The mesh of brain1's region has since become another: these four, all
# functions of its area and its volume, differ by up to 9e-4, and PyRadiomics 3.1.4 gives what we give.
OTHER_MESH = {"MeshVolume", "SurfaceArea", "SurfaceVolumeRatio", "Sphericity"}


def baselines():
    """Return the folder of PyRadiomics' images and baselines where this machine has it."""
    places = (parent / "shared" / "data" / "pyradiomics" for parent in ROOT.parents)
    return next((place for place in places if place.is_dir()), None)


@pytest.mark.skipif(baselines() is None, reason="PyRadiomics' images are not on this machine")
@pytest.mark.parametrize("case", ["breast1", "brain1"])
def test_pyradiomics_baselines(case):
    from radiomics.shape import RadiomicsShape

    folder = baselines()
    image, label = (sitk.ReadImage(str(folder / f"{case}_{kind}.nrrd")) for kind in ("image", "label"))
    mask = sitk.Cast(label == 1, sitk.sitkUInt8)
    ours = extract(image, mask, RadiomicsSettings(bin_width=25, energy_shift=2000, excluded_features=()))
    compared = 0
    for name in CLASSES:
        with (folder / "baseline" / f"baseline_{name}.csv").open(newline="") as stream:
            rows = {row["featureName"]: row[case] for row in csv.DictReader(stream)}
        for feature, value in rows.items():
            if feature.startswith("original_"):
                other = case == "brain1" and feature.rsplit("_", 1)[1] in OTHER_MESH
                assert ours[feature] == pytest.approx(float(value), rel=1e-3 if other else 1e-9), feature
                compared += 1
    assert compared == len(ours) == 107
    installed = RadiomicsShape(image, mask, label=1)
    installed.enableAllFeatures()
    found = installed.execute()
    for feature in OTHER_MESH:
        assert ours[f"original_shape_{feature}"] == pytest.approx(float(found[feature]), rel=1e-10)


def test_a_small_image_has_the_values_that_pyradiomics_left():
    spec = importlib.util.spec_from_file_location("make", REFERENCE / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    expected = json.loads((REFERENCE / "values.json").read_text(encoding="utf-8"))
    settings = RadiomicsSettings(
        image_types=("original", "wavelet", "square", "gradient"), bin_width=25, excluded_features=("glcm_MCC",)
    )
    ours = extract(*make.case(), settings)
    left = {name for name in expected if name not in ours}
    assert left == {name for name in expected if name.endswith("glcm_MCC")}
    assert len(ours) == 14 + 11 * 92
    for name, value in ours.items():
        assert value == pytest.approx(expected[name], rel=1e-9, abs=1e-9), name


def test_the_1834_names_and_their_order_are_fixed():
    names = feature_names(RadiomicsSettings(image_types=EVERY_TYPE))
    assert len(names) == 1834
    assert (
        hashlib.sha256("\n".join(names).encode()).hexdigest()
        == "b976de9dbde880828c99d768d4788b30978a03000bf471985eb3d1513409dfa6"
    )


def test_bins_start_at_multiples_of_their_width_not_at_the_minimum():
    # IBSI's bins of fixed width start at the region's minimum: 3 and 6 would fall into one bin of width 5.
    import numpy as np

    values = np.full((6, 6, 6), 3.0)
    values[::2] = 6.0
    image, mask = sitk.GetImageFromArray(values), sitk.GetImageFromArray(np.ones((6, 6, 6), np.uint8))
    found = extract(image, mask, RadiomicsSettings(feature_classes=("firstorder",), bin_width=5))
    assert found["original_firstorder_Entropy"] == pytest.approx(1.0)
