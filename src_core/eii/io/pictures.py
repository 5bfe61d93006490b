"""PNG, JPEG, WebP and the other picture files that are read whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from eii.errors import SourceError
from eii.io.source import Facts, Source

_MODES = ("1", "L", "LA", "RGB", "RGBA", "I;16", "I", "F")


def open_picture(path: Path, series: int | None, axes: str | None) -> Source:
    """Read a picture file.

    Parameters
    ----------
    path : Path
    series, axes
        Have no meaning here: a picture file holds one image, its axes are known.

    Returns
    -------
    Source
        Its pixels in memory, palettes resolved to RGB.

    Raises
    ------
    SourceError
        If the file is not a picture, is truncated, or has colours that are not gray or RGB.
    """
    try:
        with Image.open(path) as picture:
            tiff = _facts(picture)
            pixels = _pixels(picture, path)
    except UnidentifiedImageError as error:
        raise SourceError(f"{path} is not an image of a known format.") from error
    except (OSError, SyntaxError) as error:
        raise SourceError(f"{path} cannot be read; it may be truncated: {error}") from error
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    axes = "yxc" if pixels.ndim == 3 else "yx"
    return Source(
        str(path),
        pixels,
        axes,
        is_rgb=channels >= 3,
        has_alpha=channels in (2, 4),
        path=path,
        facts=Facts(tiff=tiff),
        is_picture=True,
    )


def _pixels(picture: Image.Image, path: Path) -> NDArray[Any]:
    if picture.mode in ("P", "PA"):
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    if picture.mode not in _MODES and not picture.mode.startswith("I;16"):
        raise SourceError(
            f"{path} has colours of kind {picture.mode}; gray and RGB are taken. "
            "Convert it to RGB with its colour profile first."
        )
    picture.load()
    if picture.format == "PNG" and picture.mode != "1" and "P" not in (picture.mode,):
        # Pillow cuts 16-bit colour to 8 bits; this decoder does not.
        decoded = imagecodecs.png_decode(path.read_bytes())
        if decoded.ndim == np.asarray(picture).ndim:
            return decoded
    return np.asarray(picture)


def _facts(picture: Image.Image) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if "icc_profile" in picture.info:
        facts["icc"] = picture.info["icc_profile"].hex()
    if "dpi" in picture.info:
        facts["resolution"] = [float(v) for v in picture.info["dpi"]]
        facts["resolution_unit"] = 2
    return facts
