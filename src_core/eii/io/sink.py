"""Results as OME-Zarr 0.5: complete or absent, never half."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
import zarr
from numcodecs import Zstd
from numpy.typing import DTypeLike, NDArray

from eii.image.geometry import Box, Region, blocks_of, cells_of
from eii.image.hole import box_around
from eii.io.axes import ORDER, plane_key
from eii.io.describe import INVENTED, describe_image, describe_labels
from eii.io.error_figures import error_figures
from eii.io.kept import CHUNK, Kept
from eii.io.label_image import Labels, label_metadata
from eii.io.multiscale import RunAll, build_pyramid, create_array
from eii.io.place import ATTRIBUTE, SOFTWARE, UNFINISHED, Place, is_ours, writing
from eii.io.source import Source

INPAINTED = "labels/inpainted"
STANDARD_ERROR = "standard_error"
DEFECTS = "labels/defects"
_WIDE = 2048  # side of a region from which the labels have the source's smaller chunks
_TRIED = 512  # side of a region that is compressed to estimate the size
_ZSTD = Zstd(level=0)  # what zarr compresses with unless told


class ZarrSink:
    """Writes one result to a place.

    Parameters
    ----------
    place : Place
        Entered; what is not finished is removed when it is left.
    source : Source
        Its shape, axes and metadata are the result's.
    by_channel : bool
        Say of every channel which of its pixels are invented.
    kept : sequence of Kept
        Levels of the source whose grid, codec and format the result has; then only regions in
        which something is filled are written, and the rest is copied as bytes.
    errors : bool
        Keep the standard error of what is invented.
    defects : Labels, optional
        What was found in the image, to be kept beside what is invented.

    Raises
    ------
    OutputError
        If it cannot be written.
    """

    def __init__(
        self,
        place: Place,
        source: Source,
        *,
        by_channel: bool = False,
        kept: Sequence[Kept] = (),
        errors: bool = True,
        defects: Labels | None = None,
    ) -> None:
        self._out, self._title, self._partial = place.name, place.title, place.partial
        self._source = source
        self._axes = "".join(a for a in ORDER if a in source.axes)
        self._plain = self._axes.replace("c", "")
        self._marked = self._axes if by_channel else self._plain
        self._kept, self._defects = kept, defects
        self._side = kept[0].region if kept else (CHUNK, CHUNK)
        self._touched: list[Region] = []
        with writing(place.name):
            self._root = _open_unfinished(place.partial, kept[0].version if kept else 3)
            if kept:
                kept[0].describe(place.partial / "0")
            self._image = self._create("0", self._axes, source.dtype, 0)
            self._inpainted = self._create(f"{INPAINTED}/0", self._marked, np.uint8, 0)
            self._errors = None
            if errors:
                self._errors = self._create(f"{STANDARD_ERROR}/0", self._axes, np.float32, 0)
            if defects is not None:
                self._found = self._create(f"{DEFECTS}/0", defects.axes, np.uint8, 0)

    def _create(self, name: str, axes: str, dtype: DTypeLike, fill: int) -> Any:
        there = self._root.get(name)
        if isinstance(there, zarr.Array):
            return there  # of the run that is resumed
        shape = tuple(self._source.shape[self._source.axes.index(a)] for a in axes)
        sides = self._side
        if self._kept and max(sides) > _WIDE:
            sides = self._kept[0].inner
        by_axis = dict(zip("yx", sides, strict=True))
        chunks = tuple(min(by_axis.get(a, 1), n) for a, n in zip(axes, shape, strict=True))
        how = {"shape": shape, "chunks": chunks, "dtype": np.dtype(dtype), "fill_value": fill}
        return create_array(self._root, name, axes, **how)

    @property
    def side(self) -> tuple[int, int]:
        """Return the sides of the regions to write; each is stored as objects of its own."""
        return self._side

    def numbered(self, touched: Iterable[Region]) -> Iterator[tuple[int, Region]]:
        """Yield every plane and box to write, by a number that follows from its place alone.

        Parameters
        ----------
        touched : iterable of (plane, Box)
            Regions in which something may be filled: of what is copied as bytes only they are
            written.
        """
        shape, planes = self._source.plane_shape, self._source.planes
        if not self._kept:
            every = ((p, box) for p in planes for box in blocks_of(shape, self._side))
            yield from enumerate(every)
            return
        rows, columns = (-(-n // s) for n, s in zip(shape, self._side, strict=True))
        at = {plane: number for number, plane in enumerate(planes)}
        for plane, box in touched:
            row, column = box.y0 // self._side[0], box.x0 // self._side[1]
            yield (at[plane] * rows + row) * columns + column, (plane, box)

    def copies(self, touched: Iterable[Region]) -> Iterator[Callable[[], None]]:
        """Yield calls that copy what lies outside of the regions in which something is filled."""
        if self._kept:
            skip = cells_of(touched, self._side)
            yield from self._kept[0].copies(self._partial / "0", skip)

    def write(
        self,
        plane: tuple[int, ...],
        box: Box,
        *,
        pixels: NDArray[Any],
        filled: NDArray[np.bool_],
        errors: NDArray[np.float32],
    ) -> Box:
        """Store one finished region; return the box around what is filled in it, to `touch`.

        Parameters
        ----------
        plane : tuple of int
        box : Box
            One of `numbered`.
        pixels : ndarray of shape (h, w, C), of the source's dtype
        filled : ndarray of shape (h, w, C), bool
            Which pixels are invented.
        errors : ndarray of shape (h, w, C), float32
            Standard errors in the image's own units; 0 where known.

        Raises
        ------
        OutputError
            If it cannot be stored: no space, or no right to.
        """
        key, plain = (plane_key(axes, plane, *box.slices) for axes in (self._axes, self._plain))
        stored = np.moveaxis(pixels, 2, 0) if "c" in self._axes else pixels[..., 0]
        with writing(self._out):
            self._image[key] = stored
            around = box_around(np.asarray(filled.any(axis=2)))
            touched = around.relative_to(Box(-box.y0, -box.x0, 0, 0))
            if touched.area:
                by_channel = "c" in self._marked
                marks = np.moveaxis(filled, 2, 0) if by_channel else filled.any(axis=2)
                self._inpainted[key if by_channel else plain] = marks.astype(np.uint8)
                if self._defects is not None:
                    marked = plane_key(self._defects.axes, plane, *box.slices)
                    self._found[marked] = self._defects[marked]
                if self._errors is not None:
                    off = np.moveaxis(errors, 2, 0) if "c" in self._axes else errors[..., 0]
                    self._errors[key] = off
        return touched

    def touch(self, plane: tuple[int, ...], box: Box) -> None:
        """Note a box around what is filled in a region; of no area when nothing is."""
        if box.area:
            self._touched.append((plane, box))

    def finish(self, provenance: Mapping[str, Any], *, run: RunAll) -> None:
        """Build the pyramids and write the metadata: the result is whole then, and to be moved.

        Parameters
        ----------
        provenance : mapping
            JSON, kept in the attribute ``eii``.
        run : callable
            Runs calls that store regions, in any order or at the same time.

        Raises
        ------
        OutputError
            If it cannot be stored.
        """
        with writing(self._out):
            self._describe(provenance, run)

    def _describe(self, provenance: Mapping[str, Any], run: RunAll) -> None:
        own = self._touched if self._kept[1:] else None
        kept = self._kept[1:]
        levels = build_pyramid(self._root, "", self._axes, touched=own, kept=kept, run=run)
        describe_image(self._root, levels, self._source, self._axes, name=self._title)
        groups = [(INPAINTED, self._marked)]
        if self._errors is not None:
            groups.append((STANDARD_ERROR, self._axes))
        labels: dict[str, Any] = {"inpainted": INVENTED}
        if self._defects is not None:
            groups.append((DEFECTS, self._defects.axes))
            labels["defects"] = label_metadata(self._defects.names)
        for name, axes in groups:
            levels = build_pyramid(self._root, name, axes, touched=self._touched, run=run)
            group = self._root.require_group(name)
            describe_image(group, levels, self._source, axes, name=name)
        describe_labels(self._root, labels)
        figures: dict[str, Any] = {}
        if self._errors is not None:
            figures["standard_error"] = error_figures(self._errors, self._axes, self._touched)
        colour = {"rgb": self._source.is_rgb, "alpha": self._source.has_alpha}
        tiff = self._source.facts.tiff
        self._root.attrs[ATTRIBUTE] = {
            "software": SOFTWARE,
            **provenance,
            **figures,
            **colour,
            "tiff": dict(tiff) if tiff else None,
        }


def _open_unfinished(folder: Path, version: Literal[2, 3]) -> zarr.Group:
    """Open the group of a result that is being written; what a kill cut off in it is removed."""
    # Marked as ours and as unfinished from its first file on.
    attributes: Any = {ATTRIBUTE: {"software": SOFTWARE, UNFINISHED: True}}
    if is_ours(folder):
        for cut in folder.rglob("*.partial"):
            cut.unlink()
        group = zarr.open_group(str(folder), mode="r+", zarr_format=version)
        group.attrs.update(attributes)
        return group
    return zarr.open_group(str(folder), mode="w", zarr_format=version, attributes=attributes)


def estimate_size(source: Source) -> int:
    """Return about how many bytes a result takes on the disk, from a few regions compressed."""
    plane = source.planes[len(source.planes) // 2]
    height, width = source.plane_shape
    raw = stored = 1
    for part in (1, 3, 5):
        y, x = (max(0, n * part // 6 - _TRIED // 2) for n in (height, width))
        pixels = source.read(plane, Box(y, x, y + _TRIED, x + _TRIED))
        raw += pixels.nbytes
        stored += len(_ZSTD.encode(np.ascontiguousarray(np.moveaxis(pixels, 2, 0))))
    whole = prod(source.shape) * source.dtype.itemsize
    # Each level of the pyramid takes a quarter of the one before.
    return int(whole * min(1.0, stored / raw) * 4 / 3)
