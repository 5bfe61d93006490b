"""Which pixels of a mask mark the hole: one meaning for every format."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.image.dtype import value_range
from eii.image.geometry import Box, blocks_of
from eii.io.source import Source
from eii.options import HoleOptions


def with_default(options: HoleOptions, mask: Source) -> HoleOptions:
    """Return the options for a mask, the threshold of a lossy one filled in."""
    if options.above is None and options.labels is None and mask.lossy:
        low, high = value_range(mask.dtype)
        return replace(options, above=(low + high) / 2)
    return options


def marked(values: NDArray[Any], options: HoleOptions, *, white_is_zero: bool) -> NDArray[np.bool_]:
    """Return which values mark the hole, of the same shape; ``options.invert`` is left aside.

    Parameters
    ----------
    values : ndarray
    options : HoleOptions
    white_is_zero : bool
        Whether a viewer shows 0 as white, and the greatest value as black.
    """
    if options.labels is not None:
        return np.isin(values, options.labels)
    if white_is_zero:
        least, most = value_range(values.dtype)
        shown = most - values.astype(np.float64)
        return np.asarray(shown > (least if options.above is None else options.above))
    return np.asarray(values != 0 if options.above is None else values > options.above)


def telling_channels(mask: Source) -> slice:
    """Return the channels of a mask that mark the hole.

    Colours, when they vary; alpha when only alpha does: a mask painted on a transparent layer.
    """
    if not mask.has_alpha:
        return slice(None)
    colours, alpha = slice(None, mask.channels - 1), slice(mask.channels - 1, None)
    if not mask.is_picture:
        return colours
    first = mask.read(mask.planes[0], Box(0, 0, 1, 1))[0, 0]
    varies = np.zeros(mask.channels, bool)
    for plane in mask.planes:
        for box in blocks_of(mask.plane_shape):
            varies |= (mask.read(plane, box) != first).any(axis=(0, 1))
            if varies[:-1].any():
                return colours
    return alpha if varies[-1] else colours
