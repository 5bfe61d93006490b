"""Windows of clean pictures with scratches and dust made up on them, and where those are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from scipy.ndimage import gaussian_filter
from torch.utils.data import IterableDataset, get_worker_info

from eii.external.segmenter import normalised
from eii.training.grains import add_grains
from eii.training.images import Item, read_item
from eii.training.sheets import Sheet, draw_sheet, lay_sheet

FloatArray = NDArray[np.float32]
Sample = tuple[FloatArray, NDArray[np.bool_]]

SIDE = 320
_CLEAN = 0.2  # share of windows without a defect
_LEAST = 0.3  # of a sheet's defects that the others have
_GRAINY = 0.12  # share of windows that show many things alike, which are no dust
_ENLARGED, _LARGEST = 0.6, 2.5  # share of windows, and by how much: scans are finer than crops
_FADED, _TONED, _INKED, _SWAPPED = 0.15, 0.1, 0.15, 0.2  # share of windows of other colours
_INKS = (0, 0.45), (0.55, 1)  # ranges of the darker and of the lighter one
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
        """Yield what a network is given (7, S, S), float32, and where defects are (2, S, S), bool.

        Scratches come first, then dust.
        """
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
        """Return a picture (M, N, 3), mirrored where it is smaller than a window."""
        picture = read_item(self._items[int(rng.integers(len(self._items)))])
        if picture.shape[2] == 1:
            picture = picture.repeat(3, axis=2)
        short = [(0, max(0, SIDE - n)) for n in picture.shape[:2]]
        if any(after for _, after in short):
            picture = np.pad(picture, [*short, (0, 0)], mode="symmetric")
        return picture


def _crop(picture: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return a square of a picture, some enlarged, turned, of other contrast and colours."""
    scale = float(np.exp(rng.uniform(0, np.log(_LARGEST)))) if rng.random() < _ENLARGED else 1.0
    side = round(SIDE / scale)
    y, x = (int(rng.integers(n - side + 1)) for n in picture.shape[:2])
    window = np.rot90(picture[y : y + side, x : x + side], int(rng.integers(4)))
    if rng.random() < 0.5:
        window = window[:, ::-1]
    if side < SIDE:
        window = _enlarged(window)
    window = window ** np.float32(np.exp(rng.uniform(-0.6, 0.6)))
    if rng.random() < 0.2:
        window = 1 - window  # negatives
    return np.ascontiguousarray(_recoloured(window, rng), np.float32)


def _enlarged(window: FloatArray) -> FloatArray:
    channels = [Picture.fromarray(np.ascontiguousarray(own)) for own in np.moveaxis(window, 2, 0)]
    large = [c.resize((SIDE, SIDE), Picture.Resampling.BICUBIC) for c in channels]
    return np.clip(np.stack([np.asarray(c) for c in large], axis=2), 0, 1)


def _recoloured(window: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return a window faded, toned as old prints are, of two inks, of other colours, or as is."""
    drawn = rng.random()
    if drawn > 1 - _SWAPPED:
        return window[..., rng.permutation(3)]
    if drawn > _FADED + _TONED + _INKED:
        return window
    luma = (window @ np.full(3, 1 / 3, np.float32))[..., np.newaxis]
    if drawn < _FADED:
        return luma + np.float32(rng.uniform(0, 1)) * (window - luma)
    if drawn < _FADED + _INKED:
        dark, light = (rng.uniform(low, high, 3).astype(np.float32) for low, high in _INKS)
        return dark + luma * (light - dark)
    return luma ** np.exp(rng.normal(0, 0.15, 3)).astype(np.float32)


def make_sample(window: FloatArray, sheet: Sheet, rng: np.random.Generator) -> Sample:
    """Return a window (S, S, 3) under defects, as a network is given it, and where those are."""
    if rng.random() < _GRAINY:
        window = add_grains(window, rng)
    share = 0.0 if rng.random() < _CLEAN else float(rng.uniform(_LEAST, 1))
    changed, masks = lay_sheet(window, sheet, share, rng)
    return normalised(_scanned(changed, rng)), masks


def _scanned(window: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return what a scan makes of image and defects alike: blurred, grainy, compressed."""
    if rng.random() < 0.5:
        deviation = rng.uniform(0.2, 1.2)
        window = gaussian_filter(window, (deviation, deviation, 0))
    if rng.random() < 0.6:
        shape = window.shape if rng.random() < 0.5 else (*window.shape[:2], 1)
        window = window + rng.normal(0, rng.uniform(0, 0.025), shape).astype(np.float32)
    if rng.random() < 0.5:
        file = BytesIO()
        eight = np.clip(np.rint(255 * window), 0, 255).astype(np.uint8)
        Picture.fromarray(eight).save(file, "JPEG", quality=int(rng.integers(40, 96)))
        window = np.asarray(Picture.open(file), np.float32) / np.float32(255)
    return np.asarray(window, np.float32)
