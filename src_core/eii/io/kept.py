"""Arrays of a source that a result keeps: their grid, codec, format and untouched bytes."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from math import prod
from pathlib import Path
from typing import Any, Literal

import zarr

from eii.errors import SourceError
from eii.image.geometry import Cell
from eii.io.axes import ORDER, size_of
from eii.io.source import Source

CHUNK = 1024
"""Side of the chunks written, in pixels, where there is no grid to keep."""
_SIDE = 512  # least side of a region, where chunks are smaller
_LARGEST = 2**28  # bytes of a stored object that is rewritten whole, at the most
_TOGETHER = 32  # files copied by one call
_AT_A_TIME = 2**24  # bytes copied at a time
_PARTIAL = ".partial"
_METADATA = {3: "zarr.json", 2: ".zarray"}


@dataclass(frozen=True, eq=False)
class Kept:
    """One array on this machine's disks, each of whose objects is of one plane.

    Parameters
    ----------
    path : Path
    array : zarr.Array
    axes : str
    """

    path: Path
    array: Any
    axes: str

    @property
    def version(self) -> Literal[2, 3]:
        """Return its Zarr format."""
        return 2 if self.array.metadata.zarr_format == 2 else 3

    @property
    def region(self) -> tuple[int, int]:
        """Return the sides of the regions that are written at a time: of whole objects."""
        return region_of(self.array, self.axes)

    @property
    def inner(self) -> tuple[int, int]:
        """Return the sides of its smallest readable parts."""
        return _sides(self.array.chunks, self.axes)

    def describe(self, folder: Path) -> None:
        """Write the metadata of an array like this one, without its attributes."""
        name = _METADATA[self.version]
        try:
            described = json.loads((self.path / name).read_text(encoding="utf-8"))
        except OSError as error:
            raise SourceError(f"{self.path} is no longer there.") from error
        if self.version == 3:
            described |= {"attributes": {}, "dimension_names": list(self.axes)}
        folder.mkdir(parents=True, exist_ok=True)
        cut = folder / f"{name}{_PARTIAL}"
        cut.write_text(json.dumps(described), encoding="utf-8")
        cut.replace(folder / name)

    def copies(self, folder: Path, skip: set[Cell]) -> Iterator[Callable[[], None]]:
        """Yield calls that copy stored objects, but for those of some regions, to a folder.

        What is there already is not copied again.
        """
        names = (name for name, cell in self._cells() if cell not in skip)
        while some := list(islice(names, _TOGETHER)):
            yield partial(_copy_all, [(self.path / n, folder / n) for n in some])

    def sizes(self, cells: set[Cell]) -> tuple[int, int]:
        """Return how many bytes are stored outside of some regions, and in them."""
        found = [0, 0]
        for name, cell in self._cells():
            found[cell in cells] += (self.path / name).stat().st_size
        return found[0], found[1]

    def _cells(self) -> Iterator[tuple[str, Cell]]:
        """Yield the name of every stored object and the region that it belongs to."""
        own = zip(self.region, _sides(object_shape(self.array), self.axes), strict=True)
        rows, columns = (side // size for side, size in own)
        for name, numbers in _named_objects(self.path, len(self.axes)):
            at = dict(zip(self.axes, numbers, strict=True))
            plane = tuple(at[a] for a in "tz" if a in at)
            yield name, (plane, at["y"] // rows, at["x"] // columns)


def _copy_all(pairs: Iterable[tuple[Path, Path]]) -> None:
    """Copy files, each under a temporary name that is changed then: one that is there is whole."""
    for source, target in pairs:
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        cut = target.with_name(f"{target.name}{_PARTIAL}")
        try:
            file = source.open("rb")
        except OSError as error:
            raise SourceError(f"{source} can no longer be read.") from error
        with file, cut.open("wb") as copy:
            shutil.copyfileobj(file, copy, _AT_A_TIME)
        cut.replace(target)


def kept_levels(source: Source) -> tuple[Kept, ...]:
    """Return the arrays of a source that a result can keep, finest first; none when it cannot.

    Those are kept whose stored objects are each of one plane, and whose axes are in the order of
    OME-NGFF; of a pyramid, the levels that are each half the one before.
    """
    if source.stored is None or list(source.axes) != [a for a in ORDER if a in source.axes]:
        return ()
    found: list[Kept] = []
    for path in (source.stored, *source.coarser):
        array = zarr.open_array(str(path), mode="r")
        kept = Kept(path, array, source.axes)
        if not _fits(kept) or (found and not _is_half(kept, found[-1])):
            break
        found.append(kept)
    return tuple(found)


def region_of(array: Any, axes: str) -> tuple[int, int]:
    """Return the sides of regions that hold whole stored objects of an array."""
    sides = _sides(object_shape(array), axes)
    rows, columns = (side * max(1, _SIDE // side) for side in sides)
    return rows, columns


def object_numbers(path: Path, ndim: int) -> Iterator[tuple[int, ...]]:
    """Yield the position, on the grid of objects, of each that is stored."""
    return (numbers for _, numbers in _named_objects(path, ndim))


def _named_objects(path: Path, ndim: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for folder, _, files in os.walk(path):
        within = Path(folder).relative_to(path).as_posix()
        prefix = "" if within == "." else f"{within}/"
        for file in files:
            name = prefix + file
            if re.fullmatch(r"(c[./])?\d+([./]\d+)*", name):
                numbers = tuple(map(int, re.findall(r"\d+", name)))
                if len(numbers) == ndim:
                    yield name, numbers


def object_shape(array: Any) -> tuple[int, ...]:
    """Return the shape of what is stored as one object: a shard, or a chunk."""
    return tuple(array.shards or array.chunks)


def _sides(shape: tuple[int, ...], axes: str) -> tuple[int, int]:
    return size_of(axes, shape, "y"), size_of(axes, shape, "x")


def _fits(kept: Kept) -> bool:
    shape = object_shape(kept.array)
    alone = all(n == 1 for a, n in zip(kept.axes, shape, strict=True) if a in "tz")
    return alone and prod(shape) * kept.array.dtype.itemsize <= _LARGEST


def _is_half(kept: Kept, finer: Kept) -> bool:
    """Tell whether a level is half the one before along y and x, and alike otherwise."""
    if (kept.array.dtype, kept.version) != (finer.array.dtype, finer.version):
        return False
    sizes = zip(kept.axes, kept.array.shape, finer.array.shape, strict=True)
    return all(n in (m // 2, -(-m // 2)) if a in "yx" else n == m for a, n, m in sizes)
