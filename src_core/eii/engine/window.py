"""One window as it is read, made ready for the backbone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eii.engine.label import ReadHole
from eii.engine.layer import Layer, ReadHoles, ReadLuma
from eii.engine.patches import Overlay
from eii.engine.plan import Unit
from eii.engine.recipe import Recipe, scaled_luma
from eii.external.rim import doubtful_rim
from eii.image.around import Around, describe_around
from eii.image.dtype import Scale, check_known, to_unit
from eii.image.geometry import Box
from eii.image.hints import Spots, Swatch
from eii.image.hole import rough_depth
from eii.image.mono import to_luma
from eii.image.pyramid import double, shrink
from eii.internal.partial import fill_partial

ReadGuide = Callable[[Box], Overlay]
FloatArray = NDArray[np.float32]

_STRIP = 2**22  # pixels read at a time when a coarse window is made


@dataclass(frozen=True)
class Window:
    """What is known of a window before its structure is completed.

    Parameters
    ----------
    unit : Unit
    image : ndarray of shape (h, w, C), float32
        Scaled to about [0, 1]; 0 in the hole.
    hole, solved : ndarray of shape (h, w), bool
        What is to be filled; and what structure and colour are solved for: without the pixels that
        have a known channel, and with the rim that nothing is made from.
    luma : ndarray of shape (h, w), float32
    guide : ndarray of shape (h, w, C), float32, or None
        The level above, doubled.
    depth : ndarray of shape (h, w), float32
        About how far each hole pixel is from the known ones, in pixels.
    around : Around or None
        What is around the hole; None where no pixel is known.
    given : ndarray of shape (h, w), float32, or None
        The complete luma, where the caller has it.
    spots : Spots or None
        Colours that a person set, in the window's coordinates, scaled like the image.
    edges : ndarray of shape (h, w), bool, or None
        Edges that a person drew.
    """

    unit: Unit
    image: FloatArray
    hole: NDArray[np.bool_]
    solved: NDArray[np.bool_]
    luma: FloatArray
    guide: FloatArray | None
    depth: FloatArray
    around: Around | None
    given: FloatArray | None
    spots: Spots | None
    edges: NDArray[np.bool_] | None


def open_window(unit: Unit, layer: Layer, recipe: Recipe, read_guide: ReadGuide) -> Window:
    """Read a window and what is around its hole.

    Raises
    ------
    ImageError
        If a known pixel of the window is not finite.
    """
    image, hole = read_level(layer, recipe.scale, unit)
    guide = _guide(image, hole, unit, recipe, read_guide) if unit.guided else None
    solved = hole
    if layer.read_holes is not None:
        holes = _read_holes(layer.read_unknowns, layer.shape, unit)
        image, solved = fill_partial(image, holes, recipe.relation), np.asarray(holes.all(axis=2))
    weights = np.asarray(recipe.weights, np.float32)
    luma = to_luma(image, weights)
    given = None
    if layer.read_luma is not None:
        given = _read_luma(layer.read_luma, layer.shape, unit, recipe)
    spots = None if layer.spots is None else _scaled_spots(layer.spots, unit, recipe.scale)
    around = None
    if not solved.all():
        around = describe_around(luma, solved)
        # What the mask left of the defect itself stays as it is, but nothing is made from it.
        solved = solved | doubtful_rim(luma, solved, around)
    depth = rough_depth(hole)
    edges = None
    if layer.read_edges is not None:
        edges = _read_edges(layer.read_edges, layer.shape, unit)
    return Window(unit, image, hole, solved, luma, guide, depth, around, given, spots, edges)


def _read_edges(read: ReadHole, shape: tuple[int, int], unit: Unit) -> NDArray[np.bool_]:
    """Read the edges in a window at its level: a pixel there has one where any below it has."""
    factor = 2**unit.level
    parts = []
    for part in _strips(_scaled(unit.window, factor).clip(shape), factor):
        edges = read(part)
        pad = [(0, -n % factor) for n in edges.shape]
        cells = np.pad(edges, pad).reshape(
            (edges.shape[0] + pad[0][1]) // factor, factor, -1, factor
        )
        parts.append(cells.any(axis=(1, 3)))
    return np.concatenate(parts)


def _read_holes(read: ReadHoles, shape: tuple[int, int], unit: Unit) -> NDArray[np.bool_]:
    """Read the hole of each channel of a window at its level."""
    factor = 2**unit.level
    holes = read(_scaled(unit.window, factor).clip(shape))
    if factor == 1:
        return holes
    blank = np.zeros((*holes.shape[:2], 1), np.float32)
    each = (shrink(blank, hole, factor)[1] for hole in np.moveaxis(holes, 2, 0))
    return np.stack(list(each), axis=2)


def _read_luma(read: ReadLuma, shape: tuple[int, int], unit: Unit, recipe: Recipe) -> FloatArray:
    """Read the complete luma of a window at its level, scaled like the image."""
    factor = 2**unit.level
    raw = read(_scaled(unit.window, factor).clip(shape))
    luma = scaled_luma(raw, recipe.scale, np.asarray(recipe.weights, np.float32))
    if factor == 1:
        return luma
    small, _ = shrink(luma[..., np.newaxis], np.zeros(luma.shape, bool), factor)
    return small[..., 0]


def _scaled_spots(spots: Spots, unit: Unit, scale: Scale) -> Spots:
    """Return the hints in a window, in its coordinates, scaled to about [0, 1]."""
    near = spots.within(unit.window, unit.level)
    swatches = (Swatch(s.target, to_unit(s.pixels[np.newaxis], scale)[0]) for s in near.swatches)
    colours = to_unit(near.colours[np.newaxis], scale)[0]
    return Spots(near.rows, near.columns, colours, tuple(swatches))


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
    strips = [shrink(*_read_scaled(layer, part, scale), factor) for part in _strips(full, factor)]
    image, hole = zip(*strips, strict=True)
    return np.concatenate(image), np.concatenate(hole)


def _strips(full: Box, factor: int) -> list[Box]:
    """Return the strips in which a coarse window is read."""
    rows = max(1, _STRIP // (full.width * factor)) * factor
    return [Box(y, full.x0, min(y + rows, full.y1), full.x1) for y in range(full.y0, full.y1, rows)]


def _scaled(box: Box, factor: int) -> Box:
    return Box(box.y0 * factor, box.x0 * factor, box.y1 * factor, box.x1 * factor)


def _read_scaled(layer: Layer, box: Box, scale: Scale) -> tuple[FloatArray, NDArray[np.bool_]]:
    pixels, hole = layer.read_image(box), layer.read_unknown(box)
    own = hole if layer.read_holes is None else layer.read_unknowns(box)
    check_known(pixels, own)
    image = to_unit(pixels, scale)
    image[own] = 0
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
    small = np.where(above.mask[..., np.newaxis], above.values, small)
    lost = empty & ~above.mask
    if lost.any() and not lost.all():
        small[lost] = small[~lost].mean(axis=0)
    return double(small, hole.shape)
