"""Weights as files: safetensors with a card beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from eii.external.weights import Card
from eii.files import write_whole

LICENCE = "as the pictures' that it was trained on"


def halved(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the values of a network on the CPU, those that are not whole as float16."""
    held = {name: t.detach().cpu().contiguous() for name, t in state.items()}
    return {name: t.half() if t.is_floating_point() else t for name, t in held.items()}


def write_weights(path: Path, state: Mapping[str, Tensor], **told: Any) -> Path:
    """Write weights, and a card beside them; each replaces the one before at once.

    Parameters
    ----------
    path : Path
    state : mapping of str to Tensor
    told
        Architecture, licence, summary and shape, as of `Card`.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    OSError
        If the disk is full.
    """
    from safetensors.torch import save

    raw = save(dict(state))
    card = Card(name=path.stem, sha256=hashlib.sha256(raw).hexdigest(), table={}, **told)
    described = json.dumps(asdict(card), indent=2).encode()
    for target, content in ((path, raw), (path.with_suffix(".json"), described)):
        write_whole(target, content)
    return path
