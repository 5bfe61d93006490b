"""Pixel types: which are taken, and how they are scaled for the computation and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from eii.errors import HoleError, ImageError

DTYPES = ("uint8", "uint16", "float32")

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


def check_dtype(dtype: DTypeLike) -> None:
    """Raise `ImageError` unless pixels of ``dtype`` can be restored exactly."""
    name = np.dtype(dtype).name
    if name not in DTYPES:
        raise ImageError(
            f"Images of dtype {name} are not taken; use one of {', '.join(DTYPES)}. "
            "Convert the image first, so that you choose how its values are kept."
        )


def check_image(image: NDArray[Any]) -> None:
    """Raise `ImageError` unless ``image`` (M, N, C) has pixels of a dtype that is taken."""
    check_dtype(image.dtype)
    if image.size == 0:
        raise ImageError(f"The image is empty: its shape is {image.shape}.")


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


def check_hole(hole: NDArray[Any], shape: tuple[int, int]) -> None:
    """Raise `HoleError` unless ``hole`` (M, N) fits ``shape`` and leaves a known pixel."""
    if hole.shape != shape:
        raise HoleError(
            f"The hole must have the image's shape {shape}; got {hole.shape}. "
            "Crop or resample one of them."
        )
    if hole.size and hole.all():
        raise HoleError("The hole covers the whole plane: there is no known pixel to restore from.")


def default_scale(dtype: DTypeLike, channels: int) -> Scale:
    """Return the scale from the full range of an integer dtype, or from 0 to 1."""
    kind = np.dtype(dtype)
    high = float(np.iinfo(kind).max) if kind.kind == "u" else 1.0
    return Scale((0.0,) * channels, (high,) * channels)


def known_scale(known: NDArray[Any], *, shared: bool) -> Scale:
    """Return the scale that maps the bulk of the known values to 0 to 1.

    Parameters
    ----------
    known : ndarray of shape (K, C), uint8, uint16 or float32
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
    if known.dtype == np.uint8 or known.shape[0] == 0:
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
    image : ndarray of shape (M, N, C), uint8, uint16 or float32
    scale : Scale

    Returns
    -------
    ndarray of shape (M, N, C), float32
    """
    low, span = _low_span(scale)
    return (image.astype(np.float32) - low) / span


def from_unit(values: NDArray[np.float32], scale: Scale) -> NDArray[np.float32]:
    """Undo `to_unit`, without rounding.

    Parameters
    ----------
    values : ndarray of shape (..., C), float32
    scale : Scale

    Returns
    -------
    ndarray of the same shape, float32, in the image's own units
    """
    low, span = _low_span(scale)
    return values * span + low


def to_dtype(values: NDArray[np.float32], dtype: DTypeLike) -> NDArray[Any]:
    """Round (half to even) and clip values in the image's own units to its dtype."""
    kind = np.dtype(dtype)
    if kind.kind != "u":
        return values.astype(kind, copy=False)
    return np.clip(np.rint(values), 0, np.iinfo(kind).max).astype(kind)


def _low_span(scale: Scale) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    low = np.asarray(scale.low, np.float64)
    span = np.asarray(scale.high, np.float64) - low
    return low.astype(np.float32), span.astype(np.float32)
