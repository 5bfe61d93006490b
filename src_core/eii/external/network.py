"""Networks as backbones: the one place where numpy and torch meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from eii.device import use_one_thread
from eii.errors import WeightsError
from eii.external.backbone import EDGES, RGB, Clues, Hole, Luma
from eii.external.edgeconnect import EdgeConnect, EdgeConnectShape
from eii.external.gatedconv import GatedConv, GatedConvShape
from eii.external.gmcnn import Gmcnn, GmcnnShape
from eii.external.hifill import Hifill, HifillShape
from eii.external.lama import Lama, LamaShape
from eii.external.pixel import Pixel, PixelShape
from eii.external.predicted import NEVER, Depth, PredictedBackbone
from eii.external.published import OfGray
from eii.external.unet import Unet, UnetShape
from eii.external.weights import Card, check_sum, load_into, packaged, read_card

_GPU_BATCH = 16  # windows computed together where that is faster; on a CPU it is not


class Shape(Protocol):
    """The shape of a network."""

    @property
    def stride(self) -> int: ...


@dataclass(frozen=True)
class Architecture:
    """A kind of network: its shape, the module made from that, and where it gives way.

    Parameters
    ----------
    shape : callable
        Takes the shape of a card.
    module : callable
        Takes a shape.
    depth : Depth
    to_train : callable
        Takes what a training asks for (width, channels, guided, first_fill), returns a shape.
    """

    shape: Callable[..., Any]
    module: Callable[[Any], nn.Module]
    depth: Depth
    to_train: Callable[..., Any]


ARCHITECTURES = {
    "unet": Architecture(UnetShape, Unet, Depth(28, 56, halves=True), UnetShape.to_train),
    "pixel": Architecture(PixelShape, Pixel, Depth(6, 12), PixelShape.to_train),
    "gatedconv": Architecture(GatedConvShape, GatedConv, NEVER, GatedConvShape.to_train),
    "edgeconnect": Architecture(EdgeConnectShape, EdgeConnect, NEVER, EdgeConnectShape.to_train),
    "hifill": Architecture(HifillShape, Hifill, NEVER, HifillShape.to_train),
    "gmcnn": Architecture(GmcnnShape, Gmcnn, NEVER, GmcnnShape.to_train),
    "lama": Architecture(LamaShape, Lama, NEVER, LamaShape.to_train),
}


class TorchPredictor:
    """Runs a network on windows.

    Parameters
    ----------
    net : Module
        Takes plate, pull-push and hole, returns the fill.
    stride : int
        Windows are padded to a multiple of it.
    device : {"cpu", "cuda", "mps"}
    depth : Depth
    follows : frozenset of str
        Clues that the network takes.

    Notes
    -----
    float32 on a CPU, bfloat16 on a CUDA device.
    """

    def __init__(
        self,
        net: nn.Module,
        *,
        stride: int,
        device: str,
        depth: Depth = NEVER,
        follows: frozenset[str] = frozenset(),
    ) -> None:
        self._stride, self._device = stride, device
        self.depth, self.follows = depth, follows
        self.batch = 1 if device == "cpu" else _GPU_BATCH
        self._net: Any = net.eval()
        self._net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, plate: Luma, smooth: Luma, hole: Hole, clues: Clues) -> Luma:
        """Return the windows filled, shape (B, M, N), float32."""
        height, width = hole.shape[1:]
        pad = (0, -width % self._stride, 0, -height % self._stride)
        parts = {
            name: self._tensor(array, pad)
            for name, array in (
                ("plate", plate[:, np.newaxis]),
                ("smooth", smooth[:, np.newaxis]),
                ("hole", hole[:, np.newaxis]),
                (RGB, None if clues.rgb is None else np.moveaxis(clues.rgb, 3, 1)),
                (EDGES, None if clues.edges is None else clues.edges[:, np.newaxis]),
            )
            if array is not None
        }
        use_one_thread()
        mixed = torch.autocast(self._device, torch.bfloat16, enabled=self._device == "cuda")
        with torch.inference_mode(), mixed:
            filled = self._in_parts(parts)
        return np.asarray(filled[:, 0, :height, :width].float().cpu().numpy())

    def _tensor(self, array: NDArray[Any], pad: tuple[int, int, int, int]) -> Tensor:
        whole = torch.from_numpy(np.ascontiguousarray(array, np.float32))
        return functional.pad(whole, pad, mode="replicate").to(self._device)

    def _in_parts(self, parts: dict[str, Tensor]) -> Tensor:
        """Run a batch; one that does not fit the device's memory is halved."""
        try:
            result: Tensor = self._net(**parts)
            return result
        except torch.OutOfMemoryError:
            count = len(parts["hole"])
            if count == 1:
                raise
        both = (slice(count // 2), slice(count // 2, None))
        halves = ({name: p[half] for name, p in parts.items()} for half in both)
        return torch.cat([self._in_parts(half) for half in halves])


def load_network(name: str, device: str) -> PredictedBackbone:
    """Return a network whose weights ship with the package.

    Raises
    ------
    WeightsError
        If its file is missing, or not the one of its card.
    """
    path = packaged().get(name)
    if path is None:
        raise WeightsError(f"No weights of {name!r} ship with this installation.")
    card = read_card(path)
    check_sum(path, card)
    return _build(name, path, card, device)


def load_file(path: Path, device: str) -> PredictedBackbone:
    """Return a network with weights of the user's: of the card beside them, or the default unet."""
    if path.with_suffix(".json").exists():
        card = read_card(path)
        check_sum(path, card)
        return _build(path.stem, path, card, device)
    return _build(path.stem, path, Card(path.stem, "unet", "", "", "", {}, {}), device)


def make_shape(path: Path, card: Card) -> Any:
    """Return the shape of the network whose card this is.

    Raises
    ------
    WeightsError
        If there is no such architecture, or it has no such shape.
    """
    kind = ARCHITECTURES.get(card.architecture)
    if kind is None:
        raise WeightsError(
            f"{path} is of architecture {card.architecture!r}; known are "
            f"{', '.join(ARCHITECTURES)}."
        )
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in card.shape.items()}
    try:
        return kind.shape(**given)
    except TypeError as error:
        raise WeightsError(f"The card of {path} has no shape of {card.architecture}.") from error


def _build(name: str, path: Path, card: Card, device: str) -> PredictedBackbone:
    form = make_shape(path, card)
    kind = ARCHITECTURES[card.architecture]
    net = kind.module(form)
    load_into(net, path)
    net = OfGray(net) if getattr(form, "channels", 1) == 3 else net
    follows = frozenset(
        [RGB] * getattr(form, "guided", False) + [EDGES] * (kind.module is EdgeConnect)
    )
    predictor = TorchPredictor(
        net, stride=form.stride, device=device, depth=kind.depth, follows=follows
    )
    return PredictedBackbone(name, predictor, stride=form.stride)
