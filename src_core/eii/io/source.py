"""Images and holes to read from, by plane and box, whatever they are stored in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eii.errors import HoleError, ImageError, SourceError
from eii.image.dtype import check_dtype
from eii.image.geometry import Box
from eii.io.axes import (
    channels_last,
    check_axes,
    guess_axes,
    plane_indices,
    plane_key,
    size_of,
)


class Readable(Protocol):
    """An array that is read by slices: numpy, zarr, dask."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def __getitem__(self, key: Any, /) -> Any: ...


@dataclass(frozen=True)
class Facts:
    """What a file says of its image beside the pixels.

    Parameters
    ----------
    scale, translation : mapping of axis to float
        In ``units``; 1 and 0 where nothing is said.
    units : mapping of axis to str
        OME unit names.
    omero : mapping, optional
        Channel names, colours and windows as OME-NGFF has them.
    tiff : mapping, optional
        Resolution tags, ICC profile and axes of a TIFF file, as JSON.
    """

    scale: Mapping[str, float] = field(default_factory=dict)
    translation: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    omero: Mapping[str, Any] | None = None
    tiff: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Source:
    """One image.

    Parameters
    ----------
    name : str
        For messages and provenance.
    array : Readable
        Its pixels at full resolution.
    axes : str
        One letter of ``tczyx`` for each dimension of ``array``.
    is_rgb : bool
        The first three channels are red, green and blue.
    has_alpha : bool
        The last channel is alpha.
    path : Path, optional
        Where it is stored.
    facts : Facts
    is_picture : bool
        From a picture file, where channels mean colour and nothing else.
    """

    name: str
    array: Readable
    axes: str
    is_rgb: bool = False
    has_alpha: bool = False
    path: Path | None = None
    facts: Facts = field(default_factory=Facts)
    is_picture: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the dtype of the pixels."""
        return np.dtype(self.array.dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the size of each axis."""
        return tuple(int(n) for n in self.array.shape)

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Return the size (M, N) of a plane."""
        return size_of(self.axes, self.shape, "y"), size_of(self.axes, self.shape, "x")

    @property
    def channels(self) -> int:
        """Return the number of channels, alpha counted."""
        return size_of(self.axes, self.shape, "c")

    @cached_property
    def planes(self) -> tuple[tuple[int, ...], ...]:
        """Return the index of every plane over t and z."""
        return plane_indices(self.axes, self.shape)

    def read(self, plane: tuple[int, ...], box: Box) -> NDArray[Any]:
        """Return the pixels of a box of one plane.

        Parameters
        ----------
        plane : tuple of int
            One of `planes`.
        box : Box
            Is cut at the image's edges.

        Returns
        -------
        ndarray of shape (h, w, C), contiguous and writable, of the image's dtype

        Raises
        ------
        SourceError
            If the file cannot be read there.
        """
        rows, columns = box.clip(self.plane_shape).slices
        try:
            cut = self.array[plane_key(self.axes, plane, rows, columns)]
            pixels = channels_last(np.asarray(cut), self.axes)
        except (OSError, RuntimeError, ValueError) as error:
            raise SourceError(f"{self.name} cannot be read at {box}: {error}") from error
        return np.array(pixels, order="C", dtype=self.dtype)


def open_source(item: Any, *, series: int | None = None, axes: str | None = None) -> Source:
    """Open an image without reading its pixels, where its format allows that.

    Parameters
    ----------
    item : str, Path, ndarray, dask array or zarr array
        OME-Zarr 0.4 or 0.5, Zarr, TIFF, OME-TIFF, PNG, JPEG, WebP or .npy; or an array.
    series : int, optional
        Which image of a file that holds several, from 0.
    axes : str, optional
        The meaning of each dimension, where the file does not say: for example ``"czyx"``.

    Returns
    -------
    Source

    Raises
    ------
    SourceError
        If the file is missing, unreadable, truncated, not an image, or holds several images and
        ``series`` does not say which.
    ImageError
        If the image is empty, or its dtype or axes are not taken.
    """
    source = _open(item, series, axes)
    check_dtype(source.dtype)
    if 0 in source.shape:
        raise ImageError(f"{source.name} is empty: its shape is {source.shape}.")
    return source


def _open(item: Any, series: int | None, axes: str | None) -> Source:
    if isinstance(item, Source):
        return item
    if isinstance(item, str | Path):
        from eii.io.files import open_file

        return open_file(Path(item), series=series, axes=axes)
    return array_source(item, "the array", axes)


def array_source(array: Readable, name: str, axes: str | None) -> Source:
    """Return the source of an array in memory or of any that is read by slices.

    Raises
    ------
    ImageError
        If the axes do not fit.
    """
    shape = tuple(array.shape)
    axes = guess_axes(shape) if axes is None else check_axes(axes, len(shape))
    colour = axes.endswith("yxc") and shape[-1] in (3, 4)
    return Source(name, array, axes, is_rgb=colour, has_alpha=colour and shape[-1] == 4)


@dataclass(frozen=True)
class Hole:
    """The hole of an image, read at the image's resolution.

    Parameters
    ----------
    source : Source
        Non-zero pixels are to be filled.
    shape : (int, int)
        Size (M, N) of the image's planes.
    factor : int
        Image pixels per hole pixel in y and x.
    by_channel : bool
        Whether every channel of the image has a hole of its own.
    image_axes : str
        Axes of the image: a hole without t or z is the same for all of them.
    """

    source: Source
    shape: tuple[int, int]
    factor: int
    by_channel: bool
    image_axes: str

    def read(self, plane: tuple[int, ...], box: Box) -> NDArray[np.bool_]:
        """Return the hole in a box: (h, w), or (h, w, C) when every channel has its own."""
        box, f = box.clip(self.shape), self.factor
        coarse = Box(box.y0 // f, box.x0 // f, -(-box.y1 // f), -(-box.x1 // f))
        found = self.source.read(self._own_plane(plane), coarse) != 0
        if not self.by_channel:
            found = found[..., : 3 if self.source.is_rgb else None].any(axis=2)
        if f == 1:
            return found
        fine = found.repeat(f, axis=0).repeat(f, axis=1)
        y, x = box.y0 - coarse.y0 * f, box.x0 - coarse.x0 * f
        return np.ascontiguousarray(fine[y : y + box.height, x : x + box.width])

    def _own_plane(self, plane: tuple[int, ...]) -> tuple[int, ...]:
        at = dict(zip([a for a in "tz" if a in self.image_axes], plane, strict=True))
        return tuple(at.get(a, 0) for a in "tz" if a in self.source.axes)


def open_hole(
    item: Any, image: Source, *, series: int | None = None, axes: str | None = None
) -> Hole:
    """Open the hole of an image.

    Parameters
    ----------
    item : as for `open_source`, of any integer, float or bool dtype
        Non-zero pixels are to be filled. Its planes are as large as the image's, or smaller by a
        whole factor (a coarser pyramid level). Without t or z it holds for all planes; with the
        image's channel axis every channel has its own hole. Of a colour picture, any channel
        counts, alpha does not.
    image : Source
    series, axes
        As for `open_source`.

    Returns
    -------
    Hole

    Raises
    ------
    HoleError
        If the hole's size does not fit the image's; the message quotes both.
    SourceError
        If the file cannot be read.
    """
    source = _open(item, series, axes or _hole_axes(item, image))
    if source.dtype.kind not in "buif":
        raise HoleError(f"A hole of dtype {source.dtype} has no meaning; give bool or integers.")
    for axis in "tz":
        own = size_of(source.axes, source.shape, axis)
        if own not in (1, size_of(image.axes, image.shape, axis)):
            raise _misfit(source, image)
    channels = size_of(source.axes, source.shape, "c")
    by_channel = channels > 1 and not source.is_picture
    if by_channel and channels not in (image.channels, image.channels - image.has_alpha):
        raise _misfit(source, image)
    factor = _factor(source, image)
    return Hole(source, image.plane_shape, factor, by_channel, image.axes)


def _hole_axes(item: Any, image: Source) -> str | None:
    """Return the axes of an array hole that has the image's dimensions."""
    if isinstance(item, str | Path | Source) or len(item.shape) != len(image.shape):
        return None
    return image.axes


def _factor(hole: Source, image: Source) -> int:
    (m, n), (rows, columns) = image.plane_shape, hole.plane_shape
    factor = max(1, round(m / max(1, rows)))
    if (-(-m // factor), -(-n // factor)) != (rows, columns):
        raise _misfit(hole, image)
    return factor


def _misfit(hole: Source, image: Source) -> HoleError:
    return HoleError(
        f"The hole's shape {hole.shape} ({hole.axes}) does not fit the image's {image.shape} "
        f"({image.axes}). It must be as large in y and x, or smaller by one whole factor."
    )
