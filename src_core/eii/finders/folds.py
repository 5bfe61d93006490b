"""Folds of a stained section: darker and more saturated than the tissue around."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.errors import ImageError
from eii.finders.kind import BoolArray, FloatArray, Plain, View, strictness
from eii.finders.overview import overview_of
from eii.image.geometry import Box

_SPREADS = 3.0
_LEAST = 0.2  # of saturation less lightness
_SMALLEST = 200
_TO_SIGMA = 1.4826


class Folds(Plain):
    """Pixels whose saturation less lightness is far above that of the tissue.

    References
    ----------
    .. [1] P. A. Bautista, Y. Yagi, "Improving the visualization and detection of tissue folds in
           whole slide images through color enhancement", J. Pathol. Inform. 1 (2010) 25.
    """

    halo = 8

    def __init__(self, view: View, sensitivity: float) -> None:
        super().__init__(_SMALLEST)
        if not view.rgb:
            raise ImageError("Folds are told by their colour: they need red, green and blue.")
        small = overview_of(view).pixels
        whole = view.dtype.kind in "ui"
        self._most = float(np.iinfo(view.dtype).max) if whole else max(1e-12, float(small.max()))
        told = self._excess(small)
        tissue = told[told > np.median(told) - 1e-6]
        spread = _TO_SIGMA * float(np.median(np.abs(tissue - np.median(tissue))))
        step = max(_SPREADS * spread, _LEAST) * strictness(sensitivity) ** 0.5
        self._limit = float(np.median(tissue)) + step

    def _excess(self, pixels: FloatArray) -> FloatArray:
        values = np.clip(pixels / np.float32(self._most), 0, 1)
        high, low = values.max(axis=2), values.min(axis=2)
        return np.asarray((high - low) / np.maximum(high, 0.02) - high, np.float32)

    def marks(self, pixels: NDArray[Any], window: Box) -> BoolArray:
        """Return what is far darker and more saturated, evenly so."""
        told = self._excess(np.asarray(pixels, np.float32))
        even = ndimage.uniform_filter(told, 5, mode="nearest")
        found = ndimage.binary_opening(even > self._limit, np.ones((3, 3), bool))
        return np.asarray(ndimage.binary_closing(found, np.ones((5, 5), bool)))
