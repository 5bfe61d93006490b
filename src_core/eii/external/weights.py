"""Weights of networks: safetensors files with a card beside each, checked before they are used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eii.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor, nn

_DROPPED = ("grain.",)
"""Beginnings of names that early weights have and no network uses."""


@dataclass(frozen=True)
class Card:
    """What is known of a weights file; the JSON beside it.

    Parameters
    ----------
    name, architecture, licence, summary : str
    sha256 : str
        Of the weights file.
    shape : mapping
        Arguments of the architecture's shape.
    table : mapping
        PSNR in the hole over the best classical fill, in dB, by kind of hole.
    """

    name: str
    architecture: str
    licence: str
    summary: str
    sha256: str
    shape: Mapping[str, Any]
    table: Mapping[str, float]


def packaged() -> dict[str, Path]:
    """Return the weights files that ship, by name."""
    folder = Path(str(files("eii.weights")))
    return {path.stem: path for path in sorted(folder.glob("*.safetensors"))}


def read_card(path: Path) -> Card:
    """Return the card beside a weights file.

    Raises
    ------
    WeightsError
        If it is missing or lacks something.
    """
    beside = path.with_suffix(".json")
    try:
        described = json.loads(beside.read_text(encoding="utf-8"))
        return Card(**{name: described[name] for name in Card.__dataclass_fields__})
    except FileNotFoundError as error:
        raise WeightsError(f"{path} has no card {beside.name} beside it.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{beside} is not a card of weights: {error}.") from error


def is_baseline(path: Path) -> bool:
    """Return whether weights are of a network of RGB, by their card."""
    return path.with_suffix(".json").exists() and read_card(path).shape.get("channels", 1) == 3


def find_weights(name: str) -> tuple[Path, Card]:
    """Return the file and the card of weights, given by path, or by name if they ship.

    Raises
    ------
    WeightsError
        If there are none, or the file is not the one of its card.
    """
    path = packaged().get(name, Path(name))
    if not path.is_file():
        listed = ", ".join(packaged())
        raise WeightsError(f"{name} is neither a file nor weights that ship ({listed}).")
    card = read_card(path)
    check_sum(path, card)
    return path, card


def check_sum(path: Path, card: Card) -> None:
    """Raise `WeightsError` unless a file is the one its card was made for."""
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}.") from error
    if found != card.sha256:
        raise WeightsError(
            f"{path} is not the file of its card: its SHA-256 is {found[:12]}..., the card's "
            f"{card.sha256[:12]}.... It was changed, cut or swapped."
        )


def load_into(net: nn.Module, path: Path) -> None:
    """Put the weights of a file into a network.

    Raises
    ------
    WeightsError
        If the file is not of safetensors, or its names or shapes are not the network's; the
        message says which.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found: dict[str, Tensor] = load_file(path)
    except FileNotFoundError as error:
        raise WeightsError(f"{path} does not exist. Check the path.") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path} is not a whole file of safetensors.") from error
    found = {n: t.float() for n, t in found.items() if not n.startswith(_DROPPED)}
    own = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    theirs = {name: tuple(value.shape) for name, value in found.items()}
    if own != theirs:
        differing = sorted(set(own.items()) ^ set(theirs.items()))
        raise WeightsError(
            f"{path} has other weights than this architecture: {len(differing)} names or shapes "
            f"differ, the first is {differing[0][0]} {differing[0][1]}."
        )
    if not all(bool(value.isfinite().all()) for value in found.values()):
        raise WeightsError(f"{path} has weights that are not finite.")
    net.load_state_dict(found)
