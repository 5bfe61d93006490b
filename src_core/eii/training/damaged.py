"""Windows of clean pictures with scratches and dust made up on them, and where those are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from scipy.ndimage import gaussian_filter
from torch.utils.data import IterableDataset, get_worker_info

from eii.evaluation.film_covers import speck
from eii.external.segmenter import normalised
from eii.training.images import Item, read_item
from eii.training.sheets import Sheet, draw_sheet, lay_sheet

FloatArray = NDArray[np.float32]
Sample = tuple[FloatArray, NDArray[np.bool_]]

SIDE = 256
_CLEAN = 0.2  # share of windows without a defect
_LEAST = 0.3  # of a sheet's defects that the others have
_GRAINY = 0.12  # share of windows that show many things alike, which are no dust
_HELD = 32  # sheets and pictures at hand, of which each window takes one
_SHEET_USES, _PICTURE_USES = 6, 3  # windows that each is for, in the mean


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
        """Yield luma (1, S, S), float32, and the masks of scratches and dust (2, S, S), bool."""
        worker = get_worker_info()
        rng = np.random.default_rng([self._seed, worker.id if worker else 0])
        sheets = [draw_sheet(SIDE, rng) for _ in range(_HELD)]
        pictures = [self._picture(rng) for _ in range(_HELD)]
        while True:
            sheet, picture = (int(n) for n in rng.integers(_HELD, size=2))
            yield make_sample(_crop(pictures[picture], rng), sheets[sheet], rng)
            if rng.random() < 1 / _SHEET_USES:
                sheets[sheet] = draw_sheet(SIDE, rng)
            if rng.random() < 1 / _PICTURE_USES:
                pictures[picture] = self._picture(rng)

    def _picture(self, rng: np.random.Generator) -> FloatArray:
        return _large(read_item(self._items[int(rng.integers(len(self._items)))]))


def _large(picture: FloatArray) -> FloatArray:
    """Return the luma of a picture (M, N, C), mirrored where it is smaller than a window."""
    luma = np.einsum("mnc->mn", picture) / np.float32(picture.shape[2])
    short = [(0, max(0, SIDE - n)) for n in luma.shape]
    return np.pad(luma, short, mode="symmetric") if any(after for _, after in short) else luma


def _crop(luma: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return a square of luma, turned, of another contrast."""
    y, x = (int(rng.integers(n - SIDE + 1)) for n in luma.shape)
    window = np.rot90(luma[y : y + SIDE, x : x + SIDE], int(rng.integers(4)))
    if rng.random() < 0.5:
        window = window[:, ::-1]
    window = window ** np.float32(np.exp(rng.uniform(-0.6, 0.6)))
    if rng.random() < 0.2:
        window = 1 - window  # negatives
    return np.ascontiguousarray(window, np.float32)


def make_sample(window: FloatArray, sheet: Sheet, rng: np.random.Generator) -> Sample:
    """Return a window of luma (S, S) under defects, and where those are."""
    if rng.random() < _GRAINY:
        window = _grainy(window, rng)
    share = 0.0 if rng.random() < _CLEAN else float(rng.uniform(_LEAST, 1))
    luma, masks = lay_sheet(window, sheet, share, rng)
    return normalised(_scanned(luma, rng))[np.newaxis], masks


def _grainy(window: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return a window that shows many grains, cells or dots: alike, of many sizes, and no dust."""
    side, tone = len(window), float(rng.random())
    window = window.copy()
    if rng.random() < 0.5:  # on an even ground
        window = np.float32(0.1) * (window - window.mean()) + np.float32(rng.random())
    least = rng.uniform(1, 4)
    most = least * rng.uniform(1.5, 8)
    soft, flat, rough = rng.uniform(0, 1.5), rng.uniform(0.6, 1), rng.random() < 0.3
    for _ in range(int(rng.integers(15, 150))):
        radius = float(np.exp(rng.uniform(np.log(least), np.log(most))))
        shade = tone + rng.normal(0, 0.04)
        if rng.random() < 0.03:
            continue
        reach = int(2 * radius) + 5
        y, x = (int(n) for n in rng.integers(side, size=2))
        box = (slice(max(0, y - reach), y + reach), slice(max(0, x - reach), x + reach))
        here = window[box]
        if rough:
            cover = speck((here.shape[0], here.shape[1]), rng)
        else:
            rows, columns = np.ogrid[: here.shape[0], : here.shape[1]]
            own = flat + (1 - flat) * rng.random()
            far = np.hypot(rows + box[0].start - y, (columns + box[1].start - x) / own)
            cover = np.clip((radius - far) / (1 + soft) + 0.5, 0, 1).astype(np.float32)
        window[box] = here + cover * np.float32(shade - here)
    return np.clip(window, 0, 1)


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
