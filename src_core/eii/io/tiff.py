"""TIFF and OME-TIFF, read lazily."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import tifffile
import zarr

from eii.errors import SourceError
from eii.io.axes import check_axes, guess_axes
from eii.io.chunked import Guarded, by_blocks, unchanged
from eii.io.source import Asked, Facts, Source
from eii.io.tiff_checks import check_ome, check_pages
from eii.io.units import checked_sizes

_RESOLUTION, _UNIT, _ICC = "XResolution", "ResolutionUnit", "InterColorProfile"
_COLOURS, _YCBCR = (2, 6), 6
_ALPHA = (1, 2)  # extra sample: associated and unassociated; 0 is any other band
_LOSSY = (6, 7, 34892)  # compression: JPEG old, new and lossy DNG
_GRAY_AND_RGB = (0, 1, 2, 6)  # photometric: white-is-zero, black-is-zero, RGB, YCbCr
_OME_UNITS = {"µm": "micrometer", "nm": "nanometer", "mm": "millimeter", "m": "meter"}


def open_tiff(path: Path, asked: Asked) -> Source:
    """Open a TIFF file; pixels are read as they are asked for.

    Parameters
    ----------
    path : Path
    asked : Asked
        ``series``: which of several. ``axes``: the meaning of each dimension, where the file is
        silent. ``large``: take strips that claim very many more pixels than bytes.

    Returns
    -------
    Source

    Raises
    ------
    SourceError
        If the file is damaged, has several series and ``series`` does not say which, has colours
        that are not gray or RGB, or speaks of planes that are not there.
    """
    file = tifffile.TiffFile(path)
    try:
        check_ome(file, path)
        return _source_of(file, path, asked)
    except BaseException:
        file.close()
        raise


def _source_of(file: tifffile.TiffFile, path: Path, asked: Asked) -> Source:
    picked = _pick(file, path, asked.series)
    page = picked.keyframe
    if int(page.photometric) not in _GRAY_AND_RGB:
        raise SourceError(
            f"{path} has colours of kind {page.photometric!r}; gray and RGB are taken. "
            "Convert it first."
        )
    if int(page.photometric) == _YCBCR and int(page.compression) not in _LOSSY:
        raise SourceError(
            f"{path} has the colours Y, Cb, Cr without JPEG, which are not converted. Convert it "
            "to RGB first."
        )
    check_pages(picked, path, large=asked.large)
    array: Any = zarr.open(picked.aszarr(level=0), mode="r")
    weakref.finalize(array, file.close)  # the file is read as long as the array is there
    samples = "S" in picked.axes
    named = _axes(picked, asked.axes)
    count = array.shape[named.index("c")] if samples else 1
    return Source(
        str(path),
        by_blocks(Guarded(array, unchanged(path)), array.chunks, named),
        named,
        is_rgb=samples and count >= 3 and int(page.photometric) in _COLOURS,
        has_alpha=samples and count in (2, 4) and _is_alpha(page),
        path=path,
        facts=_facts(file, picked),
        white_is_zero=int(page.photometric) == 0,
        lossy=int(page.compression) in _LOSSY,
    )


def _is_alpha(page: Any) -> bool:
    return bool(page.extrasamples) and int(page.extrasamples[-1]) in _ALPHA


def _pick(file: tifffile.TiffFile, path: Path, series: int | None) -> tifffile.TiffPageSeries:
    count = len(file.series)
    if count == 0:
        raise SourceError(f"{path} holds no image.")
    if count > 1 and series is None:
        listed = ", ".join(f"{i}: {s.shape} {s.axes}" for i, s in enumerate(file.series))
        raise SourceError(f"{path} holds {count} series ({listed}). Choose one with `series`.")
    if not 0 <= (series or 0) < count:
        raise SourceError(f"`series` must be from 0 to {count - 1} in {path}; got {series}.")
    return file.series[series or 0]


def _axes(series: tifffile.TiffPageSeries, axes: str | None) -> str:
    if axes is not None:
        return check_axes(axes, len(series.shape))
    # S: samples of a pixel. I, Q: pages of which the file says nothing; a stack, plane by plane.
    named = series.axes.lower().replace("s", "c")
    for letter in "iq":
        if letter in named and "z" not in named:
            named = named.replace(letter, "z", 1)
    try:
        return check_axes(named, len(series.shape))
    except ValueError:
        return guess_axes(series.shape)


def _facts(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> Facts:
    tags = series.keyframe.tags
    tiff: dict[str, Any] = {"axes": series.axes}
    if int(series.keyframe.photometric) == 0:
        tiff["white_is_zero"] = True
    if _RESOLUTION in tags:
        tiff["resolution"] = [_ratio(tags[n].value) for n in (_RESOLUTION, "YResolution")]
        tiff["resolution_unit"] = int(tags[_UNIT].value) if _UNIT in tags else 2
    if _ICC in tags:
        tiff["icc"] = bytes(tags[_ICC].value).hex()
    scale, units = _ome_scale(file) if file.is_ome else ({}, {})
    return Facts(scale=scale, units=units, tiff=tiff)


def _ratio(value: Any) -> float:
    over, under = value
    return float(over) / float(under) if under else 0.0


def _ome_scale(file: tifffile.TiffFile) -> tuple[dict[str, float], dict[str, str]]:
    """Return the pixel sizes that OME-XML gives, and their units."""
    described = tifffile.xml2dict(file.ome_metadata or "<OME/>").get("OME", {})
    image = described.get("Image", {})
    pixels = (image[0] if isinstance(image, list) else image).get("Pixels", {})
    scale, units = {}, {}
    for axis in "zyx":
        size = pixels.get(f"PhysicalSize{axis.upper()}")
        if size is not None:
            scale[axis] = float(size)
            unit = pixels.get(f"PhysicalSize{axis.upper()}Unit", "µm")
            units[axis] = _OME_UNITS.get(unit, unit)
    return checked_sizes(scale, "The image"), units
