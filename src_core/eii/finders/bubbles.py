"""Bubbles under the cover glass: even discs inside a dark rim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.signal import fftconvolve

from eii.finders.kind import BoolArray, FloatArray, Plain, View, strictness
from eii.finders.overview import overview_of
from eii.image.geometry import Box

_LEAST = 8  # cells of a radius
_VOTES = 0.3  # mean darkness along a circle that is looked at
_DARKEST = 0.25  # of the range, by which a rim is darker: more does not count more
_MOST = 40  # circles that are looked at, at each scale
_ANGLES = 96
_LAYERS = 4  # of bubbles, one behind the other
_REACH = np.linspace(0.75, 1.2, 46)  # radii at which its rim is looked for
_DEEP = 0.08  # of the range: how much darker a rim is than both its sides
_OFF = 0.04  # of its radius, that a rim is off a smooth outline
_ROUND = 0.77  # of all directions, those that have a rim
_BRIGHT = 0.45  # of the range: the least median of a brightfield image


@dataclass(frozen=True)
class Bubble:
    """A bubble's outline.

    Parameters
    ----------
    y, x : float
        Its middle, in pixels.
    radii : ndarray of shape (K,), float64
        In pixels, at angles that go once around, from that of x.
    """

    y: float
    x: float
    radii: NDArray[np.float64]

    def within(self, window: Box) -> BoolArray:
        """Return which pixels of a window it covers."""
        rows = np.arange(window.y0, window.y1)[:, np.newaxis] + 0.5 - self.y
        columns = np.arange(window.x0, window.x1) + 0.5 - self.x
        return self.covers(rows, columns)

    def covers(self, rows: NDArray[Any], columns: NDArray[Any]) -> BoolArray:
        """Return which places, as far below and to the right of its middle, it covers."""
        turn = np.arctan2(rows, columns) / (2 * np.pi) * len(self.radii)
        far = np.interp(turn, np.arange(len(self.radii)), self.radii, period=len(self.radii))
        return np.asarray(np.hypot(rows, columns) <= far)


class Bubbles(Plain):
    """Discs whose rim is darker than both its sides, almost all around.

    Dark circles are looked for in the image made small, at several scales (Hough); of each the rim
    is then followed by angle, so that a bubble may be somewhat out of round.

    References
    ----------
    .. [1] P. V. C. Hough, US patent 3,069,654 (1962).
    """

    halo = 0

    def __init__(self, view: View, sensitivity: float) -> None:
        super().__init__()
        over = overview_of(view)
        gray = over.pixels.mean(axis=2)
        low, high = (float(v) for v in np.percentile(gray, (0.5, 99.5))) if gray.size else (0, 0)
        gray = np.clip((gray - low) / max(high - low, 1e-12), 0, 1)
        self._found: list[Bubble] = []
        if high > low and min(gray.shape) > 2 * _LEAST and np.median(gray) > _BRIGHT:
            self._found = _bubbles(gray, over.factor, strictness(sensitivity) ** 0.5)

    def marks(self, pixels: NDArray[Any], window: Box) -> BoolArray:
        """Return what lies in a bubble."""
        found = np.zeros(window.shape, bool)
        for bubble in self._found:
            reach = int(bubble.radii.max()) + 1
            y, x = int(bubble.y), int(bubble.x)
            own = Box(y - reach, x - reach, y + reach + 1, x + reach + 1).intersect(window)
            if own.area:
                found[own.relative_to(window).slices] |= bubble.within(own)
        return found


def _bubbles(gray: FloatArray, factor: int, strict: float) -> list[Bubble]:
    """Return the bubbles of a gray overview in [0, 1], where they are at full size.

    Those that are seen whole come first: where others lie behind them, no rim is looked for.
    """
    rims = [(middle, _rim_of(gray, middle, r, strict * _DEEP)) for middle, r in _circles(gray)]
    kept: list[Bubble] = []
    for _ in range(_LAYERS):
        found: list[tuple[float, Bubble]] = []
        for (y, x), (rim, is_there, cut) in rims:
            hidden = cut | _behind(y, x, rim, kept)
            outline, share = _outline(rim, is_there & ~hidden, hidden)
            if share >= min(0.95, _ROUND * strict**0.25):
                found.append((share, Bubble(y, x, outline)))
        before = len(kept)
        for _, one in sorted(found, key=lambda pair: -pair[0]):
            if not any(np.hypot(one.y - b.y, one.x - b.x) < b.radii.mean() / 2 for b in kept):
                kept.append(one)
        if len(kept) == before:
            break
    return [Bubble((b.y + 0.5) * factor, (b.x + 0.5) * factor, b.radii * factor) for b in kept]


def _behind(y: float, x: float, rim: NDArray[np.float64], others: list[Bubble]) -> BoolArray:
    """Tell at which angles a rim is within other bubbles."""
    turn = np.arange(_ANGLES) / _ANGLES * 2 * np.pi
    rows, columns = y + rim * np.sin(turn), x + rim * np.cos(turn)
    hidden = np.zeros(_ANGLES, bool)
    for one in others:
        hidden |= one.covers(rows - one.y, columns - one.x)
    return hidden


def _outline(
    rim: NDArray[np.float64], is_there: BoolArray, cut: BoolArray
) -> tuple[NDArray[np.float64], float]:
    """Return radii of a smooth outline through a rim, and the share of it that lies on it.

    What the image's edge cuts off, less than half, speaks neither way.
    """
    turn = np.arange(_ANGLES) / _ANGLES * 2 * np.pi
    waves = np.stack(
        [np.ones(_ANGLES), *(f(n * turn) for n in (1, 2, 3) for f in (np.cos, np.sin))]
    )
    on, outline = is_there, rim
    for _ in range(4):
        if on.sum() < _ANGLES / 3 or cut.mean() > 0.5:
            return rim, 0.0
        outline = np.linalg.lstsq(waves[:, on].T, rim[on], rcond=None)[0] @ waves
        on = is_there & (np.abs(rim - outline) < _OFF * outline.mean())
    return outline, float(on[~cut].mean())


def _circles(gray: FloatArray) -> list[tuple[NDArray[np.float64], float]]:
    """Return middles and radii of dark circles, of any size from the least on.

    Radii within a factor of two are looked for at each of several scales, at which what is out of
    round by a twelfth is so by a cell.
    """
    found = []
    own, scale = gray, 1.0
    while min(own.shape) > 2 * _LEAST:
        radii = np.arange(_LEAST, min(2 * _LEAST, min(own.shape) // 2) + 1)
        smooth = ndimage.gaussian_filter(own, 0.7)
        dark = np.clip(ndimage.black_tophat(smooth, 5) / _DARKEST, 0, 1)
        votes = np.stack([fftconvolve(dark, _ring(r), "same") for r in radii])
        peaks = (votes == ndimage.maximum_filter(votes, (3, 5, 5))) & (votes > _VOTES)
        places = np.argwhere(peaks)
        best = places[np.argsort(-votes[peaks], kind="stable")[:_MOST]]
        found += [((np.array([y, x]) + 0.5) * scale - 0.5, radii[n] * scale) for n, y, x in best]
        even = [n // 2 * 2 for n in own.shape]
        own = own[: even[0], : even[1]].reshape(even[0] // 2, 2, even[1] // 2, 2).mean((1, 3))
        scale *= 2
    return found


def _ring(radius: int) -> FloatArray:
    """Return a circle as the weights of a mean."""
    y, x = np.mgrid[-radius - 1 : radius + 2, -radius - 1 : radius + 2]
    ring = np.clip(1.0 - np.abs(np.hypot(y, x) - radius), 0, 1)
    return np.asarray(ring / ring.sum(), np.float32)


def _rim_of(
    gray: FloatArray, middle: NDArray[np.float64], radius: float, deep: float
) -> tuple[NDArray[np.float64], BoolArray, BoolArray]:
    """Return how far a rim's outside is from the middle by angle, where one is, and what is cut."""
    angles = np.arange(_ANGLES) / _ANGLES * 2 * np.pi
    far = radius * _REACH
    at = [
        middle[axis] + np.multiply.outer(turn, far)
        for axis, turn in ((0, np.sin(angles)), (1, np.cos(angles)))
    ]
    inside = np.logical_and.reduce(
        [(a >= 0) & (a <= n - 1) for a, n in zip(at, gray.shape, strict=True)]
    )
    seen = ndimage.map_coordinates(gray, at, order=1, mode="nearest")
    darkest = seen.argmin(axis=1)
    columns = np.arange(seen.shape[1])
    least = seen.min(axis=1)
    before = np.where(columns < darkest[:, np.newaxis], seen, -1).max(axis=1)
    after = np.where(columns > darkest[:, np.newaxis], seen, -1).max(axis=1)
    depth = np.minimum(before, after) - least
    # The rim ends where it is half as dark as at its darkest.
    beyond = columns >= darkest[:, np.newaxis]
    ends = np.argmax(beyond & (seen > (least + after)[:, np.newaxis] / 2), axis=1)
    cut = ~inside.all(axis=1)
    return far[ends], (depth > deep) & ~cut, cut
