"""What a finder marks in a plane, block by block, with its connected parts judged as wholes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from eii.finders.kind import BoolArray, Finder, Parts, View
from eii.image.geometry import Box, blocks_of

SIDE = 1024
"""Side of the blocks that are looked at: of our own, so that nothing follows from chunks."""
_EIGHT = np.ones((3, 3), bool)

Cell = tuple[int, int]
Run = Callable[[Iterable[Callable[[], Any]]], Iterator[Any]]
"""Runs calls, in any order or at the same time; yields what each returns."""


class Found:
    """The defects of one kind in one plane.

    Parameters
    ----------
    shape : (int, int)
        Size of the plane (M, N).

    Notes
    -----
    Masks are kept in memory, packed and compressed: about a thousandth of the image's bytes.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._masks: dict[Cell, bytes] = {}

    def put(self, cell: Cell, mask: BoolArray) -> None:
        """Keep the mask of a block."""
        if mask.any():
            self._masks[cell] = zlib.compress(np.packbits(mask).tobytes(), 1)
        else:
            self._masks.pop(cell, None)

    def block(self, cell: Cell) -> BoolArray:
        """Return the mask of a block."""
        box = block_at(cell, self.shape)
        packed = self._masks.get(cell)
        if packed is None:
            return np.zeros(box.shape, bool)
        bits = np.frombuffer(zlib.decompress(packed), np.uint8)
        return np.unpackbits(bits, count=box.area).reshape(box.shape).view(np.bool_)

    def cells(self) -> list[Cell]:
        """Return the blocks in which something is marked."""
        return sorted(self._masks)

    def any_in(self, box: Box) -> bool:
        """Tell whether there may be something in a box."""
        return any(cell in self._masks for cell in _cells_of(box.clip(self.shape)))

    def read(self, box: Box) -> BoolArray:
        """Return what is marked in a box within the plane, shape (h, w)."""
        found = np.zeros(box.shape, bool)
        for cell in _cells_of(box):
            if cell in self._masks:
                own = block_at(cell, self.shape)
                common = own.intersect(box)
                found[common.relative_to(box).slices] = self.block(cell)[
                    common.relative_to(own).slices
                ]
        return found

    def digest(self) -> str:
        """Return a digest of all that is marked."""
        digest = blake2b(digest_size=16)
        for cell in self.cells():
            digest.update(repr(cell).encode() + self._masks[cell])
        return digest.hexdigest()

    @property
    def area(self) -> int:
        """Return how many pixels are marked."""
        return sum(int(self.block(cell).sum()) for cell in self._masks)


def block_at(cell: Cell, shape: tuple[int, int]) -> Box:
    """Return the box of a block."""
    y, x = cell[0] * SIDE, cell[1] * SIDE
    return Box(y, x, y + SIDE, x + SIDE).clip(shape)


def _cells_of(box: Box) -> Iterator[Cell]:
    for row in range(box.y0 // SIDE, -(-box.y1 // SIDE)):
        for column in range(box.x0 // SIDE, -(-box.x1 // SIDE)):
            yield row, column


def find(view: View, finders: Sequence[Finder], run: Run) -> list[Found]:
    """Look through a plane, which is read once for all finders.

    Parameters
    ----------
    view : View
    finders : sequence of Finder
    run : callable
        Runs calls, one a block.

    Returns
    -------
    list of Found
        Of each finder. Its connected parts are those that the finder keeps, each seen as a whole,
        however many blocks it lies in: the result does not depend on them, nor on the order of the
        calls, nor on the other finders.

    Notes
    -----
    Memory follows one block a thread, and the number of parts.
    """
    found = [Found(view.shape) for _ in finders]
    tables: list[dict[Cell, _Table]] = [{} for _ in finders]
    boxes = blocks_of(view.shape, (SIDE, SIDE))
    calls = (partial(_look, view, finders, (b.y0 // SIDE, b.x0 // SIDE)) for b in boxes)
    for cell, seen in run(calls):
        for number, (mask, table) in enumerate(seen):
            found[number].put(cell, mask)
            if table is not None:
                tables[number][cell] = table
    for own, finder, parts in zip(found, finders, tables, strict=True):
        if parts:
            _judge(own, finder, parts)
    return found


class _Table:
    """The parts of one block: their labels, how large they are, and what is on its edges."""

    def __init__(self, labels: NDArray[np.int32], count: int, traits: dict[str, Any], box: Box):
        self.count = count
        numbers = np.arange(1, count + 1)
        self.area = np.bincount(labels.ravel(), minlength=count + 1)[1:].astype(np.int64)
        self.traits = {name: ndimage.sum(own, labels, numbers) for name, own in traits.items()}
        slices = ndimage.find_objects(labels)
        spans = [(s[0].start, s[1].start, s[0].stop, s[1].stop) for s in slices]
        self.boxes = np.array(spans, np.int64) + np.array([box.y0, box.x0] * 2)
        self.top, self.bottom = labels[0].copy(), labels[-1].copy()
        self.left, self.right = labels[:, 0].copy(), labels[:, -1].copy()


def _look(
    view: View, finders: Sequence[Finder], cell: Cell
) -> tuple[Cell, list[tuple[BoolArray, _Table | None]]]:
    """Return what each finder marks in a block."""
    core = block_at(cell, view.shape)
    widest = core.grow(max(finder.halo for finder in finders)).clip(view.shape)
    pixels = view.read(widest)
    seen = []
    for finder in finders:
        window = core.grow(finder.halo).clip(view.shape)
        own = pixels[window.relative_to(widest).slices]
        seen.append(_marked(finder, own, window, core))
    return cell, seen


def _marked(
    finder: Finder, pixels: NDArray[Any], window: Box, core: Box
) -> tuple[BoolArray, _Table | None]:
    seen, summed = finder.look(pixels, window)
    inside = core.relative_to(window).slices
    mask = np.ascontiguousarray(seen[inside])
    if not mask.any():
        return mask, None
    labels, count = ndimage.label(mask, _EIGHT)
    traits = {name: own[inside] for name, own in summed.items()}
    return mask, _Table(labels, count, traits, core)


def _judge(found: Found, finder: Finder, tables: dict[Cell, _Table]) -> None:
    """Join the parts of blocks that touch, and drop those that the finder does not keep."""
    cells = sorted(tables)
    firsts = dict(zip(cells, np.cumsum([0, *(tables[c].count for c in cells)]), strict=False))
    total = sum(table.count for table in tables.values())
    pairs = np.concatenate([np.zeros((0, 2), np.int64), *_touching(tables, firsts)])
    ones = np.ones(len(pairs), bool)
    graph = coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(total, total))
    count, whole = connected_components(graph, directed=False)
    kept = finder.keep(_summed([tables[c] for c in cells], whole, count))[whole]
    if kept.all():
        return
    for cell in cells:
        first = int(firsts[cell])
        own = np.concatenate([[False], kept[first : first + tables[cell].count]])
        labels, _ = ndimage.label(found.block(cell), _EIGHT)
        found.put(cell, own[labels])


def _summed(tables: list[_Table], whole: NDArray[np.int32], count: int) -> Parts:
    boxes = np.concatenate([t.boxes for t in tables])
    least = np.full((count, 2), np.iinfo(np.int64).max)
    most = np.zeros((count, 2), np.int64)
    np.minimum.at(least, whole, boxes[:, :2])
    np.maximum.at(most, whole, boxes[:, 2:])
    area = np.bincount(whole, np.concatenate([t.area for t in tables]), count)
    traits = {
        name: np.asarray(
            np.bincount(whole, np.concatenate([t.traits[name] for t in tables]), count), float
        )
        for name in tables[0].traits
    }
    sides = most - least
    return Parts(area.astype(np.int64), sides[:, 0], sides[:, 1], traits)


def _touching(tables: dict[Cell, _Table], firsts: dict[Cell, Any]) -> Iterator[NDArray[np.int64]]:
    """Yield pairs of parts, by number, that touch across the edges of blocks, also by a corner."""
    for (row, column), table in tables.items():
        for step, own, other in (
            ((0, 1), "right", "left"),
            ((1, 0), "bottom", "top"),
            ((1, 1), "bottom", "top"),
            ((1, -1), "bottom", "top"),
        ):
            near = (row + step[0], column + step[1])
            if near not in tables:
                continue
            ours, theirs = getattr(table, own), getattr(tables[near], other)
            if step == (1, 1):
                ours, theirs = ours[-1:], theirs[:1]
            elif step == (1, -1):
                ours, theirs = ours[:1], theirs[-1:]
            yield _pairs(ours, theirs) + np.array([firsts[(row, column)], firsts[near]])


def _pairs(ours: NDArray[np.int32], theirs: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the labels, from 0, that lie side by side on two edges, or a pixel apart along."""
    found = []
    for shift in (-1, 0, 1):
        one = ours[max(0, shift) : len(ours) + min(0, shift)]
        two = theirs[max(0, -shift) : len(theirs) + min(0, -shift)]
        both = (one > 0) & (two > 0)
        found.append(np.stack([one[both], two[both]], axis=1).astype(np.int64) - 1)
    return np.unique(np.concatenate(found), axis=0)
