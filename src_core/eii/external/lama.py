"""LaMa: residual blocks of fast Fourier convolutions, which see the whole window at once.

References
----------
.. [1] R. Suvorov et al., "Resolution-robust large mask inpainting with Fourier convolutions",
       WACV 2022.
.. [2] L. Chi, B. Jiang, Y. Mu, "Fast Fourier convolution", NeurIPS 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from eii.external.published import Published, PublishedShape, Seen

_GLOBAL = 0.75  # share of channels that see the whole window
_HALVINGS = 3


@dataclass(frozen=True)
class LamaShape(PublishedShape):
    """See `eii.external.published.PublishedShape`.

    Parameters
    ----------
    blocks : int
        Residual blocks.
    """

    width: int = 64
    blocks: int = 9


class Spectral(nn.Module):
    """A 1 x 1 convolution of the Fourier coefficients of a window.

    Parameters
    ----------
    channels : int
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = max(1, channels // 2)
        self.before = _normal(nn.Conv2d(channels, half, 1, bias=False), half)
        self.inner = _normal(nn.Conv2d(2 * half, 2 * half, 1, bias=False), 2 * half)
        self.after = nn.Conv2d(half, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        x = self.before(x)
        size = x.shape[-2:]
        with torch.autocast(x.device.type, enabled=False):
            parts = torch.fft.rfft2(x.float(), norm="ortho")
            mixed = self.inner(torch.cat([parts.real, parts.imag], 1))
            real, imaginary = mixed.chunk(2, 1)
            back = torch.fft.irfft2(torch.complex(real, imaginary), s=size, norm="ortho")
        return self.after(x + back.to(x.dtype))


class FourierConvolution(nn.Module):
    """A layer of local and of global channels, each of which hears the other.

    Parameters
    ----------
    local, wide : int
        Channels of either kind.
    """

    def __init__(self, local: int, wide: int) -> None:
        super().__init__()
        self.near = _reflected(local, local)
        self.far_to_near = _reflected(wide, local)
        self.near_to_far = _reflected(local, wide)
        self.far = Spectral(wide)
        self.of_near, self.of_far = nn.BatchNorm2d(local), nn.BatchNorm2d(wide)

    def forward(self, near: Tensor, far: Tensor) -> tuple[Tensor, Tensor]:
        """Return features of the same shapes."""
        own = self.of_near(self.near(near) + self.far_to_near(far))
        other = self.of_far(self.near_to_far(near) + self.far(far))
        return functional.relu(own), functional.relu(other)


class Lama(Published):
    """Complete windows by Fourier convolutions.

    Parameters
    ----------
    shape : LamaShape
    """

    def __init__(self, shape: LamaShape) -> None:
        super().__init__(shape)
        w, widest = shape.width, shape.width * 2**_HALVINGS
        self.first = _normal(_reflected(shape.inputs, w, 7), w)
        self.down = nn.Sequential(
            *(
                _normal(_reflected(w * 2**n, w * 2 ** (n + 1), 3, 2), w * 2 ** (n + 1))
                for n in range(_HALVINGS)
            )
        )
        wide = round(_GLOBAL * widest)
        self.split = (widest - wide, wide)
        self.blocks = nn.ModuleList(
            nn.ModuleList(FourierConvolution(*self.split) for _ in range(2))
            for _ in range(shape.blocks)
        )
        self.up = nn.Sequential(
            *(_up(w * 2 ** (n + 1), w * 2**n) for n in reversed(range(_HALVINGS)))
        )
        self.head = self.last(w, 7)

    def stages(self, seen: Seen) -> list[Tensor]:
        """Return the completion, in the network's units."""
        near, far = self.down(self.first(seen.stacked())).split(self.split, 1)
        for block in self.blocks:
            layers: Any = block
            more = layers[1](*layers[0](near, far))
            near, far = near + more[0], far + more[1]
        return [self.answer(self.head(self.up(torch.cat([near, far], 1))), seen)]

    def squash(self, out: Tensor) -> Tensor:
        """Bring an image to [-1, 1] by a sigmoid, as published."""
        return 2 * torch.sigmoid(out) - 1


def _reflected(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(
        inputs, outputs, kernel, stride, kernel // 2, bias=False, padding_mode="reflect"
    )


def _normal(layer: nn.Module, channels: int) -> nn.Sequential:
    return nn.Sequential(layer, nn.BatchNorm2d(channels), nn.ReLU())


def _down(inputs: int, outputs: int) -> nn.Sequential:
    return _normal(_reflected(inputs, outputs, 3, 2), outputs)


def _up(inputs: int, outputs: int) -> nn.Sequential:
    layer = nn.ConvTranspose2d(inputs, outputs, 3, 2, padding=1, output_padding=1)
    return _normal(layer, outputs)
