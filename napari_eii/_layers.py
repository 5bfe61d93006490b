"""Between napari's layers and the core's arrays: pure functions, no widgets."""

from __future__ import annotations

from typing import Any

import napari
import numpy as np
from eii.io.multiscale import halve
from napari.layers import Image, Layer
from numpy.typing import NDArray

from napari_eii._grid import full_data

_PLACE = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
_LATER = ("contrast_limits_range", "contrast_limits")
_LOOKS = (
    *(*_LATER, "colormap", "gamma", "blending", "opacity"),
    *("interpolation2d", "interpolation3d", "metadata"),
)
_LARGE = 2**29
"""Bytes of an image from which its result belongs on the disk."""


def is_large(layer: Image) -> bool:
    """Tell whether a layer is read lazily, or too large for its result to be held in memory."""
    data = full_data(layer)
    size = int(np.prod(data.shape)) * np.dtype(data.dtype).itemsize
    return not isinstance(data, np.ndarray) or size > _LARGE


def place_of(image: Image) -> dict[str, Any]:
    """Return where a layer of the same dimensions lies: on this one."""
    return {name: getattr(image, name) for name in _PLACE}


def looks_of(image: Image) -> dict[str, Any]:
    """Return how the result's layer looks: like its image's."""
    found = {name: getattr(image, name) for name in _LOOKS}
    found["metadata"] = dict(found["metadata"])
    if image.rgb:
        del found["colormap"]
    return {"name": f"{image.name} restored", "rgb": image.rgb, **found}


def add(viewer: napari.Viewer, data: Any, attributes: dict[str, Any], kind: str) -> Layer:
    """Add a layer; what napari takes only of a layer that is there is set afterwards."""
    later = {name: attributes[name] for name in _LATER if name in attributes}
    now = {n: v for n, v in attributes.items() if n != "contrast_limits_range"}
    if attributes.get("rgb"):
        now.pop("contrast_limits", None)
    layer: Layer = getattr(viewer, f"add_{kind}")(data, **now)
    for name, value in later.items():
        setattr(layer, name, value)
    return layer


def with_levels(pixels: NDArray[Any], count: int, *, rgb: bool) -> list[NDArray[Any]]:
    """Return an array and coarser levels of it, each half the one before in y and x."""
    levels = [pixels]
    for _ in range(count - 1):
        last = levels[-1]
        planes = np.moveaxis(last, -1, 0) if rgb else last
        flat = planes.reshape(-1, *planes.shape[-2:])
        half = np.stack([halve(plane) for plane in flat])
        half = half.reshape(*planes.shape[:-2], *half.shape[-2:])
        levels.append(np.moveaxis(half, 0, -1) if rgb else half)
    return levels
