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
BLOCK = 2048
_EIGHT = np.ones((3, 3), bool)


def blocks_of(shape: tuple[int, int], side: int = BLOCK) -> Iterator[Box]:
    """Yield the lattice of boxes that covers an image, row by row."""
    for y in range(0, shape[0], side):
        for x in range(0, shape[1], side):
            yield Box(y, x, y + side, x + side).clip(shape)


def hole_boxes(read: ReadHole, shape: tuple[int, int], *, block: int = BLOCK) -> list[Box]:
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
    list of Box
        Disjoint boxes that together hold every hole pixel, sorted.

    Notes
    -----
    Memory follows one block and the number of parts, not the size of the image.
    """
    boxes = component_boxes(read, shape, block=block)
    while True:
        merged = component_boxes(_painter(boxes, block), shape, block=block)
        if len(merged) == len(boxes):
            return merged
        boxes = merged


def component_boxes(read: ReadHole, shape: tuple[int, int], *, block: int = BLOCK) -> list[Box]:
    """Return the box around each 8-connected part of a hole, sorted."""
    edges = _Edges(shape[1])
    boxes: list[NDArray[np.int64]] = []
    for box in blocks_of(shape, block):
        hole = read(box)
        labels, count = ndimage.label(hole, _EIGHT) if hole.any() else (None, 0)
        edges.join(box, labels)
        if labels is not None:
            found = ndimage.find_objects(labels)
            boxes.append(_as_rows(found, box))
            edges.used += count
    if not boxes:
        return []
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


def _as_rows(found: list[tuple[slice, slice]], block: Box) -> NDArray[np.int64]:
    rows = [(y.start, x.start, y.stop, x.stop) for y, x in found]
    return np.asarray(rows, np.int64) + np.asarray([block.y0, block.x0] * 2)


def _join_rows(rows: NDArray[np.int64], pairs: NDArray[np.int64]) -> list[Box]:
    n = len(rows)
    graph = coo_array((np.ones(pairs.shape[1], bool), (pairs[0], pairs[1])), shape=(n, n))
    count, owner = connected_components(graph, directed=False)
    first = np.full((count, 2), np.iinfo(np.int64).max)
    last = np.zeros((count, 2), np.int64)
    np.minimum.at(first, owner, rows[:, :2])
    np.maximum.at(last, owner, rows[:, 2:])
    return sorted(Box(*map(int, row)) for row in np.hstack([first, last]))


def _painter(boxes: list[Box], block: int) -> ReadHole:
    """Return a reader of the hole in which every box is filled."""
    index: dict[tuple[int, int], list[Box]] = {}
    for box in boxes:
        for y in range(box.y0 // block, (box.y1 - 1) // block + 1):
            for x in range(box.x0 // block, (box.x1 - 1) // block + 1):
                index.setdefault((y, x), []).append(box)

    def read(region: Box) -> NDArray[np.bool_]:
        painted = np.zeros(region.shape, bool)
        for box in index.get((region.y0 // block, region.x0 // block), ()):
            painted[box.intersect(region).relative_to(region).slices] = True
        return painted

    return read
