"""The internal stage: the colours of a window, from known pixels and complete luma."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eii.errors import OptionError
from eii.image.hints import Spots
from eii.image.hole import bounding
from eii.image.mono import to_luma
from eii.internal.confidence import match_confidence
from eii.internal.hints import pin
from eii.internal.hybrid import deep_parts, join
from eii.internal.match import match
from eii.internal.palette import Palette
from eii.internal.solve import spread
from eii.internal.table import look_up
from eii.options import COLOURS

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

METHODS = COLOURS
"""Methods of propagation; the first is the default."""
_AROUND = 96  # pixels around what is matched in which colours are looked for


def propagate_unit(
    luma: FloatArray,
    image: FloatArray,
    hole: BoolArray,
    *,
    weights: FloatArray,
    method: str,
    palette: Palette,
    spots: Spots | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Fill the channels of one window so that their luma is the one given.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32
        Complete, about [0, 1].
    image : ndarray of shape (M, N, C), float32
        The values of hole pixels are ignored.
    hole : ndarray of shape (M, N), bool
        With at least one known pixel.
    weights : ndarray of shape (C,), float32
        Each channel's weight in luma; sums to 1.
    method : str
        One of `METHODS`.
    palette : Palette
        What all windows of the image share.
    spots : Spots, optional
        Colours that a person set, scaled like the image; those outside the hole count for nothing.

    Returns
    -------
    filled : ndarray of shape (M, N, C), float32
        Known pixels bit-identical; ``weights`` times a filled pixel is its luma.
    confidence : ndarray of shape (M, N), float32
        In [0, 1]: how far the matches agree; 1 where colours were not matched.

    Raises
    ------
    OptionError
        If there is no such method.

    Notes
    -----
    A function of the window and the palette alone.
    """
    if method not in METHODS:
        raise OptionError(f"`colour` must be one of {', '.join(METHODS)}; got {method!r}.")
    if not hole.any():
        return image, np.ones(hole.shape, np.float32)
    slopes = np.asarray(palette.slopes, np.float32)
    base = luma[..., np.newaxis] * slopes
    rest, sure = _residual(luma, image - base, hole, method=method, palette=palette)
    said = None if spots is None else pin(spots, luma, hole, weights=weights, slopes=slopes)
    if said is not None:
        # What is hinted counts as known where colours spread, and for nothing where they match.
        start = np.where(said.mask[..., np.newaxis], said.values, image - base)
        near, share = spread(luma, start, hole & ~said.mask), said.reach[..., np.newaxis]
        rest = near * share + rest * (1 - share)
        sure = sure + (1 - sure) * said.reach
    colour = base[hole] + rest[hole]
    lacking = luma[hole] - to_luma(colour, weights)
    # The weights of luma, scaled so that adding them adds 1: exact for RGB and for one channel.
    colour += lacking[..., np.newaxis] * (weights / (weights @ weights))
    if np.count_nonzero(weights) > 1:
        known = ~hole[..., np.newaxis]
        low = min(0.0, float(np.min(image, where=known, initial=np.inf)))
        high = max(1.0, float(np.max(image, where=known, initial=-np.inf)))
        colour = _fit_gamut(colour, luma[hole], low=low, high=high)
    filled = image.copy()
    filled[hole] = colour
    return filled, sure


def _residual(
    luma: FloatArray, values: FloatArray, hole: BoolArray, *, method: str, palette: Palette
) -> tuple[FloatArray, FloatArray]:
    sure = np.ones(hole.shape, np.float32)
    if method == "table":
        return look_up(luma, values, hole), sure
    if palette.painter is not None:
        slopes = np.asarray(palette.slopes, np.float32)
        painted = palette.painter.paint(luma) - luma[..., np.newaxis] * slopes
        return np.where(hole[..., np.newaxis], painted, values), sure
    matched = np.zeros_like(hole)
    if method != "solve":
        matched = hole if method == "match" else deep_parts(hole)
    if not matched.any():
        return spread(luma, values, hole), sure
    near = bounding(matched, _AROUND)
    found = match(
        luma[near], values[near], hole[near], asked=matched[near], remembered=palette.remembered
    )
    sure[matched] = match_confidence(found)
    if method != "match":
        joined = join(luma, values, hole, found, pull=palette.pull, asked=matched)
        if palette.mender is not None:
            joined = palette.mender.mend(luma, joined, hole)
        return joined, sure
    filled = values.copy()
    filled[hole] = found.values
    return filled, sure


def _fit_gamut(colour: FloatArray, luma: FloatArray, *, low: float, high: float) -> FloatArray:
    """Move colours beyond the range of the known values towards gray of the same luma."""
    gray = np.clip(luma, low, high)[..., np.newaxis]
    chroma = colour - gray
    room = np.where(chroma > 0, high - gray, gray - low)
    excess = np.abs(chroma) / np.maximum(room, 1e-6)
    most = np.maximum(1, excess.max(axis=-1, keepdims=True))
    return (gray + chroma / most).astype(np.float32)
