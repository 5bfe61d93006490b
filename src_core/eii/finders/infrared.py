"""Dust and scratches of a film scan, from its infrared channel: dyes let it pass, dirt does not.

References
----------
.. [1] US patent 5,266,805 (A. D. Edgar, 1993), expired: surface defects from an infrared record.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.errors import ImageError
from eii.finders.kind import BoolArray, FloatArray, Plain, View, finite, strictness
from eii.finders.noise import samples
from eii.finders.veil import Leak, Veil, learn_exponents
from eii.image.geometry import Box
from eii.image.spread import deviation_of

_NOISE = 5.0
_DEPTH = 0.03  # of the clear film's infrared that a defect takes away, at the least
_ROUNDS = 12
_RIM = 1
_SMALLEST = 3


class Infrared(Plain):
    """Pixels whose infrared is below what the dyes explain.

    The cyan dye leaks into infrared: ``ir = b + a ln(red)`` is fitted robustly on samples of the
    image and taken out. What is below by some deviations of the rest's own noise is a defect; its
    soft rim, below by half as many, belongs to it.
    """

    halo = 8

    def __init__(self, view: View, sensitivity: float) -> None:
        super().__init__(_SMALLEST)
        if view.reference is None:
            raise ImageError("`infrared` needs an infrared channel.")
        self._reference = view.reference
        self._view = view
        self._samples = near = _same_places(view)
        red = np.concatenate([own[..., 0].ravel() for own, _ in near])
        infrared = np.concatenate([own.ravel() for _, own in near])
        self._least = max(float(np.percentile(red, 1)), 1e-6 * float(red.max()), 1e-12)
        self._line = _fit(_log(red, self._least), infrared)
        rest = self._rest(red, infrared)
        rest = rest[np.isfinite(rest)]
        sigma = deviation_of(rest)
        clear = float(np.nanpercentile(infrared, 95)) if rest.size else 0.0
        self._limit = strictness(sensitivity) * max(_NOISE * sigma, _DEPTH * clear)
        self._leak = Leak(*self._line, self._least, sigma)

    def veil(self, limit: float, channels: Sequence[int]) -> Veil | None:
        """Return what divides out dirt of at least some transmission, where that lifts it."""
        learnt = learn_exponents(self._samples, self._leak, limit)
        if learnt is None:
            return None
        source = self._view.read, self._reference, tuple(channels)
        return Veil(*source, self._leak, limit, *learnt)

    def _rest(self, red: FloatArray, infrared: FloatArray) -> FloatArray:
        slope, offset = self._line
        return np.asarray(infrared - offset - slope * _log(red, self._least), np.float32)

    def marks(self, pixels: NDArray[Any], window: Box) -> BoolArray:
        """Return defects and their rims; where there is no infrared there are none."""
        infrared = np.asarray(self._reference(window), np.float32)[..., 0]
        rest = np.nan_to_num(self._rest(finite(pixels)[..., 0], infrared))
        sure, rim = rest < -self._limit, rest < -self._limit / 2
        near = ndimage.binary_dilation(sure, np.ones((3, 3), bool), _RIM)
        return np.asarray(sure | (rim & near))


def _same_places(view: View) -> list[tuple[FloatArray, FloatArray]]:
    """Return samples of the image and of the infrared at the same places."""
    both = View(
        lambda box: np.concatenate(
            [finite(view.read(box)), np.asarray(view.reference(box), np.float32)],  # type: ignore[misc]
            axis=2,
        ),
        view.shape,
        rgb=False,
        dtype=np.dtype(np.float32),
    )
    return [(part[..., :-1], part[..., -1:]) for part in samples(both)]


def _log(red: FloatArray, least: float) -> FloatArray:
    return np.log(np.maximum(red, np.float32(least)))


def _fit(log_red: FloatArray, infrared: FloatArray) -> tuple[float, float]:
    """Return slope and offset of a line, by weights that fall for what is far off it (Tukey's)."""
    whole = np.isfinite(infrared)
    x, y = log_red[whole].astype(float), infrared[whole].astype(float)
    if x.size < 2 or np.ptp(x) < 1e-6:
        return 0.0, float(np.median(y)) if y.size else 0.0
    weights = np.ones_like(x)
    slope = offset = 0.0
    for _ in range(_ROUNDS):
        middle = np.average(x, weights=weights)
        level = np.average(y, weights=weights)
        spread = np.average((x - middle) ** 2, weights=weights)
        slope = np.average((x - middle) * (y - level), weights=weights) / max(spread, 1e-12)
        offset = level - slope * middle
        rest = y - offset - slope * x
        scale = 4.685 * max(deviation_of(rest, 0), 1e-9)
        weights = np.clip(1 - (rest / scale) ** 2, 0, None) ** 2 + 1e-12
    return float(slope), float(offset)
