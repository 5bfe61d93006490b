"""What a unit fills, and how patches are laid on a region."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.engine.plan import BLEND, Unit
from eii.image.geometry import Box


@dataclass(frozen=True)
class Patch:
    """The pixels one unit filled.

    Parameters
    ----------
    box : Box
        Around the unit's targets, in pixels of its level.
    bits : ndarray of uint8
        Which pixels of it are filled, in row order, eight to a byte.
    values : ndarray of shape (K, C), float32
        The K filled pixels in row order, on the recipe's scale.
    doubt : ndarray of shape (K, 2), float32
        What tells how far each may be off, see `eii.engine.doubt`.
    lattice : bool
        Whether neighbours overlap and are blended.
    """

    box: Box
    bits: NDArray[np.uint8]
    values: NDArray[np.float32]
    doubt: NDArray[np.float32]
    lattice: bool

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Return which pixels of the box are filled, shape (h, w)."""
        whole = np.unpackbits(self.bits, count=self.box.area)
        return whole.reshape(self.box.shape).view(np.bool_)


@dataclass(frozen=True)
class Overlay:
    """Patches laid over one another on a region.

    Parameters
    ----------
    mask : ndarray of shape (h, w), bool
        Which pixels are filled.
    values : ndarray of shape (h, w, C), float32
        Their values on the recipe's scale; 0 elsewhere.
    doubt : ndarray of shape (h, w, 2), float32
        0 where nothing is filled.
    """

    mask: NDArray[np.bool_]
    values: NDArray[np.float32]
    doubt: NDArray[np.float32]


@dataclass(frozen=True)
class Pasted:
    """A finished region, all of shape (h, w, C): its pixels, which were filled, their errors."""

    pixels: NDArray[Any]
    filled: NDArray[np.bool_]
    errors: NDArray[np.float32]


def lay(patches: Iterable[Patch], region: Box, channels: int) -> Overlay:
    """Blend the patches that meet a region, in the order given.

    Parameters
    ----------
    patches : iterable of Patch
    region : Box
    channels : int
        Number of channels C.

    Returns
    -------
    Overlay
        The mean of the patches at a pixel, weighted by a fixed ramp that falls from the middle of
        each target; the same for every region that holds the pixel.
    """
    total = np.zeros((*region.shape, channels), np.float32)
    doubt = np.zeros((*region.shape, 2), np.float32)
    weight = np.zeros(region.shape, np.float32)
    for patch in patches:
        common = patch.box.intersect(region)
        if not common.area:
            continue
        inside, outside = common.relative_to(patch.box).slices, common.relative_to(region).slices
        mask = patch.mask
        here = mask[inside]
        taken = slice(None) if common == patch.box else _within(mask, inside)
        part = _ramp(patch)[inside][here]
        # An index of slices gives a view, so these additions reach the region's arrays.
        total[outside][here] += patch.values[taken] * part[:, np.newaxis]
        doubt[outside][here] += patch.doubt[taken] * part[:, np.newaxis]
        weight[outside][here] += part
    filled = weight > 0
    safe = np.where(filled, weight, np.float32(1))
    total /= safe[..., np.newaxis]
    doubt /= safe[..., np.newaxis]
    return Overlay(filled, total, doubt)


def _within(mask: NDArray[np.bool_], inside: tuple[slice, slice]) -> NDArray[np.bool_]:
    """Return which of a patch's filled pixels lie in a part of its box."""
    part = np.zeros(mask.shape, bool)
    part[inside] = True
    return part[mask]


def _ramp(patch: Patch) -> NDArray[np.float32]:
    """Return weights that rise from the target's edges to 1 over twice the overlap."""
    if not patch.lattice:
        return np.ones(patch.box.shape, np.float32)
    rows, columns = (_rise(n) for n in patch.box.shape)
    return rows[:, np.newaxis] * columns


def _rise(n: int) -> NDArray[np.float32]:
    from_edge = np.minimum(np.arange(n), np.arange(n)[::-1]) + 0.5
    return np.minimum(1, from_edge / (2 * BLEND)).astype(np.float32)


class UnitIndex:
    """Finds the units of one level that fill something in a region.

    Parameters
    ----------
    units : sequence of Unit
        All units of a layer; their positions are what `meeting` returns.
    level : int
    """

    _SIDE = 1024

    def __init__(self, units: Sequence[Unit], level: int) -> None:
        self._units = units
        self._cells: dict[tuple[int, int], list[int]] = {}
        for index, unit in enumerate(units):
            if unit.level == level:
                for cell in self._covered(unit.extent):
                    self._cells.setdefault(cell, []).append(index)

    def meeting(self, region: Box) -> list[int]:
        """Return the positions of the units with a target in ``region``, ascending."""
        near = {i for cell in self._covered(region) for i in self._cells.get(cell, ())}
        return sorted(i for i in near if self._units[i].meets(region))

    def _covered(self, box: Box) -> Iterator[tuple[int, int]]:
        for y in range(box.y0 // self._SIDE, (box.y1 - 1) // self._SIDE + 1):
            for x in range(box.x0 // self._SIDE, (box.x1 - 1) // self._SIDE + 1):
                yield y, x
