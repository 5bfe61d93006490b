"""The external stage: the backbone a name stands for."""

from __future__ import annotations

from pathlib import Path

from eii.errors import OptionError
from eii.external.backbone import Backbone
from eii.external.classical import ClassicalBackbone
from eii.options import AUTO, BACKBONES, CLASSICAL, FILE


def resolve_backbone(name: str) -> str:
    """Return the backbone that a name stands for: ``"auto"`` is the network that measures best.

    Raises
    ------
    OptionError
        If there is no such backbone; the message lists those there are.
    """
    if name == AUTO:
        return "unet"
    if name not in BACKBONES and not name.startswith(FILE):
        listed = ", ".join((*BACKBONES, f"{FILE}PATH"))
        raise OptionError(f"`backbone` must be one of {listed}; got {name!r}.")
    return name


def load_backbone(name: str, *, device: str = "cpu", trust: bool = False) -> Backbone:
    """Return the backbone called ``name``, ready to run on ``device``.

    Parameters
    ----------
    name : str
        One of `eii.options.BACKBONES`; or ``"file:"`` and the path of weights (.safetensors), of
        an ONNX model (.onnx) or of a TorchScript one (.pt).
    device : {"cpu", "cuda", "mps"}
    trust : bool
        Run a TorchScript file, which can run any code.

    Returns
    -------
    Backbone

    Raises
    ------
    OptionError
        If there is no such backbone, or a TorchScript file is not trusted.
    WeightsError
        If weights are missing or wrong.
    MissingExtraError
        If the file needs a library that is not installed.
    """
    name = resolve_backbone(name)
    if name == CLASSICAL:
        return ClassicalBackbone()
    if name.startswith(FILE):
        path = Path(name.removeprefix(FILE))
        if not path.is_file():
            raise OptionError(f"`backbone`: {path} is not a file. Check the path.")
        if path.suffix == ".onnx":
            from eii.external.adapter import load_onnx

            return load_onnx(path)
        if path.suffix in (".pt", ".pth"):
            from eii.external.adapter import load_script

            return load_script(path, trust=trust, device=device)
    from eii.external import network

    if name.startswith(FILE):
        return network.load_file(Path(name.removeprefix(FILE)), device)
    return network.load_network(name, device)
