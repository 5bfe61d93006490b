"""The rim of a defect: known pixels at the hole's border that do not belong to the image.

A mask often stops inside the soft edge of a speck or a scratch. What it leaves outside is kept as
it is, but a fill that continues it would draw the defect's own colour through the hole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eii.image.around import CELL, Around
from eii.image.hole import spread_square

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
Near = tuple[NDArray[np.int64], NDArray[np.int64]]

BORDER = 2
"""Known pixels from the hole that may be of its rim."""
REACH = 24
"""Pixels around one that are looked at to tell."""
_BEHIND = 7  # pixels around one that count as behind it
_GAP = 1  # pixels between the border and those
_SUSPECT = 2.0  # deviations from the mean around, from which a pixel is looked at at all
_ALONE = 4.5  # deviations that tell of a pixel by itself; one of a line of its own has 3.7
_FAR = 0.5  # of the range of its neighbours, by which such a pixel leaves it
_SLACK = 0.5  # of the range behind, that pixels which leave it together may leave it by
_SHARE = 0.7  # of the pixels next to the hole there, all on one side: texture leaves it on both
_TOGETHER = 4  # pixels along the border over which leaving it is counted


def doubtful_rim(luma: FloatArray, hole: BoolArray, around: Around) -> BoolArray:
    """Return the border pixels that do not belong to what is behind them.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32
        The values of hole pixels are ignored.
    hole : ndarray of shape (M, N), bool
    around : Around
        Of this luma and hole.

    Returns
    -------
    ndarray of shape (M, N), bool
        Known pixels at most `BORDER` from the hole: single ones that are far darker or brighter
        than all around them, and runs of which most are beyond all that is behind. A pixel's
        answer depends on those at most `REACH` away alone, and on the grid of cells.

    Notes
    -----
    Measured on 12 undamaged test images, where every doubt is a mistake: 0.05 dB on scratches,
    0.03 dB on strokes.
    """
    wide = spread_square(hole, BORDER)
    at = np.flatnonzero(wide & ~hole)
    away = _deviations(luma, around, at)
    at, away = at[away > _SUSPECT], away[away > _SUSPECT]
    found = np.zeros(hole.shape, bool)
    if not at.size:
        return found
    alone = at[away > _ALONE]
    found.ravel()[alone[_leaves(luma, ~hole, alone, 2, _FAR) != 0]] = True
    side = _leaves(luma, ~spread_square(wide, _GAP), at, _BEHIND, _SLACK)
    first = spread_square(hole, 1) & ~hole  # a rim of one pixel is half of the border
    for sign in (-1, 1):
        out = np.zeros(hole.shape, bool)
        own = at[side == sign]
        out.ravel()[own] = True
        share = _share_along(out, first, own)
        found.ravel()[own[share > _SHARE]] = True
    return found


def _share_along(out: BoolArray, border: BoolArray, at: NDArray[np.int64]) -> FloatArray:
    """Return the share of the border around some pixels that is out."""
    near = _near(out.shape, at, _TOGETHER)
    along = border[near]
    return (out[near] & along).sum(axis=(1, 2)) / np.maximum(1, along.sum(axis=(1, 2)))


def _deviations(luma: FloatArray, around: Around, at: NDArray[np.int64]) -> FloatArray:
    """Return how far some pixels are from the mean of those around, in their deviation."""
    cell = tuple(i // CELL for i in np.divmod(at, luma.shape[1]))
    spread = around.deviation[cell] + np.float32(1e-6)
    return np.asarray(np.abs(luma.ravel()[at] - around.mean[cell]) / spread)


def _leaves(
    luma: FloatArray, used: BoolArray, at: NDArray[np.int64], reach: int, slack: float
) -> NDArray[np.int8]:
    """Tell on which side pixels leave the range of the used ones around them: -1, 0 or 1.

    ``slack`` is how far they have to leave it, in that range.
    """
    near = _near(luma.shape, at, reach)
    there = used[near]
    there[:, reach, reach] = False
    values = luma[near]
    low = np.where(there, values, np.float32(np.inf)).min(axis=(1, 2))
    high = np.where(there, values, np.float32(-np.inf)).max(axis=(1, 2))
    own = luma.ravel()[at]
    seen = low <= high
    room = slack * np.where(seen, high, 0) - slack * np.where(seen, low, 0)
    sides = np.where(own < low - room, -1, 0) + np.where(own > high + room, 1, 0)
    return np.where(seen, sides, 0).astype(np.int8)


def _near(shape: tuple[int, ...], at: NDArray[np.int64], reach: int) -> Near:
    """Return the index of the squares around some pixels: (K, side, 1) and (K, 1, side)."""
    y, x = np.divmod(at, shape[1])
    steps = np.arange(-reach, reach + 1)
    rows = np.clip(y[:, np.newaxis] + steps, 0, shape[0] - 1)
    columns = np.clip(x[:, np.newaxis] + steps, 0, shape[1] - 1)
    return rows[:, :, np.newaxis], columns[:, np.newaxis]
