"""How far a matched colour is to be trusted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eii.internal.match import Match

FloatArray = NDArray[np.float32]

# Each cause halves the confidence at this size: of the disagreement among the neighbours and of the
# distance to them in units of luma.
_AMBIGUITY, _RESIDUAL = 0.03, 0.06


def match_confidence(found: Match) -> FloatArray:
    """Return the confidence in each matched colour, shape (K,), in [0, 1]."""
    return _halved_at(found.ambiguity, _AMBIGUITY) * _halved_at(found.residual, _RESIDUAL)


def _halved_at(size: FloatArray, half: float) -> FloatArray:
    return np.divide(half, half + size, dtype=np.float32)
