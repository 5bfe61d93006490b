"""Batches of augmented windows: each a function of the seed, the step and the rank alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from eii.image.mono import LUMA
from eii.training.options import TrainOptions
from eii.training.pool import Pool

FloatArray = NDArray[np.float32]
Batch = dict[str, Tensor]

_LARGE = 0.3  # share of batches that have the larger windows
_INVERTED = 0.5
_GAIN = 0.6  # least
_IMAGES = ("truth", "plate", "smooth")


class Batches(IterableDataset[Batch]):
    """Batches without end, from a step on.

    Parameters
    ----------
    pools : sequence of Pool
        Of different sides; the larger windows come in smaller batches.
    options : TrainOptions
    count : int
        Windows of the smallest side in a batch.
    start : int
        The step of the first batch.
    rank : int
        Of this process among those that train together.
    """

    def __init__(
        self, pools: Sequence[Pool], options: TrainOptions, *, count: int, start: int, rank: int = 0
    ) -> None:
        super().__init__()
        self._pools = sorted(pools, key=lambda pool: pool.truth.shape[-1])
        self._options, self._count, self._start, self._rank = options, count, start, rank

    def __iter__(self) -> Iterator[Batch]:
        # A loader takes a batch from each of its processes in turn: those come in the same order.
        worker = get_worker_info()
        step, stride = (
            self._start + (worker.id if worker else 0),
            worker.num_workers if worker else 1,
        )
        while True:
            yield self.batch(step)
            step += stride

    def batch(self, step: int) -> Batch:
        """Return the batch of a step."""
        rng = np.random.default_rng((self._options.seed, step, self._rank))
        large = len(self._pools) > 1 and rng.random() < _LARGE
        pool = self._pools[int(large)]
        area = (pool.truth.shape[-1] / self._pools[0].truth.shape[-1]) ** 2
        index = rng.integers(0, len(pool), max(1, round(self._count / area)))
        windows = augment(pool.take(np.sort(index)), rng)
        return to_batch(windows, guided=self._options.guided, mono=self._options.mode == "mono")


def augment(windows: dict[str, FloatArray], rng: np.random.Generator) -> dict[str, FloatArray]:
    """Return windows flipped and turned together, and each of another contrast, some inverted."""
    turns, flip = int(rng.integers(4)), rng.random() < 0.5
    shape = (len(windows["hole"]), 1, 1, 1)
    gain = rng.uniform(_GAIN, 1, shape).astype(np.float32)
    offset = (rng.random(shape) * (1 - gain)).astype(np.float32)
    inverted = rng.random(shape) < _INVERTED
    gain, offset = np.where(inverted, -gain, gain), np.where(inverted, 1 - offset, offset)
    done = {}
    for name, array in windows.items():
        turned = np.rot90(array, turns, (2, 3))
        turned = turned[..., ::-1] if flip else turned
        done[name] = turned * gain + offset if name in _IMAGES else turned
    return done


def to_batch(windows: dict[str, FloatArray], *, guided: bool, mono: bool) -> Batch:
    """Return windows as tensors; of luma if the network is monochromic."""
    done = dict(windows)
    if guided:
        done["rgb"] = windows["truth"] * (1 - windows["hole"])
    if mono and windows["truth"].shape[1] == 3:
        weights = np.asarray(LUMA, np.float32)
        for name in _IMAGES:
            done[name] = np.einsum("bcmn,c->bmn", windows[name], weights)[:, np.newaxis]
    return {k: torch.from_numpy(np.ascontiguousarray(v, np.float32)) for k, v in done.items()}
