"""Boxes around the connected parts of a hole of any size, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from eii.engine.sizes import SMALL
from eii.engine.touch import Rows, is_crowded, touching_pairs
from eii.image.geometry import BLOCK, Box, blocks_of
from eii.image.hole import box_around

ReadHole = Callable[[Box], NDArray[np.bool_]]
MayHold = Callable[[Box], bool]
_EIGHT = np.ones((3, 3), bool)
_EXACT = 4  # rounds of joining painted boxes that touch, before large ones reach further
_FAR = 64
_MANY = 1000  # parts of a block from which their boxes are computed all at once


def always(box: Box) -> bool:
    """Tell that there may be a hole in a box: nothing is known of it."""
    return True


def hole_boxes(
    read: ReadHole, shape: tuple[int, int], *, block: int = BLOCK, may_hold: MayHold = always
) -> Rows:
    """Return the boxes around the hole's parts, those that overlap or touch merged.

    Parameters
    ----------
    read : callable
        Takes a `Box` and returns the hole in it, bool.
    shape : (int, int)
        Size of the plane (M, N).
    block : int
        Side of the blocks that are read at a time; the result does not depend on it.
    may_hold : callable
        Takes a `Box`, tells whether there may be a hole in it: where not, it is not read.

    Returns
    -------
    ndarray of shape (K, 4), int64
        Rows (y0, x0, y1, x1), sorted, of disjoint boxes that together hold every hole pixel.

    Notes
    -----
    Memory follows one block and the number of parts, not the size of the image. The hole is read
    once.
    """
    boxes = component_boxes(read, shape, block=block, may_hold=may_hold)
    rounds = 0
    while True:
        before = len(boxes)
        if is_crowded(boxes):
            rounds += 1
            boxes = _join_painted(boxes, shape, block, _reach(rounds))
        else:
            boxes = _join_rows(boxes, touching_pairs(boxes))
        if len(boxes) == before:
            return boxes


def _reach(rounds: int) -> int:
    """Return how far around them large boxes join others, lest they grow in endless rounds."""
    return 0 if rounds <= _EXACT else min(2 ** (rounds - _EXACT), _FAR)


def _join_painted(boxes: Rows, shape: tuple[int, int], block: int, reach: int) -> Rows:
    """Join boxes by painting them: where they lie densely, pairs would be too many to look at."""
    large = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) > SMALL
    out = np.array([-reach, -reach, reach, reach]) * large
    size = np.array([*shape, *shape])
    grown = np.clip(boxes + out, 0, size)
    # What a large box reaches belongs to it: its own size grows by that.
    painted = _Painted(grown)
    return component_boxes(painted, shape, block=block, may_hold=painted.any_in)


class _Painted:
    """Boxes as a hole: every pixel of them."""

    def __init__(self, boxes: Rows) -> None:
        self._boxes = boxes[np.argsort(boxes[:, 0], kind="stable")]
        self._highest = int((boxes[:, 2] - boxes[:, 0]).max(initial=0))

    def any_in(self, region: Box) -> bool:
        """Tell whether a box meets a region."""
        return bool(len(self._near(region)))

    def __call__(self, region: Box) -> NDArray[np.bool_]:
        """Return which pixels of a region the boxes cover."""
        return covered(self._near(region), region) > 0

    def _near(self, region: Box) -> Rows:
        rows = self._boxes[:, 0]
        first = np.searchsorted(rows, region.y0 - self._highest)
        last = np.searchsorted(rows, region.y1)
        near = self._boxes[first:last]
        meets = (near[:, 2] > region.y0) & (near[:, 1] < region.x1) & (near[:, 3] > region.x0)
        return near[meets]


def component_boxes(
    read: ReadHole, shape: tuple[int, int], *, block: int = BLOCK, may_hold: MayHold = always
) -> Rows:
    """Return the box around each 8-connected part of a hole as rows (y0, x0, y1, x1), sorted."""
    edges = _Edges(shape[1])
    boxes: list[Rows] = []
    for strip in blocks_of(shape, (block, max(1, shape[1]))):
        edges.begin()
        for box in _may_hold(strip, block, may_hold):
            hole = read(box)
            part = box_around(hole)
            if part.area:
                labels, count = ndimage.label(hole[part.slices], _EIGHT)
                edges.join(box, labels, part)
                origin = np.array([box.y0 + part.y0, box.x0 + part.x0] * 2)
                boxes.append(_label_boxes(labels, count) + origin)
                edges.used += count
    if not boxes:
        return np.zeros((0, 4), np.int64)
    return _join_rows(np.concatenate(boxes), edges.pairs())


def _may_hold(strip: Box, block: int, may_hold: MayHold) -> Iterator[Box]:
    """Yield the blocks of a row of them that may hold a hole, those that do not by halves."""
    if not strip.area or not may_hold(strip):
        return
    if strip.width <= block:
        yield strip
        return
    middle = strip.x0 + -(-strip.width // block) // 2 * block
    yield from _may_hold(Box(strip.y0, strip.x0, strip.y1, middle), block, may_hold)
    yield from _may_hold(Box(strip.y0, middle, strip.y1, strip.x1), block, may_hold)


class _Edges:
    """Which parts of neighbouring blocks touch: only the last row and column are kept."""

    def __init__(self, width: int) -> None:
        self.used = 0
        self._above = np.zeros(width + 2, np.int64)  # ids + 1 along the row above, padded
        self._row = np.zeros(width + 2, np.int64)
        self._left: NDArray[np.int64] = np.zeros(0, np.int64)
        self._reached = 0  # column at which the block before ends
        self._above_used = self._row_used = False
        self._pairs: list[NDArray[np.int64]] = []

    def begin(self) -> None:
        """Begin a row of blocks."""
        self._above, self._row = self._row, self._above
        self._above_used, self._row_used = self._row_used, self._above_used
        if self._row_used:
            self._row[:], self._row_used = 0, False
        self._reached = 0

    def join(self, box: Box, labels: NDArray[np.int32], part: Box) -> None:
        """Note what the parts of one block touch above and to the left of it.

        Parameters
        ----------
        box : Box
        labels : ndarray of shape (h, w)
            Of a part of the block outside which there is nothing.
        part : Box
            Where that lies in the block.
        """
        self._row_used = True
        if box.x0 != self._reached or box.x0 == 0:
            self._left = np.zeros(box.height, np.int64)
        self._reached = box.x1
        top, bottom = np.zeros((2, box.width), np.int64)
        left, right = np.zeros((2, box.height), np.int64)
        rows, columns = part.slices
        if part.y0 == 0:
            top[columns] = self._ids(labels[0])
        if part.y1 == box.height:
            bottom[columns] = self._ids(labels[-1])
        if part.x0 == 0:
            left[rows] = self._ids(labels[:, 0])
        if part.x1 == box.width:
            right[rows] = self._ids(labels[:, -1])
        reach, beside = self._above[box.x0 : box.x1 + 2], np.pad(self._left, 1)
        for shift in range(3):
            self._note(top, reach[shift : shift + box.width])
            self._note(left, beside[shift : shift + box.height])
        self._row[box.x0 + 1 : box.x1 + 1] = bottom
        self._left = right

    def _ids(self, labels: NDArray[np.int32]) -> NDArray[np.int64]:
        return np.where(labels > 0, labels.astype(np.int64) + self.used, 0)

    def _note(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> None:
        both = (one > 0) & (other > 0)
        if both.any():
            self._pairs.append(np.stack([one[both], other[both]]) - 1)

    def pairs(self) -> NDArray[np.int64]:
        """Return the touching parts, shape (2, K)."""
        return np.concatenate(self._pairs, axis=1) if self._pairs else np.zeros((2, 0), np.int64)


def _label_boxes(labels: NDArray[np.int32], count: int) -> Rows:
    """Return the box around each label as rows, in the order of the labels."""
    if count < _MANY:
        found = ndimage.find_objects(labels)
        return np.array([(y.start, x.start, y.stop, x.stop) for y, x in found], np.int64)
    y, x = np.nonzero(labels)
    owner = labels[y, x]
    order = np.argsort(owner, kind="stable")
    y, x = y[order], x[order]
    starts = np.searchsorted(owner[order], np.arange(1, count + 1))
    # Pixels of a label come row by row: the first has the least y, the last the greatest.
    last = np.append(starts[1:], len(y)) - 1
    left, right = np.minimum.reduceat(x, starts), np.maximum.reduceat(x, starts)
    return np.stack([y[starts], left, y[last] + 1, right + 1], axis=1)


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


def covered(boxes: Rows, region: Box) -> NDArray[np.int16]:
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
    steps = np.zeros((height + 1) * (width + 1), np.int16)
    for y, x, sign in ((y0, x0, 1), (y1, x1, 1), (y0, x1, -1), (y1, x0, -1)):
        np.add.at(steps, y * (width + 1) + x, sign)
    summed = steps.reshape(height + 1, width + 1).cumsum(axis=0, dtype=np.int16)
    return summed.cumsum(axis=1, dtype=np.int16)[:height, :width]
