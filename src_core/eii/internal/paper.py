"""The paper's colour stage: a pyramid of networks trained on the one image.

References
----------
.. [1] T. Wang, H. Ouyang, Q. Chen, "Image Inpainting with External-Internal Learning and
       Monochromic Bottleneck", CVPR 2021, section 3.2 and supplement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from eii.device import use_one_thread
from eii.image.pyramid import double, shrink
from eii.internal.presets import Preset

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Example:
    """One window to learn from: luma (M, N), values (M, N, C), and what is not known (M, N)."""

    luma: FloatArray
    values: FloatArray
    hole: BoolArray


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _conv(width, width),
            nn.BatchNorm2d(width),
            nn.LeakyReLU(0.2),
            _conv(width, width),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")


def _network(inputs: int, channels: int, preset: Preset) -> nn.Sequential:
    """Return the network of one level."""
    width = preset.width
    parts: list[nn.Module] = [_conv(inputs, width), nn.LeakyReLU(0.2)]
    parts += [_Block(width) for _ in range(preset.blocks)]
    parts += [_conv(width, width), nn.BatchNorm2d(width), _conv(width, channels), nn.Sigmoid()]
    return nn.Sequential(*parts)


class Painter:
    """The trained pyramid of an image.

    Parameters
    ----------
    networks : sequence of Module
        Coarsest level first.
    device : str
    """

    def __init__(self, networks: Sequence[nn.Module], device: str) -> None:
        self._networks, self._device = networks, device

    def paint(self, luma: FloatArray) -> FloatArray:
        """Return the colours of every pixel of a window, shape (M, N, C), float32."""
        found = None
        for place, network in enumerate(self._networks):
            level = len(self._networks) - 1 - place
            found = paint_level(network, luma_at(luma, level), found, self._device)
        if found is None:
            raise RuntimeError("a pyramid of no level paints nothing")
        return found


def paint_level(
    network: nn.Module, luma: FloatArray, below: FloatArray | None, device: str
) -> FloatArray:
    """Return what one level's network makes of a luma and of the level below it."""
    use_one_thread()
    network.train()  # batch norm is always on the statistics of the one image
    with torch.inference_mode():
        out = network(_inputs(luma, below).to(device)).cpu()
    return np.ascontiguousarray(out[0].permute(1, 2, 0).numpy())


def train(examples: Sequence[Example], preset: Preset, *, device: str = "cpu") -> Painter:
    """Train the networks of an image, coarsest level first.

    Parameters
    ----------
    examples : sequence of Example
        Windows of the image, whose values are its colours; at least one.
    preset : Preset
    device : {"cpu", "cuda", "mps"}

    Returns
    -------
    Painter
        The same for the same arguments on one machine.

    Notes
    -----
    Loss: squared error on known pixels. Each level has a fresh network.
    """
    channels = examples[0].values.shape[2]
    networks: list[nn.Module] = []
    founds: list[FloatArray | None] = [None] * len(examples)
    use_one_thread()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for level in range(preset.levels - 1, -1, -1):
            inputs = 1 + (channels if networks else 0)
            network = _network(inputs, channels, preset).to(device)
            sets = [_tensors(e, level, f, device) for e, f in zip(examples, founds, strict=True)]
            _fit(network, sets, preset, len(networks))
            networks.append(network)
            founds = [
                paint_level(network, luma_at(e.luma, level), f, device)
                for e, f in zip(examples, founds, strict=True)
            ]
    return Painter(networks, device)


_Set = tuple[Tensor, Tensor, Tensor]


def _tensors(example: Example, level: int, below: FloatArray | None, device: str) -> _Set:
    """Return inputs, targets, and which pixels are learnt from."""
    values, hole = example.values, example.hole
    for _ in range(level):
        nowhere = np.zeros(hole.shape, bool)
        values = shrink(values, nowhere, 2)[0]
        hole = shrink(hole[..., np.newaxis].astype(np.float32), nowhere, 2)[0][..., 0] > 0
    targets = torch.from_numpy(np.ascontiguousarray(np.moveaxis(values, 2, 0)))[None]
    used = torch.from_numpy((~hole).astype(np.float32))[None, None]
    seen = _inputs(luma_at(example.luma, level), below)
    return seen.to(device), targets.to(device), used.to(device)


def luma_at(luma: FloatArray, level: int) -> FloatArray:
    """Return a complete luma at a level."""
    for _ in range(level):
        luma = shrink(luma[..., np.newaxis], np.zeros(luma.shape, bool), 2)[0][..., 0]
    return luma


def _inputs(luma: FloatArray, below: FloatArray | None) -> Tensor:
    planes = [luma[np.newaxis]]
    if below is not None:
        planes.append(np.moveaxis(double(below, luma.shape), 2, 0))
    return torch.from_numpy(np.concatenate(planes).astype(np.float32))[None]


def _fit(network: nn.Module, sets: Sequence[_Set], preset: Preset, place: int) -> None:
    network.train()
    optimiser = torch.optim.Adam(network.parameters(), preset.rates[place])
    for step in range(preset.steps[place]):
        seen, targets, used = sets[step % len(sets)]
        error = (network(seen) - targets) * used
        loss: Any = error.square().sum() / used.sum().clamp_min(1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
