"""Images made up to train on: dead leaves, printed pages, cells and fibres.

References
----------
.. [1] A. B. Lee, D. Mumford, J. Huang, "Occlusion models for natural images: a statistical study
       of a scale-invariant dead leaves model", IJCV 41 (2001) 35-59.
"""

from __future__ import annotations

import string

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

FloatArray = NDArray[np.float32]
Rng = np.random.Generator

_LEAVES = 600
_SMALL, _LARGE = 2.0, 80.0  # radii of leaves in pixels, whose cubes are equally spread


def synthetic(side: int, rng: Rng) -> FloatArray:
    """Return a made-up image of any kind, shape (side, side, 3), float32 in [0, 1]."""
    kinds = (dead_leaves, printed_page, cells, fibres)
    image = kinds[int(rng.integers(len(kinds)))](side, rng)
    blurred = gaussian_filter(image, (*(rng.uniform(0.3, 1.0),) * 2, 0))
    noise = rng.normal(0, rng.uniform(0, 0.03), blurred.shape)
    return np.clip(blurred + noise, 0, 1).astype(np.float32)


def dead_leaves(side: int, rng: Rng) -> FloatArray:
    """Return discs and boxes that hide one another, of all sizes, as in natural scenes."""
    picture = Picture.new("RGB", (side, side), _colour(rng))
    pen = ImageDraw.Draw(picture)
    share = rng.random(_LEAVES)
    radii = (_LARGE**-2 + share * (_SMALL**-2 - _LARGE**-2)) ** -0.5
    for radius in radii:
        x, y = rng.uniform(-radius, side + radius, 2)
        stretch = radius * rng.uniform(0.4, 1.0)
        box = (x - radius, y - stretch, x + radius, y + stretch)
        (pen.ellipse if rng.random() < 0.7 else pen.rectangle)(box, fill=_colour(rng))
    return np.asarray(picture, np.float32) / np.float32(255)


def printed_page(side: int, rng: Rng) -> FloatArray:
    """Return lines of random words on paper, some turned."""
    paper = int(rng.integers(190, 256))
    large = 2 * side
    picture = Picture.new("RGB", (large, large), (paper, paper, max(0, paper - 20)))
    pen = ImageDraw.Draw(picture)
    size = int(rng.integers(9, 34))
    font = ImageFont.load_default(size)
    ink = tuple(int(v) for v in rng.integers(0, 90, 3))
    letters = np.array(list(string.ascii_letters + string.digits + ".,;"))
    for y in range(0, large, int(size * rng.uniform(1.1, 1.7))):
        lengths = rng.integers(1, 11, 60)
        words = ("".join(rng.choice(letters, n)) for n in lengths)
        pen.text((int(rng.integers(-20, 1)), y), " ".join(words)[: large // 4], ink, font=font)
    turned = picture.rotate(rng.uniform(-8, 8), Picture.Resampling.BILINEAR)
    at = side // 2
    return np.asarray(turned.crop((at, at, at + side, at + side)), np.float32) / np.float32(255)


def cells(side: int, rng: Rng) -> FloatArray:
    """Return round bodies with brighter nuclei, bright on dark or dark on bright."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    image = np.zeros((side, side, 3), np.float32)
    body, nucleus = rng.random((2, 3))
    for _ in range(int(rng.integers(4, 40))):
        (cy, cx), (ry, rx) = rng.uniform(0, side, 2), rng.uniform(5, 30, 2)
        angle = rng.uniform(0, np.pi)
        u = (np.cos(angle) * (x - cx) + np.sin(angle) * (y - cy)) / rx
        v = (np.cos(angle) * (y - cy) - np.sin(angle) * (x - cx)) / ry
        far = np.sqrt(u**2 + v**2)
        for edge, colour in ((1.0, body), (rng.uniform(0.3, 0.6), nucleus)):
            soft = 1 / (1 + np.exp((far - edge) * min(ry, rx) / rng.uniform(0.5, 2)))
            image = np.maximum(image, soft[..., np.newaxis] * colour.astype(np.float32))
    image = (0.05 + 0.9 * image).astype(np.float32)
    return image if rng.random() < 0.5 else 1 - image


def fibres(side: int, rng: Rng) -> FloatArray:
    """Return threads that cross one another, each of its own width and brightness."""
    picture = Picture.new("RGB", (side, side), _colour(rng))
    pen = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(10, 60))):
        count = side // 6
        angles = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.08, count))
        steps = 10 * np.stack([np.cos(angles), np.sin(angles)], 1)
        points = rng.uniform(-side / 4, 1.25 * side, 2) + np.cumsum(steps, 0)
        width = int(rng.integers(1, 9))
        pen.line([tuple(p) for p in points.tolist()], fill=_colour(rng), width=width)
    return np.asarray(picture, np.float32) / np.float32(255)


def _colour(rng: Rng) -> tuple[int, int, int]:
    r, g, b = rng.integers(0, 256, 3)
    return int(r), int(g), int(b)
