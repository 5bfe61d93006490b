"""Scratches, dust and hairs made up on clean images, with where they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw
from scipy.ndimage import gaussian_filter, zoom

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
Rng = np.random.Generator

_SEEN = 0.04
"""Mean change around a pixel, of the range, from which it belongs to a defect."""
_FINE = 4  # lines are drawn so many times as large, for smooth edges


def add_scratches(image: FloatArray, rng: Rng, count: int = 3) -> tuple[FloatArray, BoolArray]:
    """Return an image with thin long scratches, and where they are.

    Parameters
    ----------
    image : ndarray of shape (M, N, C), float32 in [0, 1]
    rng : numpy Generator
    count : int
        Of scratches: lines, of which a third run from edge to edge as on film, cracks of the
        emulsion that branch, and broad soft rubs.

    Returns
    -------
    ndarray of shape (M, N, C), float32
    ndarray of shape (M, N), bool
    """
    hole = np.zeros(image.shape[:2], bool)
    for _ in range(count):
        drawn = rng.random()
        if drawn < 0.15:
            image, mask = _laid(image, _crack(image.shape[:2], rng), rng, bright=rng.random() < 0.8)
        elif drawn < 0.25:
            image, mask = _laid(image, _scuff(image.shape[:2], rng), rng, most=0.35)
        else:
            image, mask = _laid(image, _line(image.shape[:2], rng), rng)
        hole |= mask
    return image, hole


def add_dust(image: FloatArray, rng: Rng, count: int = 12) -> tuple[FloatArray, BoolArray]:
    """Return an image with specks and hairs, and where they are; see `add_scratches`."""
    hole = np.zeros(image.shape[:2], bool)
    bright = rng.random() < 0.5  # of one side of the scan, most are alike
    for _ in range(count):
        cover = _hair(image.shape[:2], rng) if rng.random() < 0.25 else _speck(image.shape, rng)
        image, mask = _laid(image, cover, rng, bright=bright ^ (rng.random() < 0.15))
        hole |= mask
    return image, hole


def _laid(
    image: FloatArray,
    cover: FloatArray,
    rng: Rng,
    *,
    bright: bool | None = None,
    most: float = 0.9,
) -> tuple[FloatArray, BoolArray]:
    """Lay a defect of one colour over an image; return what is seen to differ, too."""
    bright = bool(rng.random() < 0.6) if bright is None else bright
    inside = cover > 0.5
    under = image[inside].mean(axis=0) if inside.any() else image.mean(axis=(0, 1))
    step = rng.uniform(0.12, most)
    ends = np.float32(1 if bright else 0)
    tone = under + np.clip(step, 0, None) * (ends - under)
    if abs(float((tone - under).mean())) < 0.1:  # it would not be seen: the other way
        tone = under + step * ((1 - ends) - under)
    tint = rng.normal(0, 0.03, image.shape[2]) if rng.random() < 0.3 else 0.0
    opaque = cover[..., np.newaxis] * np.float32(rng.uniform(0.7, 1.0))
    # Under a translucent defect the image still shows.
    laid = image + opaque * (tone + tint - image)
    changed = np.clip(laid, 0, 1).astype(np.float32)
    return changed, _seen(np.abs(changed - image).mean(axis=2), cover > 0.15)


def _seen(change: FloatArray, inside: BoolArray) -> BoolArray:
    """Return the pixels of a defect around which it changes the image enough to be seen."""
    near = gaussian_filter(inside.astype(np.float32), 2) + np.float32(1e-6)
    return inside & (gaussian_filter(change * inside, 2) > _SEEN * near)


def _line(shape: tuple[int, int], rng: Rng) -> FloatArray:
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
    return gaussian_filter(cover, rng.uniform(0.2, 0.8)).astype(np.float32)


def _crack(shape: tuple[int, int], rng: Rng) -> FloatArray:
    """Return the cover of a crack: a line with kinks and branches that grow thinner."""
    start = rng.uniform(0, 1, 2) * np.array(shape[::-1])
    ends = [(start, rng.uniform(0, 2 * np.pi), rng.uniform(60, 1.2 * max(shape)))]
    width, cover = rng.uniform(1.0, 5.0), np.zeros(shape, np.float32)
    for level in range(3):
        grown = []
        for at, angle, length in ends:
            points = _kinked(at, angle, length, rng)
            cover = np.maximum(cover, _drawn(shape, points, max(0.8, width * 0.65**level), rng))
            for place in rng.integers(len(points), size=rng.poisson(length / 150)):
                fork = angle + rng.choice([-1, 1]) * rng.uniform(0.4, 1.5)
                grown.append((points[place], fork, length * rng.uniform(0.15, 0.5)))
        ends = grown
    return gaussian_filter(cover, rng.uniform(0.2, 0.7)).astype(np.float32)


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


def _scuff(shape: tuple[int, int], rng: Rng) -> FloatArray:
    """Return the cover of a broad scratch whose sides fade."""
    angle, length = rng.uniform(0, np.pi), rng.uniform(50, 1.2 * max(shape))
    start = rng.uniform(0, 1, 2) * np.array(shape[::-1])
    points = _path(start, angle, length, rng.uniform(0, 0.05), rng)
    width = rng.uniform(4, 14)
    return gaussian_filter(_drawn(shape, points, width, rng), width / 5).astype(np.float32)


def _hair(shape: tuple[int, int], rng: Rng) -> FloatArray:
    """Return the cover of one curled fibre."""
    start = rng.uniform(0, 1, 2) * np.array(shape[::-1])
    points = _path(start, rng.uniform(0, 2 * np.pi), rng.uniform(12, 70), 0.25, rng)
    cover = _drawn(shape, points, rng.uniform(1.0, 2.5), rng)
    return gaussian_filter(cover, rng.uniform(0.2, 0.7)).astype(np.float32)


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
    large = Picture.new("L", (shape[1] * _FINE, shape[0] * _FINE))
    pen = ImageDraw.Draw(large)
    swell = width * (1 + 0.3 * np.sin(np.linspace(0, rng.uniform(1, 20), len(points))))
    fine = points * _FINE
    for (x0, y0), (x1, y1), own in zip(fine[:-1], fine[1:], swell, strict=False):
        if max(x0, x1) > -50 and max(y0, y1) > -50 and min(x0, x1) < large.width + 50:
            pen.line((x0, y0, x1, y1), fill=255, width=max(1, round(own * _FINE)))
    small = large.resize(shape[::-1], Picture.Resampling.BOX)
    return np.asarray(small, np.float32) / np.float32(255)


def _speck(shape: tuple[int, ...], rng: Rng) -> FloatArray:
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
