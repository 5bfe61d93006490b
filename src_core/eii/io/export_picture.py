"""Results as pictures: PNG and JPEG 2000 keep every value, JPEG and WebP do not."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eii.errors import OutputPathError
from eii.image.geometry import Box
from eii.io.export_facts import (
    bits_of,
    file_facts,
    per_metre,
    profile_of,
    texts_of,
    xmp_of,
)
from eii.io.source import Source

LOSSY = (".jpg", ".jpeg", ".webp")
_QUALITY = 95
_PNG_TEXTS = {269: "Title", 270: "Description", 315: "Author", 33432: "Copyright"}
_IHDR_END = 33  # bytes of a PNG before its second chunk


def write_png(source: Source, file: Path, name: str) -> None:
    """Write one plane of gray or RGB as PNG of 8 or 16 bits, with its profile and resolution."""
    pixels = _picture(source, name, "PNG", (np.uint8, np.uint16))
    data = bytes(imagecodecs.png_encode(pixels))
    chunks = b"".join(_chunk(*own) for own in _chunks(source))
    file.write_bytes(data[:_IHDR_END] + chunks + data[_IHDR_END:])


def write_jpeg2000(source: Source, file: Path, name: str) -> None:
    """Write one plane of gray or RGB as JPEG 2000 of 8 or 16 bits, without loss."""
    pixels = _picture(source, name, "JPEG 2000", (np.uint8, np.uint16))
    file.write_bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="jp2", reversible=True))


def write_jpeg(source: Source, file: Path, name: str) -> None:
    """Write one plane of gray or RGB as JPEG, which changes its values."""
    if source.has_alpha:
        raise OutputPathError("JPEG has no transparency. Export to .png, .webp or .tif.")
    pixels = _picture(source, name, "JPEG", (np.uint8,))
    image = Image.fromarray(pixels)
    image.save(file, format="JPEG", quality=_QUALITY, subsampling=0, **_kept(source, dpi=True))


def write_webp(source: Source, file: Path, name: str) -> None:
    """Write one plane of gray or RGB as lossy WebP, which changes its values."""
    pixels = _picture(source, name, "WebP", (np.uint8,))
    Image.fromarray(pixels).save(file, format="WEBP", quality=_QUALITY, **_kept(source, dpi=False))


def _picture(source: Source, name: str, kind: str, dtypes: tuple[type, ...]) -> NDArray[Any]:
    """Return the pixels as a viewer shows them."""
    colours = source.channels - source.has_alpha
    plain = colours == 1 or (colours == 3 and source.is_rgb)
    taken = source.dtype in dtypes or source.dtype == np.bool_
    if len(source.planes) > 1 or not plain or not taken:
        bits = " or ".join(str(8 * np.dtype(d).itemsize) for d in dtypes)
        raise OutputPathError(
            f"{kind} cannot hold {source.dtype.name} of axes {source.axes} {source.shape}: it "
            f"takes one plane of gray or RGB, {bits} bits. Export {Path(name).stem} to .tif."
        )
    pixels = source.read(source.planes[0], Box(0, 0, *source.plane_shape))
    pixels = _shown(pixels, source)
    return pixels[..., 0] if source.channels == 1 else pixels


def _shown(pixels: NDArray[Any], source: Source) -> NDArray[Any]:
    """Return values over the whole range of their dtype, 0 black, colours apart from alpha."""
    facts = file_facts(source)
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * 255
    bits, most = bits_of(source), np.iinfo(pixels.dtype).max
    if bits is not None:
        full = np.minimum(pixels, 2**bits - 1).astype(np.float64) * (most / (2**bits - 1))
        pixels = np.rint(full).astype(pixels.dtype)
    if facts.get("white_is_zero"):
        pixels = most - pixels
    if source.has_alpha and facts.get("associated_alpha"):
        alpha = np.maximum(pixels[..., -1:].astype(np.float64), 1)
        apart = np.clip(np.rint(pixels[..., :-1] * (most / alpha)), 0, most)
        pixels = np.concatenate([apart.astype(pixels.dtype), pixels[..., -1:]], axis=2)
    return np.ascontiguousarray(pixels)


def _chunks(source: Source) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks of a PNG that tell profile, resolution and texts."""
    profile, size, packet = profile_of(source), per_metre(source), xmp_of(source)
    if profile is not None:
        yield b"iCCP", b"icc\0\0" + zlib.compress(profile)
    if size is not None:
        yield b"pHYs", struct.pack(">IIB", round(size[0]), round(size[1]), 1)
    for code, text in texts_of(source).items():
        if code in _PNG_TEXTS:
            yield b"iTXt", _PNG_TEXTS[code].encode() + b"\0\0\0\0\0" + text.encode()
    if packet is not None:
        yield b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _kept(source: Source, *, dpi: bool) -> dict[str, Any]:
    """Return profile, resolution, texts and XMP as Pillow's arguments."""
    found: dict[str, Any] = {}
    exif = Image.Exif()
    for code, text in texts_of(source).items():
        exif[code] = text
    size, profile, packet = per_metre(source), profile_of(source), xmp_of(source)
    if size is not None and dpi:
        found["dpi"] = tuple(round(v * 0.0254, 2) for v in size)
    if profile is not None:
        found["icc_profile"] = profile
    if packet is not None:
        found["xmp"] = packet
    if len(exif):
        found["exif"] = exif
    return found
