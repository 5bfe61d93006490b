"""What a picture file says beside its pixels: resolution, profile, texts, and which way is up."""

from __future__ import annotations

import re
from typing import Any

from PIL import Image

from eii.io.tiff_facts import DESCRIPTION, TEXTS, XMP
from eii.io.views import UPRIGHT, is_turned

_ORIENTATION = 274
_ASCII, _BYTES = 2, 1  # types of TIFF tags
_PNG_TEXTS = {"Title": 269, "Description": DESCRIPTION, "Author": 315, "Copyright": 33432}


def orientation_of(picture: Image.Image) -> int:
    """Return how a viewer turns a picture, from 1 (not at all) to 8, by its EXIF."""
    found = picture.getexif().get(_ORIENTATION, UPRIGHT)
    return found if isinstance(found, int) and UPRIGHT <= found <= 8 else UPRIGHT


def facts_of(picture: Image.Image) -> dict[str, Any]:
    """Return resolution, colour profile, texts and XMP of a picture, as JSON."""
    info = picture.info
    facts: dict[str, Any] = {"kind": (picture.format or "picture").lower()}
    if info.get("icc_profile"):
        facts["icc"] = info["icc_profile"].hex()
    if "dpi" in info:
        across, down = (float(v) for v in info["dpi"])
        turned = is_turned(orientation_of(picture))
        facts["resolution"] = [down, across] if turned else [across, down]
        facts["resolution_unit"] = 2
    tags = [_text(code, value) for code, value in sorted(_texts(picture).items())]
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp")
    if xmp:
        packet = upright_xmp(xmp.encode() if isinstance(xmp, str) else bytes(xmp))
        tags.append([XMP, _BYTES, len(packet), packet.hex()])
    if tags:
        facts["tags"] = tags
    return facts


def upright_xmp(packet: bytes) -> bytes:
    """Return an XMP packet that says of its picture that it is upright."""
    packet = re.sub(rb'(tiff:Orientation=["\'])\d', rb"\g<1>1", packet)
    return re.sub(rb"(<tiff:Orientation>)\d", rb"\g<1>1", packet)


def _texts(picture: Image.Image) -> dict[int, str]:
    """Return texts by their TIFF tags, from EXIF and from PNG's own."""
    exif = picture.getexif()
    found = {code: str(exif[code]) for code in TEXTS if isinstance(exif.get(code), str)}
    for name, code in _PNG_TEXTS.items():
        if isinstance(picture.info.get(name), str):
            found.setdefault(code, str(picture.info[name]))
    return found


def _text(code: int, value: str) -> list[Any]:
    return [code, _ASCII, len(value.encode()) + 1, value]
