"""OME-Zarr 0.4 and 0.5, and plain Zarr."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import zarr

from eii.errors import SourceError
from eii.io.axes import check_axes
from eii.io.source import Facts, Source, array_source

Group: TypeAlias = zarr.Group
Array: TypeAlias = Any


def open_zarr(path: Path, series: int | None, axes: str | None) -> Source:
    """Open a Zarr folder; pixels are read as they are asked for.

    Parameters
    ----------
    path : Path
    series : int, optional
        Which image of a folder that holds several, from 0.
    axes : str, optional
        The meaning of each dimension, where the store does not say.

    Returns
    -------
    Source
        At full resolution.

    Raises
    ------
    SourceError
        If the folder holds no image, or several and ``series`` does not say which.
    """
    node = zarr.open(str(path), mode="r")
    if isinstance(node, zarr.Array):
        return _plain(node, path, axes)
    images = _images(node)
    if images:
        return _ome(images[_pick(list(images), path, series)], path, axes)
    arrays = dict(sorted(node.arrays()))
    if not arrays:
        raise SourceError(f"{path} holds no image: no array and no multiscales metadata.")
    name = list(arrays)[_pick_index(list(arrays), path, series)]
    return _plain(arrays[name], path, axes)


def ome_metadata(node: Group) -> Mapping[str, Any]:
    """Return the OME attributes of a group, of version 0.4 or 0.5."""
    attributes = _attributes(node)
    return attributes.get("ome", attributes)


def _attributes(node: Group) -> dict[str, Any]:
    return dict(node.attrs)


def _images(node: Group) -> dict[str, tuple[Group, Mapping[str, Any]]]:
    """Return every multiscale image of a group, or of its direct children."""
    own = ome_metadata(node).get("multiscales", [])
    if own:
        return {str(entry.get("name", i)) or str(i): (node, entry) for i, entry in enumerate(own)}
    found = {}
    for name, child in sorted(node.groups()):
        for entry in ome_metadata(child).get("multiscales", [])[:1]:
            found[name] = (child, entry)
    return found


def _pick(names: list[str], path: Path, series: int | None) -> str:
    return names[_pick_index(names, path, series)]


def _pick_index(names: list[str], path: Path, series: int | None) -> int:
    if len(names) > 1 and series is None:
        listed = ", ".join(f"{i}: {name}" for i, name in enumerate(names))
        raise SourceError(f"{path} holds {len(names)} images ({listed}). Choose with `series`.")
    if not 0 <= (series or 0) < len(names):
        raise SourceError(f"`series` must be from 0 to {len(names) - 1}; got {series}.")
    return series or 0


def _plain(array: Array, path: Path, axes: str | None) -> Source:
    named = getattr(array.metadata, "dimension_names", None)
    if axes is None and named and all(n and len(n) == 1 for n in named):
        axes = "".join(named)
    source = array_source(array, str(path), axes)
    return Source(str(path), array, source.axes, source.is_rgb, source.has_alpha, path)


def _ome(image: tuple[Group, Mapping[str, Any]], path: Path, axes: str | None) -> Source:
    group, entry = image
    level = entry["datasets"][0]
    array = group[level["path"]]
    if not isinstance(array, zarr.Array):
        raise SourceError(f"{path}: {level['path']} is not an array.")
    described = [a if isinstance(a, dict) else {"name": a} for a in entry.get("axes", [])]
    named = axes or "".join(a["name"] for a in described)
    named = check_axes(named or "tczyx", array.ndim)
    scale, translation = _transforms(entry, level, named)
    omero, own = ome_metadata(group).get("omero"), _attributes(group).get("eii", {})
    colour = bool(own.get("rgb", _is_rgb(omero, array, named)))
    units = {a["name"]: a["unit"] for a in described if a.get("unit")}
    return Source(
        str(path),
        array,
        named,
        is_rgb=colour,
        has_alpha=bool(own.get("alpha", colour and array.shape[named.index("c")] == 4)),
        path=path,
        facts=Facts(scale, translation, units, omero, own.get("tiff")),
    )


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
    return scale, translation


def _is_rgb(omero: Mapping[str, Any] | None, array: Array, axes: str) -> bool:
    """Tell whether the channels are red, green and blue light.

    Stains of fluorescence may be shown in these colours as well, but not as three of 8 bits.
    """
    colours = [str(c.get("color", "")).upper() for c in (omero or {}).get("channels", [])]
    if "c" not in axes or array.shape[axes.index("c")] not in (3, 4) or array.dtype != "uint8":
        return False
    return colours[:3] == ["FF0000", "00FF00", "0000FF"]
