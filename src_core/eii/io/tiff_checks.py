"""What a TIFF file claims, checked before anything is read by it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import tifffile

from eii.errors import SourceError

_LEAST = 100  # bytes that a plane takes in a file at the very least: its directory
_LARGE, _RATIO = 2**28, 5000
"""Bytes of a decoded strip or tile, and their ratio to the stored, that make it doubtful."""


def check_ome(file: tifffile.TiffFile, path: Path) -> None:
    """Check the planes and the other files that OME-XML speaks of.

    Raises
    ------
    SourceError
        If another file is missing, or named by more than a plain name: its planes would be read
        as zeros, or from anywhere. If there are more planes than the files have room for.
    """
    if not file.is_ome:
        return
    try:
        described = ElementTree.fromstring(file.ome_metadata or "<OME/>")
    except ElementTree.ParseError as error:
        raise SourceError(f"{path} has OME-XML that is damaged.") from error
    size = path.stat().st_size
    for name in sorted(set(_other_files(described)) - {path.name}):
        size += _beside(path, name).stat().st_size
    for planes in _planes(described):
        if planes * _LEAST > size:
            raise SourceError(
                f"{path} claims {planes} planes, more than {size} bytes have room for."
            )


def check_pages(series: tifffile.TiffPageSeries, path: Path, *, large: bool) -> None:
    """Check where the strips or tiles of a series lie, and how large they claim to be.

    Raises
    ------
    SourceError
        If a file ends before them, or one claims to decode to very many more bytes than it has.
    """
    for page in series.pages:
        if page is None:
            raise SourceError(f"{path} lacks a plane that it speaks of.")
        frame = page.aspage() if isinstance(page, tifffile.TiffFrame) else page
        if frame.shape != series.keyframe.shape:
            raise SourceError(
                f"{path} has a plane of {frame.shape} where planes of {series.keyframe.shape} are "
                f"spoken of, in {frame.parent.filename}."
            )
        size = frame.parent.filehandle.size
        ends = (o + n for o, n in zip(frame.dataoffsets, frame.databytecounts, strict=True))
        if max(ends, default=0) > size:
            raise SourceError(f"{path} is truncated: it ends before its last pixels.")
        decoded = math.prod(frame.chunks) * frame.dtype.itemsize
        stored = max(frame.databytecounts, default=0)
        if decoded > _LARGE and decoded > _RATIO * stored and not large:
            raise SourceError(
                f"{path} claims {decoded / 1e9:.1f} GB of pixels in {stored} bytes. If that is "
                "so, allow it with `large`."
            )


def _other_files(described: ElementTree.Element) -> Iterator[str]:
    for element in described.iter():
        name = element.get("FileName")
        if name and element.tag.endswith("}UUID"):
            yield name


def _beside(path: Path, name: str) -> Path:
    # Either kind of separator: a file written on one system may be read on another.
    if name in (".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise SourceError(f"{path} names another file by a path, {name!r}; only plain names are.")
    other = path.with_name(name)
    if not other.is_file():
        raise SourceError(f"{path} has planes in {name}, which is not beside it.")
    return other


def _planes(described: ElementTree.Element) -> Iterator[int]:
    for element in described.iter():
        if element.tag.endswith("}Pixels"):
            sizes = [element.get(f"Size{a}", "1") for a in "TCZ"]
            yield math.prod(int(n) if n.isdigit() else 1 for n in sizes)
        elif element.tag.endswith("}TiffData"):
            count = element.get("PlaneCount", "1")
            yield int(count) if count.isdigit() else 1
