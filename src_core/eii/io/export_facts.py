"""What an export keeps of the file that an image came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eii.io.source import Source
from eii.io.tiff_facts import XMP
from eii.io.units import metres

NO_UNIT, INCH, CENTIMETRE = 1, 2, 3
"""Units of resolution, as TIFF numbers them."""
_TO_METRE = {INCH: 1 / 0.0254, CENTIMETRE: 100.0}


def file_facts(source: Source) -> Mapping[str, Any]:
    """Return what the file that an image came from said, as JSON; empty when it said nothing."""
    return source.facts.tiff or {}


def resolution_of(source: Source) -> tuple[float, float, int] | None:
    """Return pixels across and down in a unit of TIFF: as the file said, or from pixel sizes."""
    facts, scale, units = file_facts(source), source.facts.scale, source.facts.units
    told = facts.get("resolution") or [0.0, 0.0]
    unit = int(facts.get("resolution_unit", INCH))
    if all(told) and unit != NO_UNIT:
        return float(told[0]), float(told[1]), unit
    sizes = [metres(scale[a], units.get(a)) if a in scale else None for a in "xy"]
    if sizes[0] is not None and sizes[1] is not None:
        return 0.01 / sizes[0], 0.01 / sizes[1], CENTIMETRE
    return (float(told[0]), float(told[1]), unit) if all(told) else None


def per_metre(source: Source) -> tuple[float, float] | None:
    """Return pixels a metre across and down; None when they are unknown."""
    found = resolution_of(source)
    if found is None or found[2] not in _TO_METRE:
        return None
    return found[0] * _TO_METRE[found[2]], found[1] * _TO_METRE[found[2]]


def profile_of(source: Source) -> bytes | None:
    """Return the ICC profile."""
    found = file_facts(source).get("icc")
    return bytes.fromhex(found) if found else None


def texts_of(source: Source) -> dict[int, str]:
    """Return the texts, by the codes of their TIFF tags."""
    tags = file_facts(source).get("tags", [])
    return {code: value for code, _, _, value in tags if isinstance(value, str) and code != XMP}


def xmp_of(source: Source) -> bytes | None:
    """Return the XMP packet."""
    found = [value for code, _, _, value in file_facts(source).get("tags", []) if code == XMP]
    return bytes.fromhex(found[0]) if found else None


def bits_of(source: Source) -> int | None:
    """Return the bits of a sample, where they are fewer than its dtype's."""
    found = file_facts(source).get("bits")
    return int(found) if found and source.dtype.kind == "u" else None
