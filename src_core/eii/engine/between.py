"""A plane that is wholly missing, from the planes beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from eii.image.dtype import value_range

_MOST = 0.5  # confidence where both neighbours agree
_DOUBT = 0.1  # difference of the neighbours, as a part of their values, at which it is halved
_LEAST = 1e-12  # value that is as good as 0

Plane = tuple[NDArray[Any], NDArray[np.bool_]]


def between(
    sources: Sequence[tuple[Plane, float]],
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return the weighted mean of planes, and how far it is to be trusted.

    Parameters
    ----------
    sources : sequence of ((pixels, empty), weight)
        ``pixels`` of shape (h, w, C); ``empty`` of shape (h, w), bool, holds no data.

    Returns
    -------
    values : ndarray of shape (h, w, C), float64
        Where a plane holds no data, of the others alone; 0 where none does.
    confidence : ndarray of shape (h, w), float32
        In [0, 0.5]: less where the planes differ, 0 where none holds data.
    """
    shares = np.stack([np.where(empty, 0.0, weight) for (_, empty), weight in sources])
    total = shares.sum(axis=0)
    planes = np.stack(
        [np.where(empty[..., np.newaxis], 0, p).astype(np.float64) for (p, empty), _ in sources]
    )
    summed = (planes * shares[..., np.newaxis]).sum(axis=0)
    values = summed / np.where(total > 0, total, 1.0)[..., np.newaxis]
    spread = np.ptp(planes, axis=0).mean(axis=2)
    size = np.abs(planes).max(axis=0).mean(axis=2)
    sure = _MOST * _DOUBT / (_DOUBT + spread / np.maximum(size, _LEAST)) * (total > 0)
    return values, sure.astype(np.float32)


def as_dtype(values: NDArray[np.float64], dtype: DTypeLike) -> NDArray[Any]:
    """Return values rounded and clipped to what a dtype holds."""
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return np.asarray(values >= 0.5)
    least, most = value_range(kind)
    return np.clip(values if kind.kind == "f" else np.rint(values), least, most).astype(kind)
