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
    if pixels == 0:
        return hole.copy()
    # A running maximum takes the same time for any size.
    grown = ndimage.maximum_filter1d(hole.view(np.uint8), 2 * pixels + 1, axis=0, mode="constant")
    return ndimage.maximum_filter1d(grown, 2 * pixels + 1, axis=1, mode="constant").view(np.bool_)


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


def bounding(mask: NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    """Return the index of the rectangle around a mask's pixels (at least one), and a margin."""
    spans = []
    for axis in (1, 0):
        at = np.flatnonzero(mask.any(axis=axis))
        spans.append(slice(max(0, int(at[0]) - margin), int(at[-1]) + 1 + margin))
    return spans[0], spans[1]
