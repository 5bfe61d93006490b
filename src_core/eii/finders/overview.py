"""A plane made small: for defects that are large, and for what is usual in an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from eii.finders.kind import BoolArray, FloatArray, View, finite
from eii.image.geometry import Box, blocks_of

SIDE = 1024
"""Pixels of the longer side, at the most."""


@dataclass(frozen=True)
class Overview:
    """A plane in cells of some pixels.

    Parameters
    ----------
    pixels : ndarray of shape (m, n, C), float32
        The mean of each cell; those at the lower and right edges may be of fewer pixels.
    factor : int
        Pixels along a side of a cell.
    """

    pixels: FloatArray
    factor: int


def overview_of(view: View) -> Overview:
    """Return a plane made small, block by block."""
    factor = -(-max(view.shape) // SIDE)
    rows, columns = (-(-n // factor) for n in view.shape)
    side = max(1, 2048 // factor) * factor
    found: FloatArray | None = None
    for box in blocks_of(view.shape, (side, side)):
        small = cell_means(finite(view.read(box)), factor)
        if found is None:
            found = np.zeros((rows, columns, small.shape[2]), np.float32)
        y, x = box.y0 // factor, box.x0 // factor
        found[y : y + small.shape[0], x : x + small.shape[1]] = small
    return Overview(np.zeros((0, 0, 1), np.float32) if found is None else found, factor)


def cell_means(pixels: FloatArray, factor: int) -> FloatArray:
    """Return the mean of each cell of pixels (h, w, C); the last ones may be of fewer pixels."""
    if factor == 1:
        return pixels
    height, width = pixels.shape[:2]
    starts = np.arange(0, height, factor), np.arange(0, width, factor)
    total = np.add.reduceat(np.add.reduceat(pixels, starts[0], axis=0), starts[1], axis=1)
    sizes = [np.diff([*s, n]) for s, n in zip(starts, (height, width), strict=True)]
    return np.asarray(total / np.multiply.outer(*sizes)[..., np.newaxis], np.float32)


def enlarged(mask: BoolArray, factor: int, window: Box, *, by: int = 0) -> BoolArray:
    """Return a mask of an overview, grown by some cells, at the pixels of a window."""
    if by:
        mask = ndimage.binary_dilation(mask, np.ones((3, 3), bool), by)
    rows = np.arange(window.y0, window.y1) // factor
    columns = np.arange(window.x0, window.x1) // factor
    return np.asarray(mask[rows][:, columns])
