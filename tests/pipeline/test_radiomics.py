"""The stage radiomics tells of regions that have too few grey levels for textures."""

import pytest

from vcfstats.contracts.features import FeatureDescription
from vcfstats.pipeline.radiomics import levels_warning


def described(counts, **settings) -> FeatureDescription:
    levels = {f"P{number}": {"levels": n, "of_90_percent": most} for number, (n, most) in enumerate(counts)}
    return FeatureDescription(
        versions={}, settings={"bin_width": 25.0, "bin_count": None, **settings}, inputs={}, grey_levels=levels
    )


def test_the_median_patient_decides():
    assert levels_warning(described([(16, 9), (3, 2), (40, 30)])) is None
    said = levels_warning(described([(15, 9), (3, 2), (40, 30)]))
    assert said is not None
    assert (
        "a median of 15 grey levels in a region, of which 9 hold 90% of its voxels, with radiomics.bin_width 25" in said
    )
    assert "smaller bin_width" in said


def test_levels_that_hold_hardly_a_voxel_do_not_count():
    said = levels_warning(described([(30, 4), (25, 4)], bin_width=None, bin_count=30))
    assert said is not None
    assert "27.5 grey levels in a region, of which 4 hold 90% of its voxels, with radiomics.bin_count 30" in said


@pytest.mark.parametrize("levels", [None, {}])
def test_no_region_no_warning(levels):
    description = FeatureDescription(versions={}, settings={}, inputs={}, grey_levels=levels)
    assert levels_warning(description) is None
    assert "grey_levels" not in FeatureDescription(versions={}, settings={}, inputs={}).text()
