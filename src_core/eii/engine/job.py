"""A whole image made ready: its layers, their units, and the recipe they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from itertools import product

import numpy as np
from numpy.typing import NDArray

from eii.engine.hints import spots_of
from eii.engine.layer import Layer, ReadLuma
from eii.engine.plan import Unit, plan_plane
from eii.engine.readers import (
    HoleReader,
    ImageReader,
    MissingReader,
    Plane,
    Reads,
    VeilReader,
    layer_of,
)
from eii.engine.recipe import Recipe, make_recipe
from eii.errors import HintError, HoleError, OptionError
from eii.image.geometry import Box, blocks_of
from eii.image.hints import Hints
from eii.options import GROW_AUTO, RestoreOptions
from eii.progress import OnProgress, Progress, ShouldStop, ignore_progress, never_stop

_SALT = 2**32 + 15  # between the random numbers of one plane and the next


@dataclass(frozen=True)
class Group:
    """Channels restored together.

    Parameters
    ----------
    channels : tuple of int
    rgb : bool
        Whether they are red, green and blue.
    """

    channels: tuple[int, ...]
    rgb: bool = False


@dataclass(frozen=True)
class Task:
    """One plane of one group, with its units.

    Parameters
    ----------
    plane : tuple of int
    group : int
    layer : Layer
    units : tuple of Unit
    lost : bool
        Not one pixel of it is known.
    sources : tuple of (int, float)
        Of a lost one: the tasks that it is filled from, and their weights.
    """

    plane: Plane
    group: int
    layer: Layer
    units: tuple[Unit, ...]
    lost: bool = False
    sources: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Job:
    """Everything a run needs; a pure function of image, hole and options."""

    groups: tuple[Group, ...]
    recipes: tuple[Recipe | None, ...]
    tasks: tuple[Task, ...]
    by_channel: bool = False

    @property
    def unit_count(self) -> int:
        """Return how many windows will be restored."""
        return sum(len(task.units) for task in self.tasks)

    def digest(self) -> str:
        """Return a digest of the plan: what is filled, in which windows, from which planes."""
        found = blake2b(digest_size=16)
        for task in self.tasks:
            found.update(repr((task.plane, task.group, task.lost, task.sources)).encode())
            for unit in task.units:
                found.update(repr((unit.window, unit.level, unit.guided, unit.lattice)).encode())
                found.update(unit.targets.tobytes())
        return found.hexdigest()


def make_job(
    image: ImageReader,
    hole: HoleReader,
    options: RestoreOptions,
    *,
    luma: ReadLuma | None = None,
    hints: Hints | None = None,
    missing: MissingReader | None = None,
    edges: HoleReader | None = None,
    veils: Mapping[Plane, VeilReader] | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Job:
    """Plan the restoration of an image.

    Parameters
    ----------
    image : ImageReader
    hole : HoleReader
    options : RestoreOptions
    luma : callable, optional
        Takes a `Box`, returns the complete luma in it; then no backbone is asked.
    hints : Hints, optional
        Colours that a person set.
    missing : MissingReader, optional
        Pixels that hold no data.
    edges : HoleReader, optional
        Edges that a person drew.
    veils : mapping of plane to VeilReader, optional
        What gives some of the hole's pixels from what was measured there.
    on_progress : callable
        Is told of every plane that is planned.
    should_stop : callable
        Is asked at every read, of the plan and of the units.

    Returns
    -------
    Job

    Raises
    ------
    Cancelled
        If ``should_stop`` said so.
    HoleError
        If the hole covers a whole plane of a group.
    ImageError
        If a known pixel near the hole is not finite.
    HintError
        If a hint does not fit the image or the hole.
    OptionError
        If the options do not fit the image's channels.
    """
    groups = pick_groups(image, hole, options)
    _check_hinted(groups, hints)
    made: list[Task] = []
    total = len(image.planes) * len(groups)
    for plane, (index, group) in product(image.planes, enumerate(groups)):
        on_progress(Progress("prepare", len(made), total))
        reads = Reads(image, hole, plane, list(group.channels), should_stop, missing, group.rgb)
        layer = layer_of(reads, image.plane_shape, grow=options.grow)
        layer = replace(layer, salt=len(made) * _SALT)
        made.append(_make_task(index, plane, layer, fill=options.fill_planes))
    tasks = _with_sources(made, len(groups))
    given = (luma, hints, edges, veils or {})
    tasks = tuple(_with_given(task, groups[task.group], *given) for task in tasks)
    recipes = tuple(
        make_recipe(
            [(t.layer, t.units) for t in tasks if t.group == i],
            options,
            channels=len(group.channels),
            rgb=group.rgb,
        )
        for i, group in enumerate(groups)
    )
    # A rim is looked for in each group on its own.
    apart = hole.by_channel or (len(groups) > 1 and options.grow == GROW_AUTO)
    on_progress(Progress("prepare", total, total))
    return Job(groups, recipes, tasks, apart)


def pick_groups(image: ImageReader, hole: HoleReader, options: RestoreOptions) -> tuple[Group, ...]:
    """Return which channels are restored together; alpha belongs to none.

    Raises
    ------
    OptionError
        If RGB is asked for and the image has fewer than three channels.
    """
    count = image.channels - image.has_alpha
    every = tuple(range(count))
    if options.channels == "rgb" and count < 3:
        raise OptionError(
            f"`channels` 'rgb' needs three channels; the image has {count}. Use 'auto'."
        )
    if options.channels == "each" or count == 1:
        return tuple(Group((channel,)) for channel in every)
    if options.channels == "rgb" or (options.channels == "auto" and image.is_rgb):
        rest = tuple(Group((channel,)) for channel in every[3:])
        return (Group(every[:3], rgb=True), *rest)
    return (Group(every),)


def _make_task(index: int, plane: Plane, layer: Layer, *, fill: bool) -> Task:
    units = plan_plane(layer.read_hole, layer.shape, may_hold=layer.may_hold)
    lost = _is_full(units, layer)
    if not np.any(lost):
        return Task(plane, index, layer, units)
    if fill and np.all(lost):
        return Task(plane, index, layer, (), lost=True)
    raise HoleError(
        f"The hole covers all of plane {plane or 0}{'' if np.all(lost) else ' in a channel'}: "
        "there is no known pixel to restore from. Leave it out, or fill planes that are missing "
        "in all channels from their neighbours (`fill_planes`)."
    )


def _is_full(units: Sequence[Unit], layer: Layer) -> NDArray[np.bool_]:
    """Tell whether not one pixel of the plane, or of each of its channels, is known."""
    full = np.zeros(1, bool)
    if not units:
        return full
    for number, box in enumerate(blocks_of(layer.shape)):
        here = layer.read_unknowns(box).all(axis=(0, 1))
        full = np.atleast_1d(here if number == 0 else full & here)
        if not full.any():
            break
    return full


def _check_hinted(groups: Sequence[Group], hints: Hints | None) -> None:
    if hints and all(len(group.channels) == 1 for group in groups):
        raise HintError(
            "Hints need channels that follow another; here every channel is completed on its own. "
            "Leave the hints out, or use `channels` 'rgb' or 'principal'."
        )


def _with_given(
    task: Task,
    group: Group,
    luma: ReadLuma | None,
    hints: Hints | None,
    edges: HoleReader | None,
    veils: Mapping[Plane, VeilReader],
) -> Task:
    """Add what is given to a task: its luma, and the edges, hints and veil of its plane."""
    layer = replace(task.layer, read_luma=luma)
    if edges is not None:
        layer = replace(layer, read_edges=partial(_edges_in, edges, task.plane))
    if hints and len(group.channels) > 1:
        layer = replace(layer, spots=spots_of(hints, layer, task.plane, group.channels))
    if task.plane in veils:
        lifted = partial(veils[task.plane].lifted, channels=group.channels)
        layer = replace(layer, lift=lifted)
    return replace(task, layer=layer)


def _edges_in(edges: HoleReader, plane: Plane, box: Box) -> NDArray[np.bool_]:
    found = edges.read(plane, box)
    return np.asarray(found.any(axis=2)) if found.ndim == 3 else found


def _with_sources(tasks: Sequence[Task], groups: int) -> tuple[Task, ...]:
    """Return the tasks, each lost one with those nearest to it that are not.

    Planes of the same t are looked for along z, else those of the same z along t.

    Raises
    ------
    HoleError
        If all are lost.
    """
    found = list(tasks)
    for number, task in enumerate(tasks):
        if not task.lost:
            continue
        there = [n for n in range(number % groups, len(tasks), groups) if not tasks[n].lost]
        for axis in reversed(range(len(task.plane))):
            rest = [n for n in there if _differ_along(tasks[n].plane, task.plane, axis)]
            if rest:
                at = {tasks[n].plane[axis]: n for n in rest}
                found[number] = replace(task, sources=_nearest(at, task.plane[axis]))
                break
        else:
            raise HoleError(f"Plane {task.plane or 0} is missing, and no plane beside it is known.")
    return tuple(found)


def _differ_along(one: Plane, other: Plane, axis: int) -> bool:
    return all(a == b for i, (a, b) in enumerate(zip(one, other, strict=True)) if i != axis)


def _nearest(at: dict[int, int], here: int) -> tuple[tuple[int, float], ...]:
    """Return the nearest task on either side, weighted so that a ramp is continued."""
    before = max((i for i in at if i < here), default=None)
    after = min((i for i in at if i > here), default=None)
    if before is None or after is None:
        only = after if before is None else before
        return () if only is None else ((at[only], 1.0),)
    share = (here - before) / (after - before)
    return (at[before], 1 - share), (at[after], share)
