"""Coloured ink: marks of a pen on slides and pages, stamps on text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.errors import ImageError
from eii.finders.colour import is_stained, range_of, to_lab
from eii.finders.found import find
from eii.finders.ink_veil import InkVeil, Page, Tint, ink_at, off_at
from eii.finders.inks import learn_inks, learn_page
from eii.finders.kind import BoolArray, FloatArray, Parts, Plain, Traits, View, finite, strictness
from eii.finders.noise import samples
from eii.finders.overview import overview_of
from eii.image.geometry import Box
from eii.image.spread import TO_DEVIATION

_FAR = 22.0  # least distance of an ink from what is usual, in units of CIELAB's a and b
_SPREADS = 4.5  # and in deviations of what is usual
_DARK, _GRAY = 28.0, 12.0  # lightness and chroma of a black pen
_PAPER = 45.0  # median lightness of a bright ground
_SMALLEST = 60
_DEEP, _THIN, _SMALL = 0.15, 0.05, 200  # share of a part that is no rim, of a small one and others
_PALE, _SURE = 0.6, 0.2  # of the distances, for what is connected; share of a part that is beyond
_TONED, _OFF = 18.0, 0.35  # chroma of such paper; how far off its line of colours an ink is
_FULL = 0.5  # of the most ink that there is of a colour, from which on it is sure
_STROKE = 3  # pixels over which an ink is even
_SIDE, _BLOCKS = 256, 12  # of the blocks, and how many, from which it is learnt what inks take


class Ink(Plain):
    """Pixels whose colour is far from all that is usual in the image.

    Usual is the image's own spread of CIELAB's a and b, robustly: of a page, paper and print; of a
    stained section, the line from one stain to the other. What differs in colour alone is found
    also where print shows through it.

    Parameters
    ----------
    view : View
        Of RGB.
    sensitivity : float
    black : bool
        Take broad strokes of black, too: a black pen on a stained section.
    """

    halo = 8

    def __init__(self, view: View, sensitivity: float, *, black: bool = False) -> None:
        super().__init__(_SMALLEST)
        if not view.rgb:
            raise ImageError("Ink is told by its colour: it needs red, green and blue.")
        self._strict = 1.0
        self._view, overview = view, overview_of(view)
        self._range = range_of(view, overview)
        small = to_lab(overview.pixels, self._range)
        chroma = small[..., 1:].reshape(-1, 2)
        self._middle = np.median(chroma, axis=0)
        self._shape = _spread_of(chroma - self._middle)
        # On a dark ground colours are light, not ink: as of fluorescence.
        self._on_paper = bool(np.median(small[..., 0]) > _PAPER)
        self._stained = is_stained(small)
        self._dark = _DARK if black and self._stained else -1.0
        self._page = self._toned_page()
        self._learnt: tuple[Page, tuple[Tint, ...]] | None = None
        if self._on_paper and not self._stained:
            # A section is of many colours itself: of what inks take from it nothing is learnt.
            marked = self._told(small, overview.pixels) > _PALE
            boxes = _most_marked(marked, overview.factor, view.shape)
            parts = [finite(view.read(box)) for box in boxes]
            self._learnt = learn_inks([(part, self._strokes(part)) for part in parts])
        # What inks take is learnt from what is sure, however readily they are looked for then.
        self._strict = strictness(sensitivity) ** 0.5

    def look(self, pixels: NDArray[Any], window: Box) -> tuple[BoolArray, Traits]:
        """Return what is of an unusual colour, and what of it surely so, and deep in a stroke."""
        if not self._on_paper:
            return np.zeros(pixels.shape[:2], bool), {}
        colours = finite(pixels)
        lab = to_lab(colours, self._range)
        even = ndimage.uniform_filter(lab, (_STROKE, _STROKE, 0), mode="nearest")
        told = self._told(even, colours)
        black = (even[..., 0] < self._dark) & (np.hypot(even[..., 1], even[..., 2]) < _GRAY)
        sure, pale = (told > 1) | black, (told > _PALE) | black
        if self._learnt is not None:  # on dark print, too, where colours are faint
            ink = ink_at(colours, *self._learnt) / np.float32(self._strict)
            sure, pale = sure | (ink > _FULL), pale | (ink > _FULL / 2)
        found = ndimage.binary_closing(pale, np.ones((3, 3), bool))
        deep = ndimage.binary_erosion(found, np.ones((3, 3), bool))
        return np.asarray(found), {"sure": sure, "deep": deep}

    def _toned_page(self) -> Page | None:
        """Return the line of a page whose paper is of a strong colour: on it inks may be gray."""
        if not self._on_paper or self._stained or np.hypot(*self._middle) < _TONED:
            return None
        return learn_page([(part, np.zeros(part.shape[:2], bool)) for part in samples(self._view)])

    def _told(self, lab: FloatArray, pixels: FloatArray) -> FloatArray:
        """Return how far colours (h, w, 3) are from what is usual, in units of the limit."""
        off = lab[..., 1:] - self._middle
        far = np.sqrt(np.einsum("...i,ij,...j->...", off, self._shape, off))
        chroma = np.hypot(lab[..., 1], lab[..., 2])
        away = np.minimum(np.hypot(off[..., 0], off[..., 1]), chroma)
        told = np.minimum(far, away / _FAR)
        if self._page is not None:
            off_line = ndimage.uniform_filter(off_at(pixels, self._page), _STROKE, mode="nearest")
            told = np.maximum(told, off_line / np.float32(_OFF))
        return np.asarray(told / np.float32(self._strict))

    def veil(self, limit: float, channels: Sequence[int]) -> InkVeil | None:
        """Return what divides ink out of a page, where that gives what is around."""
        if self._learnt is None:
            return None
        view = self._view
        return InkVeil(view.read, view.shape, tuple(channels), *self._learnt, limit)

    def _strokes(self, part: FloatArray) -> BoolArray:
        """Return what is ink in a part (h, w, 3) of the plane."""
        shape = part.shape[0], part.shape[1]
        view = View(lambda box: part[box.slices], shape, rgb=True, dtype=part.dtype)
        (found,) = find(view, [self], lambda calls: (call() for call in calls))
        return found.read(Box(0, 0, *shape))

    def keep(self, parts: Parts) -> BoolArray:
        """Keep strokes: what is not all rim, as the colour fringes of print are."""
        is_sure = parts.traits["sure"] > _SURE * parts.area
        thick = np.where(parts.area < _SMALL, _DEEP, _THIN) * parts.area
        return super().keep(parts) & is_sure & (parts.traits["deep"] > thick)


def _most_marked(mask: BoolArray, factor: int, shape: tuple[int, int]) -> list[Box]:
    """Return the blocks of a plane in which most of its overview is marked, most first."""
    side = max(1, _SIDE // factor)
    places = np.argwhere(mask) // side
    blocks, counts = np.unique(places, axis=0, return_counts=True)
    first = blocks[np.argsort(-counts, kind="stable")[:_BLOCKS]] * side * factor
    wide = side * factor
    return [Box(int(y), int(x), int(y) + wide, int(x) + wide).clip(shape) for y, x in first]


def _spread_of(off: FloatArray) -> FloatArray:
    """Return the matrix of an ellipse that holds the usual colours, some deviations wide.

    Its axes are the principal ones of the inner half; their lengths are robust.
    """
    inner = off[np.hypot(off[:, 0], off[:, 1]) <= np.median(np.hypot(off[:, 0], off[:, 1])) + 1e-6]
    _, axes = np.linalg.eigh(np.cov(inner.T) + 1e-6 * np.eye(2))
    along = off @ axes
    lengths = _SPREADS * np.maximum(TO_DEVIATION * np.median(np.abs(along), axis=0), 1.5)
    return np.asarray(axes @ np.diag(lengths**-2.0) @ axes.T, np.float32)
