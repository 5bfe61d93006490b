"""How far a colour is to be trusted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eii.image.hole import distance_to_known
from eii.internal.match import Match

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

# Each cause halves the confidence at this size: of the disagreement among the neighbours and of the
# distance to them in units of luma, of the distance to known pixels in pixels.
_AMBIGUITY, _RESIDUAL, _DISTANCE = 0.03, 0.06, 24.0


def colour_confidence(hole: BoolArray, found: Match | None) -> FloatArray:
    """Return the confidence in the colour of each pixel.

    Parameters
    ----------
    hole : ndarray of shape (M, N), bool
    found : Match, optional
        Of the hole's pixels; without it only distance counts.

    Returns
    -------
    ndarray of shape (M, N), float32
        In [0, 1]; 1 where known.
    """
    sure = _halved_at(distance_to_known(hole), _DISTANCE)
    if found is not None:
        sure[hole] *= _halved_at(found.ambiguity, _AMBIGUITY) * _halved_at(
            found.residual, _RESIDUAL
        )
    return sure


def _halved_at(size: FloatArray, half: float) -> FloatArray:
    return np.divide(half, half + size, dtype=np.float32)
