"""The images of a Zarr group: multiscales, series of bioformats2raw, fields of a plate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zarr

from eii.errors import SourceError
from eii.io.source import Series

_NEWEST = (0, 5)
_LISTED = 12  # names that a message quotes
_ABOVE = 3  # groups above an array in which its metadata is looked for


@dataclass(frozen=True)
class Found:
    """One multiscale image: its name, its group, its entry of metadata, and which level."""

    name: str
    group: zarr.Group
    entry: Mapping[str, Any]
    level: int = 0


def ome_metadata(node: zarr.Group) -> Mapping[str, Any]:
    """Return the OME attributes of a group, of version 0.4 or 0.5."""
    attributes = dict(node.attrs)
    found: Any = attributes.get("ome", attributes)
    return found


def images_of(node: zarr.Group, path: Path | str) -> list[Found]:
    """Return every image of a group: its own, or those of its series, or of its wells.

    Raises
    ------
    SourceError
        If the group is of a version of OME-Zarr that is not read.
    """
    own = list(_own(node, "", path))
    if own:
        return own
    if "plate" in ome_metadata(node):
        return [f for name, field in _fields(node) for f in _own(field, name, path)]
    if "well" in ome_metadata(node):
        return [f for name, field in _well(node) for f in _own(field, name, path)]
    return [f for name, child in _children(node) for f in _own(child, name, path)]


def pick(found: list[Found], path: Path | str, series: Series | None) -> Found:
    """Return the image that is asked for, by its number or its name.

    Raises
    ------
    SourceError
        If there are several and none is asked for, or the one asked for is not there.
    """
    names = [f.name for f in found]
    return found[pick_index(names, path, series)]


def pick_index(names: list[str], path: Path | str, series: Series | None) -> int:
    """Return the position of the image that is asked for; see `pick`."""
    listed = ", ".join(f"{i}: {name}" for i, name in enumerate(names[:_LISTED]))
    listed += ", …" if len(names) > _LISTED else ""
    if isinstance(series, str):
        if series not in names:
            raise SourceError(f"{path} holds no image {series!r}; it holds {listed}.")
        return names.index(series)
    if len(names) > 1 and series is None:
        raise SourceError(f"{path} holds {len(names)} images ({listed}). Choose with `series`.")
    if not 0 <= (series or 0) < len(names):
        raise SourceError(f"`series` must be from 0 to {len(names) - 1}; got {series}.")
    return series or 0


def level_around(path: Path) -> Found | None:
    """Return the image of which an array is a level; None when it is of none."""
    for up in list(path.resolve().parents)[:_ABOVE]:
        if not any((up / name).exists() for name in ("zarr.json", ".zgroup")):
            continue
        node = zarr.open(str(up), mode="r")
        if not isinstance(node, zarr.Group):
            continue
        own = path.resolve().relative_to(up).as_posix()
        for image in _own(node, "", path):
            levels = [level["path"] for level in image.entry["datasets"]]
            if own in levels:
                return Found(image.name, node, image.entry, levels.index(own))
    return None


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """Return a key by which 2 comes before 10."""
    parts = re.split(r"(\d+)", name)
    return tuple((int(p), "") if p.isdigit() else (-1, p) for p in parts)


def _own(node: zarr.Group, name: str, path: Path | str) -> Iterator[Found]:
    """Yield the images that a group itself describes."""
    described = ome_metadata(node)
    entries = described.get("multiscales", [])
    _check_version(described, path)
    for number, entry in enumerate(entries):
        # Only several need names of their own.
        own = str(entry.get("name") or number) if len(entries) > 1 else ""
        _check_version(entry, path)
        yield Found("/".join(p for p in (name, own) if p) or str(number), node, entry)


def _check_version(described: Mapping[str, Any], path: Path | str) -> None:
    version = re.match(r"(\d+)\.(\d+)", str(described.get("version", "")))
    if version and tuple(map(int, version.groups())) > _NEWEST:
        raise SourceError(
            f"{path} is OME-Zarr {described['version']}; 0.4 and 0.5 are read. Convert it first."
        )


def _children(node: zarr.Group) -> Iterator[tuple[str, zarr.Group]]:
    """Yield the groups of a group: in the order that bioformats2raw notes, else by number."""
    children = dict(sorted(node.groups(), key=lambda item: natural(item[0])))
    noted: Any = ome_metadata(children["OME"]).get("series", []) if "OME" in children else []
    first = [str(name) for name in noted if str(name) in children]
    yield from (
        (name, children[name]) for name in [*first, *(c for c in children if c not in first)]
    )


def _fields(plate: zarr.Group) -> Iterator[tuple[str, zarr.Group]]:
    for well in ome_metadata(plate)["plate"].get("wells", []):
        node: Any = plate[well["path"]]
        yield from ((f"{well['path']}/{name}", field) for name, field in _well(node))


def _well(well: zarr.Group) -> Iterator[tuple[str, zarr.Group]]:
    for field in ome_metadata(well)["well"].get("images", []):
        node: Any = well[field["path"]]
        yield str(field["path"]), node
