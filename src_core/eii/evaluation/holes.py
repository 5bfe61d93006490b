"""Holes to evaluate with: a function of kind, size and seed alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw
from scipy import ndimage
from skimage.draw import line

from eii.errors import OptionError

Hole = NDArray[np.bool_]
Rng = np.random.Generator

_SHARES = {"scratch": 0.04, "stroke": 0.15}  # of the image
_BLOCK = 0.3  # of its shorter side
COVER = "cover"
_LINES = 6  # dead lines
_PUBLISHED = 256  # pixels, the side that published brushes are drawn on


def draw_hole(kind: str, shape: tuple[int, int], seed: int) -> Hole:
    """Draw a hole.

    Parameters
    ----------
    kind : {"scratch", "stroke", "block", "line", "brush"} or "cover" and a number
        Wandering scratches of 1 to 4 pixels, brush strokes of 10 to 32, one square of three
        tenths of the shorter side, dead rows and columns of 1 to 3 pixels, the published `brush`;
        ``"cover25"``: a quarter of the image, see `cover`.
    shape : (int, int)
    seed : int

    Returns
    -------
    ndarray of shape (M, N), bool
        At least half of it is known, unless a share is asked for.

    Raises
    ------
    OptionError
        If there is no such kind.
    """
    if kind.startswith(COVER) and kind.removeprefix(COVER).isdecimal():
        return cover(shape, min(0.9, int(kind.removeprefix(COVER)) / 100), seed)
    if kind not in KINDS:
        raise OptionError(f"`holes` must be of {', '.join(KINDS)}, {COVER}25; got {kind!r}.")
    return KINDS[kind](shape, np.random.default_rng(seed))


def _scratches(shape: tuple[int, int], rng: Rng) -> Hole:
    hole = np.zeros(shape, bool)
    while hole.mean() < _SHARES["scratch"]:
        length = rng.uniform(0.3, 1.2) * min(shape)
        walked = _walk(shape, rng, steps=int(length / 8) + 2, step=8.0, turn=0.1)
        hole |= _thick(walked, int(rng.integers(1, 5)))
    return hole


def _strokes(shape: tuple[int, int], rng: Rng) -> Hole:
    hole = np.zeros(shape, bool)
    while hole.mean() < _SHARES["stroke"]:
        walked = _walk(shape, rng, steps=int(rng.integers(2, 8)), step=45.0, turn=0.9)
        drawn = hole | _thick(walked, int(rng.integers(10, 33)))
        if drawn.mean() > 0.5:
            break
        hole = drawn
    return hole


def _block(shape: tuple[int, int], rng: Rng) -> Hole:
    hole = np.zeros(shape, bool)
    side = max(1, int(_BLOCK * min(shape)))
    y, x = (int(rng.integers(n // 16, n - side - n // 16 + 1)) for n in shape)
    hole[y : y + side, x : x + side] = True
    return hole


def brush(shape: tuple[int, int], rng: Rng) -> Hole:
    """Draw the irregular hole that published comparisons use: brush strokes and a box.

    Parameters
    ----------
    shape : (int, int)
    rng : Generator

    Returns
    -------
    ndarray of shape (M, N), bool
        One to three strokes of 4 to 11 vertices, which turn to and fro by 2/5 pi, give or take a
        third of that; 12 to 40 pixels wide at the published side of 256 pixels, and as much wider
        as the shape is; and a box of at most half of it.

    References
    ----------
    .. [1] J. Yu et al., "Free-form image inpainting with gated convolution", ICCV 2019.
    """
    height, width = shape
    picture = Picture.new("L", (width, height))
    pen = ImageDraw.Draw(picture)
    larger = min(shape) / _PUBLISHED
    mean = float(np.hypot(height, width)) / 8
    for _ in range(int(rng.integers(1, 4))):
        count = int(rng.integers(4, 12))
        turns = rng.uniform(2 * np.pi / 5 - 2 * np.pi / 15, 2 * np.pi / 5 + 2 * np.pi / 15, count)
        turns[1::2] = 2 * np.pi - turns[1::2]
        thick = max(1, round(float(rng.uniform(12, 40)) * larger))
        points = [rng.uniform(0, (width, height))]
        for angle in turns:
            length = np.clip(rng.normal(mean, mean / 2), 0, 2 * mean)
            step = length * np.array([np.cos(angle), np.sin(angle)])
            points.append(np.clip(points[-1] + step, 0, (width, height)))
        pen.line([(float(x), float(y)) for x, y in points], fill=255, width=thick)
        for x, y in points:
            pen.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=255)
    tall, wide = (int(rng.integers(1, max(2, n // 2))) for n in shape)
    y, x = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1))
    pen.rectangle((x, y, x + wide - 1, y + tall - 1), fill=255)
    return np.asarray(picture) > 0


def cover(shape: tuple[int, int], share: float, seed: int) -> Hole:
    """Draw strokes of published width until they cover a share of the image.

    Parameters
    ----------
    shape : (int, int)
    share : float
        From 0 to 0.9.
    seed : int

    Returns
    -------
    ndarray of shape (M, N), bool
        Covers the share to within a hundredth.
    """
    rng = np.random.default_rng(seed)
    hole = np.zeros(shape, bool)
    low, high = (w * min(shape) / _PUBLISHED for w in (12, 40))
    while hole.mean() < share - 0.01:
        walked = _walk(shape, rng, steps=int(rng.integers(2, 8)), step=min(shape) / 8, turn=0.9)
        width = max(1, int(rng.uniform(low, high)))
        drawn = hole | (ndimage.distance_transform_edt(~walked) <= width / 2)
        while drawn.mean() > share + 0.01 and width > 1:
            width //= 2
            drawn = hole | (ndimage.distance_transform_edt(~walked) <= width / 2)
        hole = drawn if drawn.mean() <= share + 0.01 else hole
    return hole


def _brush(shape: tuple[int, int], rng: Rng) -> Hole:
    """Draw brushes until one leaves half of the image known."""
    while (hole := brush(shape, rng)).mean() > 0.5:
        continue
    return hole


def _dead_lines(shape: tuple[int, int], rng: Rng) -> Hole:
    hole = np.zeros(shape, bool)
    for number in range(_LINES):
        width, at = int(rng.integers(1, 4)), int(rng.integers(1, shape[number % 2] - 4))
        hole[(slice(None),) * (number % 2) + (slice(at, at + width),)] = True
    return hole


KINDS: dict[str, Callable[[tuple[int, int], Rng], Hole]] = {
    "scratch": _scratches,
    "stroke": _strokes,
    "block": _block,
    "line": _dead_lines,
    "brush": _brush,
}


def _walk(shape: tuple[int, int], rng: Rng, *, steps: int, step: float, turn: float) -> Hole:
    """Return the pixels of a walk that starts anywhere, may bend, and may leave the image."""
    hole = np.zeros(shape, bool)
    point, angle = rng.uniform(0, shape), rng.uniform(0, 2 * np.pi)
    bend = rng.normal(0, turn) if rng.random() < 0.4 else 0.0
    for _ in range(steps):
        end = point + step * np.array([np.sin(angle), np.cos(angle)])
        rows, columns = line(*np.rint(point).astype(int), *np.rint(end).astype(int))
        inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
        hole[rows[inside], columns[inside]] = True
        point, angle = end, angle + bend + rng.normal(0, turn)
    return hole


def _thick(hole: Hole, width: int) -> Hole:
    if width < 2 or not hole.any():
        return hole
    y, x = np.mgrid[-(width // 2) : (width + 1) // 2, -(width // 2) : (width + 1) // 2] + 0.5 * (
        1 - width % 2
    )
    return np.asarray(ndimage.binary_dilation(hole, y**2 + x**2 <= (width / 2) ** 2))
