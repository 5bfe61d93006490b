"""Pyramids and the OME-NGFF metadata that describe them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import zarr
from numpy.typing import NDArray
from ome_zarr.format import FormatV05
from ome_zarr.writer import write_label_metadata, write_multiscales_metadata

from eii.image.dtype import default_scale
from eii.image.geometry import Box
from eii.io.axes import plane_indices, plane_key, size_of
from eii.io.source import Source

Region: TypeAlias = tuple[tuple[int, ...], Box]
RunAll = Callable[[Iterable[Callable[[], None]]], None]

CHUNK = 1024
"""Side of the chunks written, in pixels."""
SMALLEST = 512
"""A pyramid ends with the level whose sides are no longer than this."""
_TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}
_RGB = ("FF0000", "00FF00", "0000FF")


def build_pyramid(
    root: zarr.Group,
    name: str,
    axes: str,
    *,
    touched: Iterable[Region] | None = None,
    run: RunAll,
) -> list[str]:
    """Add coarser levels to the array ``name/0``, each half the one before.

    Parameters
    ----------
    root : zarr.Group
    name : str
        Group of the levels; of ``labels`` the greatest value of a cell is kept, else the mean.
    axes : str
    touched : iterable of (plane, Box), optional
        Regions of level 0 that are not of the fill value alone; by default all.
    run : callable
        Runs calls, in any order or at the same time.

    Returns
    -------
    list of str
        Paths of all levels, relative to the group.

    Notes
    -----
    Memory follows one chunk a thread.
    """
    prefix = f"{name}/" if name else ""
    paths = ["0"]
    within = None if touched is None else list(touched)
    while True:
        finer: Any = root[f"{prefix}{paths[-1]}"]
        if max(size_of(axes, finer.shape, a) for a in "yx") <= SMALLEST:
            return paths
        paths.append(str(len(paths)))
        coarser = _create_half(root, f"{prefix}{paths[-1]}", finer, axes)
        regions = _regions(coarser, axes)
        if within is not None:
            halved = {(p, b.y0 // 2 // CHUNK, b.x0 // 2 // CHUNK) for p, b in within}
            regions = [r for r in regions if (r[0], r[1].y0 // CHUNK, r[1].x0 // CHUNK) in halved]
            within = regions
        greatest = name.startswith("labels")
        run(partial(_fill_half, finer, coarser, axes, region, greatest) for region in regions)


def _create_half(root: zarr.Group, name: str, finer: Any, axes: str) -> Any:
    shape = tuple(-(-n // 2) if a in "yx" else n for a, n in zip(axes, finer.shape, strict=True))
    return root.create_array(
        name,
        shape=shape,
        chunks=tuple(min(c, n) for c, n in zip(finer.chunks, shape, strict=True)),
        dtype=finer.dtype,
        fill_value=finer.fill_value,
        dimension_names=list(axes),
        overwrite=True,  # of the run that is resumed
    )


def _regions(array: Any, axes: str) -> list[Region]:
    """Return every plane and box that is stored as objects of its own."""
    shape = size_of(axes, array.shape, "y"), size_of(axes, array.shape, "x")
    boxes = [
        Box(y, x, y + CHUNK, x + CHUNK).clip(shape)
        for y in range(0, shape[0], CHUNK)
        for x in range(0, shape[1], CHUNK)
    ]
    return [(plane, box) for plane in plane_indices(axes, array.shape) for box in boxes]


def _fill_half(finer: Any, coarser: Any, axes: str, region: Region, greatest: bool) -> None:
    plane, box = region
    full = Box(2 * box.y0, 2 * box.x0, 2 * box.y1, 2 * box.x1)
    keys = [plane_key(axes, plane, *b.slices) for b in (full, box)]
    # Channel by channel: with many of them a region of all is large.
    for channel in range(size_of(axes, finer.shape, "c")):
        source, target = (
            tuple(channel if a == "c" else k for a, k in zip(axes, key, strict=True))
            for key in keys
        )
        coarser[target] = halve(finer[source], greatest=greatest)


_SUMS: dict[str, type[np.generic]] = {
    "b1": np.uint16,
    "u1": np.uint16,
    "u2": np.uint32,
    "u4": np.uint64,
    "i1": np.int16,
    "i2": np.int32,
    "i4": np.int64,
    "f2": np.float32,
}
"""What four pixels of a dtype are summed in."""


def halve(pixels: NDArray[Any], *, greatest: bool = False) -> NDArray[Any]:
    """Return each cell of two by two pixels as one.

    Parameters
    ----------
    pixels : ndarray of shape (M, N)
        The last cells may be partial.
    greatest : bool
        Of labels: the greatest value of a cell, instead of the mean rounded half to even.

    Returns
    -------
    ndarray of shape (ceil(M / 2), ceil(N / 2)), of the same dtype
    """
    if greatest:
        return _joined(_joined(pixels, np.maximum).T, np.maximum).T
    wide = pixels.astype(_SUMS.get(pixels.dtype.str[1:], pixels.dtype), copy=False)
    sums = _joined(_joined(wide, np.add).T, np.add).T
    rows, columns = (np.minimum(2, n - np.arange(0, n, 2)) for n in pixels.shape)
    counts = (rows[:, np.newaxis] * columns).astype(wide.dtype)
    if pixels.dtype.kind == "f":
        return (sums / counts).astype(pixels.dtype)
    if counts.min() == 4:
        # (s + 1 + the bit of 4) / 4 is the mean of four integers rounded half to even.
        return ((sums + 1 + (sums >> 2 & 1)) >> 2).astype(pixels.dtype)
    whole, rest = np.divmod(sums, counts)
    up = (2 * rest > counts) | ((2 * rest == counts) & (whole % 2 == 1))
    return (whole + up).astype(pixels.dtype)


def _joined(pixels: NDArray[Any], join: np.ufunc) -> NDArray[Any]:
    """Return pairs of rows joined; a last one alone stays as it is."""
    first, second = pixels[::2], pixels[1::2]
    joined = first.copy()
    join(first[: len(second)], second, out=joined[: len(second)])
    return joined


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
        coarsest: Any = group[levels[-1]]
        windowed = _windowed(omero, coarsest, axes)
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
