"""The internal stage: the colours of a window, from its own known pixels and complete luma."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from eii.errors import OptionError
from eii.image.mono import to_luma
from eii.internal.solve import follow_luma, spread

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
Spread = Callable[[FloatArray, FloatArray, BoolArray], FloatArray]

METHODS: dict[str, Spread] = {"solve": spread}
"""What spreads known values into a hole along luma, by name."""


def propagate_unit(
    luma: FloatArray,
    image: FloatArray,
    hole: BoolArray,
    *,
    weights: FloatArray,
    method: str,
) -> FloatArray:
    """Fill the channels of one window so that their luma is the one given.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32
        Complete, about [0, 1].
    image : ndarray of shape (M, N, C), float32
        The values of hole pixels are ignored.
    hole : ndarray of shape (M, N), bool
        With at least one known pixel.
    weights : ndarray of shape (C,), float32
        Each channel's weight in luma; sums to 1.
    method : str
        One of `METHODS`.

    Returns
    -------
    ndarray of shape (M, N, C), float32
        Known pixels bit-identical; ``weights`` times a filled pixel is its luma.

    Raises
    ------
    OptionError
        If there is no such method.
    """
    if method not in METHODS:
        raise OptionError(f"`colour` must be one of {', '.join(METHODS)}; got {method!r}.")
    if not hole.any():
        return image
    slopes = _slopes(luma, image, hole, weights)
    base = luma[..., np.newaxis] * slopes
    colour = base + METHODS[method](luma, image - base, hole)
    lacking = luma - to_luma(colour, weights)
    # The weights of luma, scaled so that adding them adds 1: exact for RGB and for one channel.
    colour += lacking[..., np.newaxis] * (weights / (weights @ weights))
    filled = _fit_gamut(colour, luma, image[~hole]) if _is_rgb(weights) else colour
    return np.where(hole[..., np.newaxis], filled, image)


def _is_rgb(weights: FloatArray) -> bool:
    return int(np.count_nonzero(weights)) > 1


def _slopes(
    luma: FloatArray, image: FloatArray, hole: BoolArray, weights: FloatArray
) -> FloatArray:
    # Measured on photographs: the chroma of RGB spreads better as it is than after a regression
    # on luma; channels of fluorescence differ in sign and size, and need it.
    if _is_rgb(weights):
        return np.ones_like(weights)
    return follow_luma(luma, image, hole)


def _fit_gamut(colour: FloatArray, luma: FloatArray, known: FloatArray) -> FloatArray:
    """Move colours beyond the range of the known values towards gray of the same luma."""
    low, high = min(0.0, float(known.min())), max(1.0, float(known.max()))
    gray = np.clip(luma, low, high)[..., np.newaxis]
    chroma = colour - gray
    room = np.where(chroma > 0, high - gray, gray - low)
    excess = np.abs(chroma) / np.maximum(room, 1e-6)
    most = np.maximum(1, excess.max(axis=-1, keepdims=True))
    return (gray + chroma / most).astype(np.float32)
