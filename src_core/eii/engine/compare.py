"""Proof that a result's known pixels are its source's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eii.engine.readers import HoleReader, ImageReader, Plane
from eii.errors import ImageError
from eii.image.geometry import Box, blocks_of


class Compared(ImageReader, Protocol):
    """An image whose whole shape is compared."""

    @property
    def dtype(self) -> np.dtype[Any]: ...


@dataclass(frozen=True)
class Difference:
    """A known pixel that is not the source's."""

    plane: Plane
    channel: int
    y: int
    x: int
    source: float
    result: float


@dataclass(frozen=True)
class Verification:
    """What a comparison found; ``difference`` is the first one, None when there is none."""

    known: int
    filled: int
    difference: Difference | None


def compare(source: Compared, result: Compared, filled: HoleReader) -> Verification:
    """Compare every known pixel of a result with its source, bit for bit.

    Parameters
    ----------
    source, result : Compared
        Two images.
    filled : HoleReader
        Which pixels of the result are invented.

    Returns
    -------
    Verification
        Numbers of pixels of all planes; channels are not counted apart.

    Raises
    ------
    ImageError
        If the images differ in shape or dtype.
    """
    _check_alike(source, result)
    known = invented = 0
    for plane, box in _regions(source):
        hole = filled.read(plane, box)
        difference = _first(source.read(plane, box), result.read(plane, box), hole, plane, box)
        if difference is not None:
            return Verification(known, invented, difference)
        count = int(hole.any(axis=2).sum() if hole.ndim == 3 else hole.sum())
        invented, known = invented + count, known + box.area - count
    return Verification(known, invented, None)


def _check_alike(source: Compared, result: Compared) -> None:
    ours, theirs = (
        (i.dtype.name, i.plane_shape, i.channels, len(i.planes)) for i in (source, result)
    )
    if ours != theirs:
        raise ImageError(
            f"The images cannot be compared: dtype, plane, channels and planes are {ours} and "
            f"{theirs}."
        )


def _regions(source: Compared) -> Iterator[tuple[Plane, Box]]:
    for plane in source.planes:
        for box in blocks_of(source.plane_shape):
            yield plane, box


def _first(
    ours: NDArray[Any], theirs: NDArray[Any], hole: NDArray[np.bool_], plane: Plane, box: Box
) -> Difference | None:
    # Bits are compared, so that a NaN equals itself and -0.0 is not 0.0.
    bits = f"u{ours.dtype.itemsize}"
    filled = hole if hole.ndim == 3 else hole[..., np.newaxis]
    differs = (ours.view(bits) != theirs.view(bits)) & ~filled
    if not differs.any():
        return None
    y, x, c = (int(v[0]) for v in np.nonzero(differs))
    return Difference(
        plane, c, box.y0 + y, box.x0 + x, float(ours[y, x, c]), float(theirs[y, x, c])
    )
