"""Sample images that open with their defects marked: choose Restore, press Run."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Any

import numpy as np
from eii.demo import HOLE, IMAGE
from numpy.typing import NDArray
from PIL import Image

LayerData = tuple[NDArray[Any], dict[str, Any], str]


def photograph() -> list[LayerData]:
    """Return the packaged photograph and its scratches and dust as labels."""
    return _layers(_packaged(IMAGE), _packaged(HOLE) > 0, "photograph")


def histology() -> list[LayerData]:
    """Return scikit-image's packaged histology with a scratch and a missing tile."""
    from skimage import data

    image = data.immunohistochemistry()
    hole = np.zeros(image.shape[:2], bool)
    rows = np.arange(hole.shape[0])
    columns = (180 + 25 * np.sin(rows / 60) + rows / 4).astype(int)
    for width in range(4):
        hole[rows, columns + width] = True
    hole[330:394, 60:124] = True
    damaged = np.where(hole[..., np.newaxis], np.uint8(255), image)
    return _layers(damaged, hole, "histology")


def _packaged(name: str) -> NDArray[Any]:
    with as_file(files("eii.data") / name) as path, Image.open(path) as picture:
        return np.asarray(picture)


def _layers(image: NDArray[Any], hole: NDArray[np.bool_], name: str) -> list[LayerData]:
    return [
        (image, {"name": name, "rgb": True}, "image"),
        (hole.astype(np.uint8), {"name": f"{name} hole", "opacity": 0.6}, "labels"),
    ]
