"""The simplest colour: what known pixels of the same luma have on the average."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

BINS = 64


def look_up(luma: FloatArray, values: FloatArray, hole: BoolArray) -> FloatArray:
    """Fill a hole with the mean of the known pixels of its luma, interpolated between bins.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32, about [0, 1]
    values : ndarray of shape (M, N, C), float32
    hole : ndarray of shape (M, N), bool
        With at least one known pixel.

    Returns
    -------
    ndarray of shape (M, N, C), float32
        Known pixels bit-identical.
    """
    level, known = luma[~hole].astype(np.float64), values[~hole]
    low, high = level.min(), max(level.max(), level.min() + 1e-6)
    bins = np.minimum((level - low) / (high - low) * BINS, BINS - 1).astype(int)
    count = np.bincount(bins, minlength=BINS)
    used = count > 0
    centre = np.bincount(bins, level, BINS)[used] / count[used]
    filled = values.copy()
    for channel in range(values.shape[-1]):
        mean = np.bincount(bins, known[:, channel], BINS)[used] / count[used]
        filled[hole, channel] = np.interp(luma[hole], centre, mean)
    return filled
