"""A run in words: as a command for a terminal, and as Python."""

from __future__ import annotations

import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any

import eii
from napari.layers import Image, Layer

from napari_eii._axes import whole_axes
from napari_eii._describe import Chosen

_OUT = "restored.zarr"


def as_command(chosen: Chosen) -> str:
    """Return the `eii restore` that does the same; layers that are not saved go by IMAGE, HOLE."""
    image, hole, out = _files(chosen)
    words = ["eii", "restore", image, hole, out]
    for name, value in _told(chosen).items():
        flag = f"--{name.replace('_', '-')}"
        words += [flag] if value is True else [flag, str(value)]
    if _above(chosen) is not None:
        words += ["--hole-above", f"{chosen.above:g}"]
    if _axes(chosen) is not None:
        words += ["--axes", str(_axes(chosen))]
    return shlex.join(words)


def as_python(chosen: Chosen) -> str:
    """Return the same as a call of `eii.restore_to_zarr`."""
    image, hole, out = _files(chosen)
    told = ", ".join(f"{name}={value!r}" for name, value in _told(chosen).items())
    lines = [f"{image!r}", f"{hole!r}", f"{out!r}", f"options=eii.RestoreOptions({told})"]
    if _above(chosen) is not None:
        lines.append(f"hole_options=eii.HoleOptions(above={chosen.above:g})")
    if _axes(chosen) is not None:
        lines.append(f"axes={_axes(chosen)!r}")
    body = "".join(f"    {line},\n" for line in lines)
    return f"import eii\n\neii.restore_to_zarr(\n{body})\n"


def _told(chosen: Chosen) -> dict[str, Any]:
    """Return the options that are not as they are by default."""
    plain = eii.RestoreOptions()
    found = {f.name: getattr(chosen.options, f.name) for f in fields(plain)}
    return {name: value for name, value in found.items() if value != getattr(plain, name)}


def _above(chosen: Chosen) -> float | None:
    is_image = isinstance(chosen.hole, Image)
    return chosen.above if is_image and chosen.above else None


def _axes(chosen: Chosen) -> str | None:
    """Return the axes, where a file may not tell them."""
    axes = whole_axes(chosen.axes, rgb=chosen.image.rgb, layers=len(chosen.layers))
    return None if axes in ("yx", "yxc") else axes


def _files(chosen: Chosen) -> tuple[str, str, str]:
    hole = str(chosen.hole) if isinstance(chosen.hole, Path) else _path(chosen.hole, "HOLE")
    return _path(chosen.image, "IMAGE"), hole, str(chosen.out or _OUT)


def _path(layer: Layer, otherwise: str) -> str:
    return str(layer.source.path) if layer.source.path else otherwise
