"""Pixels that hold no data, and those that are not numbers, as the engine reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.errors import OptionError
from eii.image.dtype import value_range
from eii.image.geometry import Box
from eii.io.hole import Hole
from eii.io.source import Source
from eii.options import NODATA_AUTO, RestoreOptions


@dataclass(frozen=True)
class Missing:
    """Where an image holds no data: it has a certain value there, or is wholly transparent.

    Parameters
    ----------
    source : Source
    value : float, optional
        May be NaN.
    """

    source: Source
    value: float | None

    def read(
        self, plane: tuple[int, ...], box: Box, channels: Sequence[int], *, rgb: bool
    ) -> NDArray[np.bool_]:
        """Return which pixels of a group of channels hold no data, shape (h, w).

        Of RGB all three must have the value, since each may well be black on its own; of other
        channels one is enough.
        """
        pixels = self.source.read(plane, box)
        found = np.zeros(pixels.shape[:2], bool)
        if self.value is not None:
            own = _equal(pixels[..., list(channels)], self.value)
            found |= own.all(axis=2) if rgb else own.any(axis=2)
        if self.source.has_alpha:
            found |= pixels[..., -1] == 0
        return found


@dataclass(frozen=True)
class WithInfinite:
    """A hole, and every pixel of its image that is not finite."""

    hole: Hole
    image: Source

    @property
    def by_channel(self) -> bool:
        """Return whether every channel has a hole of its own."""
        return self.hole.by_channel

    def read(self, plane: tuple[int, ...], box: Box) -> NDArray[np.bool_]:
        """Return the hole in a box: (h, w), or (h, w, C) when every channel has its own."""
        found = self.hole.read(plane, box)
        bad = ~np.isfinite(self.image.read(plane, box))
        if not self.by_channel:
            return found | bad[..., : self.image.channels - self.image.has_alpha].any(axis=2)
        return found | bad[..., : found.shape[2]]


def missing_of(source: Source, options: RestoreOptions) -> Missing | None:
    """Return where an image holds no data; None where nothing says so.

    Raises
    ------
    OptionError
        If the value is one that the image cannot have.
    """
    value = source.nodata if options.nodata == NODATA_AUTO else options.nodata
    if isinstance(value, str):
        value = None
    if value is not None and options.nodata != NODATA_AUTO and source.dtype.kind != "f":
        least, most = value_range(source.dtype)
        if not least <= value <= most or value != int(value):
            raise OptionError(f"`nodata` {value:g} is not a value that {source.dtype} has.")
    return Missing(source, value) if value is not None or source.has_alpha else None


def hole_with(hole: Hole, source: Source, options: RestoreOptions) -> Hole | WithInfinite:
    """Return the hole that is filled.

    Raises
    ------
    OptionError
        If pixels that are not finite are asked for, of an image that has none.
    """
    if not options.nan_is_hole:
        return hole
    if source.dtype.kind != "f":
        raise OptionError(f"`nan_is_hole` has no meaning for {source.dtype}: all are numbers.")
    return WithInfinite(hole, source)


def _equal(pixels: NDArray[Any], value: float) -> NDArray[np.bool_]:
    if np.isnan(value):
        return np.asarray(np.isnan(pixels))
    if pixels.dtype.kind == "f":
        # Declared in decimals, stored in the image's own precision.
        with np.errstate(over="ignore"):
            return np.asarray(pixels == pixels.dtype.type(value))
    return np.asarray(pixels == value)
