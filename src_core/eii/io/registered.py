"""Another picture of the same thing, laid on an image: moved by whole pixels to where it fits."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.errors import ImageError
from eii.image.geometry import Box
from eii.io.opener import open_any
from eii.io.source import Asked, Source

FARTHEST = 16
"""Pixels that it may be off, at the most."""
_SIDE = 1024  # of the middle that is compared
_SERIES = "#"

FloatArray = NDArray[np.float32]


def open_reference(item: str, image: Source, plane: tuple[int, ...], channels: list[int]) -> Any:
    """Open a picture to compare an image with.

    Parameters
    ----------
    item : str
        A file, or ``#N``: series N of the image's own file.
    image : Source
    plane : tuple of int
    channels : list of int
        Of the image, that are compared; a reference of one channel stands for each of them.

    Returns
    -------
    callable
        Takes a `Box`, returns the reference there, shape (h, w, C), float32; NaN where it has
        nothing.

    Raises
    ------
    ImageError
        If it is of another size.
    SourceError
        If it cannot be read.
    """
    series = item.removeprefix(_SERIES) if item.startswith(_SERIES) else None
    if series is not None and image.path is not None:
        asked = Asked(int(series) if series.isdigit() else series, None, False)
        other = open_any(image.path, asked)
    else:
        other = open_any(item, Asked(None, None, False))
    if other.plane_shape != image.plane_shape:
        raise ImageError(
            f"{other.name} is of {other.plane_shape} pixels, the image of {image.plane_shape}: "
            "they cannot be compared."
        )
    theirs = channels if max(channels) < other.channels else [0] * len(channels)
    own = plane if plane in other.planes else other.planes[0]
    shift = _shift(image, plane, other, own, channels[0], theirs[0])
    return partial(_moved, other, own, theirs, shift)


def _shift(
    image: Source,
    plane: tuple[int, ...],
    other: Source,
    own: tuple[int, ...],
    channel: int,
    their: int,
) -> tuple[int, int]:
    """Return by how many rows and columns the other is to be moved, by phase correlation."""
    from skimage.registration import phase_cross_correlation

    box = Box(0, 0, *image.plane_shape).middle(_SIDE)
    ours = _edges(image.read(plane, box)[..., channel])
    theirs = _edges(other.read(own, box)[..., their])
    if min(box.shape) < 2 * FARTHEST or not ours.any() or not theirs.any():
        return 0, 0
    found, _, _ = phase_cross_correlation(ours, theirs, normalization=None)
    rows, columns = (round(float(v)) for v in found)
    return (rows, columns) if max(abs(rows), abs(columns)) <= FARTHEST else (0, 0)


def _edges(pixels: NDArray[Any]) -> FloatArray:
    """Return how steep an image is: alike in two pictures whose brightness is not."""
    values = np.nan_to_num(np.asarray(pixels, np.float32))
    if min(values.shape) < 2:
        return np.zeros(values.shape, np.float32)
    return np.hypot(*np.gradient(values)).astype(np.float32)


def _moved(
    other: Source, plane: tuple[int, ...], channels: list[int], shift: tuple[int, int], box: Box
) -> FloatArray:
    theirs = Box(box.y0 - shift[0], box.x0 - shift[1], box.y1 - shift[0], box.x1 - shift[1])
    there = theirs.clip(other.plane_shape)
    found = np.full((*box.shape, len(channels)), np.nan, np.float32)
    if there.area:
        found[there.relative_to(theirs).slices] = other.read(plane, there)[..., channels]
    return found
