"""A whole image made ready: its layers, their units, and the recipe they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from eii.engine.hints import spots_of
from eii.engine.label import blocks_of
from eii.engine.layer import Layer, ReadLuma
from eii.engine.plan import Unit, plan_plane
from eii.engine.readers import HoleReader, ImageReader, Plane, Reads, layer_of
from eii.engine.recipe import Recipe, make_recipe
from eii.errors import HintError, HoleError, OptionError
from eii.image.hints import Hints
from eii.options import RestoreOptions
from eii.progress import ShouldStop, never_stop


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
    """One plane of one group, with its units."""

    plane: Plane
    group: int
    layer: Layer
    units: tuple[Unit, ...]


@dataclass(frozen=True)
class Job:
    """Everything a run needs; a pure function of image, hole and options."""

    groups: tuple[Group, ...]
    recipes: tuple[Recipe | None, ...]
    tasks: tuple[Task, ...]

    @property
    def unit_count(self) -> int:
        """Return how many windows will be restored."""
        return sum(len(task.units) for task in self.tasks)


def make_job(
    image: ImageReader,
    hole: HoleReader,
    options: RestoreOptions,
    *,
    luma: ReadLuma | None = None,
    hints: Hints | None = None,
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
    tasks = tuple(
        _make_task(
            index,
            plane,
            layer_of(
                Reads(image, hole, plane, list(groups[index].channels), should_stop),
                image.plane_shape,
                rgb=groups[index].rgb,
                grow=options.grow,
            ),
        )
        for plane in image.planes
        for index in range(len(groups))
    )
    tasks = tuple(_with_given(task, groups[task.group], luma, hints) for task in tasks)
    recipes = tuple(
        make_recipe(
            [(t.layer, t.units) for t in tasks if t.group == i],
            options,
            channels=len(group.channels),
            rgb=group.rgb,
        )
        for i, group in enumerate(groups)
    )
    return Job(groups, recipes, tasks)


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


def _make_task(index: int, plane: Plane, layer: Layer) -> Task:
    units = plan_plane(layer.read_hole, layer.shape)
    _refuse_full(units, layer, plane)
    return Task(plane, index, layer, units)


def _refuse_full(units: Sequence[Unit], layer: Layer, plane: Plane) -> None:
    """Raise when not one pixel of the plane, or of one of its channels, is known."""
    if not units:
        return
    read = layer.read_hole if layer.read_holes is None else layer.read_holes
    full = None
    for box in blocks_of(layer.shape):
        here = read(box).all(axis=(0, 1))
        full = here if full is None else full & here
        if not np.any(full):
            return
    raise HoleError(
        f"The hole covers all of plane {plane or 0}: there is no known pixel to restore from. "
        "Leave such planes or channels out."
    )


def _check_hinted(groups: Sequence[Group], hints: Hints | None) -> None:
    if hints and all(len(group.channels) == 1 for group in groups):
        raise HintError(
            "Hints need channels that follow another; here every channel is completed on its own. "
            "Leave the hints out, or use `channels` 'rgb' or 'principal'."
        )


def _with_given(task: Task, group: Group, luma: ReadLuma | None, hints: Hints | None) -> Task:
    """Add what is given to a task: its luma, and the hints for its plane."""
    layer = replace(task.layer, read_luma=luma)
    if hints and len(group.channels) > 1:
        layer = replace(layer, spots=spots_of(hints, layer, task.plane, group.channels))
    return replace(task, layer=layer)
