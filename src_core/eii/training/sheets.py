"""Sheets of defects that are drawn once and laid over many windows: drawing is what takes long."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eii.evaluation.film_defects import (
    Defect,
    draw_crack,
    draw_dust,
    draw_fold,
    draw_scratch,
    lay,
    seen,
)
from eii.finders.film import DUST, SCRATCHES

FloatArray = NDArray[np.float32]

_WORN = 0.2  # share of sheets that are scratched all over
_FOLDED = 0.15  # and of those of prints that were folded
_CRACKED = 0.12  # and of those of prints whose emulsion is cracked all over, in one light tone
_CRACKS, _FLAKES = (2, 8), (0, 8)
_TONES, _ALIKE = (0.2, 0.95), 0.05  # of the way to white, and how far they differ at most
_SCRATCHES = ((0, 4), (4, 12))
_SPECKS = 16
_COARSE = 0.35  # share of sheets whose defects are half as large, as of a coarse scan
_EDGE = 0.3  # of a pixel that such a defect covers, to belong to it


@dataclass(frozen=True)
class Sheet:
    """Defects, and of which kind each is."""

    defects: tuple[tuple[int, Defect], ...]


def draw_sheet(side: int, rng: np.random.Generator) -> Sheet:
    """Return a sheet of scratches, specks and hairs for windows of a side."""
    coarse = rng.random() < _COARSE
    shape = (2 * side, 2 * side) if coarse else (side, side)
    drawn: list[tuple[int, Defect]] = []
    if rng.random() < _CRACKED:
        drawn += _cracked(shape, rng)
    elif rng.random() < _FOLDED:
        drawn += [(SCRATCHES, draw_fold(shape, rng)) for _ in range(int(rng.integers(1, 4)))]
    some = _SCRATCHES[rng.random() < _WORN]
    drawn += [(SCRATCHES, draw_scratch(shape, rng)) for _ in range(int(rng.integers(*some)))]
    bright = bool(rng.random() < 0.5)
    specks = int(rng.integers(0, _SPECKS * (3 if coarse else 1)))
    drawn += [(DUST, draw_dust(shape, rng, bright)) for _ in range(specks)]
    inside = [(kind, one) for kind, one in drawn if one.cover.size]  # others miss the window
    return Sheet(tuple((kind, _halved(one) if coarse else one) for kind, one in inside))


def _cracked(shape: tuple[int, int], rng: np.random.Generator) -> list[tuple[int, Defect]]:
    """Return cracks, folds and flakes in which a print shows its paper: all are of one tone."""
    cracks = [
        draw_fold(shape, rng) if rng.random() < 0.25 else draw_crack(shape, rng)
        for _ in range(int(rng.integers(*_CRACKS)))
    ]
    flakes = [draw_dust(shape, rng, True) for _ in range(int(rng.integers(*_FLAKES)))]
    tone = rng.uniform(*_TONES)
    drawn = [(SCRATCHES, one) for one in cracks] + [(DUST, one) for one in flakes]
    least, most = tone - _ALIKE, tone + _ALIKE
    return [(kind, replace(one, bright=True, least=least, most=most)) for kind, one in drawn]


def _halved(defect: Defect) -> Defect:
    """Return a defect half as large, as an image of half the size would show it."""
    box, pad = [], []
    for side, length in zip(defect.box, defect.cover.shape, strict=True):
        before = side.start % 2
        pad.append((before, (before + length) % 2))
        start = side.start // 2
        box.append(slice(start, start + (before + length + 1) // 2))
    wide = np.pad(defect.cover, pad)
    cells = wide.reshape(wide.shape[0] // 2, 2, wide.shape[1] // 2, 2)
    cover = np.asarray(cells.mean(axis=(1, 3)), np.float32)
    return replace(defect, box=(box[0], box[1]), cover=cover, edge=_EDGE)


def lay_sheet(
    window: FloatArray, sheet: Sheet, share: float, rng: np.random.Generator
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return a window under some of a sheet's defects, and where they are seen.

    Parameters
    ----------
    window : ndarray of shape (S, S, C), float32 in [0, 1]
    sheet : Sheet
        Drawn for its side.
    share : float
        Of the defects, in [0, 1]; which ones is drawn.
    rng : numpy Generator

    Returns
    -------
    ndarray of shape (S, S, C), float32
    ndarray of shape (2, S, S), bool
        Of scratches and of dust.
    """
    changed = window.copy()
    masks = np.zeros((2, *window.shape[:2]), bool)
    for kind, defect in sheet.defects:
        if rng.random() < share:
            lay(changed, defect, rng)
            masks[(kind, *defect.box)] |= defect.cover > defect.edge
    change = np.abs(changed - window).mean(axis=2)
    return changed, masks & seen(change, np.asarray(masks.any(axis=0)))
