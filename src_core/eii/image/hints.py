"""Colour hints: what a person says of the colours in a hole."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eii.image.geometry import Box

FloatArray = NDArray[np.float32]
Plane = tuple[int, ...]


@dataclass(frozen=True)
class Stroke:
    """A line of one colour; a point when it has one vertex.

    Parameters
    ----------
    points : tuple of (int, int)
        Vertices (y, x), in pixels of full resolution.
    colour : tuple of float
        One value for each channel, alpha not counted, in the image's own units.
    width : int
        In pixels, 1 or more.
    plane : tuple of int, optional
        Indices of t and z, as far as the image has them; by default every plane.
    """

    points: tuple[tuple[int, int], ...]
    colour: tuple[float, ...]
    width: int = 1
    plane: Plane | None = None


@dataclass(frozen=True)
class Copy:
    """Colours taken from one region for the hole in another, by their luma.

    Parameters
    ----------
    source, target : Box
        In pixels of full resolution.
    plane : tuple of int, optional
        As in `Stroke`.
    """

    source: Box
    target: Box
    plane: Plane | None = None


@dataclass(frozen=True)
class Hints:
    """All hints of an image; later ones lie over earlier ones."""

    strokes: tuple[Stroke, ...] = ()
    copies: tuple[Copy, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.strokes or self.copies)


@dataclass(frozen=True)
class Swatch:
    """Known pixels (K, C) whose colours the hole in a box is to take."""

    target: Box
    pixels: FloatArray


@dataclass(frozen=True)
class Spots:
    """The hints of one plane as pixels.

    Parameters
    ----------
    rows, columns : ndarray of shape (K,), int64
        Each pixel at most once.
    colours : ndarray of shape (K, C), float32
        In the image's own units, or scaled.
    swatches : tuple of Swatch
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    colours: FloatArray
    swatches: tuple[Swatch, ...] = field(default=())

    def within(self, window: Box, level: int) -> Spots:
        """Return the hints inside a window of a level, in its coordinates.

        Parameters
        ----------
        window : Box
            In pixels of the level.
        level : int
            Each level halves the one before; 0 is full resolution.
        """
        rows, columns = self.rows >> level, self.columns >> level
        inside = (rows >= window.y0) & (rows < window.y1)
        inside &= (columns >= window.x0) & (columns < window.x1)
        at = np.stack([rows[inside] - window.y0, columns[inside] - window.x0])
        at, first = np.unique(at, axis=1, return_index=True)
        swatches = (_moved(swatch, window, level) for swatch in self.swatches)
        kept = tuple(s for s in swatches if s.target.height > 0 and s.target.width > 0)
        return Spots(at[0], at[1], self.colours[inside][first], kept)


def _moved(swatch: Swatch, window: Box, level: int) -> Swatch:
    box, step = swatch.target, 2**level
    y0, x0 = max(box.y0 // step, window.y0), max(box.x0 // step, window.x0)
    y1, x1 = min(-(-box.y1 // step), window.y1), min(-(-box.x1 // step), window.x1)
    target = Box(y0 - window.y0, x0 - window.x0, max(y0, y1) - window.y0, max(x0, x1) - window.x0)
    return Swatch(target, swatch.pixels)
