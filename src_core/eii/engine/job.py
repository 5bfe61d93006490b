"""A whole image made ready: its layers, their units, and the recipe they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eii.engine.hints import spots_of
from eii.engine.label import ReadHole, blocks_of
from eii.engine.layer import Layer, ReadLuma
from eii.engine.plan import Unit, plan_plane
from eii.engine.recipe import Recipe, make_recipe
from eii.errors import HintError, HoleError, OptionError
from eii.external.rim import BORDER, REACH, doubtful_rim
from eii.image.around import CELL, describe_around
from eii.image.dtype import default_scale, to_unit
from eii.image.geometry import Box
from eii.image.hints import Hints
from eii.image.hole import spread_square
from eii.image.mono import luma_weights, to_luma
from eii.options import GROW_AUTO, RestoreOptions
from eii.progress import ShouldStop, check_stop, never_stop

_AUTO_ROUNDS = 2  # times that a rim is looked for behind the one before

Plane = tuple[int, ...]


class ImageReader(Protocol):
    """What the engine asks of an image."""

    @property
    def plane_shape(self) -> tuple[int, int]: ...
    @property
    def planes(self) -> tuple[Plane, ...]: ...
    @property
    def channels(self) -> int: ...
    @property
    def is_rgb(self) -> bool: ...
    @property
    def has_alpha(self) -> bool: ...
    def read(self, plane: Plane, box: Box) -> NDArray[Any]:
        """Return pixels (h, w, C)."""
        ...


class HoleReader(Protocol):
    """What the engine asks of a hole."""

    @property
    def by_channel(self) -> bool:
        """Whether every channel has a hole of its own."""
        ...

    def read(self, plane: Plane, box: Box) -> NDArray[np.bool_]:
        """Return the hole (h, w), or (h, w, C) when every channel has its own."""
        ...


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
            _layer_of(
                _Reads(image, hole, plane, list(groups[index].channels), should_stop),
                image.plane_shape,
                groups[index],
                options.grow,
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
    if hole.by_channel or options.channels == "each" or count == 1:
        return tuple(Group((channel,)) for channel in every)
    if options.channels == "rgb" or (options.channels == "auto" and image.is_rgb):
        rest = tuple(Group((channel,)) for channel in every[3:])
        return (Group(every[:3], rgb=True), *rest)
    return (Group(every),)


def _make_task(index: int, plane: Plane, layer: Layer) -> Task:
    units = plan_plane(layer.read_hole, layer.shape)
    _refuse_full(units, layer, plane)
    return Task(plane, index, layer, units)


@dataclass(frozen=True)
class _Reads:
    """Reads one plane of one group; every read may end a run that was asked to stop."""

    image: ImageReader
    hole: HoleReader
    plane: Plane
    channels: list[int]
    should_stop: ShouldStop

    def read_image(self, box: Box) -> NDArray[Any]:
        check_stop(self.should_stop)
        pixels = self.image.read(self.plane, box)
        if self.channels == list(range(pixels.shape[2])):
            return pixels
        return np.ascontiguousarray(pixels[..., self.channels])

    def read_hole(self, box: Box) -> NDArray[np.bool_]:
        check_stop(self.should_stop)
        found = self.hole.read(self.plane, box)
        return found[..., self.channels[0]] if found.ndim == 3 else found


def _layer_of(reads: _Reads, shape: tuple[int, int], group: Group, grow: int | str) -> Layer:
    read: ReadHole = reads.read_hole
    if grow == GROW_AUTO:
        read = _read_with_rim(reads, rgb=group.rgb)
    elif isinstance(grow, int) and grow > 0:
        read = read_grown(read, grow)
    return Layer(reads.read_image, read, shape)


def _read_with_rim(reads: _Reads, *, rgb: bool) -> ReadHole:
    """Return a reader of the hole and of the rim that its mask left of the defect."""
    margin = _AUTO_ROUNDS * (REACH + BORDER)

    def with_rim(box: Box) -> NDArray[np.bool_]:
        wide = box.grow(margin)
        # On the grid of cells, so that any box gives the same answer.
        y0, x0 = (max(0, n) // CELL * CELL for n in (wide.y0, wide.x0))
        origin = Box(y0, x0, -(-wide.y1 // CELL) * CELL, -(-wide.x1 // CELL) * CELL)
        hole = reads.read_hole(origin)
        if hole.any():
            pixels = reads.read_image(origin)
            count = pixels.shape[2]
            weights = luma_weights(count, rgb=True) if rgb else np.full(count, 1 / count)
            scaled = to_unit(pixels, default_scale(pixels.dtype, count))
            luma = to_luma(scaled, weights.astype(np.float32))
            for _ in range(_AUTO_ROUNDS):
                if not hole.all():
                    hole = hole | doubtful_rim(luma, hole, describe_around(luma, hole))
        return np.ascontiguousarray(hole[box.relative_to(origin).slices])

    return with_rim


def read_grown(read: ReadHole, pixels: int) -> ReadHole:
    """Return a reader of the hole grown by ``pixels``; ``read`` clips at the image's edges."""

    def grown(box: Box) -> NDArray[np.bool_]:
        wide = box.grow(pixels)
        origin = Box(max(0, wide.y0), max(0, wide.x0), wide.y1, wide.x1)
        found = spread_square(read(origin), pixels)
        return found[box.relative_to(origin).slices]

    return grown


def _refuse_full(units: Sequence[Unit], layer: Layer, plane: Plane) -> None:
    """Raise when not one pixel of the plane is known."""
    if not units or any(not layer.read_hole(box).all() for box in blocks_of(layer.shape)):
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
