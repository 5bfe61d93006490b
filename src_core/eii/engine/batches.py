"""Which units are completed together, and which are kept in one file: fixed by the plan alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from eii.engine.job import Job
from eii.engine.plan import Unit
from eii.engine.sizes import WINDOW

_LARGEST = 16 * WINDOW**2  # area of the windows of a pack: some seconds of work
_LEAST = 64  # packs of a job at least, where it has as many windows: enough for many workers
_MANY = 1024  # units of a pack at the most


@dataclass(frozen=True)
class Packs:
    """The packs of a task.

    Parameters
    ----------
    batches : list of list of list of int
        For each pack its batches, each the positions of units.
    of : dict of int to int
        The pack that holds each unit.
    """

    batches: list[list[list[int]]]
    of: dict[int, int]


def packs_of(job: Job, batch: int) -> list[Packs]:
    """Return the packs of each task of a job, for a backbone that takes ``batch`` windows."""
    area = sum(unit.window.area for task in job.tasks for unit in task.units)
    most = min(_LARGEST, area // _LEAST)
    return [_packs(task.units, batch, most) for task in job.tasks]


def _packs(units: Sequence[Unit], batch: int, most: int) -> Packs:
    found: list[list[list[int]]] = []
    filled, level = 0, None
    for own in _batches(units, batch):
        area = sum(units[i].window.area for i in own)
        count = sum(map(len, found[-1])) if found else 0
        if level != units[own[0]].level or filled + area > most or count + len(own) > _MANY:
            found.append([])
            filled, level = 0, units[own[0]].level
        found[-1].append(own)
        filled += area
    of = {i: n for n, pack in enumerate(found) for own in pack for i in own}
    return Packs(found, of)


def _batches(units: Sequence[Unit], batch: int) -> Iterator[list[int]]:
    """Yield runs of units of one level whose windows are of one size."""
    if batch == 1:
        yield from ([i] for i in range(len(units)))
        return

    def kind(i: int) -> tuple[int, tuple[int, int], bool]:
        unit = units[i]
        return -unit.level, unit.window.shape, unit.guided

    for _, alike in groupby(sorted(range(len(units)), key=kind), kind):
        own = list(alike)
        for start in range(0, len(own), batch):
            yield own[start : start + batch]
