"""Pyramids and the OME-NGFF metadata that describe them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from ome_zarr.format import FormatV05
from ome_zarr.writer import write_label_metadata, write_multiscales_metadata

from eii.image.dtype import to_dtype
from eii.image.geometry import Box
from eii.image.pyramid import shrink
from eii.io.axes import channels_last, plane_indices, plane_key, size_of
from eii.io.source import Source

SMALLEST = 512
"""A pyramid ends with the level whose sides are no longer than this."""
_TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}
_RGB = ("FF0000", "00FF00", "0000FF")


def build_pyramid(root: zarr.Group, name: str, axes: str) -> list[str]:
    """Add coarser levels to the array ``name/0``, each half the one before.

    Parameters
    ----------
    root : zarr.Group
    name : str
        Group of the levels; of ``labels`` the greatest value of a cell is kept, else the mean.
    axes : str

    Returns
    -------
    list of str
        Paths of all levels, relative to the group.

    Notes
    -----
    Memory follows one chunk.
    """
    prefix = f"{name}/" if name else ""
    paths = ["0"]
    while True:
        finer: Any = root[f"{prefix}{paths[-1]}"]
        if max(size_of(axes, finer.shape, a) for a in "yx") <= SMALLEST:
            return paths
        paths.append(str(len(paths)))
        coarser = _create_half(root, f"{prefix}{paths[-1]}", finer, axes)
        _fill_half(finer, coarser, axes, greatest=name.startswith("labels"))


def _create_half(root: zarr.Group, name: str, finer: Any, axes: str) -> Any:
    shape = tuple(-(-n // 2) if a in "yx" else n for a, n in zip(axes, finer.shape, strict=True))
    return root.create_array(
        name,
        shape=shape,
        chunks=tuple(min(c, n) for c, n in zip(finer.chunks, shape, strict=True)),
        dtype=finer.dtype,
        fill_value=finer.fill_value,
        dimension_names=list(axes),
    )


def _fill_half(finer: Any, coarser: Any, axes: str, *, greatest: bool) -> None:
    height, width = (size_of(axes, coarser.shape, a) for a in "yx")
    step = coarser.chunks[-1]
    for plane in plane_indices(axes, coarser.shape):
        for y in range(0, height, step):
            for x in range(0, width, step):
                box = Box(y, x, y + step, x + step).clip((height, width))
                full = Box(2 * box.y0, 2 * box.x0, 2 * box.y1, 2 * box.x1)
                pixels = channels_last(finer[plane_key(axes, plane, *full.slices)], axes)
                half = _greatest(pixels) if greatest else _mean(pixels)
                stored = np.moveaxis(half, 2, 0) if "c" in axes else half[..., 0]
                coarser[plane_key(axes, plane, *box.slices)] = stored


def _mean(pixels: NDArray[Any]) -> NDArray[Any]:
    nowhere = np.zeros(pixels.shape[:2], bool)
    mean, _ = shrink(pixels.astype(np.float32), nowhere, 2)
    return to_dtype(mean, pixels.dtype)


def _greatest(pixels: NDArray[Any]) -> NDArray[Any]:
    height, width, channels = pixels.shape
    even = np.pad(pixels, [(0, height % 2), (0, width % 2), (0, 0)])
    cells = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2, channels)
    return cells.max(axis=(1, 3))


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
    write_multiscales_metadata(group, datasets, fmt=FormatV05(), axes=described, name=name)
    omero = facts.omero or (_rgb_channels(source) if source.is_rgb else None)
    if "c" in axes and omero:
        described_so_far: Any = group.attrs["ome"]
        group.attrs["ome"] = {**described_so_far, "omero": dict(omero)}


def describe_label(root: zarr.Group, name: str) -> None:
    """Write the metadata that make ``labels/name`` a label image: 0 measured, 1 invented."""
    colours = [{"label-value": 1, "rgba": [255, 64, 64, 128]}]
    write_label_metadata(root["labels"], name, colors=colours, fmt=FormatV05())


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


def _rgb_channels(source: Source) -> dict[str, Any]:
    most = float(np.iinfo(source.dtype).max) if source.dtype.kind == "u" else 1.0
    window = {"min": 0.0, "max": most, "start": 0.0, "end": most}
    colours = [*_RGB, "FFFFFF"][: source.channels]
    names = ["red", "green", "blue", "alpha"]
    return {
        "channels": [
            {"label": n, "color": c, "window": window, "active": n != "alpha"}
            for n, c in zip(names, colours, strict=False)
        ],
        "rdefs": {"model": "color"},
    }
