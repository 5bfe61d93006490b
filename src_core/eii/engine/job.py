"""A whole image made ready: its layers, their units, and the recipe they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eii.engine.label import ReadHole, blocks_of
from eii.engine.plan import Unit, plan_plane
from eii.engine.units import Layer, Recipe
from eii.errors import HoleError, OptionError
from eii.image.dtype import check_known, known_scale, to_unit
from eii.image.geometry import Box
from eii.image.hole import spread_square
from eii.image.mono import luma_weights, principal_channel
from eii.internal.palette import prepare
from eii.options import RestoreOptions

_SAMPLED_WINDOWS = 24  # evenly spaced over the units; enough for stable percentiles and palettes
_SAMPLED_PIXELS = 50_000  # known pixels kept of each of them for the scale

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


def make_job(image: ImageReader, hole: HoleReader, options: RestoreOptions) -> Job:
    """Plan the restoration of an image.

    Parameters
    ----------
    image : ImageReader
    hole : HoleReader
    options : RestoreOptions

    Returns
    -------
    Job

    Raises
    ------
    HoleError
        If the hole covers a whole plane of a group.
    ImageError
        If a known pixel near the hole is not finite.
    OptionError
        If the options do not fit the image's channels.
    """
    groups = pick_groups(image, hole, options)
    tasks = tuple(
        _make_task(image, hole, plane=plane, index=index, groups=groups, grow=options.grow)
        for plane in image.planes
        for index in range(len(groups))
    )
    recipes = tuple(
        _make_recipe(group, [t for t in tasks if t.group == i], options)
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


def _make_task(
    image: ImageReader,
    hole: HoleReader,
    *,
    plane: Plane,
    index: int,
    groups: Sequence[Group],
    grow: int,
) -> Task:
    group = groups[index]
    layer = Layer(
        _image_of(image, plane, group), _hole_of(hole, plane, group, grow), image.plane_shape
    )
    units = plan_plane(layer.read_hole, layer.shape)
    _refuse_full(units, layer, plane)
    return Task(plane, index, layer, units)


def _image_of(image: ImageReader, plane: Plane, group: Group) -> Callable[[Box], NDArray[Any]]:
    channels = list(group.channels)

    def read(box: Box) -> NDArray[Any]:
        pixels = image.read(plane, box)
        if channels == list(range(pixels.shape[2])):
            return pixels
        return np.ascontiguousarray(pixels[..., channels])

    return read


def _hole_of(hole: HoleReader, plane: Plane, group: Group, grow: int) -> ReadHole:
    def read(box: Box) -> NDArray[np.bool_]:
        found = hole.read(plane, box)
        return found[..., group.channels[0]] if found.ndim == 3 else found

    return read if grow == 0 else read_grown(read, grow)


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


def _make_recipe(group: Group, tasks: Sequence[Task], options: RestoreOptions) -> Recipe | None:
    samples = _sample(tasks)
    if not samples:
        return None
    known = np.concatenate([_thin(image[~hole]) for image, hole in samples])
    scale = known_scale(known, shared=group.rgb)
    weights = _weights(group, to_unit(known[np.newaxis], scale)[0], options)
    palette = None
    if len(group.channels) > 1:
        scaled = [(_blank(to_unit(image, scale), hole), hole) for image, hole in samples]
        palette = prepare(scaled, weights, method=options.colour)
    return Recipe(scale, tuple(map(float, weights)), options.colour, palette)


def _weights(
    group: Group, known: NDArray[np.float32], options: RestoreOptions
) -> NDArray[np.float32]:
    count = len(group.channels)
    if group.rgb or count == 1:
        return luma_weights(count, rgb=group.rgb)
    principal = principal_channel(known) if options.principal is None else options.principal
    return luma_weights(count, rgb=False, principal=principal)


def _sample(tasks: Sequence[Task]) -> list[tuple[NDArray[Any], NDArray[np.bool_]]]:
    """Read windows evenly spaced over all units of full resolution."""
    units = [(task, unit) for task in tasks for unit in task.units if unit.level == 0]
    picked = np.unique(np.linspace(0, len(units) - 1, _SAMPLED_WINDOWS).round().astype(int))
    samples = []
    for task, unit in (units[i] for i in picked if units):
        image, hole = task.layer.read_image(unit.window), task.layer.read_hole(unit.window)
        check_known(image, hole)
        if not hole.all():
            samples.append((image, hole))
    return samples


def _thin(known: NDArray[Any]) -> NDArray[Any]:
    return known[:: max(1, len(known) // _SAMPLED_PIXELS)]


def _blank(image: NDArray[np.float32], hole: NDArray[np.bool_]) -> NDArray[np.float32]:
    image[hole] = 0
    return image
