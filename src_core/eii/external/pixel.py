"""The network for shallow holes: it looks at each hole pixel's own neighbourhood.

Its cost follows the hole's pixels, not the windows. It corrects the plate, from the pixels around,
from what pull-push differs from it there, and from the known ones along 8 lines, all in units of
the deviation nearby: gain and offset of the image change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from eii.errors import OptionError
from eii.external.lines import DIRECTIONS, Lines, line_fills
from eii.external.local import local_units

_MOST = 10.0  # local units beyond which inputs are cut
_INNER = 2  # pixels around in which the difference of the fills is seen
_AT_ONCE = 2**15  # hole pixels looked at together


@dataclass(frozen=True)
class PixelShape:
    """The shape of a network.

    Parameters
    ----------
    reach : int
        Pixels around that are seen.
    width : int
        Channels of each layer.
    layers : int
    """

    reach: int = 6
    width: int = 256
    layers: int = 3

    @property
    def stride(self) -> int:
        """Return the multiple of pixels that windows have to be."""
        return 1

    @classmethod
    def to_train(
        cls, *, width: int | None, channels: int, guided: bool, first_fill: bool
    ) -> PixelShape:
        """Return the shape that a training asks for.

        Raises
        ------
        OptionError
            If it asks for more than one channel, or for the masked image alone.
        """
        if channels != 1 or guided or not first_fill:
            raise OptionError("The backbone 'pixel' is monochromic, and starts from both fills.")
        return cls() if width is None else cls(width=width)

    @property
    def inputs(self) -> int:
        """Return how many numbers describe a pixel."""
        around, inner = (2 * self.reach + 1) ** 2, (2 * _INNER + 1) ** 2
        return 2 * around + inner + 3 * len(DIRECTIONS)


class Pixel(nn.Module):
    """Complete windows of one channel, pixel by pixel.

    Parameters
    ----------
    shape : PixelShape
    """

    def __init__(self, shape: PixelShape) -> None:
        super().__init__()
        self.reach = shape.reach
        self.first = nn.Linear(shape.inputs, shape.width)
        self.inner = nn.ModuleList(
            nn.Linear(shape.width, shape.width) for _ in range(shape.layers - 1)
        )
        self.last = nn.Linear(shape.width, 1 + len(DIRECTIONS))
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, plate: Tensor, smooth: Tensor, hole: Tensor) -> Tensor:
        """Fill the holes of windows; see `eii.external.unet.Unet.forward`."""
        at = hole.flatten().nonzero()[:, 0]
        filled = plate.flatten().clone()
        _, unit = local_units(plate, hole)
        for start in range(0, len(at), _AT_ONCE):
            part = at[start : start + _AT_ONCE]
            own = unit.flatten()[part][:, None]
            lines = line_fills(plate, hole, part)
            seen = self._see(plate, smooth, hole, part, own, lines)
            filled[part] += (self._correct(seen, lines.change / own) * own)[:, 0]
        return filled.view_as(plate)

    def _correct(self, seen: Tensor, change: Tensor) -> Tensor:
        x = functional.gelu(self.first(seen))
        for layer in self.inner:
            x = x + functional.gelu(layer(x))
        out = self.last(x).float()
        return out[:, :1] + (out[:, 1:] * change.clamp(-_MOST, _MOST)).sum(1, keepdim=True)

    def _see(
        self, plate: Tensor, smooth: Tensor, hole: Tensor, at: Tensor, unit: Tensor, lines: Lines
    ) -> Tensor:
        """Describe pixels, shape (K, `PixelShape.inputs`)."""
        r = self.reach
        places = _around(hole, at, r)
        square = places.view(len(at), 2 * r + 1, 2 * r + 1)
        inner = square[:, r - _INNER : r + _INNER + 1, r - _INNER : r + _INNER + 1].flatten(1)
        values = functional.pad(plate, (r,) * 4, mode="reflect").flatten()[places]
        holes = functional.pad(hole, (r,) * 4, value=1.0).flatten()[places]
        change = functional.pad(smooth - plate, (r,) * 4).flatten()[inner]
        parts = [
            ((values - plate.flatten()[at][:, None]) / unit).clamp(-_MOST, _MOST),
            holes,
            (change / unit).clamp(-_MOST, _MOST),
            (lines.change / unit).clamp(-_MOST, _MOST),
            (lines.apart / unit).clamp(-_MOST, _MOST),
            lines.near.sqrt(),
        ]
        return torch.cat(parts, 1)


def _around(hole: Tensor, at: Tensor, reach: int) -> Tensor:
    """Return flat positions of the squares around pixels, in windows padded by ``reach``."""
    height, width = hole.shape[-2:]
    window, place = at // (height * width), at % (height * width)
    wide = width + 2 * reach
    corner = (
        window * (height + 2 * reach) * wide
        + place.div(width, rounding_mode="floor") * wide
        + place % width
    )
    steps = torch.arange(2 * reach + 1, device=at.device)
    return corner[:, None] + (steps[:, None] * wide + steps).flatten()
