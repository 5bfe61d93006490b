"""The small network that tells hot pixels from texture, by numpy alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eii.errors import WeightsError
from eii.external.weights import find_weights

FloatArray = NDArray[np.float32]
Layers = tuple[tuple[FloatArray, FloatArray], ...]


def load_judge(path: Path | None = None) -> Callable[[FloatArray], FloatArray]:
    """Load the network.

    Parameters
    ----------
    path : Path, optional
        Of weights; by default those that ship.

    Returns
    -------
    callable
        Takes what is told of pixels, shape (K, F), float32, returns the logit of each to be hot
        or dead, shape (K,), float32.

    Raises
    ------
    WeightsError
        If the file is not of this network, or not the one of its card.
    """
    from safetensors.numpy import load_file

    file = path or Path(str(files("eii.weights.defects"))) / "hot_pixels.safetensors"
    _, card = find_weights(str(file))
    sizes = [int(n) for n in card.shape.get("widths", ())]
    found = load_file(file)
    layers = []
    for number, (before, after) in enumerate(pairwise(sizes)):
        weight, bias = (found.get(f"{number}.{part}") for part in ("weight", "bias"))
        if weight is None or bias is None or weight.shape != (after, before):
            raise WeightsError(f"{file} is not of the network that judges hot pixels.")
        layers.append((weight.T.astype(np.float32), bias.astype(np.float32)))
    return partial(_judged, tuple(layers))


def _judged(layers: Layers, told: FloatArray) -> FloatArray:
    """Return logits; each layer but the last ends in SiLU."""
    values = told
    for number, (weight, bias) in enumerate(layers):
        values = values @ weight + bias
        if number + 1 < len(layers):
            values = values / (1 + np.exp(-np.clip(values, -60, 60)))
    return np.asarray(values[:, 0], np.float32)
