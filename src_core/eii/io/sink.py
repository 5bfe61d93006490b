"""Results as OME-Zarr 0.5: complete or absent, never half."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import zarr
from numpy.typing import DTypeLike, NDArray

from eii.errors import OutputError, OutputPathError
from eii.image.geometry import Box
from eii.io.axes import ORDER, plane_key
from eii.io.multiscale import build_pyramid, describe_image, describe_label
from eii.io.source import Source

CHUNK = 1024
"""Side of the chunks written, in pixels."""
INPAINTED = "labels/inpainted"
CONFIDENCE = "confidence"


class ZarrSink:
    """Writes one result beside its final place and moves it there when it is whole.

    Use it as a context: leaving it without `finish` removes what was written.

    Parameters
    ----------
    out : Path
        The folder to be.
    source : Source
        Its shape, axes and metadata are the result's.
    overwrite : bool
        Replace what is at ``out``, at the very end.

    Raises
    ------
    OutputError
        If ``out`` exists and ``overwrite`` is false, lies inside the source or the source inside
        it, or cannot be written.
    """

    def __init__(self, out: Path, source: Source, *, overwrite: bool = False) -> None:
        check_output(out, source, overwrite=overwrite)
        self._out = out
        self._source = source
        self._axes = "".join(a for a in ORDER if a in source.axes)
        self._plain = self._axes.replace("c", "")
        self._partial = out.with_name(out.name + ".partial")
        self._finished = False
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            if self._partial.exists():
                shutil.rmtree(self._partial)
            self._root = zarr.open_group(str(self._partial), mode="w", zarr_format=3)
            self._image = self._create("0", self._axes, source.dtype, 0)
            self._inpainted = self._create(f"{INPAINTED}/0", self._plain, np.uint8, 0)
            self._confidence = self._create(f"{CONFIDENCE}/0", self._plain, np.uint8, 255)
        except OSError as error:
            self.abort()
            raise _unwritable(out, error) from error

    def __enter__(self) -> ZarrSink:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._finished:
            self.abort()

    def _create(self, name: str, axes: str, dtype: DTypeLike, fill: int) -> Any:
        shape = tuple(self._source.shape[self._source.axes.index(a)] for a in axes)
        chunks = tuple(min(CHUNK, n) if a in "yx" else 1 for a, n in zip(axes, shape, strict=True))
        return self._root.create_array(
            name,
            shape=shape,
            chunks=chunks,
            dtype=np.dtype(dtype),
            fill_value=fill,
            dimension_names=list(axes),
        )

    def regions(self) -> Iterator[tuple[tuple[int, ...], Box]]:
        """Yield every plane and box to write; each is stored as objects of its own."""
        height, width = self._source.plane_shape
        for plane in self._source.planes:
            for y in range(0, height, CHUNK):
                for x in range(0, width, CHUNK):
                    yield plane, Box(y, x, y + CHUNK, x + CHUNK).clip((height, width))

    def write(
        self,
        plane: tuple[int, ...],
        box: Box,
        *,
        pixels: NDArray[Any],
        filled: NDArray[np.bool_],
        confidence: NDArray[np.float32],
    ) -> None:
        """Store one finished region.

        Parameters
        ----------
        plane : tuple of int
        box : Box
            One of `regions`.
        pixels : ndarray of shape (h, w, C), of the source's dtype
        filled : ndarray of shape (h, w), bool
            Which pixels are invented.
        confidence : ndarray of shape (h, w), float32
            In [0, 1]; stored in steps of 1 / 255.

        Raises
        ------
        OutputError
            If it cannot be stored: no space, or no right to.
        """
        key, plain = (plane_key(axes, plane, *box.slices) for axes in (self._axes, self._plain))
        stored = np.moveaxis(pixels, 2, 0) if "c" in self._axes else pixels[..., 0]
        try:
            self._image[key] = stored
            if filled.any():
                self._inpainted[plain] = filled.astype(np.uint8)
                self._confidence[plain] = np.rint(confidence * 255).astype(np.uint8)
        except OSError as error:
            raise _unwritable(self._out, error) from error

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Build the pyramids, write the metadata, and move the result to its place.

        Parameters
        ----------
        provenance : mapping
            JSON, kept in the attribute ``eii``.

        Raises
        ------
        OutputError
            If it cannot be stored.
        """
        try:
            self._describe(provenance)
            self._move()
        except OSError as error:
            raise _unwritable(self._out, error) from error
        self._finished = True

    def _describe(self, provenance: Mapping[str, Any]) -> None:
        levels = build_pyramid(self._root, "", self._axes)
        describe_image(self._root, levels, self._source, self._axes, name=self._out.stem)
        for name in (INPAINTED, CONFIDENCE):
            levels = build_pyramid(self._root, name, self._plain)
            group = self._root.require_group(name)
            describe_image(group, levels, self._source, self._plain, name=name)
        describe_label(self._root, "inpainted")
        colour = {"rgb": self._source.is_rgb, "alpha": self._source.has_alpha}
        tiff = self._source.facts.tiff
        self._root.attrs["eii"] = {**provenance, **colour, "tiff": dict(tiff) if tiff else None}

    def _move(self) -> None:
        if not self._out.exists():
            self._partial.rename(self._out)
            return
        old = self._out.with_name(self._out.name + ".replaced.partial")
        self._out.rename(old)
        self._partial.rename(self._out)
        shutil.rmtree(old) if old.is_dir() else old.unlink()

    def abort(self) -> None:
        """Remove what was written."""
        shutil.rmtree(self._partial, ignore_errors=True)


def check_output(out: Path, source: Source, *, overwrite: bool) -> None:
    """Raise `OutputPathError` if a result may not be written to ``out``."""
    if source.path is not None:
        ours, theirs = out.resolve(), source.path.resolve()
        if ours == theirs or theirs in ours.parents:
            raise OutputPathError(
                f"The output {out} is the source, or inside it. Choose another path."
            )
        if ours in theirs.parents:
            raise OutputPathError(f"The source lies inside the output {out}. Choose another path.")
    if out.exists() and not overwrite:
        raise OutputPathError(f"{out} exists. Choose another path, or allow to overwrite it.")


def _unwritable(out: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{out} cannot be written: {error.strerror or error}. Nothing was left there."
    )
