"""Which pixels of a mask mark the hole: one meaning for every format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.errors import OptionError
from eii.image.dtype import value_range
from eii.io.source import Source


@dataclass(frozen=True)
class Marks:
    """What marks the hole in a mask; by default whatever is not black.

    Parameters
    ----------
    above : float, optional
        Only values above it, in the mask's own units. Of JPEG and lossy WebP, whose black is not
        quite 0, half of the range by default.
    labels : tuple of int, optional
        Only these values, of a label image.
    invert : bool
        What would be known is the hole.

    Raises
    ------
    OptionError
        If both a threshold and labels are given.
    """

    above: float | None = None
    labels: tuple[int, ...] | None = None
    invert: bool = False

    def __post_init__(self) -> None:
        if self.above is not None and self.labels is not None:
            raise OptionError("`hole_above` and `hole_labels` exclude one another; give one.")
        if self.above is not None and not np.isfinite(self.above):
            raise OptionError(f"`hole_above` must be a finite number; got {self.above}.")
        if self.labels is not None and not self.labels:
            raise OptionError("`hole_labels` must name a label.")

    def of(self, mask: Source) -> Marks:
        """Return the marks of a mask, its own default filled in."""
        if self.above is None and self.labels is None and mask.lossy:
            low, high = value_range(mask.dtype)
            return Marks((low + high) / 2, None, self.invert)
        return self

    def found(self, values: NDArray[Any], *, white_is_zero: bool) -> NDArray[np.bool_]:
        """Return which values mark the hole, of the same shape.

        Parameters
        ----------
        values : ndarray
        white_is_zero : bool
            Whether a viewer shows 0 as white, and the greatest value as black.
        """
        if self.labels is not None:
            marked = np.isin(values, self.labels)
        elif white_is_zero:
            least, most = value_range(values.dtype)
            shown = most - values.astype(np.float64)
            marked = shown > (least if self.above is None else self.above)
        elif self.above is not None:
            marked = values > self.above
        else:
            marked = values != 0
        return np.asarray(marked != self.invert)


def telling_channels(mask: Source) -> slice:
    """Return the channels of a mask that mark the hole.

    Colours, when they vary; alpha when only alpha does: a mask painted on a transparent layer.
    """
    if not mask.has_alpha:
        return slice(None)
    colours, alpha = slice(None, mask.channels - 1), slice(mask.channels - 1, None)
    if not mask.is_picture:
        return colours
    pixels = np.asarray(mask.array)
    plain = (pixels[..., :-1] == pixels[:1, :1, :-1]).all()
    varies = (pixels[..., -1] != pixels[0, 0, -1]).any()
    return alpha if plain and varies else colours
