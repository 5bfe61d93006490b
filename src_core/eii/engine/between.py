"""A plane that is wholly missing, from the planes beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from eii.image.dtype import value_range

_HALF = 0.5  # of the difference of the neighbours: about what is between them may be off
_ALONE = 0.1  # of the values of a single neighbour: about what they may be off

Plane = tuple[NDArray[Any], NDArray[np.bool_]]


def between(
    sources: Sequence[tuple[Plane, float]],
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return the weighted mean of planes, and how far it may be off.

    Parameters
    ----------
    sources : sequence of ((pixels, empty), weight)
        ``pixels`` of shape (h, w, C); ``empty`` of shape (h, w), bool, holds no data.

    Returns
    -------
    values : ndarray of shape (h, w, C), float64
        Where a plane holds no data, of the others alone; 0 where none does.
    errors : ndarray of shape (h, w, C), float32
        About one standard error.
    """
    shares = np.stack([np.where(empty, 0.0, weight) for (_, empty), weight in sources])
    total = shares.sum(axis=0)
    planes = np.stack(
        [np.where(empty[..., np.newaxis], 0, p).astype(np.float64) for (p, empty), _ in sources]
    )
    summed = (planes * shares[..., np.newaxis]).sum(axis=0)
    values = summed / np.where(total > 0, total, 1.0)[..., np.newaxis]
    there = np.array([~empty for (_, empty), _ in sources])
    size = np.abs(planes).max(axis=0)
    if len(sources) == 1:
        return values, (_ALONE * size).astype(np.float32)
    spread = _HALF * np.ptp(planes, axis=0)
    errors = np.where(np.asarray(there.all(axis=0))[..., np.newaxis], spread, _ALONE * size)
    return values, errors.astype(np.float32)


def as_dtype(values: NDArray[np.float64], dtype: DTypeLike) -> NDArray[Any]:
    """Return values rounded and clipped to what a dtype holds."""
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return np.asarray(values >= 0.5)
    least, most = value_range(kind)
    return np.clip(values if kind.kind == "f" else np.rint(values), least, most).astype(kind)
