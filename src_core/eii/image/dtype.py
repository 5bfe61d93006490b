"""Pixel types: which are taken, and how they are scaled for the computation and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from eii.errors import ImageError

DTYPES = (
    *("bool", "uint8", "uint16", "uint32", "int8", "int16", "int32"),
    *("float16", "float32", "float64"),
)
"""Names of the dtypes that are taken, in either byte order. Filled values are computed in float32
of the known range: of 32-bit integers and float64 they have 24 bits of that range."""

# Percentiles that stand for the darkest and the brightest known value: a few hot pixels must not
# squeeze the rest of a 16-bit image into a sliver of the range that networks were trained on.
_LOW_PERCENT, _HIGH_PERCENT = 0.1, 99.9


@dataclass(frozen=True)
class Scale:
    """The values of each channel that are taken as 0 and as 1."""

    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def channels(self) -> int:
        """Return the number of channels."""
        return len(self.low)

    @property
    def level(self) -> float:
        """Return the scaled step between two integers next to one another, in the first channel."""
        return 1 / (self.high[0] - self.low[0])


def check_dtype(dtype: DTypeLike) -> None:
    """Raise `ImageError` unless pixels of ``dtype`` can be restored exactly."""
    name = np.dtype(dtype).name
    if name not in DTYPES:
        raise ImageError(
            f"Images of dtype {name} are not taken; use one of {', '.join(DTYPES)}. "
            "Convert the image first, so that you choose how its values are kept."
        )


def check_known(image: NDArray[Any], hole: NDArray[np.bool_]) -> None:
    """Raise `ImageError` if a known pixel of ``image`` (M, N, C) is NaN or infinite.

    Parameters
    ----------
    image : ndarray of shape (M, N, C)
    hole : ndarray of shape (M, N) or (M, N, C), bool
    """
    if image.dtype.kind != "f":
        return
    bad = ~np.isfinite(image) & ~(hole[:, :, np.newaxis] if hole.ndim == 2 else hole)
    if bad.any():
        y, x, channel = (int(i[0]) for i in np.nonzero(bad))
        raise ImageError(
            f"A known pixel is not finite: {image[y, x, channel]} at y={y}, x={x}, "
            f"channel {channel}. Add such pixels to the hole, or replace them."
        )


def value_range(dtype: DTypeLike) -> tuple[float, float]:
    """Return the least and the greatest finite value of a dtype."""
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return 0.0, 1.0
    limits = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
    return float(limits.min), float(limits.max)


def default_scale(dtype: DTypeLike, channels: int) -> Scale:
    """Return the scale from the full range of an integer dtype, or from 0 to 1."""
    low, high = value_range(dtype)
    if np.dtype(dtype).kind == "f":
        low, high = 0.0, 1.0
    return Scale((low,) * channels, (high,) * channels)


def known_scale(known: NDArray[Any], *, shared: bool) -> Scale:
    """Return the scale that maps the bulk of the known values to 0 to 1.

    Parameters
    ----------
    known : ndarray of shape (K, C), of a dtype that is taken
        Known pixels, or a sample of them; finite.
    shared : bool
        One scale for all channels (RGB), so that hues are kept.

    Returns
    -------
    Scale
        For uint8 always 0 to 255; else from percentiles 0.1 and 99.9 of the values, at least one
        part in a million of their size apart.
    """
    channels = known.shape[1]
    if known.dtype in (np.uint8, np.bool_) or known.shape[0] == 0:
        return default_scale(known.dtype, channels)
    axis = None if shared else 0
    low, high = np.percentile(known.astype(np.float64), (_LOW_PERCENT, _HIGH_PERCENT), axis=axis)
    low, high = np.broadcast_to(low, channels), np.broadcast_to(high, channels)
    least = np.maximum(np.abs(low), np.abs(high)) * 1e-6
    high = np.where(high - low > least, high, low + 1.0)
    return Scale(tuple(map(float, low)), tuple(map(float, high)))


def to_unit(image: NDArray[Any], scale: Scale) -> NDArray[np.float32]:
    """Scale pixels to about [0, 1]; values beyond the scale are not clipped.

    Parameters
    ----------
    image : ndarray of shape (M, N, C), of a dtype that is taken
    scale : Scale

    Returns
    -------
    ndarray of shape (M, N, C), float32
    """
    low, span = _low_span(scale)
    # Of large values the differences count: float32 would round them away.
    exact = image.dtype.itemsize > 2 and image.dtype.name != "float32"
    wide = image.astype(np.float64 if exact else np.float32)
    return ((wide - low.astype(wide.dtype)) / span.astype(wide.dtype)).astype(np.float32)


def from_unit(values: NDArray[np.float32], scale: Scale, dtype: DTypeLike) -> NDArray[Any]:
    """Undo `to_unit`.

    Parameters
    ----------
    values : ndarray of shape (..., C), float32
    scale : Scale
    dtype : dtype

    Returns
    -------
    ndarray of the same shape and of the dtype; integers are rounded half to even, and all clipped
    to what the dtype can hold
    """
    kind = np.dtype(dtype)
    low, span = _low_span(scale)
    # float32 has all the bits of up to 16; beyond, the offset would take those of the values.
    wide = np.float64 if kind.itemsize > 2 and kind.name != "float32" else np.float32
    own = values.astype(wide) * span.astype(wide) + low.astype(wide)
    if kind.kind == "b":
        return np.asarray(own >= 0.5)
    least, most = value_range(kind)
    if kind.kind != "f":
        return np.clip(np.rint(own), least, most).astype(kind)
    return np.clip(own, least, most).astype(kind)


def _low_span(scale: Scale) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low = np.asarray(scale.low, np.float64)
    return low, np.asarray(scale.high, np.float64) - low


def rounding_error(dtype: np.dtype[Any]) -> np.float32:
    """Return the standard error of rounding to a dtype; of floats, the least there is."""
    return np.float32(12**-0.5 if dtype.kind in "iub" else np.finfo(np.float32).tiny)
