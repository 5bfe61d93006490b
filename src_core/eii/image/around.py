"""What the known pixels around a hole are like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatArray = NDArray[np.float32]

CELL = 8
"""Side of the cells, in pixels, by which the surroundings are described."""


def by_cells(values: NDArray[Any], of: np.ufunc) -> NDArray[Any]:
    """Return ``of`` (a ufunc: add, minimum, maximum) over each cell of `CELL` pixels."""
    for axis in (0, 1):
        length = values.shape[axis] // CELL * CELL
        whole = values[:length] if axis == 0 else values[:, :length]
        shape = (-1, CELL, values.shape[1]) if axis == 0 else (values.shape[0], -1, CELL)
        cells = of.reduce(whole.reshape(shape), axis=1 + axis)
        rest = values[length:] if axis == 0 else values[:, length:]
        if rest.size:
            cells = np.concatenate([cells, of.reduce(rest, axis=axis, keepdims=True)], axis=axis)
        values = cells
    return values


def from_cells(cells: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return each pixel's value of its cell."""
    return cells.repeat(CELL, axis=0).repeat(CELL, axis=1)[: shape[0], : shape[1]]


def between_cells(cells: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return each pixel's value, linear between the middles of the cells."""
    fine = ndimage.zoom(cells, CELL, order=1, mode="nearest", grid_mode=True)
    return np.asarray(fine[: shape[0], : shape[1]])


@dataclass(frozen=True)
class Around:
    """Mean and deviation of the known pixels near each cell, shape (ceil(M / 8), ceil(N / 8)).

    Of three by three cells; deep in a hole, of the nearest that has known pixels.
    """

    mean: FloatArray
    deviation: FloatArray


def describe_around(luma: FloatArray, hole: NDArray[np.bool_]) -> Around:
    """Describe the known pixels around each cell of a window.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32
        The values of hole pixels are ignored, but must be finite.
    hole : ndarray of shape (M, N), bool
        With at least one known pixel.

    Returns
    -------
    Around
    """
    known = (~hole).astype(np.float32)
    centre = np.float32(np.vdot(luma, known) / known.sum())
    away = (luma - centre) * known
    parts = (known, away, away * away)
    sums = (ndimage.uniform_filter(by_cells(p, np.add), 3, mode="constant") for p in parts)
    count, first, second = sums
    seen = count > 0.05
    count = np.where(seen, count, np.float32(1))
    mean = first / count
    spread = np.sqrt(np.maximum(second / count - mean * mean, 0))
    mean = mean + centre
    if not seen.all():
        nearest = ndimage.distance_transform_edt(~seen, return_distances=False, return_indices=True)
        mean, spread = mean[tuple(nearest)], spread[tuple(nearest)]
    return Around(mean.astype(np.float32), spread.astype(np.float32))
