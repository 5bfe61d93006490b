"""Hot and dead pixels: alone, and far off their neighbours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.finders.kind import BoolArray, FloatArray, Plain, View, finite
from eii.finders.noise import Noise, noise_of, samples
from eii.finders.outliers import REACH, outliers
from eii.image.geometry import Box

Judge = Callable[[FloatArray], FloatArray]
"""Takes what `outliers` tells of pixels (K, F), returns a logit of each (K,)."""

_MIDDLE = 1.0  # logit beyond which a pixel is a defect at a sensitivity of 0.5
_STEP = 8.0  # logits from the least sensitive to the most
_LARGEST = 4
_AT_ONCE = 1 << 15


class HotPixels(Plain):
    """Pixels that stand out from their neighbours as, for a network, no texture does.

    Parameters
    ----------
    view : View
    sensitivity : float
    judge : callable
    """

    halo = REACH + 2

    def __init__(self, view: View, sensitivity: float, judge: Judge) -> None:
        super().__init__(largest=_LARGEST)
        parts = samples(view)
        channels = parts[0].shape[2]
        self._judge, self._limit = judge, _MIDDLE + _STEP * (0.5 - sensitivity)
        self._noise = [noise_of(parts, c, whole=view.dtype.kind in "ui") for c in range(channels)]

    def marks(self, pixels: NDArray[Any], window: Box) -> BoolArray:
        """Return pixels of a window that are outliers in any channel."""
        values = finite(pixels)
        found = np.zeros(values.shape[:2], bool)
        for channel, noise in enumerate(self._noise):
            self._mark(found, values[..., channel], noise)
        return found

    def _mark(self, found: BoolArray, values: FloatArray, noise: Noise) -> None:
        rows, columns, told = outliers(values, noise)
        for start in range(0, len(rows), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            hot = self._judge(told[part]) > self._limit
            found[rows[part][hot], columns[part][hot]] = True
