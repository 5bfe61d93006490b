"""Between napari's layers and the core's arrays: pure functions, no widgets."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from eii.errors import HoleError, ImageError
from napari.layers import Image, Labels, Layer, Points, Shapes
from numpy.typing import NDArray
from scipy import ndimage
from skimage.draw import disk, line, polygon2mask

_KEPT = (
    *("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels"),
    *("contrast_limits", "colormap", "gamma", "blending", "opacity", "interpolation2d"),
)
_CIRCLE = 64  # corners of the polygon that stands for an ellipse


def full_data(layer: Layer) -> Any:
    """Return a layer's data at full resolution."""
    return layer.data[0] if getattr(layer, "multiscale", False) else layer.data


def axes_of(layer: Image, extra: str = "planes") -> str:
    """Return what the dimensions of an image layer mean.

    Parameters
    ----------
    layer : Image
    extra : {"planes", "channels"}
        What the dimension before y and x is.

    Returns
    -------
    str
        Letters of ``tczyx``.

    Raises
    ------
    ImageError
        If the layer has more dimensions than there are letters for.
    """
    ndim = full_data(layer).ndim - layer.rgb
    lead = {2: "", 3: "z", 4: "tz"} if extra == "planes" else {2: "", 3: "c", 4: "zc", 5: "tzc"}
    if ndim not in lead or (layer.rgb and extra == "channels" and ndim > 2):
        raise ImageError(f"{layer.name} has {ndim} dimensions; as {extra} that is not taken.")
    return lead[ndim] + "yx" + ("c" if layer.rgb else "")


def hole_of(layer: Layer, image: Image) -> NDArray[np.bool_]:
    """Return the hole that a layer marks, on the grid of an image layer.

    Parameters
    ----------
    layer : Labels, Shapes or Points
        Labels: what is not 0. Shapes: what they cover. Points: discs of their size.
    image : Image

    Returns
    -------
    ndarray, bool
        (M, N), or one plane for each of the image's when the layer has its leading dimensions.

    Raises
    ------
    HoleError
        If a Labels layer lies elsewhere than the image, or nothing is marked.
    """
    hole = _labelled(layer, image) if isinstance(layer, Labels) else _drawn(layer, image)
    if not hole.any():
        raise HoleError(f"{layer.name} marks no pixel of {image.name}. Paint or draw the hole.")
    return hole


def result_attributes(image: Image) -> dict[str, Any]:
    """Return what the result's layer takes over from its image's: place, scale and looks."""
    kept = {name: getattr(image, name) for name in _KEPT}
    if image.rgb:
        del kept["contrast_limits"], kept["colormap"]
    return {"name": f"{image.name} restored", "rgb": image.rgb, **kept}


def _labelled(layer: Labels, image: Image) -> NDArray[np.bool_]:
    two = slice(-2, None)
    same = all(
        np.allclose(getattr(layer, name)[two], getattr(image, name)[two])
        for name in ("scale", "translate")
    )
    if not same:
        raise HoleError(
            f"{layer.name} has another scale or translation than {image.name}. "
            "Make the Labels layer from the image, or set both alike."
        )
    return np.asarray(full_data(layer)) != 0


def _drawn(layer: Shapes | Points, image: Image) -> NDArray[np.bool_]:
    shape = full_data(image).shape[: full_data(image).ndim - image.rgb]
    on_planes = len(shape) > 2 and layer.ndim == len(shape)
    hole = np.zeros(shape if on_planes else shape[-2:], bool)
    for corners, covered in _figures(layer):
        place = np.array([_to_pixels(c, layer, image) for c in corners])
        plane = tuple(np.clip(np.rint(place[0, :-2]), 0, np.array(shape[:-2]) - 1).astype(int))
        hole[plane if on_planes else ...] |= covered(place[:, -2:], shape[-2:])
    return hole


def _to_pixels(point: NDArray[Any], layer: Layer, image: Image) -> NDArray[Any]:
    world = np.asarray(layer.data_to_world(point))
    lead = np.zeros(max(0, image.ndim - world.size))
    return np.asarray(image.world_to_data(np.concatenate([lead, world])[-image.ndim :]))


def _figures(layer: Shapes | Points) -> Any:
    """Yield each figure's corners, and the function that tells which pixels it covers."""
    if isinstance(layer, Points):
        for point, size in zip(
            layer.data, np.broadcast_to(layer.size, len(layer.data)), strict=True
        ):
            edge = np.array(point)
            edge[-1] += size / 2
            yield np.array([point, edge]), _cover_disc
        return
    for corners, kind, width in zip(layer.data, layer.shape_type, layer.edge_width, strict=True):
        if kind == "ellipse":
            yield _ellipse(corners), polygon_cover
        elif kind in ("line", "path"):
            yield corners, lambda place, shape, width=width: _cover_path(place, shape, width)
        else:
            yield corners, polygon_cover


def polygon_cover(place: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels inside a polygon of corners (K, 2)."""
    return polygon2mask(shape, place)


def _cover_disc(place: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.bool_]:
    covered = np.zeros(shape, bool)
    radius = max(0.6, float(np.hypot(*(place[1] - place[0]))))
    covered[disk(tuple(place[0]), radius, shape=shape)] = True
    return covered


def _cover_path(place: NDArray[Any], shape: tuple[int, int], width: float) -> NDArray[np.bool_]:
    covered = np.zeros(shape, bool)
    whole = np.rint(place).astype(int)
    for (y0, x0), (y1, x1) in pairwise(whole):
        rows, columns = line(y0, x0, y1, x1)
        inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
        covered[rows[inside], columns[inside]] = True
    if not covered.any():
        return covered
    return ndimage.distance_transform_edt(~covered) <= max(1.0, width) / 2


def _ellipse(corners: NDArray[Any]) -> NDArray[Any]:
    centre = corners.mean(axis=0)
    one, other = (corners[1] - corners[0]) / 2, (corners[2] - corners[1]) / 2
    angles = np.linspace(0, 2 * np.pi, _CIRCLE, endpoint=False)[:, np.newaxis]
    return centre + np.cos(angles) * one + np.sin(angles) * other
