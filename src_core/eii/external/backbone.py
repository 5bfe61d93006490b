"""What a backbone is, and the table of those that are built in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.float32]
Hole = NDArray[np.bool_]


RGB, EDGES = "rgb", "edges"


@dataclass(frozen=True)
class Clues:
    """What a network may follow beside the luma of windows.

    Parameters
    ----------
    rgb : ndarray of shape (B, M, N, 3), float32, optional
        About [0, 1]; the values of hole pixels are ignored.
    edges : ndarray of shape (B, M, N), bool, optional
        Drawn by a person; those of known pixels are ignored.
    """

    rgb: NDArray[np.float32] | None = None
    edges: NDArray[np.bool_] | None = None


NO_CLUES = Clues()


class Backbone(Protocol):
    """A network or a classical method that completes the structure of monochromic windows."""

    @property
    def name(self) -> str:
        """Return the name under which results record it."""
        ...

    @property
    def stride(self) -> int:
        """Return the multiple of pixels that window origins and sizes are rounded to."""
        ...

    @property
    def window(self) -> int | None:
        """Return the side of the fixed windows it takes, or None when it takes any size."""
        ...

    @property
    def batch(self) -> int:
        """Return how many windows of one size are completed together."""
        ...

    @property
    def follows(self) -> frozenset[str]:
        """Return which clues it follows: any of `RGB` and `EDGES`."""
        ...

    def complete(
        self, luma: Luma, hole: Hole, guide: Luma | None = None, clues: Clues = NO_CLUES
    ) -> Luma:
        """Fill the holes of a batch of windows.

        Parameters
        ----------
        luma : ndarray of shape (B, M, N), float32
            About [0, 1]; the values of hole pixels are ignored.
        hole : ndarray of shape (B, M, N), bool
            True marks pixels to fill.
        guide : ndarray of shape (B, M, N), float32, optional
            A coarse completion, upsampled; the first fill of holes that are larger than a window.
        clues : Clues, optional
            Those that it follows.

        Returns
        -------
        ndarray of shape (B, M, N), float32
            Known pixels bit-identical. The result of a window does not depend on its batch
            beyond the rounding of float32.
        """
        ...
