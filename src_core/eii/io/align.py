"""Where a mask lies on its image: which of its pixels each pixel of the image falls on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eii.errors import HoleError
from eii.io.axes import size_of
from eii.io.source import Source
from eii.io.units import metres
from eii.options import FIT

_MANY = 16  # levels of a pyramid
_SLACK = 1e-6  # of a pixel: what sums of sizes may be off


@dataclass(frozen=True)
class Span:
    """One axis: pixel i of the image falls on pixel ``floor(i * step + start)`` of the mask.

    Parameters
    ----------
    step, start : float
    size : int
        Of the mask. Where both start together, what falls less than a pixel beyond its end falls
        on its last one, since levels of a pyramid are rounded down.
    """

    step: float
    start: float
    size: int

    def of(self, first: int, stop: int) -> NDArray[np.int64]:
        """Return the pixel of the mask for each of the image's from first to stop; -1: outside."""
        exact = np.arange(first, stop) * self.step + self.start
        found = np.floor(exact + _SLACK).astype(np.int64)
        if not self.start:
            found[found == self.size] = self.size - 1
        found[(found < 0) | (found >= self.size)] = -1
        return found


def align(mask: Source, image: Source, how: str) -> dict[str, Span]:
    """Return how a mask lies on its image, along y, x, and along z where both have it.

    Parameters
    ----------
    mask, image : Source
    how : {"auto", "fit"}
        As in `eii.options.HoleOptions`.

    Raises
    ------
    HoleError
        If the mask's size fits no level of the image's pyramid, or its place is contradictory.
    """
    sizes = _sizes(mask, image)
    if how == FIT:
        return {a: Span(own / size, 0.0, own) for a, (own, size) in sizes.items()}
    told = _told(mask, image)
    same = all(own == size for own, size in sizes.values())
    if told is not None and (not same or any(span.start for span in told.values())):
        return _by_metadata(mask, image, told)
    return _by_size(mask, image)


def misfit(mask: Source, image: Source) -> HoleError:
    """Return the error for a mask whose size does not fit its image."""
    return HoleError(
        f"The hole's shape {mask.shape} ({mask.axes}) does not fit the image's {image.shape} "
        f"({image.axes}). It must be as large in y and x, or smaller by one whole factor; a mask "
        "of the same extent and any size needs `hole_scale` 'fit'."
    )


def _sizes(mask: Source, image: Source) -> dict[str, tuple[int, int]]:
    """Return the sizes of mask and image along y, x, and z where the mask has more than one."""
    pairs = {
        a: (size_of(mask.axes, mask.shape, a), size_of(image.axes, image.shape, a)) for a in "zyx"
    }
    if pairs["z"][0] == 1:
        del pairs["z"]
    return pairs


def _told(mask: Source, image: Source) -> dict[str, Span] | None:
    """Return the axes whose place pixel sizes tell; None where they do not tell y and x."""
    united = [all(source.facts.units.get(a) for a in "yx") for source in (mask, image)]
    if united[0] != united[1]:
        return None
    # A mask that is moved is placed by the centres of its pixels, as OME-NGFF has it; without a
    # translation a level starts where its image starts. Most formats have none.
    both = all(source.facts.translation for source in (mask, image))
    moved = both and any(any(s.facts.translation.values()) for s in (mask, image))
    found = {}
    for axis, (count, _) in _sizes(mask, image).items():
        own, size = (_length(source, axis, source.facts.scale) for source in (mask, image))
        if own is None or size is None:
            continue
        at, origin = (_length(s, axis, s.facts.translation) or 0.0 for s in (mask, image))
        start = (origin - at) / own + 0.5 if moved else 0.0
        found[axis] = Span(size / own, start, count)
    return found if "y" in found and "x" in found else None


def _length(source: Source, axis: str, values: Mapping[str, float]) -> float | None:
    """Return a size or a place in metres; of a source without units, as it is."""
    value = values.get(axis)
    if value is None:
        return None
    if source.facts.units.get("y"):
        return metres(value, source.facts.units.get(axis))
    # A size of 1 without a unit is what writers put where they know none.
    return value if any(source.facts.scale.get(a, 1.0) != 1.0 for a in "yx") else None


def _by_metadata(mask: Source, image: Source, told: dict[str, Span]) -> dict[str, Span]:
    sizes = _sizes(mask, image)
    for axis, span in told.items():
        if not span.start and abs(sizes[axis][1] * span.step - span.size) > 1 + _SLACK:
            raise HoleError(
                f"By its pixel size the hole covers {span.size / span.step:.0f} of the "
                f"{sizes[axis][1]} pixels of the image along {axis}. Mend its metadata, or stretch "
                "it over the image with `hole_scale` 'fit'."
            )
    rest = [a for a in sizes if a not in told]
    return {**{a: _deep(mask, image, round(1 / told["y"].step)) for a in rest}, **told}


def _by_size(mask: Source, image: Source) -> dict[str, Span]:
    """Return the spans of a mask that is a level of the image's pyramid, told by its size."""
    sizes = _sizes(mask, image)
    factor = _factor([sizes["y"], sizes["x"]])
    if factor is None:
        raise misfit(mask, image)
    spans = {a: Span(1 / factor, 0.0, sizes[a][0]) for a in "yx"}
    return {**spans, "z": _deep(mask, image, factor)} if "z" in sizes else spans


def _deep(mask: Source, image: Source, factor: int) -> Span:
    """Return the span along z: plane by plane, or by the factor of y and x."""
    own, size = _sizes(mask, image)["z"]
    if own == size:
        return Span(1.0, 0.0, own)
    if factor < 2 or not _fits(size, own, factor):
        raise misfit(mask, image)
    return Span(1 / factor, 0.0, own)


def _factor(pairs: Sequence[tuple[int, int]]) -> int | None:
    """Return how many image pixels a mask pixel stands for; a power of two if one fits.

    Pyramids halve an odd size up or down: 15 of 250 is level 4, not every seventeenth pixel.
    """
    most = max(size // max(1, own) + 1 for own, size in pairs)
    for factor in (*(2**k for k in range(_MANY)), *range(3, most + 1)):
        if all(_fits(size, own, factor) for own, size in pairs):
            return factor
    return None


def _fits(size: int, own: int, factor: int) -> bool:
    """Tell whether a level of ``own`` pixels may be made from ``size``, by any rounding."""
    halved = {size}
    for _ in range(factor.bit_length() - 1 if factor & (factor - 1) == 0 else 0):
        halved = {n // 2 for n in halved} | {-(-n // 2) for n in halved}
    return own in halved or own in {size // factor, -(-size // factor), round(size / factor)}
