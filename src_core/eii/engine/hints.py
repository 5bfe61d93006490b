"""Hints checked against the image, and drawn as pixels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from eii.engine.layer import Layer
from eii.errors import HintError
from eii.image.dtype import value_range
from eii.image.geometry import Box, blocks_of
from eii.image.hints import Copy, Hints, Plane, Spots, Stroke, Swatch

_BLOCK = 1024  # side of the blocks in which a source region is read
_KEPT = 20_000  # pixels kept of a source region


def spots_of(hints: Hints, layer: Layer, plane: Plane, channels: tuple[int, ...]) -> Spots:
    """Return the hints of one plane as pixels.

    Parameters
    ----------
    hints : Hints
    layer : Layer
        The plane's image and hole.
    plane : tuple of int
        Indices of t and z.
    channels : tuple of int
        Those that are restored together; the colours of the hints name all channels.

    Returns
    -------
    Spots
        In the image's own units; of overlapping strokes the last one counts.

    Raises
    ------
    HintError
        If a hint is outside the image or touches no hole, a colour has the wrong number of
        channels or is out of range, or the source of a copy has no known pixel.
    """
    strokes = [s for s in hints.strokes if s.plane is None or s.plane == plane]
    copies = [c for c in hints.copies if c.plane is None or c.plane == plane]
    drawn: dict[tuple[int, int], NDArray[np.float32]] = {}
    for stroke in strokes:
        colour = _colour(stroke, layer, channels)
        drawn.update(dict.fromkeys(_drawn(stroke, layer), colour))
    at = np.array(list(drawn), np.int64).reshape(-1, 2)
    colours = np.array(list(drawn.values()), np.float32).reshape(-1, len(channels))
    return Spots(at[:, 0], at[:, 1], colours, tuple(_swatch(copy, layer) for copy in copies))


def _colour(stroke: Stroke, layer: Layer, channels: tuple[int, ...]) -> NDArray[np.float32]:
    colour = np.asarray(stroke.colour, np.float64)
    if colour.size <= max(channels) or (channels[0] == 0 and colour.size != len(channels)):
        raise HintError(
            f"A hint's colour needs {len(channels)} values, one for each channel; got "
            f"{list(stroke.colour)}."
        )
    dtype = layer.read_image(Box(0, 0, 1, 1)).dtype
    least, most = value_range(dtype)
    if not np.isfinite(colour).all() or (colour < least).any() or (colour > most).any():
        raise HintError(
            f"A hint's colour must be of the range of {dtype}, in the image's own units; got "
            f"{list(stroke.colour)}."
        )
    return colour[list(channels)].astype(np.float32)


def _drawn(stroke: Stroke, layer: Layer) -> list[tuple[int, int]]:
    """Return the hole pixels under a stroke."""
    if stroke.width < 1 or not stroke.points:
        raise HintError(
            f"A stroke needs a point and a width of 1 or more; got {len(stroke.points)} and "
            f"{stroke.width}."
        )
    vertices = np.asarray(stroke.points, np.int64)
    if (vertices < 0).any() or (vertices >= layer.shape).any():
        raise HintError(
            f"A hint at (y, x) {stroke.points[0]} goes outside the image of {layer.shape} pixels."
        )
    pixels = _thicken(_line(vertices), stroke.width)
    pixels = pixels[((pixels >= 0) & (pixels < layer.shape)).all(axis=1)]
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    box = Box(int(low[0]), int(low[1]), int(high[0]) + 1, int(high[1]) + 1)
    inside = layer.read_hole(box)[pixels[:, 0] - low[0], pixels[:, 1] - low[1]]
    if not inside.any():
        raise HintError(
            f"A hint at (y, x) {stroke.points[0]} lies outside the hole, where pixels are known. "
            "Set it inside the hole."
        )
    return [(int(y), int(x)) for y, x in pixels[inside]]


def _line(vertices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pixels of the segments between vertices."""
    parts = [vertices[:1]]
    for start, end in pairwise(vertices):
        steps = max(1, int(np.abs(end - start).max()))
        parts.append(np.rint(np.linspace(start, end, steps + 1)).astype(np.int64))
    return np.unique(np.concatenate(parts), axis=0)


def _thicken(pixels: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """Return the pixels within half a width."""
    reach = width // 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disk = np.stack([y, x], axis=-1)[y**2 + x**2 <= (width / 2) ** 2]
    return np.unique((pixels[:, np.newaxis] + disk).reshape(-1, 2), axis=0)


def _swatch(copy: Copy, layer: Layer) -> Swatch:
    for name, box in (("source", copy.source), ("target", copy.target)):
        if box.height < 1 or box.width < 1 or box.clip(layer.shape) != box:
            raise HintError(
                f"The {name} of a copy must be a region of the image of {layer.shape} pixels; got "
                f"rows {box.y0} to {box.y1}, columns {box.x0} to {box.x1}."
            )
    if not any(layer.read_hole(box).any() for box in _blocks(copy.target)):
        raise HintError(f"The target of a copy, {copy.target}, holds no hole pixel.")
    parts = [layer.read_image(box)[~layer.read_unknown(box)] for box in _blocks(copy.source)]
    pixels = np.concatenate([part[:: 1 + len(parts) * len(part) // _KEPT] for part in parts])
    if len(pixels) == 0:
        raise HintError(f"The source of a copy, {copy.source}, holds no known pixel.")
    return Swatch(copy.target, pixels.astype(np.float32))


def _blocks(box: Box) -> list[Box]:
    return [
        Box(b.y0 + box.y0, b.x0 + box.x0, b.y1 + box.y0, b.x1 + box.x0)
        for b in blocks_of(box.shape, _BLOCK)
    ]
