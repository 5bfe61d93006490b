"""Images to read from, whatever they are stored in: a file's format is told by what it holds."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from eii.errors import EIIError, ImageError, SourceError
from eii.image.dtype import check_dtype
from eii.io.axes import named_axes
from eii.io.chunked import by_blocks
from eii.io.npy import open_npy
from eii.io.pictures import open_picture
from eii.io.remote import is_url, open_url
from eii.io.source import Asked, Series, Source, array_source
from eii.io.tiff import open_tiff
from eii.io.zarr_files import guarded, open_zarr, store_path

Opener = Callable[[Path, Asked], Source]

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_REFUSED = {
    b"PK\3\4": "a zip file; unpack it, and give the Zarr folder that it holds.",
    b"SIMPLE  ": "a FITS file, which is not read. Write its data as .npy or TIFF with astropy.",
    b"\x89HDF": "an HDF5 file, which is not read. Write its data as .npy, TIFF or Zarr.",
    b"%PDF": "a PDF; write its pages as PNG or TIFF first.",
}
"""First bytes of files that are not read, and what to do with them."""
_ZARR_FILES = ("zarr.json", ".zgroup", ".zarray")


def open_source(
    item: Any, *, series: Series | None = None, axes: str | None = None, large: bool = False
) -> Source:
    """Open an image without reading its pixels, where its format allows that.

    Parameters
    ----------
    item : str, Path, ndarray, dask array or zarr array
        OME-Zarr 0.4 or 0.5, Zarr, TIFF, OME-TIFF, PNG, JPEG, WebP or .npy; or an array; or the URL
        of a Zarr: s3://, gs://, https:// ...
    series : int or str, optional
        Which image of a file that holds several, from 0, or its path in a plate: ``"A/1/0"``.
    axes : str, optional
        The meaning of each dimension, where the file does not say: for example ``"czyx"``.
    large : bool
        Take files that claim very many more pixels than bytes, and pictures of any size.

    Returns
    -------
    Source

    Raises
    ------
    SourceError
        If the file is missing, unreadable, truncated, unfinished, not an image, or holds several
        images and ``series`` does not say which.
    OptionError
        If ``series`` or ``axes`` has no meaning for such a file.
    ImageError
        If the image is empty, or its dtype or axes are not taken.
    """
    source = open_any(item, Asked(series, axes, large))
    check_dtype(source.dtype)
    if 0 in source.shape:
        raise ImageError(f"{source.name} is empty: its shape is {source.shape}.")
    return source


def open_any(item: Any, asked: Asked) -> Source:
    """Open an image or a hole, of any dtype; see `open_source`."""
    if isinstance(item, Source):
        return item
    if isinstance(item, str) and is_url(item):
        return open_url(item, asked)
    if isinstance(item, str | Path):
        return replace(open_file(_local(item), asked), asked=asked)
    if not all(hasattr(item, name) for name in ("shape", "dtype", "__getitem__")):
        raise ImageError(_other_kind(item))
    if not isinstance(item.dtype, np.dtype):
        raise ImageError(_other_kind(item))
    axes = named_axes(asked.axes, tuple(item.shape))
    if isinstance(item, zarr.Array):
        lazy = by_blocks(guarded(item), item.chunks, axes)
        where = store_path(item)
        return replace(array_source(lazy, "the array", axes, path=where), stored=where)
    if hasattr(item, "chunks") and item.chunks is not None:
        return array_source(by_blocks(item, item.chunks, axes), "the array", axes)
    return array_source(item, "the array", axes)


def open_file(path: Path, asked: Asked) -> Source:
    """Open an image file or folder.

    Raises
    ------
    SourceError
        If the file is missing, unreadable, truncated, not an image, or holds several images and
        ``series`` does not say which.
    """
    try:
        opener = _opener_of(path)
        return opener(path, asked)
    except EIIError:
        raise
    except OSError as error:
        reason = error.strerror or "it is damaged, or not what its first bytes say"
        raise SourceError(f"{path} cannot be read: {reason}.") from error
    except Exception as error:
        # Each reading library has errors of its own for a file that is not what it seems; they
        # speak of that library's insides.
        raise SourceError(
            f"{path} cannot be read: it is damaged, or not what its first bytes say."
        ) from error


def _local(item: str | Path) -> Path:
    return Path(item.removeprefix("file://")) if isinstance(item, str) else item


def _other_kind(item: object) -> str:
    """Return what to do with something that holds pixels but is no array."""
    kind = f"{type(item).__module__}.{type(item).__qualname__}"
    way = "image.numpy()" if kind.startswith("torch.") else "numpy.asarray(image)"
    return f"A {kind} is not taken; give a path or an array, such as {way}."


def _opener_of(path: Path) -> Opener:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise SourceError(f"{path} does not exist. Check the path.") from error
    if stat.S_ISDIR(mode):
        if any((path / name).exists() for name in _ZARR_FILES):
            return open_zarr
        raise SourceError(f"{path} is a folder, but not a Zarr: it has no {_ZARR_FILES[0]}.")
    if not stat.S_ISREG(mode):
        raise SourceError(f"{path} is a pipe, a device or a socket; give a file or a folder.")
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise SourceError(f"{path} is an empty file.")
    if start.startswith(_TIFF_STARTS):
        return open_tiff
    if start.startswith(b"\x93NUMPY"):
        return open_npy
    for other, what in _REFUSED.items():
        if start.startswith(other):
            raise SourceError(f"{path} is {what}")
    return open_picture
