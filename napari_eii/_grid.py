"""Where a layer lies on the pixels of an image layer, by napari's own transforms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from eii.errors import HoleError
from napari.layers import Image, Layer
from numpy.typing import NDArray

_SLACK = 1e-6
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Affine:
    """A map from points of one grid of pixels to another: ``matrix @ point + offset``.

    Parameters
    ----------
    matrix : ndarray of shape (n, m), float64
    offset : ndarray of shape (n,), float64
    """

    matrix: FloatArray
    offset: FloatArray

    def __call__(self, points: FloatArray) -> FloatArray:
        """Map points (K, m) to (K, n)."""
        return np.asarray(points @ self.matrix.T + self.offset, np.float64)

    def after(self, first: Affine) -> Affine:
        """Return the map that applies ``first``, then this one."""
        return Affine(self.matrix @ first.matrix, self.matrix @ first.offset + self.offset)

    def inverse(self) -> Affine:
        """Return the map back."""
        matrix: FloatArray = np.linalg.inv(self.matrix).astype(np.float64)
        return Affine(matrix, -matrix @ self.offset)


def to_world(layer: Layer) -> Affine:
    """Return the map from a layer's pixels to world coordinates, read off `data_to_world`."""
    count = layer.ndim
    origin: FloatArray = np.asarray(layer.data_to_world(np.zeros(count)), np.float64)
    ends = np.asarray([layer.data_to_world(one) for one in np.eye(count)], np.float64)
    matrix: FloatArray = np.subtract(ends, origin, dtype=np.float64).T
    return Affine(matrix, origin)


@dataclass(frozen=True, eq=False)
class Placed:
    """How a layer lies on an image layer.

    Parameters
    ----------
    lead : tuple of int
        The layer's indices along axes that the image lacks.
    affine : Affine
        From the layer's other axes to the image's last ones.
    """

    lead: tuple[int, ...]
    affine: Affine


def onto(layer: Layer, image: Image, point: FloatArray, *, level: int = 0) -> Placed:
    """Return how a layer lies on the pixels of an image layer.

    Parameters
    ----------
    layer, image : Layer
        napari lays their last axes on each other. Where the layer has fewer axes it is the same
        for all positions along the others; where it has more, its part at ``point`` counts.
    point : ndarray of shape (N,), float64
        The viewer's position in world coordinates.
    level : int
        Of the image's pyramid.

    Raises
    ------
    HoleError
        If units or names of axes contradict each other, or one is tilted across planes.
    """
    _check_axes(layer, image)
    common = min(layer.ndim, image.ndim)
    extra = layer.ndim - common
    there, here = to_world(layer), to_world(image)
    for one, other in ((there, layer), (here, image)):
        if np.abs(one.matrix[-common:, :-common]).max(initial=0) > _SLACK:
            raise HoleError(f"{other.name} is tilted across planes: they do not lie on each other.")
    inner = Affine(here.matrix[-common:, -common:], here.offset[-common:])
    outer = Affine(there.matrix[-common:, -common:], there.offset[-common:])
    affine = inner.inverse().after(outer)
    shrink = 1 / factors_of(image, level)[-common:]
    affine = Affine(np.diag(shrink), np.zeros(common)).after(affine)
    if np.abs(affine.matrix[:-2, -2:]).max(initial=0) > _SLACK:
        raise HoleError(f"{layer.name} is tilted across the planes of {image.name}.")
    lead = plane_of(layer, point, extra) if extra else ()
    return Placed(lead, affine)


def plane_of(layer: Layer, point: FloatArray, count: int) -> tuple[int, ...]:
    """Return a layer's indices along its first ``count`` axes at a viewer's position.

    Raises
    ------
    HoleError
        If the position is off the layer.
    """
    world = np.zeros(layer.ndim)
    own = np.asarray(point, np.float64)[-layer.ndim :]
    world[layer.ndim - len(own) :] = own
    at = np.rint(np.asarray(layer.world_to_data(world))[:count]).astype(int)
    low, high = np.asarray(layer.extent.data)[:, :count]
    if ((at < np.rint(low)) | (at > np.rint(high))).any():
        raise HoleError(f"The plane that is shown is not one of {layer.name}. Move the slider.")
    return tuple(int(i) for i in at)


def shape_of(image: Image, level: int = 0) -> tuple[int, ...]:
    """Return the shape of a level of an image layer, without RGB."""
    shape = level_data(image, level).shape
    return tuple(int(n) for n in (shape[:-1] if image.rgb else shape))


def factors_of(image: Image, level: int) -> FloatArray:
    """Return how many pixels of full resolution a pixel of a level is, along each axis."""
    return np.asarray(shape_of(image), np.float64) / shape_of(image, level)


def full_data(layer: Layer) -> Any:
    """Return a layer's data at full resolution."""
    return level_data(layer, 0)


def level_data(layer: Layer, level: int) -> Any:
    """Return a layer's data at a level of its pyramid; it has one where it is not multiscale."""
    return layer.data[level] if getattr(layer, "multiscale", False) else layer.data


def _check_axes(layer: Layer, image: Image) -> None:
    for name in ("units", "axis_labels"):
        pairs = list(
            zip(reversed(getattr(layer, name)), reversed(getattr(image, name)), strict=False)
        )
        for own, other in pairs:
            if _is_told(own) and _is_told(other) and str(own) != str(other):
                what = "unit" if name == "units" else "axis"
                raise HoleError(
                    f"{layer.name} has the {what} {str(own)!r} where {image.name} has "
                    f"{str(other)!r}. Make the layer from the image, or set both alike."
                )


def _is_told(name: object) -> bool:
    """Tell whether a unit or a name of an axis was set, and is not napari's own."""
    return str(name) != "pixel" and not re.fullmatch(r"(axis )?-?\d+", str(name))
