"""Colour from near and far: matched colours pull on those that spread from the border."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eii.internal.match import Match
from eii.internal.solve import Pull, spread

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

PULLS = (0.01, 0.03, 0.1)
"""Strengths, against that of one neighbour of the same luma, of which an image picks one."""
AGREEMENT = 0.01
"""Disagreement of the neighbours at which the pull is halved: where like luma has unlike colours,
the match knows nothing. It is also what a blurred completion leads to, so it needs no other gate
(measured with luma blurred by 2 and 5 pixels)."""


def join(
    luma: FloatArray,
    values: FloatArray,
    hole: BoolArray,
    found: Match,
    *,
    pull: float,
    outside: BoolArray | None = None,
) -> FloatArray:
    """Fill a hole by what spreads from its border and what was matched from afar.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32, about [0, 1]
    values : ndarray of shape (M, N, C), float32
    hole : ndarray of shape (M, N), bool
    found : Match
        Of the hole's pixels.
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
    return spread(luma, values, hole, pull=Pull(found.values, weight), outside=outside)
