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
_MOST = 2**21  # of these steps at the most: sums of three differences along a line fit 32 bits
_GAP = 5

IntArray = NDArray[np.int32]


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
            found |= self._columns(np.ascontiguousarray(own.T), noise).T
        return found

    def _columns(self, values: FloatArray, noise: Noise) -> BoolArray:
        """Return the lines along the first axis."""
        found = np.zeros(values.shape, bool)
        unit = max(noise.typical / _FINE, (noise.high - noise.low) / _MOST)
        least = max(_RANGE * (noise.high - noise.low), _NOISE * noise.typical) / unit
        limit, still = self._strict * least, max(1, round(noise.typical / unit / 2))
        whole = np.rint(np.clip(values / unit, -_MOST, _MOST)).astype(np.int32)
        steps = abs(np.diff(whole, axis=0, prepend=whole[:1]))
        for width in _WIDTHS:
            if whole.shape[1] < width + 4:
                continue
            middle = whole.shape[1] - width - 3
            ours, theirs = (
                [a[:, n : n + middle] for n in range(width + 4)] for a in (whole, steps)
            )
            lines = _stuck(ours, theirs, limit, still)
            for sign in (1, -1):
                lines |= _standing(ours, sign, limit, self._strict * _ROUGH)
            for n in range(2, 2 + width):
                found[:, n : n + middle] |= lines
        return found

    def keep(self, parts: Parts) -> BoolArray:
        """Keep what is long; where lines cross, their part is long too."""
        return np.maximum(parts.height, parts.width) >= _LONG // 2


def _standing(ours: list[IntArray], sign: int, limit: float, rough: float) -> BoolArray:
    """Return lines above both of their sides, or below, of columns beside one another."""
    far_left, left, *inner, right, far_right = ours
    if sign > 0:
        out = np.minimum.reduce(inner) - np.maximum(left, right)
    else:
        out = np.minimum(left, right) - np.maximum.reduce(inner)
    sure = _mostly(out > 0)
    columns = np.flatnonzero(sure.any(axis=0))
    if columns.size:
        a, b, c, d = (own[:, columns] for own in (far_left, left, right, far_right))
        own = limit + rough * _mean(abs(b - a) + abs(c - d) + abs(b - c))
        sure[:, columns] &= _mean(out[:, columns]) > own
    return _along(sure, out > 0)


def _stuck(ours: list[IntArray], steps: list[IntArray], limit: float, still: int) -> BoolArray:
    """Return lines along which nothing changes, that differ from what is beside them."""
    inside = np.maximum.reduce(steps[2:-2])
    sure = _mostly(inside <= still)
    columns = np.flatnonzero(sure.any(axis=0))
    if columns.size:
        beside = [own[:, columns] for own in (ours[1], ours[-2])]
        inner = [own[:, columns] for own in ours[2:-2]]
        outside = np.minimum(*(_mean(own[:, columns]) for own in (steps[1], steps[-2])))
        off = np.minimum.reduce([abs(one - other) for one in inner for other in beside])
        fewer = _mean(inside[:, columns]) < _STILL * outside
        sure[:, columns] &= fewer & (outside > 2 * still) & (_mean(off) > limit)
    return _along(sure, inside <= still)


def _mostly(mask: BoolArray) -> BoolArray:
    """Return where nearly all along the first axis is marked."""
    return np.asarray(_sums(mask.view(np.uint8)) >= _SHARE * _LONG)


def _along(sure: BoolArray, out: BoolArray) -> BoolArray:
    """Return the pixels along a line: from where it begins to where it ends."""
    if not sure.any():
        return sure
    long = ndimage.maximum_filter1d(sure, _LONG, axis=0, mode="constant")
    ends = ndimage.maximum_filter1d(out, _GAP, axis=0, mode="constant")
    return np.asarray(long & ndimage.minimum_filter1d(ends, _GAP, axis=0, mode="nearest"))


def _mean(values: IntArray) -> FloatArray:
    """Return means along the first axis, by exact sums; beyond the edge the last value goes on."""
    return (_sums(values) / _LONG).astype(np.float32)


def _sums(values: NDArray[Any]) -> NDArray[np.int32]:
    half = _LONG // 2
    wide = np.pad(values, [(half + 1, half), (0, 0)], mode="edge")
    total = np.cumsum(wide, axis=0, dtype=np.int32)
    return np.asarray(total[_LONG:] - total[:-_LONG])
