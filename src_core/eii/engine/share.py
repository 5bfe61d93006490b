"""Windows for small parts of a hole, shared so that the sum of their areas is least.

The parts are sorted into a quadtree by their centres. From the leaves up, each node takes the
cheaper of one window around all its parts and of what its children take.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from eii.engine.sizes import GRID, LEAST_CONTEXT, OVERHEAD, SIDES, WINDOW
from eii.engine.touch import Rows
from eii.image.geometry import Box

_ROOT = 416  # side of a root cell: with specks and their context all over, one window holds it
_DEPTH = 4  # levels below the roots, down to cells of 26 pixels
_NEVER = np.iinfo(np.int64).max // 8

Int = NDArray[np.int64]


def share_windows(boxes: Rows, shape: tuple[int, int]) -> Iterator[tuple[Box, Rows]]:
    """Yield windows and the boxes that each fills; every box is in one of them.

    Parameters
    ----------
    boxes : ndarray of shape (K, 4), int64
        Rows (y0, x0, y1, x1); none longer than `eii.engine.sizes.SMALL`.
    shape : (int, int)
        Size of the plane.

    Notes
    -----
    A window leaves at least `LEAST_CONTEXT` pixels, and half of its own side, around each box,
    but for the image's edges. Its origin is a multiple of `GRID`.
    """
    if not len(boxes):
        return
    codes = _codes(boxes)
    order = np.lexsort((boxes[:, 1], boxes[:, 0], codes))
    boxes, codes = boxes[order], codes[order]
    need = _with_context(boxes)
    starts = [_starts(codes >> (2 * (_DEPTH - level))) for level in range(_DEPTH + 1)]
    origins, sides = zip(*(_fit(need, s, shape) for s in starts), strict=True)
    own = [_cost(side) for side in sides]
    best = own[-1]
    whole = [np.ones(len(best), bool)]
    for level in reversed(range(_DEPTH)):
        first_child = np.searchsorted(starts[level + 1], starts[level])
        children = np.minimum(np.add.reduceat(best, first_child), _NEVER)
        whole.insert(0, own[level] <= children)
        best = np.minimum(own[level], children)
    taken = np.zeros(len(boxes), bool)
    for level in range(_DEPTH + 1):
        ends = np.append(starts[level][1:], len(boxes))
        for node in np.flatnonzero(whole[level] & ~taken[starts[level]]):
            members = slice(int(starts[level][node]), int(ends[node]))
            taken[members] = True
            y, x = map(int, origins[level][node])
            height, width = map(int, sides[level][node])
            yield Box(y, x, y + height, x + width).clip(shape), boxes[members]


def _codes(boxes: Rows) -> Int:
    """Return the cell of each box's centre: the root's number, then two bits a level."""
    centre = (boxes[:, :2] + boxes[:, 2:]) // 2
    root = centre // _ROOT
    inside = (centre - root * _ROOT) * 2**_DEPTH // _ROOT
    codes = root[:, 0] * (int(root[:, 1].max()) + 1) + root[:, 1]
    for bit in reversed(range(_DEPTH)):
        codes = codes * 4 + (inside[:, 0] >> bit & 1) * 2 + (inside[:, 1] >> bit & 1)
    return codes


def _with_context(boxes: Rows) -> Rows:
    side = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    margin = np.maximum(LEAST_CONTEXT, -(-side // 2))[:, np.newaxis]
    return np.hstack([boxes[:, :2] - margin, boxes[:, 2:] + margin])


def _starts(codes: Int) -> Int:
    return np.flatnonzero(np.diff(codes, prepend=codes[0] - 1))


def _fit(need: Rows, starts: Int, shape: tuple[int, int]) -> tuple[Int, Int]:
    """Return each node's window: origin (y, x), and sides, one of `SIDES` or `_NEVER`."""
    low = np.maximum(np.minimum.reduceat(need[:, :2], starts), 0) // GRID * GRID
    high = np.minimum(np.maximum.reduceat(need[:, 2:], starts), shape)
    at = np.searchsorted(SIDES, high - low)
    return low, np.append(SIDES, _NEVER)[at]


def _cost(sides: Int) -> Int:
    too_large = (sides > WINDOW).any(axis=1)
    area = np.minimum(sides, WINDOW).prod(axis=1)
    return np.where(too_large, _NEVER, area + OVERHEAD)
