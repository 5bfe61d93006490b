"""A small network that tells scratches and dust from what an image shows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import fuse_conv_bn_eval

WIDTHS = (16, 40, 80, 128, 160)
"""Channels at each level of the network that ships, finest first."""
STRIDE = 16
"""Sides of what it is given are multiples of it."""


class Segmenter(nn.Module):
    """A U-Net: luma in, a logit of each kind of defect out.

    Parameters
    ----------
    widths : sequence of int
        Channels at each level, finest first.
    kinds : int
        Maps that it gives.
    normed : bool
        With batch normalisation, for training; without, those of a trained one being folded into
        its convolutions (`folded`).
    """

    def __init__(
        self,
        widths: tuple[int, ...] = WIDTHS,
        kinds: int = 2,
        *,
        normed: bool = True,
    ) -> None:
        super().__init__()
        self.widths, self.kinds, self.normed = widths, kinds, normed
        before = (1, *widths[:-1])
        pairs = zip(before, widths, strict=True)
        self.down = nn.ModuleList(_twice(a, b, normed) for a, b in pairs)
        ups = list(pairwise(widths))
        self.up = nn.ModuleList(_twice(a + b, a, normed) for a, b in reversed(ups))
        self.out = nn.Conv2d(widths[0], kinds, 1)

    def forward(self, luma: Tensor) -> Tensor:
        """Return logits (B, K, M, N) for luma (B, 1, M, N) of zero mean and unit deviation."""
        kept: list[Tensor] = []
        found = luma
        for number, block in enumerate(self.down):
            found = block(functional.avg_pool2d(found, 2) if number else found)
            kept.append(found)
        for block, finer in zip(self.up, reversed(kept[:-1]), strict=True):
            wide = functional.interpolate(found, scale_factor=2.0, mode="nearest")
            found = block(torch.cat([wide, finer], dim=1))
        logits: Tensor = self.out(found)
        return logits


def _twice(before: int, after: int, normed: bool) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1),
        nn.BatchNorm2d(after) if normed else nn.Identity(),
        nn.SiLU(),
        nn.Conv2d(after, after, 3, padding=1),
        nn.BatchNorm2d(after) if normed else nn.Identity(),
        nn.SiLU(),
    )


def folded(net: Segmenter) -> Segmenter:
    """Return a trained network with its normalisations folded into its convolutions."""
    plain = Segmenter(net.widths, net.kinds, normed=False)
    for ours, theirs in zip((*plain.down, *plain.up), (*net.down, *net.up), strict=True):
        for at in (0, 3):
            joint = fuse_conv_bn_eval(theirs[at].eval(), theirs[at + 1].eval())
            ours[at].load_state_dict(joint.state_dict())
    plain.out.load_state_dict(net.out.state_dict())
    return plain.eval()


def normalised(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return luma of zero mean and unit deviation; 0 where it is constant.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32
    """
    mean, deviation = float(luma.mean()), float(luma.std())
    if deviation <= 1e-6 * max(abs(mean), 1e-6):
        return np.zeros(luma.shape, np.float32)
    return np.asarray((luma - np.float32(mean)) / np.float32(deviation), np.float32)
