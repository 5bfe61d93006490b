"""From a hole to units of work: a pure function of the hole and the windows' size.

Small parts of a hole share windows so that the sum of their areas is least; parts of medium size
have a window of their own; parts larger than a window are cut by a lattice anchored at the image's
origin, after a completion at coarser levels when they are also deep. Chunks and workers have no
say, so the result cannot depend on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eii.engine.label import MayHold, ReadHole, always, hole_boxes
from eii.engine.share import share_windows
from eii.engine.sizes import GRID, HALO, LEAST_CONTEXT, SMALL, WINDOW
from eii.engine.touch import Rows
from eii.image.geometry import Box

PITCH = WINDOW // 2
"""Side of a lattice cell."""
BLEND = 32
"""Pixels by which the windows of a lattice overlap in what they fill."""
LARGEST = WINDOW - 2 * (HALO + GRID)
"""Side of the largest part that fits one window with its context, wherever the window starts."""
DEEP = 64
"""A part is deep when it covers a whole aligned square of this side: no window sees across it."""


@dataclass(frozen=True, eq=False)
class Unit:
    """One window to restore.

    Parameters
    ----------
    window : Box
        What is read, in pixels of ``level``.
    targets : ndarray of shape (K, 4), int64
        What is filled: rows (y0, x0, y1, x1) of disjoint boxes inside the window.
    level : int
        0 is full resolution; each level up halves the size.
    guided : bool
        Whether the level above gives a first fill.
    lattice : bool
        Whether neighbours overlap and are blended.
    """

    window: Box
    targets: Rows
    level: int = 0
    guided: bool = False
    lattice: bool = False

    @property
    def order(self) -> tuple[int, Box, tuple[int, ...]]:
        """Return the key that units are sorted by: coarse levels first."""
        return -self.level, self.window, tuple(self.targets[0])

    @property
    def extent(self) -> Box:
        """Return the box around the targets."""
        low, high = self.targets[:, :2].min(axis=0), self.targets[:, 2:].max(axis=0)
        return Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))

    def meets(self, region: Box) -> bool:
        """Tell whether a target has a pixel in a region."""
        y0, x0, y1, x1 = self.targets.T
        rows = (y0 < region.y1) & (y1 > region.y0)
        return bool((rows & (x0 < region.x1) & (x1 > region.x0)).any())


def plan_plane(
    read: ReadHole, shape: tuple[int, int], *, may_hold: MayHold = always
) -> tuple[Unit, ...]:
    """Plan the restoration of one plane.

    Parameters
    ----------
    read : callable
        Takes a `Box` and returns the hole in it, bool.
    shape : (int, int)
        Size of the plane (M, N).
    may_hold : callable
        Takes a `Box`, tells whether there may be a hole in it.

    Returns
    -------
    tuple of Unit
        Sorted, coarse levels first. The targets of level 0 together hold every hole pixel.

    Notes
    -----
    Memory follows the number of parts, not the size of the image or of a part.
    """
    boxes = hole_boxes(read, shape, may_hold=may_hold)
    side = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    units = [Unit(*shared) for shared in share_windows(boxes[side <= SMALL], shape)]
    for row in boxes[side > SMALL]:
        box = Box(*map(int, row))
        if max(box.shape) <= LARGEST:
            units.append(Unit(_centred_window(box, shape), _rows(box)))
        else:
            units.extend(_plan_large(read, box, shape))
    return tuple(sorted(units, key=lambda unit: unit.order))


def fit_window(unit: Unit, shape: tuple[int, int]) -> Unit:
    """Return the unit with the smallest window that a backbone of any size needs.

    What shares a window, or has its own, is planned with no more context than it needs.
    """
    if unit.level == 0 and not unit.lattice:
        return unit
    # A shallow part is filled from its own border: it needs no more context than a speck.
    margin = HALO if unit.guided or unit.level > 0 else LEAST_CONTEXT
    need = unit.extent.grow(margin).clip(level_shape(shape, unit.level))
    window = need.intersect(unit.window)
    return Unit(window, unit.targets, unit.level, unit.guided, unit.lattice)


def level_shape(shape: tuple[int, int], level: int) -> tuple[int, int]:
    """Return the size of a plane at a level; the last cells may be partial."""
    return -(-shape[0] // 2**level), -(-shape[1] // 2**level)


def _rows(box: Box) -> Rows:
    return np.array([[box.y0, box.x0, box.y1, box.x1]], np.int64)


def _cell(cell: tuple[int, int]) -> Box:
    y, x = cell[0] * PITCH, cell[1] * PITCH
    return Box(y, x, y + PITCH, x + PITCH)


def _cell_window(cell: tuple[int, int], shape: tuple[int, int]) -> Box:
    return _window_at(_cell(cell).grow((WINDOW - PITCH) // 2), shape)


def _centred_window(box: Box, shape: tuple[int, int]) -> Box:
    # A window whose origin is off the stride changes most of the pixels a network returns.
    y = (box.y0 + box.y1 - WINDOW) // 2 // GRID * GRID
    x = (box.x0 + box.x1 - WINDOW) // 2 // GRID * GRID
    return _window_at(Box(y, x, y + WINDOW, x + WINDOW), shape)


def _window_at(window: Box, shape: tuple[int, int]) -> Box:
    """Shift a window into the image from the top left; cut it at the bottom right."""
    y, x = max(0, window.y0), max(0, window.x0)
    return Box(y, x, y + WINDOW, x + WINDOW).clip(shape)


def _plan_large(read: ReadHole, box: Box, shape: tuple[int, int]) -> Iterator[Unit]:
    cells, deep = _scan_cells(read, box)
    yield from _lattice(cells, box, shape, level=0, guided=deep)
    level = 0
    while deep:
        level += 1
        cells = {(y // 2, x // 2) for y, x in cells}
        part = _coarser(box, level)
        size = level_shape(shape, level)
        if max(part.shape) <= LARGEST:
            target = part.grow(BLEND).clip(size)
            yield Unit(_centred_window(part, size), _rows(target), level)
            return
        yield from _lattice(cells, part.grow(BLEND).clip(size), size, level=level, guided=True)


def _coarser(box: Box, level: int) -> Box:
    side = 2**level
    return Box(box.y0 // side, box.x0 // side, -(-box.y1 // side), -(-box.x1 // side))


def _lattice(
    cells: Iterable[tuple[int, int]],
    part: Box,
    shape: tuple[int, int],
    *,
    level: int,
    guided: bool,
) -> Iterator[Unit]:
    for cell in cells:
        target = _cell(cell).grow(BLEND).intersect(part)
        if target.area:
            yield Unit(_cell_window(cell, shape), _rows(target), level, guided, lattice=True)


def _scan_cells(read: ReadHole, box: Box) -> tuple[set[tuple[int, int]], bool]:
    """Return the lattice cells of ``box`` that hold hole pixels, and whether the part is deep."""
    cells, deep = set(), False
    for y in range(box.y0 // PITCH, (box.y1 - 1) // PITCH + 1):
        for x in range(box.x0 // PITCH, (box.x1 - 1) // PITCH + 1):
            hole = read(_cell((y, x)).intersect(box))
            if hole.any():
                cells.add((y, x))
                deep = deep or _covers_square(hole)
    return cells, deep


def _covers_square(hole: NDArray[np.bool_]) -> bool:
    height, width = hole.shape[0] // DEEP * DEEP, hole.shape[1] // DEEP * DEEP
    squares = hole[:height, :width].reshape(height // DEEP, DEEP, width // DEEP, DEEP)
    return bool(squares.all(axis=(1, 3)).any())
