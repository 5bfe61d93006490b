"""Pixels of the hole that are measured through a veil: it is lifted, and they are not filled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.engine.between import as_dtype
from eii.engine.layer import Lifted


def lay_lifted(
    lifted: Lifted,
    pixels: NDArray[Any],
    errors: NDArray[np.float32],
    hole: NDArray[np.bool_],
) -> None:
    """Replace what was filled where a veil was lifted, in place.

    Parameters
    ----------
    lifted : three ndarrays of shape (h, w, C)
        Values, where they are good, their standard errors.
    pixels : ndarray of shape (h, w, C)
        Filled.
    errors : ndarray of shape (h, w, C), float32
        Their standard errors.
    hole : ndarray of shape (h, w, C), bool
    """
    values, good, off = lifted
    own = hole & good
    pixels[own] = as_dtype(values.astype(np.float64), pixels.dtype)[own]
    errors[own] = off[own]
