"""What others fill the same holes with."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

Image = NDArray[np.uint8]
Hole = NDArray[np.bool_]
Fill = Callable[[Image, Hole], Image]


def peers() -> dict[str, Fill]:
    """Return the peers that are installed, by name: OpenCV's two only where it is."""
    found: dict[str, Fill] = {"nearest": _nearest, "biharmonic": _biharmonic}
    if find_spec("cv2") is not None:
        found |= {"Telea": _telea, "Navier-Stokes": _navier_stokes}
    return found


def _nearest(image: Image, hole: Hole) -> Image:
    at = distance_transform_edt(hole, return_distances=False, return_indices=True)
    return np.asarray(image[tuple(at)])


def _biharmonic(image: Image, hole: Hole) -> Image:
    from skimage.restoration import inpaint_biharmonic

    axis = -1 if image.ndim == 3 else None
    filled = inpaint_biharmonic(image, hole, split_into_regions=True, channel_axis=axis)
    return np.asarray(np.clip(np.rint(filled * 255), 0, 255).astype(np.uint8))


def _telea(image: Image, hole: Hole) -> Image:
    import cv2

    return np.asarray(cv2.inpaint(image, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA), np.uint8)


def _navier_stokes(image: Image, hole: Hole) -> Image:
    import cv2

    return np.asarray(cv2.inpaint(image, hole.astype(np.uint8), 3, cv2.INPAINT_NS), np.uint8)
