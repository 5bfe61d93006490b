"""The tasks of a graph of dask: what is done to the chunks that they are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.engine.packs import Pack, PackKey
from eii.engine.patches import Patch
from eii.engine.run import Runner
from eii.image.geometry import Box
from eii.io.axes import channels_last, plane_key
from eii.io.lazy import given
from eii.io.source import Source
from eii.runs import paste

_patches: ContextVar[Mapping[tuple[int, int], Patch]] = ContextVar("patches")


class GivenPatches:
    """Patches that a task of a graph was given, by task of the job and position of the unit."""

    def put(self, key: PackKey, pack: Pack) -> None:
        """Refuse: what is computed in a graph is returned."""
        raise RuntimeError("patches of a graph are passed from task to task")

    def get(self, key: PackKey, index: int) -> Patch:
        """Return a patch that was given."""
        return _patches.get()[key[0], index]

    def has(self, key: PackKey) -> bool:
        """Return that nothing is kept."""
        return False


@dataclass(frozen=True)
class Kit:
    """What all tasks of a graph share."""

    runner: Runner
    source: Source
    keep_alpha: bool


@contextmanager
def _reading(
    indices: Sequence[Sequence[int]],
    arrays: Sequence[NDArray[Any]],
    patches: Sequence[Mapping[tuple[int, int], Patch]],
) -> Iterator[None]:
    token = _patches.set({key: patch for own in patches for key, patch in own.items()})
    try:
        with given(indices, arrays):
            yield
    finally:
        _patches.reset(token)


def restore_batch(
    kit: Kit,
    number: int,
    batch: Sequence[int],
    indices: Sequence[Sequence[int]],
    arrays: Sequence[NDArray[Any]],
    above: Sequence[Mapping[tuple[int, int], Patch]],
) -> dict[tuple[int, int], Patch]:
    """Restore windows of one size and level: a task of the graph; return their patches."""
    with _reading(indices, arrays, above):
        done = kit.runner.restored(number, batch)
    return {(number, i): patch for i, patch in zip(batch, done, strict=True)}


def fill_region(
    kit: Kit,
    plane: Sequence[int],
    box: Box,
    indices: Sequence[Sequence[int]],
    arrays: Sequence[NDArray[Any]],
    patches: Sequence[Mapping[tuple[int, int], Patch]],
) -> NDArray[Any]:
    """Fill a region of a plane: a task of the graph; return its pixels, shape (h, w, C)."""
    own = tuple(plane)
    with _reading(indices, arrays, patches):
        pixels = kit.source.read(own, box)
        done = paste(kit.runner, kit.source, pixels, own, box, keep_alpha=kit.keep_alpha)
    return done.pixels


def lay_on(
    chunk: NDArray[Any],
    axes: str,
    planes: Sequence[Sequence[int]],
    channels: Sequence[int],
    regions: Sequence[NDArray[Any]],
) -> NDArray[Any]:
    """Lay filled regions on a chunk: a task of the graph; return another chunk."""
    done = np.array(chunk)
    height, width = (done.shape[axes.index(a)] for a in "yx")
    for plane, region in zip(planes, regions, strict=True):
        key = plane_key(axes, tuple(plane), slice(0, height), slice(0, width))
        channels_last(done[key], axes)[...] = region[..., slice(*channels)]
    return done
