"""Windows to train on: a crop of a picture, a hole in it, and both classical fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.errors import SourceError
from eii.external.initial import push_pull, stiffness, tension
from eii.image.mono import LUMA
from eii.image.pyramid import shrink
from eii.training.holes import Hole, draw
from eii.training.images import Item, read_item
from eii.training.synthetic import synthetic

FloatArray = NDArray[np.float32]
Rng = np.random.Generator

_TRIED = 4  # crops and holes of which the more active are likelier
_FLAT = 0.006  # least deviation of a window that teaches anything
_LUMA = np.asarray(LUMA, np.float32)


@dataclass(frozen=True)
class Task:
    """Windows to draw from one picture; without a picture, from made-up ones.

    Parameters
    ----------
    item : Item or None
    windows : tuple of int
        Their numbers.
    side, channels, seed : int
    held : bool
        For validation.
    least : int
        Side from which on a picture is of use.
    """

    item: Item | None
    windows: tuple[int, ...]
    side: int
    channels: int
    seed: int
    held: bool
    least: int


def draw_windows(task: Task, masks: tuple[Hole, ...]) -> list[list[Any]] | str:
    """Return the windows of a task, or why its picture was skipped."""
    image: FloatArray | None = None
    if task.item is not None:
        try:
            image = read_item(task.item)
        except (SourceError, OSError) as error:
            return str(error)
        if min(image.shape[:2]) < task.side:
            if min(image.shape[:2]) >= task.least:
                return []
            wanted = f"windows of {task.side} pixels need at least that"
            return f"{task.item.name} is {image.shape[1]} x {image.shape[0]} pixels; {wanted}."
    made = []
    for number in task.windows:
        rng = np.random.default_rng((task.seed, task.side, number))
        crop = synthetic(task.side, rng) if image is None else _crop(image, task.side, rng)
        # By luma, so that pools of one and of three channels have the same windows.
        gray = _of_channels(crop, 1)
        if gray.std() >= _FLAT:
            hole = _hole(gray, rng, masks)
            made.append(_window(_of_channels(crop, task.channels), gray, hole))
    return made


def _of_channels(image: FloatArray, channels: int) -> FloatArray:
    if channels == 3:
        return np.broadcast_to(image, (*image.shape[:2], 3))
    return image if image.shape[2] == 1 else image @ _LUMA[:, np.newaxis]


def _crop(image: FloatArray, side: int, rng: Rng) -> FloatArray:
    """Return a crop, at times of the image halved; the more active of some are likelier."""
    if rng.random() < 0.3 and min(image.shape[:2]) >= 2 * side:
        y, x = (int(rng.integers(0, n - 2 * side + 1)) for n in image.shape[:2])
        larger = image[y : y + 2 * side, x : x + 2 * side]
        return shrink(larger, np.zeros(larger.shape[:2], bool), 2)[0]
    crops = []
    for _ in range(_TRIED):
        y, x = (int(rng.integers(0, n - side + 1)) for n in image.shape[:2])
        crops.append(image[y : y + side, x : x + side])
    activity = np.array([np.abs(np.diff(c, axis=0)).mean() for c in crops]) + 1e-5
    return crops[int(rng.choice(_TRIED, p=activity / activity.sum()))]


def _hole(gray: FloatArray, rng: Rng, masks: tuple[Hole, ...]) -> Hole:
    holes = [draw(len(gray), rng, masks) for _ in range(_TRIED)]
    activity = np.array([gray[h].std() for h in holes]) + 1e-5
    return holes[int(rng.choice(_TRIED, p=activity / activity.sum()))]


def _window(crop: FloatArray, gray: FloatArray, hole: Hole) -> list[Any]:
    """Return truth, hole and fills of a window, as the pool has them."""
    truth = np.round(np.clip(crop, 0, 1) * 65535).astype(np.uint16)
    known = truth.astype(np.float32) / np.float32(65535)
    strength = stiffness(np.asarray(gray[..., 0], np.float32), hole)
    plate = [tension(c, hole, strength=strength) for c in np.moveaxis(known, 2, 0)]
    smooth = [push_pull(c, hole) for c in np.moveaxis(known, 2, 0)]
    fills = (np.stack(f).astype(np.float16) for f in (plate, smooth))
    return [np.moveaxis(truth, 2, 0), np.packbits(hole), *fills]
