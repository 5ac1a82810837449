"""Office files: zip archives of XML, opened with care for what a stranger may have put into them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.etree import ElementTree

from vcfstats.contracts.errors import InputError, Problem

_LARGEST = 64 * 2**20  # bytes of one part once unpacked: a manuscript's text has a hundredth of it


class Archive:
    """The parts of a .docx or .xlsx file."""

    def __init__(self, path: Path, what: str) -> None:
        """Open the archive `path`, which should be `what` (a Word document, an Excel workbook)."""
        self.path, self.what = path, what
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError):
            raise self.refused("a file that is no zip archive") from None

    def has(self, name: str) -> bool:
        """Say whether the archive has a part."""
        return name in self._zip.namelist()

    def xml(self, name: str) -> ElementTree.Element:
        """Return a part's root element."""
        try:
            if self._zip.getinfo(name).file_size > _LARGEST:
                raise self.refused(f"{name} of more than {_LARGEST >> 20} MB")
            data = self._zip.read(name)
        except KeyError:
            raise self.refused(f"no {name} inside") from None
        except (zipfile.BadZipFile, RuntimeError, EOFError, OSError) as error:
            raise self.refused(f"{name} that cannot be unpacked ({error})") from None
        if b"<!DOCTYPE" in data or b"<!ENTITY" in data:  # entities that grow without bound; no program writes them
            raise self.refused(f"{name} with a document type")
        try:
            return ElementTree.fromstring(data)
        except ElementTree.ParseError as error:
            raise self.refused(f"{name} that is no XML ({error})") from None

    def refused(self, found: str) -> InputError:
        """Return the one error of a file that is not what its name says."""
        return InputError(
            Problem(found, self.what, f"open and save it again as {self.path.suffix}, or save the tables as CSV", file=self.path)
        )  # fmt: skip
