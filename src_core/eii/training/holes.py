"""Holes to train with: all kinds of damage, drawn at random and denser than damage is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw
from scipy.ndimage import binary_dilation

from eii.errors import SourceError
from eii.evaluation.holes import brush

Hole = NDArray[np.bool_]
Rng = np.random.Generator

_LEAST, _MOST = 40, 0.55  # pixels, and share of a window, that a hole has


def read_masks(folder: Path) -> list[Hole]:
    """Return masks of real shapes: what is rarer of black and white in each is the hole.

    Raises
    ------
    SourceError
        If the folder holds no picture.
    """
    found = []
    for path in sorted(folder.glob("*.png")):
        with Picture.open(path) as picture:
            mask = np.asarray(picture.convert("L")) > 127
        found.append(~mask if mask.mean() > 0.5 else mask)
    if not found:
        raise SourceError(f"{folder} holds no mask (.png).")
    return found


def draw(side: int, rng: Rng, masks: Sequence[Hole] = ()) -> Hole:
    """Draw a hole.

    Parameters
    ----------
    side : int
        Of the window, in pixels.
    rng : Generator
    masks : sequence of ndarray of bool
        Real shapes, of which some holes are parts, grown or thinned.

    Returns
    -------
    ndarray of shape (side, side), bool
        Some of it is hole and nearly half of it at least is known.
    """
    kinds: list[Callable[[int, Rng], Hole]] = [thin, thin, strokes, blocks]
    kinds += [strokes if side <= 128 else blocks, lambda s, r: brush((s, s), r)]
    kinds += [lambda s, r: real_shape(s, r, masks)] if masks else []
    while True:
        hole = kinds[int(rng.integers(len(kinds)))](side, rng)
        if _LEAST <= np.count_nonzero(hole) <= _MOST * hole.size:
            return hole


def thin(side: int, rng: Rng) -> Hole:
    """Draw scratches and hairs of 1 to 5 pixels, dust of 2 to 14, dead rows and columns."""
    picture, pen = _blank(side)
    target = rng.uniform(0.03, 0.18)
    dead = rng.random() < 0.15
    while np.asarray(picture).mean() / 255 < target:
        if dead:
            at, width = int(rng.integers(side)), int(rng.integers(1, 5))
            box = (
                (at, 0, at + width - 1, side)
                if rng.random() < 0.5
                else (0, at, side, at + width - 1)
            )
            pen.rectangle(box, fill=255)
            dead = rng.random() < 0.4
        elif rng.random() < 0.7:
            bend = rng.normal(0, 0.12) if rng.random() < 0.4 else 0.0
            steps = int(rng.uniform(0.2, 1.5) * side / 4) + 2
            turns = np.cumsum(bend + rng.normal(0, 0.05, steps))
            _walk(pen, rng, side, np.full(steps, 4.0), turns, int(rng.integers(1, 6)))
        else:
            (y, x), (h, w) = rng.uniform(0, side, 2), rng.integers(1, 8, 2)
            pen.ellipse((x - w, y - h, x + w, y + h), fill=255)
    return np.asarray(picture) > 0


def strokes(side: int, rng: Rng) -> Hole:
    """Draw strokes of a pen or a brush, 6 to 40 pixels wide."""
    picture, pen = _blank(side)
    target = rng.uniform(0.06, 0.35)
    for _ in range(20):
        width = int(rng.integers(6, 41)) if rng.random() < 0.5 else int(rng.integers(8, 26))
        count = int(rng.integers(2, 8))
        turns = np.cumsum(rng.normal(0, 0.9, count))
        _walk(pen, rng, side, rng.uniform(20, 70, count), turns, width)
        if np.asarray(picture).mean() / 255 >= target:
            break
    return np.asarray(picture) > 0


def blocks(side: int, rng: Rng) -> Hole:
    """Draw one or two boxes of 24 to 72 pixels, or to 130 in windows over 128; some are turned."""
    picture, pen = _blank(side)
    largest = 72 if side <= 128 else 130
    for _ in range(1 if rng.random() < 0.75 else 2):
        half = rng.integers(24, largest + 1, 2) / 2
        centre = rng.uniform(0, side, 2) if rng.random() < 0.3 else rng.uniform(0.3, 0.7, 2) * side
        angle = 0.0 if rng.random() < 0.7 else rng.uniform(0, np.pi / 2)
        along = np.array([np.cos(angle), np.sin(angle)]) * half[0]
        across = np.array([-np.sin(angle), np.cos(angle)]) * half[1]
        corners = [centre + a * along + b * across for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))]
        pen.polygon([(float(x), float(y)) for y, x in corners], fill=255)
    return np.asarray(picture) > 0


def real_shape(side: int, rng: Rng, masks: Sequence[Hole]) -> Hole:
    """Return a part of a real mask, scaled, turned, grown or thinned."""
    mask = masks[int(rng.integers(len(masks)))]
    size = int(side * rng.uniform(1.0, 2.2))
    whole = np.asarray(Picture.fromarray(mask).resize((size, size), Picture.Resampling.NEAREST))
    y, x = rng.integers(0, size - side + 1, 2)
    part = np.rot90(whole[y : y + side, x : x + side], int(rng.integers(4)))
    grow = int(rng.integers(-2, 4))
    square = np.ones((2 * abs(grow) + 1,) * 2, bool)
    if grow < 0:
        return ~binary_dilation(~part, square)
    return np.asarray(binary_dilation(part, square))


def _blank(side: int) -> tuple[Picture.Image, ImageDraw.ImageDraw]:
    picture = Picture.new("L", (side, side))
    return picture, ImageDraw.Draw(picture)


def _walk(
    pen: ImageDraw.ImageDraw,
    rng: Rng,
    side: int,
    steps: NDArray[np.float64],
    turns: NDArray[np.float64],
    width: int,
) -> None:
    """Draw a walk of given steps and turns, from anywhere in any direction, with round joints."""
    angles = rng.uniform(0, 2 * np.pi) + turns
    moves = steps[:, np.newaxis] * np.stack([np.cos(angles), np.sin(angles)], 1)
    points = rng.uniform(0, side, 2) + np.concatenate([np.zeros((1, 2)), np.cumsum(moves, 0)])
    pen.line([tuple(p) for p in points.tolist()], fill=255, width=width)
    if width > 5:
        r = width / 2
        for x, y in points:
            pen.ellipse((x - r, y - r, x + r, y + r), fill=255)
