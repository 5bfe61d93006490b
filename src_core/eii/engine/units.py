"""One unit of work: read a window, complete its structure, propagate its colour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.engine.label import ReadHole
from eii.engine.patches import Overlay, Patch
from eii.engine.plan import Unit, fit_window
from eii.external.backbone import Backbone
from eii.image.dtype import Scale, check_known, from_unit, to_unit
from eii.image.geometry import Box, union
from eii.image.hole import distance_to_known
from eii.image.mono import to_luma
from eii.image.pyramid import double, shrink
from eii.internal.palette import Palette
from eii.internal.stage import propagate_unit

ReadImage = Callable[[Box], NDArray[Any]]
ReadGuide = Callable[[Box], Overlay]
FloatArray = NDArray[np.float32]

_STRIP = 2**22  # pixels read at a time when a coarse window is made
_SEEN = 64  # pixels from the known ones beyond which a guided window has no colours of its own
_TRUST_FALL = 32.0  # pixels from the known ones at which the trust in the structure is halved


@dataclass(frozen=True)
class Layer:
    """What a unit reads: one plane's image and hole.

    Parameters
    ----------
    read_image : callable
        Takes a `Box`, returns the pixels in it, shape (h, w, C), uint8, uint16 or float32.
    read_hole : callable
        Takes a `Box`, returns the hole in it, shape (h, w), bool.
    shape : (int, int)
        Size of the plane (M, N).
    """

    read_image: ReadImage
    read_hole: ReadHole
    shape: tuple[int, int]


@dataclass(frozen=True)
class Recipe:
    """How every unit of an image is restored; the same for all of them.

    Parameters
    ----------
    scale : Scale
        Which values are 0 and 1 in each channel.
    weights : tuple of float
        Each channel's weight in luma.
    colour : str
        Method of the internal stage.
    palette : Palette, optional
        What the colours of all windows share; None for a single channel.
    """

    scale: Scale
    weights: tuple[float, ...]
    colour: str
    palette: Palette | None = None


def restore_unit(
    unit: Unit, layer: Layer, recipe: Recipe, *, backbone: Backbone, read_guide: ReadGuide
) -> Patch:
    """Restore one window.

    Parameters
    ----------
    unit : Unit
    layer : Layer
    recipe : Recipe
    backbone : Backbone
    read_guide : callable
        Takes a `Box` of the level above, returns what was filled in it.

    Returns
    -------
    Patch
        What was filled in the targets, in the image's own units. A function of the arguments alone.

    Raises
    ------
    ImageError
        If a known pixel of the window is not finite.
    """
    if backbone.window is None:
        unit = fit_window(unit, layer.shape)
    image, hole = read_level(layer, recipe.scale, unit)
    guide = _guide(image, hole, unit, recipe, read_guide) if unit.guided else None
    filled, sure = _fill(image, hole, guide, recipe=recipe, backbone=backbone)
    return _patch(unit, hole, filled, sure, recipe.scale)


def read_level(layer: Layer, scale: Scale, unit: Unit) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Read a window at its level.

    Parameters
    ----------
    layer : Layer
    scale : Scale
    unit : Unit
        Its window and level say what is read.

    Returns
    -------
    image : ndarray of shape (h, w, C), float32
        Scaled to about [0, 1]; 0 in the hole.
    hole : ndarray of shape (h, w), bool

    Notes
    -----
    A coarse window is read strip by strip, so that memory follows the window and not its extent
    at full resolution.
    """
    factor = 2**unit.level
    full = _scaled(unit.window, factor).clip(layer.shape)
    if factor == 1:
        return _read_scaled(layer, full, scale)
    rows = max(1, _STRIP // (full.width * factor)) * factor
    parts = [
        Box(y, full.x0, min(y + rows, full.y1), full.x1) for y in range(full.y0, full.y1, rows)
    ]
    strips = [shrink(*_read_scaled(layer, part, scale), factor) for part in parts]
    image, hole = zip(*strips, strict=True)
    return np.concatenate(image), np.concatenate(hole)


def _scaled(box: Box, factor: int) -> Box:
    return Box(box.y0 * factor, box.x0 * factor, box.y1 * factor, box.x1 * factor)


def _read_scaled(layer: Layer, box: Box, scale: Scale) -> tuple[FloatArray, NDArray[np.bool_]]:
    pixels, hole = layer.read_image(box), layer.read_hole(box)
    check_known(pixels, hole)
    image = to_unit(pixels, scale)
    image[hole] = 0
    return image, hole


def _guide(
    image: FloatArray,
    hole: NDArray[np.bool_],
    unit: Unit,
    recipe: Recipe,
    read_guide: ReadGuide,
) -> FloatArray:
    """Return the level above, doubled: what was filled there, the shrunk image elsewhere."""
    small, empty = shrink(image, hole, 2)
    window = unit.window
    y, x = window.y0 // 2, window.x0 // 2
    above = read_guide(Box(y, x, y + small.shape[0], x + small.shape[1]))
    filled = to_unit(above.values, recipe.scale)
    small = np.where(above.mask[..., np.newaxis], filled, small)
    lost = empty & ~above.mask
    if lost.any() and not lost.all():
        small[lost] = small[~lost].mean(axis=0)
    return double(small, hole.shape)


def _fill(
    image: FloatArray,
    hole: NDArray[np.bool_],
    guide: FloatArray | None,
    *,
    recipe: Recipe,
    backbone: Backbone,
) -> tuple[FloatArray, FloatArray | None]:
    weights = np.asarray(recipe.weights, np.float32)
    luma = to_luma(image, weights)
    first = None if guide is None else to_luma(guide, weights)
    done = backbone.complete(luma[np.newaxis], hole[np.newaxis], _batch(first))[0]
    if recipe.palette is None:
        return done[..., np.newaxis] / weights, None
    if guide is not None and first is not None:
        unseen = distance_to_known(hole) > _SEEN
        image = np.where(unseen[..., np.newaxis], guide + (done - first)[..., np.newaxis], image)
        hole = hole & ~unseen
    return propagate_unit(
        done, image, hole, weights=weights, method=recipe.colour, palette=recipe.palette
    )


def _batch(array: FloatArray | None) -> FloatArray | None:
    return None if array is None else array[np.newaxis]


def _patch(
    unit: Unit,
    hole: NDArray[np.bool_],
    filled: FloatArray,
    sure: FloatArray | None,
    scale: Scale,
) -> Patch:
    box = union(unit.targets)
    mask, trust = np.zeros(box.shape, bool), np.ones(box.shape, np.float32)
    for target in unit.targets:
        there, inside = target.relative_to(box).slices, target.relative_to(unit.window)
        # Coarse patches are dense: the level below needs their known surroundings as well.
        mask[there] = hole[inside.slices] if unit.level == 0 else True
        trust[there] = _trust(hole, inside) if sure is None else sure[inside.slices]
    values = from_unit(filled[box.relative_to(unit.window).slices][mask], scale)
    return Patch(box, mask, values, trust[mask], unit.lattice)


def _trust(hole: NDArray[np.bool_], target: Box) -> FloatArray:
    """Return how far the structure of a target is to be trusted, from the depth in its hole.

    The known pixel nearest to a part of the hole lies within one pixel of the box around it, so
    that nothing else has to be looked at.
    """
    wide = target.grow(1).clip((hole.shape[0], hole.shape[1]))
    depth = distance_to_known(hole[wide.slices])[target.relative_to(wide).slices]
    return np.divide(_TRUST_FALL, _TRUST_FALL + depth, dtype=np.float32)
