"""Attention from a hole to the known patches of the same window."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_SCALE = 10.0  # of cosines before the softmax
_NEVER = -1e4


def similarity(features: Tensor, hole: Tensor, *, fuse: bool) -> Tensor:
    """Return how much each cell of a grid takes from each other one.

    Parameters
    ----------
    features : Tensor of shape (B, C, h, w)
        Compared in patches of 3 by 3 cells, by their cosine.
    hole : Tensor of shape (B, 1, h, w)
        Not 0 in cells that hold hole pixels: no patch with one is taken from.
    fuse : bool
        Prefer what neighbours take from neighbours of.

    Returns
    -------
    Tensor of shape (B, h * w, h * w), float32
        Rows add up to 1.

    References
    ----------
    .. [1] J. Yu et al., "Generative image inpainting with contextual attention", CVPR 2018.
    """
    height, width = features.shape[-2:]
    patches = functional.normalize(functional.unfold(features.float(), 3, padding=1), dim=1)
    alike = patches.transpose(1, 2) @ patches
    if fuse:
        alike = _fused(alike.view(-1, height, width, height, width)).flatten(3).flatten(1, 2)
    lost = functional.max_pool2d((hole > 0).float(), 3, 1, 1).flatten(1)[:, None]
    # Where no patch is known in full, all count: there is nothing better.
    lost = lost * (lost.amin(2, keepdim=True) == 0)
    return torch.softmax(_SCALE * alike + _NEVER * lost, dim=2)


def _fused(alike: Tensor) -> Tensor:
    """Add what neighbours to the sides, then above and below, have in common."""
    for rows, columns in ((0, 1), (1, 0)):
        pad = (columns, columns, rows, rows) * 2
        padded = functional.pad(alike, pad)
        height, width = alike.shape[1:3]
        parts = []
        for step in (-1, 0, 1):
            y, x = rows * (1 + step), columns * (1 + step)
            own = (slice(y, y + height), slice(x, x + width))
            parts.append(padded[(slice(None), *own, *own)])
        alike = torch.stack(parts).sum(0)
    return alike


def transfer(attention: Tensor, values: Tensor, grid: tuple[int, int], overlap: int = 0) -> Tensor:
    """Return values mixed cell by cell.

    Parameters
    ----------
    attention : Tensor of shape (B, h * w, h * w)
    values : Tensor of shape (B, C, h * r, w * r)
    grid : (int, int)
        h and w.
    overlap : int
        Pixels by which the cells, of r pixels, reach into their neighbours: 0 or r / 2.

    Returns
    -------
    Tensor like ``values``
    """
    cell = values.shape[-1] // grid[1]
    side = cell + 2 * overlap
    cells = functional.unfold(values.float(), side, stride=cell, padding=overlap)
    mixed = (attention @ cells.transpose(1, 2)).transpose(1, 2)
    size = values.shape[-2:]
    total = functional.fold(mixed, size, side, stride=cell, padding=overlap)
    if not overlap:
        return total
    ones = functional.fold(
        torch.ones_like(mixed[:1, : side**2]), size, side, stride=cell, padding=overlap
    )
    return total / ones
