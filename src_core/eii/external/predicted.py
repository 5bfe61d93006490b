"""A backbone made from whatever predicts windows: first fills before, bounds and depth after."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from eii.errors import WeightsError
from eii.external.backbone import Hole, Luma
from eii.external.initial import bound, fill, push_pull
from eii.image.hole import distance_to_known, may_be_deeper
from eii.image.pyramid import double, shrink

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

DEEP = (28.0, 56.0)
"""Depths in a hole, in pixels, between which the result at half the resolution takes over; in a
guided window, the guide."""


class Predictor(Protocol):
    """Fills batches of windows, given two first fills."""

    @property
    def batch(self) -> int:
        """Return how many windows are best computed together."""
        ...

    @property
    def halves(self) -> bool:
        """Return whether the inside of deep holes is better filled at half the resolution."""
        ...

    def __call__(self, plate: Luma, smooth: Luma, hole: Hole) -> Luma:
        """Return the windows filled, shape (B, M, N), float32.

        Parameters
        ----------
        plate, smooth : ndarray of shape (B, M, N), float32
            Filled by the plate under tension and by pull-push.
        hole : ndarray of shape (B, M, N), bool
        """
        ...


class PredictedBackbone:
    """Completes windows by a predictor.

    Parameters
    ----------
    name : str
    predictor : Predictor
    stride : int
        Multiple of pixels that window origins are rounded to.
    """

    window: int | None = 512

    def __init__(self, name: str, predictor: Predictor, *, stride: int) -> None:
        self.name, self.stride, self.batch = name, stride, predictor.batch
        self._predictor = predictor

    def complete(self, luma: Luma, hole: Hole, guide: Luma | None = None) -> Luma:
        """Fill the holes of a batch of windows; see `eii.external.backbone.Backbone`.

        Raises
        ------
        WeightsError
            If the predictor returns values that are not finite.
        """
        guides = [None] * len(luma) if guide is None else list(guide)
        plate = np.stack([fill(*item) for item in zip(luma, hole, guides, strict=True)])
        smooth = np.stack([_smooth(*item) for item in zip(luma, hole, guides, strict=True)])
        filled = self._predictor(plate, smooth, hole)
        if not np.isfinite(filled[hole]).all():
            raise WeightsError(f"The model {self.name} returned values that are not finite.")
        each = zip(luma, hole, plate, filled, guides, strict=True)
        return np.stack([self._finish(*item) for item in each])

    def _finish(
        self,
        luma: FloatArray,
        hole: BoolArray,
        plate: FloatArray,
        filled: FloatArray,
        guide: FloatArray | None,
    ) -> FloatArray:
        """Bound one window's fill; take what is deep from the guide or half the resolution."""
        if not hole.any() or hole.all():
            return plate
        done = bound(filled, luma, hole)
        if not may_be_deeper(hole, int(DEEP[0])) or (guide is None and not self._predictor.halves):
            return done
        depth = distance_to_known(hole)
        share = np.clip((depth - DEEP[0]) / (DEEP[1] - DEEP[0]), 0, 1)
        inner = self._halved(luma, hole) if guide is None else plate
        return np.where(hole, done + share * (inner - done), luma).astype(np.float32)

    def _halved(self, luma: FloatArray, hole: BoolArray) -> FloatArray:
        small, empty = shrink(luma[..., np.newaxis], hole, 2)
        below = self.complete(small[np.newaxis, ..., 0], empty[np.newaxis])[0]
        return double(below[..., np.newaxis], hole.shape)[..., 0]


def _smooth(luma: FloatArray, hole: BoolArray, guide: FloatArray | None) -> FloatArray:
    """Fill by pull-push; where a guide is given, what the known pixels differ from it."""
    if guide is None:
        return push_pull(luma, hole)
    rest = push_pull(np.where(hole, np.float32(0), luma - guide), hole)
    return np.where(hole, guide + rest, luma)
