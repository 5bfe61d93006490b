"""GatedConv (DeepFill v2): two stages of gated convolutions, the second with attention.

References
----------
.. [1] J. Yu et al., "Free-form image inpainting with gated convolution", ICCV 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from eii.external.attention import similarity, transfer
from eii.external.published import Published, PublishedShape, Seen

_DILATIONS = (2, 4, 8, 16)
_RATE = 2  # by which features are thinned before they are compared


@dataclass(frozen=True)
class GatedConvShape(PublishedShape):
    """See `eii.external.published.PublishedShape`; ``width`` counts filters, gates too."""

    width: int = 48


class Gated(nn.Module):
    """A convolution half of whose filters gate the other half.

    Parameters
    ----------
    inputs, filters : int
        Channels in, and twice the channels out.
    """

    def __init__(
        self,
        inputs: int,
        filters: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        dilation: int = 1,
        relu: bool = False,
    ) -> None:
        super().__init__()
        pad = dilation * (kernel // 2)
        self.conv = nn.Conv2d(inputs, filters, kernel, stride, pad, dilation)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """Return features, gated."""
        value, gate = self.conv(x).chunk(2, 1)
        value = functional.relu(value) if self.relu else functional.elu(value)
        return value * torch.sigmoid(gate)


class GatedConv(Published):
    """Complete windows in two stages.

    Parameters
    ----------
    shape : GatedConvShape
    """

    def __init__(self, shape: GatedConvShape) -> None:
        super().__init__(shape)
        w = shape.width
        inputs = shape.inputs + 1  # and an image of ones, which shows the border
        self.coarse = nn.Sequential(*_encoder(inputs, w), *_dilated(w), *_same(w, 2))
        self.coarse_up = nn.Sequential(*_decoder(2 * w, w), self.last(w // 4, 3))
        again = shape.inputs - 1
        self.branch = nn.Sequential(*_encoder(again, w, slow=True), *_dilated(w))
        self.attentive = nn.Sequential(
            *_encoder(again, w, slow=True, steep=True), Gated(2 * w, 4 * w, relu=True)
        )
        self.attended = nn.Sequential(*_same(w, 2))
        self.joined = nn.Sequential(
            Gated(4 * w, 4 * w), *_same(w, 1), *_decoder(2 * w, w), self.last(w // 4, 3)
        )

    def stages(self, seen: Seen) -> list[Tensor]:
        """Return the coarse and the fine completion, in the network's units."""
        ones = torch.ones_like(seen.hole)
        features = self.coarse(torch.cat([seen.stacked(), ones], 1))
        first = self.answer(self.coarse_up(features), seen)
        again = seen.stacked(seen.pasted(first))[:, :-1]
        own, other = self.branch(again), self.attentive(again)
        other = self.attended(attend(other, seen.hole))
        return [first, self.answer(self.joined(torch.cat([own, other], 1)), seen)]


def attend(features: Tensor, hole: Tensor) -> Tensor:
    """Return features rebuilt from patches of 4 by 4 around the known ones that look alike."""
    thin = features[..., ::_RATE, ::_RATE]
    grid = (thin.shape[-2], thin.shape[-1])
    attention = similarity(thin, functional.adaptive_max_pool2d(hole, grid), fuse=True)
    mixed = transfer(attention, features, grid, overlap=_RATE // 2)
    return mixed.to(features.dtype)


def _encoder(inputs: int, w: int, *, slow: bool = False, steep: bool = False) -> list[nn.Module]:
    """Return layers down to a quarter; the slow ones widen after they halve, not as they do."""
    first, second = (w, 2 * w) if slow else (2 * w, 4 * w)
    second = 4 * w if steep else second
    return [
        Gated(inputs, w, 5),
        Gated(w // 2, first, stride=2),
        Gated(first // 2, 2 * w),
        Gated(w, second, stride=2),
        Gated(second // 2, 4 * w),
        *([] if steep else [Gated(2 * w, 4 * w)]),
    ]


def _dilated(w: int) -> list[nn.Module]:
    return [Gated(2 * w, 4 * w, dilation=d) for d in _DILATIONS]


def _same(w: int, count: int) -> list[nn.Module]:
    return [Gated(2 * w, 4 * w) for _ in range(count)]


def _decoder(inputs: int, w: int) -> list[nn.Module]:
    return [
        nn.Upsample(scale_factor=2),
        Gated(inputs, 2 * w),
        Gated(w, 2 * w),
        nn.Upsample(scale_factor=2),
        Gated(w, w),
        Gated(w // 2, w // 2),
    ]
