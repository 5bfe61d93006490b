"""Known pixels hidden in the shapes of an image's own holes, restored, and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from eii.engine.doubt import Trial, calibrated
from eii.engine.job import Job
from eii.engine.label import always
from eii.engine.layer import Layer, ReadHoles
from eii.engine.patches import Patch, lay
from eii.engine.plan import Unit, fit_window
from eii.engine.recipe import Recipe
from eii.engine.run import Runner
from eii.engine.units import restore_units
from eii.image.dtype import to_unit
from eii.image.geometry import Box
from eii.image.hole import box_around, spread_square

BoolArray = NDArray[np.bool_]
RestoreOne = Callable[[Unit, Layer, Recipe], Patch]

_MOST = 10  # windows of a group that are tried
_SHARE = 4  # one window in so many is tried, for the time it takes
_APART = 3  # pixels between what is hidden and the image's own holes
_WHOLE = 0.5  # of a hole that must fit among the known pixels; else another place is tried
_LEAST = 8  # pixels
_FULL = 0.5  # share of a window from which on a hole of it is cut down to its middle
_STEPS = (1.0, 2.0, 0.5)  # sides of the window by which it is moved
_AROUND = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))


@dataclass(frozen=True, eq=False)
class Place:
    """Where a hole is tried: a window, and the pixels hidden in it (h, w, C or 1)."""

    window: Box
    hidden: BoolArray


Found = tuple[int, int, Trial | None]
"""Number of a trial, its group of channels, and what it showed."""


def calibrate(
    runner: Runner, run: Callable[[Iterable[Callable[[], Found]]], Iterable[Found]]
) -> Runner:
    """Measure how far what a runner invents may be off.

    Parameters
    ----------
    runner : Runner
    run : callable
        Runs calls, in any order or at the same time; yields what each returns.

    Returns
    -------
    Runner
        The same, which knows it.
    """
    job, sized = runner.job, runner.backbone.window is not None
    calls = [
        partial(_try, runner, count, group, number, unit)
        for count, (group, number, unit) in enumerate(trials_of(job, sized=sized))
    ]
    found = sorted(run(calls), key=lambda one: one[0])
    return runner.calibrated(
        [
            calibrated([t for _, own, t in found if own == number and t], len(group.channels))
            for number, group in enumerate(job.groups)
        ]
    )


def _try(runner: Runner, count: int, group: int, number: int, unit: Unit) -> Found:
    """Try a unit of a task elsewhere; a function, so that it can be sent without its runner."""

    def restore(own: Unit, layer: Layer, recipe: Recipe) -> Patch:
        guide = partial(lay, (), channels=recipe.scale.channels)
        return restore_units([own], layer, recipe, backbone=runner.backbone, read_guide=guide)[0]

    layer, recipe = runner.job.tasks[number].layer, runner.recipe(number)
    return count, group, try_one(unit, layer, recipe, restore)


def trials_of(job: Job, *, sized: bool) -> Iterator[tuple[int, int, Unit]]:
    """Yield the group, task and unit of the windows whose holes are tried elsewhere.

    Parameters
    ----------
    job : Job
    sized : bool
        The backbone has windows of one size.
    """
    for group in range(len(job.groups)):
        units = [
            (number, unit)
            for number, task in enumerate(job.tasks)
            if task.group == group
            for unit in task.units
            if unit.level == 0
        ]
        count = min(_MOST, -(-len(units) // _SHARE))
        at = ((np.arange(count) + 0.5) * len(units) / max(1, count)).astype(int)
        for i in at:
            number, unit = units[i]
            shape = job.tasks[number].layer.shape
            yield group, number, unit if sized else fit_window(unit, shape)


def try_one(unit: Unit, layer: Layer, recipe: Recipe, restore: RestoreOne) -> Trial | None:
    """Hide known pixels in the shape of a unit's hole, restore them, and compare.

    Parameters
    ----------
    unit : Unit
    layer : Layer
    recipe : Recipe
    restore : callable
        Restores a unit of a layer.

    Returns
    -------
    Trial or None
        None where there is no place for it among the known pixels.
    """
    place = _place_of(unit, layer)
    if place is None:
        return None
    window, hidden = place.window, place.hidden
    any_hidden = np.asarray(hidden.any(axis=2))
    around = box_around(any_hidden)
    extent = around.relative_to(Box(-window.y0, -window.x0, 0, 0))
    target = np.array([[extent.y0, extent.x0, extent.y1, extent.x1]], np.int64)
    patch = restore(Unit(window, target), _hiding(layer, place), recipe)
    taken = any_hidden[around.slices]
    filled = np.zeros((*extent.shape, patch.values.shape[1]), np.float32)
    doubt = np.zeros((*extent.shape, 2), np.float32)
    filled[patch.mask], doubt[patch.mask] = patch.values, patch.doubt
    truth = to_unit(layer.read_image(extent), recipe.scale)
    off = np.where(hidden[around.slices], np.abs(filled - truth), np.float32(np.nan))
    return doubt[taken], np.asarray(off[taken], np.float32)


def _place_of(unit: Unit, layer: Layer) -> Place | None:
    """Return where the hole of a unit fits among known pixels best; the first place will do."""
    pattern = _pattern(unit, layer)
    total = int(pattern.any(axis=2).sum())
    best, most = None, _LEAST - 1
    for window, hidden in _candidates(unit.window, pattern, layer.shape):
        unknown = layer.read_unknown(window)
        free = ~spread_square(unknown, _APART)
        found = hidden & free[..., np.newaxis]
        count = int(found.any(axis=2).sum())
        if count > most and _may_hold(layer, window, unknown, np.asarray(found.any(axis=2))):
            best, most = Place(window, found), count
        if most >= _WHOLE * total:
            break
    return best


def _may_hold(layer: Layer, window: Box, unknown: BoolArray, hidden: BoolArray) -> bool:
    """Tell whether a window has known pixels left, and none that is not finite."""
    if (unknown | hidden).all():
        return False
    pixels = layer.read_image(window)
    if pixels.dtype.kind != "f":
        return True
    return bool((np.isfinite(pixels).all(axis=2) | unknown).all())


def _pattern(unit: Unit, layer: Layer) -> BoolArray:
    """Return the hole of a window, shape (h, w, C or 1), with known pixels around it."""
    window = unit.window
    if layer.read_holes is None:
        pattern = layer.read_hole(window)[..., np.newaxis]
    else:
        pattern = layer.read_holes(window)
    if pattern.any(axis=2).mean() > _FULL:
        inner = np.zeros(window.shape, bool)
        rows, columns = (slice(n // 6, n - n // 6) for n in window.shape)
        inner[rows, columns] = True
        pattern = pattern & inner[..., np.newaxis]
    return np.asarray(pattern)


def _candidates(
    window: Box, pattern: BoolArray, shape: tuple[int, int]
) -> Iterator[tuple[Box, BoolArray]]:
    """Yield windows of the same size, and what would be hidden in them, nearest first."""
    height, width = window.shape
    seen = {window}
    for step in _STEPS:
        for down, right in _AROUND:
            y = int(np.clip(window.y0 + round(down * step * height), 0, shape[0] - height))
            x = int(np.clip(window.x0 + round(right * step * width), 0, shape[1] - width))
            moved = Box(y, x, y + height, x + width)
            if moved not in seen:
                seen.add(moved)
                yield moved, pattern
    for turned in (pattern[::-1, ::-1], pattern[::-1], pattern[:, ::-1]):
        yield window, turned
    for axis in (0, 1):
        yield window, np.roll(pattern, pattern.shape[axis] // 2, axis=axis)


def _hiding(layer: Layer, place: Place) -> Layer:
    """Return a layer whose hole holds what is hidden, too."""

    def hidden_in(box: Box) -> BoolArray:
        found = np.zeros((*box.shape, place.hidden.shape[2]), bool)
        common = box.intersect(place.window)
        if common.area:
            part = place.hidden[common.relative_to(place.window).slices]
            found[common.relative_to(box).slices] = part
        return found

    def read_hole(box: Box) -> BoolArray:
        return np.asarray(layer.read_hole(box) | hidden_in(box).any(axis=2))

    several = layer.read_holes
    if several is not None:
        several = partial(_joined, several, hidden_in)
    return replace(layer, read_hole=read_hole, read_holes=several, spots=None, may_hold=always)


def _joined(one: ReadHoles, other: ReadHoles, box: Box) -> BoolArray:
    return np.asarray(one(box) | other(box))
