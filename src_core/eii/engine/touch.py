"""Which of many boxes overlap or touch, without looking at every pair."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
"""Boxes as rows (y0, x0, y1, x1)."""

_CELL = 32  # side of the cells in which small boxes are compared with one another
_CROWD = 8  # boxes to a cell that has any, from which they are not compared


def touching_pairs(boxes: Rows) -> NDArray[np.int64]:
    """Return pairs of boxes that overlap or touch, corners included.

    Parameters
    ----------
    boxes : ndarray of shape (K, 4), int64
        Sorted by y0.

    Returns
    -------
    ndarray of shape (2, P), int64
        Positions; every two that touch are in it, some more than once.

    Notes
    -----
    Boxes of at most 32 pixels are compared within cells, larger ones with those of their rows.
    """
    small = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0) <= _CELL
    found = [*_within_cells(boxes, np.flatnonzero(small))]
    large = np.flatnonzero(~small)
    for group in (np.flatnonzero(small), large):
        found += _by_rows(boxes, large, group)
    return np.concatenate(found, axis=1) if found else np.zeros((2, 0), np.int64)


def is_crowded(boxes: Rows) -> bool:
    """Tell whether boxes lie so densely that comparing them in pairs would take long."""
    if len(boxes) < 2:
        return False
    cells = boxes[:, :2] // _CELL
    taken = np.unique(cells[:, 0] * (int(cells[:, 1].max()) + 1) + cells[:, 1]).size
    return len(boxes) > _CROWD * taken


def _within_cells(boxes: Rows, small: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    if len(small) < 2:
        return
    # With the pixels below and right of it, a box lies in at most two by two cells.
    low, high = boxes[small, :2] // _CELL, boxes[small, 2:] // _CELL
    across = int(high[:, 1].max()) + 1
    corners = [(y[:, 0] * across, x[:, 1]) for y in (low, high) for x in (low, high)]
    cells = np.concatenate([y + x for y, x in corners])
    cells, owner = np.divmod(np.unique(cells * len(boxes) + np.tile(small, 4)), len(boxes))
    step = 1
    while True:
        same = np.flatnonzero(cells[step:] == cells[:-step])
        if not same.size:
            return
        one, other = owner[same], owner[same + step]
        touch = _touch(boxes[one], boxes[other])
        if touch.any():
            yield np.stack([one[touch], other[touch]])
        step += 1


def _by_rows(
    boxes: Rows, large: NDArray[np.int64], group: NDArray[np.int64]
) -> Iterator[NDArray[np.int64]]:
    """Compare each large box with those of a group that share rows with it."""
    own = boxes[group]
    highest = int((own[:, 2] - own[:, 0]).max(initial=0))
    first = np.searchsorted(own[:, 0], boxes[large, 0] - highest)
    last = np.searchsorted(own[:, 0], boxes[large, 2], side="right")
    for position, low, high in zip(large, first, last, strict=True):
        touch = group[low:high][_touch(boxes[position], own[low:high])]
        touch = touch[touch != position]
        if touch.size:
            yield np.stack([np.full(touch.size, position), touch])


def _touch(one: Rows, other: Rows) -> NDArray[np.bool_]:
    rows = (one[..., 0] <= other[..., 2]) & (other[..., 0] <= one[..., 2])
    return np.asarray(
        rows & (one[..., 1] <= other[..., 3]) & (other[..., 1] <= one[..., 3]), np.bool_
    )
