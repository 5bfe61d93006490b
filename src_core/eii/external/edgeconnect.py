"""EdgeConnect: the edges of the hole are drawn first, then the image is completed along them.

References
----------
.. [1] K. Nazeri et al., "EdgeConnect: generative image inpainting with adversarial edge learning",
       ICCV workshops 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from skimage.feature import canny
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from eii.external.published import Published, PublishedShape, Seen, gray_of

_SIGMA = 2.0  # of Canny's edges, in pixels
_BLOCKS = 8


@dataclass(frozen=True)
class EdgeConnectShape(PublishedShape):
    """See `eii.external.published.PublishedShape`."""

    width: int = 64


class EdgeConnect(Published):
    """Complete windows along edges that are drawn first, by another network or by a user.

    Parameters
    ----------
    shape : EdgeConnectShape
    """

    def __init__(self, shape: EdgeConnectShape) -> None:
        super().__init__(shape)
        w = shape.width
        self.edges = nn.Sequential(*_generator(3, w, spectral=True), nn.Conv2d(w, 1, 7, padding=3))
        self.image = nn.Sequential(*_generator(shape.inputs + 1, w), self.last(w, 7))

    def stages(self, seen: Seen) -> list[Tensor]:
        """Return the completion, in the network's units, along edges that are given or drawn."""
        known = edges_of(seen.image, seen.hole)
        drawn = self.draw_edges(seen, known) if seen.edges is None else seen.edges * seen.hole
        return [self.along(seen, known + drawn * seen.hole)]

    def draw_edges(self, seen: Seen, known: Tensor) -> Tensor:
        """Return how likely each pixel is one of an edge, shape (B, 1, M, N)."""
        gray = gray_of(seen.image) * (1 - seen.hole)
        return torch.sigmoid(self.edges(torch.cat([gray, known, seen.hole], 1)))

    def along(self, seen: Seen, edges: Tensor) -> Tensor:
        """Return the completion along edges, in the network's units."""
        return self.answer(self.image(torch.cat([seen.stacked(), edges], 1)), seen)

    def squash(self, out: Tensor) -> Tensor:
        """Bring an image to [-1, 1] by a hyperbolic tangent, as published."""
        return torch.tanh(out)


def edges_of(image: Tensor, hole: Tensor) -> Tensor:
    """Return Canny's edges of the known pixels.

    Parameters
    ----------
    image : Tensor of shape (B, C, M, N)
    hole : Tensor of shape (B, 1, M, N)
        All 0 for the edges of whole windows.

    Returns
    -------
    Tensor of shape (B, 1, M, N)
        1 on an edge.
    """
    gray = gray_of(image.detach())[:, 0].float().cpu().numpy()
    known = (hole[:, 0] == 0).cpu().numpy()
    spread = [
        max(float(np.std(g[k])), 1e-6) if k.any() else 1.0 for g, k in zip(gray, known, strict=True)
    ]
    found = [
        canny(g / (4 * s), sigma=_SIGMA, mask=k)
        for g, k, s in zip(gray, known, spread, strict=True)
    ]
    return torch.from_numpy(np.stack(found)[:, np.newaxis]).to(image)


class Block(nn.Module):
    """Two convolutions, the first dilated, beside the identity.

    Parameters
    ----------
    width : int
    spectral : bool
        Normalise the kernels.
    """

    def __init__(self, width: int, *, spectral: bool) -> None:
        super().__init__()
        first = nn.Conv2d(width, width, 3, padding=2, dilation=2, padding_mode="reflect")
        second = nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect")
        self.body = nn.Sequential(
            *_normal(first, width, spectral), *_normal(second, width, spectral)[:-1]
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        return x + self.body(x)


def _generator(inputs: int, w: int, *, spectral: bool = False) -> list[nn.Module]:
    first = nn.Conv2d(inputs, w, 7, padding=3, padding_mode="reflect")
    layers = _normal(first, w, spectral)
    for n in (1, 2):
        layers += _normal(nn.Conv2d(n * w, 2 * n * w, 4, 2, padding=1), 2 * n * w, spectral)
    layers += [Block(4 * w, spectral=spectral) for _ in range(_BLOCKS)]
    for n in (2, 1):
        up = nn.ConvTranspose2d(2 * n * w, n * w, 4, 2, padding=1)
        layers += _normal(up, n * w, spectral)
    return layers


def _normal(layer: nn.Module, channels: int, spectral: bool) -> list[nn.Module]:
    own = spectral_norm(layer) if spectral else layer
    return [own, nn.InstanceNorm2d(channels), nn.ReLU()]
