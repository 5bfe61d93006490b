"""The regions of a result in which something is filled, told from the plan and not by looking."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eii.engine.job import Job, Task
from eii.engine.touch import Rows
from eii.image.geometry import Box

Region = tuple[tuple[int, ...], Box]


def touched_regions(job: Job, shape: tuple[int, int], side: tuple[int, int]) -> Iterator[Region]:
    """Yield the plane and box of every region in which something may be filled, in order.

    Parameters
    ----------
    job : Job
    shape : (int, int)
        Size of a plane.
    side : (int, int)
        Of the regions, which are counted from the image's origin.
    """
    by_plane: dict[tuple[int, ...], list[Task]] = {}
    for task in job.tasks:
        by_plane.setdefault(task.plane, []).append(task)
    count = tuple(-(-n // s) for n, s in zip(shape, side, strict=True))
    for plane, tasks in by_plane.items():
        cells: set[tuple[int, int]] = set()
        if any(task.lost for task in tasks):
            cells.update(np.ndindex(*count))
        else:
            for task in tasks:
                finest = [unit.targets for unit in task.units if unit.level == 0]
                if finest:
                    cells.update(_cells(np.concatenate(finest), side))
        for row, column in sorted(cells):
            y, x = row * side[0], column * side[1]
            yield plane, Box(y, x, y + side[0], x + side[1]).clip(shape)


def _cells(boxes: Rows, side: tuple[int, int]) -> set[tuple[int, int]]:
    """Return the cells of a grid that boxes meet."""
    sides = np.array(side)
    first, last = boxes[:, :2] // sides, (boxes[:, 2:] - 1) // sides
    one = (first == last).all(axis=1)
    found = {(int(y), int(x)) for y, x in np.unique(first[one], axis=0)}
    for low, high in zip(first[~one].tolist(), last[~one].tolist(), strict=True):
        rows, columns = range(low[0], high[0] + 1), range(low[1], high[1] + 1)
        found.update((y, x) for y in rows for x in columns)
    return found
