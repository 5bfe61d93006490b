"""A backbone made from whatever predicts windows: first fills before, bounds and depth after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from eii.errors import WeightsError
from eii.external.backbone import NO_CLUES, Clues, Hole, Luma
from eii.external.initial import bound, fill, push_pull
from eii.image.hole import distance_to_known, may_be_deeper
from eii.image.pyramid import double, shrink

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Depth:
    """Where, in a hole, what a predictor says gives way.

    Parameters
    ----------
    start, end : float
        Depths in pixels between which it does.
    halves : bool
        Whether to its result at half the resolution; else to the plate. In a guided window always
        to the plate, which is the guide there.
    """

    start: float
    end: float
    halves: bool = False


NEVER = Depth(2**20, 2**21)
"""Gives way nowhere."""

GUIDED = Depth(28, 56)
"""Gives way to the guide where there is one."""


class Predictor(Protocol):
    """Fills batches of windows, given two first fills."""

    @property
    def batch(self) -> int:
        """Return how many windows are best computed together."""
        ...

    @property
    def depth(self) -> Depth:
        """Return where it gives way, and to what."""
        ...

    @property
    def follows(self) -> frozenset[str]:
        """Return which clues it follows."""
        ...

    def __call__(self, plate: Luma, smooth: Luma, hole: Hole, clues: Clues) -> Luma:
        """Return the windows filled, shape (B, M, N), float32.

        Parameters
        ----------
        plate, smooth : ndarray of shape (B, M, N), float32
            Filled by the plate under tension and by pull-push.
        hole : ndarray of shape (B, M, N), bool
        clues : Clues
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
        self.follows = predictor.follows
        self._predictor = predictor

    def complete(
        self, luma: Luma, hole: Hole, guide: Luma | None = None, clues: Clues = NO_CLUES
    ) -> Luma:
        """Fill the holes of a batch of windows; see `eii.external.backbone.Backbone`.

        Raises
        ------
        WeightsError
            If the predictor returns values that are not finite.
        """
        if not hole.any():
            return luma.copy()
        guides = [None] * len(luma) if guide is None else list(guide)
        plate = np.stack([fill(*item) for item in zip(luma, hole, guides, strict=True)])
        smooth = np.stack([_smooth(*item) for item in zip(luma, hole, guides, strict=True)])
        filled = self._predictor(plate, smooth, hole, clues)
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
        way = self._predictor.depth
        if guide is not None and way.start > GUIDED.start:
            way = GUIDED
        if not may_be_deeper(hole, int(way.start)):
            return done
        depth = distance_to_known(hole)
        share = np.clip((depth - way.start) / (way.end - way.start), 0, 1)
        inner = self._halved(luma, hole) if way.halves and guide is None else plate
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
