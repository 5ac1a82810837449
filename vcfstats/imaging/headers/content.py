"""Whether a file holds as many bytes of voxels as its header declares, no fewer and no more."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np

from vcfstats.imaging.headers.declared import LARGEST, LARGEST_BYTES, DefectError, regular

_CHUNK = 1 << 20

Feed = Callable[[bytes], None]


def raw(path: Path, start: int, total: int) -> None:
    """Raise `DefectError` where a file's size is not that of its voxels from `start` on."""
    there = regular(path)
    if there != start + total:
        raise _count(path, there, start + total)


def _count(path: Path, there: int | str, wanted: int, unit: str = "bytes", note: str = "") -> DefectError:
    return DefectError(
        f"{path.name} of {there} {unit} where its header asks for {wanted}{note}",
        "a file of the size that its header declares",
    )


def begins(path: Path, start: int, says: str = "name") -> None:
    """Raise `DefectError` where no gzip stream begins at byte `start`; `says` is what told that one does."""
    with path.open("rb") as file:
        file.seek(start)
        first = file.read(2)
    if len(first) < 2:
        raise DefectError("a compressed file that ends too early")
    if first != b"\x1f\x8b":
        raise DefectError(f"a file that is not compressed by gzip as its {says} says")


class Stream(Protocol):
    """What a file and what unpacks one have in common."""

    def read(self, size: int, /) -> bytes:
        """Return so many bytes, or those that are left."""
        ...


def pieces(stream: Stream, total: int) -> Iterator[bytes]:
    """Yield what a stream holds, but one byte more than `total` at most: a trap is not unpacked.

    Raises
    ------
    DefectError
        Its compression is damaged or cut short, or something follows it.
    """
    left = total + 1
    try:
        while left > 0 and (chunk := stream.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk
    except EOFError:
        raise DefectError("a compressed file that ends too early") from None
    except gzip.BadGzipFile as error:
        if "CRC" in str(error) or "length" in str(error):
            raise DefectError(f"a damaged compressed file ({error})") from None
        raise DefectError("a compressed file that is damaged, or goes on after its end") from None
    except zlib.error as error:
        raise DefectError(f"a damaged compressed file ({error})") from None


def gzipped(path: Path, start: int, skip: int, total: int, feed: Feed | None = None, says: str = "name") -> None:
    """Raise `DefectError` where the gzip stream from byte `start` on does not hold `skip` bytes and then `total` of voxels."""
    begins(path, start, says)
    with path.open("rb") as file:
        file.seek(start)
        with gzip.GzipFile(fileobj=file, mode="rb") as stream:
            counted(path, pieces(stream, skip + total), skip, total, feed)


def counted(path: Path, chunks: Iterator[bytes], skip: int, total: int, feed: Feed | None) -> None:
    """Count what comes, handing what follows the first `skip` bytes to `feed`; raise `DefectError` where it is not `total`."""
    there, lead = 0, skip
    for chunk in chunks:
        there += len(chunk)
        if feed is not None:
            feed(chunk[lead:])
            lead = max(lead - len(chunk), 0)
    if there != skip + total:
        shown = f"more than {skip + total}" if there > skip + total else str(there)
        raise _count(path, shown, skip + total, note=" (uncompressed)")


def packed(path: Path, start: int, length: int) -> None:
    """Raise `DefectError` where a file has another number of compressed bytes from `start` on than its header says."""
    there = regular(path) - start
    if there != length:
        raise _count(path, there, length, "compressed bytes")
    if length > LARGEST_BYTES:
        raise DefectError(f"{length} compressed bytes in {path.name}", LARGEST)


def deflated(path: Path, start: int, total: int) -> None:
    """Raise `DefectError` where the zlib stream from byte `start` on does not hold `total` bytes of voxels."""
    unpack = zlib.decompressobj()
    with path.open("rb") as file:
        file.seek(start)
        try:
            there = _unpacked(unpack, file, total)
        except zlib.error as error:
            raise DefectError(f"a damaged compressed file ({error})") from None
        if not unpack.eof and there <= total:
            raise DefectError("a compressed file that ends too early")
        if there != total:
            raise _count(path, f"more than {total}" if there > total else str(there), total, note=" (uncompressed)")
        if unpack.unused_data or file.read(1):
            raise DefectError(f"a compressed file that goes on after its end ({path.name})")


def _unpacked(unpack: zlib._Decompress, file: BinaryIO, most: int) -> int:
    """Return the bytes that a stream unpacks to, counted to just beyond `most`."""
    there = 0
    while not unpack.eof and there <= most:
        chunk = unpack.unconsumed_tail or file.read(_CHUNK)
        out = unpack.decompress(chunk, _CHUNK)
        if not chunk and not out:
            break
        there += len(out)
    return there


def unpacked_size(path: Path, start: int) -> int:
    """Return the bytes that a bare deflate stream unpacks to, counted to just beyond the largest image."""
    with path.open("rb") as file:
        file.seek(start)
        try:
            return _unpacked(zlib.decompressobj(-zlib.MAX_WBITS), file, LARGEST_BYTES)
        except zlib.error as error:
            raise ValueError(str(error)) from None


def of_gzip(path: Path) -> Callable[[memoryview], bool]:
    """Return what compares voxels with the checksum at the end of a gzip stream."""
    return lambda voxels: _last(path, 8) == struct.pack("<II", zlib.crc32(voxels), len(voxels) % 2**32)


def of_zlib(path: Path) -> Callable[[memoryview], bool]:
    """Return what compares voxels with the checksum at the end of a zlib stream."""
    return lambda voxels: _last(path, 4) == struct.pack(">I", zlib.adler32(voxels))


def _last(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        file.seek(-min(count, regular(path)), 2)
        return file.read()


def as_text(path: Path, start: int, kind: str, total: int) -> None:
    """Raise `DefectError` where a file's text from byte `start` on is not the numbers of so many bytes of a NumPy type."""
    dtype = np.dtype(kind)
    if regular(path) - start > 64 * total + 4096:  # of no type has a number so many digits
        raise DefectError(f"more text in {path.name} than its header asks for")
    with path.open("rb") as file:
        file.seek(start)
        words = file.read().split()
    if len(words) != total // dtype.itemsize:
        raise _count(path, len(words), total // dtype.itemsize, "numbers")
    whole = dtype.kind in "iu"
    for word in words:
        try:
            value = int(word) if whole else float(word)
        except ValueError:
            raise DefectError(
                f"{word[:20]!r} among the numbers of {path.name}", f"numbers of the type {dtype}"
            ) from None
        if whole and not np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
            raise DefectError(f"{value} among the numbers of {path.name}", f"numbers of the type {dtype}")
