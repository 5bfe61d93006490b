"""Stains that print shows through: what they took of the paper's light is divided out."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.finders.clean import Clean
from eii.finders.kind import BoolArray, FloatArray, Read, finite
from eii.finders.overview import Overview
from eii.image.geometry import Box
from eii.image.spread import deviation_of

PRINT = 0.8
"""Share of the paper's light, below which there is print."""
_NEAR = 12.0  # cells, over which the paper around a stain is averaged
_REST = 1e-3  # weight of the page's usual paper beside that
_APART, _REACH = 2, 3  # cells around a stain that are none of the paper, and in which it may fade
_SHOWN = 0.1  # of the share of print on the page, that at least shows through a stain
_LEAST = 0.01  # standard error, in shares, at the least


@dataclass(frozen=True)
class PaperVeil:
    """What stains took from the channels of one plane.

    Parameters
    ----------
    read : callable
        Takes a `Box`, returns the channels there, shape (h, w, C).
    channels : tuple of int
        Of the image, that they are.
    corner : (int, int)
        First cell, by row and column, of those that are described.
    factor : int
        Pixels along a side of a cell.
    passed, errors : ndarray of shape (m, n, C), float32
        Share of its light that paper has in each cell, beside the paper around the stain, and the
        standard error of that, in shares of it.
    limit : float
        Share, the mean of the channels, from which on a stain is thin.
    """

    read: Read
    channels: tuple[int, ...]
    corner: tuple[int, int]
    factor: int
    passed: FloatArray = field(repr=False)
    errors: FloatArray = field(repr=False)
    limit: float

    def told(self) -> tuple[Any, ...]:
        """Return what tells it from the veils of other images."""
        digest = blake2b(self.passed.tobytes(), digest_size=16).hexdigest()
        return self.limit, self.corner, self.factor, digest

    def lifted(
        self, box: Box, pixels: NDArray[Any], channels: tuple[int, ...]
    ) -> tuple[FloatArray, BoolArray, FloatArray]:
        """Return pixels without stains, where they are thin, and errors; see `VeilLike.lifted`."""
        seen = self.read(box)
        passed, off = (self._at(cells, box) for cells in (self.passed, self.errors))
        thin = passed.mean(axis=2) >= self.limit
        clean = np.asarray(finite(seen) / np.maximum(passed, 1e-6), np.float32)
        return Clean(clean, off, thin, seen, self.channels).of(pixels, channels)

    def _at(self, cells: FloatArray, box: Box) -> FloatArray:
        """Return the values of cells at the pixels of a box, linear between their middles."""
        rows = (np.arange(box.y0, box.y1) + 0.5) / self.factor - 0.5 - self.corner[0]
        columns = (np.arange(box.x0, box.x1) + 0.5) / self.factor - 0.5 - self.corner[1]
        at = np.meshgrid(rows, columns, indexing="ij")
        each = [
            ndimage.map_coordinates(cells[..., c], at, order=1, mode="nearest")
            for c in range(cells.shape[2])
        ]
        return np.stack(each, axis=2)


def learn_stains(
    over: Overview, paper: FloatArray, stained: BoolArray
) -> tuple[tuple[int, int], FloatArray, FloatArray] | None:
    """Tell how much of the paper's light stains let through.

    Parameters
    ----------
    over : Overview
    paper : ndarray of shape (m, n, C), float32
        The overview without its print.
    stained : ndarray of shape (m, n), bool

    Returns
    -------
    ((int, int), ndarray of shape (k, l, C), ndarray of shape (k, l, C)) or None
        The corner, shares and errors of `PaperVeil`; None where there is no stain, or no print
        shows through, though there is some on the page: what lies on it covers it.
    """
    square = np.ones((3, 3), bool)
    reach = ndimage.binary_dilation(stained, square, _REACH)
    clear = ~ndimage.binary_dilation(stained, square, _APART)
    if not stained.any() or not clear.any() or paper[clear].mean() <= 0:
        return None
    usual = _around(paper, clear)
    share = over.pixels.mean(axis=2) / np.maximum(paper.mean(axis=2), 1e-12)
    deep = ndimage.binary_erosion(stained, square, _REACH)  # the rim may be print beside it
    printed = (share[deep] < PRINT).mean() if deep.any() else 0.0
    if printed < _SHOWN * (share[clear] < PRINT).mean():
        return None
    passed = np.clip(paper / np.maximum(usual, 1e-12), 0, 1).astype(np.float32)
    rest = np.abs(paper[clear] / np.maximum(usual[clear], 1e-12) - 1)
    even = max(_LEAST, deviation_of(rest, 0))
    steps = ndimage.maximum_filter(passed, (3, 3, 1)) - ndimage.minimum_filter(passed, (3, 3, 1))
    errors = np.hypot(even, steps / 2 / np.maximum(passed, _LEAST)).astype(np.float32)
    passed[~reach] = 1
    rows, columns = (np.flatnonzero(reach.any(axis=axis)) for axis in (1, 0))
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return (int(rows[0]), int(columns[0])), passed[part].copy(), errors[part].copy()


def _around(paper: FloatArray, clear: BoolArray) -> FloatArray:
    """Return the paper that is clear of stains, continued into them."""
    weight = clear[..., np.newaxis].astype(np.float32)
    usual = np.median(paper[clear], axis=0)
    sigma = (_NEAR, _NEAR, 0)
    total = ndimage.gaussian_filter(paper * weight, sigma) + np.float32(_REST) * usual
    return np.asarray(total / (ndimage.gaussian_filter(weight, sigma) + np.float32(_REST)))
