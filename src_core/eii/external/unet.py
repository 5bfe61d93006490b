"""The network that improves two classical fills: a small residual U-net, monochromic in and out.

It sees the plate, what the pull-push fill differs from it, and the hole, in units of the mean and
the deviation of the known pixels nearby, and predicts the share of each fill and a residual:
untrained it is as good as they are, and gain and offset of the image change nothing.

References
----------
.. [1] O. Ronneberger, P. Fischer, T. Brox, "U-Net", MICCAI 2015.
.. [2] W. Shi et al., "Real-time single image and video super-resolution using an efficient
       sub-pixel convolutional neural network", CVPR 2016 (the shuffle of 2 by 2 pixels).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from eii.errors import OptionError
from eii.external.local import local_units_of_each

_MOST = 10.0  # local units beyond which inputs are cut
_SHARES = (1.5, -0.5)  # of the plate and of pull-push before the softmax, untrained


@dataclass(frozen=True)
class UnetShape:
    """The shape of a network.

    Parameters
    ----------
    widths : tuple of int
        Channels at 1/2, 1/4, 1/8 ... of the resolution.
    blocks : tuple of int
        Residual blocks at each of them on the way down; the last is the bottom.
    up : tuple of int
        Residual blocks on the way up, from 1/2 on.
    channels : int
        1, or 3 for the baseline that completes colour.
    """

    widths: tuple[int, ...] = (32, 64, 96, 160)
    blocks: tuple[int, ...] = (1, 1, 2, 3)
    up: tuple[int, ...] = (1, 1, 1)
    channels: int = 1

    @classmethod
    def to_train(
        cls, *, width: int | None, channels: int, guided: bool, first_fill: bool
    ) -> UnetShape:
        """Return the shape that a training asks for.

        Raises
        ------
        OptionError
            If it asks for colour beside luma, or for the masked image alone.
        """
        if guided or not first_fill:
            raise OptionError("The backbone 'unet' starts from both fills, and is not guided.")
        scale = 1.0 if width is None else width / cls.widths[0]
        return cls(tuple(max(1, round(w * scale)) for w in cls.widths), channels=channels)

    @property
    def stride(self) -> int:
        """Return the multiple of pixels that windows have to be."""
        return int(2 ** len(self.widths))


class Residual(nn.Module):
    """Two convolutions beside the identity; no normalisation, the second starts small."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():
            self.second.weight.mul_(0.2)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        return x + self.second(functional.relu(self.first(functional.relu(x))))


class Unet(nn.Module):
    """Complete windows of one channel, or of RGB.

    Parameters
    ----------
    shape : UnetShape
    """

    def __init__(self, shape: UnetShape) -> None:
        super().__init__()
        widths = shape.widths
        self.stem = nn.Conv2d((2 * shape.channels + 1) * 4, widths[0], 3, padding=1)
        steps = list(pairwise(widths))
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in steps)
        self.ups = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in steps)
        self.encoder = nn.ModuleList(map(_stage, widths, shape.blocks))
        self.decoder = nn.ModuleList(map(_stage, widths, shape.up))
        self.head = nn.Conv2d(widths[0], (2 + shape.channels) * 4, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        with torch.no_grad():
            start = [value for value in (*_SHARES, *[0.0] * shape.channels) for _ in range(4)]
            self.head.bias.copy_(torch.tensor(start))  # type: ignore[union-attr]

    def forward(self, plate: Tensor, smooth: Tensor, hole: Tensor) -> Tensor:
        """Fill the holes of windows.

        Parameters
        ----------
        plate, smooth : Tensor of shape (B, C, M, N), float32
            The two fills, known pixels as they are; M and N multiples of the stride.
        hole : Tensor of shape (B, 1, M, N), float32
            1 marks pixels to fill.

        Returns
        -------
        Tensor of shape (B, C, M, N), float32
            Known pixels as they are.
        """
        mean, unit = local_units_of_each(plate, hole)
        change = (smooth - plate) * hole
        seen = [
            ((plate - mean) / unit).clamp(-_MOST, _MOST),
            (change / unit).clamp(-_MOST, _MOST),
            hole,
        ]
        packed = functional.pixel_unshuffle(torch.cat(seen, 1), 2)
        features = self._features(packed.contiguous(memory_format=torch.channels_last))
        head = functional.pixel_shuffle(self.head(functional.relu(features)).float(), 2)
        share = head[:, :2].softmax(1)[:, 1:]
        return plate + share * change + head[:, 2:] * unit * hole

    def _features(self, packed: Tensor) -> Tensor:
        x = self.stem(packed)
        kept: list[Tensor] = []
        for level, stage in enumerate(self.encoder):
            x = stage(x)
            if level < len(self.downs):
                kept.append(x)
                x = self.downs[level](x)
        for level in reversed(range(len(self.downs))):
            up = functional.interpolate(self.ups[level](x), scale_factor=2.0, mode="nearest")
            x = self.decoder[level](kept[level] + up)
        return x


def _stage(width: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*(Residual(width) for _ in range(blocks)))
