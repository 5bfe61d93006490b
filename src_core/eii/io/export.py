"""Results as TIFF or PNG."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from eii.errors import EIIError, OutputError, OutputPathError
from eii.image.geometry import Box
from eii.io.place import result_attributes
from eii.io.source import Source

TILE = 512
_BIG = 2**31  # bytes of pixels from which a TIFF needs 64-bit offsets


def export(source: Source, file: Path, *, overwrite: bool = False) -> None:
    """Write an image as a TIFF or PNG file.

    Parameters
    ----------
    source : Source
        Usually a result; resolution, units and ICC profile of the TIFF or picture that it came
        from are written back.
    file : Path
        Its ending says the format: .tif, .tiff or .png.
    overwrite : bool
        Replace what is there, once the new file is whole.

    Raises
    ------
    OutputError
        If the file exists and ``overwrite`` is false, cannot be written, or its format cannot
        hold the image.

    Notes
    -----
    A TIFF is written tile by tile; a PNG is held in memory.
    """
    writers = {".tif": _write_tiff, ".tiff": _write_tiff, ".png": _write_png}
    writer = writers.get(file.suffix.lower())
    if writer is None:
        raise OutputPathError(f"{file} must end with {', '.join(writers)}; got {file.suffix!r}.")
    _check_file(source, file, overwrite=overwrite)
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}.eii-partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        writer(source, temporary)
        temporary.replace(file)
    except EIIError:
        raise
    except OSError as error:
        raise OutputError(f"{file} cannot be written: {error.strerror or error}.") from error
    finally:
        temporary.unlink(missing_ok=True)


def _check_file(source: Source, file: Path, *, overwrite: bool) -> None:
    """Raise `OutputPathError` if an export may not be written to ``file``."""
    if file.exists() and not overwrite:
        raise OutputPathError(f"{file} exists. Choose another path, or allow to overwrite it.")
    if file.is_dir():
        raise OutputPathError(f"{file} is a folder. Choose another path.")
    ours = file.resolve()
    own = (result_attributes(source.path) or {}) if source.path else {}
    kept = [source.path, *(Path(own[n]) for n in ("source", "hole") if isinstance(own.get(n), str))]
    for path in kept:
        if path is not None and (theirs := path.resolve()) in (ours, *ours.parents):
            raise OutputPathError(
                f"{file} is what was restored, its hole or its result ({theirs})."
            )


def _write_tiff(source: Source, file: Path) -> None:
    facts = dict(source.facts.tiff or {})
    packed = source.is_rgb
    stack = [len(source.planes)] if len(source.planes) > 1 else []
    shape = _tiff_shape(source, packed=packed)
    height, width = source.plane_shape
    big = int(np.prod(shape, dtype=np.int64)) * source.dtype.itemsize > _BIG
    with tifffile.TiffWriter(file, bigtiff=big) as writer:
        writer.write(
            _tiles(source, packed=packed),
            shape=shape,
            dtype=source.dtype,
            tile=(TILE, TILE) if min(height, width) >= TILE else (_small(height), _small(width)),
            photometric="rgb" if packed else _gray_of(source),
            planarconfig="contig" if packed else None,
            extrasamples=["unassalpha"] if packed and source.has_alpha else None,
            compression="zlib",
            resolution=tuple(facts["resolution"]) if facts.get("resolution") else None,
            resolutionunit=facts.get("resolution_unit"),
            iccprofile=bytes.fromhex(facts["icc"]) if facts.get("icc") else None,
            metadata={"axes": _tiff_axes(source, packed=packed, stacked=bool(stack))},
        )


def _gray_of(source: Source) -> str:
    """Return what 0 means in a gray image: what it meant in the file that it came from."""
    return "miniswhite" if (source.facts.tiff or {}).get("white_is_zero") else "minisblack"


def _small(side: int) -> int:
    """Return the tile side for a small image: a multiple of 16, as TIFF asks."""
    return min(TILE, -(-side // 16) * 16)


def _tiff_axes(source: Source, *, packed: bool, stacked: bool) -> str:
    kept = "".join(a for a in "tzc" if a in source.axes and not (a == "c" and packed))
    return (kept + "yx" + ("s" if packed else "")).upper() if kept or stacked or packed else "YX"


def _tiff_shape(source: Source, *, packed: bool) -> tuple[int, ...]:
    by = dict(zip(source.axes, source.shape, strict=True))
    lead = [by[a] for a in "tzc" if a in by and not (a == "c" and packed)]
    return (*lead, by["y"], by["x"], *([by["c"]] if packed else []))


def _tiles(source: Source, *, packed: bool) -> Iterator[NDArray[Any]]:
    height, width = source.plane_shape
    side_y = TILE if min(height, width) >= TILE else _small(height)
    side_x = TILE if min(height, width) >= TILE else _small(width)
    for plane in source.planes:
        for channel in [slice(None)] if packed else range(source.channels):
            for y in range(0, height, side_y):
                for x in range(0, width, side_x):
                    pixels = source.read(plane, Box(y, x, y + side_y, x + side_x))
                    yield np.ascontiguousarray(pixels[..., channel])


def _write_png(source: Source, file: Path) -> None:
    gray_or_rgb = source.channels == 1 or source.is_rgb or source.has_alpha
    if len(source.planes) > 1 or not gray_or_rgb or source.dtype not in (np.uint8, np.uint16):
        raise OutputPathError(
            f"PNG cannot hold {source.dtype.name} of axes {source.axes} {source.shape}: it takes "
            "one plane of gray or RGB, 8 or 16 bits. Export to .tif."
        )
    pixels = source.read(source.planes[0], Box(0, 0, *source.plane_shape))
    pixels = pixels[..., 0] if source.channels == 1 else pixels
    if _gray_of(source) == "miniswhite":
        # PNG has no white-is-zero: the picture is what counts, not its numbers.
        pixels = np.iinfo(pixels.dtype).max - pixels
    if pixels.dtype == np.uint16:
        file.write_bytes(imagecodecs.png_encode(pixels))
        return
    facts = source.facts.tiff or {}
    profile = bytes.fromhex(facts["icc"]) if facts.get("icc") else None
    Image.fromarray(pixels).save(file, format="PNG", icc_profile=profile)
