"""Boxes on the pixel grid, as plain integer arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

BLOCK = 2048
"""Side of the boxes in which a plane is read, in pixels."""


@dataclass(frozen=True, order=True)
class Box:
    """A half-open rectangle of pixels: rows ``y0 <= y < y1``, columns ``x0 <= x < x1``."""

    y0: int
    x0: int
    y1: int
    x1: int

    def __str__(self) -> str:
        return f"rows {self.y0} to {self.y1}, columns {self.x0} to {self.x1}"

    @property
    def height(self) -> int:
        return self.y1 - self.y0

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def shape(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def area(self) -> int:
        return max(0, self.height) * max(0, self.width)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index that cuts this box out of an (M, N, ...) array."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def grow(self, margin: int) -> Box:
        """Return the box with ``margin`` more pixels on each side."""
        return Box(self.y0 - margin, self.x0 - margin, self.y1 + margin, self.x1 + margin)

    def middle(self, side: int) -> Box:
        """Return the middle of the box, at most ``side`` pixels high and wide."""
        y0 = self.y0 + max(0, self.height - side) // 2
        x0 = self.x0 + max(0, self.width - side) // 2
        return Box(y0, x0, y0 + min(side, self.height), x0 + min(side, self.width))

    def intersect(self, other: Box) -> Box:
        """Return the common part; its area is 0 when there is none."""
        y0, x0 = max(self.y0, other.y0), max(self.x0, other.x0)
        y1, x1 = min(self.y1, other.y1), min(self.x1, other.x1)
        return Box(y0, x0, max(y0, y1), max(x0, x1))

    def clip(self, shape: tuple[int, int]) -> Box:
        """Return the part that lies in an image of ``shape`` (M, N)."""
        return self.intersect(Box(0, 0, *shape))

    def relative_to(self, origin: Box) -> Box:
        """Return the box in the coordinates of ``origin``'s top left pixel."""
        return Box(
            self.y0 - origin.y0, self.x0 - origin.x0, self.y1 - origin.y0, self.x1 - origin.x0
        )

    def contains(self, other: Box) -> bool:
        """Tell whether ``other`` lies wholly in this box."""
        return (
            self.y0 <= other.y0
            and self.x0 <= other.x0
            and other.y1 <= self.y1
            and other.x1 <= self.x1
        )

    def touches(self, other: Box, distance: int = 0) -> bool:
        """Tell whether two boxes overlap or lie within ``distance`` pixels of one another."""
        return (
            self.y0 <= other.y1 + distance
            and other.y0 <= self.y1 + distance
            and self.x0 <= other.x1 + distance
            and other.x0 <= self.x1 + distance
        )


def union(boxes: Iterable[Box]) -> Box:
    """Return the smallest box that holds every one of ``boxes`` (at least one)."""
    items = list(boxes)
    return Box(
        min(b.y0 for b in items),
        min(b.x0 for b in items),
        max(b.y1 for b in items),
        max(b.x1 for b in items),
    )


def blocks_of(shape: tuple[int, int], side: int | tuple[int, int] = BLOCK) -> Iterator[Box]:
    """Yield the lattice of boxes that covers an image, row by row."""
    rows, columns = side if isinstance(side, tuple) else (side, side)
    for y in range(0, shape[0], rows):
        for x in range(0, shape[1], columns):
            yield Box(y, x, y + rows, x + columns).clip(shape)


Region: TypeAlias = tuple[tuple[int, ...], Box]
"""A plane and a box on it."""

Cell: TypeAlias = tuple[tuple[int, ...], int, int]
"""A plane, and a row and column of a grid of regions on it, counted from the image's origin."""


def cells_of(touched: Iterable[Region], sides: tuple[int, int]) -> set[Cell]:
    """Return the cells of a grid of regions with these sides that some boxes meet."""
    rows, columns = sides
    return {
        (plane, y, x)
        for plane, box in touched
        for y in range(box.y0 // rows, (box.y1 - 1) // rows + 1)
        for x in range(box.x0 // columns, (box.x1 - 1) // columns + 1)
    }


def region_at(cell: Cell, sides: tuple[int, int]) -> Region:
    """Return the region of a cell; it may reach beyond the image."""
    plane, row, column = cell
    y, x = row * sides[0], column * sides[1]
    return plane, Box(y, x, y + sides[0], x + sides[1])
