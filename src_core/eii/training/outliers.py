"""Training of the network that tells hot pixels from texture, on ones made up on pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn
from torch.nn import functional

from eii.finders.kinds import JUDGE
from eii.finders.noise import noise_of
from eii.finders.outliers import FEATURES, REACH, outliers
from eii.training.images import Item, find_items, read_item
from eii.training.saving import LICENCE, write_weights

FloatArray = NDArray[np.float32]
Sample = tuple[FloatArray, NDArray[np.bool_]]

WIDTHS = (FEATURES, 96, 48, 1)
BATCH = 4096
_SIDE = 320
_WINDOWS = 6000
_RATE = 3e-3
_LEAST, _SIGMAS = 0.03, 5.0  # of the range, and of the noise, that a hot pixel differs by
_GATHER = 0.4  # share of the time in which windows are gathered


def make_sample(picture: FloatArray, rng: np.random.Generator) -> Sample:
    """Return what is told of the outliers of one channel of a picture, and which are hot."""
    y, x = (int(rng.integers(max(1, n - _SIDE + 1))) for n in picture.shape[:2])
    window = picture[y : y + _SIDE, x : x + _SIDE, int(rng.integers(picture.shape[2]))]
    window = _seen_by_a_camera(window, rng)
    hot = np.asarray(rng.random(window.shape) < 10 ** rng.uniform(-4.3, -2.7))
    if rng.random() < 0.3:  # two side by side
        hot |= np.roll(hot, 1, axis=int(rng.integers(2))) & (rng.random(hot.shape) < 0.3)
    step = np.exp(rng.uniform(np.log(_LEAST), 0, window.shape))
    step *= np.where(rng.random(window.shape) < 0.75, 1, -1)
    changed = np.clip(np.where(hot, window + step, window), 0, 1)
    most = 255 if rng.random() < 0.6 else 65535
    stored = np.rint(changed * most).astype(np.float32)
    noise = noise_of([stored[..., np.newaxis]], 0, whole=True)
    rows, columns, told = outliers(stored, noise)
    apart = np.abs(changed - window)[rows, columns]
    deep = np.maximum(_LEAST, _SIGMAS * noise.at(stored[rows, columns]) / most)
    # What hardly differs is neither: nobody could say.
    clear = ~hot[rows, columns] | (apart > deep)
    return told[clear], hot[rows, columns][clear]


def _seen_by_a_camera(window: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return a window of another gamma, sharpness and contrast, with noise."""
    window = window ** np.float32(np.exp(rng.uniform(-0.6, 0.6)))
    if rng.random() < 0.2:
        window = 1 - window
    if rng.random() < 0.3:
        window = gaussian_filter(window, rng.uniform(0.3, 1.0))
    if rng.random() < 0.4:
        contrast = np.exp(rng.uniform(np.log(0.05), 0))
        window = rng.uniform(0, 1 - contrast) + contrast * window
    if rng.random() < 0.5:
        sigma = np.exp(rng.uniform(np.log(0.001), np.log(0.03)))
        window = window + rng.normal(0, sigma, window.shape) * np.sqrt(0.2 + 0.8 * window)
    return np.clip(window, 0, 1).astype(np.float32)


def _gathered(items: Sequence[Item], rng: np.random.Generator, seconds: float) -> Iterator[Sample]:
    begun = time.monotonic()
    for _ in range(_WINDOWS):
        yield make_sample(read_item(items[int(rng.integers(len(items)))]), rng)
        if time.monotonic() - begun > seconds:
            return


def train_outliers(
    data: Path, out: Path, *, minutes: float, steps: int = -1, batch: int = BATCH, seed: int = 0
) -> Path:
    """Train the network that tells hot pixels from texture.

    Parameters
    ----------
    data : Path
        Folder of clean pictures, or of tar files of such.
    out : Path
        Folder for ``weights.safetensors`` and its card.
    minutes : float
        Of which two fifths, at the most, are for making up pixels.
    steps : int
        At the most; -1 is as many as there is time for.
    batch : int
        Pixels of a step.
    seed : int

    Returns
    -------
    Path
        Of the weights.

    Raises
    ------
    SourceError
        If ``data`` holds no picture.
    """
    out.mkdir(parents=True, exist_ok=True)
    items, rng = find_items(data), np.random.default_rng(seed)
    told, hot = zip(*_gathered(items, rng, _GATHER * 60 * minutes), strict=True)
    net = _fitted(
        torch.from_numpy(np.concatenate(told)),
        torch.from_numpy(np.concatenate(hot)),
        seconds=(1 - _GATHER) * 60 * minutes,
        steps=steps,
        batch=batch,
        seed=seed,
    )
    linear = [layer for layer in net if isinstance(layer, nn.Linear)]
    return write_weights(
        out / "weights.safetensors",
        {f"{n}.{k}": v for n, layer in enumerate(linear) for k, v in layer.state_dict().items()},
        architecture=JUDGE,
        licence=LICENCE,
        summary="Tells hot pixels from texture.",
        shape={"widths": list(WIDTHS)},
    )


def _fitted(
    told: Tensor, hot: Tensor, *, seconds: float, steps: int, batch: int, seed: int
) -> nn.Sequential:
    """Return a network fitted by AdamW, its rate falling along a line."""
    torch.manual_seed(seed)
    layers = [nn.Linear(a, b) for a, b in pairwise(WIDTHS)]
    net = nn.Sequential(layers[0], nn.SiLU(), layers[1], nn.SiLU(), layers[2])
    optimizer = torch.optim.AdamW(net.parameters(), _RATE, weight_decay=1e-3)
    begun, step, part = time.monotonic(), 0, 0.0
    while part < 1:
        for group in optimizer.param_groups:
            group["lr"] = _RATE * (1 - part)
        index = torch.randint(len(told), (batch,))
        logits = net(_turned(told[index]))[:, 0]
        loss = functional.binary_cross_entropy_with_logits(logits, hot[index].float())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        step += 1
        part = step / steps if steps > 0 else (time.monotonic() - begun) / seconds
    return net


def _turned(told: Tensor) -> Tensor:
    """Return what is told of pixels, all seen from another side."""
    side = 2 * REACH + 1
    around = told[:, : side**2].reshape(-1, side, side)
    around = torch.rot90(around, int(torch.randint(4, ())), (1, 2))
    around = around.flip(2) if bool(torch.randint(2, ())) else around
    return torch.cat([around.reshape(len(told), -1), told[:, side**2 :]], dim=1)
