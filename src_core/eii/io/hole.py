"""Holes to read from, at the resolution of their image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.errors import HoleError
from eii.image.geometry import Box
from eii.io.align import Span, align, misfit
from eii.io.axes import plane_key, size_of
from eii.io.marks import marked, telling_channels, with_default
from eii.io.opener import open_any
from eii.io.source import Asked, Source
from eii.io.there import there_of
from eii.options import HoleOptions


@dataclass(frozen=True)
class Hole:
    """The hole of an image, read at the image's resolution.

    Parameters
    ----------
    source : Source
        The mask.
    shape : (int, int)
        Size (M, N) of the image's planes.
    spans : mapping of axis to Span
        Where the mask lies on the image, along y, x, and z where it has several planes.
    by_channel : bool
        Whether every channel of the image has a hole of its own.
    image_axes : str
        Axes of the image: a hole without t or z is the same for all of them.
    options : HoleOptions
        Which of its values mark the hole.
    telling : slice
        The channels that are looked at.
    veils : mapping of plane to what lifts its veils, optional
        Where pixels of it are measured through something that lets light through.
    """

    source: Source
    shape: tuple[int, int]
    spans: Mapping[str, Span]
    by_channel: bool
    image_axes: str
    options: HoleOptions
    telling: slice
    veils: Mapping[tuple[int, ...], Any] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Send what it was made from; what follows from that is found again."""
        return Hole, tuple(getattr(self, one.name) for one in fields(self))

    def read(self, plane: tuple[int, ...], box: Box) -> NDArray[np.bool_]:
        """Return the hole in a box: (h, w), or (h, w, C) when every channel has its own."""
        box = box.clip(self.shape)
        rows, columns = self.spans["y"].of(box.y0, box.y1), self.spans["x"].of(box.x0, box.x1)
        own = self._own_plane(plane)
        on_rows, on_columns = rows >= 0, columns >= 0
        if own is None or not on_rows.any() or not on_columns.any():
            return np.zeros((*box.shape, self.source.channels)[: 3 if self.by_channel else 2], bool)
        coarse = Box(
            int(rows[on_rows].min()),
            int(columns[on_columns].min()),
            int(rows.max()) + 1,
            int(columns.max()) + 1,
        )
        found = self._marked(self.source.read(own, coarse))
        if coarse.shape == box.shape and on_rows.all() and on_columns.all():
            return found
        found = found[np.maximum(rows - coarse.y0, 0)][:, np.maximum(columns - coarse.x0, 0)]
        found[~on_rows], found[:, ~on_columns] = False, False
        return np.ascontiguousarray(found)

    def may_hold(self, plane: tuple[int, ...], box: Box) -> bool:
        """Tell whether there may be a hole in a box, without reading it where that is known."""
        if self._there is None:
            return True
        box = box.clip(self.shape)
        rows, columns = self.spans["y"].of(box.y0, box.y1), self.spans["x"].of(box.x0, box.x1)
        own = self._own_plane(plane)
        if own is None or not (rows >= 0).any() or not (columns >= 0).any():
            return False
        y, x = rows[rows >= 0], columns[columns >= 0]
        inside = slice(int(y.min()), int(y.max()) + 1), slice(int(x.min()), int(x.max()) + 1)
        return self._there(plane_key(self.source.axes, own, *inside))

    @cached_property
    def _there(self) -> Callable[[tuple[int | slice, ...]], bool] | None:
        """Return what tells whether a part of the mask holds anything; None when nothing does."""
        tells: Any = getattr(self.source.array, "may_hold", None)
        stored = there_of(self.source.stored)
        if stored is not None:
            fill = np.full((1, 1, self.source.channels), stored.array.fill_value, self.source.dtype)
            tells = None if self._marked(fill).any() else stored.any_in
        return None if self.options.invert else tells

    def _marked(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Return what marks the hole: in each channel, or in any of the telling ones."""
        white = self.source.white_is_zero
        if self.by_channel:
            return marked(values, self.options, white_is_zero=white) != self.options.invert
        found = marked(values[..., self.telling], self.options, white_is_zero=white).any(axis=2)
        return np.asarray(found != self.options.invert)

    def _own_plane(self, plane: tuple[int, ...]) -> tuple[int, ...] | None:
        """Return the mask's plane for one of the image's; None where it has none."""
        at = dict(zip([a for a in "tz" if a in self.image_axes], plane, strict=True))
        if "z" in self.spans:
            at["z"] = int(self.spans["z"].of(at["z"], at["z"] + 1)[0])
        sizes = {a: size_of(self.source.axes, self.source.shape, a) for a in "tz"}
        own = tuple(at.get(a, 0) if sizes[a] > 1 else 0 for a in "tz" if a in self.source.axes)
        return None if -1 in own else own


def open_hole(
    item: Any, image: Source, *, options: HoleOptions | None = None, large: bool = False
) -> Hole:
    """Open the hole of an image.

    Parameters
    ----------
    item : as for `open_source`, of any integer, float or bool dtype
        Non-zero pixels are to be filled. It lies where its pixel size says, or its planes are as
        large as the image's, or smaller by a whole factor (a coarser pyramid level). Without t or
        z it holds for all planes; with the image's channel axis every channel has its own hole.
        Of a colour picture any channel counts; alpha counts when nothing else varies.
    image : Source
    options : HoleOptions, optional
    large : bool
        As for `open_source`.

    Returns
    -------
    Hole

    Raises
    ------
    HoleError
        If the hole's size does not fit the image's; the message quotes both.
    SourceError
        If the file cannot be read.
    """
    options = options or HoleOptions()
    asked = Asked(options.series, options.axes or _hole_axes(item, image), large)
    source = open_any(item, asked)
    if options.labels is not None and source.indices is not None:
        source = _indexed(source)
    if source.dtype.kind not in "buif":
        raise HoleError(f"A hole of dtype {source.dtype} has no meaning; give bool or integers.")
    _check_stack(source, image)
    channels = source.channels
    by_channel = channels > 1 and not source.is_picture
    if by_channel and channels not in (image.channels, image.channels - image.has_alpha):
        raise misfit(source, image)
    return Hole(
        source,
        image.plane_shape,
        align(source, image, options.scale),
        by_channel,
        image.axes,
        with_default(options, source),
        telling_channels(source),
    )


def _check_stack(mask: Source, image: Source) -> None:
    """Raise `HoleError` unless the mask is for one plane, or for as many as the image has."""
    times, own_times = (size_of(s.axes, s.shape, "t") for s in (image, mask))
    deep, own_deep = (size_of(s.axes, s.shape, "z") for s in (image, mask))
    if own_times not in (1, times) or (own_deep > 1 and deep == 1):
        raise misfit(mask, image)


def _indexed(mask: Source) -> Source:
    """Return a mask with a palette as the indices into it: its labels."""
    if mask.indices is None:
        raise HoleError(f"{mask.name} has no palette.")
    axes = mask.axes.removesuffix("c")
    return replace(mask, array=mask.indices, axes=axes, is_rgb=False, has_alpha=False)


def _hole_axes(item: Any, image: Source) -> str | None:
    """Return the axes of an array hole that has the image's dimensions."""
    if isinstance(item, str | Path | Source) or not hasattr(item, "shape"):
        return None
    if isinstance(own := getattr(item, "axes", None), str):
        return own
    return image.axes if len(item.shape) == len(image.shape) else None
