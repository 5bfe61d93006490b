"""Boxes around the connected parts of a hole of any size, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from eii.image.geometry import Box

ReadHole = Callable[[Box], NDArray[np.bool_]]
Rows = NDArray[np.int64]
BLOCK = 2048
_EIGHT = np.ones((3, 3), bool)


def blocks_of(shape: tuple[int, int], side: int = BLOCK) -> Iterator[Box]:
    """Yield the lattice of boxes that covers an image, row by row."""
    for y in range(0, shape[0], side):
        for x in range(0, shape[1], side):
            yield Box(y, x, y + side, x + side).clip(shape)


def hole_boxes(read: ReadHole, shape: tuple[int, int], *, block: int = BLOCK) -> Rows:
    """Return the boxes around the hole's parts, those that overlap or touch merged.

    Parameters
    ----------
    read : callable
        Takes a `Box` and returns the hole in it, bool.
    shape : (int, int)
        Size of the plane (M, N).
    block : int
        Side of the blocks that are read at a time; the result does not depend on it.

    Returns
    -------
    ndarray of shape (K, 4), int64
        Rows (y0, x0, y1, x1), sorted, of disjoint boxes that together hold every hole pixel.

    Notes
    -----
    Memory follows one block and the number of parts, not the size of the image. The hole is read
    once.
    """
    boxes = component_boxes(read, shape, block=block)
    while len(boxes):
        painter = Painter(boxes, shape, block=block)
        if not any(painter.touch(box) for box in blocks_of(shape, block)):
            break
        boxes = component_boxes(painter.paint, shape, block=block)
    return boxes


def component_boxes(read: ReadHole, shape: tuple[int, int], *, block: int = BLOCK) -> Rows:
    """Return the box around each 8-connected part of a hole as rows (y0, x0, y1, x1), sorted."""
    edges = _Edges(shape[1])
    boxes: list[Rows] = []
    for box in blocks_of(shape, block):
        hole = read(box)
        labels, count = ndimage.label(hole, _EIGHT) if hole.any() else (None, 0)
        edges.join(box, labels)
        if labels is not None:
            found = ndimage.find_objects(labels)
            boxes.append(_as_rows(found, box))
            edges.used += count
    if not boxes:
        return np.zeros((0, 4), np.int64)
    return _join_rows(np.concatenate(boxes), edges.pairs())


class _Edges:
    """Which parts of neighbouring blocks touch: only the last row and column are kept."""

    def __init__(self, width: int) -> None:
        self.used = 0
        self._above = np.zeros(width + 2, np.int64)  # ids + 1 along the row above, padded
        self._row = np.zeros(width + 2, np.int64)
        self._left: NDArray[np.int64] = np.zeros(0, np.int64)
        self._pairs: list[NDArray[np.int64]] = []

    def join(self, box: Box, labels: NDArray[np.int32] | None) -> None:
        """Note what the parts of one block touch above and to the left of it."""
        if box.x0 == 0:
            self._above, self._row = self._row, np.zeros_like(self._row)
            self._left = np.zeros(box.height, np.int64)
        if labels is None:
            self._left = np.zeros(box.height, np.int64)
            return
        reach = self._above[box.x0 : box.x1 + 2]
        for shift in range(3):
            self._note(self._ids(labels[0]), reach[shift : shift + box.width])
        left = np.pad(self._left, 1)
        for shift in range(3):
            self._note(self._ids(labels[:, 0]), left[shift : shift + box.height])
        self._row[box.x0 + 1 : box.x1 + 1] = self._ids(labels[-1])
        self._left = self._ids(labels[:, -1])

    def _ids(self, labels: NDArray[np.int32]) -> NDArray[np.int64]:
        return np.where(labels > 0, labels.astype(np.int64) + self.used, 0)

    def _note(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> None:
        both = (one > 0) & (other > 0)
        if both.any():
            self._pairs.append(np.stack([one[both], other[both]]) - 1)

    def pairs(self) -> NDArray[np.int64]:
        """Return the touching parts, shape (2, K)."""
        return np.concatenate(self._pairs, axis=1) if self._pairs else np.zeros((2, 0), np.int64)


def _as_rows(found: list[tuple[slice, slice]], block: Box) -> Rows:
    rows = [(y.start, x.start, y.stop, x.stop) for y, x in found]
    return np.asarray(rows, np.int64) + np.asarray([block.y0, block.x0] * 2)


def _join_rows(rows: Rows, pairs: NDArray[np.int64]) -> Rows:
    if pairs.shape[1]:
        n = len(rows)
        graph = coo_array((np.ones(pairs.shape[1], bool), (pairs[0], pairs[1])), shape=(n, n))
        count, owner = connected_components(graph, directed=False)
        first = np.full((count, 2), np.iinfo(np.int64).max)
        last = np.zeros((count, 2), np.int64)
        np.minimum.at(first, owner, rows[:, :2])
        np.maximum.at(last, owner, rows[:, 2:])
        rows = np.hstack([first, last])
    return rows[np.lexsort(rows.T[::-1])]


class Painter:
    """A hole in which boxes are filled, read by blocks.

    Parameters
    ----------
    boxes : ndarray of shape (K, 4), int64
    shape : (int, int)
        Size of the plane.
    block : int
        Side of the blocks; only whole ones are read.
    """

    def __init__(self, boxes: Rows, shape: tuple[int, int], *, block: int = BLOCK) -> None:
        self._boxes, self._block = boxes, block
        self._across = shape[1] // block + 1  # one more: a box may end at the image's edge
        # A box is looked up in every block that it, or a pixel below or right of it, lies in.
        first, last = boxes[:, :2] // block, boxes[:, 2:] // block
        inner = (first == last).all(axis=1)
        owner = [np.flatnonzero(inner)]
        cell = [first[inner, 0] * self._across + first[inner, 1]]
        for i in np.flatnonzero(~inner):
            y, x = np.mgrid[first[i, 0] : last[i, 0] + 1, first[i, 1] : last[i, 1] + 1]
            cell.append((y * self._across + x).ravel())
            owner.append(np.full(y.size, i))
        cells = np.concatenate(cell)
        order = np.argsort(cells, kind="stable")
        self._cells, self._owner = cells[order], np.concatenate(owner)[order]

    def paint(self, region: Box) -> NDArray[np.bool_]:
        """Return which pixels of a block lie in a box."""
        return self._count(region, 0) > 0

    def touch(self, region: Box) -> bool:
        """Tell whether boxes overlap or touch in a block, corners included."""
        return bool((self._count(region, 1) > 1).any())

    def _count(self, region: Box, more: int) -> NDArray[np.int32]:
        """Return how many boxes, ``more`` pixels higher and wider, hold each pixel."""
        cell = region.y0 // self._block * self._across + region.x0 // self._block
        low, high = np.searchsorted(self._cells, [cell, cell + 1])
        boxes = self._boxes[self._owner[low:high]] + np.array([0, 0, more, more])
        return covered(boxes, region)


def covered(boxes: Rows, region: Box) -> NDArray[np.int32]:
    """Return how many of the boxes hold each pixel of a region, shape (h, w).

    Parameters
    ----------
    boxes : ndarray of shape (K, 4), int64
    region : Box
    """
    height, width = region.shape
    origin = np.array([region.y0, region.x0])
    y0, x0 = np.clip(boxes[:, :2] - origin, 0, region.shape).T
    y1, x1 = np.clip(boxes[:, 2:] - origin, 0, region.shape).T
    # One step up at two corners of each box and one down at the others, summed along both axes.
    steps = np.zeros((height + 1) * (width + 1), np.int32)
    for y, x, sign in ((y0, x0, 1), (y1, x1, 1), (y0, x1, -1), (y1, x0, -1)):
        steps += sign * np.bincount(y * (width + 1) + x, minlength=steps.size).astype(np.int32)
    summed = steps.reshape(height + 1, width + 1).cumsum(axis=0, dtype=np.int32)
    return summed.cumsum(axis=1, dtype=np.int32)[:height, :width]
