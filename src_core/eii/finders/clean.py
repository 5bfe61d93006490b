"""Pixels that a veil was lifted from, for the channels that are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.finders.kind import BoolArray, FloatArray


@dataclass(frozen=True)
class Clean:
    """What is below a veil.

    Parameters
    ----------
    values, off : ndarray of shape (h, w, C), float32
        Pixels without the veil, in the image's own units, and their standard errors in shares of
        them.
    thin : ndarray of shape (h, w), bool
        Where the veil lets through enough.
    seen : ndarray of shape (h, w, C)
        The pixels that it was told from.
    channels : tuple of int
        Of the image, that these are.
    """

    values: FloatArray
    off: FloatArray
    thin: BoolArray
    seen: NDArray[Any]
    channels: tuple[int, ...]

    def of(
        self, pixels: NDArray[Any], channels: tuple[int, ...]
    ) -> tuple[FloatArray, BoolArray, FloatArray]:
        """Return what is below measured pixels (h, w, K) of some channels; see `VeilLike.lifted`.

        None is good where they are others than what was seen, or of channels that the veil does
        not know.
        """
        values, errors = (np.zeros(pixels.shape, np.float32) for _ in range(2))
        good = np.zeros(pixels.shape, bool)
        for number, channel in enumerate(channels):
            if channel in self.channels:
                own = self.channels.index(channel)
                values[..., number] = self.values[..., own]
                errors[..., number] = np.abs(self.values[..., own]) * self.off[..., own]
                good[..., number] = self.thin & (self.seen[..., own] == pixels[..., number])
        return values, good, errors
