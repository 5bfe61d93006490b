"""How good a network in training is, on windows of pictures that are held out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Picture
from torch import Tensor

from eii.training.batches import Batch, to_batch
from eii.training.options import TrainOptions
from eii.training.pool import Pool

See = Callable[[Any, Batch], Tensor]
"""Takes a network and a batch, returns the windows filled."""

_MOST = 48  # windows of a pool that are checked
_AT_ONCE = 8
_SHOWN = 6
_QUANTUM = 0.25 / 255**2  # squared error below which a fill is no better


def check(net: Any, see: See, pools: Sequence[Pool], options: TrainOptions) -> float:
    """Return the mean PSNR in the hole over the plate's, in dB."""
    gains: list[float] = []
    for pool in pools:
        for start in range(0, min(len(pool), _MOST), _AT_ONCE):
            batch = _batch(pool, np.arange(start, min(start + _AT_ONCE, len(pool))), net, options)
            filled = _fill(net, see, batch)
            errors = [_power(x - batch["truth"], batch["hole"]) for x in (batch["plate"], filled)]
            ratio = (errors[0] + _QUANTUM) / (errors[1] + _QUANTUM)
            gains += (10 * torch.log10(ratio)).tolist()
    return float(np.mean(gains))


def draw_pictures(
    path: Path, net: Any, see: See, pools: Sequence[Pool], options: TrainOptions
) -> None:
    """Draw some windows: the hole in gray, the plate, what the network makes of it, the truth."""
    pool = pools[0]
    batch = _batch(pool, np.arange(min(len(pool), _SHOWN)), net, options)
    holes = torch.where(batch["hole"] > 0, 0.5, batch["truth"])
    shown = [holes, batch["plate"], _fill(net, see, batch), batch["truth"]]
    columns = [np.concatenate(list(x.cpu().numpy()), axis=1) for x in shown]
    grid = np.moveaxis(np.concatenate(columns, axis=2), 0, 2)
    eight = np.clip(np.rint(grid * 255), 0, 255).astype(np.uint8)
    Picture.fromarray(eight[..., 0] if eight.shape[2] == 1 else eight).save(path)


def _batch(pool: Pool, index: NDArray[np.int64], net: Any, options: TrainOptions) -> Batch:
    device = next(net.parameters()).device
    windows = to_batch(pool.take(index), guided=options.guided, mono=options.mode == "mono")
    return {name: part.to(device) for name, part in windows.items()}


def _fill(net: Any, see: See, batch: Batch) -> Tensor:
    with torch.inference_mode():
        return see(net, batch)


def _power(error: Tensor, hole: Tensor) -> Tensor:
    return (error.square() * hole).sum((1, 2, 3)) / hole.sum((1, 2, 3)) / error.shape[1]
