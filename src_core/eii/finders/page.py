"""Stains and punched holes of scanned pages, told on the page made small."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.finders.kind import BoolArray, FloatArray, Plain, View, finite, strictness
from eii.finders.overview import enlarged, overview_of
from eii.finders.paper_veil import PRINT, PaperVeil, learn_stains
from eii.image.geometry import Box
from eii.image.spread import deviation_of

_TEXT = 31  # cells: a closing as wide takes print away and leaves the paper
_STAIN, _SPREADS = (0.06, 0.12), 3.0  # of the range, and deviations of paper: how much darker
_LEAST = 21  # cells of a square that fits into a stain
_SMALLEST, _MOST = 900, 0.3  # cells of a stain, and share of the page
_ENCLOSED = 0.6  # of the page's shorter side, that a stain within brighter paper is smaller than
_OUTLINE, _STEEP = 7, 0.6  # cells of an outline; how much of the depth is reached within
_DEEPEST = 0.7  # of the range: what is darker is a picture
_BESIDES = 0.1  # share of print, that a stain has beside twice the page's; more is a picture
_MARGIN = 0.18  # of the page's width or height, within which pages are punched
_ROUND, _RADII = 0.75, (0.004, 0.03)  # share of its disc; radii of the longer side
_SMALL = 4.0  # cells of a radius, at the least: full stops are smaller
_EVEN = 0.06  # of the range: a punched hole shows what lies below, evenly


class OnPage(Plain):
    """What was found on the overview, with its outline drawn at each pixel.

    A pixel within a cell of what was found belongs to it when it is more like the inside than like
    the paper.
    """

    halo = 2

    def __init__(self, view: View, sensitivity: float) -> None:
        super().__init__()
        self._view, self._over = view, overview_of(view)
        gray = self._over.pixels.mean(axis=2)
        low, high = (float(v) for v in np.percentile(gray, (0.5, 99.5)))
        self._range = max(high - low, 1e-12)
        self._mask, self._limit, self._above = self._look(gray, strictness(sensitivity))

    def _look(self, gray: FloatArray, strict: float) -> tuple[BoolArray, FloatArray, BoolArray]:
        """Return what is found, the level that divides it from the paper, and on which side."""
        raise NotImplementedError

    def marks(self, pixels: NDArray[Any], window: Box) -> BoolArray:
        """Return the pixels of what was found."""
        factor = self._over.factor
        near = enlarged(self._mask, factor, window, by=1)
        if not near.any():
            return near
        gray = finite(pixels).mean(axis=2)
        rows = np.arange(window.y0, window.y1) // factor
        columns = np.arange(window.x0, window.x1) // factor
        limit, above = self._limit[rows][:, columns], self._above[rows][:, columns]
        inside = enlarged(~ndimage.binary_dilation(~self._mask), factor, window)
        return np.asarray(near & (inside | ((gray > limit) == above)))


class Stains(OnPage):
    """Paper that is darker than around, by far and with an outline, for a large part of it.

    Shade has none: it grows by and by, towards a fold or the edge of the page.
    """

    def _look(self, gray: FloatArray, strict: float) -> tuple[BoolArray, FloatArray, BoolArray]:
        paper = _without_print(gray)
        usual = float(np.percentile(paper, 70))
        uneven = deviation_of(paper[paper <= usual], usual)
        least, most = (share * self._range for share in _STAIN)
        depth = strict**0.5 * min(most, max(least, _SPREADS * uneven))
        side = max(1, round(_ENCLOSED * min(gray.shape)))
        enclosing = ndimage.grey_closing(paper, side, mode="nearest")
        printed = gray < PRINT * paper
        usually = float(printed.mean())
        mask = np.zeros(gray.shape, bool)
        limit = np.full(gray.shape, usual - depth, np.float32)
        # What is enclosed by brighter paper, then what reaches the edges of the page.
        for around in (np.minimum(enclosing, usual + depth), np.full_like(paper, usual)):
            for part in self._parts(paper, around, depth):
                if not (mask & part).any() and printed[part].mean() <= 2 * usually + _BESIDES:
                    mask |= part
                    limit[part] = around[part] - depth
        return mask, limit, np.zeros(gray.shape, bool)

    def _parts(self, paper: FloatArray, around: FloatArray, depth: float) -> Iterator[BoolArray]:
        """Yield stains, each a mask of the page made small."""
        dark = paper < around - depth
        square = np.ones((3, 3), bool)
        core = ndimage.binary_opening(dark, np.ones((_LEAST, _LEAST), bool))
        own = dark & ndimage.binary_dilation(core, square, _LEAST // 2)
        labels, _ = ndimage.label(ndimage.binary_propagation(core, mask=own))
        for number, box in enumerate(ndimage.find_objects(labels), start=1):
            near = tuple(slice(max(0, s.start - 2 * _OUTLINE), s.stop + 2 * _OUTLINE) for s in box)
            part = labels[near] == number
            if not _SMALLEST <= part.sum() <= _MOST * paper.size:
                continue
            if self._is_stain(part, paper[near], float(np.median(around[near][part]))):
                yield labels == number

    def _is_stain(self, part: BoolArray, paper: FloatArray, around: float) -> bool:
        """Tell whether a dark part, seen with what is near, is no picture and no shade."""
        square = np.ones((3, 3), bool)
        inside = part & ~ndimage.binary_erosion(part, square, _OUTLINE, border_value=1)
        near, far = (ndimage.binary_dilation(part, square, n) for n in (1, 1 + _OUTLINE))
        outside = far & ~near
        if not outside.any():
            return False
        below = around - float(np.median(paper[part]))
        step = float(np.median(paper[outside]) - np.median(paper[inside]))
        return below < _DEEPEST * self._range and step > _STEEP * below

    def veil(self, limit: float, channels: Sequence[int]) -> PaperVeil | None:
        """Return what divides stains out, where print shows through them."""
        if not self._mask.any():
            return None
        pixels = self._over.pixels
        paper = np.stack([_without_print(own) for own in np.moveaxis(pixels, 2, 0)], axis=2)
        learnt = learn_stains(self._over, paper, self._mask)
        if learnt is None:
            return None
        corner, passed, errors = learnt
        read, factor = self._view.read, self._over.factor
        return PaperVeil(read, tuple(channels), corner, factor, passed, errors, limit)


def _without_print(cells: FloatArray) -> FloatArray:
    """Return what print is on, (m, n)."""
    even = ndimage.median_filter(cells, 5, mode="nearest")  # print is sharpened: bright at its rims
    closed = ndimage.grey_closing(even, _TEXT, mode="nearest")
    return np.asarray(ndimage.median_filter(closed, 5, mode="nearest"))


class PunchHoles(OnPage):
    """Even discs near the edges of a page, darker or brighter than its paper."""

    def _look(self, gray: FloatArray, strict: float) -> tuple[BoolArray, FloatArray, BoolArray]:
        usual = float(np.percentile(gray, 70))
        mask, above = (np.zeros(gray.shape, bool) for _ in range(2))
        limits = np.full(gray.shape, usual, np.float32)
        for bright in (False, True):
            step = strict**0.5 * 0.15 * self._range
            level = usual + step if bright else usual - step
            labels, _ = ndimage.label(gray > level if bright else gray < level)
            for number, span in enumerate(ndimage.find_objects(labels), start=1):
                own = labels[span] == number
                if self._is_punched(own, gray[span], span, gray.shape):
                    mask[span] |= own
                    inner = float(np.median(gray[span][own]))
                    near = tuple(slice(max(0, s.start - 2), s.stop + 2) for s in span)
                    limits[near], above[near] = (inner + usual) / 2, bright
        return mask, limits, above

    def _is_punched(
        self,
        own: BoolArray,
        gray: FloatArray,
        span: tuple[slice, slice],
        shape: tuple[int, int],
    ) -> bool:
        height, width = own.shape
        radius = (height + width) / 4
        least, most = (r * max(shape) for r in _RADII)
        if not max(_SMALL, least) <= radius <= most or not 0.7 < height / width < 1.4:
            return False
        middles = [(s.start + s.stop) / 2 / n for s, n in zip(span, shape, strict=True)]
        at_edge = min(min(m, 1 - m) for m in middles) < _MARGIN
        disc = own.sum() / (np.pi * height * width / 4)
        inner = ndimage.binary_erosion(own)
        even = not inner.any() or float(gray[inner].std()) < _EVEN * self._range
        return bool(at_edge and disc > _ROUND and even)
