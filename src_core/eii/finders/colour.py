"""Colours of an image in CIELAB, and whether they are those of a stained section."""

from __future__ import annotations

import numpy as np

from eii.finders.kind import FloatArray, View
from eii.finders.overview import Overview

_STAINED = 0.05  # share of tissue
_A, _B = 8.0, 5.0  # CIELAB's a of what haematoxylin, eosin and their kin stain is more, b is less


def range_of(view: View, overview: Overview) -> float:
    """Return the greatest value: of the dtype, or of the image where that is a float's."""
    if view.dtype.kind in "ui":
        return float(np.iinfo(view.dtype).max)
    return max(float(np.nanmax(overview.pixels, initial=0)), 1e-12)


def to_lab(pixels: FloatArray, most: float) -> FloatArray:
    """Return CIELAB (..., 3) of red, green and blue (..., 3) whose greatest value is given."""
    from skimage.color import rgb2lab

    return np.asarray(rgb2lab(np.clip(pixels / np.float32(most), 0, 1)), np.float32)


def is_stained(lab: FloatArray) -> bool:
    """Tell whether an image in CIELAB shows a stained section."""
    return bool(((lab[..., 1] > _A) & (lab[..., 2] < _B)).mean() > _STAINED)
