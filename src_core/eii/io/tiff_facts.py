"""What a TIFF file says of its image beside the pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tifffile

from eii.io.ome_xml import channels_of, image_of, named_channels, sizes_of
from eii.io.source import Facts
from eii.io.units import checked_sizes, ngff_size
from eii.io.views import UPRIGHT, is_turned

DESCRIPTION, XMP = 270, 700
_ORIENTATION, _ICC = 274, 34675
_GEO = (33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113)
TEXTS = (269, DESCRIPTION, 271, 272, 306, 315, 316, 33432)
"""Name of the document, description, make, model, date, artist, computer, copyright."""
_KEPT = (*TEXTS, XMP, 33723, *_GEO)
_ASSOCIATED = 1  # extra sample: colours are multiplied by alpha
_WHITE_IS_ZERO = 0
_TYPES_OF_BYTES = (1, 7)

Sizes = tuple[dict[str, float], dict[str, str]]


def facts_of(file: tifffile.TiffFile, series: tifffile.TiffPageSeries, number: int) -> Facts:
    """Return the sizes, channels and tags of one series of a TIFF file."""
    page = series.keyframe
    scale, units = _sizes(file, page, number)
    there = series.axes.lower()
    scale = {axis: size for axis, size in scale.items() if axis in there}
    channels = _channels(file, number)
    return Facts(
        scale=checked_sizes(scale, "The image"),
        units={a: u for a, u in units.items() if scale.get(a)},
        omero={"channels": channels} if channels else None,
        tiff=_tags(file, page, series.axes),
    )


def orientation_of(file: tifffile.TiffFile, page: tifffile.TiffPage) -> int:
    """Return how a viewer turns a page, from 1 (not at all) to 8.

    Programs that read OME-TIFF, ImageJ and GeoTIFF leave the tag aside, and so do we.
    """
    if file.is_ome or file.is_imagej or _GEO[3] in page.tags or _ORIENTATION not in page.tags:
        return UPRIGHT
    found = int(page.tags[_ORIENTATION].value)
    return found if UPRIGHT <= found <= 8 else UPRIGHT


def nodata_of(page: tifffile.TiffPage) -> float | None:
    """Return the value that GDAL declares as no data; None when there is none."""
    tag = page.tags.get(_GEO[-1])
    if tag is None:
        return None
    try:
        return float(str(tag.value).strip("\0 "))
    except ValueError:
        return None


def _sizes(file: tifffile.TiffFile, page: tifffile.TiffPage, number: int) -> Sizes:
    if file.is_ome:
        pixels = image_of(file.ome_metadata or "<OME/>", number)
        return ({}, {}) if pixels is None else sizes_of(pixels)
    if file.is_imagej:
        return _imagej_sizes(file.imagej_metadata or {}, page)
    if file.is_svs:
        size = tifffile.svs_description_metadata(page.description).get("MPP")
        if size:
            return {"y": float(size), "x": float(size)}, dict.fromkeys("yx", "micrometer")
    return {}, {}


def _imagej_sizes(told: Mapping[str, Any], page: tifffile.TiffPage) -> Sizes:
    """Return ImageJ's sizes: across planes in its description, within them as resolution."""
    unit = str(told.get("unit", "pixel"))
    raw: dict[str, tuple[float, str]] = {}
    if told.get("finterval"):
        raw["t"] = float(told["finterval"]), str(told.get("tunit", "s"))
    if told.get("spacing"):
        raw["z"] = abs(float(told["spacing"])), unit
    for axis, name in (("y", "YResolution"), ("x", "XResolution")):
        per_pixel = ratio(page.tags[name].value) if name in page.tags else 0.0
        if per_pixel > 0 and unit != "pixel":
            raw[axis] = 1 / per_pixel, str(told.get(f"{axis}unit", unit))
    sized = {axis: ngff_size(*own) for axis, own in raw.items()}
    scale = {axis: size for axis, (size, _) in sized.items()}
    return scale, {axis: name for axis, (_, name) in sized.items() if name is not None}


def _channels(file: tifffile.TiffFile, number: int) -> list[dict[str, Any]]:
    if file.is_ome:
        pixels = image_of(file.ome_metadata or "<OME/>", number)
        return [] if pixels is None else channels_of(pixels)
    told = (file.imagej_metadata or {}) if file.is_imagej else {}
    count, tables = int(told.get("channels", 1)), told.get("LUTs", [])
    if count < 2 or len(tables) != count:
        return []
    colours: list[str | None] = ["".join(f"{int(v):02X}" for v in t[:, -1]) for t in tables]
    return named_channels([f"channel {i}" for i in range(count)], colours)


def _tags(file: tifffile.TiffFile, page: tifffile.TiffPage, axes: str) -> dict[str, Any]:
    """Return what only a picture file can hold, as JSON."""
    kind = "ome" if file.is_ome else "imagej" if file.is_imagej else "tiff"
    found: dict[str, Any] = {"kind": kind, "axes": axes}
    if int(page.photometric) == _WHITE_IS_ZERO:
        found["white_is_zero"] = True
    if page.dtype is not None and page.bitspersample not in (1, 8 * page.dtype.itemsize):
        found["bits"] = int(page.bitspersample)
    if page.extrasamples and int(page.extrasamples[-1]) == _ASSOCIATED:
        found["associated_alpha"] = True
    if "XResolution" in page.tags and "YResolution" in page.tags:
        sides = (
            ("YResolution", "XResolution")
            if is_turned(orientation_of(file, page))
            else ("XResolution", "YResolution")
        )
        found["resolution"] = [ratio(page.tags[name].value) for name in sides]
        unit = page.tags.get("ResolutionUnit")
        found["resolution_unit"] = 2 if unit is None else int(unit.value)
    if _ICC in page.tags:
        found["icc"] = bytes(page.tags[_ICC].value).hex()
    own = [c for c in _KEPT if c in page.tags and not (c == DESCRIPTION and _is_ours(file, page))]
    if own:
        found["tags"] = [_tag(page.tags[code]) for code in own]
    return found


def _is_ours(file: tifffile.TiffFile, page: tifffile.TiffPage) -> bool:
    """Tell whether a description is for programs: it is written anew for the result."""
    return bool(file.is_ome or file.is_imagej or page.is_shaped)


def _tag(tag: tifffile.TiffTag) -> list[Any]:
    """Return a tag as code, type, count and value; bytes in hexadecimal."""
    value = tag.value
    if isinstance(value, bytes) or int(tag.dtype) in _TYPES_OF_BYTES:
        value = bytes(value if isinstance(value, bytes | tuple) else [value]).hex()
    elif isinstance(value, tuple):
        value = [float(v) if isinstance(v, float) else v for v in value]
    return [int(tag.code), int(tag.dtype), int(tag.count), value]


def ratio(value: Any) -> float:
    """Return a rational number of a tag; 0 where it is none."""
    over, under = value
    return float(over) / float(under) if under else 0.0
