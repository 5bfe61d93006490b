"""How far values are spread, told by their median, which a few that are far off do not move."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

TO_DEVIATION = 1.4826
"""Of a normal distribution, the standard deviation over the median deviation."""


def deviation_of(values: NDArray[Any], middle: float | None = None) -> float:
    """Return values' robust standard deviation; 0 of none.

    Parameters
    ----------
    values : ndarray
        Finite numbers.
    middle : float, optional
        What they are spread about; by default their median.
    """
    if not values.size:
        return 0.0
    about = np.median(values) if middle is None else middle
    return TO_DEVIATION * float(np.median(np.abs(values - about)))
