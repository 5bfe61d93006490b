"""Pixels that stand out alone, and what a network is shown of them to judge."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.finders.kind import FloatArray
from eii.finders.noise import Noise

REACH = 4
"""Pixels around one that are looked at."""
FEATURES = (2 * REACH + 1) ** 2 + 2
_NOISE, _SPREAD = 3.0, 0.15  # deviations of the noise, and of the spread, to be worth judging
_FAR = 8.0  # of its own step, beyond which what is around is no farther

Places = NDArray[np.intp]


def outliers(values: FloatArray, noise: Noise) -> tuple[Places, Places, FloatArray]:
    """Find pixels that stand out from their neighbours, and describe them.

    Parameters
    ----------
    values : ndarray of shape (h, w)
        One channel.
    noise : Noise
        Of that channel.

    Returns
    -------
    ndarray of shape (K,), int
        Rows of pixels beyond the second greatest, or least, of their eight neighbours: the second,
        so that one of two defects side by side is no excuse for the other.
    ndarray of shape (K,), int
        Columns.
    ndarray of shape (K, FEATURES), float32
        What is around each, row by row, as seen from it: in units of how far it stands out, up or
        down being one; then how far that is in deviations of the noise (ln), and the direction.
    """
    high, low = second_extremes(values)
    middle = (high + low) * np.float32(0.5)
    step = np.maximum(values - high, low - values)
    sigma = noise.at(middle)
    rows, columns = np.nonzero(step > _NOISE * sigma + _SPREAD * (high - low))
    own, sigma, step = (a[rows, columns] for a in (values, sigma, step))
    up = np.where(own > middle[rows, columns], 1, -1).astype(np.float32)
    wide = np.pad(values, REACH, mode="symmetric")
    span = np.arange(2 * REACH + 1)
    y = rows[:, np.newaxis, np.newaxis] + span[:, np.newaxis]
    x = columns[:, np.newaxis, np.newaxis] + span
    around = wide[y, x].reshape(len(rows), len(span) ** 2) - own[:, np.newaxis]
    around *= (up / (step + sigma))[:, np.newaxis]
    np.clip(around, -_FAR, _FAR, out=around)
    told = np.stack([np.log(step / sigma), up], axis=1)
    return rows, columns, np.concatenate([around, told], axis=1).astype(np.float32)


def second_extremes(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the second greatest and the second least of each pixel's eight neighbours."""
    height, width = values.shape
    mode: Any = "reflect" if min(height, width) > 1 else "edge"
    wide = np.pad(values, 1, mode=mode)
    around = [
        wide[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
        if dy or dx
    ]
    greatest, second = np.maximum(*around[:2]), np.minimum(*around[:2])
    least, last = second.copy(), greatest.copy()
    for own in around[2:]:
        second = np.maximum(second, np.minimum(greatest, own))
        greatest = np.maximum(greatest, own)
        last = np.minimum(last, np.maximum(least, own))
        least = np.minimum(least, own)
    return second, last
