"""Colours that a user sets in the hole: points and lines of a layer, in the colours drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import napari
import numpy as np
from eii import Box, Hints, Stroke
from eii.errors import HintError
from eii.image.dtype import value_range
from napari.layers import Image, Points, Shapes

from napari_eii._grid import FloatArray, onto

Drawn = tuple[FloatArray, FloatArray, float]
_LINES = ("line", "path")


def hints_of(layer: Points | Shapes, image: Image, point: FloatArray, *, level: int = 0) -> Hints:
    """Return the hints that a layer draws on an RGB image.

    Parameters
    ----------
    layer : Points or Shapes
        The face colour of a point, the edge colour of a line or path is set where it lies.
    image : Image
    point : ndarray
        The viewer's position in world coordinates.
    level : int
        Of the image's pyramid.

    Raises
    ------
    HintError
        If the image is not RGB, or a shape is neither a line nor a path.
    HoleError
        If the layer cannot be laid on the image.
    """
    if not image.rgb:
        raise HintError("Colour hints of a layer need an RGB image: their colours are RGB.")
    placed = onto(layer, image, point, level=level)
    dtype = np.dtype(image.dtype)
    one = 1.0 if dtype.kind == "f" else value_range(dtype)[1]
    scale = float(np.linalg.svd(placed.affine.matrix[-2:, -2:], compute_uv=False)[-1])
    extra, ahead = len(placed.lead), image.ndim - 2
    strokes = []
    for corners, colour, width in _drawn(layer):
        if (np.rint(corners[:, :extra]) != placed.lead).any():
            continue
        own = np.rint(placed.affine(corners[:, extra:])).astype(int)
        plane = tuple(int(i) for i in own[0, :-2])
        strokes.append(
            Stroke(
                points=tuple((int(y), int(x)) for y, x in own[:, -2:]),
                colour=tuple(float(c) * one for c in colour[:3]),
                width=max(1, round(width * scale)),
                plane=plane if len(plane) == ahead else None,
            )
        )
    return Hints(strokes=tuple(strokes))


def within(hints: Hints, start: tuple[int, ...], stop: tuple[int, ...]) -> Hints:
    """Return the hints that begin in a part of the image, in the part's coordinates."""
    box = Box(*start[-2:], *stop[-2:])
    at = start[:-2]
    found = []
    for stroke in hints.strokes:
        inside = all(box.y0 <= y < box.y1 and box.x0 <= x < box.x1 for y, x in stroke.points)
        if inside and stroke.plane in (None, at):
            points = tuple((y - box.y0, x - box.x0) for y, x in stroke.points)
            found.append(Stroke(points, stroke.colour, stroke.width))
    return Hints(strokes=tuple(found))


def _drawn(layer: Points | Shapes) -> Iterator[Drawn]:
    """Yield corners (K, n), colour and width of what a layer draws, in its own pixels."""
    if isinstance(layer, Points):
        sizes = np.broadcast_to(layer.size, len(layer.data))
        for at, colour, size in zip(layer.data, layer.face_color, sizes, strict=True):
            yield np.asarray(at, np.float64)[np.newaxis], colour, float(size)
        return
    rows: Any = (layer.data, layer.shape_type, layer.edge_color, layer.edge_width)
    for corners, kind, colour, width in zip(*rows, strict=True):
        if kind not in _LINES:
            raise HintError(f"{layer.name} has a {kind}: hints are points, lines and paths.")
        yield np.asarray(corners, np.float64), colour, float(width)


def new_layer(viewer: napari.Viewer) -> Points:
    """Add an empty layer for hints."""
    return viewer.add_points(
        None, ndim=max(2, viewer.dims.ndim), name="colour hints", size=4, face_color="red"
    )


class Eyedropper:
    """Takes the colour under the next click for what is drawn next.

    Parameters
    ----------
    viewer : napari.Viewer
    """

    def __init__(self, viewer: napari.Viewer) -> None:
        self._viewer = viewer
        self._image: Image | None = None
        self._layer: Points | Shapes | None = None

    def arm(self, image: Image, layer: Points | Shapes) -> None:
        """Take the colour of ``image`` under the next click for ``layer``."""
        self._image, self._layer = image, layer
        if self.take not in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.append(self.take)

    def take(self, viewer: napari.Viewer, event: Any) -> None:
        """Take the colour at an event's position, and wait for no more clicks."""
        self.leave()
        if self._image is None or self._layer is None:
            return
        value = self._image.get_value(event.position, world=True)
        value = value[1] if self._image.multiscale else value
        if value is None:
            return  # beside the image
        dtype = np.dtype(self._image.dtype)
        one = 1.0 if dtype.kind == "f" else value_range(dtype)[1]
        colour = np.clip(np.asarray(value, np.float64)[:3] / one, 0, 1)
        which = "face" if isinstance(self._layer, Points) else "edge"
        self._layer.selected_data = set()
        setattr(
            self._layer,
            f"current_{which}_color",
            "#" + bytes(np.rint(colour * 255).astype(np.uint8)).hex(),
        )

    def leave(self) -> None:
        """Wait for no click any more."""
        if self.take in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self.take)
