"""NumPy files, read part by part: a memory map of a file that is cut kills the process."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.errors import SourceError
from eii.io.axes import named_axes
from eii.io.chunked import Blocks
from eii.io.source import Asked, Source, array_source, refuse_series

_BLOCK = 2**22  # bytes read at a time


def open_npy(path: Path, asked: Asked) -> Source:
    """Open an .npy file; pixels are read as they are asked for.

    Parameters
    ----------
    path : Path
    asked : Asked
        ``axes`` says what the dimensions mean.

    Returns
    -------
    Source

    Raises
    ------
    SourceError
        If the file is damaged, cut short or holds Python objects.
    """
    refuse_series(path, asked)
    array = _NpyArray(path)
    blocks = Blocks(array, array.sizes)
    return array_source(blocks, str(path), named_axes(asked.axes, array.shape), path=path)


class _NpyArray:
    """The array of an .npy file; only whole blocks of it are read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            old = np.lib.format.read_magic(file) == (1, 0)
            form = np.lib.format
            read = form.read_array_header_1_0 if old else form.read_array_header_2_0
            self.shape, self._fortran, self.dtype = read(file)
            self._start = file.tell()
        if self.dtype.hasobject:
            raise SourceError(f"{path} holds Python objects, not pixels.")
        if path.stat().st_size < self._start + prod(self.shape) * self.dtype.itemsize:
            raise SourceError(f"{path} is truncated: it ends before its last pixels.")

    @property
    def sizes(self) -> list[tuple[int, ...]]:
        """Return lengths of blocks that are contiguous in the file."""
        stored = self.shape[::-1] if self._fortran else self.shape
        room, sizes = max(1, _BLOCK // max(1, self.dtype.itemsize)), []
        for length in reversed(stored):
            step = max(1, min(length, room))
            sizes.append((step,) * (length // step) + ((length % step,) if length % step else ()))
            # Once an axis is cut, all before it are taken one by one.
            room = room // length if step == length and length else 0
        return sizes if self._fortran else sizes[::-1]

    def __getitem__(self, key: tuple[slice, ...], /) -> NDArray[Any]:
        if self._fortran:
            return self._read(self.shape[::-1], key[::-1]).T
        return self._read(self.shape, key)

    def _read(self, stored: tuple[int, ...], key: tuple[slice, ...]) -> NDArray[Any]:
        first = int(np.ravel_multi_index([k.start for k in key], stored)) if stored else 0
        shape = [k.stop - k.start for k in key]
        count = prod(shape) * self.dtype.itemsize
        with self._path.open("rb") as file:
            file.seek(self._start + first * self.dtype.itemsize)
            found = file.read(count)
        if len(found) < count:
            raise SourceError(f"{self._path} was cut short while it was read.")
        return np.frombuffer(found, self.dtype).reshape(shape)
