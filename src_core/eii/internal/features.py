"""What a pixel of luma looks like: features that match hole pixels with known ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatArray = NDArray[np.float32]

SCALES = (1.0, 2.5, 6.0)
"""Standard deviations, in pixels, of the neighbourhoods that are described."""
DEVIATION = 5
"""Position, among the features, of the deviation at the middle one of `SCALES`."""
_DEVIATION, _SLOPE = 0.7, 0.7  # weight of a neighbourhood's deviation and slope against its mean

_DIFFERENCE = (-0.5, 0.0, 0.5)


def luma_features(luma: FloatArray) -> FloatArray:
    """Describe every pixel by its luma and that of its neighbourhood.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32, about [0, 1]
        Complete.

    Returns
    -------
    ndarray of shape (M, N, F), float32
        Luma; then mean, deviation and size of the slope at each of `SCALES`, in units of luma.
    """
    planes = [luma]
    for scale in SCALES:
        mean = ndimage.gaussian_filter(luma, scale, truncate=2.5)
        square = ndimage.gaussian_filter(luma * luma, scale, truncate=2.5)
        deviation = np.sqrt(np.maximum(square - mean * mean, 0))
        slopes = (ndimage.correlate1d(mean, _DIFFERENCE, axis, mode="nearest") for axis in (0, 1))
        planes += [mean, _DEVIATION * deviation, _SLOPE * scale * np.hypot(*slopes)]
    return np.stack(planes, axis=-1).astype(np.float32)
