"""Colour by a network trained on the one image to mend what the hybrid gets wrong.

Known pixels are hidden in the shape of the hole and beside it, filled by the hybrid, and a network
learns what that lacks; then it mends the hole itself. It begins as no change at all, and the
weights are kept that do best on pixels it never learnt from: so it is not worse than its start by
much, and luma stays locked. It has no statistics of the image, so that a window does not depend on
where it is cut; coarser levels come first, each from the weights of the one before.

References
----------
.. [1] T. Wang, H. Ouyang, Q. Chen, "Image Inpainting with External-Internal Learning and
       Monochromic Bottleneck", CVPR 2021, section 3.2: what is changed here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from eii.device import use_one_thread
from eii.image.pyramid import shrink
from eii.internal.presets import Preset

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
Fill = Callable[[FloatArray, FloatArray, BoolArray, BoolArray], FloatArray]
"""Takes luma, values, what to fill, and what is not to be used; returns the values filled."""

_SIDE = 96  # of the crops that are learnt from
_BATCH = 1
_LOOK = 20  # steps between two looks at what is held out
_PATIENCE = 5  # looks without a better one, after which a level ends
_SHIFTS = ((1, 3), (3, 1), (2, 3), (3, 2))  # of the hole, in fifths of the window


@dataclass(frozen=True)
class Lesson:
    """One window with hidden pixels: shapes (M, N) and (M, N, C)."""

    luma: FloatArray
    start: FloatArray
    values: FloatArray
    hidden: BoolArray


class Mender:
    """The network trained on an image.

    Parameters
    ----------
    network : Module
    spread : float
        What values are divided by.
    device : str
    """

    def __init__(self, network: nn.Module, spread: float, device: str) -> None:
        self._network, self._spread, self._device = network.eval(), spread, device

    def mend(self, luma: FloatArray, start: FloatArray, hole: BoolArray) -> FloatArray:
        """Return the values of a window mended in its hole, shape (M, N, C), float32."""
        use_one_thread()
        with torch.inference_mode():
            seen = _seen(luma, start / np.float32(self._spread), hole)[None].to(self._device)
            change = self._network(seen).cpu()[0].permute(1, 2, 0).numpy()
        return np.where(hole[..., np.newaxis], start + change * np.float32(self._spread), start)


def train(
    windows: Sequence[tuple[FloatArray, FloatArray, BoolArray]],
    fill: Fill,
    preset: Preset,
    *,
    device: str = "cpu",
) -> Mender:
    """Train the network of an image.

    Parameters
    ----------
    windows : sequence of (luma, values, hole)
        Of the image; at least one.
    fill : callable
        The fill that is mended.
    preset : Preset
    device : {"cpu", "cuda", "mps"}

    Returns
    -------
    Mender
        The same for the same arguments on one machine.
    """
    lessons = [lesson for window in windows for lesson in _lessons(*window, fill)]
    channels = windows[0][1].shape[2]
    known = np.concatenate([values[~hole] for _, values, hole in windows])
    spread = float(known.std()) + 1e-6
    use_one_thread()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = _network(channels, preset).to(device)
        if len(lessons) > 1:
            for place in range(preset.levels):
                level = preset.levels - 1 - place
                here = [_at_level(lesson, level) for lesson in lessons]
                _fit(network, here, preset, place, spread=spread, device=device)
    return Mender(network, spread, device)


def _network(channels: int, preset: Preset) -> nn.Sequential:
    width = preset.width
    parts: list[nn.Module] = [_conv(2 + channels, width), nn.LeakyReLU(0.2)]
    parts += [_Block(width) for _ in range(preset.blocks // 2)]
    last = _conv(width, channels)
    nn.init.zeros_(last.weight)
    if last.bias is not None:
        nn.init.zeros_(last.bias)
    return nn.Sequential(*parts, last)


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_conv(width, width), nn.LeakyReLU(0.2), _conv(width, width))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")


def _lessons(luma: FloatArray, values: FloatArray, hole: BoolArray, fill: Fill) -> list[Lesson]:
    """Hide known pixels in the shape of the hole, moved; those that hide too few are left out."""
    lessons = []
    for shift in _SHIFTS:
        step = [n * part // 5 for n, part in zip(hole.shape, shift, strict=True)]
        hidden = np.roll(hole, step, axis=(0, 1)) & ~hole
        if hidden.sum() < 50 or (hole | hidden).mean() > 0.8:
            continue
        lessons.append(Lesson(luma, fill(luma, values, hidden, hole), values, hidden))
    return lessons


def _at_level(lesson: Lesson, level: int) -> Lesson:
    luma, start, values, hidden = lesson.luma, lesson.start, lesson.values, lesson.hidden
    for _ in range(level):
        if min(luma.shape) < 2 * _SIDE:
            break
        nowhere = np.zeros(luma.shape, bool)
        luma = shrink(luma[..., np.newaxis], nowhere, 2)[0][..., 0]
        start, values = shrink(start, nowhere, 2)[0], shrink(values, nowhere, 2)[0]
        hidden = shrink(hidden[..., np.newaxis].astype(np.float32), nowhere, 2)[0][..., 0] > 0.5
    return Lesson(luma, start, values, hidden)


def _seen(luma: FloatArray, start: FloatArray, hole: BoolArray) -> Tensor:
    planes = [luma[np.newaxis], hole[np.newaxis], np.moveaxis(start, 2, 0)]
    return torch.from_numpy(np.concatenate(planes).astype(np.float32))


_Crop = tuple[Tensor, Tensor, Tensor]


def _crop(lesson: Lesson, spread: float, rng: np.random.Generator) -> _Crop:
    """Return inputs, what is to be added, and where, of a crop around a hidden pixel."""
    at = np.argwhere(lesson.hidden)
    centre = at[rng.integers(len(at))]
    start = [
        int(np.clip(c - _SIDE // 2, 0, max(0, n - _SIDE)))
        for c, n in zip(centre, lesson.luma.shape, strict=True)
    ]
    cut = slice(start[0], start[0] + _SIDE), slice(start[1], start[1] + _SIDE)
    first = lesson.start[cut] / np.float32(spread)
    lacking = (lesson.values[cut] - lesson.start[cut]) / np.float32(spread)
    hidden = lesson.hidden[cut]
    return (
        _seen(lesson.luma[cut], first, hidden),
        torch.from_numpy(np.ascontiguousarray(np.moveaxis(lacking, 2, 0))),
        torch.from_numpy(hidden.astype(np.float32))[None],
    )


def _fit(
    network: nn.Module,
    lessons: Sequence[Lesson],
    preset: Preset,
    place: int,
    *,
    spread: float,
    device: str,
) -> None:
    """Train on all lessons but the last, and keep what does best on that."""
    rng = np.random.default_rng(place)
    used = [lesson for lesson in lessons[:-1] if lesson.hidden.any()]
    if not used or not lessons[-1].hidden.any():
        return
    held = [_crop(lessons[-1], spread, rng) for _ in range(6)]
    optimiser = torch.optim.Adam(network.parameters(), preset.rates[place])
    best, kept, waited = _error_of(network, held, device), copy.deepcopy(network.state_dict()), 0
    for step in range(1, preset.steps[place] + 1):
        crops = [_crop(used[rng.integers(len(used))], spread, rng) for _ in range(_BATCH)]
        loss: Any = _loss(network, crops, device)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % _LOOK:
            continue
        error = _error_of(network, held, device)
        waited = 0 if error < best else waited + 1
        if error < best:
            best, kept = error, copy.deepcopy(network.state_dict())
        if waited == _PATIENCE:
            break
    network.load_state_dict(kept)


def _loss(network: nn.Module, crops: Sequence[_Crop], device: str) -> Tensor:
    total = torch.zeros((), device=device)
    for seen, lacking, hidden in crops:
        out = network(seen[None].to(device))[0]
        error = (out - lacking.to(device)) * hidden.to(device)
        total = total + error.abs().sum() / hidden.sum().clamp_min(1)
    return total / len(crops)


def _error_of(network: nn.Module, crops: Sequence[_Crop], device: str) -> float:
    with torch.inference_mode():
        return float(_loss(network, crops, device))
