"""Every feature of the original image against the IBSI digital phantom (Zwanenburg et al. 2020, doi:10.1148/radiol.2020191145).

reference/radiomics/ibsi.csv holds the consensus values of the phantom as it is, in 3D, texture matrices averaged over
directions: all that the standard gives for the families of features that PyRadiomics has, with PyRadiomics' name where there
is one. A feature is compared, deviates in a way that is known and asserted, or has no counterpart in the standard.
"""

import csv
import math
import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from vcfstats.imaging.radiomics import extract, feature_names
from vcfstats.imaging.settings import RadiomicsSettings

ROOT = Path(__file__).parents[2]
with (ROOT / "tests" / "reference" / "radiomics" / "ibsi.csv").open(newline="", encoding="utf-8") as stream:
    STANDARD = list(csv.DictReader(stream))
ROW_OF = {row["feature"]: row for row in STANDARD if row["feature"]}
EVERYTHING = RadiomicsSettings(bin_width=1, excluded_features=())

# Grey levels by slice and row, voxels outside the region marked with a dot before the value.
PHANTOM = """
1 4 4 1 1 | 1 4 6 1 1 | 4 1 6 4 1 | 4 4 6 4 1
1 4 4 1 1 | 1 1 6 1 1 | .1 1 3 1 1 | 4 4 6 1 1
1 4 4 .1 .1 | 1 1 1 1 1 | 1 1 .9 1 1 | 1 1 6 1 1
1 4 4 .1 .1 | 1 1 1 1 1 | 1 1 1 1 1 | 1 1 6 1 1
"""
N_VOXELS = 74
# What makes the standard's value of ours.
DEVIATING = {
    "firstorder_Kurtosis": lambda value: value - 3,  # excess kurtosis
    "shape_MajorAxisLength": lambda value: value * math.sqrt(N_VOXELS / (N_VOXELS - 1)),  # covariance over n - 1
    "shape_MinorAxisLength": lambda value: value * math.sqrt(N_VOXELS / (N_VOXELS - 1)),
    "shape_LeastAxisLength": lambda value: value * math.sqrt(N_VOXELS / (N_VOXELS - 1)),
}
# Features of PyRadiomics that the standard does not have, with the phantom's value from their definition.
WITHOUT_COUNTERPART = {
    "shape_Maximum2DDiameterSlice": math.sqrt(
        10**2 + 6**2
    ),  # from face to opposite face of the mesh, and 3 voxels across
    "shape_Maximum2DDiameterColumn": math.sqrt(10**2 + 6**2),
    "shape_Maximum2DDiameterRow": math.sqrt(8**2 + 6**2),
    "firstorder_TotalEnergy": 567 * 2**3,  # energy times the volume of a voxel
    "glcm_MCC": None,  # eigenvalues: compared with PyRadiomics' in test_features.py
}


def _printed(value: float) -> float:
    """Half a unit of the third significant digit, which the standard prints, and a little."""
    return 0.51 * 10.0 ** (math.floor(math.log10(abs(value))) - 2)


@pytest.fixture(scope="module")
def found():
    rows = [[row.split() for row in line.split("|")] for line in PHANTOM.strip().splitlines()]
    values = np.array([[[int(cell.strip(".")) for cell in row] for row in plane] for plane in rows], dtype=np.float32)
    inside = np.array([[["." not in cell for cell in row] for row in plane] for plane in rows], dtype=np.uint8)
    assert inside.sum() == N_VOXELS
    image, mask = sitk.GetImageFromArray(values), sitk.GetImageFromArray(inside)
    for volume in (image, mask):
        volume.SetSpacing((2.0, 2.0, 2.0))
    return {name.removeprefix("original_"): value for name, value in extract(image, mask, EVERYTHING).items()}


def test_every_feature_is_compared_or_deviates_or_has_no_counterpart():
    names = {name.removeprefix("original_") for name in feature_names(EVERYTHING)}
    assert len(names) == 107
    assert names == ROW_OF.keys() | WITHOUT_COUNTERPART.keys()
    assert not ROW_OF.keys() & WITHOUT_COUNTERPART.keys()
    assert DEVIATING.keys() <= ROW_OF.keys()
    assert len(ROW_OF.keys() - DEVIATING.keys()) == 98


@pytest.mark.parametrize("feature", sorted(ROW_OF.keys() - DEVIATING.keys()))
def test_ibsi_digital_phantom(found, feature):
    expected, tolerance = float(ROW_OF[feature]["value"]), float(ROW_OF[feature]["tolerance"])
    assert found[feature] == pytest.approx(expected, abs=tolerance or _printed(expected))


@pytest.mark.parametrize("feature", sorted(DEVIATING))
def test_ibsi_deviations(found, feature):
    expected = float(ROW_OF[feature]["value"])
    # Closer than the standard's tolerance, within which two of the three axes would pass for no deviation or nearly.
    assert DEVIATING[feature](found[feature]) == pytest.approx(expected, abs=_printed(expected))
    assert found[feature] != pytest.approx(expected, abs=_printed(expected))


@pytest.mark.parametrize("feature", sorted(name for name, value in WITHOUT_COUNTERPART.items() if value is not None))
def test_features_that_the_standard_does_not_have(found, feature):
    assert found[feature] == pytest.approx(WITHOUT_COUNTERPART[feature], rel=1e-9)


# Values of the standard that are another of its values, or that those of ours give: whoever needs them computes them.
FOLLOWS = {
    "cm_sum_var_3D_avg": lambda f: f["glcm_ClusterTendency"],
    "cm_dissimilarity_3D_avg": lambda f: f["glcm_DifferenceAverage"],
    "ngl_glnu_norm_3D": lambda f: f["firstorder_Uniformity"],
    "morph_comp_1": lambda f: f["shape_MeshVolume"] / math.sqrt(math.pi * f["shape_SurfaceArea"] ** 3),
    "morph_comp_2": lambda f: f["shape_Sphericity"] ** 3,
    "morph_sph_dispr": lambda f: 1 / f["shape_Sphericity"],
    "morph_asphericity": lambda f: 1 / f["shape_Sphericity"] - 1,
    "morph_integ_int": lambda f: f["shape_MeshVolume"] * f["firstorder_Mean"],
    "stat_cov": lambda f: math.sqrt(f["firstorder_Variance"]) / f["firstorder_Mean"],
}


@pytest.mark.parametrize("tag", sorted(FOLLOWS))
def test_values_of_the_standard_that_follow_from_ours(found, tag):
    (row,) = (row for row in STANDARD if row["tag"] == tag)
    assert not row["feature"]
    expected = float(row["value"])
    assert FOLLOWS[tag](found) == pytest.approx(expected, abs=float(row["tolerance"]) or _printed(expected))


def test_the_documentation_lists_what_deviates_and_what_is_missing(found):
    text = (ROOT / "docs" / "radiomics.md").read_text(encoding="utf-8")
    chapter = text.split("## Deviations from IBSI")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| [^|]+ \|$", chapter, flags=re.MULTILINE)
    listed = {feature: (standard, ours) for feature, standard, ours in rows}
    assert listed.keys() == DEVIATING.keys() | WITHOUT_COUNTERPART.keys()
    for feature, (standard, ours) in listed.items():
        assert standard == (ROW_OF[feature]["value"] if feature in ROW_OF else "none"), feature
        assert float(ours.replace(",", "")) == pytest.approx(found[feature], abs=_printed(found[feature]) / 10), feature
    missing = {row["tag"] for row in STANDARD if not row["feature"]}
    assert missing == set(re.findall(r"`((?:morph|stat|ih|cm|ngl)_\w+)`", chapter))


def _reference():
    places = (parent / "shared" / "data" / "ibsi" / "digital_phantom_reference.csv" for parent in ROOT.parents)
    return next((place for place in places if place.is_file()), None)


@pytest.mark.skipif(_reference() is None, reason="the standard's own table is not on this machine")
def test_the_table_is_the_standards():
    with _reference().open(newline="", encoding="utf-8") as stream:
        theirs = {tag: (value, tolerance) for value, tolerance, tag in csv.reader(stream, delimiter=";") if value}
    ours = {row["tag"]: (row["value"], row["tolerance"]) for row in STANDARD}
    assert ours.items() <= theirs.items()
    family = re.compile(r"(morph|stat|ih)_\w+|(cm|rlm)_\w+_3D_avg|(szm|ngt|ngl)_\w+_3D")
    assert ours.keys() == {tag for tag in theirs if family.fullmatch(tag)}
