"""What the engine reads: images and holes, by plane and channel, as a layer's functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eii.engine.label import ReadHole
from eii.engine.layer import Layer, Lifted, ReadHoles
from eii.errors import OptionError
from eii.external.rim import BORDER, REACH, doubtful_rim
from eii.image.around import CELL, describe_around
from eii.image.dtype import default_scale, to_unit
from eii.image.geometry import Box
from eii.image.hole import spread_square
from eii.image.mono import luma_weights, to_luma
from eii.options import GROW_AUTO
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


class MissingReader(Protocol):
    """What the engine asks of pixels that hold no data."""

    def read(
        self, plane: Plane, box: Box, channels: Sequence[int], *, rgb: bool
    ) -> NDArray[np.bool_]:
        """Return which pixels of a group of channels hold no data, (h, w)."""
        ...


class VeilReader(Protocol):
    """What the engine asks of pixels that are measured through a veil."""

    def lifted(self, box: Box, pixels: NDArray[Any], channels: tuple[int, ...]) -> Lifted:
        """Return measured pixels (h, w, C) without it, where that is good, their errors."""
        ...


@dataclass(frozen=True)
class Reads:
    """Reads one plane of one group; every read may end a run that was asked to stop."""

    image: ImageReader
    hole: HoleReader
    plane: Plane
    channels: list[int]
    should_stop: ShouldStop
    missing: MissingReader | None = None
    rgb: bool = False

    def __getstate__(self) -> dict[str, Any]:
        """Leave out who asks to stop: it is of this process."""
        return {**self.__dict__, "should_stop": never_stop}

    def may_hold(self, box: Box) -> bool:
        """Tell whether there may be a hole in a box."""
        tells = getattr(self.hole, "may_hold", None)
        return tells is None or bool(tells(self.plane, box))

    def read_missing(self, box: Box) -> NDArray[np.bool_]:
        """Return the pixels outside the hole that hold no data, (h, w)."""
        hole = self.read_hole(box)
        if self.missing is None:
            return np.zeros_like(hole)
        return self.missing.read(self.plane, box, self.channels, rgb=self.rgb) & ~hole

    def read_image(self, box: Box) -> NDArray[Any]:
        check_stop(self.should_stop)
        pixels = self.image.read(self.plane, box)
        if self.channels == list(range(pixels.shape[2])):
            return pixels
        return np.ascontiguousarray(pixels[..., self.channels])

    def read_holes(self, box: Box) -> NDArray[np.bool_]:
        """Return the hole of each channel, (h, w, C)."""
        check_stop(self.should_stop)
        return self.hole.read(self.plane, box)[..., self.channels]

    def read_hole(self, box: Box) -> NDArray[np.bool_]:
        """Return the hole, (h, w): what is missing in any of the channels."""
        check_stop(self.should_stop)
        found = self.hole.read(self.plane, box)
        return np.asarray(found[..., self.channels].any(axis=2)) if found.ndim == 3 else found


def layer_of(reads: Reads, shape: tuple[int, int], *, grow: int | str) -> Layer:
    """Return what a layer reads.

    Parameters
    ----------
    reads : Reads
    shape : (int, int)
        Size of the plane.
    grow : int or "auto"
        As in `eii.options.RestoreOptions`.
    """
    apart = reads.hole.by_channel and len(reads.channels) > 1
    missing = None if reads.missing is None else reads.read_missing
    if grow == GROW_AUTO:
        if apart:
            raise OptionError("`grow` 'auto' needs one hole for all channels; here each has one.")
        with_rim = _read_with_rim(reads, rgb=reads.rgb)
        near = _near(reads, _AUTO_ROUNDS * (REACH + BORDER) + CELL)
        return Layer(reads.read_image, with_rim, shape, read_missing=missing, may_hold=near)
    hole: ReadHole = reads.read_hole
    holes: ReadHoles = reads.read_holes
    if isinstance(grow, int) and grow > 0:
        hole, holes = read_grown(hole, grow), read_grown(holes, grow)
        if missing is not None:
            hole, holes = _without(hole, missing), _without(holes, missing)
    own = holes if apart else None
    near = _near(reads, int(grow))
    return Layer(reads.read_image, hole, shape, read_holes=own, read_missing=missing, may_hold=near)


def _near(reads: Reads, margin: int) -> Callable[[Box], bool]:
    """Return what tells whether there may be a hole within a margin of a box."""
    return lambda box: reads.may_hold(box.grow(margin))


def _without(read: ReadHole, missing: ReadHole) -> ReadHole:
    """Return a reader of a hole that did not grow over what holds no data."""

    def read_without(box: Box) -> NDArray[np.bool_]:
        hole, empty = read(box), missing(box)
        return hole & ~(empty if hole.ndim == 2 else empty[..., np.newaxis])

    return read_without


def _read_with_rim(reads: Reads, *, rgb: bool) -> ReadHole:
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
            empty = reads.read_missing(origin)
            for _ in range(_AUTO_ROUNDS):
                unknown = hole | empty
                if not unknown.all():
                    rim = doubtful_rim(luma, unknown, describe_around(luma, unknown))
                    hole = hole | (rim & ~empty)
        return np.ascontiguousarray(hole[box.relative_to(origin).slices])

    return with_rim


def read_grown(read: ReadHole, pixels: int) -> ReadHole:
    """Return a reader of the hole grown by ``pixels``; ``read`` clips at the image's edges."""

    def grown(box: Box) -> NDArray[np.bool_]:
        wide = box.grow(pixels)
        origin = Box(max(0, wide.y0), max(0, wide.x0), wide.y1, wide.x1)
        found = read(origin)
        if found.ndim == 2:
            spread = spread_square(found, pixels)
        else:
            each = np.moveaxis(found, 2, 0)
            spread = np.stack([spread_square(one, pixels) for one in each], axis=2)
        return spread[box.relative_to(origin).slices]

    return grown
