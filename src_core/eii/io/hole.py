"""Holes to read from, at the resolution of their image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.errors import HoleError
from eii.image.geometry import Box
from eii.io.axes import size_of
from eii.io.marks import Marks, telling_channels
from eii.io.opener import open_any
from eii.io.source import Asked, Series, Source


@dataclass(frozen=True)
class Hole:
    """The hole of an image, read at the image's resolution.

    Parameters
    ----------
    source : Source
        Non-zero pixels are to be filled.
    shape : (int, int)
        Size (M, N) of the image's planes.
    factor : int
        Image pixels per hole pixel in y and x.
    by_channel : bool
        Whether every channel of the image has a hole of its own.
    image_axes : str
        Axes of the image: a hole without t or z is the same for all of them.
    marks : Marks
        Which of its values mark the hole.
    telling : slice
        The channels that are looked at.
    """

    source: Source
    shape: tuple[int, int]
    factor: int
    by_channel: bool
    image_axes: str
    marks: Marks
    telling: slice

    def read(self, plane: tuple[int, ...], box: Box) -> NDArray[np.bool_]:
        """Return the hole in a box: (h, w), or (h, w, C) when every channel has its own."""
        box, f = box.clip(self.shape), self.factor
        if not box.area:
            return np.zeros(box.shape, bool)
        rows, columns = (
            np.minimum(np.arange(start, stop) // f, size - 1)
            for start, stop, size in zip(
                (box.y0, box.x0), (box.y1, box.x1), self.source.plane_shape, strict=True
            )
        )
        coarse = Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
        values = self.source.read(self._own_plane(plane), coarse)
        if self.by_channel:
            found = self.marks.found(values, white_is_zero=self.source.white_is_zero)
        else:
            found = self._marked(values)
        if f == 1:
            return found
        return np.ascontiguousarray(found[rows - coarse.y0][:, columns - coarse.x0])

    def _marked(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Return where any of the telling channels marks the hole, shape (h, w)."""
        plain = replace(self.marks, invert=False)
        white = self.source.white_is_zero
        found = plain.found(values[..., self.telling], white_is_zero=white).any(axis=2)
        return np.asarray(found != self.marks.invert)

    def _own_plane(self, plane: tuple[int, ...]) -> tuple[int, ...]:
        at = dict(zip([a for a in "tz" if a in self.image_axes], plane, strict=True))
        return tuple(at.get(a, 0) for a in "tz" if a in self.source.axes)


def open_hole(
    item: Any,
    image: Source,
    *,
    series: Series | None = None,
    axes: str | None = None,
    large: bool = False,
    marks: Marks | None = None,
) -> Hole:
    """Open the hole of an image.

    Parameters
    ----------
    item : as for `open_source`, of any integer, float or bool dtype
        Non-zero pixels are to be filled. Its planes are as large as the image's, or smaller by a
        whole factor (a coarser pyramid level). Without t or z it holds for all planes; with the
        image's channel axis every channel has its own hole. Of a colour picture, any channel
        counts, alpha does not.
    image : Source
    series, axes, large
        As for `open_source`.
    marks : Marks, optional
        Which values mark the hole; by default those that are not black.

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
    source = open_any(item, Asked(series, axes or _hole_axes(item, image), large))
    if source.dtype.kind not in "buif":
        raise HoleError(f"A hole of dtype {source.dtype} has no meaning; give bool or integers.")
    for axis in "tz":
        own = size_of(source.axes, source.shape, axis)
        if own not in (1, size_of(image.axes, image.shape, axis)):
            raise _misfit(source, image)
    channels = size_of(source.axes, source.shape, "c")
    by_channel = channels > 1 and not source.is_picture
    if by_channel and channels not in (image.channels, image.channels - image.has_alpha):
        raise _misfit(source, image)
    factor = _factor(source, image)
    return Hole(
        source,
        image.plane_shape,
        factor,
        by_channel,
        image.axes,
        (marks or Marks()).of(source),
        telling_channels(source),
    )


def _hole_axes(item: Any, image: Source) -> str | None:
    """Return the axes of an array hole that has the image's dimensions."""
    if isinstance(item, str | Path | Source) or len(item.shape) != len(image.shape):
        return None
    return image.axes


def _factor(hole: Source, image: Source) -> int:
    """Return how many image pixels a hole pixel stands for; a power of two if one fits.

    Pyramids halve an odd size up or down: 15 of 250 is level 4, not every seventeenth pixel.
    """
    powers = [2**k for k in range(16)]
    most = max(1, max(image.plane_shape) // max(1, min(hole.plane_shape)) + 1)
    for factor in (*powers, *range(3, most + 1)):
        if all(
            _fits(n, own, factor)
            for n, own in zip(image.plane_shape, hole.plane_shape, strict=True)
        ):
            return factor
    raise _misfit(hole, image)


def _fits(size: int, own: int, factor: int) -> bool:
    """Tell whether a level of ``own`` pixels may be made from ``size``, by any rounding."""
    halved = {size}
    for _ in range(factor.bit_length() - 1 if factor & (factor - 1) == 0 else 0):
        halved = {n // 2 for n in halved} | {-(-n // 2) for n in halved}
    return own in halved or own in {size // factor, -(-size // factor), round(size / factor)}


def _misfit(hole: Source, image: Source) -> HoleError:
    return HoleError(
        f"The hole's shape {hole.shape} ({hole.axes}) does not fit the image's {image.shape} "
        f"({image.axes}). It must be as large in y and x, or smaller by one whole factor."
    )
