"""Blobs at the upper end of what a camera can tell."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.finders.kind import BoolArray, Parts, Plain, View, strictness
from eii.image.geometry import BLOCK, Box, blocks_of

_SMALLEST, _LARGEST = 4, 20_000
_FLAT = 3  # pixels at its greatest value that show that an image is clipped there


class Saturated(Plain):
    """Blobs whose every channel has the greatest value, where the image is clipped.

    Parameters
    ----------
    view : View
    sensitivity : float
        Blobs are of 4 pixels or more at 0.5, of 1 at 1.

    Notes
    -----
    The level is the dtype's greatest value, or that of the image where several pixels have it: a
    camera of 12 bits clips at 4095. Large areas are taken for paper or sky, not for a defect.
    """

    halo = 1

    def __init__(self, view: View, sensitivity: float) -> None:
        super().__init__(max(1, _SMALLEST * strictness(sensitivity) ** 1.0), _LARGEST)
        self._level = _clipped_at(view)

    def marks(self, pixels: NDArray[Any], window: Box) -> BoolArray:
        """Return pixels at the level in all channels."""
        if self._level is None:
            return np.zeros(pixels.shape[:2], bool)
        return np.asarray((pixels >= self._level).all(axis=2))

    def keep(self, parts: Parts) -> BoolArray:
        """Keep blobs: those of some size, that fill a fair part of the box around them."""
        filled = parts.area / (parts.height * parts.width)
        return super().keep(parts) & (filled > 0.3)


def _clipped_at(view: View) -> float | None:
    """Return the value at which a plane is clipped; None when it is not."""
    most, last, count = -np.inf, np.inf, 0
    for box in blocks_of(view.shape, (BLOCK, BLOCK)):
        pixels = view.read(box)
        least = pixels.min(axis=2)
        if np.isnan(least).all():
            continue
        last = min(last, float(np.nanmin(least)))
        own = float(np.nanmax(least))
        if own > most:
            most, count = own, 0
        if own == most:
            count += int((least == own).sum())
    if last == most:
        return None
    if view.dtype.kind in "ui" and most == np.iinfo(view.dtype).max:
        return most
    return most if count >= _FLAT and np.isfinite(most) else None
