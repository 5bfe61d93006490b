"""From a hole to units of work: a pure function of the hole and the windows' size.

Small parts of a hole share the window of their lattice cell; parts of medium size have a window of
their own; parts larger than a window are cut by a lattice anchored at the image's origin, after a
completion at coarser levels when they are also deep. Chunks and workers have no say, so the result
cannot depend on them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from eii.engine.label import ReadHole, hole_boxes
from eii.image.geometry import Box, union

WINDOW = 512
"""Side of a window, in pixels."""
HALO = 64
"""Least context around what a window fills, in pixels."""
NEAR = 16
"""Context around whole parts that a backbone which sees only their border needs."""
PITCH = WINDOW // 2
"""Side of a lattice cell."""
BLEND = 32
"""Pixels by which the windows of a lattice overlap in what they fill."""
GRID = 32
"""Window origins are multiples of it: every backbone's stride divides it."""
LARGEST = WINDOW - 2 * (HALO + GRID)
"""Side of the largest part that fits one window with its context, wherever the window starts."""
DEEP = 64
"""A part is deep when it covers a whole aligned square of this side: no window sees across it."""


@dataclass(frozen=True)
class Unit:
    """One window to restore.

    Parameters
    ----------
    window : Box
        What is read, in pixels of ``level``.
    targets : tuple of Box
        What is filled: disjoint boxes inside the window.
    level : int
        0 is full resolution; each level up halves the size.
    guided : bool
        Whether the level above gives a first fill.
    lattice : bool
        Whether neighbours overlap and are blended.
    """

    window: Box
    targets: tuple[Box, ...]
    level: int = 0
    guided: bool = False
    lattice: bool = False

    @property
    def order(self) -> tuple[int, Box, tuple[Box, ...]]:
        """Return the key that units are sorted by: coarse levels first."""
        return -self.level, self.window, self.targets


def plan_plane(read: ReadHole, shape: tuple[int, int]) -> tuple[Unit, ...]:
    """Plan the restoration of one plane.

    Parameters
    ----------
    read : callable
        Takes a `Box` and returns the hole in it, bool.
    shape : (int, int)
        Size of the plane (M, N).

    Returns
    -------
    tuple of Unit
        Sorted, coarse levels first. The targets of level 0 together hold every hole pixel.

    Notes
    -----
    Memory follows the number of parts, not the size of the image or of a part.
    """
    small: dict[tuple[int, int], list[Box]] = defaultdict(list)
    units: list[Unit] = []
    for box in hole_boxes(read, shape):
        side = max(box.shape)
        if side <= PITCH // 2:
            small[_cell_of_centre(box)].append(box)
        elif side <= LARGEST:
            units.append(Unit(_centred_window(box, shape), (box,)))
        else:
            units.extend(_plan_large(read, box, shape))
    units += [Unit(_cell_window(cell, shape), tuple(boxes)) for cell, boxes in small.items()]
    return tuple(sorted(units, key=lambda unit: unit.order))


def fit_window(unit: Unit, shape: tuple[int, int]) -> Unit:
    """Return the unit with the smallest window that a backbone of any size needs."""
    whole_parts = unit.level == 0 and not unit.lattice
    need = union(unit.targets).grow(NEAR if whole_parts else HALO)
    return Unit(
        need.clip(level_shape(shape, unit.level)).intersect(unit.window),
        unit.targets,
        unit.level,
        unit.guided,
        unit.lattice,
    )


def level_shape(shape: tuple[int, int], level: int) -> tuple[int, int]:
    """Return the size of a plane at a level; the last cells may be partial."""
    return -(-shape[0] // 2**level), -(-shape[1] // 2**level)


def _cell_of_centre(box: Box) -> tuple[int, int]:
    return (box.y0 + box.y1) // 2 // PITCH, (box.x0 + box.x1) // 2 // PITCH


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
            yield Unit(_centred_window(part, size), (target,), level)
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
            yield Unit(_cell_window(cell, shape), (target,), level, guided, lattice=True)


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


def _covers_square(hole: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> bool:
    height, width = hole.shape[0] // DEEP * DEEP, hole.shape[1] // DEEP * DEEP
    squares = hole[:height, :width].reshape(height // DEEP, DEEP, width // DEEP, DEEP)
    return bool(squares.all(axis=(1, 3)).any())
