"""What layers mark on an image, as an array read by slices: made box by box, off the GUI."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any, Protocol

import numpy as np
from eii import Box
from eii.errors import HoleError
from napari.layers import Image, Labels, Layer, Points, Shapes
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from napari_eii._grid import Affine, FloatArray, Placed, full_data, full_shape, onto

_CIRCLE = 48  # corners of the polygon that stands for a circle
_LEAST = 0.71  # radius in pixels of the least mark: it covers a pixel's centre wherever it lies
_THIN = 0.51  # half the width of the thinnest line
_FINEST = 8  # pixels of a mask along each side of an image's pixel that are looked at
_EXACT = 1e-6

Plane = tuple[int, ...]
Tells = Callable[[NDArray[Any]], NDArray[np.bool_]]


class Cover(Protocol):
    """Tells which pixels of an image are marked."""

    def __call__(self, plane: Plane, box: Box) -> NDArray[np.bool_]:
        """Return the marks (h, w) in a box of a plane."""
        ...


class Marked:
    """The hole of an image as an array of bool that is read by slices.

    Parameters
    ----------
    axes : str
        One letter of ``tczyx`` for each dimension.
    shape : tuple of int
    cover : Cover
    only : mapping of axis to int, optional
        The planes that count; by default all.
    """

    dtype = np.dtype(bool)

    def __init__(
        self, axes: str, shape: Plane, cover: Cover, only: Mapping[str, int] | None = None
    ) -> None:
        self.axes, self.shape, self._cover, self._only = axes, shape, cover, only or {}

    def __getitem__(self, key: tuple[int | slice, ...], /) -> NDArray[np.bool_]:
        *lead, rows, columns = key
        (y0, y1, _), (x0, x1, _) = (
            span.indices(n) for span, n in zip((rows, columns), self.shape[-2:], strict=True)
        )
        box = Box(y0, x0, y1, x1)
        asked = [
            range(*k.indices(n)) if isinstance(k, slice) else [int(k)]
            for k, n in zip(lead, self.shape, strict=False)
        ]
        found = [self._plane(at, box) for at in product(*asked)]
        sizes = [len(a) for a, k in zip(asked, lead, strict=True) if isinstance(k, slice)]
        return np.stack(found).reshape(*sizes, *box.shape)

    def _plane(self, at: Plane, box: Box) -> NDArray[np.bool_]:
        by_axis = dict(zip(self.axes, at, strict=False))
        if any(by_axis.get(axis, i) != i for axis, i in self._only.items()):
            return np.zeros(box.shape, bool)
        return self._cover(at, box)


def marked(
    layer: Layer,
    image: Image,
    point: FloatArray,
    *,
    axes: str,
    above: float = 0.0,
    only: Mapping[str, int] | None = None,
) -> Marked:
    """Return the hole that a layer marks on an image layer, from a copy of it as it is now.

    Parameters
    ----------
    layer : Labels, Shapes, Points or Image
        Labels: what is not 0. Shapes: what they cover, lines by their width. Points: discs of
        their size. Image: what is greater than ``above``.
    image : Image
    point : ndarray
        The viewer's position in world coordinates.
    axes : str
        Of the image, RGB left out.
    above : float
    only : mapping of axis to int, optional
        The planes that count.

    Returns
    -------
    Marked
        With channels of its own where the layer has an axis that lies on the image's channels.

    Raises
    ------
    HoleError
        If the layer cannot be laid on the image.
    """
    placed = onto(layer, image, point)
    shared = axes[len(axes) - len(placed.affine.offset) :]
    own = axes if "c" in shared else axes.replace("c", "")
    sizes = dict(zip(axes, full_shape(image), strict=True))
    shape = tuple(sizes[a] for a in own)
    return Marked(own, shape, _cover_of(layer, placed, above, len(own) - 2), only)


def _cover_of(layer: Layer, placed: Placed, above: float, ahead: int) -> Cover:
    if isinstance(layer, Labels):
        return Sampled(_copied(full_data(layer)), placed, _not_zero)
    if isinstance(layer, Image):
        rgb = layer.rgb
        return Sampled(_copied(full_data(layer)), placed, lambda v: _brighter(v, above, rgb), rgb)
    figures = [f for corners in _figures(layer, placed) if (f := _figure(corners, placed, ahead))]
    return Drawn(figures)


def _copied(data: Any) -> Any:
    return data.copy() if isinstance(data, np.ndarray) else data


def _not_zero(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(values != 0)


def _brighter(values: NDArray[Any], above: float, rgb: bool) -> NDArray[np.bool_]:
    return np.asarray((values[..., :3] > above).any(axis=-1) if rgb else values > above)


class Sampled:
    """Marks that are values of an array, nearest to each pixel of the image.

    Parameters
    ----------
    data : array-like of slices
    placed : Placed
    tells : callable
        Takes values, returns which are marks.
    rgb : bool
        The array has colours as its last axis.
    """

    def __init__(self, data: Any, placed: Placed, tells: Tells, rgb: bool = False) -> None:
        self._data, self._tells = data, tells
        self._lead, self._back = placed.lead, placed.affine.inverse()
        self._shape = data.shape[: data.ndim - rgb][len(placed.lead) :]

    def __call__(self, plane: Plane, box: Box) -> NDArray[np.bool_]:
        """Return the marks (h, w) in a box of a plane."""
        empty = np.zeros(box.shape, bool)
        matrix, offset = self._back.matrix, self._back.offset
        ahead = len(offset) - 2
        own = np.array(plane[len(plane) - ahead :], np.float64)
        at = np.rint(matrix[:ahead, :ahead] @ own + offset[:ahead]).astype(int)
        if ((at < 0) | (at >= self._shape[:ahead])).any():
            return empty
        flat = Affine(matrix[-2:, -2:], matrix[-2:, :ahead] @ own + offset[-2:])
        corners = np.array([[y, x] for y in (box.y0, box.y1 - 1) for x in (box.x0, box.x1 - 1)])
        reach = flat(corners.astype(np.float64))
        low = np.floor(reach.min(axis=0)).astype(int) - 1
        high = np.ceil(reach.max(axis=0)).astype(int) + 2
        part = Box(*low, *high).clip(self._shape[-2:])
        if not part.area:
            return empty
        key = (*self._lead, *(int(i) for i in at), *part.slices)
        marks = self._tells(np.asarray(self._data[key]))
        origin = np.array([part.y0, part.x0])
        start = flat(np.array([[box.y0, box.x0]], np.float64))[0] - origin
        return _nearest(marks, flat.matrix, start, box.shape)


def _nearest(
    marks: NDArray[np.bool_], matrix: FloatArray, start: FloatArray, shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return the mark nearest to each pixel; of marks finer than pixels, any inside of it."""
    if not marks.any():
        return np.zeros(shape, bool)
    fine = min(_FINEST, int(np.ceil(np.abs(matrix).max() - _EXACT)))
    steps = (np.arange(fine) + 0.5) / fine - 0.5
    found = np.zeros(shape, bool)
    for dy in steps:
        for dx in steps:
            offset = start + matrix @ (dy, dx)
            values = marks.view(np.uint8)
            found |= affine_transform(
                values, matrix, offset, shape, order=0, mode="grid-constant", cval=0
            ).view(bool)
    return found


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
