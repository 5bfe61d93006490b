"""GMCNN: three columns of growing kernels, side by side.

References
----------
.. [1] Y. Wang et al., "Image inpainting via generative multi-column convolutional neural
       networks", NeurIPS 2018.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from eii.external.published import Published, PublishedShape, Seen

_DILATIONS = (2, 4, 8, 16)


@dataclass(frozen=True)
class GmcnnShape(PublishedShape):
    """See `eii.external.published.PublishedShape`."""

    width: int = 32


class Gmcnn(Published):
    """Complete windows by three columns.

    Parameters
    ----------
    shape : GmcnnShape
    """

    def __init__(self, shape: GmcnnShape) -> None:
        super().__init__(shape)
        w = shape.width
        self.columns = nn.ModuleList(
            [
                nn.Sequential(*_down(shape.inputs, w, 7), _up(4)),
                nn.Sequential(*_down(shape.inputs, w, 5), *_half(w, 5), _up(2)),
                nn.Sequential(*_down(shape.inputs, w, 3), *_half(w, 3), _up(2), *_full(w, 3)),
            ]
        )
        self.join = nn.Sequential(*_layer(7 * w, max(1, w // 2), 3), self.last(max(1, w // 2), 3))

    def stages(self, seen: Seen) -> list[Tensor]:
        """Return the completion, in the network's units."""
        x = seen.stacked()
        return [self.answer(self.join(torch.cat([c(x) for c in self.columns], 1)), seen)]


def _layer(
    inputs: int, outputs: int, kernel: int, *, stride: int = 1, dilation: int = 1
) -> list[nn.Module]:
    pad = dilation * (kernel // 2)
    return [nn.Conv2d(inputs, outputs, kernel, stride, pad, dilation), nn.ELU()]


def _down(inputs: int, w: int, kernel: int) -> list[nn.Module]:
    """Return layers to a quarter of the resolution and on, to 4 w channels."""
    layers = _layer(inputs, w, kernel) + _layer(w, 2 * w, kernel, stride=2)
    layers += _layer(2 * w, 2 * w, kernel) + _layer(2 * w, 4 * w, kernel, stride=2)
    for dilation in (1, 1, *_DILATIONS, 1, 1):
        layers += _layer(4 * w, 4 * w, kernel, dilation=dilation)
    return layers


def _half(w: int, kernel: int) -> list[nn.Module]:
    return [_up(2), *_layer(4 * w, 2 * w, kernel), *_layer(2 * w, 2 * w, kernel)]


def _full(w: int, kernel: int) -> list[nn.Module]:
    return [*_layer(2 * w, w, kernel), *_layer(w, w, kernel)]


def _up(factor: int) -> nn.Module:
    return nn.Upsample(scale_factor=factor, mode="bilinear", align_corners=False)
