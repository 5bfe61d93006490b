"""What of an image the user sees: the part that a preview restores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import napari
import numpy as np
from eii import Box
from eii.errors import ImageError
from napari.layers import Image

from napari_eii._grid import Affine, FloatArray, factors_of, plane_of, shape_of, to_world

_MOST = 2048
"""Largest side of a preview, in pixels."""
_AROUND = 64
"""Pixels around the visible part that are looked at as well."""


@dataclass(frozen=True, eq=False)
class View:
    """A visible part of an image layer.

    Parameters
    ----------
    level : int
        Of the image's pyramid.
    factors : ndarray of float64
        Full-resolution pixels to a pixel of the level, along each axis.
    start, stop : tuple of int
        Of the part, along each axis, in pixels of the level.
    """

    level: int
    factors: FloatArray
    start: tuple[int, ...]
    stop: tuple[int, ...]

    @property
    def key(self) -> tuple[slice, ...]:
        """Return the index that cuts the part out of its level."""
        return tuple(slice(a, b) for a, b in zip(self.start, self.stop, strict=True))

    def place(self, image: Image) -> dict[str, Any]:
        """Return where a layer of the part's pixels lies: on the image."""
        world = to_world(image)
        part = world.after(Affine(np.diag(self.factors), self.factors * self.start))
        count = len(self.start)
        matrix = np.eye(count + 1)
        matrix[:count, :count], matrix[:count, count] = part.matrix, part.offset
        return {"affine": matrix, "units": image.units, "axis_labels": image.axis_labels}


def visible(viewer: napari.Viewer, image: Image, axes: str) -> View:
    """Return the part of an image that is seen, of the plane that is shown.

    Parameters
    ----------
    viewer : napari.Viewer
    image : Image
    axes : str
        Of the layer, without RGB; channels are seen all.

    Raises
    ------
    ImageError
        If it is not shown flat, or nothing of it is seen, or too much.
    """
    order = tuple(viewer.dims.order[-2:])
    if viewer.dims.ndisplay != 2 or order != (viewer.dims.ndim - 2, viewer.dims.ndim - 1):
        raise ImageError("A preview needs the flat view of y and x: leave 3-D, or roll the axes.")
    level = int(image.data_level) if image.multiscale else 0
    shape, factors = shape_of(image, level), factors_of(image, level)
    low, high = image.corner_pixels[:, -2:]  # in pixels of the level, the last ones counted
    box = Box(*low, *(high + 1)).grow(_AROUND).clip((shape[-2], shape[-1]))
    if max(box.shape) > _MOST:
        raise ImageError(f"Zoom in for a preview: {box.height} x {box.width} pixels are seen.")
    here = plane_of(image, np.asarray(viewer.dims.point, np.float64), image.ndim - 2)
    start, stop = [], []
    for axis, at, size, factor in zip(axes, here, shape, factors, strict=False):
        first = 0 if axis == "c" else min(int(at / factor), size - 1)
        start.append(first)
        stop.append(size if axis == "c" else first + 1)
    return View(level, factors, (*start, box.y0, box.x0), (*stop, box.y1, box.x1))
