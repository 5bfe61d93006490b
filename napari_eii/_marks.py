"""What layers mark on an image, as an array read by slices: made box by box, off the GUI."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from hashlib import blake2b
from itertools import product
from typing import Any, Protocol

import numpy as np
from eii import Box
from eii.image.geometry import blocks_of
from napari.layers import Image, Labels, Layer, Points, Shapes
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from napari_eii._figures import Drawn, figures_of
from napari_eii._grid import Affine, FloatArray, Placed, full_data, onto, shape_of

VEILS = "eii_veils"
"""Of a layer's metadata: what divides out thin dirt of its image."""
_FINEST = 8  # pixels of a mask along each side of an image's pixel that are looked at
_EXACT = 1e-6

Plane = tuple[int, ...]
Only = Mapping[str, Collection[int]]
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
    only : mapping of axis to collection of int, optional
        The planes that count; by default all.
    veils : mapping, optional
        What divides out thin dirt, as `eii.DefectLabels` has it, of each plane.
    """

    dtype = np.dtype(bool)

    def __init__(
        self,
        axes: str,
        shape: Plane,
        cover: Cover,
        only: Only | None = None,
        veils: Mapping[Plane, Any] | None = None,
    ) -> None:
        self.axes, self.shape, self._cover, self._only = axes, shape, cover, only or {}
        self.veils = veils or {}

    def __getitem__(self, key: tuple[int | slice, ...], /) -> NDArray[np.bool_]:
        asked = [
            range(*k.indices(n)) if isinstance(k, slice) else range(int(k), int(k) + 1)
            for k, n in zip(key, self.shape, strict=True)
        ]
        *lead, rows, columns = asked
        box = Box(rows.start, columns.start, rows.stop, columns.stop)
        found = [self._plane(at, box) for at in product(*lead)]
        sizes = [len(a) for a, k in zip(lead, key, strict=False) if isinstance(k, slice)]
        return np.stack(found).reshape(*sizes, *box.shape)

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        digest = blake2b(digest_size=16)
        *lead, height, width = self.shape
        for at in product(*map(range, lead)):
            for box in blocks_of((height, width)):
                marks = self._plane(at, box)
                if marks.any():
                    digest.update(repr((at, box)).encode())
                    digest.update(np.packbits(marks).tobytes())
        veils = [(plane, self.veils[plane].__dask_tokenize__()) for plane in sorted(self.veils)]
        return "marks", self.axes, self.shape, digest.hexdigest(), veils

    def _plane(self, at: Plane, box: Box) -> NDArray[np.bool_]:
        by_axis = dict(zip(self.axes, at, strict=False))
        if any(axis in by_axis and by_axis[axis] not in i for axis, i in self._only.items()):
            return np.zeros(box.shape, bool)
        return self._cover(at, box)

    def part(self, start: Plane, stop: Plane) -> Marked:
        """Return the marks of a part of the image, from ``start`` to ``stop`` along each axis."""

        def cover(plane: Plane, box: Box) -> NDArray[np.bool_]:
            at = tuple(i + first for i, first in zip(plane, start, strict=False))
            dy, dx = start[-2:]
            there = Box(box.y0 + dy, box.x0 + dx, box.y1 + dy, box.x1 + dx)
            return self._plane(at, there)

        return Marked(self.axes, tuple(b - a for a, b in zip(start, stop, strict=True)), cover)


def marked(
    layer: Layer,
    image: Image,
    point: FloatArray,
    *,
    axes: str,
    above: float = 0.0,
    only: Only | None = None,
    level: int = 0,
    copied: bool = True,
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
    only : mapping of axis to collection of int, optional
        The planes that count.
    level : int
        Of the image's pyramid: on whose pixels the marks are asked for.
    copied : bool
        Marks that are drawn later do not count.

    Returns
    -------
    Marked
        With channels of its own where the layer has an axis that lies on the image's channels.

    Raises
    ------
    HoleError
        If the layer cannot be laid on the image.
    """
    placed = onto(layer, image, point, level=level)
    shared = axes[len(axes) - len(placed.affine.offset) :]
    own = axes if "c" in shared else axes.replace("c", "")
    sizes = dict(zip(axes, shape_of(image, level), strict=True))
    shape = tuple(sizes[a] for a in own)
    data = None if isinstance(layer, Shapes | Points) else full_data(layer)
    if copied and isinstance(data, np.ndarray):
        data = data.copy()
    cover = _cover_of(layer, data, placed, above, len(own) - 2)
    return Marked(own, shape, cover, only, layer.metadata.get(VEILS))


def _cover_of(layer: Layer, data: Any, placed: Placed, above: float, ahead: int) -> Cover:
    if isinstance(layer, Labels):
        return Sampled(data, placed, _not_zero)
    if isinstance(layer, Image):
        rgb = layer.rgb
        return Sampled(data, placed, lambda v: _brighter(v, above, rgb), rgb)
    return Drawn(figures_of(layer, placed, ahead))


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
