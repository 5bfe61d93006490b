"""Scratches, and dust with hairs, told by a small network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import local
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.finders.kind import BoolArray, FloatArray, Parts, Plain, Traits, View, finite
from eii.finders.overview import cell_means
from eii.image.geometry import Box

Segment = Callable[[FloatArray], FloatArray]
"""Takes pixels (h, w, 3) in RGB, or luma (h, w, 1); returns a logit of each kind (K, h, w)."""

SCRATCHES, DUST = 0, 1
_KEPT = 4  # squares of a block
_SIDE, _MARGIN = 512, 48  # of the squares that the network is given, on a lattice of our own
_KNOWN = 8  # pixels that the widest scratches of its training have
_LESS, _CAUTION = 1.0, 5.0  # logits taken off what it says of an image made small: asked for or not
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
    widest : float, optional
        Pixels of the widest scratch that is looked for. What is wider than the network knows is
        looked for in the image made small by 2, 4, ..., too. By default in that of half the size,
        for what is very sure alone.
    """

    def __init__(self, segment: Segment, widest: float | None = None) -> None:
        self._segment, self._last = segment, local()
        self._less = np.float32(_CAUTION if widest is None else _LESS)
        self._factors = [1]
        while _KNOWN * self._factors[-1] < (2 * _KNOWN if widest is None else widest):
            self._factors.append(2 * self._factors[-1])
        self.scale = self._factors[-1]

    def seen(self, square: Box, shape: tuple[int, int]) -> Box:
        """Return what has to be seen of an image of a shape, to tell of a square."""
        return square.grow(_MARGIN * self.scale).clip(shape)

    def of(self, pixels: FloatArray, seen: Box, square: Box) -> FloatArray:
        """Return the logits (K, h, w) of a square, from the pixels of what is seen for it."""
        kept: dict[Box, FloatArray] = self._last.__dict__.setdefault("kept", {})
        if square not in kept:
            if len(kept) >= _KEPT:
                kept.clear()
            each = [self._at(factor, pixels, seen, square) for factor in self._factors]
            kept[square] = np.maximum.reduce(each)
        return kept[square]

    def _at(self, factor: int, pixels: FloatArray, seen: Box, square: Box) -> FloatArray:
        """Return what the network says of a square that is made small by a factor."""
        near = square.grow(_MARGIN * factor).intersect(seen)
        own, inside = pixels[near.relative_to(seen).slices], square.relative_to(near).slices
        if factor == 1:
            return self._segment(own)[:, *inside]
        small = self._segment(cell_means(own, factor))
        sides = (1, factor, factor)
        large = ndimage.zoom(small, sides, order=1, mode="nearest", grid_mode=True)
        return np.asarray(large[:, *inside] - self._less)


class Film(Plain):
    """Parts that the network takes for one kind of defect.

    Parameters
    ----------
    view : View
    sensitivity : float
    asked : Asked
    kind : {SCRATCHES, DUST}
    """

    def __init__(self, view: View, sensitivity: float, asked: Asked, kind: int) -> None:
        super().__init__(_SMALLEST)
        self._shape, self._rgb = view.shape, view.rgb
        self._asked, self._kind = asked, kind
        self.halo = _MARGIN * asked.scale
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
            seen = self._asked.seen(box, self._shape)
            if seen.intersect(window) != seen:
                continue  # of the halo, not of the block
            logits = self._asked.of(given[seen.relative_to(window).slices], seen, box)
            outside = box.relative_to(window).slices
            most = logits.max(axis=0)
            found[outside] = most > min(_LOW, self._limit)
            sure[outside] = most > self._limit
            toward = logits[self._kind] - logits[1 - self._kind]
            leaning[outside] = np.clip(toward, -_SURE, _SURE)
        return found, {"leaning": leaning, "sure": sure}

    def keep(self, parts: Parts) -> BoolArray:
        """Keep parts that as wholes are rather of the kind; scratches are long."""
        side = np.maximum(parts.height, parts.width)
        largest = _LARGEST * self._asked.scale
        fits = side >= _LONG if self._kind == SCRATCHES else side <= largest
        seeds = np.maximum(_SEEDS, _SHARE * parts.area)
        is_sure = parts.traits["sure"] >= seeds
        return super().keep(parts) & fits & is_sure & (parts.traits["leaning"] > 0)


def _squares(window: Box) -> Iterator[Box]:
    """Yield the squares of the lattice that a window meets."""
    for row in range(window.y0 // _SIDE, -(-window.y1 // _SIDE)):
        for column in range(window.x0 // _SIDE, -(-window.x1 // _SIDE)):
            y, x = row * _SIDE, column * _SIDE
            yield Box(y, x, y + _SIDE, x + _SIDE)
