"""What lets light through, of defects that were found before and written as a label image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from eii.finders.labels import Lifting, Plane
from eii.finding import find_veils
from eii.image.geometry import Box
from eii.io.hole import Hole
from eii.io.place import ATTRIBUTE
from eii.io.source import Source
from eii.options import DetectOptions


@dataclass(frozen=True)
class KeptLabels:
    """A label image of defects, read as `DefectLabels` are.

    Parameters
    ----------
    source : Source
    names : mapping of int to str
        The kinds by their labels.
    """

    source: Source
    names: Mapping[int, str]

    def read(self, plane: Plane, channel: int | None, box: Box) -> NDArray[np.uint8]:
        """Return the labels in a box of a plane, shape (h, w)."""
        return np.asarray(self.source.read(plane, box)[..., 0], np.uint8)


def with_veils(hole: Hole, image: Source) -> Hole:
    """Return a hole with what divides out what it is of, where `eii detect` has written it.

    Parameters
    ----------
    hole : Hole
        Any; others than such label images, or of another size, stay as they are.
    image : Source
        What inks, stains and thin dirt take is learnt from it anew: the label image tells where
        they are, and may have been worked on.
    """
    labels = hole.source
    told = None if labels.path is None or hole.by_channel else _told(labels)
    if told is None or labels.plane_shape != image.plane_shape or labels.planes != image.planes:
        return hole
    names, options = told
    kept = KeptLabels(labels, names)
    found = find_veils(image, options)
    return replace(hole, veils={plane: Lifting(kept, plane, own) for plane, own in found.items()})


def _told(labels: Source) -> tuple[dict[int, str], DetectOptions] | None:
    """Return the kinds by their labels, and how they were looked for; None of other files."""
    try:
        group = zarr.open_group(str(labels.path), mode="r")
    except (FileNotFoundError, TypeError, ValueError, zarr.errors.BaseZarrError):
        return None  # a picture, or an array that says nothing of kinds
    attributes: dict[str, Any] = dict(group.attrs)
    detect = dict(attributes.get(ATTRIBUTE, {})).get("detect")
    if detect is None:
        return None
    described = attributes["ome"]["image-label"]["properties"]
    names = {int(one["label-value"]): str(one["kind"]) for one in described}
    return names, DetectOptions(**{**detect, "kinds": tuple(detect["kinds"])})
