"""Units of work: windows read, their structure completed together, their colours propagated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eii.engine.doubt import doubt_of
from eii.engine.grain import grain_in
from eii.engine.label import covered
from eii.engine.layer import Layer
from eii.engine.patches import Patch
from eii.engine.plan import Unit
from eii.engine.recipe import Recipe
from eii.engine.window import ReadGuide, Window, open_window
from eii.external.backbone import EDGES, RGB, Backbone, Clues
from eii.external.rim import doubtful_rim
from eii.image.around import describe_around, from_cells
from eii.image.dtype import Scale
from eii.image.geometry import Box
from eii.image.hole import rough_depth
from eii.image.mono import to_luma
from eii.internal.stage import propagate_unit

FloatArray = NDArray[np.float32]
Pixels = tuple[NDArray[np.int64], NDArray[np.int64]]

_SEEN = 64  # pixels from the known ones beyond which a guided window has no colours of its own
_DITHERED = 64  # pixels from the known ones from which a fill is dithered in full


def restore_units(
    units: Sequence[Unit],
    layer: Layer,
    recipe: Recipe,
    *,
    backbone: Backbone,
    read_guide: ReadGuide,
) -> list[Patch]:
    """Restore windows of one size and level.

    Parameters
    ----------
    units : sequence of Unit
        At most ``backbone.batch``; fewer are filled up, so that a batch is always of one size.
    layer : Layer
    recipe : Recipe
    backbone : Backbone
    read_guide : callable
        Takes a `Box` of the level above, returns what was filled in it.

    Returns
    -------
    list of Patch
        What was filled in the targets of each. A function of the arguments alone.

    Raises
    ------
    ImageError
        If a known pixel of a window is not finite.
    """
    windows = [open_window(unit, layer, recipe, read_guide) for unit in units]
    if layer.read_luma is not None:
        return [_patch(w, w.given, recipe, layer) for w in windows if w.given is not None]
    weights = np.asarray(recipe.weights, np.float32)
    batch = [*windows, *windows[-1:] * (backbone.batch - len(windows))]
    guides = [w.guide for w in batch if w.guide is not None]
    done = backbone.complete(
        np.stack([w.luma for w in batch]),
        np.stack([w.solved for w in batch]),
        np.stack([to_luma(g, weights) for g in guides]) if guides else None,
        _clues(batch, backbone.follows),
    )
    return [_patch(w, luma, recipe, layer) for w, luma in zip(windows, done, strict=False)]


def _clues(windows: Sequence[Window], follows: frozenset[str]) -> Clues:
    """Return what a backbone follows beside luma, as far as these windows have it."""
    rgb = RGB in follows and windows[0].image.shape[2] == 3
    edges = [w.edges for w in windows if w.edges is not None]
    return Clues(
        np.stack([w.image for w in windows]) if rgb else None,
        np.stack(edges) if edges and EDGES in follows else None,
    )


def _grain(window: Window, filled: FloatArray, recipe: Recipe, salt: int) -> FloatArray:
    if recipe.grain is None:
        return np.zeros_like(filled)
    weights = np.asarray(recipe.weights, np.float32)
    return grain_in(
        recipe.grain,
        to_luma(filled, weights),
        window.hole,
        known=window.luma,
        window=window.unit.window,
        salt=salt,
    )


def _patch(window: Window, luma: FloatArray, recipe: Recipe, layer: Layer) -> Patch:
    filled, agreed = _colour(window, luma, recipe)
    unit, depth = window.unit, window.depth
    box, mask, taken = _targets(unit, window.hole)
    values = filled[taken]
    if window.given is None:
        values = _bound(values, recipe.known, _beyond(window))
    doubt = _doubt(window, filled, agreed, recipe)[taken]
    if recipe.dither and unit.guided and unit.level == 0:
        y, x = taken[0] + unit.window.y0, taken[1] + unit.window.x0
        level = np.float32(recipe.scale.level)
        values = values + level * _dither(y, x, depth[taken])[:, np.newaxis]
    if recipe.grain is not None and unit.level == 0:
        values = values + _grain(window, filled, recipe, layer.salt)[taken]
        values = _bound(values, recipe.known, _beyond(window))
    return Patch(box, np.packbits(mask), values, doubt, unit.lattice)


def _doubt(window: Window, filled: FloatArray, agreed: FloatArray, recipe: Recipe) -> FloatArray:
    """Return what tells how far each pixel may be off, shape (h, w, 2); 0 where nobody asks."""
    shape = window.hole.shape
    if not recipe.doubted or window.unit.level > 0:
        return np.zeros((*shape, 2), np.float32)
    around = np.zeros(shape, np.float32)
    if window.around is not None:
        around = from_cells(window.around.deviation, shape)
    luma = to_luma(filled, np.asarray(recipe.weights, np.float32))
    return doubt_of(luma, depth=window.depth, agreed=agreed, around=around)


def _targets(unit: Unit, hole: NDArray[np.bool_]) -> tuple[Box, NDArray[np.bool_], Pixels]:
    """Return the box around the targets, what of it to fill, and where in the window that is."""
    box = unit.extent
    origin = box.relative_to(unit.window)
    mask = covered(unit.targets, box) > 0
    if unit.level == 0:
        # Coarse patches are dense: the level below needs their known surroundings as well.
        mask &= hole[origin.slices]
    y, x = np.nonzero(mask)
    return box, mask, (y + origin.y0, x + origin.x0)


def _colour(window: Window, luma: FloatArray, recipe: Recipe) -> tuple[FloatArray, FloatArray]:
    """Return the window with its hole filled, and how far its colours agree with their matches."""
    weights = np.asarray(recipe.weights, np.float32)
    image, hole, guide = window.image, window.solved, window.guide
    if recipe.palette is None:
        return luma[..., np.newaxis] / weights, np.ones_like(luma)
    if window.around is not None and np.count_nonzero(weights) > 1:
        # The rim of a white or black speck is gray: no darker than the image, but not its colour.
        tint = image[..., 0] - image[..., -1]
        hole = hole | doubtful_rim(tint, hole, describe_around(tint, hole))
    if guide is not None:
        unseen = hole & (window.depth > _SEEN)
        if window.spots is not None:
            # What is hinted is known, however deep in the hole.
            missing = hole.copy()
            missing[window.spots.rows, window.spots.columns] = False
            unseen &= rough_depth(missing) > _SEEN
        lift = (luma - to_luma(guide, weights))[..., np.newaxis]
        image = np.where(unseen[..., np.newaxis], guide + lift, image)
        hole = hole & ~unseen
    return propagate_unit(
        luma,
        image,
        hole,
        weights=weights,
        method=recipe.colour,
        palette=recipe.palette,
        spots=window.spots,
    )


def _beyond(window: Window) -> FloatArray:
    """Return pixels (K, C) whose values are known besides those of the recipe."""
    found = [window.image[~window.hole]] if window.unit.guided else []
    if window.spots is not None:
        found += [window.spots.colours, *(s.pixels for s in window.spots.swatches)]
    return np.concatenate(found) if found else window.image[:0].reshape(0, window.image.shape[2])


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
