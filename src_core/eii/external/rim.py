"""The rim of a defect: known pixels at the hole's border that do not belong to the image.

A mask often stops inside the soft edge of a speck or a scratch. What it leaves outside is kept as
it is, but a fill that continues it would draw the defect's own colour through the hole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.image.hole import spread_square

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

BORDER = 2
"""Known pixels from the hole that may be of its rim."""
REACH = 9
"""Pixels around one that are looked at to tell."""
_GAP = 1  # pixels between the border and what counts as behind it
_SLACK = 0.35  # of the range behind, by which a border pixel may leave it


def doubtful_rim(luma: FloatArray, hole: BoolArray) -> BoolArray:
    """Return the border pixels that are darker or brighter than all that is behind them.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32
        The values of hole pixels are ignored.
    hole : ndarray of shape (M, N), bool

    Returns
    -------
    ndarray of shape (M, N), bool
        Known pixels at most `BORDER` from the hole. A pixel's answer depends on those at most
        `REACH` away alone.
    """
    wide = spread_square(hole, BORDER)
    border = wide & ~hole
    behind = ~spread_square(wide, _GAP)
    side = 2 * (REACH - BORDER) + 1
    above, below = (np.where(behind, luma, np.float32(v)) for v in (np.inf, -np.inf))
    low = ndimage.minimum_filter(above, side, mode="nearest")
    high = ndimage.maximum_filter(below, side, mode="nearest")
    seen = low <= high
    slack = _SLACK * np.where(seen, high - low, np.float32(0))
    return border & seen & ((luma < low - slack) | (luma > high + slack))
