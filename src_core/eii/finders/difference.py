"""What differs from a reference: another scan, or the planes before and after."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.errors import ImageError
from eii.finders.kind import BoolArray, FloatArray, Plain, View, finite, strictness
from eii.finders.noise import samples
from eii.image.geometry import Box
from eii.image.spread import deviation_of

_NOISE = 6.0
_RANGE = 0.04
_SMALLEST = 3


class Differing(Plain):
    """Pixels that differ from the reference by more than the two differ elsewhere.

    The reference is brought to the image's brightness channel by channel, by a line fitted to
    samples of both; edges, where a small shift already makes a difference, count less.
    """

    halo = 3

    def __init__(self, view: View, sensitivity: float) -> None:
        super().__init__(_SMALLEST)
        if view.reference is None:
            raise ImageError("`difference` needs a reference, or planes before and after.")
        self._reference = view.reference
        self._read = view.read
        both = View(self._both, view.shape, rgb=False, dtype=np.dtype(np.float32))
        parts = samples(both)
        channels = parts[0].shape[2] // 2
        strict = strictness(sensitivity)
        self._lines, self._limits = [], []
        for channel in range(channels):
            ours = np.concatenate([p[..., channel].ravel() for p in parts])
            theirs = np.concatenate([p[..., channels + channel].ravel() for p in parts])
            line = _matched(theirs, ours)
            rest = np.abs(ours - line[0] * theirs - line[1])
            rest = rest[np.isfinite(rest)]
            sigma = deviation_of(rest, 0)
            span = float(np.ptp(np.percentile(ours, (0.5, 99.5))))
            self._lines.append(line)
            self._limits.append(strict * max(_NOISE * sigma, _RANGE * span))

    def _both(self, box: Box) -> FloatArray:
        theirs = np.asarray(self._reference(box), np.float32)
        return np.concatenate([finite(self._read(box)), theirs], axis=2)

    def marks(self, pixels: NDArray[Any], window: Box) -> BoolArray:
        """Return pixels that differ in any channel; where there is no reference, none."""
        values, theirs = finite(pixels), np.asarray(self._reference(window), np.float32)
        found = np.zeros(values.shape[:2], bool)
        for channel, ((gain, offset), limit) in enumerate(
            zip(self._lines, self._limits, strict=True)
        ):
            other = gain * theirs[..., channel] + offset
            steep = ndimage.maximum_filter(other, 3) - ndimage.minimum_filter(other, 3)
            rest = np.abs(values[..., channel] - other)
            found |= np.nan_to_num(rest - steep / 2, nan=0.0) > limit
        return found


def _matched(theirs: FloatArray, ours: FloatArray) -> tuple[float, float]:
    """Return gain and offset that bring a reference to an image, from the quantiles of both."""
    whole = np.isfinite(theirs) & np.isfinite(ours)
    if not whole.any():
        return 1.0, 0.0
    one, two = (np.percentile(v[whole], (10, 50, 90)) for v in (theirs, ours))
    spread = float(one[2] - one[0])
    gain = float(two[2] - two[0]) / spread if spread > 0 else 1.0
    gain = gain if 0.2 < gain < 5 else 1.0
    return gain, float(two[1] - gain * one[1])
