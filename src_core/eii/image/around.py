"""What the known pixels around a hole are like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatArray = NDArray[np.float32]

CELL = 8
"""Side of the cells, in pixels, by which the surroundings are described."""


def cell_extremes(values: FloatArray, of: np.ufunc) -> FloatArray:
    """Return ``of`` (a ufunc: add, minimum, maximum) over each cell of `CELL` pixels."""
    for axis, length in enumerate(values.shape):
        values = of.reduceat(values, np.arange(0, length, CELL), axis=axis)
    return values


def from_cells(cells: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return each pixel's value of its cell."""
    return cells.repeat(CELL, axis=0).repeat(CELL, axis=1)[: shape[0], : shape[1]]


def deviation_around(luma: FloatArray, hole: NDArray[np.bool_]) -> FloatArray:
    """Return the deviation of the known pixels near each pixel, in three by three cells.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32
        The values of hole pixels are ignored, but must be finite.
    hole : ndarray of shape (M, N), bool
        With at least one known pixel.

    Returns
    -------
    ndarray of shape (M, N), float32
        Deep in a hole, that of the nearest known ones.
    """
    known = ~hole
    away = np.where(known, luma - luma[known].mean(), np.float32(0))
    parts = (known.astype(np.float32), away, away * away)
    sums = (ndimage.uniform_filter(cell_extremes(p, np.add), 3, mode="constant") for p in parts)
    count, first, second = sums
    seen = count > 0.05
    count = np.where(seen, count, np.float32(1))
    spread = np.sqrt(np.maximum(second / count - (first / count) ** 2, 0))
    if not seen.all():
        nearest = ndimage.distance_transform_edt(~seen, return_distances=False, return_indices=True)
        spread = spread[tuple(nearest)]
    return from_cells(spread.astype(np.float32), hole.shape)
