"""What is told of a whole plane from a few samples: its range, and its noise at each level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.finders.kind import FloatArray, View, finite
from eii.image.geometry import Box
from eii.image.spread import deviation_of

_GRID, _SIDE = 5, 192  # samples along each side, and theirs
_LEVELS = 12
_FOUR = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4
_WIDER = (1 + 1 / 4) ** 0.5  # deviation of a pixel less the mean of four, over its own


def samples(view: View) -> list[FloatArray]:
    """Return squares of a plane on a lattice, each (h, w, C), float32."""
    rows, columns = (_starts(n) for n in view.shape)
    boxes = (Box(y, x, y + _SIDE, x + _SIDE).clip(view.shape) for y in rows for x in columns)
    return [finite(view.read(box)) for box in boxes]


def _starts(length: int) -> list[int]:
    places = np.linspace(0, max(0, length - _SIDE), _GRID)
    return sorted({int(p) for p in places})


@dataclass(frozen=True)
class Noise:
    """The standard deviation of a channel's noise, by level.

    Parameters
    ----------
    levels, sigmas : ndarray of shape (K,), float32
    low, high : float
        Its 0.1st and 99.9th percentiles.
    """

    levels: NDArray[np.float32]
    sigmas: NDArray[np.float32]
    low: float
    high: float

    def at(self, values: NDArray[Any]) -> FloatArray:
        """Return the deviation at some levels."""
        return np.interp(values, self.levels, self.sigmas).astype(np.float32)

    @property
    def typical(self) -> float:
        """Return the deviation at a middle level."""
        return float(np.median(self.sigmas))


def noise_of(parts: list[FloatArray], channel: int, *, whole: bool) -> Noise:
    """Return the noise of a channel.

    Parameters
    ----------
    parts : list of ndarray of shape (h, w, C)
    channel : int
    whole : bool
        Values are integers: noise is not below what rounding makes.

    Notes
    -----
    Robust: of each level the median deviation of pixels from the mean of their four neighbours,
    which a few defects do not change. Texture counts as noise where there is nothing smoother.
    """
    values, rests = [], []
    for part in parts:
        own = part[..., channel]
        if min(own.shape) < 3:
            continue
        near = ndimage.convolve(own, _FOUR, mode="reflect")
        values.append(near.ravel())
        rests.append(np.abs(own - near).ravel())
    level = np.concatenate(values) if values else np.zeros(1, np.float32)
    rest = np.concatenate(rests) if rests else np.zeros(1, np.float32)
    low, high = (float(v) for v in np.percentile(level, (0.1, 99.9)))
    least = 0.4 if whole else max(1e-6 * (high - low), 1e-12)
    edges = np.unique(np.quantile(level, np.linspace(0, 1, _LEVELS + 1)).astype(np.float32))
    if len(edges) < 2:
        edges = np.array([low, low + 1], np.float32)
    which = np.clip(np.searchsorted(edges, level, side="right") - 1, 0, len(edges) - 2)
    sigmas = [_sigma(rest[which == n], least) for n in range(len(edges) - 1)]
    middles = (edges[:-1] + edges[1:]) / 2
    return Noise(middles.astype(np.float32), np.array(sigmas, np.float32), low, high)


def _sigma(rests: FloatArray, least: float) -> float:
    return max(least, deviation_of(rests, 0) / _WIDER)
