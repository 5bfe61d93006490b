"""Colours that a person set in a hole, and how far they reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.image.hints import Spots
from eii.image.mono import to_luma
from eii.internal.solve import spread
from eii.internal.table import look_up

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

_LEAST = 1e-3  # a hint that is felt less is not felt


@dataclass(frozen=True)
class Pinned:
    """Hints laid on a window.

    Parameters
    ----------
    mask : ndarray of shape (M, N), bool
        Hole pixels whose colour is set.
    values : ndarray of shape (M, N, C), float32
        What their colour leaves of its own luma; 0 elsewhere.
    reach : ndarray of shape (M, N), float32
        In [0, 1]: how much the hints count, 1 where set, 0 where known or in other holes.
    """

    mask: BoolArray
    values: FloatArray
    reach: FloatArray


def pin(
    spots: Spots, luma: FloatArray, hole: BoolArray, *, weights: FloatArray, slopes: FloatArray
) -> Pinned | None:
    """Lay hints on a window.

    Parameters
    ----------
    spots : Spots
        In the window's coordinates, scaled to about [0, 1].
    luma : ndarray of shape (M, N), float32
    hole : ndarray of shape (M, N), bool
    weights, slopes : ndarray of shape (C,), float32
        Each channel's weight in luma, and its change with it.

    Returns
    -------
    Pinned or None
        None when no hint lies in the hole of this window.
    """
    mask = np.zeros(hole.shape, bool)
    values = np.zeros((*hole.shape, weights.size), np.float32)
    for swatch in spots.swatches:
        there = np.zeros(hole.shape, bool)
        there[swatch.target.slices] = hole[swatch.target.slices]
        mask |= there
        values[there] = _like(swatch.pixels, luma[there], weights=weights, slopes=slopes)
    inside = hole[spots.rows, spots.columns]
    rows, columns = spots.rows[inside], spots.columns[inside]
    mask[rows, columns] = True
    values[rows, columns] = _rest(spots.colours[inside], weights, slopes)
    if not mask.any():
        return None
    return Pinned(mask, values, _reach(mask, luma, hole))


def _rest(colours: FloatArray, weights: FloatArray, slopes: FloatArray) -> FloatArray:
    return colours - to_luma(colours, weights)[..., np.newaxis] * slopes


def _like(
    pixels: FloatArray, luma: FloatArray, *, weights: FloatArray, slopes: FloatArray
) -> FloatArray:
    """Return the mean colour that the pixels have at each luma."""
    values = np.concatenate([_rest(pixels, weights, slopes), np.zeros((luma.size, weights.size))])
    levels = np.concatenate([to_luma(pixels, weights), luma]).astype(np.float32)
    asked = np.arange(levels.size) >= len(pixels)
    return look_up(levels, values.astype(np.float32), asked)[asked]


def _reach(mask: BoolArray, luma: FloatArray, hole: BoolArray) -> FloatArray:
    """Return how much of what spreads to each pixel comes from the hints."""
    labels, _ = ndimage.label(hole, np.ones((3, 3)))
    touched = np.isin(labels, np.unique(labels[mask]))
    reach = mask.astype(np.float32)[..., np.newaxis]
    if (touched & ~mask).any():
        reach = spread(luma, reach, touched & ~mask)
    felt = np.clip(reach[..., 0], 0, 1)
    return np.where(felt < _LEAST, 0, felt).astype(np.float32)
