"""Ink that print shows through, as a stamp's: what it took is divided out, by its colour.

Paper and print lie on a line of colours, in logarithms; coloured ink moves them off it, the
farther the more of it there is. How far tells how much each channel was dimmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.finders.clean import Clean
from eii.finders.kind import BoolArray, FloatArray, Read, finite
from eii.image.geometry import Box

_HALO = 4
_SMOOTH = 1.0  # pixels, over which ink is alike: dark print tells little of the ink on it
_OWN = 0.05  # weight of what is near, beside that of the pixel itself, 1 on paper
LEAST = 0.02  # of paper, below which a colour tells nothing
ALIKE = np.radians(25)  # between colours of one ink
_LOOSE = 0.08  # that a colour as bright as paper may be off in any direction, darker ones more
_OVER = 0.2  # of paper, by which what is lifted may be brighter
_GRAIN = 0.015  # standard error on paper that nothing tells better


@dataclass(frozen=True)
class Page:
    """The line of colours of a page without ink.

    Parameters
    ----------
    paper : tuple of float
        Natural logarithm of the paper's red, green and blue.
    line : tuple of float
        Unit vector from paper to print, in logarithms.
    least : float
        Colours below are taken for it.
    """

    paper: tuple[float, ...]
    line: tuple[float, ...]
    least: float

    def logs(self, colours: FloatArray) -> FloatArray:
        """Return the logarithms of colours (..., 3) less that of paper."""
        wide = np.maximum(colours, np.float32(self.least))
        return np.log(wide) - np.array(self.paper, np.float32)

    def off(self, logs: FloatArray) -> FloatArray:
        """Return how far logarithms (..., 3) are off the line."""
        line = np.array(self.line, np.float32)
        return np.asarray(logs - (logs @ line)[..., np.newaxis] * line)


@dataclass(frozen=True)
class Tint:
    """What an ink takes, by how far it moves a colour off the page's line.

    Parameters
    ----------
    direction : tuple of float
        Unit vector in which it moves colours.
    amounts : tuple of float
        How far, rising from 0.
    took : tuple of (float, float, float)
        For each of them, by how much the logarithms of red, green and blue are less.
    spread : float
        Standard error of that, in shares of it.
    """

    direction: tuple[float, ...]
    amounts: tuple[float, ...]
    took: tuple[tuple[float, ...], ...]
    spread: float

    def taken(self, amounts: FloatArray) -> FloatArray:
        """Return the logarithms (..., 3) that some amounts of ink take; negative."""
        steps = np.array(self.took)
        each = [np.interp(amounts, self.amounts, steps[:, c]) for c in range(3)]
        return np.stack(each, axis=-1).astype(np.float32)


@dataclass(frozen=True)
class InkVeil:
    """What ink took from the colours of one plane.

    Parameters
    ----------
    read : callable
        Takes a `Box`, returns red, green and blue there, shape (h, w, 3).
    shape : (int, int)
    channels : tuple of int
        Of the image, that the colours are.
    page : Page
    tints : tuple of Tint
    limit : float
        Share of the light, the mean of red, green and blue (geometric), that ink must let through.
    """

    read: Read
    shape: tuple[int, int]
    channels: tuple[int, ...]
    page: Page
    tints: tuple[Tint, ...]
    limit: float

    def told(self) -> tuple[float | Page | tuple[Tint, ...], ...]:
        """Return what tells it from the veils of other images."""
        return self.limit, self.page, self.tints

    def lifted(
        self, box: Box, pixels: NDArray[Any], channels: tuple[int, ...]
    ) -> tuple[FloatArray, BoolArray, FloatArray]:
        """Return pixels without ink, where it is thin, and errors; see `VeilLike.lifted`."""
        wide = box.grow(_HALO).clip(self.shape)
        inner = box.relative_to(wide).slices
        seen = self.read(wide)
        clean, thin, off = without(finite(seen), self.page, self.tints, self.limit)
        below = Clean(clean[inner], off[inner], thin[inner], seen[inner], self.channels)
        return below.of(pixels, channels)


def without(
    colours: FloatArray, page: Page, tints: tuple[Tint, ...], limit: float
) -> tuple[FloatArray, BoolArray, FloatArray]:
    """Return colours (h, w, 3) without ink, where that is good (h, w), and errors in shares."""
    logs = page.logs(colours)
    off, light = _off(logs, page)
    nearest = np.full(colours.shape[:2], np.inf, np.float32)
    took, spread = np.zeros_like(logs), np.zeros_like(nearest)
    fits, loose = np.zeros(nearest.shape, bool), _LOOSE / np.maximum(light[..., 0], LEAST)
    for tint in tints:
        direction = np.array(tint.direction, np.float32)
        amount = np.clip(off @ direction, 0, None)
        far = np.linalg.norm(off - amount[..., np.newaxis] * direction, axis=2)
        better = far < nearest
        nearest = np.where(better, far, nearest)
        took[better] = tint.taken(amount[better])
        spread[better] = tint.spread
        fits[better] = (far <= np.maximum(loose, np.tan(ALIKE) * amount))[better]
    clean = colours * np.exp(-took)
    good = fits & ((logs - took).mean(axis=2) <= _OVER) & (took.mean(axis=2) >= np.log(limit))
    errors = np.hypot(spread[..., np.newaxis] * took, _GRAIN / np.maximum(light, LEAST))
    return clean, good, errors


def ink_at(colours: FloatArray, page: Page, tints: tuple[Tint, ...]) -> FloatArray:
    """Return how much ink is at each pixel (h, w) of colours (h, w, 3): 1 where there is most."""
    off, _ = _off(page.logs(colours), page)
    found = np.zeros(colours.shape[:2], np.float32)
    for tint in tints:
        amount = off @ np.array(tint.direction, np.float32)
        alike = amount > np.cos(ALIKE) * np.linalg.norm(off, axis=2)
        found = np.maximum(found, np.where(alike, amount / np.float32(tint.amounts[-1]), 0))
    return found


def off_at(colours: FloatArray, page: Page) -> FloatArray:
    """Return how far each pixel (h, w) of colours (h, w, 3) is off the page's line."""
    off, _ = _off(page.logs(colours), page)
    return np.asarray(np.linalg.norm(off, axis=2))


def _off(logs: FloatArray, page: Page) -> tuple[FloatArray, FloatArray]:
    """Return how far logarithms (h, w, 3) are off the page's line, and their light (h, w, 1)."""
    light = np.clip(np.exp(logs.mean(axis=2)), 0, 1)[..., np.newaxis]
    return _smoothed(page.off(logs), light**2), light


def _smoothed(off: FloatArray, weight: FloatArray) -> FloatArray:
    """Return what is off the line, in the dark rather as it is in brighter pixels near."""
    sigma = (_SMOOTH, _SMOOTH, 0)
    near = ndimage.gaussian_filter(weight * off, sigma, radius=_HALO)
    near /= ndimage.gaussian_filter(weight, sigma, radius=_HALO) + np.float32(1e-4)
    return np.asarray((weight * off + _OWN * near) / (weight + np.float32(_OWN)))
