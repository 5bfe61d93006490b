"""Sizes of pixels, and their units as OME-NGFF names them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from eii.errors import SourceError

_PREFIXES = {
    "Y": "yotta",
    "Z": "zetta",
    "E": "exa",
    "P": "peta",
    "T": "tera",
    "G": "giga",
    "M": "mega",
    "k": "kilo",
    "h": "hecto",
    "": "",
    "d": "deci",
    "c": "centi",
    "m": "milli",
    "µ": "micro",
    "n": "nano",
    "p": "pico",
    "f": "femto",
    "a": "atto",
    "z": "zepto",
    "y": "yocto",
}
_SPACE = {
    **{f"{short}m": f"{name}meter" for short, name in _PREFIXES.items()},
    "Å": "angstrom",
    "in": "inch",
    "ft": "foot",
    "yd": "yard",
    "mi": "mile",
    "pc": "parsec",
}
_TIME = {
    **{f"{short}s": f"{name}second" for short, name in _PREFIXES.items()},
    "min": "minute",
    "h": "hour",
    "d": "day",
}
_OTHER_NAMES = {
    "um": "µm",
    "micron": "µm",
    "microns": "µm",
    "A": "Å",
    '"': "in",
    "mil": "thou",
    "sec": "s",
    "seconds": "s",
    "msec": "ms",
    "usec": "µs",
    "us": "µs",
    "hr": "h",
}
_CONVERTED = {
    "thou": (2.54e-5, "meter"),
    "li": (2.54e-2 / 12, "meter"),
    "pt": (2.54e-2 / 72, "meter"),
}
_CONVERTED |= {"ua": (1.495978707e11, "meter"), "ly": (9.4607304725808e15, "meter")}
_CONVERTED |= {"dam": (10.0, "meter"), "das": (10.0, "second")}
UNITS = frozenset({*_SPACE.values(), *_TIME.values()})
"""Names of the units that OME-NGFF has for space and time."""
SYMBOLS = {name: symbol for symbol, name in {**_SPACE, **_TIME}.items()}
"""The symbol of each unit, as OME-XML has it."""


def ngff_size(size: float, unit: str) -> tuple[float, str | None]:
    """Return a size in a unit that OME-NGFF has; without one where there is none, as of "pixel".

    Parameters
    ----------
    size : float
    unit : str
        A name or a symbol, as OME-XML, ImageJ and others write it.
    """
    # Two signs look like micro, and ImageJ writes the first as an escape.
    unit = unit.strip().replace("\\u00B5", "µ").replace("\u03bc", "µ")
    unit = _OTHER_NAMES.get(unit, unit)
    if unit.lower() in UNITS or unit.lower().rstrip("s") in UNITS:
        return size, unit.lower() if unit.lower() in UNITS else unit.lower().rstrip("s")
    if unit in _CONVERTED:
        factor, own = _CONVERTED[unit]
        return size * factor, own
    return size, _SPACE.get(unit) or _TIME.get(unit)


def metres(size: float, unit: str | None) -> float | None:
    """Return a size in metres; None where the unit is not one of length."""
    if unit is None or unit not in SYMBOLS or SYMBOLS[unit] not in _SPACE:
        return None
    odd = {"angstrom": 1e-10, "inch": 0.0254, "foot": 0.3048, "yard": 0.9144, "mile": 1609.344}
    odd["parsec"] = 3.0856775814913673e16
    if unit in odd:
        return size * odd[unit]
    powers = (24, 21, 18, 15, 12, 9, 6, 3, 2, 0, -1, -2, -3, -6, -9, -12, -15, -18, -21, -24)
    by_name = dict(zip(_PREFIXES.values(), powers, strict=True))
    return size * float(f"1e{by_name[unit.removesuffix('meter')]}")


def checked_sizes(sizes: Mapping[str, float], name: str) -> dict[str, float]:
    """Return sizes of pixels without those that are 0, which stand for unknown.

    Raises
    ------
    SourceError
        If one is negative or not finite.
    """
    for axis, size in sizes.items():
        if not math.isfinite(size) or size < 0:
            raise SourceError(f"{name} has a pixel size of {size} in {axis}. Mend its metadata.")
    return {axis: size for axis, size in sizes.items() if size > 0}
