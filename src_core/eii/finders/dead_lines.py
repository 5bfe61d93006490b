"""Dead rows and columns of a camera, whole or in part."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.finders.kind import BoolArray, FloatArray, Parts, Plain, View, finite, strictness
from eii.finders.noise import Noise, noise_of, samples
from eii.image.geometry import Box

_LONG = 65  # pixels along which a line is told
_SHARE = 0.9  # of them stand out to one side
_WIDTHS = (1, 2)
_NOISE = 1.0  # deviations of the noise by which they do in the mean, at the least
_RANGE = 0.01  # and share of the range
_ROUGH = 2.0  # and of the steps from pixel to pixel beside the line, in the mean
_FINE = 64  # steps of the noise in which means are taken: sums of integers are exact
_STILL = 0.1  # a stuck line changes along itself so much less than what is beside it
_GAP = 5


class DeadLines(Plain):
    """Straight runs, one or two pixels wide, that stand out from both of their sides.

    The whole width has to be above both neighbours, or below, nearly all along; and in the mean by
    more than the steps from pixel to pixel beside it: lines of what is pictured have softer edges,
    or are not that straight. Or they are stuck: along them nothing changes, beside them it does.
    """

    halo = _LONG

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
            found |= self._columns(own, noise)
            found |= self._columns(own.T, noise).T
        return found

    def _columns(self, values: FloatArray, noise: Noise) -> BoolArray:
        """Return the lines along the first axis."""
        found = np.zeros(values.shape, bool)
        unit = noise.typical / _FINE
        least = max(_RANGE * (noise.high - noise.low), _NOISE * noise.typical) / unit
        whole = np.rint(np.clip(values / unit, -(2**30), 2**30)).astype(np.int64)
        for width in _WIDTHS:
            if whole.shape[1] < width + 4:
                continue
            middle = whole.shape[1] - width - 3
            inner = [whole[:, 2 + n : 2 + n + middle] for n in range(width)]
            left, far_left = whole[:, 1 : 1 + middle], whole[:, :middle]
            right = whole[:, 2 + width : 2 + width + middle]
            far_right = whole[:, 3 + width : 3 + width + middle]
            rough = _mean(abs(left - far_left) + abs(right - far_right) + abs(left - right))
            lines = _stuck(inner, (left, right), self._strict * least)
            for sign in (1, -1):
                low = np.minimum.reduce([sign * own for own in inner])
                out = low - np.maximum(sign * left, sign * right)
                above = _mean(np.where(out > 0, 100, 0)) >= 100 * _SHARE
                sure = above & (_mean(out) > self._strict * (least + _ROUGH * rough))
                if sure.any():
                    lines |= _along(sure, out > 0)
            for n in range(width):
                found[:, 2 + n : 2 + n + middle] |= lines
        return found

    def keep(self, parts: Parts) -> BoolArray:
        """Keep what is long; where lines cross, their part is long too."""
        return np.maximum(parts.height, parts.width) >= _LONG // 2


def _stuck(
    inner: list[NDArray[np.int64]],
    beside: tuple[NDArray[np.int64], NDArray[np.int64]],
    least: float,
) -> BoolArray:
    """Return lines along which nothing changes, that differ from what is beside them."""
    inside = np.maximum.reduce([_steps(own) for own in inner])
    outside = np.minimum(*(_mean(_steps(own)) for own in beside))
    off = np.minimum.reduce([abs(own - other) for own in inner for other in beside])
    sure = (_mean(inside) < _STILL * outside) & (outside > _FINE) & (_mean(off) > least)
    if not sure.any():
        return sure
    return _along(sure, inside <= _FINE // 2)


def _steps(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how far each value is from the one before it."""
    return abs(np.diff(values, axis=0, prepend=values[:1]))


def _along(sure: BoolArray, out: BoolArray) -> BoolArray:
    """Return the pixels along a line: from where it begins to where it ends."""
    long = ndimage.maximum_filter1d(sure, _LONG, axis=0, mode="constant")
    ends = ndimage.maximum_filter1d(out, _GAP, axis=0, mode="constant")
    return np.asarray(long & ndimage.minimum_filter1d(ends, _GAP, axis=0, mode="nearest"))


def _mean(values: NDArray[np.int64]) -> FloatArray:
    """Return means along the first axis, by exact sums; beyond the edge the last value goes on."""
    half = _LONG // 2
    wide = np.pad(values, [(half, half), (0, 0)], mode="edge")
    total = np.cumsum(wide, axis=0)
    total[_LONG:] -= total[:-_LONG].copy()
    return (total[_LONG - 1 :] / _LONG).astype(np.float32)
