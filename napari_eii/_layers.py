"""Between napari's layers and the core's arrays: pure functions, no widgets."""

from __future__ import annotations

from typing import Any

import numpy as np
from eii.errors import ImageError
from eii.io.multiscale import halve
from napari.layers import Image
from numpy.typing import NDArray

from napari_eii._grid import full_data

_PLACE = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
_LOOKS = (
    *("contrast_limits", "colormap", "gamma", "blending", "opacity"),
    *("interpolation2d", "interpolation3d", "metadata"),
)
_LARGE = 2**29
"""Bytes of an image from which its result belongs on the disk."""


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
        del found["contrast_limits"], found["colormap"]
    return {"name": f"{image.name} restored", "rgb": image.rgb, **found}


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
