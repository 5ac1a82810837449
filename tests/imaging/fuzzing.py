"""Images whose headers are changed in every field, and what reading them came to; run in a process of its own.

``python -m tests.imaging.fuzzing FOLDER FRACTION SEED`` writes one line a changed file to FOLDER/outcomes.jsonl: its name, and what is
wrong with how it was read, nothing where it came back as written or was refused in one line that names patient and file.
The last line without an outcome is the file that ended the process.
"""

import json
import math
import random
import re
import shutil
import signal
import struct
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk

from tests.imaging.test_dicom import write_volume
from vcfstats.contracts.errors import InputError
from vcfstats.imaging.reading import read_image

SIZE, SPACING = (6, 5, 4), (0.9, 1.2, 3.5)
SECONDS = 100  # on a machine under load; what hangs takes for ever
NUMBERS = ("0", "-1", "nan", "inf", "1e30", "1e-30", "2147483648", "-2147483649", "")

# NIfTI-1: place in the header, type, number of values; what scales intensities is judged apart.
FIELDS = {
    "sizeof_hdr": (0, "i", 1), "dim": (40, "h", 8), "intent": (68, "h", 1), "datatype": (70, "h", 1), "bitpix": (72, "h", 1),
    "pixdim": (76, "f", 8), "vox_offset": (108, "f", 1), "scl_slope": (112, "f", 1), "scl_inter": (116, "f", 1),
    "xyzt_units": (123, "B", 1), "qform_code": (252, "h", 1), "sform_code": (254, "h", 1), "quatern": (256, "f", 3),
    "qoffset": (268, "f", 3), "srow": (280, "f", 12), "magic": (344, "B", 4), "extender": (348, "B", 4),
}  # fmt: skip


def volume() -> sitk.Image:
    image = sitk.GetImageFromArray(np.random.default_rng(5).integers(1, 4000, SIZE[::-1]).astype(np.int16))
    image.SetSpacing(SPACING)
    image.SetOrigin((-3.0, 4.0, 11.0))
    return image


def _packed(kind: str, text: str) -> bytes | None:
    value = float(text or 7)
    if kind == "f":
        return struct.pack("<f", value)
    if not math.isfinite(value):
        return None
    size = struct.calcsize(kind)
    return (int(value) % 256**size).to_bytes(size, "little")


def nifti(folder: Path, rng: random.Random, extra: int) -> Iterator[tuple[str, Path]]:
    """Single files, compressed ones and pairs."""
    for ending, header in ((".nii", ".nii"), (".nii.gz", ".nii.gz"), (".img", ".hdr")):
        whole = folder / f"whole{ending}"
        sitk.WriteImage(volume(), str(whole), useCompression=ending.endswith("gz"))
        path, target = folder / f"changed{ending}", folder / f"changed{header}"
        if ending == ".nii.gz":
            content = bytes(whole.read_bytes())
        else:
            content = (folder / f"whole{header}").read_bytes()
            if header != ending:
                shutil.copy(whole, path)
        if ending != ".nii.gz":
            for name, (place, kind, count) in FIELDS.items():
                step = struct.calcsize(kind)
                for index in range(count):
                    start = place + index * step
                    if start >= len(content):
                        continue
                    for value in NUMBERS:
                        if (packed := _packed(kind, value)) is not None:
                            target.write_bytes(content[:start] + packed + content[start + step :])
                            yield f"{ending} {name}[{index}] = {value or 'random'}", path
        yield from _bytes(ending, content, path, target, rng, extra, 348)


def _bytes(
    name: str, content: bytes, path: Path, target: Path, rng: random.Random, extra: int, header: int
) -> Iterator[tuple[str, Path]]:
    """Cut short, lengthened, doubled, and with bytes at random in the header."""
    for length in (0, 1, 10, 100, 347, 348, 351, 352, len(content) // 2, len(content) - 1):
        target.write_bytes(content[:length])
        yield f"{name} cut to {length} bytes", path
    for more in (b"\0", b"x" * 7, content):
        target.write_bytes(content + more)
        yield f"{name} with {len(more)} bytes more", path
    for number in range(extra):
        changed = bytearray(content)
        for _ in range(rng.choice((1, 2, 8))):
            place = rng.randrange(min(header, len(changed)))
            if header != 348 or not 112 <= place < 120:  # a scale is one, whatever its bytes
                changed[place] = rng.randrange(256)
        target.write_bytes(changed)
        yield f"{name} with bytes at random, {number}", path


def _lines(name: str, head: bytes, rest: bytes, path: Path) -> Iterator[tuple[str, Path]]:
    """A header of lines: each one removed, doubled, emptied, and each of its numbers changed."""
    lines = head.decode().splitlines(keepends=True)

    def put(changed: list[str]) -> None:
        path.write_bytes("".join(changed).encode() + rest)

    for index, line in enumerate(lines):
        shown = line.strip()[:30]
        put(lines[:index] + lines[index + 1 :])
        yield f"{name} without {shown!r}", path
        put([*lines[:index], line, *lines[index:]])
        yield f"{name} with {shown!r} twice", path
        put([*lines[:index], re.sub(r"([:=]).*", r"\1 ", line), *lines[index + 1 :]])
        yield f"{name} with {shown!r} emptied", path
        for number in re.finditer(r"(?<![\w.])-?\d+(\.\d+)?(?![\w.])", line):
            for value in (*NUMBERS, "1000", "x", "6 6"):
                # A direction of length 1 is one that a header may have.
                if value == "-1" and "directions" in line and number.group() not in ("0",):
                    continue
                put([*lines[:index], line[: number.start()] + value + line[number.end() :], *lines[index + 1 :]])
                yield f"{name} {shown!r} with {value!r} for {number.group()} at {number.start()}", path


def metaimage(folder: Path, rng: random.Random, extra: int) -> Iterator[tuple[str, Path]]:
    for ending, packed in ((".mha", False), (".mha", True), (".mhd", False), (".mhd", True)):
        whole, path = folder / f"whole{ending}", folder / f"changed{ending}"
        sitk.WriteImage(volume(), str(whole), useCompression=packed)
        content = whole.read_bytes()
        end = content.index(b"\n", content.index(b"ElementDataFile")) + 1
        name = f"{ending}{' compressed' if packed else ''}"
        yield from _lines(name, content[:end], content[end:], path)
        yield from _bytes(name, content, path, path, rng, extra, end)


def nrrd(folder: Path, rng: random.Random, extra: int) -> Iterator[tuple[str, Path]]:
    for ending, packed in ((".nrrd", False), (".nrrd", True), (".nhdr", False), (".nhdr", True)):
        whole, path = folder / f"whole{ending}", folder / f"changed{ending}"
        sitk.WriteImage(volume(), str(whole), useCompression=packed)
        content = whole.read_bytes()
        end = content.find(b"\n\n") + 1 or len(content)
        name = f"{ending}{' compressed' if packed else ''}"
        yield from _lines(name, content[:end], content[end:], path)
        yield from _bytes(name, content, path, path, rng, extra, end)


TAGS = {
    "Rows": "US", "Columns": "US", "BitsAllocated": "US", "BitsStored": "US", "HighBit": "US", "PixelRepresentation": "US",
    "SamplesPerPixel": "US", "NumberOfFrames": "IS", "PixelSpacing": "DS", "ImagePositionPatient": "DS",
    "ImageOrientationPatient": "DS", "RescaleSlope": "DS", "RescaleIntercept": "DS", "PhotometricInterpretation": "CS",
    "SOPClassUID": "UI", "SeriesInstanceUID": "UI", "EchoTime": "DS", "SeriesNumber": "IS", "SliceThickness": "DS",
    "FrameOfReferenceUID": "UI", "Units": "CS",
}  # fmt: skip


def dicom(folder: Path, rng: random.Random, extra: int) -> Iterator[tuple[str, Path]]:
    """One file of a series changed, the others whole."""
    series = folder / "series"
    write_volume(series, volume(), uid="1.2.3.4")
    files = sorted(series.iterdir())
    for path in (files[0], files[1], files[-1]):
        content = path.read_bytes()
        for tag in TAGS:
            data = pydicom.dcmread(path)
            if tag in data:
                del data[tag]
                data.save_as(path)
                yield f"{path.name} without {tag}", series
            for value in NUMBERS:
                path.write_bytes(content)
                data = pydicom.dcmread(path)
                if not _set(data, tag, value):
                    continue
                try:
                    data.save_as(path)
                except (ValueError, TypeError, OverflowError):
                    path.write_bytes(content)
                    continue
                yield f"{path.name} with {tag} {value!r}", series
            path.write_bytes(content)
        yield from _bytes(path.name, content, series, path, rng, extra, len(content) - 2 * SIZE[0] * SIZE[1])
        for length in (0, 2, 58):
            path.write_bytes(content)
            data = pydicom.dcmread(path)
            data.PixelData = data.PixelData[:length]
            data.save_as(path)
            yield f"{path.name} with {length} bytes of pixels", series
        path.write_bytes(content)


def _set(data: pydicom.Dataset, tag: str, value: str) -> bool:
    """Set a tag, past what pydicom would refuse to write; say whether it could be."""
    kind = TAGS[tag]
    if kind == "US":
        if not value or not math.isfinite(float(value)):
            return False
        setattr(data, tag, int(float(value)) % 65536)
        return True
    if tag in ("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient"):
        value = "\\".join([value, *str(data[tag].value).strip("[]").split(", ")[1:]])
    element = pydicom.DataElement(pydicom.tag.Tag(tag), "LO", value)
    data[tag] = pydicom.dataelem.RawDataElement(
        element.tag, kind, len(value) + len(value) % 2, (value + " " * (len(value) % 2)).encode(), 0, False, True
    )
    return True


FORMATS = {"nifti": nifti, "metaimage": metaimage, "nrrd": nrrd, "dicom": dicom}


def expected(name: str) -> list[np.ndarray]:
    """Return the values that a changed file may come back with."""
    array = sitk.GetArrayFromImage(volume()).astype(np.float64)
    allowed = [array]
    changed = re.search(r"(scl_slope\[0\]|scl_inter\[0\]|RescaleSlope|RescaleIntercept) (?:= )?'?([-\w.]+)", name)
    if changed and changed.group(2) != "random":
        field, value = changed.group(1), float(changed.group(2))
        slice_ = int(name[2:6]) if name.startswith("IM") else slice(None)
        other = array.copy()
        other[slice_] = array[slice_] * value if "lope" in field else array[slice_] + value
        allowed.append(other)
    if name.endswith("= random") and "scl_" in name:
        allowed += [array * 7, array + 7]
    return allowed


def judge(name: str, path: Path) -> str:
    """Read a changed file twice; return what is wrong with how it was read."""
    said = []
    for _ in range(2):
        try:
            image = read_image(path, patient="P1")
        except InputError as error:
            problem = error.problems[0]
            if "\n" in str(problem) or problem.patient != "P1" or not str(problem.file).startswith(str(path)):
                return f"refused with {problem}"
            said.append(str(problem))
        else:
            array = sitk.GetArrayFromImage(image)
            # A number with another digit, or another byte, is a number.
            free = "at random" in name and not path.is_dir()
            if not free and not np.allclose(image.GetSpacing(), SPACING, rtol=0.02 if path.is_dir() else 1e-3):
                return f"spacing {image.GetSpacing()}"
            if not any(array.shape == each.shape and np.allclose(array, each, rtol=1e-6) for each in expected(name)):
                return f"voxels {array.ravel()[:4]}"
            said.append(repr(array.tobytes()))
    return "" if said[0] == said[1] else "two reads that differ"


def main(folder: Path, fraction: float, seed: int) -> None:
    warnings.simplefilter("ignore")
    rng = random.Random(seed)
    with (folder / "outcomes.jsonl").open("w", encoding="utf-8", buffering=1) as out:
        for kind, make in FORMATS.items():
            place = folder / kind
            place.mkdir()
            for name, path in make(place, rng, round(400 * fraction)):
                if rng.random() > fraction:
                    continue
                out.write(json.dumps([kind, name]) + "\n")
                signal.alarm(SECONDS)
                wrong = judge(name, path)
                signal.alarm(0)
                out.write(json.dumps([kind, name, wrong]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
