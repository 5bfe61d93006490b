"""Arrays that are read block by block: each block once while it is remembered."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextvars import ContextVar
from itertools import accumulate, product
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.errors import SourceError
from eii.io.source import Readable

BUDGET = 2**28
"""Bytes of decoded blocks that are remembered, of each array; at least one block is."""
SENT = 2**25
"""The same, in another process that a source is sent to: there are many of them on a machine."""
budget: ContextVar[int] = ContextVar("budget", default=BUDGET)
_SIDE = 512  # least side of a block in y and x, where chunks are smaller
_WIDE = 2**26  # bytes of a block that holds all channels, at the most

Index = tuple[int, ...]


class Guarded:
    """An array whose every read is followed by a check that its file is still whole.

    Parameters
    ----------
    array : Readable
    check : callable
        Raises `SourceError` when the file is gone or cut: what was read then is not to be trusted.
    """

    def __init__(self, array: Readable, check: Callable[[], None]) -> None:
        self._array = array
        self.check = check
        self.shape, self.dtype = tuple(array.shape), np.dtype(array.dtype)

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        found = np.asarray(self._array[key])
        self.check()
        return found

    def __dask_tokenize__(self) -> tuple[str, Readable]:
        return "guarded", self._array


class Blocks:
    """An array that is read by blocks; threads that need the same one wait for one reading.

    The least recently used are forgotten when they take more than `budget`.

    Parameters
    ----------
    array : Readable
    sizes : sequence of sequence of int
        Lengths of the blocks along each axis; they sum to the array's.
    """

    def __init__(self, array: Readable, sizes: Sequence[Sequence[int]]) -> None:
        self._array = array
        self._edges = [[0, *accumulate(map(int, own))] for own in sizes]
        self._budget = budget.get()
        self._blocks: OrderedDict[Index, Future[NDArray[Any]]] = OrderedDict()
        self._lock = Lock()
        self.shape, self.dtype = tuple(int(n) for n in array.shape), np.dtype(array.dtype)

    def __dask_tokenize__(self) -> tuple[str, Readable]:
        return "blocks", self._array

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        key = key if isinstance(key, tuple) else () if key is Ellipsis else (key,)
        key += (slice(None),) * (len(self.shape) - len(key))
        spans = [_span(k, n) for k, n in zip(key, self.shape, strict=True)]
        picked = tuple(0 if isinstance(k, int) else slice(None) for k in key)
        return self._read(spans)[picked]

    def _read(self, spans: list[tuple[int, int]]) -> NDArray[Any]:
        found = np.empty([stop - start for start, stop in spans], self.dtype)
        if found.size == 0:
            return found
        for index in self._reach(spans):
            inside, outside = [], []
            for at, edges, (start, stop) in zip(index, self._edges, spans, strict=True):
                low, high = max(start, edges[at]), min(stop, edges[at + 1])
                inside.append(slice(low - edges[at], high - edges[at]))
                outside.append(slice(low - start, high - start))
            found[tuple(outside)] = self._block(index)[tuple(inside)]
        return found

    def _reach(self, spans: list[tuple[int, int]]) -> Iterator[Index]:
        """Yield the blocks that a part meets, which is not empty."""
        return product(
            *(
                range(bisect_right(edges, start) - 1, bisect_right(edges, stop - 1))
                for edges, (start, stop) in zip(self._edges, spans, strict=True)
            )
        )

    def blocks_at(self, key: tuple[int | slice, ...]) -> list[Index]:
        """Return the blocks that a part meets."""
        spans = [_span(k, n) for k, n in zip(key, self.shape, strict=True)]
        return [] if any(a >= b for a, b in spans) else list(self._reach(spans))

    def _block(self, index: Index) -> NDArray[Any]:
        with self._lock:
            future = self._blocks.get(index)
            mine = future is None
            if future is None:
                future = self._blocks[index] = Future()
            self._blocks.move_to_end(index)
        if mine:
            self._load(index, future)
        return future.result()

    def _load(self, index: Index, future: Future[NDArray[Any]]) -> None:
        key = tuple(slice(e[i], e[i + 1]) for e, i in zip(self._edges, index, strict=True))
        try:
            future.set_result(np.asarray(self._array[key]))
        except BaseException as error:
            with self._lock:
                self._blocks.pop(index, None)
            future.set_exception(error)
            return
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        done = [(k, f.result().nbytes) for k, f in self._blocks.items() if f.done()]
        kept = sum(size for _, size in done)
        for key, size in done[:-1]:
            if kept <= self._budget:
                return
            del self._blocks[key]
            kept -= size


def by_blocks(array: Readable, chunks: Sequence[int | Sequence[int]], axes: str) -> Blocks:
    """Return an array read by blocks of whole chunks.

    Parameters
    ----------
    array : Readable
    chunks : sequence of int, or of sequence of int
        The size of a chunk along each axis, or the sizes of all of them, as dask has it.
    axes : str
        One letter of ``tczyx`` for each dimension.
    """
    sizes: list[Sequence[int]] = []
    steps: list[int] = []
    for axis, chunk, length in zip(axes, chunks, array.shape, strict=True):
        if not isinstance(chunk, int):
            sizes.append(chunk)
            continue
        steps.append(chunk * max(1, _SIDE // chunk) if axis in "yx" else chunk)
        sizes.append(_even(steps[-1], length))
    if len(steps) == len(axes) and "c" in axes:
        at = axes.index("c")
        wide = int(np.prod(steps)) // steps[at] * array.shape[at] * np.dtype(array.dtype).itemsize
        if wide <= _WIDE:
            sizes[at] = (array.shape[at],)
    return Blocks(array, sizes)


def unchanged(path: Path) -> Callable[[], None]:
    """Return a check that a file has not become shorter than it is now."""
    size = path.stat().st_size

    def check() -> None:
        if path.exists() and path.stat().st_size < size:
            raise SourceError(f"{path} was cut short while it was read.")

    return check


def _even(step: int, length: int) -> tuple[int, ...]:
    step = max(1, min(step, length))
    whole, rest = divmod(length, step)
    return (step,) * whole + ((rest,) if rest else ())


def _span(key: int | slice, length: int) -> tuple[int, int]:
    if isinstance(key, int):
        return key, key + 1
    start, stop, _ = key.indices(length)
    return start, max(start, stop)
