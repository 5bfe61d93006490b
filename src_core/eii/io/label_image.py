"""Label images of defects as OME-Zarr: of their own, or among the labels of a result."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import zarr
from numpy.typing import NDArray

from eii.image.geometry import Region, blocks_of
from eii.io.axes import plane_indices, plane_key
from eii.io.describe import describe_image
from eii.io.kept import CHUNK
from eii.io.multiscale import RunAll, build_pyramid, create_array
from eii.io.place import ATTRIBUTE, SOFTWARE, UNFINISHED, Place, writing
from eii.io.source import Source


class Labels(Protocol):
    """A label image that is read by slices, and where it holds nothing."""

    @property
    def axes(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def names(self) -> Mapping[int, str]: ...
    def may_hold(self, key: tuple[int | slice, ...]) -> bool: ...
    def __getitem__(self, key: Any, /) -> NDArray[Any]: ...


def label_metadata(names: Mapping[int, str]) -> dict[str, list[dict[str, Any]]]:
    """Return a colour and a name for each label, as OME-NGFF has them."""
    colours, properties = [], []
    for number, (label, name) in enumerate(sorted(names.items())):
        red, green, blue = colorsys.hsv_to_rgb(number * 0.618 % 1, 0.9, 1.0)
        rgba = [*(int(255 * v) for v in (red, green, blue)), 160]
        colours.append({"label-value": label, "rgba": rgba})
        properties.append({"label-value": label, "kind": name})
    return {"colors": colours, "properties": properties}


def write_label_image(
    place: Place, source: Source, labels: Labels, told: Mapping[str, Any], *, run: RunAll
) -> None:
    """Write a label image with its pyramid: it is whole then, and to be moved.

    Parameters
    ----------
    place : Place
        Entered.
    source : Source
        The image, whose scale and units the labels have.
    labels : Labels
    told : mapping
        JSON, kept in the attribute ``eii``.
    run : callable
        Runs calls that store regions.

    Raises
    ------
    OutputError
        If it cannot be stored.
    """
    ours: Any = {ATTRIBUTE: {"software": SOFTWARE, UNFINISHED: True}}
    with writing(place.name):
        root = zarr.open_group(str(place.partial), mode="w", zarr_format=3, attributes=ours)
        sides = {"y": CHUNK, "x": CHUNK}
        chunks = tuple(
            min(sides.get(a, 1), n) for a, n in zip(labels.axes, labels.shape, strict=True)
        )
        how = {"shape": labels.shape, "chunks": chunks, "dtype": np.dtype(np.uint8)}
        array = create_array(root, "0", labels.axes, **how, fill_value=0)
        touched = _store(array, labels)
        levels = build_pyramid(root, "", labels.axes, touched=touched, greatest=True, run=run)
        describe_image(root, levels, source, labels.axes, name=place.title)
        described: Any = root.attrs["ome"]
        described.pop("omero", None)
        root.attrs["ome"] = {**described, "image-label": label_metadata(labels.names)}
        root.attrs[ATTRIBUTE] = {"software": SOFTWARE, **told}


def _store(array: Any, labels: Labels) -> list[Region]:
    """Store what is marked; return where that is."""
    touched = []
    planes = plane_indices(labels.axes, labels.shape)
    sides = labels.shape[-2], labels.shape[-1]
    for plane in planes:
        for box in blocks_of(sides, (CHUNK, CHUNK)):
            key = plane_key(labels.axes, plane, *box.slices)
            if labels.may_hold(key):
                found = labels[key]
                if found.any():
                    array[key] = found
                    touched.append((plane, box))
    return touched
