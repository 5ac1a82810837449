"""Every fault planted in a cohort is found in one pass, and a sound cohort has none."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from vcfstats.contracts.case import Case
from vcfstats.contracts.errors import InputError
from vcfstats.imaging.checking import check_case, check_cases
from vcfstats.imaging.loading import load_case


def test_a_sound_cohort_has_no_problem(cohort, tmp_path):
    assert check_cases(cohort(3), folder=tmp_path / "cohort") == []


@pytest.mark.parametrize("workers", [1, 2])
def test_all_planted_faults_in_one_pass(cohort, workers):
    cases = cohort(12)
    folder = cases[0].image.parent

    def rewrite(index, change_image=None, change_mask=None):
        case = cases[index]
        if change_image:
            sitk.WriteImage(change_image(sitk.ReadImage(str(case.image))), str(case.image))
        if change_mask:
            sitk.WriteImage(change_mask(sitk.ReadImage(str(case.mask))), str(case.mask))

    def moved(volume):
        volume.SetOrigin([value + 2 for value in volume.GetOrigin()])
        return volume

    def with_nan(volume):
        volume = sitk.Cast(volume, sitk.sitkFloat32)
        volume[2, 2, 2] = float("nan")
        return volume

    def two_labels(volume):
        volume[0, 0, 0] = 9
        return volume

    cases[0].image.unlink()
    cases[1].image.write_bytes(cases[1].image.read_bytes()[:900])
    rewrite(2, change_mask=moved)
    rewrite(3, change_mask=lambda volume: volume[:-1, :, :])
    rewrite(4, change_mask=lambda volume: volume * 0)
    rewrite(5, change_mask=two_labels)
    cases[6] = replace(cases[6], mask_label=4)
    rewrite(7, change_image=with_nan)
    rewrite(8, change_image=lambda volume: volume * 0 + 5)
    outside = folder.parent / "elsewhere.nii.gz"
    cases[9].image.rename(outside)
    cases[9] = replace(cases[9], image=folder / ".." / outside.name)
    cases[10].image.write_bytes(cases[11].image.read_bytes())
    cases[10].mask.write_bytes(cases[11].mask.read_bytes())

    found = [(problem.patient, problem.found) for problem in check_cases(cases, folder=folder, workers=workers)]
    expected = [
        ("P0", "no such file"),
        ("P1", "ends too early"),
        ("P2", "another grid than its image: origin (14, -29, 56) against (12, -31, 54) mm"),
        ("P3", "size (26, 26, 9) against (27, 26, 9) voxels"),
        ("P4", "an empty mask"),
        ("P5", "the labels 1, 9"),
        ("P6", "not mask_label 4"),
        ("P7", "1 voxel that is not finite"),
        ("P8", "the same value, 5, in every voxel"),
        ("P9", "leaves the cohort's folder"),
        ("P10", "the same image under 2 ids: P10, P11"),
    ]
    assert [patient for patient, _ in found] == [patient for patient, _ in expected]
    for (_, said), (_, wanted) in zip(found, expected, strict=True):
        assert wanted in said


def test_both_files_of_a_case_are_reported(tmp_path):
    case = Case("P1", "P1", tmp_path / "a.nii.gz", tmp_path / "b.nii.gz")
    assert [problem.file for problem in check_case(case)] == [case.image, case.mask]


def test_a_flat_region_is_a_problem(cohort):
    (case,) = cohort(1)
    image = sitk.ReadImage(str(case.image))
    values = sitk.GetArrayFromImage(image)
    values[sitk.GetArrayFromImage(sitk.ReadImage(str(case.mask))) == 1] = 3
    flat = sitk.GetImageFromArray(values)
    flat.CopyInformation(image)
    sitk.WriteImage(flat, str(case.image))
    assert ["the same value, 3, in all" in problem.found for problem in check_case(case)] == [True]


@pytest.mark.parametrize("change", ["spacing", "direction"])
def test_grid_differences_are_named(cohort, change):
    (case,) = cohort(1)
    mask = sitk.ReadImage(str(case.mask))
    if change == "spacing":
        mask.SetSpacing((0.9, 0.9, 3.6))
    else:
        mask.SetDirection(np.array([0, 0, -1, 1, 0, 0, 0, 1, 0], dtype=float).tolist())
    sitk.WriteImage(mask, str(case.mask))
    with pytest.raises(InputError, match=f"another grid than its image: .*{change} "):
        load_case(case)


def test_rounding_of_the_header_is_not_another_grid(cohort):
    (case,) = cohort(1)
    mask = sitk.ReadImage(str(case.mask))
    mask.SetOrigin([value + 0.004 for value in mask.GetOrigin()])
    sitk.WriteImage(mask, str(case.mask))
    image, read = load_case(case)
    assert read.GetOrigin() == image.GetOrigin()
