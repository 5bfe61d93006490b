"""OME-Zarr 0.4 and 0.5, and plain Zarr."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import zarr
from zarr.storage import LocalStore

from eii.errors import SourceError
from eii.io.axes import check_axes, named_axes
from eii.io.chunked import Guarded, by_blocks
from eii.io.place import ATTRIBUTE, UNFINISHED, is_unfinished
from eii.io.source import Asked, Facts, Readable, Source, array_source, refuse_series
from eii.io.units import checked_sizes, ngff_size
from eii.io.zarr_groups import (
    Found,
    images_of,
    level_around,
    natural,
    ome_metadata,
    pick,
    pick_index,
)

Array: TypeAlias = Any


def open_zarr(path: Path, asked: Asked) -> Source:
    """Open a Zarr folder; pixels are read as they are asked for.

    Parameters
    ----------
    path : Path
    asked : Asked
        ``series`` and ``axes`` count where the store does not say.

    Returns
    -------
    Source
        At full resolution.

    Raises
    ------
    SourceError
        If the folder holds no image, or several and ``series`` does not say which; if it is one
        of our results and not whole.
    """
    _refuse_unfinished(path)
    node = zarr.open(str(path), mode="r")
    if isinstance(node, zarr.Array):
        refuse_series(path, asked)
        around = level_around(path)
        if around is not None:
            return _ome(around, path, asked.axes)
    return _of_node(node, path, asked)


def open_node(store: Any, name: str, asked: Asked) -> Source:
    """Open a Zarr in a store that is not on this machine's disks; see `open_zarr`."""
    node = zarr.open(store, mode="r")
    own: Any = dict(node.attrs).get(ATTRIBUTE, {})
    if own.get(UNFINISHED):
        raise SourceError(f"{name} is unfinished: the run that writes it was killed.")
    return _of_node(node, name, asked)


def _of_node(node: Any, path: Path | str, asked: Asked) -> Source:
    """Return the image of a group, or an array as one."""
    series, axes = asked.series, asked.axes
    if isinstance(node, zarr.Array):
        refuse_series(path, asked)
        return _plain(node, path, axes)
    images = images_of(node, path)
    if images:
        return _ome(pick(images, path, series), path, axes)
    arrays = dict(sorted(node.arrays(), key=lambda item: natural(item[0])))
    if not arrays:
        raise SourceError(f"{path} holds no image: no array and no multiscales metadata.")
    name = list(arrays)[pick_index(list(arrays), path, series)]
    return _plain(arrays[name], path, axes)


def _refuse_unfinished(path: Path) -> None:
    """Raise for a result that is not whole, and for any part of one."""
    whole = path.resolve()
    if any(is_unfinished(folder) for folder in (whole, *whole.parents)):
        raise SourceError(
            f"{path} is unfinished: the run that writes it is still at work, or was killed."
        )


def store_path(array: Any) -> Path | None:
    """Return where an array is stored; None when that is not on this machine's disks."""
    store = array.store
    return Path(store.root) / array.path if isinstance(store, LocalStore) else None


def guarded(array: zarr.Array[Any]) -> Readable:
    """Return an array whose every read is checked.

    Zarr takes a chunk that is not there for one of fill values. That is so only while the array
    itself is there: after a lost mount every chunk would be called measured, and zero.
    """
    path = store_path(array)
    if path is None:
        return array
    described = path / ("zarr.json" if array.metadata.zarr_format == 3 else ".zarray")

    def check() -> None:
        if not described.exists():
            raise SourceError(f"{path} is no longer there; what was read of it is not to be used.")

    return Guarded(array, check)


def _lazy(array: zarr.Array[Any], axes: str) -> Readable:
    return by_blocks(guarded(array), array.chunks, axes)


def _plain(array: Array, path: Path | str, axes: str | None) -> Source:
    named = getattr(array.metadata, "dimension_names", None)
    if axes is None and named and all(n and len(n) == 1 for n in named):
        axes = "".join(named)
    axes = named_axes(axes, array.shape)
    own = path if isinstance(path, Path) else None
    source = array_source(_lazy(array, axes), str(path), axes, path=own)
    return replace(source, nodata=_declared(array), stored=store_path(array))


def _ome(image: Found, path: Path | str, axes: str | None) -> Source:
    group, entry = image.group, image.entry
    level = entry["datasets"][image.level]
    array = group[level["path"]]
    if not isinstance(array, zarr.Array):
        raise SourceError(f"{path}: {level['path']} is not an array.")
    described = [a if isinstance(a, dict) else {"name": a} for a in entry.get("axes", [])]
    named = axes or "".join(a["name"] for a in described)
    named = check_axes(named or "tczyx", array.ndim)
    scale, translation = _transforms(entry, level, named)
    attributes: dict[str, Any] = dict(group.attrs)
    omero, own = ome_metadata(group).get("omero"), attributes.get("eii", {})
    colour = bool(own.get("rgb", _is_rgb(omero, array, named)))
    sized = {a["name"]: ngff_size(1.0, str(a["unit"])) for a in described if a.get("unit")}
    for axis, (factor, _) in sized.items():
        scale[axis] = scale.get(axis, 1.0) * factor
        translation[axis] = translation.get(axis, 0.0) * factor
    units = {axis: unit for axis, (_, unit) in sized.items() if unit is not None}
    coarser = (store_path(group[d["path"]]) for d in entry["datasets"][image.level + 1 :])
    return Source(
        str(path),
        _lazy(array, named),
        named,
        is_rgb=colour,
        has_alpha=bool(own.get("alpha", colour and array.shape[named.index("c")] == 4)),
        path=path if isinstance(path, Path) else None,
        stored=store_path(array),
        coarser=tuple(p for p in coarser if p is not None),
        nodata=_declared(array),
        facts=Facts(scale, translation, units, omero, own.get("tiff")),
    )


def _declared(array: Array) -> float | None:
    """Return the value that stands for no data, where the attributes of an array declare one."""
    attributes: dict[str, Any] = dict(array.attrs)
    value = attributes.get("_FillValue", attributes.get("missing_value"))
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


def _transforms(
    entry: Mapping[str, Any], level: Mapping[str, Any], axes: str
) -> tuple[dict[str, float], dict[str, float]]:
    """Return scale and translation of level 0, those of the whole image applied after."""
    scale, translation = dict.fromkeys(axes, 1.0), dict.fromkeys(axes, 0.0)
    steps = [*level.get("coordinateTransformations", [])]
    steps += entry.get("coordinateTransformations", [])
    for step in steps:
        for axis, value in zip(axes, step.get(step["type"], []), strict=False):
            if step["type"] == "scale":
                scale[axis] *= value
                translation[axis] *= value
            else:
                translation[axis] += value
    return checked_sizes(scale, "The image"), translation


def _is_rgb(omero: Mapping[str, Any] | None, array: Array, axes: str) -> bool:
    """Tell whether the channels are red, green and blue light.

    Stains of fluorescence may be shown in these colours as well, but not as three of 8 bits.
    """
    colours = [str(c.get("color", "")).upper() for c in (omero or {}).get("channels", [])]
    if "c" not in axes or array.shape[axes.index("c")] not in (3, 4) or array.dtype != "uint8":
        return False
    return colours[:3] == ["FF0000", "00FF00", "0000FF"]
