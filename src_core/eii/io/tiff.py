"""TIFF and OME-TIFF, read lazily."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import tifffile
import zarr

from eii.errors import OptionError, SourceError
from eii.io.axes import check_axes, guess_axes
from eii.io.chunked import Guarded, by_blocks, unchanged
from eii.io.source import Asked, Readable, Series, Source
from eii.io.tiff_checks import check_ome, check_pages
from eii.io.tiff_facts import facts_of, nodata_of, orientation_of
from eii.io.views import UPRIGHT, Coloured, Upright, palette_of

_COLOURS, _PALETTE, _YCBCR = (2, 6), 3, 6
_ALPHA = (1, 2)  # extra sample: associated and unassociated; 0 is any other band
_LOSSY = (6, 7, 34892)  # compression: JPEG old, new and lossy DNG
_TAKEN = (0, 1, 2, _PALETTE, _YCBCR)  # photometric: white-is-zero, black-is-zero, RGB, …
_PRINT = 5  # cyan, magenta, yellow, black


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
    number = _pick(file, path, asked.series)
    picked = file.series[number]
    page = picked.keyframe
    _check_colours(page, path)
    check_pages(picked, path, large=asked.large)
    array: Any = zarr.open(picked.aszarr(level=0), mode="r")
    weakref.finalize(array, file.close)  # the file is read as long as the array is there
    named = _axes(picked, asked.axes)
    pixels: Readable = by_blocks(Guarded(array, unchanged(path)), array.chunks, named)
    orientation = orientation_of(file, page)
    if orientation != UPRIGHT:
        pixels = Upright(pixels, named, orientation)
    samples, indices = "S" in picked.axes, None
    colours = samples and int(page.photometric) in _COLOURS
    # ImageJ gives measured values a palette to look at.
    if int(page.photometric) == _PALETTE and not file.is_imagej and "c" not in named:
        pixels, indices = Coloured(pixels, palette_of(page.colormap)), pixels
        named, colours = f"{named}c", True
    count = pixels.shape[named.index("c")] if colours or samples else 1
    return Source(
        str(path),
        pixels,
        named,
        is_rgb=colours and count >= 3,
        has_alpha=samples and count in (2, 4) and _is_alpha(page),
        path=path,
        is_picture=colours or (samples and count == 2 and _is_alpha(page)),
        facts=facts_of(file, picked, number),
        white_is_zero=int(page.photometric) == 0,
        lossy=int(page.compression) in _LOSSY,
        nodata=nodata_of(page),
        indices=indices,
    )


def _check_colours(page: tifffile.TiffPage, path: Path) -> None:
    photometric = int(page.photometric)
    if photometric == _PRINT:
        raise SourceError(
            f"{path} has the colours of print (CMYK). Convert it to RGB with its colour profile "
            "first."
        )
    if photometric not in _TAKEN:
        name = getattr(page.photometric, "name", photometric)
        raise SourceError(
            f"{path} has colours of kind {name}; gray, RGB and palettes are taken. Convert it "
            "first."
        )
    if photometric == _YCBCR and int(page.compression) not in _LOSSY:
        raise SourceError(
            f"{path} has the colours Y, Cb, Cr without JPEG, which are not converted. Convert it "
            "to RGB first."
        )


def _is_alpha(page: Any) -> bool:
    return bool(page.extrasamples) and int(page.extrasamples[-1]) in _ALPHA


def _pick(file: tifffile.TiffFile, path: Path, series: Series | None) -> int:
    count = len(file.series)
    if count == 0:
        raise SourceError(f"{path} holds no image.")
    if isinstance(series, str):
        raise OptionError(f"`series` must be a number in {path}; got {series!r}.")
    if count > 1 and series is None:
        listed = ", ".join(f"{i}: {s.shape} {s.axes}" for i, s in enumerate(file.series))
        raise SourceError(f"{path} holds {count} series ({listed}). Choose one with `series`.")
    if not 0 <= (series or 0) < count:
        raise SourceError(f"`series` must be from 0 to {count - 1} in {path}; got {series}.")
    return series or 0


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
