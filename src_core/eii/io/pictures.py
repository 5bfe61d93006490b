"""PNG, JPEG, WebP and the other picture files that are read whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from eii.errors import EIIError, OptionError, SourceError
from eii.io.picture_facts import facts_of, orientation_of
from eii.io.source import Asked, Facts, Source, refuse_series
from eii.io.views import UPRIGHT, Upright

_MODES = ("1", "L", "LA", "RGB", "RGBA", "I;16", "I", "F")


LARGEST = 178_956_970
"""Pixels of a picture that is read without being asked to; beyond, Pillow suspects an attack."""
_DEEP, _PALETTE = 16, 3  # of a PNG header: bits, and the kind of colour

_limit = Lock()  # Pillow's limit is one for the whole process


def open_picture(path: Path, asked: Asked) -> Source:
    """Read a picture file.

    Parameters
    ----------
    path : Path
    asked : Asked
        ``large`` takes more than `LARGEST` pixels; a series or axes have no meaning here.

    Returns
    -------
    Source
        Its pixels in memory, palettes resolved to RGB.

    Raises
    ------
    SourceError
        If the file is not a picture, is truncated, larger than allowed, or has colours that are
        not gray or RGB.
    OptionError
        If a series or axes are asked for.
    """
    refuse_series(path, asked)
    if asked.axes is not None:
        raise OptionError(f"{path} is a picture: its axes are known, `axes` has no meaning.")
    try:
        with _any_size(), Image.open(path) as picture:
            _check_size(picture, path, large=asked.large)
            _check_kind(picture, path)
            kept, lossy = facts_of(picture), _is_lossy(picture, path)
            indices = np.asarray(picture) if picture.mode in ("P", "PA") else None
            orientation = orientation_of(picture)
            pixels = _pixels(picture, path)
    except UnidentifiedImageError as error:
        # Pillow gives up on a PNG with a broken colour profile; its pixels may be whole.
        pixels, kept, lossy = _png_pixels(path, error), {}, False
        indices, orientation = None, UPRIGHT
    except EIIError:
        raise
    except (OSError, SyntaxError, RuntimeError) as error:
        raise SourceError(f"{path} cannot be read; it is truncated or damaged.") from error
    axes = "yxc" if pixels.ndim == 3 else "yx"
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if indices is not None:
        indices = _upright(indices if indices.ndim == 2 else indices[..., 0], "yx", orientation)
    return Source(
        str(path),
        _upright(pixels, axes, orientation),
        axes,
        is_rgb=channels >= 3,
        has_alpha=channels in (2, 4),
        path=path,
        facts=Facts(tiff=kept),
        is_picture=True,
        lossy=lossy,
        indices=indices,
    )


def _upright(pixels: NDArray[Any], axes: str, orientation: int) -> NDArray[Any]:
    if orientation == UPRIGHT:
        return pixels
    return np.ascontiguousarray(Upright(pixels, axes, orientation)[:])


@contextmanager
def _any_size() -> Iterator[None]:
    """Lift Pillow's limit, which has no way out; `_check_size` sets ours."""
    with _limit:
        usual, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = usual


def _check_size(picture: Image.Image, path: Path, *, large: bool) -> None:
    pixels = picture.width * picture.height
    if pixels > LARGEST and not large:
        raise SourceError(
            f"{path} claims {picture.width} x {picture.height} pixels, which are read into memory "
            "at once. If that is so, allow it with `large`."
        )


def _png_pixels(path: Path, error: Exception) -> NDArray[Any]:
    data = path.read_bytes()
    if not data.startswith(b"\x89PNG"):
        raise SourceError(f"{path} is not an image of a known format.") from error
    try:
        return np.asarray(imagecodecs.png_decode(data))
    except (RuntimeError, ValueError) as broken:
        raise SourceError(f"{path} cannot be read; it is truncated or damaged.") from broken


def _check_kind(picture: Image.Image, path: Path) -> None:
    """Raise for what a picture library would cut down without a word."""
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and picture.format != "MPO":
        raise SourceError(f"{path} holds {frames} frames; only single pictures are read.")
    if picture.format == "PPM" and _most_of_ppm(path) > 255 and picture.mode == "RGB":
        raise SourceError(f"{path} has colours of 16 bits; convert it to PNG or TIFF.")


def _most_of_ppm(path: Path) -> int:
    """Return the greatest value that a PNM file declares."""
    with path.open("rb") as file:
        lines = [line.split(b"#")[0] for line in file.read(1024).splitlines()]
    words = b" ".join(lines).split()
    return int(words[3]) if len(words) > 3 and words[3].isdigit() else 1


def _pixels(picture: Image.Image, path: Path) -> NDArray[Any]:
    if picture.mode in ("P", "PA"):
        return np.asarray(picture.convert("RGBA" if "transparency" in picture.info else "RGB"))
    if "transparency" in picture.info and picture.mode in ("L", "RGB"):
        # One colour is transparent: what a viewer shows, as alpha.
        return np.asarray(picture.convert("RGBA" if picture.mode == "RGB" else "LA"))
    if picture.mode == "CMYK":
        raise SourceError(
            f"{path} has the colours of print (CMYK). Convert it to RGB with its colour profile "
            "first."
        )
    if picture.mode not in _MODES and not picture.mode.startswith("I;16"):
        raise SourceError(
            f"{path} has colours of kind {picture.mode}; gray and RGB are taken. "
            "Convert it to RGB with its colour profile first."
        )
    if picture.format == "PNG" and _is_deep(path):
        # Pillow cuts 16-bit colour to 8 bits; this decoder does not.
        return np.asarray(imagecodecs.png_decode(path.read_bytes()))
    if picture.format == "JPEG2000":
        return np.asarray(imagecodecs.jpeg2k_decode(path.read_bytes()))
    return np.asarray(picture)


def _is_lossy(picture: Image.Image, path: Path) -> bool:
    if picture.format != "WEBP":
        return picture.format in ("JPEG", "MPO")
    with path.open("rb") as file:
        return b"VP8L" not in file.read(64)


def _is_deep(path: Path) -> bool:
    with path.open("rb") as file:
        header = file.read(26)
    return header[24] == _DEEP and header[25] != _PALETTE
