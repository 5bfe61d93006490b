"""Pixels of the hole that are measured through a veil: it is lifted, and they are not filled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.engine.between import as_dtype
from eii.engine.layer import Layer
from eii.image.geometry import Box


def lift(
    layer: Layer,
    region: Box,
    pixels: NDArray[Any],
    errors: NDArray[np.float32],
    hole: NDArray[np.bool_],
) -> None:
    """Replace what was filled where a veil can be lifted, in place.

    Parameters
    ----------
    layer : Layer
    region : Box
    pixels : ndarray of shape (h, w, C)
        Of the region, filled.
    errors : ndarray of shape (h, w, C), float32
        Their standard errors.
    hole : ndarray of shape (h, w, C), bool
    """
    if layer.read_lifted is None or not hole.any():
        return
    values, good, off = layer.read_lifted(region)
    own = hole & good[..., np.newaxis]
    pixels[own] = as_dtype(values.astype(np.float64), pixels.dtype)[own]
    errors[own] = off[own]
