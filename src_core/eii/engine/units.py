"""One unit of work: read a window, complete its structure, propagate its colour."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from eii.engine.label import covered
from eii.engine.layer import Layer
from eii.engine.patches import Overlay, Patch
from eii.engine.plan import Unit, fit_window
from eii.engine.recipe import Recipe
from eii.external.backbone import Backbone
from eii.external.rim import doubtful_rim
from eii.image.around import CELL, Around, describe_around
from eii.image.dtype import Scale, check_known, from_unit, to_unit
from eii.image.geometry import Box
from eii.image.hole import rough_depth
from eii.image.mono import to_luma
from eii.image.pyramid import double, shrink
from eii.internal.stage import propagate_unit

ReadGuide = Callable[[Box], Overlay]
FloatArray = NDArray[np.float32]
Pixels = tuple[NDArray[np.int64], NDArray[np.int64]]

_STRIP = 2**22  # pixels read at a time when a coarse window is made
_SEEN = 64  # pixels from the known ones beyond which a guided window has no colours of its own
_DITHERED = 64  # pixels from the known ones from which a fill is dithered in full
_DETAIL_FALL = 0.08  # deviation of the known pixels around at which the trust is halved
_TRUST_FALL = 32.0  # pixels from the known ones at which the trust in the structure is halved


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
    depth = rough_depth(hole)
    around = None if hole.all() else describe_around(_luma(image, recipe), hole)
    filled, agreed = _fill(
        image, hole, guide, depth=depth, around=around, recipe=recipe, backbone=backbone
    )
    box, taken = _targets(unit, hole)
    known = image[~hole] if unit.guided else image[:0]
    values = _bound(filled[taken], recipe.known, known)
    sure = np.divide(_TRUST_FALL, _TRUST_FALL + depth[taken], dtype=np.float32) * agreed[taken]
    if around is not None:
        detail = around.deviation[taken[0] // CELL, taken[1] // CELL]
        sure *= _DETAIL_FALL / (_DETAIL_FALL + detail)
    values = from_unit(values, recipe.scale)
    if recipe.dither and unit.guided and unit.level == 0:
        y, x = taken[0] + unit.window.y0, taken[1] + unit.window.x0
        values += _dither(y, x, depth[taken])[:, np.newaxis]
    inside = np.zeros(box.shape, bool)
    origin = box.relative_to(unit.window)
    inside[taken[0] - origin.y0, taken[1] - origin.x0] = True
    return Patch(box, np.packbits(inside), values, sure, unit.lattice)


def _luma(image: FloatArray, recipe: Recipe) -> FloatArray:
    return to_luma(image, np.asarray(recipe.weights, np.float32))


def _targets(unit: Unit, hole: NDArray[np.bool_]) -> tuple[Box, Pixels]:
    """Return the box around the targets, and the pixels to fill, in the window's coordinates."""
    box = unit.extent
    origin = box.relative_to(unit.window)
    mask = covered(unit.targets, box) > 0
    if unit.level == 0:
        # Coarse patches are dense: the level below needs their known surroundings as well.
        mask &= hole[origin.slices]
    y, x = np.nonzero(mask)
    return box, (y + origin.y0, x + origin.x0)


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
    depth: FloatArray,
    around: Around | None,
    recipe: Recipe,
    backbone: Backbone,
) -> tuple[FloatArray, FloatArray]:
    """Return the window with its hole filled, and how far its colours agree with their matches."""
    weights = np.asarray(recipe.weights, np.float32)
    luma = to_luma(image, weights)
    if around is not None:
        # What the mask left of the defect itself stays as it is, but nothing is made from it.
        hole = hole | doubtful_rim(luma, hole, around)
    first = None if guide is None else to_luma(guide, weights)
    done = backbone.complete(luma[np.newaxis], hole[np.newaxis], _batch(first))[0]
    if recipe.palette is None:
        return done[..., np.newaxis] / weights, np.ones_like(done)
    if around is not None and np.count_nonzero(weights) > 1:
        # The rim of a white or black speck is gray: no darker than the image, but not its colour.
        tint = image[..., 0] - image[..., -1]
        hole = hole | doubtful_rim(tint, hole, describe_around(tint, hole))
    if guide is not None and first is not None:
        unseen = depth > _SEEN
        image = np.where(unseen[..., np.newaxis], guide + (done - first)[..., np.newaxis], image)
        hole = hole & ~unseen
    return propagate_unit(
        done, image, hole, weights=weights, method=recipe.colour, palette=recipe.palette
    )


def _bound(values: FloatArray, sampled: Scale, known: FloatArray) -> FloatArray:
    """Keep each channel of the pixels (K, C) within the known range, widened by a tenth."""
    low, high = np.asarray(sampled.low, np.float32), np.asarray(sampled.high, np.float32)
    if len(known):
        low, high = np.minimum(low, known.min(axis=0)), np.maximum(high, known.max(axis=0))
    margin = (high - low) / 10
    return np.clip(values, low - margin, high + margin)


def _dither(y: NDArray[np.int64], x: NDArray[np.int64], depth: FloatArray) -> FloatArray:
    """Return less than half a level up or down, a fixed function of place; none near the border.

    Rounding a smooth fill of hundreds of pixels to 8 bits shows its levels as contour lines.
    """
    # Jimenez, "Next generation post processing in Call of Duty", SIGGRAPH 2014: gradient noise.
    noise = np.modf(52.9829189 * np.modf(0.06711056 * x + 0.00583715 * y)[0])[0] - 0.5
    share = np.clip((depth - _DITHERED / 2) / (_DITHERED / 2), 0, 1)
    return (noise * share * 0.98).astype(np.float32)


def _batch(array: FloatArray | None) -> FloatArray | None:
    return None if array is None else array[np.newaxis]
