"""What OME-XML says of one image: sizes of pixels, and its channels."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from eii.io.units import ngff_size

Element = ElementTree.Element
_COLOURS = ("00FFFF", "FF00FF", "FFFF00", "FF0000", "00FF00", "0000FF")
"""Of channels that name none."""


def image_of(xml: str, index: int) -> Element | None:
    """Return the ``Pixels`` of an image of OME-XML, by its number; None when it is not there."""
    pixels = [e for e in ElementTree.fromstring(xml).iter() if e.tag.endswith("}Pixels")]
    return pixels[index] if index < len(pixels) else None


def sizes_of(pixels: Element) -> tuple[dict[str, float], dict[str, str]]:
    """Return the size of a pixel along each axis that has one, and the units as NGFF names them."""
    scale: dict[str, float] = {}
    units: dict[str, str] = {}
    names = {a: (f"PhysicalSize{a.upper()}", "µm") for a in "zyx"}
    for axis, (name, usual) in {"t": ("TimeIncrement", "s"), **names}.items():
        if pixels.get(name) is None:
            continue
        scale[axis], unit = ngff_size(float(pixels.get(name, "")), pixels.get(f"{name}Unit", usual))
        if unit is not None:
            units[axis] = unit
    return scale, units


def channels_of(pixels: Element) -> list[dict[str, Any]]:
    """Return a label and a colour of each channel, as OME-NGFF has them; empty when none is named.

    Windows of display are left to whoever knows the pixels.
    """
    own = [e for e in pixels if e.tag.endswith("}Channel")]
    if not any(e.get("Name") or e.get("Color") for e in own):
        return []
    found = []
    for number, element in enumerate(own):
        label = element.get("Name") or f"channel {number}"
        found.append({"label": label, "color": _colour(element, number), "active": True})
    return found


def named_channels(names: list[str], colours: list[str | None]) -> list[dict[str, Any]]:
    """Return channels by their names and colours; colours that are None are chosen."""
    return [
        {"label": name, "color": colour or _COLOURS[i % len(_COLOURS)], "active": True}
        for i, (name, colour) in enumerate(zip(names, colours, strict=True))
    ]


def ome_colour(colour: str) -> int:
    """Return RRGGBB as OME-XML writes it: a signed number of red, green, blue, alpha."""
    value = int(colour, 16) << 8 | 255
    return value - 2**32 if value >= 2**31 else value


def _colour(channel: Element, number: int) -> str:
    text = channel.get("Color")
    if text is None:
        return _COLOURS[number % len(_COLOURS)]
    return f"{int(text) % 2**32 >> 8:06X}"
