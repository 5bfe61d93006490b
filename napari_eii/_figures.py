"""Shapes and points as polygons on the pixels of an image, each filled inside its own box."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from eii import Box
from eii.errors import HoleError
from napari.layers import Points, Shapes
from numpy.typing import NDArray

from napari_eii._grid import FloatArray, Placed

_CIRCLE = 48  # corners of the polygon that stands for a circle
_LEAST = 0.71  # radius in pixels of the least mark: it covers a pixel's centre wherever it lies
_THIN = 0.51  # half the width of the thinnest line

Plane = tuple[int, ...]


def figures_of(layer: Shapes | Points, placed: Placed, ahead: int) -> list[Figure]:
    """Return what a layer draws on an image whose planes have ``ahead`` axes before y and x.

    Raises
    ------
    HoleError
        If a shape lies across several planes.
    """
    found = (_figure(corners, placed, ahead) for corners in _figures(layer, placed))
    return [figure for figure in found if figure is not None]


@dataclass(frozen=True, eq=False)
class Figure:
    """A polygon on some planes.

    Parameters
    ----------
    plane : tuple of int
        Along the last axes before y and x.
    corners : ndarray of shape (K, 2), float64
        (y, x) in pixels of the image.
    """

    plane: Plane
    corners: FloatArray


@dataclass(frozen=True)
class Drawn:
    """Marks that are figures; each is filled inside its own box."""

    figures: list[Figure]

    def __call__(self, plane: Plane, box: Box) -> NDArray[np.bool_]:
        """Return the marks (h, w) in a box of a plane."""
        found = np.zeros(box.shape, bool)
        for figure in self.figures:
            if figure.plane != plane[len(plane) - len(figure.plane) :]:
                continue
            low, high = figure.corners.min(axis=0), figure.corners.max(axis=0)
            around = Box(*(int(n) for n in np.floor(low)), *(int(n) for n in np.ceil(high + 1)))
            part = around.intersect(box)
            if part.area:
                found[part.relative_to(box).slices] |= inside(figure.corners, part)
        return found


def inside(corners: FloatArray, box: Box) -> NDArray[np.bool_]:
    """Return the pixels of a box whose centres lie inside a polygon, by the even-odd rule.

    Parameters
    ----------
    corners : ndarray of shape (K, 2), float64
    box : Box

    Notes
    -----
    Row by row: each edge that crosses a row turns the pixels to its right over. The time follows
    the rows and the edges, and the area only where an edge runs through it.
    """
    rows = np.arange(box.y0, box.y1)[:, np.newaxis]
    (y, x), (next_y, next_x) = corners.T, np.roll(corners, -1, axis=0).T
    row, edge = np.nonzero((y <= rows) != (next_y <= rows))
    slope = (next_x - x)[edge] / (next_y - y)[edge]
    at = x[edge] + (row + box.y0 - y[edge]) * slope
    columns = np.clip(np.ceil(at - box.x0), 0, box.width).astype(int)
    turns = np.zeros((box.height, box.width + 1), bool)
    np.logical_xor.at(turns, (row, columns), True)
    through = turns[:, 1:-1].any(axis=1)
    found = np.repeat(turns[:, :1], box.width, axis=1)
    found[through] = np.logical_xor.accumulate(turns[through, :-1], axis=1)
    return found


def _figure(corners: FloatArray, placed: Placed, ahead: int) -> Figure | None:
    """Return a figure given in a layer's pixels on the image; None when it is elsewhere."""
    extra = len(placed.lead)
    if (np.rint(corners[:, :extra]) != placed.lead).any():
        return None
    own = placed.affine(corners[:, extra:])
    plane = np.rint(own[:, :-2]).astype(int)
    if (plane != plane[:1]).any():
        raise HoleError("A shape lies across several planes. Draw it within one.")
    return Figure(tuple(int(i) for i in plane[0])[-ahead:] if ahead else (), own[:, -2:])


def _figures(layer: Shapes | Points, placed: Placed) -> Iterator[FloatArray]:
    """Yield the polygons of a layer, corners (K, n) in its own pixels."""
    # The least factor by which the layer's pixels are enlarged on the image.
    scale = float(np.linalg.svd(placed.affine.matrix[-2:, -2:], compute_uv=False)[-1])
    if isinstance(layer, Points):
        sizes = np.broadcast_to(layer.size, len(layer.data))
        for point, size, shown in zip(layer.data, sizes, layer.shown, strict=True):
            if shown:
                yield _circle(np.asarray(point, np.float64), max(size / 2, _LEAST / scale))
        return
    for corners, kind, width in zip(layer.data, layer.shape_type, layer.edge_width, strict=True):
        corners = np.asarray(corners, np.float64)
        if kind == "ellipse":
            yield _ellipse(corners)
        elif kind in ("line", "path"):
            yield from _thick(corners, max(width / 2, _THIN / scale))
        else:
            yield corners


def _circle(centre: FloatArray, radius: float) -> FloatArray:
    angles = np.linspace(0, 2 * np.pi, _CIRCLE, endpoint=False)
    corners = np.repeat(centre[np.newaxis], _CIRCLE, axis=0)
    corners[:, -2:] += radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    return corners


def _thick(corners: FloatArray, half: float) -> Iterator[FloatArray]:
    """Yield a rectangle along each segment of a path, and a disc at each of its corners."""
    for one, other in pairwise(corners):
        along = (other - one)[-2:]
        length = float(np.hypot(*along))
        if length > 0:
            across = np.zeros_like(one)
            across[-2:] = half * np.array([-along[1], along[0]]) / length
            yield np.stack([one + across, other + across, other - across, one - across])
    yield from (_circle(corner, half) for corner in corners)


def _ellipse(corners: FloatArray) -> FloatArray:
    centre = corners.mean(axis=0)
    one, other = (corners[1] - corners[0]) / 2, (corners[2] - corners[1]) / 2
    angles = np.linspace(0, 2 * np.pi, _CIRCLE, endpoint=False)[:, np.newaxis]
    return np.asarray(centre + np.cos(angles) * one + np.sin(angles) * other)
