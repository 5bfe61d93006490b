"""Covers of defects of film and prints: in [0, 1], how far a defect hides each pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw
from scipy.ndimage import gaussian_filter, zoom

FloatArray = NDArray[np.float32]
Rng = np.random.Generator

_FINE = 4  # lines are drawn so many times as large, for smooth edges


def box_of(cover: NDArray[Any], margin: int) -> tuple[slice, slice]:
    """Return the rows and columns where a cover is not 0, with a margin, inside of it."""
    found = []
    for axis in (1, 0):
        at = np.flatnonzero(cover.any(axis=axis))
        first, last = (at[0], at[-1] + 1) if at.size else (0, 0)
        found.append(slice(max(0, int(first) - margin), int(last) + margin if at.size else 0))
    return found[0], found[1]


def _blurred(cover: FloatArray, deviation: float) -> FloatArray:
    """Return a cover with soft sides; only where there is some is computed."""
    box = box_of(cover, int(4 * deviation + 0.5) + 1)
    soft = np.zeros_like(cover)
    if cover[box].size:
        soft[box] = gaussian_filter(cover[box], deviation)
    return soft


def line(shape: tuple[int, int], rng: Rng) -> FloatArray:
    """Return the cover of one scratch, in [0, 1]."""
    height, width = shape
    long = rng.random() < 0.35
    angle = rng.normal(np.pi / 2, 0.04) if rng.random() < 0.4 else rng.uniform(0, np.pi)
    length = 2 * (height + width) if long else rng.uniform(30, 0.9 * max(shape))
    start = np.array([rng.uniform(0, width), rng.uniform(0, height)])
    if long:
        start = start - length / 2 * np.array([np.cos(angle), np.sin(angle)])
    points = _path(start, angle, length, rng.uniform(0, 0.06), rng)
    cover = _drawn(shape, points, rng.uniform(0.8, 5.0) if rng.random() < 0.85 else 8, rng)
    if rng.random() < 0.4:  # broken, as where the tool jumped
        along = np.interp(
            np.arange(height + width),
            np.arange(0, height + width, 13),
            rng.random(len(range(0, height + width, 13))),
        )
        y, x = np.mgrid[:height, :width]
        cover = cover * (along[(y + x)] > 0.3)
    return _blurred(cover, rng.uniform(0.2, 0.8))


def crack(shape: tuple[int, int], rng: Rng) -> FloatArray:
    """Return the cover of a crack: a line with kinks and branches that grow thinner."""
    start = rng.uniform(0, 1, 2) * np.array(shape[::-1])
    first = (start, rng.uniform(0, 2 * np.pi), rng.uniform(60, 1.2 * max(shape)))
    cover = _branched(shape, first, rng.uniform(1.0, 5.0), 150, rng)
    return _blurred(cover, rng.uniform(0.2, 0.7))


def fold(shape: tuple[int, int], rng: Rng) -> FloatArray:
    """Return the cover of a fold: a crack from edge to edge, with many branches and flakes."""
    angle, middle = rng.uniform(0, np.pi), rng.uniform(0.1, 0.9, 2) * np.array(shape[::-1])
    length = 1.5 * float(np.hypot(*shape))
    start = middle - length / 2 * np.array([np.cos(angle), np.sin(angle)])
    every = float(np.exp(rng.uniform(np.log(25), np.log(200))))
    cover = _branched(shape, (start, angle, length), rng.uniform(0.8, 5.0), every, rng)
    if rng.random() < 0.5:  # the emulsion has come off in places
        rough = gaussian_filter(rng.normal(0, 1, shape), rng.uniform(0.8, 3.0))
        near = gaussian_filter(cover, rng.uniform(1.0, 4.0))
        cover = np.maximum(cover, (near + rough / rough.std() * 0.1 > 0.4).astype(np.float32))
    if rng.random() < 0.5:  # and is only torn in others
        torn = gaussian_filter(rng.normal(0, 1, shape), rng.uniform(3, 15))
        cover = cover * np.clip(0.8 + 0.4 * torn / torn.std(), 0.2, 1).astype(np.float32)
    return _blurred(cover, rng.uniform(0.2, 0.7))


def _branched(
    shape: tuple[int, int],
    first: tuple[NDArray[np.float64], float, float],
    width: float,
    every: float,
    rng: Rng,
) -> FloatArray:
    """Return the cover of a kinked line, by its start, angle and length, and its branches."""
    ends, cover = [first], np.zeros(shape, np.float32)
    for level in range(3):
        grown = []
        for at, angle, length in ends:
            points = _kinked(at, angle, length, rng)
            cover = np.maximum(cover, _drawn(shape, points, max(0.8, width * 0.65**level), rng))
            for place in rng.integers(len(points), size=rng.poisson(length / every)):
                fork = angle + rng.choice([-1, 1]) * rng.uniform(0.4, 1.5)
                grown.append((points[place], fork, length * rng.uniform(0.15, 0.5)))
        ends = grown
    return cover


def _kinked(
    start: NDArray[np.float64], angle: float, length: float, rng: Rng
) -> NDArray[np.float64]:
    """Return points of a line of straight pieces, shape (K, 2) as x and y."""
    points, gone = [start], 0.0
    while gone < length:
        piece = float(rng.uniform(5, 30))
        turned = angle + rng.normal(0, 0.4)
        points.append(points[-1] + piece * np.array([np.cos(turned), np.sin(turned)]))
        gone += piece
    return np.stack(points)


def scuff(shape: tuple[int, int], rng: Rng) -> FloatArray:
    """Return the cover of a broad scratch whose sides fade."""
    angle, length = rng.uniform(0, np.pi), rng.uniform(50, 1.2 * max(shape))
    start = rng.uniform(0, 1, 2) * np.array(shape[::-1])
    points = _path(start, angle, length, rng.uniform(0, 0.05), rng)
    width = rng.uniform(4, 14)
    return _blurred(_drawn(shape, points, width, rng), width / 5)


def hair(shape: tuple[int, int], rng: Rng) -> FloatArray:
    """Return the cover of one curled fibre."""
    start = rng.uniform(0, 1, 2) * np.array(shape[::-1])
    points = _path(start, rng.uniform(0, 2 * np.pi), rng.uniform(12, 70), 0.25, rng)
    cover = _drawn(shape, points, rng.uniform(1.0, 2.5), rng)
    return _blurred(cover, rng.uniform(0.2, 0.7))


def _path(
    start: NDArray[np.float64], angle: float, length: float, curl: float, rng: Rng
) -> NDArray[np.float64]:
    """Return points of a line that turns a little at each step, shape (K, 2) as x and y."""
    count = max(2, int(length / 4))
    angles = angle + np.cumsum(rng.normal(0, curl, count))
    steps = 4 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return start + np.cumsum(steps, axis=0)


def _drawn(
    shape: tuple[int, int], points: NDArray[np.float64], width: float, rng: Rng
) -> FloatArray:
    """Return a line with smooth edges and a width that swells, in [0, 1]."""
    swell = width * (1 + 0.3 * np.sin(np.linspace(0, rng.uniform(1, 20), len(points))))
    margin = 2 * width + 2
    least = np.clip(np.floor(points.min(axis=0) - margin), 0, shape[::-1]).astype(int)
    most = np.clip(np.ceil(points.max(axis=0) + margin), least, shape[::-1]).astype(int)
    (left, top), (across, down) = least, most - least
    cover = np.zeros(shape, np.float32)
    if not across or not down:
        return cover
    large = Picture.new("L", (int(across) * _FINE, int(down) * _FINE))
    pen = ImageDraw.Draw(large)
    fine = (points - least) * _FINE
    for (x0, y0), (x1, y1), own in zip(fine[:-1], fine[1:], swell, strict=False):
        if max(x0, x1) > -50 and max(y0, y1) > -50 and min(x0, x1) < large.width + 50:
            pen.line((x0, y0, x1, y1), fill=255, width=max(1, round(own * _FINE)))
    small = large.resize((int(across), int(down)), Picture.Resampling.BOX)
    box = slice(top, top + down), slice(left, left + across)
    cover[box] = np.asarray(small, np.float32) / np.float32(255)
    return cover


def speck(shape: tuple[int, ...], rng: Rng) -> FloatArray:
    """Return the cover of one speck of irregular outline."""
    height, width = shape[:2]
    radius = float(np.exp(rng.uniform(np.log(1.0), np.log(7.0))))
    side = int(4 * radius) + 5
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    turn, flat = rng.uniform(0, np.pi), rng.uniform(0.5, 1.0)
    u, v = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    rough = zoom(rng.normal(0, 0.3, (4, 4)), side / 4, order=1)[:side, :side]
    far = np.hypot(u, v / flat) / radius + np.pad(
        rough, [(0, side - n) for n in rough.shape], mode="edge"
    )
    own = np.clip((1.15 - far) * radius, 0, 1)
    own = gaussian_filter(own, rng.uniform(0.2, 0.8))
    cover = np.zeros((height + 2 * side, width + 2 * side), np.float32)
    at_y, at_x = int(rng.uniform(0, height)) + side // 2, int(rng.uniform(0, width)) + side // 2
    cover[at_y : at_y + side, at_x : at_x + side] = own
    return cover[side:-side, side:-side]
