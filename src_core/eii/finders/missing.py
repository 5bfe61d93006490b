"""Tiles and gaps that hold nothing: one value, and straight borders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.finders.kind import BoolArray, Parts, Plain, View, strictness
from eii.image.geometry import Box

_SMALLEST = 32
_RUN = 8  # pixels of a border that make it straight
_STRAIGHT = 0.7  # of a border that has to be
_SIDES = ((0, 1), (0, -1), (1, 1), (1, -1))  # axis, and step to the neighbour


class Missing(Plain):
    """Parts of one empty value whose borders are mostly straight and along the axes.

    Empty is what the file or the caller declares; else 0 in all channels, or not a number. A dark
    ground is not missing: its borders are ragged.
    """

    halo = _RUN + 1

    def __init__(self, view: View, sensitivity: float) -> None:
        super().__init__(_SMALLEST * strictness(sensitivity))
        self._nodata = view.nodata
        self._straight = min(0.95, _STRAIGHT * strictness(sensitivity) ** 0.25)

    def marks(self, pixels: NDArray[Any], window: Box) -> BoolArray:
        """Return pixels that are empty in all channels."""
        value = 0 if self._nodata is None else self._nodata
        empty = np.isnan(pixels) if np.isnan(value) else pixels == value
        if pixels.dtype.kind == "f":
            empty |= np.isnan(pixels)
        return np.asarray(empty.all(axis=2))

    def traits(self, mask: BoolArray) -> Mapping[str, NDArray[Any]]:
        """Return of every pixel how many of its sides are border, and straight border."""
        border, straight = (np.zeros(mask.shape, np.int8) for _ in range(2))
        for axis, step in _SIDES:
            own = mask & ~_moved(mask, axis, step)
            border += own
            straight += ndimage.binary_opening(own, _line(1 - axis))
        return {"border": border, "straight": straight}

    def keep(self, parts: Parts) -> BoolArray:
        """Keep what has straight borders; a whole plane has none."""
        border, straight = parts.traits["border"], parts.traits["straight"]
        return super().keep(parts) & (straight >= self._straight * border)


def _line(axis: int) -> BoolArray:
    return np.ones((_RUN, 1) if axis == 0 else (1, _RUN), bool)


def _moved(mask: BoolArray, axis: int, step: int) -> BoolArray:
    """Return of every pixel whether its neighbour is marked; beyond the edge as the pixel is."""
    moved = mask.copy()
    ahead = [slice(None)] * 2
    behind = [slice(None)] * 2
    ahead[axis], behind[axis] = (
        (slice(1, None), slice(None, -1)) if step > 0 else (slice(None, -1), slice(1, None))
    )
    moved[tuple(behind)] = mask[tuple(ahead)]
    return moved
