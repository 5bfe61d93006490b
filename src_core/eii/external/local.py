"""Units of the known pixels nearby, in which networks see an image: blind to gain and offset."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_FLOOR = 0.02  # least local deviation, in units of the window's
_CELL = 8  # pixels
_REACH = 5  # cells over which mean and deviation are taken, twice
_WHOLE = 0.02  # weight of the whole window, for the inside of large holes


def local_units(filled: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and the deviation of the known pixels around each pixel.

    Parameters
    ----------
    filled : Tensor of shape (B, 1, M, N), float32
        The values of hole pixels are ignored.
    hole : Tensor of shape (B, 1, M, N), float32
        1 marks pixels to fill.

    Returns
    -------
    mean, deviation : Tensor of shape (B, 1, M, N), float32
        In the units of ``filled``; the deviation is never 0.
    """
    known = 1 - hole
    count = known.sum((2, 3), keepdim=True).clamp_min(1)
    centre = (filled * known).sum((2, 3), keepdim=True) / count
    away = (filled - centre) * known
    spread = away.square().sum((2, 3), keepdim=True) / count
    sums = functional.avg_pool2d(torch.cat([known, away, away.square()], 1), _CELL, ceil_mode=True)
    for _ in range(2):
        sums = functional.avg_pool2d(sums, _REACH, 1, _REACH // 2)
    weight, first, second = sums.chunk(3, 1)
    weight = weight + _WHOLE
    mean = first / weight
    variance = (second + _WHOLE * spread) / weight - mean.square()
    unit = (variance.clamp_min(0) + _FLOOR**2 * spread + 1e-10).sqrt()
    size = filled.shape[-2:]
    mean, unit = (
        functional.interpolate(x, size, mode="bilinear", align_corners=False) for x in (mean, unit)
    )
    return mean + centre, unit


def local_units_of_each(filled: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean of each channel around each pixel, and one deviation for all of them.

    Parameters
    ----------
    filled : Tensor of shape (B, C, M, N), float32
    hole : Tensor of shape (B, 1, M, N), float32

    Returns
    -------
    mean : Tensor of shape (B, C, M, N), float32
    deviation : Tensor of shape (B, 1, M, N), float32
    """
    channels = filled.shape[1]
    if channels == 1:
        return local_units(filled, hole)
    mean, unit = local_units(filled.flatten(0, 1)[:, None], hole.repeat_interleave(channels, dim=0))
    return mean.view_as(filled), unit.view_as(filled).mean(1, keepdim=True)
