"""How the windows of an image are restored: chosen once, from windows spread over it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.engine.grain import Grain, measure_grain
from eii.engine.layer import Layer
from eii.engine.plan import Unit
from eii.image.dtype import Scale, check_known, known_scale, to_unit
from eii.image.geometry import Box
from eii.image.mono import luma_weights, principal_channel, to_luma
from eii.internal.palette import Palette, Sample, prepare
from eii.internal.partial import Relation, relate
from eii.options import MATCH, RestoreOptions

_SAMPLED_WINDOWS = 24  # evenly spaced over the units; enough for stable percentiles
_SAMPLED_PIXELS = 4000  # known pixels kept of each of them
_PALETTE_WINDOWS = 8  # of those, the ones that palettes are made from
_PALETTE_VALUES = 2**20  # values of such a window: with many channels a part of it serves

LayerUnits = tuple[Layer, tuple[Unit, ...]]
Picked = tuple[Layer, Unit]


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
    known : Scale
        The least and the greatest known value of each channel, scaled, of those sampled.
    relation : Relation
        How the channels go together at known pixels.
    palette : Palette, optional
        What the colours of all windows share; None for a single channel.
    dither : bool
        Whether levels are so few that smooth fills show them as bands.
    grain : Grain, optional
        The fine texture that is added to what is filled.
    doubted : bool
        Whether windows say what tells how far what they fill may be off.
    """

    scale: Scale
    weights: tuple[float, ...]
    colour: str
    known: Scale
    relation: Relation
    palette: Palette | None = None
    dither: bool = False
    grain: Grain | None = None
    doubted: bool = False


def make_recipe(
    layers: Sequence[LayerUnits], options: RestoreOptions, *, channels: int, rgb: bool
) -> Recipe | None:
    """Choose how the windows of a group of channels are restored.

    Parameters
    ----------
    layers : sequence of (Layer, units)
        Every plane of the group with its windows.
    options : RestoreOptions
    channels : int
        Channels of the group.
    rgb : bool
        Whether they are red, green and blue.

    Returns
    -------
    Recipe or None
        None when there is no window with a known pixel.

    Notes
    -----
    Memory follows one window and some thousand pixels of each.
    """
    picked = _pick(layers)
    sampled = [_known_pixels(*one) for one in picked]
    known = np.concatenate(sampled) if sampled else np.zeros((0, channels))
    if not len(known):
        return None
    scale = known_scale(known, shared=rgb)
    scaled = to_unit(known[np.newaxis], scale)[0]
    luma = [_known_luma(*one) for one in picked]
    weights = _weights(scaled, np.concatenate(luma), options, scale=scale, rgb=rgb)
    palette = None
    if channels > 1:
        windows = [p for p, k in zip(picked, sampled, strict=True) if len(k)][::-1]
        few = windows[:: -(-len(windows) // _PALETTE_WINDOWS)]
        samples = _Windows(few, scale)
        palette = prepare(
            scaled,
            samples,
            weights,
            method=options.colour,
            levels=options.levels,
            device="cpu" if options.device == "auto" else options.device,
            lumas=partial(samples.luma, weights),
        )
    extremes = Scale(tuple(map(float, scaled.min(0))), tuple(map(float, scaled.max(0))))
    dither = known.dtype == np.uint8
    grain = None
    if options.grain == MATCH:
        whole = known.dtype.kind in "iu"
        level = scale.level if whole else 0.0
        grain = measure_grain(_Windows(picked, scale), weights, options.seed, level=level)
    shares, related = tuple(map(float, weights)), relate(scaled)
    doubted = options.standard_error
    return Recipe(scale, shares, options.colour, extremes, related, palette, dither, grain, doubted)


def _weights(
    known: NDArray[np.float32],
    luma: NDArray[np.float32],
    options: RestoreOptions,
    *,
    scale: Scale,
    rgb: bool,
) -> NDArray[np.float32]:
    count = known.shape[1]
    if rgb or count == 1:
        return luma_weights(count, rgb=rgb)
    principal = options.principal
    if principal is None and len(luma):
        # A luma that is given is of the channel that it is nearest to.
        each = to_unit(np.repeat(luma[np.newaxis, :, np.newaxis], count, axis=2), scale)[0]
        principal = int(np.argmin(np.abs(known - each).mean(axis=0)))
    elif principal is None:
        principal = principal_channel(known)
    return luma_weights(count, rgb=False, principal=principal)


def _pick(layers: Sequence[LayerUnits]) -> list[Picked]:
    """Return windows evenly spaced over all units of full resolution."""
    units = [(layer, unit) for layer, own in layers for unit in own if unit.level == 0]
    at = np.unique(np.linspace(0, len(units) - 1, _SAMPLED_WINDOWS).round().astype(int))
    return [units[i] for i in at if units]


def _known_pixels(layer: Layer, unit: Unit) -> NDArray[Any]:
    """Return some known pixels of a window, shape (K, C), evenly spaced."""
    image, hole = layer.read_image(unit.window), layer.read_unknown(unit.window)
    check_known(image, hole)
    return np.asarray(image.reshape(hole.size, -1)[_thin(hole)])


def _known_luma(layer: Layer, unit: Unit) -> NDArray[np.float32]:
    """Return the luma that is given for the same pixels, shape (K,); empty when none is."""
    if layer.read_luma is None:
        return np.zeros(0, np.float32)
    hole = layer.read_unknown(unit.window)
    return layer.read_luma(unit.window).ravel()[_thin(hole)]


def _thin(hole: NDArray[np.bool_]) -> NDArray[np.int64]:
    at = np.flatnonzero(~hole)
    return at[:: max(1, -(-len(at) // _SAMPLED_PIXELS))]


def scaled_luma(
    luma: NDArray[np.float32], scale: Scale, weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return a luma (M, N) in the image's own units on the scale of its channels."""
    each = np.repeat(luma[..., np.newaxis], scale.channels, axis=2)
    return to_luma(to_unit(each, scale), weights)


class _Windows(Sequence[Sample]):
    """Windows read one by one, as they are asked for; of many channels a part of each."""

    def __init__(self, picked: Sequence[Picked], scale: Scale) -> None:
        self._picked, self._scale = picked, scale

    def __len__(self) -> int:
        return len(self._picked)

    def __getitem__(self, index: Any) -> Any:
        layer, window = self._window(index)
        hole = layer.read_unknown(window)
        image = to_unit(layer.read_image(window), self._scale)
        image[hole] = 0
        return image, hole

    def _window(self, index: int) -> tuple[Layer, Box]:
        layer, unit = self._picked[index]
        side = int((_PALETTE_VALUES / self._scale.channels) ** 0.5)
        return layer, unit.window.middle(side)

    def luma(self, weights: NDArray[np.float32], index: int) -> NDArray[np.float32] | None:
        """Return the complete luma of a window, scaled; None where it is not given."""
        layer, window = self._window(index)
        if layer.read_luma is None:
            return None
        return scaled_luma(layer.read_luma(window), self._scale, weights)

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))
