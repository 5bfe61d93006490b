"""Restoration of dask arrays block by block, the hole looked at only where a block is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.errors import HoleError
from eii.io.axes import named_axes
from eii.io.lazy import Chunks, given

MARGIN = 256
"""Pixels around a block from which its holes are filled: the side of a window."""

Spans = Sequence[Sequence[int]]
Indices = Sequence[Sequence[int]]
Fill = Callable[[NDArray[Any], NDArray[Any], str], NDArray[Any]]


@dataclass(frozen=True)
class _Kit:
    """What all tasks of a graph share."""

    fill: Fill
    axes: str
    image: Chunks
    hole: Chunks


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
    tasks = dict(_tasks(name, whole, marks, _Kit(fill, axes, Chunks(whole), Chunks(marks))))
    layers = HighLevelGraph.from_collections(name, tasks, dependencies=[whole, marks])
    return Array(layers, name, whole.chunks, dtype=image.dtype).rechunk(image.chunks)


def _tasks(name: str, image: Any, marks: Any, kit: _Kit) -> Iterator[tuple[Any, Any]]:
    """Yield the task of each block by its key: it is given the chunks that it reads."""
    shared = f"{name}-kit"
    yield shared, kit
    edges = [np.cumsum([0, *own]).tolist() for own in image.chunks]
    for index in product(*(range(n) for n in image.numblocks)):
        core = [(own[i], own[i + 1]) for own, i in zip(edges, index, strict=True)]
        wide = [
            (max(0, low - MARGIN), min(n, high + MARGIN)) if a in "yx" else (low, high)
            for a, n, (low, high) in zip(kit.axes, image.shape, core, strict=True)
        ]
        thin = [own if n > 1 else (0, 1) for own, n in zip(wide, marks.shape, strict=True)]
        # Lists: tuples of a graph are tasks and keys.
        sizes = [[list(own) for own in span] for span in (core, wide, thin)]
        parts: list[list[Any]] = []
        for array, chunks, span in ((image, kit.image, wide), (marks, kit.hole, thin)):
            met = chunks.blocks_at(_key(span))
            parts += [[list(own) for own in met], [(array.name, *own) for own in met]]
        yield (name, *index), (_filled, shared, sizes, *parts)


def _key(spans: Spans) -> tuple[slice, ...]:
    return tuple(slice(low, high) for low, high in spans)


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
    kit: _Kit,
    sizes: Sequence[Spans],
    indices: Indices,
    chunks: Sequence[NDArray[Any]],
    hole_indices: Indices,
    hole_chunks: Sequence[NDArray[np.bool_]],
) -> NDArray[Any]:
    """Return a block with its hole filled: a task of the graph."""
    (core, wide, thin), axes = sizes, kit.axes
    with given(hole_indices, hole_chunks):
        hole = kit.hole[_key(thin)]
    with given(indices, chunks):
        block = kit.image[_key(wide)]
    inner = tuple(
        slice(low - start, high - start) for (low, high), (start, _) in zip(core, wide, strict=True)
    )
    if not hole.any():
        return block[inner]
    # t and z of the block's own length, channels of the hole's own.
    flat = "c" in axes and hole.shape[axes.index("c")] == 1
    shape = [1 if a == "c" and flat else n for a, n in zip(axes, block.shape, strict=True)]
    hole = np.broadcast_to(hole, shape)
    try:
        done = kit.fill(block, hole.squeeze(axes.index("c")) if flat else hole, axes)
    except HoleError as error:
        raise HoleError(
            f"A block of {block.shape}, its margin of {MARGIN} pixels with it, cannot be filled on "
            f"its own: {error} Use larger chunks, or plan='whole'."
        ) from error
    return done[inner]
