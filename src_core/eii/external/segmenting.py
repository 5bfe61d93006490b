"""The network that finds scratches and dust, from pixels to logits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eii.device import use_one_thread
from eii.external.weights import find_weights, load_into

if TYPE_CHECKING:
    from eii.external.segmenter import Segmenter

FloatArray = NDArray[np.float32]
WEIGHTS = "eii.weights.defects"


def load_segmenter(
    path: Path | None = None, *, device: str = "cpu"
) -> Callable[[FloatArray], FloatArray]:
    """Load the network.

    Parameters
    ----------
    path : Path, optional
        Of weights; by default those that ship.
    device : str

    Returns
    -------
    callable
        Takes pixels of shape (h, w, C), float32, of any range, red, green and blue if C is 3,
        returns a logit of each kind of defect, shape (2, h, w): scratches, dust.

    Raises
    ------
    WeightsError
        If the file is not of this network, or not the one of its card.
    """
    import torch

    net = read_segmenter(path).eval().to(device)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return partial(_segment, net, device)


def read_segmenter(path: Path | None = None) -> Segmenter:
    """Return the network itself; see `load_segmenter`."""
    from eii.external.segmenter import Segmenter

    file = path or Path(str(files(WEIGHTS))) / "film.safetensors"
    _, card = find_weights(str(file))
    shape = card.shape
    net = Segmenter(
        tuple(shape["widths"]),
        int(shape["kinds"]),
        int(shape.get("compared", 0)),
        channels=int(shape.get("channels", 1)),
        tints=int(shape.get("tints", 0)),
        normed=False,
    )
    load_into(net, file)
    return net


def _segment(net: Segmenter, device: str, pixels: FloatArray) -> FloatArray:
    """Return logits of pixels, normalised and of sides that fit."""
    import torch

    from eii.external.segmenter import STRIDE, normalised

    height, width = pixels.shape[:2]
    pad = [(0, 0), *((0, -n % STRIDE) for n in (height, width))]
    wide = np.pad(normalised(pixels), pad, mode="edge")
    use_one_thread()
    with torch.inference_mode():
        given = torch.from_numpy(wide)[None].to(device)
        logits = net(given.contiguous(memory_format=torch.channels_last))
    return np.asarray(logits[0, :, :height, :width].float().cpu().numpy())
