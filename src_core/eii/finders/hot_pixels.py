"""Hot and dead pixels: alone, and far off their neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.finders.kind import BoolArray, FloatArray, Plain, View, finite, strictness
from eii.finders.noise import Noise, noise_of, samples
from eii.image.geometry import Box

_NOISE = 6.0  # deviations of the noise that a pixel is beyond its neighbours, at the least
_SPREAD = 0.6  # and how far, in their own spread
_AROUND = 0.75  # and in that of all within 5 x 5, where a speck of texture is one of many
_LARGEST = 4


class HotPixels(Plain):
    """Pixels beyond the second greatest, or least, of their eight neighbours by far.

    Far is some deviations of the noise at that level and the spread of the neighbours, so that
    texture has few. The second counts, so that one of two defects side by side is no excuse for
    the other.
    """

    halo = 3

    def __init__(self, view: View, sensitivity: float) -> None:
        super().__init__(largest=_LARGEST)
        parts = samples(view)
        channels = parts[0].shape[2]
        self._strict = strictness(sensitivity)
        self._noise = [noise_of(parts, c, whole=view.dtype.kind in "ui") for c in range(channels)]

    def marks(self, pixels: NDArray[Any], window: Box) -> BoolArray:
        """Return pixels of a window that are outliers in any channel."""
        values = finite(pixels)
        found = np.zeros(values.shape[:2], bool)
        for channel, noise in enumerate(self._noise):
            found |= self._of(values[..., channel], noise)
        return found

    def _of(self, values: FloatArray, noise: Noise) -> BoolArray:
        high, low = _second_extremes(values)
        limit = noise.at((high + low) * np.float32(0.5))
        limit *= np.float32(_NOISE)
        limit += np.float32(_SPREAD) * (high - low)
        limit += np.float32(_AROUND) * (_three(np.maximum, high) - _three(np.minimum, low))
        limit *= np.float32(self._strict)
        return (values - high > limit) | (low - values > limit)


def _three(join: np.ufunc, values: FloatArray) -> FloatArray:
    """Return the greatest, or least, of each pixel and its eight neighbours."""
    for axis in (0, 1):
        rows = np.moveaxis(values, axis, 0)
        joined = rows.copy()
        join(joined[1:], rows[:-1], out=joined[1:])
        join(joined[:-1], rows[1:], out=joined[:-1])
        values = np.moveaxis(joined, 0, axis)
    return values


def _second_extremes(values: FloatArray) -> tuple[FloatArray, FloatArray]:
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
