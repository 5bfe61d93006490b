"""The OME-NGFF metadata of a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from ome_zarr.format import Format, FormatV04, FormatV05
from ome_zarr.writer import write_label_metadata, write_multiscales_metadata

from eii.image.dtype import default_scale
from eii.io.axes import size_of
from eii.io.source import Source

_TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}
_RGB = ("FF0000", "00FF00", "0000FF")


def describe_image(
    group: zarr.Group, levels: Sequence[str], source: Source, axes: str, *, name: str
) -> None:
    """Write the multiscales metadata of a group: axes, scale, translation, channels of a source."""
    facts = source.facts
    datasets = [_dataset(path, 2**i, source, axes) for i, path in enumerate(levels)]
    described = [
        {"name": a, "type": _TYPES[a], **({"unit": facts.units[a]} if a in facts.units else {})}
        for a in axes
    ]
    write_multiscales_metadata(group, datasets, fmt=_format(group), axes=described, name=name)
    omero = facts.omero or (_rgb_channels(source) if source.is_rgb else None)
    if "c" in axes and omero:
        coarsest: Any = group[levels[-1]]
        windowed = _windowed(omero, coarsest, axes)
        if group.metadata.zarr_format == 2:
            group.attrs["omero"] = windowed
        else:
            described_so_far: Any = group.attrs["ome"]
            group.attrs["ome"] = {**described_so_far, "omero": windowed}


def _windowed(omero: Mapping[str, Any], pixels: Any, axes: str) -> dict[str, Any]:
    """Return channels with a window of display, where they have none: that of their values."""
    channels = []
    for number, channel in enumerate(omero.get("channels", [])):
        if "window" not in channel and number < size_of(axes, pixels.shape, "c"):
            middle = {a: size_of(axes, pixels.shape, a) // 2 for a in "tz"}
            key = tuple({"c": number, **middle}.get(a, slice(None)) for a in axes)
            channel = {**channel, "window": _window_of(np.asarray(pixels[key]))}
        channels.append(channel)
    return {**omero, "channels": channels}


def _window_of(pixels: NDArray[Any]) -> dict[str, float]:
    least, most = default_range(pixels.dtype)
    known = pixels[np.isfinite(pixels)].astype(np.float64)
    start, end = (float(known.min()), float(known.max())) if known.size else (least, most)
    if end <= start:
        start, end = least, most
    return {"min": min(least, start), "max": max(most, end), "start": start, "end": end}


INVENTED = {"colors": [{"label-value": 1, "rgba": [255, 64, 64, 128]}], "properties": None}
"""Of the label image of what is invented: 0 measured, 1 invented."""


def describe_labels(root: zarr.Group, described: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the metadata that make groups in ``labels`` label images: colours, properties."""
    root["labels"].attrs.put({})  # of a run that is resumed: its list would be added to
    for name, told in described.items():
        write_label_metadata(
            root["labels"],
            name,
            colors=told["colors"],
            properties=told["properties"],
            fmt=_format(root),
        )


def _format(group: zarr.Group) -> Format:
    """Return the version of OME-Zarr that belongs to a group's Zarr format."""
    return FormatV04() if group.metadata.zarr_format == 2 else FormatV05()


def _dataset(path: str, factor: int, source: Source, axes: str) -> dict[str, Any]:
    facts = source.facts
    by = {a: factor if a in "yx" else 1 for a in axes}
    size = {a: facts.scale.get(a, 1.0) for a in axes}
    # Cells of a coarser level are centred between the pixels they stand for.
    moved = [facts.translation.get(a, 0.0) + size[a] * (by[a] - 1) / 2 for a in axes]
    steps: list[dict[str, Any]] = [{"type": "scale", "scale": [size[a] * by[a] for a in axes]}]
    if any(moved):
        steps.append({"type": "translation", "translation": moved})
    return {"path": path, "coordinateTransformations": steps}


def default_range(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return what a viewer shows as black and white; 0 and 1 of floats."""
    scale = default_scale(dtype, 1)
    return scale.low[0], scale.high[0]


def _rgb_channels(source: Source) -> dict[str, Any]:
    least, most = default_range(source.dtype)
    window = {"min": least, "max": most, "start": least, "end": most}
    colours = [*_RGB, "FFFFFF"][: source.channels]
    names = ["red", "green", "blue", "alpha"]
    return {
        "channels": [
            {"label": n, "color": c, "window": window, "active": n != "alpha"}
            for n, c in zip(names, colours, strict=False)
        ],
        "rdefs": {"model": "color"},
    }
