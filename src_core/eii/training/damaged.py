"""Windows of clean pictures with scratches and dust made up on them, and where those are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from scipy.ndimage import gaussian_filter
from torch.utils.data import IterableDataset, get_worker_info

from eii.evaluation.film_defects import add_dust, add_folds, add_scratches
from eii.external.segmenter import normalised
from eii.training.images import Item, read_item

FloatArray = NDArray[np.float32]
Sample = tuple[FloatArray, FloatArray]

SIDE = 256
_CLEAN = 0.2  # share of windows without a defect
_WORN = 0.2  # of the others, of those that are scratched all over
_FOLDED = 0.15  # of the others, of those of prints that were folded
_SCRATCHES = ((0, 4), (4, 12))
_SMALL = 0.35  # share of windows whose defects are half as large, as of a coarse scan
_PART = 0.4  # of a pixel that such a defect covers, to belong to it


class Windows(IterableDataset[Sample]):
    """Endless windows of pictures with defects on them, and where those are.

    Parameters
    ----------
    items : sequence of Item
    seed : int
    """

    def __init__(self, items: Sequence[Item], seed: int) -> None:
        self._items, self._seed = items, seed

    def __iter__(self) -> Iterator[Sample]:
        """Yield luma (1, S, S) and the masks of scratches and dust (2, S, S), both float32."""
        worker = get_worker_info()
        rng = np.random.default_rng([self._seed, worker.id if worker else 0])
        while True:
            picture = read_item(self._items[int(rng.integers(len(self._items)))])
            short = [(0, max(0, SIDE - n)) for n in picture.shape[:2]]
            if any(after for _, after in short):
                picture = np.pad(picture, [*short, (0, 0)], mode="symmetric")
            yield make_sample(_crop(picture, rng), rng)


def _crop(picture: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return a square of a picture, turned, of another contrast, with some noise."""
    y, x = (int(rng.integers(n - SIDE + 1)) for n in picture.shape[:2])
    window = np.rot90(picture[y : y + SIDE, x : x + SIDE], int(rng.integers(4)))
    if rng.random() < 0.5:
        window = window[:, ::-1]
    window = window ** np.float32(np.exp(rng.uniform(-0.6, 0.6)))
    if rng.random() < 0.2:
        window = 1 - window  # negatives
    return np.ascontiguousarray(window, np.float32)


def make_sample(window: FloatArray, rng: np.random.Generator) -> Sample:
    """Return the luma of a window (S, S, C) with defects on it, and where those are."""
    small = rng.random() < _SMALL
    if small:
        window = window.repeat(2, axis=0).repeat(2, axis=1)
    masks = np.zeros((2, *window.shape[:2]), np.float32)
    if rng.random() > _CLEAN:
        if rng.random() < _FOLDED:
            window, folds = add_folds(window, rng, int(rng.integers(1, 4)))
            masks[0] = folds
        worn = rng.random() < _WORN
        window, scratches = add_scratches(window, rng, int(rng.integers(*_SCRATCHES[worn])))
        masks[0] = np.maximum(masks[0], scratches)
        window, masks[1] = add_dust(window, rng, int(rng.integers(0, 48 if small else 16)))
    luma = window.mean(axis=2)
    if small:
        luma, masks = _halved(luma), (_halved(masks) > _PART).astype(np.float32)
    return normalised(_scanned(luma, rng))[np.newaxis], masks


def _halved(pixels: FloatArray) -> FloatArray:
    """Return pixels (..., M, N) as means of two by two."""
    *leading, height, width = pixels.shape
    cells = pixels.reshape(*leading, height // 2, 2, width // 2, 2)
    return np.asarray(cells.mean(axis=(-3, -1)), np.float32)


def _scanned(luma: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return what a scan makes of image and defects alike: blurred, grainy, compressed."""
    if rng.random() < 0.5:
        luma = gaussian_filter(luma, rng.uniform(0.2, 1.2))
    if rng.random() < 0.6:
        luma = luma + rng.normal(0, rng.uniform(0, 0.025), luma.shape).astype(np.float32)
    if rng.random() < 0.5:
        file = BytesIO()
        eight = np.clip(np.rint(255 * luma), 0, 255).astype(np.uint8)
        Picture.fromarray(eight).save(file, "JPEG", quality=int(rng.integers(40, 96)))
        luma = np.asarray(Picture.open(file), np.float32) / np.float32(255)
    return np.asarray(luma, np.float32)
