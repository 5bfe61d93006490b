"""Dead rows and columns of a camera, whole or in part."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.detect.kind import BoolArray, FloatArray, Parts, Plain, View, finite, strictness
from eii.detect.noise import Noise, noise_of, samples
from eii.image.geometry import Box

_LONG = 49  # pixels along which a line is told
_SHARE = 0.9  # of them stand out to one side
_WIDE = 5  # a line is thinner than that
_NOISE = 2.5  # deviations of the noise by which they do, at the least
_RANGE = 0.012  # and share of the range
_CROWD, _SHARE_AROUND = 25, 0.3
"""Width around a line, and share of it that may stand out as well: more is texture."""


class DeadLines(Plain):
    """Straight runs, one to four pixels wide, that differ from both of their sides.

    A pixel stands out when it is above the greatest constant, or below the least, that fits into
    five pixels across (top-hat). A line is where it does so to one side nearly all along.
    """

    halo = _LONG + _CROWD

    def __init__(self, view: View, sensitivity: float) -> None:
        super().__init__()
        parts = samples(view)
        channels = parts[0].shape[2]
        self._strict = strictness(sensitivity)
        self._noise = [noise_of(parts, c, whole=view.dtype.kind in "ui") for c in range(channels)]

    def marks(self, pixels: NDArray[Any], window: Box) -> BoolArray:
        """Return the lines of a window in any channel, of either direction."""
        values = finite(pixels)
        found = np.zeros(values.shape[:2], bool)
        for channel, noise in enumerate(self._noise):
            own = values[..., channel]
            for axis in (0, 1):
                found |= self._along(own, axis, noise)
        return found

    def _along(self, values: FloatArray, axis: int, noise: Noise) -> BoolArray:
        """Return the lines that run along an axis."""
        across = 1 - axis
        found = np.zeros(values.shape, bool)
        limit = np.float32(max(_RANGE * (noise.high - noise.low), _NOISE * noise.typical))
        for flat in (_opened, _closed):
            stands = np.abs(values - flat(values, across)) > limit * self._strict
            if not stands.any():
                continue
            along = _share(stands, _LONG, axis)
            long = along >= _SHARE
            if not long.any():
                continue
            around = _share(along > _SHARE / 2, _CROWD, across)
            long &= around <= _SHARE_AROUND
            found |= ndimage.maximum_filter1d(long, _LONG, axis=axis, mode="nearest") & (
                ndimage.maximum_filter1d(stands, 5, axis=axis, mode="nearest")
            )
        return found

    def keep(self, parts: Parts) -> BoolArray:
        """Keep what is long; where lines cross, their part is long too."""
        return np.maximum(parts.height, parts.width) >= _LONG * _SHARE


def _opened(values: FloatArray, axis: int) -> FloatArray:
    least = ndimage.minimum_filter1d(values, _WIDE, axis=axis, mode="nearest")
    return np.asarray(ndimage.maximum_filter1d(least, _WIDE, axis=axis, mode="nearest"))


def _closed(values: FloatArray, axis: int) -> FloatArray:
    most = ndimage.maximum_filter1d(values, _WIDE, axis=axis, mode="nearest")
    return np.asarray(ndimage.minimum_filter1d(most, _WIDE, axis=axis, mode="nearest"))


def _share(mask: BoolArray, length: int, axis: int) -> FloatArray:
    """Return the share of marked pixels in a window along an axis, by exact counts."""
    half = length // 2
    pad = [(half, half) if a == axis else (0, 0) for a in (0, 1)]
    wide = np.pad(mask, pad, mode="edge").astype(np.int32)
    total = np.cumsum(wide, axis=axis)
    total = np.insert(total, 0, 0, axis=axis)
    size = mask.shape[axis]
    rows = [slice(None), slice(None)]
    rows[axis] = slice(length, length + size)
    upper = total[tuple(rows)]
    rows[axis] = slice(0, size)
    return ((upper - total[tuple(rows)]) / np.float32(length)).astype(np.float32)
