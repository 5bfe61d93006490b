"""Things alike that images are full of: grains, cells, dots. They look like dust, and are none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eii.evaluation.film_covers import speck

FloatArray = NDArray[np.float32]


def add_grains(window: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return a window that shows many grains of one shade and of many sizes.

    Parameters
    ----------
    window : ndarray of shape (M, N, C), float32 in [0, 1]
    rng : numpy Generator
    """
    window = window.copy()
    if rng.random() < 0.5:  # on an even ground
        ground = np.asarray(rng.random() + rng.normal(0, 0.05, window.shape[2]), np.float32)
        window = np.float32(0.1) * (window - window.mean()) + ground
    shade = rng.random() + rng.normal(0, 0.05, window.shape[2])
    least = rng.uniform(1, 4)
    most = least * rng.uniform(1.5, 8)
    soft, flat, rough = rng.uniform(1, 2.5), rng.uniform(0.6, 1), rng.random() < 0.3
    for _ in range(int(rng.integers(15, 150))):
        radius = float(np.exp(rng.uniform(np.log(least), np.log(most))))
        reach = int(2 * radius) + 5
        y, x = (int(n) for n in rng.integers(window.shape[:2]))
        box = (slice(max(0, y - reach), y + reach), slice(max(0, x - reach), x + reach))
        here = window[box]
        if rough:
            cover = speck(here.shape, rng)
        else:
            rows, columns = np.ogrid[: here.shape[0], : here.shape[1]]
            own = flat + (1 - flat) * rng.random()
            far = np.hypot(rows + box[0].start - y, (columns + box[1].start - x) / own)
            cover = np.clip((radius - far) / soft + 0.5, 0, 1).astype(np.float32)
        tone = np.asarray(shade + rng.normal(0, 0.03), np.float32)
        window[box] = here + cover[..., np.newaxis] * (tone - here)
    return np.clip(window, 0, 1)
