"""What a restoration will take, before it begins."""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from eii.engine.job import Job
from eii.engine.layer import Layer
from eii.engine.run import Runner
from eii.engine.sizes import WINDOW
from eii.engine.trials import trials_of
from eii.image.geometry import Box, Region, cells_of
from eii.io.chunked import BUDGET
from eii.io.hole import open_hole
from eii.io.kept import CHUNK, Kept, kept_levels
from eii.io.opener import open_source
from eii.io.source import Series, Source
from eii.options import TRAINED, HoleOptions, RestoreOptions
from eii.progress import Reporting, ShouldStop, ignore_progress, never_stop
from eii.runs import runner_of

_TRIED = 3  # windows that are restored to learn how long one takes
FEW = 16
"""Windows up to which trying some of them would take as long as the run."""
_FLOATS = 60  # of four bytes, for each pixel and channel of a window while it is restored
_BASE = 150e6  # bytes that the program itself takes
_STORED = 4e8  # bytes a second that are copied or encoded and written, roughly


@dataclass(frozen=True)
class Plan:
    """What a restoration will take.

    Parameters
    ----------
    planes : int
        That hold a hole.
    pixels : int
        To be filled, over all planes.
    windows : mapping of int to int
        How many, by level: 0 is full resolution, each level up halves the size.
    area : int
        Pixels of all windows together.
    copied, rewritten : int
        Bytes of the finest level that are copied as they are, and decoded and written anew.
    seconds : float
        Estimated from a few windows that were tried; NaN where none was: for colours that train
        networks, and before a run of few windows.
    memory : int
        Bytes, estimated.
    """

    planes: int
    pixels: int
    windows: Mapping[int, int]
    area: int
    copied: int
    rewritten: int
    seconds: float
    memory: int

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        found = asdict(self)
        found["windows"] = {str(level): count for level, count in self.windows.items()}
        found["seconds"] = None if math.isnan(self.seconds) else round(self.seconds, 2)
        return found

    def __str__(self) -> str:
        count = sum(self.windows.values())
        if not self.pixels:
            return "nothing to fill"
        levels = max(self.windows, default=0)
        deep = f" on {levels + 1} levels" if levels else ""
        planes = f" of {self.planes} planes" if self.planes > 1 else ""
        how_long = "" if math.isnan(self.seconds) else f"; about {_duration(self.seconds)}"
        return (
            f"{self.pixels} pixels{planes} in {count} window{'' if count == 1 else 's'}{deep}; "
            f"{self.copied / 1e6:.1f} MB to copy, {self.rewritten / 1e6:.1f} MB to write anew"
            f"{how_long}, {self.memory / 1e6:.0f} MB of memory"
        )


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 2:
        return f"{seconds:.1f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def plan(
    image: Any,
    hole: Any,
    *,
    options: RestoreOptions | None = None,
    series: Series | None = None,
    axes: str | None = None,
    large: bool = False,
    hole_options: HoleOptions | None = None,
    convert: bool = False,
    should_stop: ShouldStop = never_stop,
) -> Plan:
    """Say what `restore_to_zarr` will take with the same arguments.

    Parameters
    ----------
    image, hole, options, series, axes, large, hole_options, convert, should_stop
        As for `restore_to_zarr`.

    Returns
    -------
    Plan

    Raises
    ------
    SourceError, ImageError, HoleError, OptionError, Cancelled
        As `restore_to_zarr`.

    Notes
    -----
    The hole is read whole, but for chunks that are not stored; of the image a few windows are.
    """
    options = options or RestoreOptions()
    source = open_source(image, series=series, axes=axes, large=large)
    opened = open_hole(hole, source, options=hole_options, large=large)
    runner, _ = runner_of(source, opened, options, Reporting(ignore_progress, should_stop))
    return plan_of(runner, source, options, () if convert else kept_levels(source))


def plan_of(
    runner: Runner,
    source: Source,
    options: RestoreOptions,
    kept: tuple[Kept, ...],
    *,
    timed: bool = True,
) -> Plan:
    """Return what a runner will take; see `plan`. Unless ``timed``, no window is tried."""
    job = runner.job
    windows = Counter(unit.level for task in job.tasks for unit in task.units)
    area = sum(unit.window.area for task in job.tasks for unit in task.units)
    side = kept[0].region if kept else (CHUNK, CHUNK)
    touched = runner.touched(source.plane_shape, side)
    copied, rewritten = _bytes(source, kept, touched)
    threads = options.workers or os.cpu_count() or 1
    pace = _pace(runner, options) if timed else math.nan
    tried = 0
    if options.standard_error:
        sized = runner.backbone.window is not None
        tried = sum(unit.window.area for _, _, unit in trials_of(job, sized=sized))
    seconds = pace * (area + tried) / threads + (copied + rewritten) / _STORED
    return Plan(
        planes=len({task.plane for task in job.tasks if task.units or task.lost}),
        pixels=_count(job, touched),
        windows=dict(sorted(windows.items())),
        area=area,
        copied=copied,
        rewritten=rewritten,
        seconds=seconds,
        memory=_memory(job, source, side, threads),
    )


def _count(job: Job, touched: list[Region]) -> int:
    """Return how many pixels are filled in any of their channels."""
    layers: dict[tuple[int, ...], list[Layer]] = {}
    for task in job.tasks:
        if task.units or task.lost:
            layers.setdefault(task.plane, []).append(task.layer)
    return sum(
        int(np.logical_or.reduce([layer.read_hole(box) for layer in layers[plane]]).sum())
        for plane, box in touched
    )


def _bytes(source: Source, kept: tuple[Kept, ...], touched: list[Region]) -> tuple[int, int]:
    """Return how many bytes are copied and how many are written anew."""
    if not kept:
        return 0, math.prod(source.shape) * source.dtype.itemsize
    return kept[0].sizes(cells_of(touched, kept[0].region))


def _pace(runner: Runner, options: RestoreOptions) -> float:
    """Return how many seconds of one thread a pixel of a window takes."""
    if options.colour in TRAINED:
        return math.nan
    alike = [
        (number, index, unit.window.area)
        for number, task in enumerate(runner.job.tasks)
        for index, unit in enumerate(task.units)
        if not unit.guided
    ]
    spent, area = 0.0, 0
    for at in np.linspace(0, len(alike) - 1, min(_TRIED + 1, len(alike))).astype(int):
        number, index, own = alike[at]
        begun = time.monotonic()
        runner.restored(number, [index])
        # The first one also pays for what is loaded once.
        if at or len(alike) == 1:
            spent, area = spent + time.monotonic() - begun, area + own
    return spent / area if area else 0.0


def _memory(job: Job, source: Source, side: tuple[int, int], threads: int) -> int:
    channels, size = source.channels, source.dtype.itemsize
    window = WINDOW**2 * 4 * _FLOATS * (1 + channels / 3)
    region = Box(0, 0, *side).clip(source.plane_shape).area * channels * (2 * size + 6)
    remembered = min(2 * BUDGET, 2 * math.prod(source.shape) * size)
    units = 1000 * job.unit_count
    return int(_BASE + threads * (window + region) + remembered + units)
