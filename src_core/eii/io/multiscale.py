"""Pyramids: coarser levels, each half the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from eii.image.geometry import Box, Cell, Region, blocks_of, cells_of, region_at, union
from eii.io.axes import plane_indices, plane_key, size_of
from eii.io.kept import Kept, region_of

RunAll = Callable[[Iterable[Callable[[], None]]], None]

SMALLEST = 512
"""A pyramid ends with the level whose sides are no longer than this."""


def build_pyramid(
    root: zarr.Group,
    name: str,
    axes: str,
    *,
    touched: Sequence[Region] | None = None,
    kept: Sequence[Kept] = (),
    greatest: bool | None = None,
    run: RunAll,
) -> list[str]:
    """Add coarser levels to the array ``name/0``, each half the one before.

    Parameters
    ----------
    root : zarr.Group
    name : str
        Group of the levels.
    axes : str
    touched : sequence of (plane, Box), optional
        Boxes of level 0 outside which there is the fill value alone, or what ``kept`` has; by
        default all of it is to be halved.
    kept : sequence of Kept
        Coarser levels as they were before level 0 was touched, those that there are.
    greatest : bool, optional
        A cell has the greatest of its values, as of labels, else their mean; by default so of what
        is in ``labels``.
    run : callable
        Runs calls, in any order or at the same time.

    Returns
    -------
    list of str
        Paths of all levels, relative to the group.

    Notes
    -----
    Memory follows one region a thread.
    """
    prefix = f"{name}/" if name else ""
    paths = ["0"]
    greatest = name.startswith("labels") if greatest is None else greatest
    while True:
        finer: Any = root[f"{prefix}{paths[-1]}"]
        number = len(paths)
        path = f"{prefix}{number}"
        if number <= len(kept):
            coarser = _create_kept(root, path, kept[number - 1], run)
        elif max(_plane_shape(finer, axes)) <= SMALLEST:
            return paths
        else:
            coarser = _create_half(root, path, finer, axes)
        touched = touched and [(plane, _halved(box)) for plane, box in touched]
        whole = touched is None or number > len(kept) > 0
        shape, sides = _plane_shape(coarser, axes), region_of(coarser, axes)
        regions = _regions(coarser, axes) if whole else _apart(touched or (), sides, shape)
        paths.append(str(number))
        run(partial(_fill_half, finer, coarser, axes, region, greatest) for region in regions)


def _halved(box: Box) -> Box:
    return Box(box.y0 // 2, box.x0 // 2, -(-box.y1 // 2), -(-box.x1 // 2))


def _apart(
    touched: Iterable[Region], sides: tuple[int, int], shape: tuple[int, int]
) -> list[Region]:
    """Return boxes cut at the borders of regions, and joined within each: one owner an object."""
    found: dict[Cell, Box] = {}
    for plane, box in touched:
        for cell in cells_of([(plane, box)], sides):
            part = box.intersect(region_at(cell, sides)[1])
            found[cell] = union((found.get(cell, part), part))
    return [(cell[0], box.clip(shape)) for cell, box in found.items()]


def _create_kept(root: zarr.Group, name: str, own: Kept, run: RunAll) -> Any:
    """Copy a level as it was."""
    folder = root.store_path.store.root / root.path / name  # type: ignore[attr-defined]
    own.describe(folder)
    run(own.copies(folder, set()))
    return root[name]


def _create_half(root: zarr.Group, name: str, finer: Any, axes: str) -> Any:
    shape = tuple(-(-n // 2) if a in "yx" else n for a, n in zip(axes, finer.shape, strict=True))
    return create_array(
        root,
        name,
        axes,
        shape=shape,
        chunks=tuple(min(c, n) for c, n in zip(finer.chunks, shape, strict=True)),
        dtype=finer.dtype,
        fill_value=finer.fill_value,
        overwrite=True,  # of the run that is resumed
    )


def create_array(root: zarr.Group, name: str, axes: str, **how: Any) -> Any:
    """Create an array in a group of either format, named axes where it has names."""
    if root.metadata.zarr_format == 2:
        how["chunk_key_encoding"] = {"name": "v2", "separator": "/"}
    else:
        how["dimension_names"] = list(axes)
    return root.create_array(name, **how)


def _plane_shape(array: Any, axes: str) -> tuple[int, int]:
    return size_of(axes, array.shape, "y"), size_of(axes, array.shape, "x")


def _regions(array: Any, axes: str) -> list[Region]:
    """Return every plane and box that is stored as objects of its own."""
    boxes = list(blocks_of(_plane_shape(array, axes), region_of(array, axes)))
    return [(plane, box) for plane in plane_indices(axes, array.shape) for box in boxes]


def _fill_half(finer: Any, coarser: Any, axes: str, region: Region, greatest: bool) -> None:
    plane, box = region
    full = Box(2 * box.y0, 2 * box.x0, 2 * box.y1, 2 * box.x1)
    keys = [plane_key(axes, plane, *b.slices) for b in (full, box)]
    # Channel by channel: with many of them a region of all is large.
    for channel in range(size_of(axes, finer.shape, "c")):
        source, target = (
            tuple(channel if a == "c" else k for a, k in zip(axes, key, strict=True))
            for key in keys
        )
        coarser[target] = halve(finer[source], greatest=greatest)


_SUMS: dict[str, type[np.generic]] = {
    "b1": np.uint16,
    "u1": np.uint16,
    "u2": np.uint32,
    "u4": np.uint64,
    "i1": np.int16,
    "i2": np.int32,
    "i4": np.int64,
    "f2": np.float32,
}
"""What four pixels of a dtype are summed in."""


def halve(pixels: NDArray[Any], *, greatest: bool = False) -> NDArray[Any]:
    """Return each cell of two by two pixels as one.

    Parameters
    ----------
    pixels : ndarray of shape (M, N)
        The last cells may be partial.
    greatest : bool
        Of labels: the greatest value of a cell, instead of the mean rounded half to even.

    Returns
    -------
    ndarray of shape (ceil(M / 2), ceil(N / 2)), of the same dtype
    """
    if greatest:
        return _joined(_joined(pixels, np.maximum).T, np.maximum).T
    wide = pixels.astype(_SUMS.get(pixels.dtype.str[1:], pixels.dtype), copy=False)
    sums = _joined(_joined(wide, np.add).T, np.add).T
    rows, columns = (np.minimum(2, n - np.arange(0, n, 2)) for n in pixels.shape)
    counts = (rows[:, np.newaxis] * columns).astype(wide.dtype)
    if pixels.dtype.kind == "f":
        return (sums / counts).astype(pixels.dtype)
    if counts.min() == 4:
        # (s + 1 + the bit of 4) / 4 is the mean of four integers rounded half to even.
        return ((sums + 1 + (sums >> 2 & 1)) >> 2).astype(pixels.dtype)
    whole, rest = np.divmod(sums, counts)
    up = (2 * rest > counts) | ((2 * rest == counts) & (whole % 2 == 1))
    return (whole + up).astype(pixels.dtype)


def _joined(pixels: NDArray[Any], join: np.ufunc) -> NDArray[Any]:
    """Return pairs of rows joined; a last one alone stays as it is."""
    first, second = pixels[::2], pixels[1::2]
    joined = first.copy()
    join(first[: len(second)], second, out=joined[: len(second)])
    return joined
