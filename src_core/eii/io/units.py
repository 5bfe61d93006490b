"""Sizes of pixels, as files give them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from eii.errors import SourceError


def checked_sizes(sizes: Mapping[str, float], name: str) -> dict[str, float]:
    """Return sizes of pixels without those that are 0, which stand for unknown.

    Raises
    ------
    SourceError
        If one is negative or not finite.
    """
    for axis, size in sizes.items():
        if not math.isfinite(size) or size < 0:
            raise SourceError(f"{name} has a pixel size of {size} in {axis}. Mend its metadata.")
    return {axis: size for axis, size in sizes.items() if size > 0}
