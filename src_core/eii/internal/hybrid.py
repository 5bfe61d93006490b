"""Colour from near and far: matched colours pull on those that spread from the border."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eii.image.hole import distance_to_known, may_be_deeper, spread_square
from eii.internal.match import Match
from eii.internal.solve import Pull, spread

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

PULLS = (0.01, 0.03, 0.1)
"""Strengths, against that of one neighbour of the same luma, of which an image picks one."""
AGREEMENT = 0.01
"""Disagreement of the neighbours at which the pull is halved: where like luma has unlike colours,
the match knows nothing."""
SMOOTH = 2.0
"""Power of a completion's detail with which the pull falls: where it is smoother than the image,
its matches are of smooth places of any colour, and show as patches."""
SHALLOW = 8
"""Depth of a hole, in pixels, up to which colours are not matched."""


def join(
    luma: FloatArray,
    values: FloatArray,
    hole: BoolArray,
    found: Match,
    *,
    pull: float,
    asked: BoolArray | None = None,
    outside: BoolArray | None = None,
) -> FloatArray:
    """Fill a hole by what spreads from its border and what was matched from afar.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32, about [0, 1]
    values : ndarray of shape (M, N, C), float32
    hole : ndarray of shape (M, N), bool
    found : Match
        Of the pixels ``asked``.
    asked : ndarray of shape (M, N), bool, optional
        Hole pixels that were matched; by default all.
    pull : float
        One of `PULLS`.
    outside : ndarray of shape (M, N), bool, optional
        Pixels that nothing spreads from.

    Returns
    -------
    ndarray of shape (M, N, C), float32
        Known pixels bit-identical.
    """
    weight = pull / (1 + (found.ambiguity / AGREEMENT) ** 2)
    weight *= np.float32(min(1.0, found.detail) ** SMOOTH)
    if asked is None:
        pulled = Pull(found.values, weight)
    else:
        here = asked[hole]
        pulled = Pull(
            np.zeros((len(here), values.shape[2]), np.float32), np.zeros(len(here), np.float32)
        )
        pulled.values[here], pulled.weight[here] = found.values, weight
    return spread(luma, values, hole, pull=pulled, outside=outside)


def deep_parts(hole: BoolArray) -> BoolArray:
    """Return the pixels of a hole that are matched: in its deep parts, those off the border.

    Parameters
    ----------
    hole : ndarray of shape (M, N), bool

    Returns
    -------
    ndarray of shape (M, N), bool
        Empty where no pixel is more than `SHALLOW` from the known ones: there the border's colours
        are as good, at a quarter of the cost.
    """
    if not may_be_deeper(hole, SHALLOW):
        return np.zeros_like(hole)
    depth = distance_to_known(hole)
    deep = depth > SHALLOW
    if not deep.any():
        return deep
    return spread_square(deep, SHALLOW) & (depth > SHALLOW / 2)
