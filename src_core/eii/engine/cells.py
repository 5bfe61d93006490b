"""The regions of a result in which something is filled, told from the plan and not by looking."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eii.engine.job import Job, Task
from eii.engine.touch import Rows
from eii.image.geometry import Box, Cell, Region, cells_of, region_at


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
    for plane, tasks in by_plane.items():
        cells: set[Cell] = set()
        if any(task.lost for task in tasks):
            cells = cells_of([(plane, Box(0, 0, *shape))], side)
        for task in tasks:
            finest = [unit.targets for unit in task.units if unit.level == 0]
            if finest:
                cells |= _cells(plane, np.concatenate(finest), side)
        for cell in sorted(cells):
            _, box = region_at(cell, side)
            yield plane, box.clip(shape)


def _cells(plane: tuple[int, ...], boxes: Rows, side: tuple[int, int]) -> set[Cell]:
    """Return the cells of a grid that boxes meet, most of which lie within one."""
    sides = np.array(side)
    first, last = boxes[:, :2] // sides, (boxes[:, 2:] - 1) // sides
    one = (first == last).all(axis=1)
    found = {(plane, int(y), int(x)) for y, x in np.unique(first[one], axis=0)}
    return found | cells_of([(plane, Box(*row)) for row in boxes[~one].tolist()], side)
