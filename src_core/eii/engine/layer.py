"""What a unit reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from eii.engine.label import ReadHole
from eii.image.geometry import Box

ReadImage = Callable[[Box], NDArray[Any]]


@dataclass(frozen=True)
class Layer:
    """One plane's image and hole.

    Parameters
    ----------
    read_image : callable
        Takes a `Box`, returns the pixels in it, shape (h, w, C), uint8, uint16 or float32.
    read_hole : callable
        Takes a `Box`, returns the hole in it, shape (h, w), bool.
    shape : (int, int)
        Size of the plane (M, N).
    """

    read_image: ReadImage
    read_hole: ReadHole
    shape: tuple[int, int]
