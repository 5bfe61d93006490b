"""Results as TIFF: plain, OME-TIFF with its pyramid, or ImageJ's, as the source was."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from eii.errors import OutputPathError
from eii.image.geometry import Box
from eii.io.axes import size_of
from eii.io.export_facts import (
    bits_of,
    file_facts,
    profile_of,
    resolution_of,
)
from eii.io.ome_xml import ome_colour
from eii.io.opener import open_source
from eii.io.source import Source
from eii.io.tiff_facts import DESCRIPTION
from eii.io.units import SYMBOLS

TILE = 512
_BIG = 2**31  # bytes of pixels from which a TIFF needs 64-bit offsets
_IMAGEJ_DTYPES = ("uint8", "uint16", "float32")
_BYTES = (1, 7)  # types of tags that are kept in hexadecimal


def write_tiff(source: Source, file: Path, name: str) -> None:
    """Write an image as TIFF, tile by tile.

    Parameters
    ----------
    source : Source
    file : Path
        Where it is written.
    name : str
        What it will be called: ``.ome.tif`` asks for OME-TIFF. A source that was OME-TIFF or
        ImageJ's stays that, where the format holds its pixels.

    Raises
    ------
    OutputPathError
        If OME-TIFF cannot hold its pixels.
    """
    kind = _kind(source, name)
    big = prod(source.shape) * source.dtype.itemsize > _BIG
    with tifffile.TiffWriter(
        file, bigtiff=big, ome=kind == "ome", imagej=kind == "imagej", shaped=kind == "tiff"
    ) as writer:
        if kind == "imagej":
            writer.write(_planes(source), **_looks(source), **_imagej(source))
            return
        levels = _levels(source) if kind == "ome" else []
        writer.write(
            _tiles(source),
            **_looks(source),
            **_tiled(source),
            **_described(source, kind),
            subifds=len(levels),
        )
        for level in levels:
            writer.write(
                _tiles(level), **_looks(level), **_tiled(level), subfiletype=1, metadata=None
            )


def _kind(source: Source, name: str) -> str:
    if name.lower().endswith((".ome.tif", ".ome.tiff")):
        if source.dtype.name == "float16":
            raise OutputPathError(f"OME-TIFF has no {source.dtype.name}. Export to .tif.")
        return "ome"
    came_from = str(file_facts(source).get("kind", "tiff"))
    if came_from == "imagej":
        small = prod(source.shape) * source.dtype.itemsize < _BIG
        packed = source.dtype == np.uint8 if source.is_rgb else True
        if source.dtype.name in _IMAGEJ_DTYPES and small and packed and not source.has_alpha:
            return "imagej"
    return "ome" if came_from == "ome" and source.dtype.name != "float16" else "tiff"


def _looks(source: Source) -> dict[str, Any]:
    """Return what the pixels mean, as tifffile's arguments."""
    packed, facts = source.is_rgb, file_facts(source)
    alpha = "assocalpha" if facts.get("associated_alpha") else "unassalpha"
    beyond = source.channels - 3 if packed else int(source.has_alpha and _is_gray_alpha(source))
    extra = ["unspecified"] * beyond
    if extra and source.has_alpha:
        extra[-1] = alpha
    gray = "miniswhite" if facts.get("white_is_zero") else "minisblack"
    return {
        "shape": _shape(source),
        "dtype": source.dtype,
        "photometric": "rgb" if packed else gray,
        "planarconfig": "contig" if packed or _is_gray_alpha(source) else None,
        "extrasamples": extra or None,
    }


def _tiled(source: Source) -> dict[str, Any]:
    bits = bits_of(source)
    # Bits that are not whole bytes are packed, and then not compressed.
    how = {"compression": "zlib"} if bits is None else {"bitspersample": bits}
    return {"tile": _tile(source), **how}


def _described(source: Source, kind: str) -> dict[str, Any]:
    """Return resolution, profile, tags and axes, as tifffile's arguments."""
    resolution, tags = resolution_of(source), file_facts(source).get("tags", [])
    texts = {code: value for code, _, _, value in tags if code == DESCRIPTION}
    metadata: dict[str, Any] | None = {"axes": _axes(source)}
    if kind == "ome":
        metadata = _ome(source)
    elif _axes(source) in ("YX", "YXS"):
        metadata = None
    return {
        "resolution": None if resolution is None else resolution[:2],
        "resolutionunit": None if resolution is None else resolution[2],
        "iccprofile": profile_of(source),
        "description": texts.get(DESCRIPTION) if kind == "tiff" else None,
        "software": "napari-eii",
        "extratags": [_tag(*tag) for tag in tags if tag[0] != DESCRIPTION],
        "metadata": metadata,
    }


def _tag(code: int, kind: int, count: int, value: Any) -> tuple[int, int, int, Any, bool]:
    if kind in _BYTES and isinstance(value, str):
        value = bytes.fromhex(value)
    return code, kind, count, tuple(value) if isinstance(value, list) else value, True


def _ome(source: Source) -> dict[str, Any]:
    """Return sizes and channels as tifffile writes them into OME-XML."""
    found: dict[str, Any] = {"axes": _axes(source)}
    names = {"t": "TimeIncrement", **{a: f"PhysicalSize{a.upper()}" for a in "zyx"}}
    for axis, name in names.items():
        size, unit = source.facts.scale.get(axis), source.facts.units.get(axis)
        if size is not None and unit in SYMBOLS:
            found |= {name: size, f"{name}Unit": SYMBOLS[unit]}
    channels = list((source.facts.omero or {}).get("channels", []))
    if "c" in source.axes and not source.is_rgb and len(channels) == source.channels:
        found["Channel"] = {
            "Name": [str(c.get("label", i)) for i, c in enumerate(channels)],
            "Color": [ome_colour(str(c.get("color", "FFFFFF"))) for c in channels],
        }
    return found


def _imagej(source: Source) -> dict[str, Any]:
    """Return sizes and colours as ImageJ keeps them, as tifffile's arguments."""
    scale, units = source.facts.scale, source.facts.units
    unit = units.get("x") or units.get("y") or units.get("z")
    metadata: dict[str, Any] = {"axes": _axes(source)}
    if unit is not None:
        metadata["unit"] = "micron" if unit == "micrometer" else SYMBOLS[unit]
    if "z" in scale:
        metadata["spacing"] = scale["z"]
    if "t" in scale:
        metadata["finterval"] = scale["t"]
    channels = list((source.facts.omero or {}).get("channels", []))
    if source.channels > 1 and not source.is_rgb and len(channels) == source.channels:
        metadata |= {"mode": "composite", "LUTs": [_table(str(c["color"])) for c in channels]}
    if unit is not None and "x" in scale and "y" in scale:
        return {"resolution": (1 / scale["x"], 1 / scale["y"]), "metadata": metadata}
    found = resolution_of(source)
    return {"resolution": None if found is None else found[:2], "metadata": metadata}


def _table(colour: str) -> NDArray[np.uint8]:
    """Return the lookup table (3, 256) from black to a colour RRGGBB."""
    most = np.array([int(colour[i : i + 2], 16) for i in (0, 2, 4)])
    return (most[:, np.newaxis] * np.arange(256) // 255).astype(np.uint8)


def _levels(source: Source) -> list[Source]:
    """Return the coarser levels of a source that has them, while only y and x get smaller."""
    found = []
    for path in source.coarser:
        level = open_source(path)
        if any(
            size_of(level.axes, level.shape, a) != size_of(source.axes, source.shape, a)
            for a in "tzc"
        ):
            break
        found.append(level)
    return found


def _is_gray_alpha(source: Source) -> bool:
    return source.has_alpha and source.channels == 2


def _packed(source: Source) -> bool:
    """Tell whether the channels of a pixel are stored beside each other."""
    return source.is_rgb or _is_gray_alpha(source)


def _tile(source: Source) -> tuple[int, int]:
    height, width = source.plane_shape
    if min(height, width) >= TILE:
        return TILE, TILE
    # Multiples of 16, as TIFF asks.
    return min(TILE, -(-height // 16) * 16), min(TILE, -(-width // 16) * 16)


def _axes(source: Source) -> str:
    kept = "".join(a for a in "tzc" if a in source.axes and not (a == "c" and _packed(source)))
    return f"{kept}yx{'s' if _packed(source) else ''}".upper()


def _shape(source: Source) -> tuple[int, ...]:
    by = dict(zip(source.axes, source.shape, strict=True))
    return tuple(by["c" if a == "S" else a.lower()] for a in _axes(source))


def _pages(source: Source) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Yield each plane and what of its channels is a page."""
    for plane in source.planes:
        if _packed(source):
            yield plane, slice(None)
        else:
            yield from ((plane, channel) for channel in range(source.channels))


def _tiles(source: Source) -> Iterator[NDArray[Any]]:
    (height, width), (rows, columns) = source.plane_shape, _tile(source)
    bits = bits_of(source)
    for plane, channel in _pages(source):
        for y in range(0, height, rows):
            for x in range(0, width, columns):
                pixels = source.read(plane, Box(y, x, y + rows, x + columns))
                if bits is not None:
                    np.minimum(pixels, 2**bits - 1, out=pixels)
                yield np.ascontiguousarray(pixels[..., channel])


def _planes(source: Source) -> Iterator[NDArray[Any]]:
    for plane, channel in _pages(source):
        pixels = source.read(plane, Box(0, 0, *source.plane_shape))
        yield np.ascontiguousarray(pixels[..., channel])
