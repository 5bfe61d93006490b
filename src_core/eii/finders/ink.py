"""Coloured ink: marks of a pen on slides and pages, stamps on text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.errors import ImageError
from eii.finders.kind import BoolArray, FloatArray, Parts, Plain, Traits, View, finite, strictness
from eii.finders.overview import overview_of
from eii.image.geometry import Box

_FAR = 22.0  # least distance of an ink from what is usual, in units of CIELAB's a and b
_SPREADS = 4.5  # and in deviations of what is usual
_DARK, _GRAY = 28.0, 12.0  # lightness and chroma of a black pen
_PAPER, _STAINED = 45.0, 0.05  # median lightness of a bright ground; share of stained tissue
_SMALLEST = 60
_TO_SIGMA = 1.4826
_PALE, _SURE = 0.6, 0.2  # of the distances, for what is connected; share of a part that is beyond
_STROKE = 3  # pixels over which an ink is even


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
        self._strict = strictness(sensitivity) ** 0.5
        self._range = _range_of(view)
        small = _lab(overview_of(view).pixels, self._range)
        chroma = small[..., 1:].reshape(-1, 2)
        self._middle = np.median(chroma, axis=0)
        self._shape = _spread_of(chroma - self._middle)
        # On a dark ground colours are light, not ink: as of fluorescence.
        self._on_paper = bool(np.median(small[..., 0]) > _PAPER)
        stained = ((small[..., 1] > 8) & (small[..., 2] < 5)).mean() > _STAINED
        self._dark = _DARK if black and stained else -1.0

    def look(self, pixels: NDArray[Any], window: Box) -> tuple[BoolArray, Traits]:
        """Return what is of an unusual colour, and what of it surely so, and deep in a stroke."""
        if not self._on_paper:
            return np.zeros(pixels.shape[:2], bool), {}
        lab = _lab(finite(pixels), self._range)
        even = ndimage.uniform_filter(lab, (_STROKE, _STROKE, 0), mode="nearest")
        off = even[..., 1:] - self._middle
        far = np.sqrt(np.einsum("...i,ij,...j->...", off, self._shape, off))
        chroma = np.hypot(even[..., 1], even[..., 2])
        away = np.minimum(np.hypot(off[..., 0], off[..., 1]), chroma)
        told = np.minimum(far, away / _FAR) / np.float32(self._strict)
        black = (even[..., 0] < self._dark) & (chroma < _GRAY)
        sure = (told > 1) | black
        found = ndimage.binary_closing((told > _PALE) | black, np.ones((3, 3), bool))
        deep = ndimage.binary_erosion(found, np.ones((3, 3), bool))
        return np.asarray(found), {"sure": sure, "deep": deep}

    def keep(self, parts: Parts) -> BoolArray:
        """Keep strokes: what is not all rim, as the colour fringes of print are."""
        is_sure = parts.traits["sure"] > _SURE * parts.area
        return super().keep(parts) & is_sure & (parts.traits["deep"] > 0.15 * parts.area)


def _range_of(view: View) -> float:
    if view.dtype.kind in "ui":
        return float(np.iinfo(view.dtype).max)
    top = float(np.nanmax(overview_of(view).pixels, initial=0))
    return max(top, 1e-12)


def _lab(pixels: FloatArray, most: float) -> FloatArray:
    from skimage.color import rgb2lab

    return np.asarray(rgb2lab(np.clip(pixels / np.float32(most), 0, 1)), np.float32)


def _spread_of(off: FloatArray) -> FloatArray:
    """Return the matrix of an ellipse that holds the usual colours, some deviations wide.

    Its axes are the principal ones of the inner half; their lengths are robust.
    """
    inner = off[np.hypot(off[:, 0], off[:, 1]) <= np.median(np.hypot(off[:, 0], off[:, 1])) + 1e-6]
    _, axes = np.linalg.eigh(np.cov(inner.T) + 1e-6 * np.eye(2))
    along = off @ axes
    lengths = _SPREADS * np.maximum(_TO_SIGMA * np.median(np.abs(along), axis=0), 1.5)
    return np.asarray(axes @ np.diag(lengths**-2.0) @ axes.T, np.float32)
