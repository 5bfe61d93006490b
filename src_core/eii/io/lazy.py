"""Dask arrays as the engine reads them: computed while a run is planned, given while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.io.chunked import Blocks, Index

_given: ContextVar[Mapping[Index, NDArray[Any]] | None] = ContextVar("given", default=None)


@contextmanager
def given(indices: Sequence[Sequence[int]], arrays: Sequence[NDArray[Any]]) -> Iterator[None]:
    """Have these chunks read, and no others, by the readers of this thread."""
    chunks = {tuple(i): np.asarray(a) for i, a in zip(indices, arrays, strict=True)}
    token = _given.set(chunks)
    try:
        yield
    finally:
        _given.reset(token)


class Chunks(Blocks):
    """A dask array; in a task of a graph its chunks are those that the task was given.

    Parameters
    ----------
    array : dask.array.Array
    """

    def __init__(self, array: Any) -> None:
        super().__init__(array, array.chunks)
        self.sizes = array.chunks

    def __reduce__(self) -> tuple[Any, ...]:
        """Send what it looks like, without the graph that makes it."""
        return Chunks, (_Outline(self.shape, self.dtype, self.sizes),)

    def _block(self, index: Index) -> NDArray[Any]:
        chunks = _given.get()
        return super()._block(index) if chunks is None else chunks[index]


class _Outline:
    """The shape of an array that is not here."""

    def __init__(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], chunks: Sequence[Sequence[int]]
    ) -> None:
        self.shape, self.dtype, self.chunks = shape, dtype, chunks

    def __getitem__(self, key: Any, /) -> Any:
        raise RuntimeError("chunks of this array are given to tasks, and not computed in them")


class Scanned(Blocks):
    """A hole that was a dask array: looked through once, its chunks kept as bits.

    Parameters
    ----------
    bits : mapping of index to ndarray of uint8
        Of the chunks that hold anything.
    shape : tuple of int
    sizes : sequence of sequence of int
    """

    def __init__(
        self,
        bits: Mapping[Index, NDArray[np.uint8]],
        shape: tuple[int, ...],
        sizes: Sequence[Sequence[int]],
    ) -> None:
        super().__init__(_Outline(shape, np.dtype(bool), sizes), sizes)
        self._bits, self._sizes = bits, sizes

    def __reduce__(self) -> tuple[Any, ...]:
        return Scanned, (self._bits, self.shape, self._sizes)

    def may_hold(self, key: tuple[int | slice, ...]) -> bool:
        """Tell whether there may be anything in a part."""
        return any(index in self._bits for index in self.blocks_at(key))

    def _block(self, index: Index) -> NDArray[Any]:
        shape = [own[i] for own, i in zip(self._sizes, index, strict=True)]
        bits = self._bits.get(index)
        if bits is None:
            return np.zeros(shape, bool)
        return np.unpackbits(bits, count=int(np.prod(shape))).astype(bool).reshape(shape)


def scanned(hole: Any) -> Scanned:
    """Look through a dask array once, in parallel; what is not zero is the hole.

    Notes
    -----
    Memory follows the chunks that hold anything, an eighth of a byte a pixel.
    """
    import dask

    parts = hole.to_delayed()
    indices = list(product(*(range(len(own)) for own in hole.chunks)))
    packed = dask.compute(*(dask.delayed(_packed)(parts[index]) for index in indices))
    bits = {index: own for index, own in zip(indices, packed, strict=True) if own is not None}
    return Scanned(bits, tuple(hole.shape), hole.chunks)


def _packed(chunk: NDArray[Any]) -> NDArray[np.uint8] | None:
    marked = np.asarray(chunk) != 0
    return np.packbits(marked) if marked.any() else None
