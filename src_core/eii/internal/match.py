"""Colour from afar: hole pixels take what known pixels of like luma have, wherever they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from eii.image.hole import spread_square
from eii.internal.features import DEVIATION, luma_features

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

NEIGHBOURS = 8
SAMPLED = 12_000
"""Known pixels that are searched, half of them around the hole, half from all over the window."""
POSITION = 0.5
"""Distance in units of luma that 512 pixels apart count for."""
_AROUND = 24  # pixels from the hole that count as around it
_AFAR = 0.2  # distance in units of luma that being of another window counts for
_SOFT = 1e-3  # squared feature distance at which neighbours are weighed alike


@dataclass(frozen=True)
class Remembered:
    """Known pixels of other windows: features (K, F) and values (K, C), float32."""

    features: FloatArray
    values: FloatArray


@dataclass(frozen=True)
class Match:
    """What was found for each of the K pixels that were asked for, in row order.

    Parameters
    ----------
    values : ndarray of shape (K, C), float32
        Mean of the neighbours, the nearer the weightier.
    residual : ndarray of shape (K,), float32
        Feature distance to the nearest neighbour, in units of luma.
    ambiguity : ndarray of shape (K,), float32
        How far the neighbours' values disagree: root mean square over channels.
    detail : float
        Mean local deviation of luma, over that of the known pixels that were searched: far below 1
        where a completion is smoother than the image.
    """

    values: FloatArray
    residual: FloatArray
    ambiguity: FloatArray
    detail: float


def match(
    luma: FloatArray,
    values: FloatArray,
    hole: BoolArray,
    *,
    asked: BoolArray | None = None,
    remembered: Remembered | None = None,
    outside: BoolArray | None = None,
) -> Match:
    """Find known pixels that look like each hole pixel.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32, about [0, 1]
        Complete.
    values : ndarray of shape (M, N, C), float32
        What is looked up; that of hole pixels is ignored.
    hole : ndarray of shape (M, N), bool
    asked : ndarray of shape (M, N), bool, optional
        The hole pixels to match; by default all.
    remembered : Remembered, optional
        Known pixels of other windows. Without them at least one pixel must be known.
    outside : ndarray of shape (M, N), bool, optional
        Pixels that are not matched with: a hole that is not to be filled now.

    Returns
    -------
    Match

    Notes
    -----
    Deterministic. Memory follows the window and `SAMPLED`.
    """
    described = luma_features(luma)
    features = np.concatenate([described, _place(hole.shape)], axis=-1)
    sample = sample_known(hole, ~hole if outside is None else ~(hole | outside))
    known = features.reshape(-1, features.shape[-1])[sample]
    found = values.reshape(-1, values.shape[2])[sample]
    if remembered is not None:
        known = np.concatenate([known, _from_afar(remembered.features)])
        found = np.concatenate([found, remembered.values])
    asked = hole if asked is None else asked
    usual = max(float(known[: len(sample), DEVIATION].mean()) if len(sample) else 0.0, 1e-6)
    tree = cKDTree(known, balanced_tree=False, compact_nodes=False)
    count = min(NEIGHBOURS, len(known))
    distance, index = tree.query(features[asked], k=count, eps=0.5, workers=-1)
    distance, index = distance.reshape(-1, count), index.reshape(-1, count)
    weight = 1 / (_SOFT + distance**2)
    weight /= weight.sum(axis=1, keepdims=True)
    mean = sum(weight[:, [k]] * found[index[:, k]] for k in range(count))
    spread = sum(weight[:, k] * ((found[index[:, k]] - mean) ** 2).mean(1) for k in range(count))
    return Match(
        np.asarray(mean, np.float32),
        distance[:, 0].astype(np.float32),
        np.sqrt(np.asarray(spread)).astype(np.float32),
        float(features[asked][:, DEVIATION].mean()) / usual,
    )


def sample_known(hole: BoolArray, known: BoolArray) -> NDArray[np.int64]:
    """Return the flat indices of a stratified sample of known pixels, ascending."""
    rng = np.random.default_rng(0)
    around = spread_square(hole, _AROUND) & known
    picked = [_strata(np.flatnonzero(m), SAMPLED // 2, rng) for m in (around, known)]
    return np.unique(np.concatenate(picked))


def _strata(index: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Pick one at random from each of ``count`` runs of equal length."""
    if index.size <= count:
        return index
    edges = np.linspace(0, index.size, count + 1).astype(int)
    return index[rng.integers(edges[:-1], edges[1:])]


def _place(shape: tuple[int, ...]) -> FloatArray:
    """Return features of place: y, x, and whether a pixel is of another window."""
    y, x = np.indices(shape, np.float32) * np.float32(POSITION / 512)
    middle = POSITION / 1024 * np.float32(shape[0]), POSITION / 1024 * np.float32(shape[1])
    return np.stack([y - middle[0], x - middle[1], np.zeros_like(y)], axis=-1)


def _from_afar(features: FloatArray) -> FloatArray:
    place = np.array([0, 0, _AFAR], np.float32)
    return np.concatenate([features, np.broadcast_to(place, (len(features), 3))], axis=1)
