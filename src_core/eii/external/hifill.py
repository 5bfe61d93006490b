"""HiFill: completed small, with light gates; what the image has beyond that is added by attention.

References
----------
.. [1] Z. Yi et al., "Contextual residual aggregation for ultra high-resolution image inpainting",
       CVPR 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from eii.external.attention import similarity, transfer
from eii.external.published import Published, PublishedShape, Seen

_SIDE = 512  # pixels beyond which windows are completed at a coarser level
_CELL = 16  # pixels of a cell that attention compares
_COARSE, _REFINE = (1, 2, 4, 8), (2, 4, 8)  # dilations of the layers in the middle


@dataclass(frozen=True)
class HifillShape(PublishedShape):
    """See `eii.external.published.PublishedShape`."""

    width: int = 32

    stride: ClassVar[int] = 2 * _CELL


class Light(nn.Module):
    """A convolution with a light gate.

    Parameters
    ----------
    inputs, outputs : int
    one : bool
        One gate for all channels of a pixel; else one for each, from convolutions of single
        channels.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        dilation: int = 1,
        one: bool,
    ) -> None:
        super().__init__()
        pad = dilation * (kernel // 2)
        self.value = nn.Conv2d(inputs, outputs, kernel, stride, pad, dilation)
        if one:
            self.gate: nn.Module = nn.Conv2d(inputs, 1, kernel, stride, pad, dilation)
        else:
            self.gate = nn.Sequential(
                nn.Conv2d(inputs, inputs, kernel, stride, pad, dilation, groups=inputs),
                nn.Conv2d(inputs, outputs, 1),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return features, gated."""
        return functional.elu(self.value(x)) * torch.sigmoid(self.gate(x))


class Hifill(Published):
    """Complete windows in two stages, and what is finer than the second by attention.

    Parameters
    ----------
    shape : HifillShape
    """

    def __init__(self, shape: HifillShape) -> None:
        super().__init__(shape)
        w = shape.width
        self.coarse = nn.Sequential(*_coarse(shape.inputs, w), self.last(w // 2, 3))
        self.down = nn.ModuleList(
            [
                Light(shape.inputs, w, 5, one=False),
                Light(w, 2 * w, stride=2, one=False),
                nn.Sequential(
                    Light(2 * w, 4 * w, stride=2, one=False), Light(4 * w, 4 * w, one=False)
                ),
                Light(4 * w, 4 * w, stride=2, one=False),
                Light(4 * w, 4 * w, stride=2, one=False),
            ]
        )
        self.middle = nn.Sequential(*(Light(4 * w, 4 * w, dilation=d, one=False) for d in _REFINE))
        self.up = nn.ModuleList(
            [
                Light(8 * w, 4 * w, one=False),
                Light(8 * w, 4 * w, one=False),
                Light(6 * w, 2 * w, one=False),
                Light(3 * w, w, one=False),
            ]
        )
        self.head = self.last(w, 3)

    def stages(self, seen: Seen) -> list[Tensor]:
        """Return the coarse and the fine completion, in the network's units."""
        factor = -(-max(seen.hole.shape[-2:]) // _SIDE)
        if factor == 1:
            coarse, fine, _ = self._small(seen)
            return [coarse, fine]
        pad = [-n % (factor * self.shape.stride) for n in seen.hole.shape[-2:]]
        whole = seen.through(lambda p: functional.pad(p, (0, pad[1], 0, pad[0]), mode="replicate"))
        small = whole.through(lambda p: functional.avg_pool2d(p, factor))
        coarse, fine, attention = self._small(small)
        size = whole.hole.shape[-2:]
        soft = [_larger(x, size) for x in (coarse, fine)]
        done = soft[1] + self._finer(whole, small, attention)
        return [x[..., : seen.hole.shape[-2], : seen.hole.shape[-1]] for x in (soft[0], done)]

    def _small(self, seen: Seen) -> tuple[Tensor, Tensor, Tensor]:
        """Return both completions of windows of the size that is trained on, and the attention."""
        half = seen.through(lambda p: functional.avg_pool2d(p, 2))
        coarse = self.answer(self.coarse(half.stacked()), half)
        first = _larger(coarse, seen.hole.shape[-2:])
        kept = []
        x = seen.stacked(seen.pasted(first))
        for layer in self.down:
            x = layer(x)
            kept.append(x)
        grid = (x.shape[-2], x.shape[-1])
        attention = similarity(x, functional.adaptive_max_pool2d(seen.hole, grid), fuse=False)
        x = self.middle(x)
        for layer, skip in zip(self.up, reversed(kept[:-1]), strict=True):
            lost = functional.adaptive_max_pool2d(seen.hole, skip.shape[-2:])
            mixed = transfer(attention, skip, grid).to(skip.dtype)
            filled = torch.where(lost > 0, mixed, skip)
            x = layer(torch.cat([_larger(x, skip.shape[-2:]), filled], 1))
        return first, self.answer(self.head(x), seen), attention

    def _finer(self, whole: Seen, small: Seen, attention: Tensor) -> Tensor:
        """Return what known pixels have beyond the small image, carried into the hole."""
        size = whole.hole.shape[-2:]
        beyond = (whole.image - _larger(small.image, size)) * (1 - whole.hole)
        grid = (small.hole.shape[-2] // _CELL, small.hole.shape[-1] // _CELL)
        return torch.where(whole.hole > 0, transfer(attention, beyond, grid), beyond)


def _coarse(inputs: int, w: int) -> list[nn.Module]:
    return [
        Light(inputs, w, 5, one=True),
        Light(w, 2 * w, stride=2, one=True),
        Light(2 * w, 2 * w, one=True),
        Light(2 * w, 4 * w, stride=2, one=True),
        *(Light(4 * w, 4 * w, dilation=d, one=True) for d in _COARSE),
        nn.Upsample(scale_factor=2),
        Light(4 * w, 2 * w, one=True),
        nn.Upsample(scale_factor=2),
        Light(2 * w, w, one=True),
        Light(w, w // 2, one=True),
    ]


def _larger(x: Tensor, size: tuple[int, ...]) -> Tensor:
    return functional.interpolate(x, size, mode="bilinear", align_corners=False)
