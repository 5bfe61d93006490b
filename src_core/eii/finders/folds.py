"""Folds of a stained section: darker than the tissue around, and more saturated."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.errors import ImageError
from eii.finders.colour import is_stained, range_of, to_lab
from eii.finders.kind import BoolArray, FloatArray, Plain, View, finite, strictness
from eii.finders.overview import overview_of
from eii.image.geometry import Box
from eii.image.spread import deviation_of

_SPREADS = 3.0
_LEAST = 0.2  # of saturation less lightness
_SATURATED = 0.3
_SMALLEST = 200


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
        overview = overview_of(view)
        self._most = range_of(view, overview)
        self._stained = is_stained(to_lab(overview.pixels, self._most))
        told, _ = self._excess(overview.pixels)
        tissue = told[told > np.median(told) - 1e-6]
        step = max(_SPREADS * deviation_of(tissue), _LEAST) * strictness(sensitivity) ** 0.5
        self._limit = float(np.median(tissue)) + step

    def _excess(self, pixels: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return saturation less lightness, and saturation."""
        values = np.clip(pixels / np.float32(self._most), 0, 1)
        high, low = values.max(axis=2), values.min(axis=2)
        saturation = np.asarray((high - low) / np.maximum(high, 0.02), np.float32)
        return saturation - high, saturation

    def marks(self, pixels: NDArray[Any], window: Box) -> BoolArray:
        """Return what is far darker and more saturated, evenly so; what is gray is no tissue."""
        if not self._stained:
            return np.zeros(pixels.shape[:2], bool)
        told, saturation = (
            ndimage.uniform_filter(own, 5, mode="nearest") for own in self._excess(finite(pixels))
        )
        even = (told > self._limit) & (saturation > _SATURATED)
        found = ndimage.binary_opening(even, np.ones((3, 3), bool))
        return np.asarray(ndimage.binary_closing(found, np.ones((5, 5), bool)))
