"""Colour from the hole's own border: an edge-aware sparse solve guided by luma.

References
----------
.. [1] A. Levin, D. Lischinski, Y. Weiss, "Colorization using optimization", SIGGRAPH 2004,
       equation 1. Here the weights are symmetric, so that the system is, and what is spread is
       what the known pixels leave of a linear relation between luma and each channel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

EDGE = 0.02
"""Step of luma across which colour spreads a third as easily."""
_TINY = 1e-9  # keeps the system solvable where a part of the hole has no known neighbour: 0 there
_LEAK = 1e-3  # least weight: colour must reach pixels that edges close off on every side


@dataclass(frozen=True)
class Pull:
    """Values that hole pixels, in row order, are drawn to: (K, C), and how strongly: (K,)."""

    values: FloatArray
    weight: FloatArray


def spread(
    luma: FloatArray,
    values: FloatArray,
    hole: BoolArray,
    *,
    pull: Pull | None = None,
    outside: BoolArray | None = None,
) -> FloatArray:
    """Spread known values into the hole, easily along luma, hardly across its edges.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32, about [0, 1]
        Complete.
    values : ndarray of shape (M, N, K), float32
        Those of hole pixels are ignored.
    hole : ndarray of shape (M, N), bool
        With at least one known pixel.
    pull : Pull, optional
        What hole pixels are drawn to besides.
    outside : ndarray of shape (M, N), bool, optional
        Pixels that nothing spreads from: a hole that is not to be filled now.

    Returns
    -------
    ndarray of shape (M, N, K), float32
        Known pixels bit-identical; filled ones between the least and the largest known value.
    """
    number = np.full(hole.size, -1, np.int64)
    number[hole.ravel()] = np.arange(np.count_nonzero(hole))
    one, other, weight = _edges(luma, hole, ~hole if outside is None else ~(hole | outside))
    count = int(number.max()) + 1
    flat = values.reshape(hole.size, -1).astype(np.float64)
    diagonal, right = np.full(count, _TINY), np.zeros((count, flat.shape[1]))
    links = []
    for a, b in ((one, other), (other, one)):
        inside = number[a] >= 0
        a, b, w = number[a[inside]], b[inside], weight[inside]
        diagonal += np.bincount(a, w, minlength=count)
        within = number[b] >= 0
        links.append((a[within], number[b[within]], -w[within]))
        a, b, w = a[~within], b[~within], w[~within]
        from_known = sparse.csr_array((w, (a, b)), shape=(count, hole.size))
        right += from_known @ flat
    if pull is not None:
        diagonal += pull.weight
        right += pull.weight[:, np.newaxis] * pull.values
    rows, columns, entries = (np.concatenate(parts) for parts in zip(*links, strict=True))
    matrix = sparse.csc_array((entries, (rows, columns)), shape=(count, count))
    matrix = (matrix + sparse.diags_array(diagonal, format="csc")).tocsc()
    factor = splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    filled = values.copy()
    filled[hole] = factor.solve(right)
    return filled


def _edges(
    luma: FloatArray, hole: BoolArray, known: BoolArray
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return neighbours and their weights: both in the hole, or one in it and one known."""
    index = np.arange(hole.size).reshape(hole.shape)
    height, width = hole.shape
    ones, others, weights = [], [], []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        first = slice(0, height - dy), slice(max(0, -dx), width - max(0, dx))
        second = slice(dy, height), slice(max(0, dx), width - max(0, -dx))
        used = (hole[first] & (hole | known)[second]) | (known[first] & hole[second])
        step = (luma[first][used] - luma[second][used]).astype(np.float64)
        # A diagonal neighbour is sqrt(2) away, and binds half as much.
        reach = 0.5 if dy and dx else 1.0
        ones.append(index[first][used])
        others.append(index[second][used])
        weights.append(reach * (_LEAK + np.exp(-((step / EDGE) ** 2))))
    return np.concatenate(ones), np.concatenate(others), np.concatenate(weights)
