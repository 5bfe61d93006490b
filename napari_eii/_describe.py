"""From what a user chose in a dock to the value that describes the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import eii
import napari
import numpy as np
from eii import Box
from eii.errors import OptionError
from eii.io.source import Facts, Source
from eii.io.units import ngff_size
from napari.layers import Image, Layer
from numpy.typing import NDArray

from napari_eii._axes import whole_axes
from napari_eii._grid import factors_of, full_data, level_data, plane_of, shape_of, to_world
from napari_eii._hints import hints_of, within
from napari_eii._layers import is_large, looks_of, place_of
from napari_eii._marks import Marked, Only, Plane, marked
from napari_eii._run import Run, source_of
from napari_eii._view import View

ALL, CURRENT, RANGE = "all", "current", "range"


@dataclass(frozen=True, eq=False)
class Chosen:
    """What a user chose.

    Parameters
    ----------
    image : Image
    others : sequence of Image
        More channels of the same image.
    axes : str
        Of ``image``, without RGB.
    hole : Layer or Path
        What marks the hole, or a file that does.
    hints : Layer, optional
        Colours set in the hole.
    above : float
        Of an Image as hole: brighter pixels are marked.
    planes : {"all", "current", "range"}
    span : (int, int)
        First and last plane of the range, along the last axis before y and x.
    options : eii.RestoreOptions
    out : Path, optional
        Where to write the result.
    """

    image: Image
    axes: str
    hole: Layer | Path
    others: Sequence[Image] = ()
    hints: Layer | None = None
    above: float = 0.0
    planes: str = ALL
    span: tuple[int, int] = (0, 0)
    options: eii.RestoreOptions = field(default_factory=eii.RestoreOptions)
    out: Path | None = None

    @property
    def layers(self) -> list[Image]:
        """Return the layers whose pixels are restored."""
        return [self.image, *self.others]


def describe(chosen: Chosen, viewer: napari.Viewer, view: View | None = None) -> Run:
    """Return the run that was chosen, from copies of the layers as they are now.

    Parameters
    ----------
    chosen : Chosen
    viewer : napari.Viewer
        For the plane that is shown.
    view : View, optional
        The part to be restored for a look; by default the whole.

    Raises
    ------
    EIIError
        If a layer cannot be laid on the image, or an option has no meaning.
    """
    image, layers = chosen.image, chosen.layers
    axes = whole_axes(chosen.axes, rgb=image.rgb, layers=len(layers))
    if view is None and chosen.out is None and any(map(is_large, layers)):
        raise OptionError(
            f"{image.name} is read lazily, or large: choose in *Save to* where to write it."
        )
    hole = _hole(chosen, viewer, axes, view)
    place = place_of(image) if view is None else view.place(image)
    return Run(
        name=image.name,
        hole_name=chosen.hole.name,
        data=_pixels(layers, view),
        axes=axes,
        rgb=image.rgb,
        hole=hole,
        options=chosen.options,
        out=chosen.out if view is None else None,
        levels=len(image.data) if image.multiscale and view is None else 1,
        place=place,
        looks=tuple(looks_of(layer) for layer in layers),
        facts=_facts(image, chosen.axes),
        hints=_hints(chosen, viewer, view),
    )


def _pixels(layers: Sequence[Image], view: View | None) -> Any:
    """Return the pixels to restore, those in memory copied; several layers as channels."""
    parts = [full_data(y) if view is None else level_data(y, view.level) for y in layers]
    if view is not None:
        # What is read lazily stays so: it is cut here, and read by the worker.
        parts = [_cut_later(p)[view.key] for p in parts]
    if len(parts) > 1 and not all(isinstance(p, np.ndarray) for p in parts):
        import dask.array as da

        return da.stack(parts)
    if len(parts) > 1:
        return np.stack(parts)
    return parts[0].copy() if isinstance(parts[0], np.ndarray) else parts[0]


def _cut_later(data: Any) -> Any:
    """Return an array of which a part can be taken without reading it."""
    if isinstance(data, np.ndarray) or hasattr(data, "compute"):
        return data
    import dask.array as da

    return da.from_array(data)


def _only(chosen: Chosen, viewer: napari.Viewer) -> Only:
    """Return which planes count."""
    image, along = chosen.image, [a for a in chosen.axes if a in "tz"]
    if chosen.planes == CURRENT and along:
        point = np.asarray(viewer.dims.point, np.float64)
        here = plane_of(image, point, image.ndim - 2)
        return {a: (i,) for a, i in zip(chosen.axes, here, strict=False) if a in "tz"}
    if chosen.planes == RANGE and along:
        first, last = chosen.span
        if first > last:
            raise OptionError(f"The range of planes ends at {last}, before it begins at {first}.")
        return {along[-1]: range(first, last + 1)}
    return {}


def _hole(chosen: Chosen, viewer: napari.Viewer, axes: str, view: View | None) -> Marked:
    image = chosen.image
    level = 0 if view is None else view.level
    only = _only(chosen, viewer) if view is None else {}
    if isinstance(chosen.hole, Path):
        whole = _from_file(chosen, axes, level, only)
    else:
        point = np.asarray(viewer.dims.point, np.float64)
        own = axes.removesuffix("c") if image.rgb else chosen.axes
        how: dict[str, Any] = {"above": chosen.above, "only": only, "level": level}
        # A look at a part lasts shorter than a stroke of the brush: nothing is copied for it.
        whole = marked(chosen.hole, image, point, axes=own, copied=view is None, **how)
    if view is None:
        return whole
    at = dict(zip(chosen.axes, zip(view.start, view.stop, strict=True), strict=True))
    at |= {a: (0, n) for a, n in zip(whole.axes, whole.shape, strict=True) if a not in at}
    start, stop = zip(*(at[a] for a in whole.axes), strict=True)
    return whole.part(start, stop)


def _hints(chosen: Chosen, viewer: napari.Viewer, view: View | None) -> eii.Hints | None:
    if chosen.hints is None:
        return None
    point = np.asarray(viewer.dims.point, np.float64)
    found = hints_of(chosen.hints, chosen.image, point, level=0 if view is None else view.level)
    return found if view is None else within(found, view.start, view.stop)


def _from_file(chosen: Chosen, axes: str, level: int, only: Only) -> Marked:
    """Return the hole that a file marks, on the pixels of a level."""
    source = _whole_source(chosen, axes)
    opened = eii.open_hole(chosen.hole, source)
    own = axes.removesuffix("c") if chosen.image.rgb else axes
    own = own if opened.by_channel else own.replace("c", "")
    factors = dict(zip(chosen.axes, factors_of(chosen.image, level), strict=True))
    sizes = dict(zip(chosen.axes, shape_of(chosen.image, level), strict=True))
    sizes.setdefault("c", source.channels)

    def cover(plane: Plane, box: Box) -> NDArray[np.bool_]:
        at = dict(zip(own, plane, strict=False))
        there = tuple(int(at[a] * factors[a]) for a in "tz" if a in at)
        rows, columns = (
            np.floor(np.arange(a, b + 1) * factors[axis]).astype(int)
            for axis, a, b in (("y", box.y0, box.y1), ("x", box.x0, box.x1))
        )
        found = opened.read(there, Box(rows[0], columns[0], rows[-1], columns[-1]))
        found = found[..., at["c"]] if found.ndim == 3 else found
        found = np.logical_or.reduceat(found, rows[:-1] - rows[0], axis=0)
        return np.logical_or.reduceat(found, columns[:-1] - columns[0], axis=1)

    return Marked(own, tuple(sizes[a] for a in own), cover, only)


def _whole_source(chosen: Chosen, axes: str) -> Source:
    import dask.array as da

    data = full_data(chosen.image)
    # Only its size is asked for.
    shape = (len(chosen.layers), *data.shape) if len(chosen.layers) > 1 else data.shape
    blank = da.zeros(shape, dtype=data.dtype)
    return source_of(blank, axes, _facts(chosen.image, chosen.axes), chosen.image.name)


def _facts(image: Image, axes: str) -> Facts:
    """Return pixel sizes and units of a layer, where it has any."""
    scale: dict[str, float] = {}
    units: dict[str, str] = {}
    parts: Any = zip(axes, image.scale, image.units, strict=True)
    for axis, size, unit in parts:
        scale[axis], name = ngff_size(float(size), str(unit))
        if name is not None:
            units[axis] = name
    moved = dict(zip(axes, map(float, image.translate), strict=True))
    return Facts(scale=scale, translation=moved, units=units)


def channels_beside(image: Image, layers: Sequence[Layer]) -> list[Image]:
    """Return the layers that may be further channels of an image: of its size, on its place."""

    def fits(other: Layer) -> bool:
        if not isinstance(other, Image) or other is image or other.rgb:
            return False
        if shape_of(other) != shape_of(image) or other.dtype != image.dtype:
            return False
        one, two = to_world(other), to_world(image)
        return np.allclose(one.matrix, two.matrix) and np.allclose(one.offset, two.offset)

    return [] if image.rgb else [y for y in layers if isinstance(y, Image) and fits(y)]
