"""Scratches, and dust with hairs, told by a small network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import local
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.finders.kind import BoolArray, FloatArray, Parts, Plain, Traits, View, finite
from eii.image.geometry import Box

Segment = Callable[[FloatArray], FloatArray]
"""Takes pixels (h, w, 3) in RGB, or luma (h, w, 1); returns a logit of each kind (K, h, w)."""

SCRATCHES, DUST = 0, 1
_KEPT = 4  # squares of a block
_SIDE, _MARGIN = 512, 48  # of the squares that the network is given, on a lattice of our own
_SURE = 6.0  # logits beyond which a pixel tells no more of which kind its part is
_MIDDLE = 3.8  # logit, a chance of 0.98, beyond which a pixel is sure at a sensitivity of 0.5
_LOW = 0.0  # logit beyond which what is connected with sure pixels belongs to them
_SHARE, _SEEDS = 0.15, 4  # of a part that must be sure, and pixels
_STEP = 12.0  # logits from the least sensitive to the most
_LONG, _LARGEST = 12, 128
_SMALLEST = 3


class Asked:
    """A network that is asked once for the kinds that it knows.

    What it said of the last squares is kept, of each thread: kinds are looked for in a block one
    after the other.

    Parameters
    ----------
    segment : callable
    """

    def __init__(self, segment: Segment) -> None:
        self._segment, self._last = segment, local()

    def of(self, pixels: FloatArray, seen: Box) -> FloatArray:
        """Return the logits of a square, whose place in the image is given."""
        kept: dict[Box, FloatArray] = self._last.__dict__.setdefault("kept", {})
        if seen not in kept:
            if len(kept) >= _KEPT:
                kept.clear()
            kept[seen] = self._segment(pixels)
        return kept[seen]


class Film(Plain):
    """Parts that the network takes for one kind of defect.

    Parameters
    ----------
    view : View
    sensitivity : float
    asked : Asked
    kind : {SCRATCHES, DUST}
    """

    halo = _MARGIN

    def __init__(self, view: View, sensitivity: float, asked: Asked, kind: int) -> None:
        super().__init__(_SMALLEST)
        self._shape, self._rgb = view.shape, view.rgb
        self._asked, self._kind = asked, kind
        self._limit = _MIDDLE + _STEP * (0.5 - sensitivity)

    def look(self, pixels: NDArray[Any], window: Box) -> tuple[BoolArray, Traits]:
        """Return what the network takes for a scratch or dust, and how far for which."""
        given = finite(pixels)
        given = given if self._rgb else given.mean(axis=2, keepdims=True)
        shape = given.shape[:2]
        found, leaning = np.zeros(shape, bool), np.zeros(shape, np.float32)
        sure = np.zeros(shape, np.float32)
        for square in _squares(window):
            box = square.clip(self._shape)
            seen = box.grow(_MARGIN).clip(self._shape)
            if seen.intersect(window) != seen:
                continue  # of the halo, not of the block
            logits = self._asked.of(given[seen.relative_to(window).slices], seen)
            inside, outside = box.relative_to(seen).slices, box.relative_to(window).slices
            most = logits.max(axis=0)[inside]
            found[outside] = most > min(_LOW, self._limit)
            sure[outside] = most > self._limit
            toward = np.clip(logits[self._kind] - logits[1 - self._kind], -_SURE, _SURE)
            leaning[outside] = toward[inside]
        return found, {"leaning": leaning, "sure": sure}

    def keep(self, parts: Parts) -> BoolArray:
        """Keep parts that as wholes are rather of the kind; scratches are long."""
        side = np.maximum(parts.height, parts.width)
        fits = side >= _LONG if self._kind == SCRATCHES else side <= _LARGEST
        seeds = np.maximum(_SEEDS, _SHARE * parts.area)
        is_sure = parts.traits["sure"] >= seeds
        return super().keep(parts) & fits & is_sure & (parts.traits["leaning"] > 0)


def _squares(window: Box) -> Iterator[Box]:
    """Yield the squares of the lattice that a window meets."""
    for row in range(window.y0 // _SIDE, -(-window.y1 // _SIDE)):
        for column in range(window.x0 // _SIDE, -(-window.x1 // _SIDE)):
            y, x = row * _SIDE, column * _SIDE
            yield Box(y, x, y + _SIDE, x + _SIDE)
