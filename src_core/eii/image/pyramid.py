"""Halving and doubling of images that have holes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def shrink(
    image: NDArray[np.float32], hole: NDArray[np.bool_], factor: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Shrink an image by a whole factor, from its known pixels alone.

    Parameters
    ----------
    image : ndarray of shape (M, N, C), float32
        Values of hole pixels are ignored, but must be finite.
    hole : ndarray of shape (M, N), bool
    factor : int
        The last cells may be partial.

    Returns
    -------
    image : ndarray of shape (ceil(M / factor), ceil(N / factor), C), float32
        The mean of each cell's known pixels; 0 where it has none.
    hole : ndarray of shape (ceil(M / factor), ceil(N / factor)), bool
        True where a cell has no known pixel.
    """
    known = _cell_sums((~hole)[..., np.newaxis].astype(np.float32), factor)
    total = _cell_sums(np.where(hole[..., np.newaxis], np.float32(0), image), factor)
    mean = np.divide(total, np.maximum(known, 1), dtype=np.float32)
    return mean, known[..., 0] == 0


def double(image: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Double an image by linear interpolation between the centres of its pixels.

    Parameters
    ----------
    image : ndarray of shape (M, N, C), float32
    shape : (int, int)
        Size to cut the result to: at most (2 M, 2 N).

    Returns
    -------
    ndarray of shape (*shape, C), float32
    """
    large = ndimage.zoom(image, (2, 2, 1), order=1, mode="nearest", grid_mode=True)
    return np.ascontiguousarray(large[: shape[0], : shape[1]])


def _cell_sums(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    pad = [(0, -n % factor) for n in values.shape[:2]]
    padded = np.pad(values, [*pad, (0, 0)])
    rows, columns = padded.shape[0] // factor, padded.shape[1] // factor
    cells = padded.reshape(rows, factor, columns, factor, values.shape[2])
    return cells.sum(axis=(1, 3), dtype=np.float32)
