"""Restoration of dask arrays block by block, the hole looked at only where a block is computed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.errors import HoleError
from eii.io.axes import named_axes

MARGIN = 256
"""Pixels around a block from which its holes are filled: the side of a window."""

Spans = Sequence[Sequence[int]]
Fill = Callable[[NDArray[Any], NDArray[Any], str], NDArray[Any]]


def restore_blocks(image: Any, hole: Any, fill: Fill, *, axes: str | None) -> Any:
    """Return a dask array of the chunks of ``image``, each filled on its own when it is computed.

    Parameters
    ----------
    image : dask.array.Array
    hole : dask.array.Array, or any array
        Of the image's shape, or that without channels or without t and z.
    fill : callable
        Takes a block, its hole and its axes; returns the block with its hole filled.
    axes : str, optional

    Raises
    ------
    HoleError
        If the hole's shape is not the image's.
    """

    from dask.array import Array
    from dask.base import tokenize
    from dask.highlevelgraph import HighLevelGraph

    axes = named_axes(axes, image.shape)
    marks = _as_image(hole, axes, image.shape)
    # Blocks hold all channels of a pixel.
    whole = image.rechunk({axes.index("c"): -1}) if "c" in axes else image
    name = f"eii-blocks-{tokenize(whole, marks, fill, axes)}"
    tasks = dict(_tasks(name, whole, marks, fill, axes))
    layers = HighLevelGraph.from_collections(name, tasks, dependencies=[whole, marks])
    return Array(layers, name, whole.chunks, dtype=image.dtype).rechunk(image.chunks)


def _tasks(name: str, image: Any, marks: Any, fill: Fill, axes: str) -> Iterator[tuple[Any, Any]]:
    """Yield the task of each block by its key: it is given the chunks that it reads."""
    starts = [[np.cumsum([0, *own]).tolist() for own in a.chunks] for a in (image, marks)]
    for index in product(*(range(n) for n in image.numblocks)):
        core = [(e[i], e[i + 1]) for e, i in zip(starts[0], index, strict=True)]
        wide = [
            (max(0, low - MARGIN), min(n, high + MARGIN)) if a in "yx" else (low, high)
            for a, n, (low, high) in zip(axes, image.shape, core, strict=True)
        ]
        thin = [own if n > 1 else (0, 1) for own, n in zip(wide, marks.shape, strict=True)]
        parts = (
            _parts(array.name, edges, span)
            for array, edges, span in zip((image, marks), starts, (wide, thin), strict=True)
        )
        # Lists: tuples of a graph are tasks and keys.
        sizes = [[list(own) for own in span] for span in (core, wide, thin)]
        yield (name, *index), (_filled, fill, axes, sizes, *chain.from_iterable(parts))


def _parts(
    name: str, edges: Sequence[Sequence[int]], spans: Sequence[tuple[int, int]]
) -> tuple[list[list[int]], list[tuple[Any, ...]]]:
    """Return where the chunks that a box meets begin, and their keys."""
    met = [
        range(bisect_right(own, low) - 1, bisect_left(own, high))
        for own, (low, high) in zip(edges, spans, strict=True)
    ]
    indices = list(product(*met))
    corners = [[own[i] for own, i in zip(edges, index, strict=True)] for index in indices]
    return corners, [(name, *index) for index in indices]


def _assembled(
    spans: Spans, corners: Sequence[Sequence[int]], chunks: Sequence[NDArray[Any]]
) -> NDArray[Any]:
    """Return a box of an array of which the chunks are given that it meets."""
    box = np.empty([high - low for low, high in spans], chunks[0].dtype)
    for corner, chunk in zip(corners, chunks, strict=True):
        met = [
            (max(low, at), min(high, at + n))
            for (low, high), at, n in zip(spans, corner, chunk.shape, strict=True)
        ]
        there = (slice(a - low, b - low) for (a, b), (low, _) in zip(met, spans, strict=True))
        here = (slice(a - at, b - at) for (a, b), at in zip(met, corner, strict=True))
        box[tuple(there)] = chunk[tuple(here)]
    return box


def _as_image(hole: Any, axes: str, shape: tuple[int, ...]) -> Any:
    """Return a hole as a dask array with the image's axes, those that it lacks being 1 long."""
    import dask.array as da

    marks = hole if hasattr(hole, "dask") else da.from_array(np.asarray(hole))
    for own in (axes, axes.replace("c", ""), "yx"):
        sizes = tuple(shape[axes.index(a)] for a in own)
        if marks.shape == sizes:
            order = [own.index(a) for a in sorted(own, key=axes.index)]
            key = tuple(slice(None) if a in own else None for a in axes)
            return (marks.transpose(order) != 0)[key]
    raise HoleError(
        f"A hole of shape {marks.shape} does not fit an image of shape {shape}, axes {axes}."
    )


def _filled(
    fill: Fill,
    axes: str,
    sizes: Sequence[Spans],
    corners: Sequence[Sequence[int]],
    chunks: Sequence[NDArray[Any]],
    hole_corners: Sequence[Sequence[int]],
    hole_chunks: Sequence[NDArray[np.bool_]],
) -> NDArray[Any]:
    """Return a block with its hole filled: a task of the graph."""
    core, wide, thin = sizes
    hole = _assembled(thin, hole_corners, hole_chunks)
    inner = tuple(
        slice(low - start, high - start) for (low, high), (start, _) in zip(core, wide, strict=True)
    )
    block = _assembled(wide, corners, chunks)
    if not hole.any():
        return block[inner]
    # t and z of the block's own length, channels of the hole's own.
    flat = "c" in axes and hole.shape[axes.index("c")] == 1
    shape = [1 if a == "c" and flat else n for a, n in zip(axes, block.shape, strict=True)]
    hole = np.broadcast_to(hole, shape)
    try:
        done = fill(block, hole.squeeze(axes.index("c")) if flat else hole, axes)
    except HoleError as error:
        raise HoleError(
            f"A block of {block.shape}, its margin of {MARGIN} pixels with it, cannot be filled on "
            f"its own: {error} Use larger chunks, or plan='whole'."
        ) from error
    return done[inner]
