"""Where patches are kept until the output is written: in memory, or on the disk, many to a file."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Protocol, TypeAlias
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from eii.engine.patches import Patch
from eii.image.geometry import Box

PackKey: TypeAlias = tuple[int, int]
"""A task, and the number of one of its packs; which units are in it follows from the plan."""

Pack: TypeAlias = Mapping[int, Patch]
"""Patches by the position of their unit among those of the task."""

_OPEN = 512  # packs whose tables are remembered
_PARTIAL = ".partial"


class PatchStore(Protocol):
    """Keeps the patches of units until they are laid on the output."""

    def put(self, key: PackKey, pack: Pack) -> None:
        """Keep the patches of some units; all of them or none."""
        ...

    def get(self, key: PackKey, index: int) -> Patch:
        """Return the patch of one unit of a pack."""
        ...

    def has(self, key: PackKey) -> bool:
        """Tell whether the units of a pack are finished."""
        ...


class MemoryPatches:
    """Patches in memory, for arrays."""

    def __init__(self) -> None:
        self._kept: dict[PackKey, Pack] = {}

    def put(self, key: PackKey, pack: Pack) -> None:
        """Keep the patches of some units."""
        self._kept[key] = pack

    def get(self, key: PackKey, index: int) -> Patch:
        """Return the patch of one unit of a pack."""
        return self._kept[key][index]

    def has(self, key: PackKey) -> bool:
        """Tell whether the units of a pack are finished."""
        return key in self._kept


@dataclass(frozen=True, eq=False)
class _Table:
    """What a pack holds: where each unit's patch is, and of what box."""

    position: dict[int, int]
    box: NDArray[np.int64]
    bits_at: NDArray[np.int64]
    values_at: NDArray[np.int64]


class DiskPatches:
    """One file a pack in a folder; a file that is there is whole.

    Parameters
    ----------
    folder : Path
        Is made when absent; what a killed run left half-written in it is removed.
    shared : bool
        Another process has made it and is at work in it.
    """

    def __init__(self, folder: Path, *, shared: bool = False) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._there: set[str] = set()
        for file in () if shared else folder.iterdir():
            if file.suffix == _PARTIAL:
                file.unlink()
            else:
                self._there.add(file.name)
        self._tables: OrderedDict[PackKey, _Table] = OrderedDict()
        self._lock = Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """Open the same folder in another process."""
        return partial(DiskPatches, shared=True), (self._folder,)

    def put(self, key: PackKey, pack: Pack) -> None:
        """Write a pack under a temporary name, flush it to the disk, rename it."""
        from safetensors.numpy import save

        path = self._path(key)
        # Two processes may be at the same pack, when one of them was taken for lost.
        temporary = path.with_suffix(f".{uuid4().hex}{_PARTIAL}")
        with temporary.open("wb") as file:
            file.write(save(_packed(pack)))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        with self._lock:
            self._there.add(path.name)

    def get(self, key: PackKey, index: int) -> Patch:
        """Read the patch of one unit of a pack."""
        from safetensors import safe_open

        with safe_open(self._path(key), framework="numpy") as file:
            table = self._table(key, file)
            at = table.position[index]
            bits = slice(int(table.bits_at[at]), int(table.bits_at[at + 1]))
            values = slice(int(table.values_at[at]), int(table.values_at[at + 1]))
            *corners, lattice = (int(n) for n in table.box[at])
            return Patch(
                Box(*corners),
                file.get_slice("bits")[bits],
                file.get_slice("values")[values],
                file.get_slice("doubt")[values],
                bool(lattice),
            )

    def has(self, key: PackKey) -> bool:
        """Tell whether the units of a pack are finished."""
        return self._path(key).name in self._there

    def _path(self, key: PackKey) -> Path:
        return self._folder / f"{key[0]:05d}-{key[1]:07d}.safetensors"

    def _table(self, key: PackKey, file: Any) -> _Table:
        with self._lock:
            table = self._tables.get(key)
            if table is not None:
                self._tables.move_to_end(key)
                return table
        units = file.get_tensor("unit")
        table = _Table(
            {int(unit): at for at, unit in enumerate(units)},
            file.get_tensor("box"),
            file.get_tensor("bits_at"),
            file.get_tensor("values_at"),
        )
        with self._lock:
            self._tables[key] = table
            while len(self._tables) > _OPEN:
                self._tables.popitem(last=False)
        return table


def _packed(pack: Pack) -> dict[str, NDArray[Any]]:
    """Return the patches of a pack end to end, and where each begins."""
    patches = list(pack.values())
    boxes = [(p.box.y0, p.box.x0, p.box.y1, p.box.x1, p.lattice) for p in patches]
    return {
        "unit": np.array(list(pack), np.int64),
        "box": np.array(boxes, np.int64),
        "bits_at": np.cumsum([0, *(len(p.bits) for p in patches)], dtype=np.int64),
        "values_at": np.cumsum([0, *(len(p.values) for p in patches)], dtype=np.int64),
        "bits": np.concatenate([p.bits for p in patches]),
        "values": np.concatenate([p.values for p in patches]),
        "doubt": np.concatenate([p.doubt for p in patches]),
    }
