"""Headers are judged before voxels are read: sizes, spacings, units, files, and how much there is to read."""

import gzip
import os
import struct
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from tests.imaging.conftest import SPACING, make_image
from vcfstats.contracts.case import Case
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.imaging.cache import path_hash
from vcfstats.imaging.checking import check_case
from vcfstats.imaging.reading import read_image

SMALL = (6, 5, 4)


def refused(path: Path) -> str:
    """Return the one line in which a file is refused, for patient and file."""
    with pytest.raises(InputError) as error:
        read_image(path, patient="P7")
    (problem,) = error.value.problems
    assert (problem.patient, problem.file) == ("P7", path)
    assert "\n" not in str(problem)
    return str(problem)


@pytest.fixture
def small() -> sitk.Image:
    return make_image(size=SMALL)


def patched(path: Path, image: sitk.Image, place: int, letters: str, *values: float) -> Path:
    """Write a NIfTI file, or the pair of a header's name, and put values into its header."""
    sitk.WriteImage(image, str(path), useCompression=False)
    content = bytearray(path.read_bytes())
    struct.pack_into("<" + letters, content, place, *values)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("ending", [".nii", ".hdr"])
@pytest.mark.parametrize(
    ("place", "letters", "value", "said"),
    [
        (80, "f", 0.0, "voxel sizes (pixdim) of 0, 0.9, 3.5"),
        (84, "f", float("nan"), "voxel sizes (pixdim) of 0.9, nan, 3.5"),
        (88, "f", float("inf"), "voxel sizes (pixdim) of 0.9, 0.9, inf"),
        (88, "f", -3.5, "voxel sizes (pixdim) of 0.9, 0.9, -3.5"),
        (80, "f", 1e-30, "between 0.01 and 100 mm"),
        (80, "f", 1e30, "between 0.01 and 100 mm"),
        (80, "f", 0.8, "whose sform has voxels of 0.9, 0.9, 3.5 mm and whose pixdim says 0.8, 0.9, 3.5"),
        (76, "f", float("nan"), "a pixdim[0] of nan"),
        (108, "f", float("nan"), "a vox_offset of nan"),
        (108, "f", 351.5, "a vox_offset of 351.5"),
        (123, "B", 1, "voxel sizes in metres"),
        (123, "B", 3, "voxel sizes in micrometres"),
        (70, "h", 32, "voxels that are complex"),
        (72, "h", 8, "whose type 4 has 16 bits and whose bitpix says 8"),
        (42, "h", 0, "a size of 0 x 5 x 4 voxels"),
        (112, "f", float("inf"), "scl_slope inf"),
        (116, "f", 1e9, "scl_slope 1 and scl_inter 1e+09"),  # single precision would leave three grey levels of a hundred
        (280, "f", float("nan"), "allowed: one size of the voxels"),
        (292, "f", 1e30, "an origin (sform) of 1e+30"),
        (256, "f", 2.0, "a rotation (quatern) of 2"),
    ],
)  # fmt: skip
def test_a_nifti_header_is_refused(tmp_path, small, ending, place, letters, value, said):
    assert said in refused(patched(tmp_path / f"image{ending}", small, place, letters, value))


@pytest.mark.parametrize("slope", [0.0, float("nan")])
def test_no_scale_has_no_intercept(tmp_path, small, slope):
    """ITK adds it, other readers do not."""
    path = patched(tmp_path / "image.nii", small, 112, "2f", slope, 50.0)
    assert "scl_inter 50 beside scl_slope" in refused(path)
    path = patched(tmp_path / "plain.nii", small, 112, "2f", slope, 0.0)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(path)), sitk.GetArrayFromImage(small))


@pytest.mark.parametrize("offset", [0.0, 351.0, 368.0])
def test_voxels_are_not_shifted(tmp_path, small, offset):
    said = refused(patched(tmp_path / "image.nii", small, 108, "f", offset))
    assert "vox_offset" in said or "bytes where its header asks for" in said


def test_forms_that_contradict_each_other(tmp_path, small):
    small.SetDirection(np.eye(3).ravel().tolist())
    path = patched(tmp_path / "turned.nii", small, 256, "3f", 0.0, 0.0, 0.7071068)  # the qform by a quarter
    assert "qform and sform name different axes" in refused(path)
    path = patched(tmp_path / "apart.nii", small, 268, "f", 15.0)  # the qform 27 mm away
    assert read_image(path).GetOrigin() == pytest.approx(small.GetOrigin())
    (problem, *_) = [each for each in check_case(Case("P1", "P1", path, path)) if each.warning]
    assert problem.found == "a header whose qform and sform lie apart; the sform is taken"
    path = patched(tmp_path / "none.nii", small, 252, "2h", 0, 0)
    assert any("no qform, no sform" in each.found for each in check_case(Case("P1", "P1", path, path)))


@pytest.mark.parametrize("dtype", [sitk.sitkInt16, sitk.sitkFloat32, sitk.sitkFloat64])
@pytest.mark.parametrize("named", [".hdr", ".img"])
def test_pairs_are_whole_or_refused(tmp_path, small, dtype, named):
    image = sitk.Cast(small, dtype)
    sitk.WriteImage(image, str(tmp_path / "a.hdr"))
    path, voxels = tmp_path / f"a{named}", tmp_path / "a.img"
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(path)), sitk.GetArrayFromImage(image))
    content = voxels.read_bytes()
    if dtype != sitk.sitkInt16:
        values = np.frombuffer(content, dtype="<f4" if dtype == sitk.sitkFloat32 else "<f8").copy()
        values[7] = np.nan
        voxels.write_bytes(values.tobytes())
        assert "1 voxel that is not finite" in refused(path)
    for changed in (content[:-1], content + b"\0", b""):
        voxels.write_bytes(changed)
        assert f"a.img of {len(changed)} bytes where its header asks for {len(content)}" in refused(path)
    voxels.unlink()
    assert "no such file" in refused(path) or "of the files of a pair a.hdr" in refused(path)


def test_analyze_is_told_to_become_nifti(tmp_path, small):
    assert "an Analyze 7.5 file" in refused(patched(tmp_path / "a.hdr", small, 344, "4B", 0, 0, 0, 0))


def test_gzip_holds_as_much_as_declared_and_its_checksum(tmp_path, small):
    path = tmp_path / "a.nii.gz"
    sitk.WriteImage(small, str(path))
    content = path.read_bytes()
    for changed, said in (
        (content[:-8] + bytes(8), "CRC"),
        (content + b"garbage", "goes on after its end"),
        (gzip.compress(gzip.decompress(content) + b"\0"), "of more than"),
        (content[:-4], "ends too early"),
    ):
        path.write_bytes(changed)
        assert said in refused(path)


def test_a_bomb_is_not_unpacked(tmp_path, small):
    content = bytearray(patched(tmp_path / "a.nii", small, 70, "h", 4).read_bytes())
    path = tmp_path / "bomb.nii.gz"
    path.write_bytes(gzip.compress(bytes(content) + bytes(200_000_000)))
    tracemalloc.start()
    try:
        assert f"of more than {len(content)} bytes" in refused(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    struct.pack_into("<3h", content, 42, 32767, 32767, 32767)
    path.write_bytes(gzip.compress(bytes(content)))
    assert "32767 x 32767 x 32767 voxels of 2 bytes; allowed: at most 2 GiB of voxels" in refused(path)


def header(path: Path, image: sitk.Image, *changes: tuple[str, str]) -> Path:
    """Write an image and change words of its header."""
    sitk.WriteImage(image, str(path), useCompression=False)
    content = path.read_bytes()
    for old, new in changes:
        assert old.encode() in content
        content = content.replace(old.encode(), new.encode(), 1)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("a.mha", "NDims = 3", "NDims = 1000", "a header of 1000 axes"),
        ("a.mhd", "DimSize = 6 5 4", "DimSize = 2147483648 5 4", "at most 2 GiB of voxels"),
        ("a.mha", "DimSize = 6 5 4", "DimSize = 6 5", "a DimSize of 2 numbers; allowed: 3 whole numbers"),
        ("a.mha", "ElementSpacing", "Comment", "a header without ElementSpacing"),
        ("a.mha", "ElementSpacing", "ElementSize", "a header without ElementSpacing"),
        ("a.mhd", "ElementSpacing =", "DistanceUnits = um\nElementSpacing =", "voxel sizes in 'um'"),
        ("a.mha", "DimSize =", "DimSize = 6 5 4\nDimSize =", "a header that gives DimSize twice"),
        ("a.mha", "Offset =", "Position = 0 0 0\nOffset =", "a header that gives Offset and Position"),
        ("a.mha", "ElementType", "ElementToIntensityFunctionSlope = 2\nElementType", "ElementToIntensityFunctionSlope = 2"),
        ("a.mha", "TransformMatrix = 0 1 0", "TransformMatrix = 0 1 0.3", "axes are not at right angles"),
        ("a.mha", "CompressedData = False", "CompressedData = True", "a header without CompressedDataSize"),
        ("a.nrrd", "space directions", "#pace directions", "without space directions and without spacings"),
        ("a.nrrd", "(0,0,-0.9", "(0,0.4,-0.9", "axes are not at right angles"),
        ("a.nrrd", "sizes: 6 5 4", "sizes: 6 5 5", "bytes where its header asks for"),
        ("a.nrrd", "sizes: 6 5 4", "sizes: 6 5 2147483648", "at most 2 GiB of voxels"),
        ("a.nrrd", "dimension: 3", "dimension: 3\ndimension: 3", "a header that gives 'dimension' twice"),
        ("a.nrrd", "endian: little\n", "", "a header without the field endian"),
        ("a.nrrd", "encoding: raw", "encoding: hex", "the encoding 'hex'"),
        ("a.nrrd", "kinds:", 'space units: "um" "um" "um"\nkinds:', "distances of voxels in 'um'"),
    ],
)  # fmt: skip
def test_a_header_in_text_is_refused(tmp_path, small, name, old, new, said):
    assert said in refused(header(tmp_path / name, small, (old, new)))


@pytest.mark.parametrize("ending", [".mha", ".nrrd"])
@pytest.mark.parametrize("big", [False, True])
def test_compressed_voxels_are_those_of_their_checksum(tmp_path, ending, big):
    path, image = tmp_path / f"a{ending}", make_image(size=(20, 20, 6))
    sitk.WriteImage(image, str(path), useCompression=True)
    content = path.read_bytes()
    if big and ending == ".nrrd":
        head, _, packed = content.partition(b"\n\n")
        turned = gzip.compress(sitk.GetArrayFromImage(image).astype(">i2").tobytes())
        content = head.replace(b"endian: little", b"endian: big") + b"\n\n" + turned
        assert len(packed) != len(turned)
    path.write_bytes(content)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(path)), sitk.GetArrayFromImage(image))
    for changed in (content[:-1] + bytes([content[-1] ^ 1]), content + b"x", content[:-3]):
        path.write_bytes(changed)
        refused(path)


DETACHED = {".mhd": ("ElementDataFile = ", ".raw"), ".nhdr": ("data file: ", ".raw"), ".hdr": ("", ".img")}


def detached(folder: Path, image: sitk.Image, ending: str) -> tuple[Path, Path]:
    """Write a header and its voxels in two files."""
    path = folder / f"a{ending}"
    sitk.WriteImage(image, str(path), useCompression=False)
    return path, path.with_suffix(DETACHED[ending][1])


@pytest.mark.parametrize("ending", DETACHED)
def test_a_header_reads_no_file_of_elsewhere(tmp_path, small, ending):
    folder = tmp_path / "cohort"
    folder.mkdir()
    path, voxels = detached(folder, small, ending)
    secret = tmp_path / "secret.raw"
    voxels.rename(secret)
    if ending != ".hdr":
        start = DETACHED[ending][0].encode()
        before, _, after = path.read_bytes().partition(start + voxels.name.encode())
        for name in (
            "../secret.raw",
            str(secret),
            "a/../../secret.raw",
            "..\\secret.raw",
            "secret%d.raw/../../x 1 2 1",
        ):
            path.write_bytes(before + start + name.encode() + after)
            assert "secret" in refused(path) or "a pattern such as" in refused(path)
        path.write_bytes(before + start + b"LIST\n../secret.raw\n" + after)
        assert "names the file '../secret.raw'" in refused(path)
        path.write_bytes(before + start + voxels.name.encode() + after)
    voxels.symlink_to(secret)
    assert "a link that leads elsewhere" in refused(path)


@pytest.mark.parametrize("ending", [".mhd", ".nhdr"])
def test_voxels_below_the_header_in_one_file_or_in_several(tmp_path, small, ending):
    path, voxels = detached(tmp_path, small, ending)
    array = sitk.GetArrayFromImage(small)
    start = DETACHED[ending][0].encode()
    before, _, after = path.read_bytes().partition(start + voxels.name.encode())
    (tmp_path / "below").mkdir()
    for index, plane in enumerate(array):
        (tmp_path / "below" / f"s{index}.raw").write_bytes(plane.tobytes())
    (tmp_path / "below" / "all.raw").write_bytes(array.tobytes())
    names = "\n".join(f"below/s{index}.raw" for index in range(4)).encode()
    for named in (b"below/all.raw", b"below/s%d.raw 0 3 1", b"LIST\n" + names):
        path.write_bytes(before + start + named + after)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(path)), array)
        old = path_hash(path)
        part = tmp_path / "below" / ("all.raw" if b"all" in named else "s2.raw")
        content = part.read_bytes()
        part.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert path_hash(path) != old
        part.write_bytes(content[:-1])
        assert "bytes where its header asks for" in refused(path)
        part.write_bytes(content)


@pytest.mark.parametrize("ending", DETACHED)
@pytest.mark.parametrize("packed", [False, True])
def test_the_hash_covers_every_file_of_an_image(tmp_path, small, ending, packed):
    path = tmp_path / f"a{ending}"
    if packed and ending == ".hdr":
        path = tmp_path / "a.img.gz"
    sitk.WriteImage(small, str(path), useCompression=packed)
    (voxels,) = (
        each for each in tmp_path.iterdir() if ".hdr" not in each.name and each.suffix not in (".mhd", ".nhdr")
    )
    old = path_hash(path)
    assert path_hash(path) == old
    other = tmp_path / "other"
    other.mkdir()
    sitk.WriteImage(small + 1, str(other / path.name), useCompression=packed)
    voxels.write_bytes((other / voxels.name).read_bytes())
    assert path_hash(path) != old
    if ending == ".hdr":
        assert path_hash(voxels) == path_hash(tmp_path / ("a.hdr.gz" if packed else "a.hdr"))


def test_paths_that_lead_nowhere(tmp_path):
    loop, other = tmp_path / "loop.nii.gz", tmp_path / "other.nii.gz"
    loop.symlink_to(other)
    other.symlink_to(loop)
    zero, pipe = tmp_path / "zero.nii.gz", tmp_path / "pipe.nii.gz"
    zero.symlink_to("/dev/zero")
    os.mkfifo(pipe)
    began = time.monotonic()
    for path, said in (
        (loop, "too many levels of symbolic links"),
        (zero, "a pipe, a socket or a device"),
        (pipe, "a pipe, a socket or a device"),
        (tmp_path / "a\0b.nii.gz", "embedded null"),
        (tmp_path / ("x" * 300 + ".nii.gz"), "ile name too long"),
        (tmp_path / ("x" * 300 + ".seg.nrrd#a"), "ile name too long"),
    ):
        assert said in refused(path)
        problems = check_case(Case("P7", "P7", path, path), folder=tmp_path)
        assert problems
        assert all(isinstance(problem, Problem) and problem.patient == "P7" for problem in problems)
    pipe.rename(tmp_path / "pipe.mhd")
    assert "a pipe, a socket or a device" in refused(tmp_path / "pipe.mhd")
    assert time.monotonic() - began < 60


def test_another_format_is_not_guessed_at(tmp_path, small):
    sitk.WriteImage(small, str(tmp_path / "a.vtk"))
    assert "a file named a.vtk, of another format" in refused(tmp_path / "a.vtk")
    sitk.WriteImage(small, str(tmp_path / "a.mha"))
    (tmp_path / "a.mha").rename(tmp_path / "a.nrrd")
    assert "no NRRD header" in refused(tmp_path / "a.nrrd")


def test_what_itk_itself_writes_beside_the_fields_is_read(tmp_path, small):
    sitk.WriteImage(small, str(tmp_path / "a.nii.gz"))
    copy = sitk.ReadImage(str(tmp_path / "a.nii.gz"))  # with the fields of NIfTI, such as dim[0]
    copy.SetMetaData("a name of words", "a : value = of anything")
    for ending in (".mha", ".mhd", ".nrrd", ".nhdr"):
        sitk.WriteImage(copy, str(tmp_path / f"b{ending}"))
        np.testing.assert_array_equal(
            sitk.GetArrayFromImage(read_image(tmp_path / f"b{ending}")), sitk.GetArrayFromImage(small)
        )


def test_text_encodings(tmp_path, small):
    head = header(tmp_path / "a.nrrd", small, ("encoding: raw", "encoding: ascii")).read_bytes().partition(b"\n\n")[0]
    words = [str(value) for value in sitk.GetArrayFromImage(small).ravel()]
    path = tmp_path / "a.nrrd"
    path.write_bytes(head + b"\n\n" + " ".join(words).encode())
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(path)), sitk.GetArrayFromImage(small))
    for changed in (words[:-1], [*words, "1"], [*words[:-1], "x"], [*words[:-1], "40000"]):
        path.write_bytes(head + b"\n\n" + " ".join(changed).encode())
        assert "numbers" in refused(path)


def test_what_single_precision_cannot_hold(tmp_path):
    array = np.ones(SMALL[::-1])
    array[1, 1, 1] = 1e300
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(SPACING)
    sitk.WriteImage(image, str(tmp_path / "a.mha"))
    assert "voxels of up to 1e+300" in refused(tmp_path / "a.mha")
