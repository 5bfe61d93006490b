"""Images to train on: pictures in folders and in tar shards, of 8 or 16 bits, gray or RGB."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eii.errors import SourceError
from eii.files import PICTURES

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Item:
    """A picture: a file, or a part of a tar file.

    Parameters
    ----------
    path : Path
        Of the picture, or of the tar file it is in.
    start, length : int
        Where its bytes are; a length of -1 is the whole file.
    name : str
    """

    path: Path
    name: str
    start: int = 0
    length: int = -1


def find_items(place: Path) -> list[Item]:
    """Return the pictures in a folder, its sub-folders and the tar shards there, by name.

    Parameters
    ----------
    place : Path
        A folder or a tar file.

    Raises
    ------
    SourceError
        If it does not exist, is a tar file that cannot be read, or holds no picture.
    """
    if not place.exists():
        raise SourceError(f"{place} does not exist. Check the path.")
    files = sorted(p for p in place.rglob("*") if p.is_file()) if place.is_dir() else [place]
    found = [item for file in files for item in _items_of(file)]
    if not found:
        raise SourceError(f"{place} holds no picture ({', '.join(PICTURES)}) and no .tar of such.")
    return found


def _items_of(file: Path) -> Iterator[Item]:
    if file.suffix.lower() in PICTURES:
        yield Item(file, str(file))
    elif file.suffix == ".tar":
        try:
            with tarfile.open(file) as shard:
                for part in shard:
                    if part.isfile() and Path(part.name).suffix.lower() in PICTURES:
                        yield Item(file, f"{file}: {part.name}", part.offset_data, part.size)
        except (tarfile.TarError, OSError) as error:
            raise SourceError(f"{file} is not a whole tar file: {error}.") from error


def read_item(item: Item) -> FloatArray:
    """Return a picture.

    Returns
    -------
    ndarray of shape (M, N, C), float32
        C is 1 or 3, values are in [0, 1]: 8 bits by their range, others by the picture's own.

    Raises
    ------
    SourceError
        If it is corrupt or of a shape that is none of a picture.
    """
    with item.path.open("rb") as file:
        file.seek(item.start)
        raw = file.read(item.length)
    try:
        pixels = _decode(raw, Path(item.name).suffix.lower())
    except Exception as error:  # decoders raise errors of many kinds, without a common base
        raise SourceError(f"{item.name} is not a whole picture: {error}.") from error
    if pixels.ndim == 2:
        pixels = pixels[..., np.newaxis]
    if pixels.ndim != 3 or pixels.shape[2] > 4 or pixels.dtype.kind not in "uif":
        raise SourceError(f"{item.name} is no gray or RGB picture: shape {pixels.shape}.")
    return _scaled(pixels[..., : 3 if pixels.shape[2] > 2 else 1])


def _decode(raw: bytes, suffix: str) -> NDArray[np.generic]:
    if suffix in (".tif", ".tiff"):
        import tifffile

        with tifffile.TiffFile(BytesIO(raw)) as tiff:
            page = tiff.pages[0]
            pixels = np.asarray(page.asarray())
            planar = pixels.ndim == 3 and pixels.shape[0] in (3, 4) and pixels.shape[2] > 4
            return np.moveaxis(pixels, 0, 2) if planar else pixels
    import imagecodecs

    decoders = {".png": imagecodecs.png_decode, ".webp": imagecodecs.webp_decode}
    return np.asarray(decoders.get(suffix, imagecodecs.jpeg_decode)(raw))


def _scaled(pixels: NDArray[np.generic]) -> FloatArray:
    values = np.asarray(pixels, np.float32)
    if pixels.dtype == np.uint8:
        return values / np.float32(255)
    if not np.isfinite(values).all():
        raise SourceError("a picture with values that are not finite")
    low, high = float(values.min()), float(values.max())
    return (values - np.float32(low)) / np.float32(max(high - low, 1e-12))


def name_all(names: Sequence[str], most: int = 5) -> str:
    """Return some names in one line, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return "; ".join(names[:most]) + more
