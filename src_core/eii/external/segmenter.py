"""A small network that tells scratches and dust from what an image shows."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import fuse_conv_bn_eval

from eii.external.rarity import rarities
from eii.image.spread import deviation_of

WIDTHS = (16, 40, 80, 128, 160)
"""Channels at each level of the network that ships, finest first."""
COMPARED = 2
"""Its layers, at the coarsest level, that compare each place with all others."""
TINTS = 12
"""Its maps of colour and rarity, at half the resolution."""
CHANNELS, GIVEN = 3, 7
"""Of luma and colour; and of all that it is given."""
STRIDE = 16
"""Sides of what it is given are multiples of it."""
_HEADS = 4
_FAINT, _FAR = 0.02, 8.0  # deviation of colour, in luma's, that is none; deviations at most


class Segmenter(nn.Module):
    """A U-Net: luma, colour and how rare they are in, a logit of each kind of defect out.

    At its coarsest level each place is compared with all others (by attention without positions):
    what is found all over an image, as grains or strokes are, is hardly a defect of it.

    Parameters
    ----------
    widths : sequence of int
        Channels at each level, finest first.
    kinds : int
        Maps that it gives.
    channels : int
        Of `normalised` that it is given: 3, or 1, which is luma alone.
    compared : int
        Layers that compare.
    tints : int
        Maps that are made of colour and rarity at half the resolution, beside the finest level.
    normed : bool
        With batch normalisation, for training; without, those of a trained one being folded into
        its convolutions (`folded`).
    """

    def __init__(
        self,
        widths: tuple[int, ...] = WIDTHS,
        kinds: int = 2,
        compared: int = COMPARED,
        *,
        channels: int = CHANNELS,
        tints: int = TINTS,
        normed: bool = True,
    ) -> None:
        super().__init__()
        self.widths, self.kinds, self.normed = widths, kinds, normed
        self.channels, self.tints = channels, tints
        self.tint = _twice(GIVEN, tints, normed) if tints else nn.Sequential()
        before = (channels, widths[0] + tints, *widths[1:-1])
        pairs = zip(before, widths, strict=True)
        self.down = nn.ModuleList(_twice(a, b, normed) for a, b in pairs)
        self.compared = nn.ModuleList(_comparing(widths[-1]) for _ in range(compared))
        ups = list(pairwise(widths))
        self.up = nn.ModuleList(_twice(a + b, a, normed) for a, b in reversed(ups))
        self.out = nn.Conv2d(widths[0], kinds, 1)

    def forward(self, given: Tensor) -> Tensor:
        """Return logits (B, K, M, N) of what is `normalised`, shape (B, 7, M, N)."""
        kept: list[Tensor] = []
        found = given[:, : self.channels]
        for number, block in enumerate(self.down):
            coarser = functional.avg_pool2d(found, 2) if number else found
            if number == 1 and self.tints:
                tint = self.tint(functional.avg_pool2d(given, 2))
                coarser = torch.cat([coarser, tint], dim=1)
            found = block(coarser)
            kept.append(found)
        found = self._compare(found)
        for block, finer in zip(self.up, reversed(kept[:-1]), strict=True):
            wide = functional.interpolate(found, scale_factor=2.0, mode="nearest")
            found = block(torch.cat([wide, finer], dim=1))
        logits: Tensor = self.out(found)
        return logits

    def blocks(self) -> list[Any]:
        """Return its pairs of convolutions."""
        every = (*self.down, *self.up, self.tint)
        return [block for block in every if isinstance(block, nn.Sequential) and len(block)]

    def _compare(self, found: Tensor) -> Tensor:
        """Return a map (B, C, M, N) in which each place has been compared with all others."""
        if not len(self.compared):
            return found
        last = found.permute(0, 2, 3, 1)  # as it lies in memory, on a CPU
        places = last.flatten(1, 2)
        for layer in self.compared:
            places = layer(places)
        return places.reshape(last.shape).permute(0, 3, 1, 2)


def _comparing(width: int) -> nn.TransformerEncoderLayer:
    """Return a layer that changes nothing until it is trained."""
    layer = nn.TransformerEncoderLayer(
        width, _HEADS, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    for last in (layer.self_attn.out_proj, layer.linear2):
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
    return layer


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
    plain = Segmenter(
        net.widths,
        net.kinds,
        len(net.compared),
        channels=net.channels,
        tints=net.tints,
        normed=False,
    )
    plain.compared.load_state_dict(net.compared.state_dict())
    for ours, theirs in zip(plain.blocks(), net.blocks(), strict=True):
        for at in (0, 3):
            joint = fuse_conv_bn_eval(theirs[at].eval(), theirs[at + 1].eval())
            ours[at].load_state_dict(joint.state_dict())
    plain.out.load_state_dict(net.out.state_dict())
    return plain.eval()


def widened(net: Segmenter) -> Segmenter:
    """Return a network that gives what another does, and can learn of colour and comparing too.

    Parameters
    ----------
    net : Segmenter
        Without normalisations; what it lacks is added, and changes nothing yet.
    """
    wide = Segmenter(net.widths, net.kinds, normed=False)
    for layer in wide.tint:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
    held, new = net.state_dict(), wide.state_dict()
    for name in ("down.0.0.weight", "down.1.0.weight"):
        lacking = new[name].shape[1] - held[name].shape[1]
        held[name] = functional.pad(held[name], (0, 0, 0, 0, 0, lacking))
    wide.load_state_dict({**new, **held})
    return wide


def normalised(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return luma of zero mean and unit deviation, colour, and how rare both are.

    Parameters
    ----------
    pixels : ndarray of shape (M, N, C), float32
        Red, green and blue; or other channels, which have no colour.

    Returns
    -------
    ndarray of shape (7, M, N), float32
        Luma, and how far red and blue are from it, in units of luma's deviation; `rarities`; and
        how far red and blue are from what is usual, in deviations of theirs. 0 where luma is
        constant.
    """
    luma = np.einsum("mnc->mn", pixels) / np.float32(pixels.shape[2])
    given = np.zeros((GIVEN, *luma.shape), np.float32)
    mean, deviation = float(luma.mean()), float(luma.std())
    if deviation <= 1e-6 * max(abs(mean), 1e-6):
        return given
    given[0] = luma - np.float32(mean)
    if pixels.shape[2] == 3:
        given[1], given[2] = pixels[..., 0] - luma, pixels[..., 2] - luma
    given[:CHANNELS] /= np.float32(deviation)
    given[3:5] = rarities(given[:CHANNELS])
    for own, colour in zip(given[5:], given[1:CHANNELS], strict=True):
        off = colour - np.median(colour)
        np.clip(off / np.float32(deviation_of(off, 0) + _FAINT), -_FAR, _FAR, out=own)
    return given
