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


def test_a_region_in_one_slice_is_too_thin_whichever_axis_that_is(cohort):
    """In a volume of one voxel size no axis is the one across slices."""
    (case,) = cohort(1)
    image, mask = (sitk.ReadImage(str(path)) for path in (case.image, case.mask))
    for axis in range(3):
        values = sitk.GetArrayFromImage(mask)
        other = [slice(None)] * 3
        other[axis] = slice(0, values.shape[axis] // 2)
        values[tuple(other)] = 0
        other[axis] = slice(values.shape[axis] // 2 + 1, None)
        values[tuple(other)] = 0
        for array, path in ((sitk.GetArrayFromImage(image), case.image), (values, case.mask)):
            volume = sitk.GetImageFromArray(array)
            volume.SetSpacing((2.0, 2.0, 2.0))
            sitk.WriteImage(volume, str(path))
        found = [problem.found for problem in check_case(case, min_slices=3)]
        assert len(found) == 1, found
        assert found[0].startswith("a region in 1 ")


def test_one_mask_file_for_several_patients(cohort):
    cases = cohort(3)
    shape = sitk.ReadImage(str(cases[0].image))
    for case in cases[1:]:  # on one grid, so that the mask fits them all
        other = sitk.ReadImage(str(case.image))[: shape.GetWidth(), :, :]
        sitk.WriteImage(other, str(case.image))
    (cases[0].mask.parent / "link.nii.gz").symlink_to(cases[0].mask.name)
    shared = [
        cases[0],
        replace(cases[1], mask=cases[0].mask),
        replace(cases[2], mask=cases[0].mask.parent / "link.nii.gz"),
    ]
    assert [problem.found for problem in check_cases(shared)] == ["the same mask under 3 ids: P0, P1, P2"]
    again = [replace(case, patient_id="P0") for case in shared]
    assert check_cases(again) == []


def test_links_stay_inside_the_folder(cohort, tmp_path):
    case, other = cohort(2)
    folder = tmp_path / "cohort"
    away = tmp_path / "away"
    away.mkdir()
    (tmp_path / "alias").symlink_to(folder)
    within = replace(case, image=tmp_path / "alias" / case.image.name, mask=tmp_path / "alias" / "inner.nii.gz")
    (folder / "inner.nii.gz").symlink_to(case.mask.name)
    assert check_case(within, folder=tmp_path / "alias") == []  # the folder is a link, and so is a file in it
    other.mask.rename(away / "mask.nii.gz")
    other.mask.symlink_to(away / "mask.nii.gz")
    (problem,) = check_case(other, folder=folder)
    assert not problem.warning
    assert problem.found == f"a link that leads out of the cohort's folder, to {(away / 'mask.nii.gz').resolve()}"
    series = folder / "series"
    series.mkdir()
    (series / "IM0").symlink_to(away / "mask.nii.gz")
    (series / "loop").symlink_to(series / "loop")
    (problem,) = check_case(replace(case, image=series), folder=folder)
    assert "a link that leads out of the cohort's folder" in problem.found
    sitk.WriteImage(sitk.ReadImage(str(case.mask)), str(folder / "a.nhdr"))
    (folder / "a.raw").rename(away / "a.raw")
    (folder / "a.raw").symlink_to(away / "a.raw")
    found = [problem.found for problem in check_case(replace(case, mask=folder / "a.nhdr"), folder=folder)]
    assert any("a link that leads" in each for each in found)
