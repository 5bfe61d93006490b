"""Stains and punched holes of scanned pages, told on the page made small."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.finders.kind import BoolArray, FloatArray, Plain, View, finite, strictness
from eii.finders.overview import enlarged, overview_of
from eii.image.geometry import Box

_TEXT = 15  # cells: a closing as wide takes print away and leaves the paper
_STAIN = 0.06  # of the range, by which paper is darker in a stain
_LARGE = 150  # cells of a stain, at the least
_MARGIN = 0.18  # of the page's width or height, within which pages are punched
_ROUND, _RADII = 0.75, (0.004, 0.03)  # share of its disc; radii of the longer side
_EVEN = 0.06  # of the range: a punched hole shows what lies below, evenly


class OnPage(Plain):
    """What was found on the overview, with its outline drawn at each pixel.

    A pixel within a cell of what was found belongs to it when it is more like the inside than like
    the paper.
    """

    halo = 2

    def __init__(self, view: View, sensitivity: float) -> None:
        super().__init__()
        self._over = overview_of(view)
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
    """Paper that is darker than the page's by far, and for a large part of it."""

    def _look(self, gray: FloatArray, strict: float) -> tuple[BoolArray, FloatArray, BoolArray]:
        paper = ndimage.grey_closing(gray, _TEXT, mode="nearest")
        paper = ndimage.median_filter(paper, 5, mode="nearest")
        usual = float(np.percentile(paper, 70))
        limit = usual - strict**0.5 * _STAIN * self._range
        mask = ndimage.binary_opening(paper < limit, np.ones((5, 5), bool))
        labels, count = ndimage.label(mask)
        if count:
            area = np.bincount(labels.ravel(), minlength=count + 1)
            deep = ndimage.minimum(paper, labels, np.arange(count + 1))
            # Pictures and dark borders are no stains: too dark, or most of the page.
            kept = (area >= _LARGE) & (area < 0.3 * gray.size) & (deep > usual - 0.5 * self._range)
            kept[0] = False
            mask = kept[labels]
        return mask, np.full(gray.shape, limit, np.float32), np.zeros(gray.shape, bool)


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
        if not max(2.0, least) <= radius <= most or not 0.7 < height / width < 1.4:
            return False
        middles = [(s.start + s.stop) / 2 / n for s, n in zip(span, shape, strict=True)]
        at_edge = min(min(m, 1 - m) for m in middles) < _MARGIN
        disc = own.sum() / (np.pi * height * width / 4)
        inner = ndimage.binary_erosion(own)
        even = not inner.any() or float(gray[inner].std()) < _EVEN * self._range
        return bool(at_edge and disc > _ROUND and even)
