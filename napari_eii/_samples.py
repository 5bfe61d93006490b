"""Sample images that open with their defects marked: choose Restore, press Run."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Any

import numpy as np
from eii.demo import HOLE, IMAGE
from numpy.typing import NDArray
from PIL import Image

LayerData = tuple[Any, dict[str, Any], str]

_TILE = 1024  # side of the large image's chunks
_LARGE = 16384
_SEED = 7


def photograph() -> list[LayerData]:
    """Return the packaged photograph and its scratches and dust as labels."""
    return _layers(_packaged(IMAGE), _packaged(HOLE) > 0, "photograph", rgb=True)


def histology() -> list[LayerData]:
    """Return scikit-image's packaged histology with scratches, dust and a dead camera line."""
    from skimage import data

    image = data.immunohistochemistry()
    hole = _scratches(image.shape[:2], count=3, width=4) | _dust(image.shape[:2], count=40)
    hole[301:303] = True
    damaged = np.where(hole[..., np.newaxis], np.uint8(245), image)
    return _layers(damaged, hole, "histology", rgb=True)


def page() -> list[LayerData]:
    """Return scikit-image's packaged page of text, scratched and spotted."""
    from skimage import data

    image = data.page()
    hole = _scratches(image.shape, count=5, width=2) | _dust(image.shape, count=60)
    return _layers(np.where(hole, np.uint8(20), image), hole, "page")


def fluorescence() -> list[LayerData]:
    """Return three channels of made-up cells; the second lost a tile that the others have."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(_SEED)
    noise = rng.standard_normal((2, 512, 512))
    nuclei = np.clip(gaussian_filter(noise[0], 9) * 30, 0, 1)
    body = np.clip(gaussian_filter(nuclei, 8) * 2.2, 0, 1)
    fibres = np.abs(gaussian_filter(noise[1], (2, 7))) * 6 * body
    clean = np.stack([nuclei, 0.7 * body + 0.5 * fibres, 0.5 * nuclei + fibres])
    counts = rng.poisson(np.clip(gaussian_filter(clean, (0, 1, 1)), 0, 2) * 400 + 20)
    image = (counts * 16).astype(np.uint16)
    hole = np.zeros(image.shape, bool)
    hole[1, 192:320, 192:320] = True
    hole |= _dust(image.shape[1:], count=25)
    image[hole] = 0
    names = {"axis_labels": ("c", "y", "x")}
    return _layers(image, hole, "fluorescence", **names, contrast_limits=(0, 14000))


def large() -> list[LayerData]:
    """Return a pyramid of 16384 x 16384 pixels, made when it is looked at, with lines over it."""
    import dask.array as da

    sides = [_LARGE // 2**n for n in range(5)]
    chunks = [((min(_TILE, n),) * (n // min(_TILE, n)),) * 2 for n in sides]
    levels = [
        da.map_blocks(_cells, chunks=c, dtype=np.uint8, meta=np.empty((0, 0), np.uint8), step=2**n)
        for n, c in enumerate(chunks)
    ]
    shared = {"axis_labels": ("y", "x")}
    image = {"name": "mosaic", "multiscale": True, "contrast_limits": (0, 255), **shared}
    ends = np.linspace(500, _LARGE - 500, 6)
    lines = [np.array([[200.0, x], [_LARGE - 200.0, x + 300]]) for x in ends]
    marks = {"name": "mosaic hole", "shape_type": "line", "edge_width": 12, "edge_color": "red"}
    return [(levels, image, "image"), (lines, {**marks, **shared}, "shapes")]


def _cells(step: int, block_info: Any = None) -> NDArray[np.uint8]:
    """Return a chunk of waves that look like tissue from afar; the same at every level."""
    (y0, y1), (x0, x1) = block_info[None]["array-location"]
    y = np.arange(y0, y1, dtype=np.float32)[:, np.newaxis] * step
    x = np.arange(x0, x1, dtype=np.float32) * step
    waves = np.sin(y / 19 + 2 * np.sin(x / 61)) * np.sin(x / 23 + 2 * np.sin(y / 47))
    slow = np.sin(y / 1900) + np.sin(x / 1300)
    return (128 + 60 * waves + 30 * slow).astype(np.uint8)


def _scratches(shape: tuple[int, ...], *, count: int, width: int) -> NDArray[np.bool_]:
    """Return wavy lines from top to bottom, as a film's."""
    rng = np.random.default_rng(_SEED)
    hole = np.zeros(shape, bool)
    rows = np.arange(shape[0])
    for start in np.linspace(0.1, 0.85, count) * shape[1]:
        wave = 8 * np.sin(rows / rng.uniform(40, 90) + rng.uniform(0, 6))
        columns = np.clip(start + wave + rows * rng.uniform(-0.1, 0.1), 0, shape[1] - width)
        for offset in range(width):
            hole[rows, columns.astype(int) + offset] = True
    return hole


def _dust(shape: tuple[int, ...], *, count: int) -> NDArray[np.bool_]:
    """Return specks of one to four pixels' radius."""
    rng = np.random.default_rng(_SEED)
    hole = np.zeros(shape, bool)
    y, x = np.ogrid[: shape[0], : shape[1]]
    for at, radius in zip(rng.uniform(0, shape, (count, 2)), rng.uniform(1, 4, count), strict=True):
        hole |= (y - at[0]) ** 2 + (x - at[1]) ** 2 <= radius**2
    return hole


def _packaged(name: str) -> NDArray[Any]:
    with as_file(files("eii.data") / name) as path, Image.open(path) as picture:
        return np.asarray(picture)


def _layers(image: NDArray[Any], hole: NDArray[np.bool_], name: str, **how: Any) -> list[LayerData]:
    shared = {k: v for k, v in how.items() if k == "axis_labels"}
    return [
        (image, {"name": name, **how}, "image"),
        (hole.astype(np.uint8), {"name": f"{name} hole", "opacity": 0.6, **shared}, "labels"),
    ]
