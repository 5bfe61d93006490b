"""What a unit reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.engine.label import MayHold, ReadHole, always
from eii.image.geometry import Box
from eii.image.hints import Spots

ReadImage = Callable[[Box], NDArray[Any]]
ReadHoles = Callable[[Box], NDArray[np.bool_]]
Lifted = tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]
Lift = Callable[[Box, NDArray[Any]], Lifted]
ReadLuma = Callable[[Box], NDArray[np.float32]]


@dataclass(frozen=True)
class Layer:
    """One plane's image and hole.

    Parameters
    ----------
    read_image : callable
        Takes a `Box`, returns the pixels in it, shape (h, w, C).
    read_hole : callable
        Takes a `Box`, returns the hole in it, shape (h, w), bool.
    shape : (int, int)
        Size of the plane (M, N).
    read_holes : callable, optional
        Takes a `Box`, returns the hole of each channel in it, shape (h, w, C), bool, where they
        have holes of their own; ``read_hole`` is their union then.
    read_luma : callable, optional
        Takes a `Box`, returns the complete luma in it, shape (h, w), float32, in the image's own
        units; then no backbone is asked.
    spots : Spots, optional
        Colours that a person set, in the image's own units.
    read_missing : callable, optional
        Takes a `Box`, returns the pixels in it that hold no data, shape (h, w), bool; they are
        neither filled nor used.
    read_edges : callable, optional
        Takes a `Box`, returns the edges in it that a person drew, shape (h, w), bool.
    lift : callable, optional
        Takes a `Box` and the pixels in it as measured, returns pixels (h, w, C), float32, in the
        image's own units, where they are rather taken than filled (h, w, C), bool, and their
        standard errors (h, w, C).
    may_hold : callable
        Takes a `Box`, tells whether there may be a hole in it: where not, it is not read.
    salt : int
        Makes the random numbers of this plane and group others than those of the rest.
    """

    read_image: ReadImage
    read_hole: ReadHole
    shape: tuple[int, int]
    read_holes: ReadHoles | None = None
    read_luma: ReadLuma | None = None
    spots: Spots | None = None
    read_missing: ReadHole | None = None
    read_edges: ReadHole | None = None
    lift: Lift | None = None
    may_hold: MayHold = always
    salt: int = 0

    def read_unknown(self, box: Box) -> NDArray[np.bool_]:
        """Return what nothing is made from, shape (h, w): the hole, and what holds no data."""
        hole = self.read_hole(box)
        return hole if self.read_missing is None else hole | self.read_missing(box)

    def read_unknowns(self, box: Box) -> NDArray[np.bool_]:
        """Return the same of each channel, shape (h, w, C); (h, w) where they share one hole."""
        if self.read_holes is None:
            return self.read_unknown(box)
        holes = self.read_holes(box)
        if self.read_missing is None:
            return holes
        return holes | self.read_missing(box)[..., np.newaxis]
