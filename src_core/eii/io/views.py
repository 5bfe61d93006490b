"""Arrays seen another way, still read by slices: turned upright, and palettes as colours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.io.source import Readable

UPRIGHT = 1
_TURNED = (5, 6, 7, 8)
_ROWS_BACK, _COLUMNS_BACK = (3, 4, 6, 7), (2, 3, 7, 8)


def is_turned(orientation: int) -> bool:
    """Tell whether a viewer shows rows as columns."""
    return orientation in _TURNED


class Upright:
    """An array as a viewer shows it.

    Parameters
    ----------
    array : Readable
    axes : str
    orientation : int
        As TIFF and EXIF have it, from 1 (upright) to 8.
    """

    def __init__(self, array: Readable, axes: str, orientation: int) -> None:
        self._array = array
        self._y, self._x = axes.index("y"), axes.index("x")
        self._orientation = orientation
        self.dtype = np.dtype(array.dtype)
        shape = list(array.shape)
        if is_turned(orientation):
            shape[self._y], shape[self._x] = shape[self._x], shape[self._y]
        self.shape = tuple(shape)

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        key = key if isinstance(key, tuple) else (key,)
        key = [*key, *[slice(None)] * (len(self.shape) - len(key))]
        y, x, turned = self._y, self._x, is_turned(self._orientation)
        rows, columns = (key[x], key[y]) if turned else (key[y], key[x])
        back_y, back_x = self._orientation in _ROWS_BACK, self._orientation in _COLUMNS_BACK
        height, width = (self._array.shape[a] for a in (y, x))
        key[y], key[x] = _back(rows, height, back_y), _back(columns, width, back_x)
        found = np.asarray(self._array[tuple(key)])
        # Axes that were picked by a number are gone from what was read.
        gone = [isinstance(k, int) for k in key]
        at_y, at_x = y - sum(gone[:y]), x - sum(gone[:x])
        flipped = tuple(a for a, back in ((at_y, back_y), (at_x, back_x)) if back)
        found = np.flip(found, flipped)
        return found.swapaxes(at_y, at_x) if turned else found


def _back(span: slice, length: int, back: bool) -> slice:
    start, stop, _ = span.indices(length)
    return slice(length - stop, length - start) if back else slice(start, stop)


class Coloured:
    """An array of indices as the colours of a palette, channels last.

    Parameters
    ----------
    array : Readable
        Indices, without a channel axis.
    table : ndarray of shape (K, C)
        The colour of each index; greater ones have the last.
    """

    def __init__(self, array: Readable, table: NDArray[Any]) -> None:
        self._array, self._table = array, table
        self.dtype, self.shape = table.dtype, (*array.shape, table.shape[1])

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        key = key if isinstance(key, tuple) else (key,)
        channels = key[-1] if len(key) == len(self.shape) else slice(None)
        indices = np.asarray(self._array[key[: len(self.shape) - 1]])
        return self._table[np.minimum(indices, len(self._table) - 1)][..., channels]


def palette_of(colormap: NDArray[np.uint16]) -> NDArray[Any]:
    """Return the colours (K, 3) of a TIFF colour map (3, K): of 8 bits where they are no finer.

    Writers put 8 bits into the 16 of the map shifted, or doubled.
    """
    table = np.ascontiguousarray(colormap.T)
    low = table & 255
    if not low.any() or (low == table >> 8).all():
        return (table >> 8).astype(np.uint8)
    return table
