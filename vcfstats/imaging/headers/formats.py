"""Which format a file is of, by its name, and what its header declares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vcfstats.imaging.headers import metaimage, nifti, nrrd
from vcfstats.imaging.headers.declared import Declared, DefectError

FORMATS = (
    "a 3D image in NIfTI (.nii, .nii.gz, .hdr with .img), NRRD (.nrrd, .nhdr), MetaImage (.mha, .mhd), a DICOM file (.dcm), "
    "or a folder of DICOM images"
)

_Rooms = tuple[Callable[[Path], Declared], Callable[[Path], tuple[Path, ...]]]
_BY_ENDING: dict[str, _Rooms] = {
    ending: (room.declared, room.files_of) for room in (nifti, nrrd, metaimage) for ending in room.ENDINGS
}


def _of(path: Path) -> _Rooms | None:
    name = path.name.lower()
    return next((rooms for ending, rooms in _BY_ENDING.items() if name.endswith(ending)), None)


def is_known(path: Path) -> bool:
    """Say whether a file is named like one of the formats, other than DICOM."""
    return _of(path) is not None


def declared(path: Path) -> Declared:
    """Read the header of an image; raise `DefectError` where it cannot be what it says, or is of another format."""
    if (rooms := _of(path)) is None:
        raise DefectError(f"a file named {path.name}, of another format", FORMATS)
    return rooms[0](path)


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the files that an image is made of, the one named first where its header cannot be read so far, alone."""
    if (rooms := _of(path)) is None:
        return (path,)
    try:
        return rooms[1](path)
    except (DefectError, OSError):
        return (path,)  # nothing is read by such a header: whoever reads the image says why
