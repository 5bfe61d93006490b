"""Operations on holes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def as_hole(array: NDArray[Any]) -> NDArray[np.bool_]:
    """Return a bool hole: every pixel of ``array`` that is not zero is to be filled."""
    return array if array.dtype == np.bool_ else array != 0


def spread_cross(hole: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the hole and the four neighbours of its pixels."""
    spread = hole.copy()
    for axis in (0, 1):
        rows, other = np.moveaxis(spread, axis, 0), np.moveaxis(hole, axis, 0)
        rows[1:] |= other[:-1]
        rows[:-1] |= other[1:]
    return spread


def spread_square(hole: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """Return the hole grown by a square of ``pixels`` on all sides.

    Parameters
    ----------
    hole : ndarray of shape (M, N), bool
    pixels : int
        0 or more.

    Returns
    -------
    ndarray of shape (M, N), bool
    """
    spread = hole.copy()
    for axis in (0, 1):
        before = spread.copy()
        rows, other = np.moveaxis(spread, axis, 0), np.moveaxis(before, axis, 0)
        for step in range(1, pixels + 1):
            rows[step:] |= other[:-step]
            rows[:-step] |= other[step:]
    return spread


def distance_to_known(hole: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return how far each hole pixel is from the nearest known one, in pixels (0 where known).

    Parameters
    ----------
    hole : ndarray of shape (M, N), bool

    Returns
    -------
    ndarray of shape (M, N), float32
        M + N where the window holds no known pixel at all.
    """
    if hole.all():
        return np.full(hole.shape, sum(hole.shape), np.float32)
    return ndimage.distance_transform_edt(hole).astype(np.float32)
