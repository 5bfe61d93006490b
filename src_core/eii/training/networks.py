"""The network of a training: made anew or from weights, and written with its card."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from eii.errors import OptionError, WeightsError
from eii.external.network import ARCHITECTURES, make_shape
from eii.external.weights import Card, find_weights, load_into
from eii.training.adversarial import RECIPES, Adversarial, InThreePhases
from eii.training.batches import Batch
from eii.training.objectives import Correction, Objective
from eii.training.options import TrainOptions
from eii.training.saving import halved, write_weights


@dataclass(frozen=True)
class Made:
    """A network to be trained.

    Parameters
    ----------
    net : Module
    shape : object
        What it was made from.
    objective : Objective
    """

    net: nn.Module
    shape: Any
    objective: Objective

    def see(self, net: Any, batch: Batch) -> Tensor:
        """Return the windows of a batch filled."""
        clues = {"rgb": batch["rgb"]} if "rgb" in batch else {}
        filled: Tensor = net(batch["plate"], batch["smooth"], batch["hole"], **clues)
        return filled


def make_network(options: TrainOptions) -> Made:
    """Return the network of a training, with the weights it starts from.

    Raises
    ------
    OptionError
        If there is no such backbone, or it has no such mode.
    WeightsError
        If the weights to start from are of another backbone or mode.
    """
    kind = ARCHITECTURES.get(options.backbone)
    if kind is None:
        listed = ", ".join(ARCHITECTURES)
        raise OptionError(f"`backbone` must be one of {listed}; got {options.backbone!r}.")
    torch.manual_seed(options.seed)
    if options.start is None:
        shape = kind.to_train(
            width=options.width,
            channels=3 if options.mode == "rgb" else 1,
            guided=options.guided,
            first_fill=options.first_fill,
        )
        net = kind.module(shape)
    else:
        path, card = find_weights(options.start)
        _check_start(path, card, options)
        shape = make_shape(path, card)
        net = kind.module(shape)
        load_into(net, path)
    return Made(net, shape, _objective(shape, options))


def _check_start(path: Path, card: Card, options: TrainOptions) -> None:
    if card.architecture != options.backbone:
        raise WeightsError(
            f"{path} is of the backbone {card.architecture!r}, not {options.backbone!r}. "
            "Name its own backbone."
        )
    mode = "rgb" if card.shape.get("channels", 1) == 3 else "mono"
    if mode != options.mode or bool(card.shape.get("guided", False)) != options.guided:
        raise WeightsError(f"{path} is of the mode {mode!r}, or guided where the training is not.")


def _objective(shape: Any, options: TrainOptions) -> Objective:
    recipe = RECIPES.get(options.backbone)
    if recipe is None:
        return Correction(muon=options.backbone == "unet")
    published = ARCHITECTURES[options.backbone].shape().width
    make = InThreePhases if options.backbone == "edgeconnect" else Adversarial
    return make(recipe, options, width=shape.width, published=published)


def save_weights(net: nn.Module, path: Path, made: Made, options: TrainOptions) -> None:
    """Write weights as float16, and a card beside them; each replaces the one before at once.

    Raises
    ------
    OSError
        If the disk is full.
    """
    write_weights(
        path,
        halved(net.state_dict()),
        architecture=options.backbone,
        licence="as its maker says",
        summary=f"Trained by eii train, mode {options.mode}.",
        shape=asdict(made.shape),
    )
