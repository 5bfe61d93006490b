"""Networks that complete RGB at once: the baseline that the monochromic ones are compared with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from eii.external.initial import bound, push_pull, stiffness, tension
from eii.external.network import ARCHITECTURES, make_shape
from eii.external.weights import check_sum, load_into, read_card
from eii.image.mono import LUMA

FloatArray = NDArray[np.float32]
Complete = Callable[[FloatArray, NDArray[np.bool_]], FloatArray]
"""Takes an image of shape (M, N, 3), float32 in [0, 1], and its hole; returns it filled."""


def load_baseline(path: Path, device: str = "cpu") -> Complete:
    """Return what fills whole RGB images, known pixels bit-identical.

    Raises
    ------
    WeightsError
        If the file is none of such weights.
    """
    card = read_card(path)
    check_sum(path, card)
    shape = make_shape(path, card)
    net = ARCHITECTURES[card.architecture].module(shape)
    load_into(net, path)
    net = net.eval().to(device)

    def complete(image: FloatArray, hole: NDArray[np.bool_]) -> FloatArray:
        strength = stiffness(np.asarray(image @ np.asarray(LUMA, np.float32), np.float32), hole)
        channels = [np.ascontiguousarray(c) for c in np.moveaxis(image, 2, 0)]
        plate = np.stack([bound(tension(c, hole, strength=strength), c, hole) for c in channels])
        smooth = np.stack([push_pull(c, hole) for c in channels])
        filled = _run(net, (plate, smooth, hole[np.newaxis]), shape.stride, device)
        done = np.stack([bound(f, c, hole) for f, c in zip(filled, channels, strict=True)], 2)
        return np.where(hole[..., np.newaxis], done, image)

    return complete


def _run(
    net: nn.Module, parts: tuple[NDArray[np.generic], ...], stride: int, device: str
) -> FloatArray:
    height, width = parts[0].shape[1:]
    pad = ((0, 0), (0, -height % stride), (0, -width % stride))
    padded = (np.pad(np.asarray(p, np.float32), pad, mode="edge") for p in parts)
    with torch.inference_mode():
        filled = net(*(torch.from_numpy(p)[None].to(device) for p in padded))
    return np.asarray(filled[0, :, :height, :width].float().cpu().numpy())
