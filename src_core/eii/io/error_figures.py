"""Figures of the standard errors of a result: their mean and their 95th percentile."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.image.geometry import Region
from eii.io.axes import channels_last, plane_key, size_of

_STEPS = 32  # of the histogram, for each doubling of the error: it is right to 2 %
_LEAST, _MOST = -150, 130  # powers of two between which float32 errors lie
_PERCENT = 0.95


def error_figures(errors: Any, axes: str, touched: Iterable[Region]) -> dict[str, list[float]]:
    """Return mean and 95th percentile of the errors of each channel, over what is invented.

    Parameters
    ----------
    errors : array, read by slices
        In the image's units; 0 where pixels are known.
    axes : str
    touched : iterable of (plane, Box)
        Boxes that hold all that is not 0, none of them twice.

    Notes
    -----
    Memory follows one box.
    """
    channels = size_of(axes, errors.shape, "c")
    counts = np.zeros((channels, (_MOST - _LEAST) * _STEPS), np.int64)
    sums = np.zeros(channels)
    for plane, box in touched:
        part = channels_last(np.asarray(errors[plane_key(axes, plane, *box.slices)]), axes)
        for channel in range(channels):
            own = part[..., channel]
            own = own[own > 0].astype(np.float64)
            sums[channel] += own.sum()
            at = np.clip((np.log2(own) - _LEAST) * _STEPS, 0, counts.shape[1] - 1).astype(int)
            counts[channel] += np.bincount(at, minlength=counts.shape[1])
    total = counts.sum(axis=1)
    means = sums / np.maximum(total, 1)
    return {"mean": means.tolist(), "p95": [_percentile(own) for own in counts]}


def _percentile(counts: NDArray[np.int64]) -> float:
    """Return the error below which `_PERCENT` of those counted are; 0 of none."""
    if not counts.any():
        return 0.0
    at = int(np.searchsorted(np.cumsum(counts), _PERCENT * counts.sum()))
    return float(2.0 ** (_LEAST + (at + 0.5) / _STEPS))
