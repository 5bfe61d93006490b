"""What finders of defects are given, and what they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eii.image.geometry import Box

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
Read = Callable[[Box], NDArray[Any]]
Traits = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class View:
    """One plane as a finder sees it: of all channels, or of one that is looked at alone.

    Parameters
    ----------
    read : callable
        Takes a `Box` within the plane, returns the pixels in it, shape (h, w, C), of any dtype.
    shape : (int, int)
        Size of the plane (M, N).
    rgb : bool
        Whether the channels are red, green and blue.
    dtype : dtype
    nodata : float or None
        The value that holds no data, where the file or the caller says.
    reference : callable, optional
        Takes a `Box` and returns what the plane is compared with there, shape (h, w, C), with NaN
        where there is nothing.
    """

    read: Read
    shape: tuple[int, int]
    rgb: bool
    dtype: np.dtype[Any]
    nodata: float | None = None
    reference: Read | None = None


@dataclass(frozen=True)
class Parts:
    """The connected parts of what was marked, an element each.

    Parameters
    ----------
    area, height, width : ndarray of shape (K,), int64
        In pixels; the sides are those of the box around the part.
    traits : mapping of str to ndarray of shape (K,), float64
        Sums of a finder's traits over the part.
    """

    area: NDArray[np.int64]
    height: NDArray[np.int64]
    width: NDArray[np.int64]
    traits: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


class VeilLike(Protocol):
    """What lifts a defect that lets light through."""

    def told(self) -> tuple[Any, ...]:
        """Return what tells it from the veils of other images."""
        ...

    def lifted(
        self, box: Box, pixels: NDArray[Any], channels: tuple[int, ...]
    ) -> tuple[FloatArray, BoolArray, FloatArray]:
        """Return measured pixels without it, where that is good, and standard errors.

        Parameters
        ----------
        box : Box
        pixels : ndarray of shape (h, w, C)
            As they were measured: where they are others than those that the veil was told from,
            none is good.
        channels : tuple of int
            Of the image, that they are; of those that it does not know, none is good.

        Returns
        -------
        ndarray of shape (h, w, C), float32
            In the image's own units.
        ndarray of shape (h, w, C), bool
        ndarray of shape (h, w, C), float32
        """
        ...


class Finder(Protocol):
    """Finds one kind of defect in one plane; made from a look at the whole plane."""

    halo: int
    """Pixels around a region that it has to see."""

    def look(self, pixels: NDArray[Any], window: Box) -> tuple[BoolArray, Traits]:
        """Return what may be a defect, shape (h, w), of the pixels (h, w, C) of a window.

        And what is to be summed over each of its connected parts, by name, each of that shape.
        """
        ...

    def keep(self, parts: Parts) -> BoolArray:
        """Tell which parts are defects, shape (K,)."""
        ...

    def veil(self, limit: float, channels: Sequence[int]) -> VeilLike | None:
        """Return what divides out defects that let light through, where that lifts them.

        Parameters
        ----------
        limit : float
            Share of the light that they must let through.
        channels : sequence of int
            Those of the image that the view shows.
        """
        ...


class Plain:
    """A finder that keeps all parts of some sizes.

    Parameters
    ----------
    smallest, largest : float
        Pixels of a part.
    """

    def __init__(self, smallest: float = 0, largest: float = np.inf) -> None:
        self.smallest, self.largest = smallest, largest

    def look(self, pixels: NDArray[Any], window: Box) -> tuple[BoolArray, Traits]:
        """Return what is marked, and its traits."""
        mask = self.marks(pixels, window)
        return mask, self.traits(mask) if mask.any() else {}

    def marks(self, pixels: NDArray[Any], window: Box) -> BoolArray:
        """Return what may be a defect, shape (h, w), of the pixels (h, w, C) of a window."""
        raise NotImplementedError

    def traits(self, mask: BoolArray) -> Traits:
        """Return nothing to be summed."""
        return {}

    def keep(self, parts: Parts) -> BoolArray:
        """Keep parts that are neither too small nor too large."""
        return (parts.area >= self.smallest) & (parts.area <= self.largest)

    def veil(self, limit: float, channels: Sequence[int]) -> VeilLike | None:
        """Return nothing: what was found hides what is below."""
        return None


def strictness(sensitivity: float) -> float:
    """Return by what thresholds are multiplied: 1 for a sensitivity of 0.5, from 4 to 1 / 4."""
    return float(16 ** (0.5 - sensitivity))


def finite(pixels: NDArray[Any]) -> FloatArray:
    """Return pixels as float32; those that are not finite as the median of the others."""
    values = np.asarray(pixels, np.float32)
    if pixels.dtype.kind != "f":
        return values
    whole = np.isfinite(values)
    if whole.all():
        return values
    return np.where(whole, values, np.median(values[whole]) if whole.any() else np.float32(0))
