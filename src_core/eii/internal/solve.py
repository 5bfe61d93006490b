"""Colour from the hole's own border: an edge-aware sparse solve guided by luma.

References
----------
.. [1] A. Levin, D. Lischinski, Y. Weiss, "Colorization using optimization", SIGGRAPH 2004,
       equation 1. Here the weights are symmetric, so that the system is, and what is spread is
       what the known pixels leave of a linear relation between luma and each channel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from eii.image.hole import spread_square

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

EDGE = 0.02
"""Step of luma across which colour spreads a third as easily."""
_LEAK = 1e-3  # least weight: colour must reach pixels that edges close off on every side
_NEAR = 16  # known pixels this near to a hole tell how its channels follow luma


def follow_luma(luma: FloatArray, image: FloatArray, hole: BoolArray) -> FloatArray:
    """Return how much each channel changes with luma, from the known pixels around the hole.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32
    image : ndarray of shape (M, N, C), float32
    hole : ndarray of shape (M, N), bool

    Returns
    -------
    ndarray of shape (C,), float32
        Slopes of the least-squares lines; 0 where luma is constant. The slopes of red, green and
        blue, weighted as in luma, sum to 1, so that colours made from them keep their luma.
    """
    near = spread_square(hole, _NEAR) & ~hole
    level = luma[near].astype(np.float64)
    values = image[near].astype(np.float64)
    level -= level.mean()
    spread = float(level @ level)
    if spread < 1e-9 * level.size:
        return np.zeros(image.shape[2], np.float32)
    return ((level @ (values - values.mean(axis=0))) / spread).astype(np.float32)


def spread(luma: FloatArray, values: FloatArray, hole: BoolArray) -> FloatArray:
    """Spread known values into the hole, easily along luma, hardly across its edges.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32, about [0, 1]
        Complete.
    values : ndarray of shape (M, N, K), float32
        Those of hole pixels are ignored.
    hole : ndarray of shape (M, N), bool
        With at least one known pixel.

    Returns
    -------
    ndarray of shape (M, N, K), float32
        Known pixels bit-identical; filled ones between the least and the largest known value.
    """
    number = np.full(hole.size, -1, np.int64)
    number[hole.ravel()] = np.arange(np.count_nonzero(hole))
    one, other, weight = _edges(luma, hole)
    count = int(number.max()) + 1
    flat = values.reshape(hole.size, -1).astype(np.float64)
    diagonal, right = np.zeros(count), np.zeros((count, flat.shape[1]))
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
    rows, columns, entries = (np.concatenate(parts) for parts in zip(*links, strict=True))
    matrix = sparse.csc_array((entries, (rows, columns)), shape=(count, count))
    matrix = (matrix + sparse.diags_array(diagonal, format="csc")).tocsc()
    factor = splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    filled = values.copy()
    filled[hole] = factor.solve(right)
    return filled


def _edges(
    luma: FloatArray, hole: BoolArray
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the pairs of neighbours of which one at least is in the hole, and their weights."""
    index = np.arange(hole.size).reshape(hole.shape)
    height, width = hole.shape
    ones, others, weights = [], [], []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        first = slice(0, height - dy), slice(max(0, -dx), width - max(0, dx))
        second = slice(dy, height), slice(max(0, dx), width - max(0, -dx))
        used = hole[first] | hole[second]
        step = (luma[first][used] - luma[second][used]).astype(np.float64)
        # A diagonal neighbour is sqrt(2) away, and binds half as much.
        reach = 0.5 if dy and dx else 1.0
        ones.append(index[first][used])
        others.append(index[second][used])
        weights.append(reach * (_LEAK + np.exp(-((step / EDGE) ** 2))))
    return np.concatenate(ones), np.concatenate(others), np.concatenate(weights)
