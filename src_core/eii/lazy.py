"""Restoration of dask arrays: a graph of windows and of the chunks that they touch."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from eii.engine.job import Task
from eii.engine.run import Runner
from eii.external.rim import BORDER, REACH
from eii.image.around import CELL
from eii.image.geometry import Box
from eii.image.hints import Hints
from eii.io.axes import named_axes, plane_key
from eii.io.chunked import Index
from eii.io.hole import open_hole
from eii.io.lazy import Chunks, scanned
from eii.io.opener import open_source
from eii.io.source import Source, array_source
from eii.lazy_tasks import GivenPatches, Kit, fill_region, lay_on, restore_batch
from eii.options import RestoreOptions
from eii.progress import Reporting, ignore_progress, never_stop
from eii.runs import runner_of

Key = tuple[Any, ...]
Plane = tuple[int, ...]


def is_lazy(array: object) -> bool:
    """Tell whether an array is dask's, without importing it."""
    return type(array).__module__.partition(".")[0] == "dask" and hasattr(array, "to_delayed")


def restore_lazily(
    image: Any,
    hole: Any,
    *,
    options: RestoreOptions,
    hints: Hints | None = None,
    axes: str | None = None,
) -> Any:
    """Return a dask array of the chunks of ``image``, its holes filled when it is computed.

    Parameters
    ----------
    image : dask.array.Array
    hole : dask.array.Array, or any array
    options, hints, axes
        As for `eii.restore`.

    Notes
    -----
    The hole is looked through once, in parallel, and the windows are planned, before this returns;
    for that, some of the image's chunks are computed. Each window is a task that is given the
    chunks it reads; a chunk that nothing touches is the source's own.
    """
    from dask.array import Array
    from dask.base import tokenize
    from dask.highlevelgraph import HighLevelGraph

    source = open_source(array_source(Chunks(image), "the array", named_axes(axes, image.shape)))
    opened = open_hole(scanned(hole) if is_lazy(hole) else hole, source)
    reporting = Reporting(ignore_progress, never_stop)
    runner, _ = runner_of(source, opened, options, reporting, hints, patches=GivenPatches())
    token = tokenize(image, hole, options, hints, axes)
    graph = Graph(runner, source, options, image, token)
    name = f"eii-restored-{token}"
    layers = HighLevelGraph.from_collections(name, dict(graph.chunks(name)), dependencies=[image])
    return Array(layers, name, image.chunks, dtype=image.dtype)


class Graph:
    """The tasks of a restoration.

    Parameters
    ----------
    runner : Runner
    source : Source
    options : RestoreOptions
    image : dask.array.Array
    token : str
        Tells this restoration from others.
    """

    def __init__(
        self, runner: Runner, source: Source, options: RestoreOptions, image: Any, token: str
    ) -> None:
        self._runner, self._source, self._image = runner, source, image
        self._kit = Kit(runner, source, options.keep_alpha)
        self._names = {part: f"eii-{part}-{token}" for part in ("kit", "units", "region")}
        auto = 2 * (REACH + BORDER) + CELL
        self._margin = options.grow if isinstance(options.grow, int) else auto
        reader: Any = source.array
        self._reader: Chunks = reader
        at = [source.axes.index(a) for a in "yx"]
        self._edges = [np.cumsum([0, *reader.sizes[n]]).tolist() for n in at]
        self._batches = [runner.batches(n) for n in range(len(runner.job.tasks))]
        self._of = [{i: n for n, b in enumerate(own) for i in b} for own in self._batches]

    def chunks(self, name: str) -> Iterator[tuple[Key | str, Any]]:
        """Yield all tasks by their keys; those of chunks are called ``name``."""
        tasks = self._runner.job.tasks
        touched: dict[tuple[Plane, int, int], set[int]] = {}
        for number, task in enumerate(tasks):
            for cell in self._cells(task):
                touched.setdefault((task.plane, *cell), set()).add(number)
        yield self._names["kit"], self._kit
        for number, own in enumerate(self._batches):
            for count, batch in enumerate(own):
                yield (self._names["units"], number, count), self._units(number, batch)
        for (plane, y, x), numbers in touched.items():
            yield (self._names["region"], *plane, y, x), self._region(plane, y, x, numbers)
        yield from self._outputs(name, set(touched))

    def _cells(self, task: Task) -> set[tuple[int, int]]:
        """Return the rows and columns of chunks in which a task fills something."""
        counts = [len(edges) - 1 for edges in self._edges]
        if task.lost:
            return set(product(range(counts[0]), range(counts[1])))
        found: set[tuple[int, int]] = set()
        for unit in task.units:
            if unit.level == 0:
                for y0, x0, y1, x1 in unit.targets.tolist():
                    rows, columns = (
                        range(bisect_right(edges, low) - 1, bisect_right(edges, high - 1))
                        for edges, low, high in zip(self._edges, (y0, x0), (y1, x1), strict=True)
                    )
                    found.update(product(rows, columns))
        return found

    def _units(self, number: int, batch: Sequence[int]) -> Key:
        """Return the task that restores a batch of windows."""
        task = self._runner.job.tasks[number]
        units = [task.units[i] for i in batch]
        factor = 2 ** units[0].level
        needed: dict[Index, None] = {}
        above: dict[int, None] = {}
        for unit in units:
            w = unit.window
            full = Box(w.y0 * factor, w.x0 * factor, w.y1 * factor, w.x1 * factor)
            needed |= dict.fromkeys(self._needed(task.plane, full))
            if unit.guided:
                guide = Box(w.y0 // 2, w.x0 // 2, -(-w.y1 // 2) + 1, -(-w.x1 // 2) + 1)
                above |= dict.fromkeys(self._runner.index(number, unit.level + 1).meeting(guide))
        patches = dict.fromkeys((number, self._of[number][i]) for i in above)
        return restore_batch, self._names["kit"], number, batch, *self._parts(needed, patches)

    def _region(self, plane: Plane, y: int, x: int, numbers: set[int]) -> Key:
        """Return the task that fills a region of a plane, all channels of it."""
        (y0, y1), (x0, x1) = (e[i : i + 2] for e, i in zip(self._edges, (y, x), strict=True))
        box = Box(y0, x0, y1, x1)
        tasks = self._runner.job.tasks
        sources = [n for m in sorted(numbers) for n, _ in tasks[m].sources]
        needed = dict.fromkeys(self._needed(plane, box))
        patches: dict[tuple[int, int], None] = {}
        for number in (*sorted(numbers), *sources):
            needed |= dict.fromkeys(self._needed(tasks[number].plane, box))
            for i in self._runner.index(number, 0).meeting(box):
                patches[number, self._of[number][i]] = None
        return fill_region, self._names["kit"], plane, box, *self._parts(needed, patches)

    def _needed(self, plane: Plane, box: Box) -> list[Index]:
        wide = box.grow(self._margin).clip(self._source.plane_shape)
        return self._reader.blocks_at(plane_key(self._source.axes, plane, *wide.slices))

    def _parts(
        self, chunks: Mapping[Index, None], patches: Mapping[tuple[int, int], None]
    ) -> tuple[list[Index], list[Key], list[Key]]:
        # As lists of lists: tuples of a graph are tasks and keys.
        return (
            [list(index) for index in chunks],  # type: ignore[misc]
            [(self._image.name, *index) for index in chunks],
            [(self._names["units"], *key) for key in patches],
        )

    def _outputs(
        self, name: str, touched: set[tuple[Plane, int, int]]
    ) -> Iterator[tuple[Key, Any]]:
        """Yield the tasks of chunks: the source's own, or with what is filled laid on it."""
        axes = self._source.axes
        starts = [np.cumsum([0, *own]).tolist() for own in self._reader.sizes]
        for index in product(*(range(len(own)) for own in self._reader.sizes)):
            spans = {
                a: range(own[i], own[i + 1]) for a, own, i in zip(axes, starts, index, strict=True)
            }
            y, x = (index[axes.index(a)] for a in "yx")
            planes = product(*(spans[a] for a in "tz" if a in axes))
            own_planes = [plane for plane in planes if (plane, y, x) in touched]
            key = (self._image.name, *index)
            if own_planes:
                regions = [(self._names["region"], *plane, y, x) for plane in own_planes]
                at = [
                    [p - spans[a].start for p, a in zip(plane, self._stack(), strict=True)]
                    for plane in own_planes
                ]
                c = spans.get("c", range(1))
                yield (name, *index), (lay_on, key, axes, at, [c.start, c.stop], regions)
            else:
                yield (name, *index), key

    def _stack(self) -> list[str]:
        return [a for a in "tz" if a in self._source.axes]
