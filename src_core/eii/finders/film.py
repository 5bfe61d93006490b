"""Scratches, and dust with hairs, told by a small network from luma alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.finders.kind import BoolArray, FloatArray, Parts, Plain, View, finite
from eii.image.geometry import Box

Segment = Callable[[FloatArray], FloatArray]
"""Takes luma (h, w) and returns a logit of each kind (K, h, w), scratches first, then dust."""

SCRATCHES, DUST = 0, 1
_SIDE, _MARGIN = 512, 48  # of the squares that the network is given, on a lattice of our own
_STEP = 8.0  # logits from the least sensitive to the most
_LONG, _LARGEST = 12, 128
_SMALLEST = 3


class Film(Plain):
    """Parts that the network takes for one kind of defect.

    Parameters
    ----------
    view : View
    sensitivity : float
        A pixel counts from an even chance on at 0.5.
    segment : callable
    kind : {SCRATCHES, DUST}
    """

    halo = _MARGIN

    def __init__(self, view: View, sensitivity: float, segment: Segment, kind: int) -> None:
        super().__init__(_SMALLEST)
        self._shape, self._segment, self._kind = view.shape, segment, kind
        self._limit = _STEP * (0.5 - sensitivity)

    def marks(self, pixels: NDArray[Any], window: Box) -> BoolArray:
        """Return what the network marks; each square by the mean and spread of its own luma."""
        luma = finite(pixels).mean(axis=2)
        found = np.zeros(luma.shape, bool)
        for square in _squares(window):
            box = square.clip(self._shape)
            seen = box.grow(_MARGIN).clip(self._shape)
            if seen.intersect(window) != seen:
                continue  # of the halo, not of the block
            logits = self._segment(luma[seen.relative_to(window).slices])
            other = logits[1 - self._kind]
            own = logits[self._kind]
            inside = box.relative_to(seen).slices
            marked = (own > self._limit) & (own >= other)
            found[box.relative_to(window).slices] = marked[inside]
        return found

    def keep(self, parts: Parts) -> BoolArray:
        """Keep scratches that are long, and dust that is not."""
        side = np.maximum(parts.height, parts.width)
        fits = side >= _LONG if self._kind == SCRATCHES else side <= _LARGEST
        return super().keep(parts) & fits


def _squares(window: Box) -> Iterator[Box]:
    """Yield the squares of the lattice that a window meets."""
    for row in range(window.y0 // _SIDE, -(-window.y1 // _SIDE)):
        for column in range(window.x0 // _SIDE, -(-window.x1 // _SIDE)):
            y, x = row * _SIDE, column * _SIDE
            yield Box(y, x, y + _SIDE, x + _SIDE)
