"""Losses on the features of a VGG19 whose weights the user gives: none ship.

References
----------
.. [1] J. Johnson, A. Alahi, L. Fei-Fei, "Perceptual losses for real-time style transfer and
       super-resolution", ECCV 2016.
.. [2] Y. Wang et al., "Image inpainting via generative multi-column convolutional neural
       networks", NeurIPS 2018, section 3.2 (ID-MRF).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from eii.errors import WeightsError

_POOLS = frozenset({4, 9, 18, 27})  # places of the poolings in VGG19
_COMPARED = (0, 5, 10, 19, 28)  # relu1_1, relu2_1, relu3_1, relu4_1, relu5_1
_TEXTURED = (12, 21)  # relu3_2 and relu4_2
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_BAND, _EPS = 0.5, 1e-5  # of ID-MRF


class Perceptual(nn.Module):
    """The first layers of VGG19.

    Parameters
    ----------
    path : Path
        Weights as torchvision names them: ``features.0.weight`` to ``features.28.bias``;
        .safetensors, or .pth of tensors alone.

    Raises
    ------
    WeightsError
        If it is no such file.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, path: Path) -> None:
        super().__init__()
        held = _read(path)
        self.places = [n for n in range(_COMPARED[-1] + 1) if f"features.{n}.weight" in held]
        missing = sorted({*_COMPARED, *_TEXTURED} - set(self.places))
        if missing:
            raise WeightsError(f"{path} lacks features.{missing[0]}.weight: no VGG19.")
        for n in self.places:
            for kind in ("weight", "bias"):
                self.register_buffer(f"{kind}{n}", held[f"features.{n}.{kind}"].float())
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> dict[int, Tensor]:
        """Return the features of images of 1 or 3 channels in about [0, 1], by layer."""
        x = (image.expand(-1, 3, -1, -1) - self.mean) / self.deviation
        found = {}
        for n in range(_COMPARED[-1] + 1):
            if n in _POOLS:
                x = functional.max_pool2d(x, 2)
            elif n in self.places:
                weight, bias = (getattr(self, f"{kind}{n}") for kind in ("weight", "bias"))
                x = functional.relu(functional.conv2d(x, weight, bias, padding=1))
                found[n] = x
        return found

    def losses(self, filled: Tensor, truth: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the losses of content, of style and of texture (ID-MRF)."""
        own, true = self(filled), self(truth)
        content = torch.stack([(own[n] - true[n]).abs().mean() for n in _COMPARED]).sum()
        style = torch.stack([(_gram(own[n]) - _gram(true[n])).abs().mean() for n in _COMPARED])
        texture = torch.stack([_texture(own[n], true[n]) for n in _TEXTURED])
        return content, style.sum(), texture.sum()


def _read(path: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        held: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return held
    except Exception as error:  # of several libraries, without a common base
        raise WeightsError(f"{path} is not a file of VGG19 weights: {error}.") from error


def _gram(features: Tensor) -> Tensor:
    flat = features.float().flatten(2)
    return flat @ flat.transpose(1, 2) / (flat.shape[1] * flat.shape[2])


def _texture(own: Tensor, true: Tensor) -> Tensor:
    """Return -log of how well each true feature is the nearest of some own one."""
    a, b = (
        functional.normalize(x.float().flatten(2) - true.mean((2, 3))[..., None], dim=1)
        for x in (own, true)
    )
    far = (1 - a.transpose(1, 2) @ b) / 2
    relative = far / (far.amin(2, keepdim=True) + _EPS)
    alike = torch.softmax((1 - relative) / _BAND, dim=2)
    return -alike.amax(1).mean(1).log().mean()
