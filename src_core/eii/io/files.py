"""Files to read from: which format a file has is told by what it holds, not by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from eii.errors import EIIError, SourceError
from eii.io.pictures import open_picture
from eii.io.source import Source, array_source
from eii.io.tiff import open_tiff
from eii.io.zarr_files import open_zarr

Opener = Callable[[Path, int | None, str | None], Source]

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ZARR_FILES = ("zarr.json", ".zgroup", ".zarray")


def open_file(path: Path, *, series: int | None, axes: str | None) -> Source:
    """Open an image file or folder.

    Parameters
    ----------
    path : Path
    series : int, optional
        Which image of a file that holds several, from 0.
    axes : str, optional
        The meaning of each dimension, where the file does not say.

    Returns
    -------
    Source

    Raises
    ------
    SourceError
        If the file is missing, unreadable, truncated, not an image, or holds several images and
        ``series`` does not say which.
    """
    if not path.exists():
        raise SourceError(f"{path} does not exist. Check the path.")
    try:
        opener = _opener_of(path)
        return opener(path, series, axes)
    except EIIError:
        raise
    except Exception as error:
        # Each reading library has errors of its own for a file that is not what it seems.
        raise SourceError(f"{path} cannot be read: {error or type(error).__name__}") from error


def _opener_of(path: Path) -> Opener:
    if path.is_dir():
        if any((path / name).exists() for name in _ZARR_FILES):
            return open_zarr
        raise SourceError(f"{path} is a folder, but not a Zarr: it has no {_ZARR_FILES[0]}.")
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise SourceError(f"{path} is an empty file.")
    if start.startswith(_TIFF_STARTS):
        return open_tiff
    if start.startswith(b"\x93NUMPY"):
        return _open_npy
    return open_picture


def _open_npy(path: Path, series: int | None, axes: str | None) -> Source:
    array: Any = np.load(path, mmap_mode="r", allow_pickle=False)
    source = array_source(array, str(path), axes)
    return Source(
        source.name, array, source.axes, source.is_rgb, source.has_alpha, path, source.facts
    )
