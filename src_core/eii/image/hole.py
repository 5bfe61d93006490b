"""Operations on holes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.image.geometry import Box

_FEW = 8  # steps up to which a hole is spread one by one
SHALLOW = 12
"""Depth in pixels up to which a hole is handled without exact distances."""


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
    if pixels > _FEW:
        # A running maximum takes the same time for any size.
        size = 2 * pixels + 1
        spread = ndimage.maximum_filter1d(hole.view(np.uint8), size, axis=0, mode="constant")
        return ndimage.maximum_filter1d(spread, size, axis=1, mode="constant").view(np.bool_)
    spread = hole.copy()
    for axis in (0, 1):
        before = spread.copy()
        rows, other = np.moveaxis(spread, axis, 0), np.moveaxis(before, axis, 0)
        for step in range(1, pixels + 1):
            rows[step:] |= other[:-step]
            rows[:-step] |= other[step:]
    return spread


def may_be_deeper(hole: NDArray[np.bool_], pixels: int) -> bool:
    """Tell whether a hole may have a pixel farther than ``pixels`` from the known ones.

    Parameters
    ----------
    hole : ndarray of shape (M, N), bool
    pixels : int

    Returns
    -------
    bool
        False only where there is none; much faster than the distances. A disc of that radius, cut
        off at the image's edge or not, holds a square of pixels.
    """
    reach = min(int(pixels / 2**0.5), max(hole.shape))
    whole = np.pad(hole, reach, constant_values=True)
    for axis in (0, 1):
        rows, run = np.moveaxis(whole, axis, 0), 1
        while run < 2 * reach + 1:
            step = min(run, 2 * reach + 1 - run)
            rows, run = rows[:-step] & rows[step:], run + step
        whole = np.moveaxis(rows, 0, axis)
        if not whole.any():
            return False
    return True


def rough_depth(hole: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return about how far each hole pixel is from the known ones, in pixels (0 where known).

    Exact in deep holes; in shallow ones counted in steps to the side and to the corner in turn,
    at most a tenth off and many times faster.
    """
    if may_be_deeper(hole, SHALLOW):
        return distance_to_known(hole)
    depth = hole.astype(np.float32)
    left, corner = hole, False
    while True:
        known = ~left
        left = ~(spread_square(known, 1) if corner else spread_cross(known))
        if not left.any():
            return depth
        depth += left
        corner = not corner


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


def box_around(hole: NDArray[np.bool_]) -> Box:
    """Return the box around what is marked; its area is 0 when nothing is."""
    rows = np.flatnonzero(hole.any(axis=1))
    if not rows.size:
        return Box(0, 0, 0, 0)
    y0, y1 = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(hole[y0:y1].any(axis=0))
    return Box(y0, int(columns[0]), y1, int(columns[-1]) + 1)
