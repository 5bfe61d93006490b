"""The external stage: the backbone a name stands for."""

from __future__ import annotations

from eii.errors import OptionError
from eii.external.backbone import Backbone, BackboneBuilder
from eii.external.classical import ClassicalBackbone

BACKBONES: dict[str, BackboneBuilder] = {"classical": lambda _device: ClassicalBackbone()}
"""Builders by name; each takes a torch device name."""


def load_backbone(name: str, *, device: str = "cpu") -> Backbone:
    """Return the backbone called ``name``, ready to run on ``device``.

    Parameters
    ----------
    name : str
        One of `BACKBONES`.
    device : {"cpu", "cuda", "mps"}

    Returns
    -------
    Backbone

    Raises
    ------
    OptionError
        If there is no such backbone; the message lists those there are.
    """
    if name not in BACKBONES:
        raise OptionError(f"`backbone` must be one of {', '.join(BACKBONES)}; got {name!r}.")
    return BACKBONES[name](device)
