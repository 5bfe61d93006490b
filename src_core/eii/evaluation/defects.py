"""Defects made up on clean images, one function a kind, each with where they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from eii.evaluation.film_covers import FloatArray, Rng, hair, speck
from eii.evaluation.film_defects import BoolArray, add_dust, add_scratches

Add = Callable[[FloatArray, Rng], tuple[FloatArray, BoolArray]]


def add_hot_pixels(image: FloatArray, rng: Rng) -> tuple[FloatArray, BoolArray]:
    """Return an image (M, N, C) in [0, 1] with hot and dead pixels, and where they are."""
    hole = np.asarray(rng.random(image.shape[:2]) < 4e-4)
    step = rng.uniform(0.3, 1.0, hole.sum())[:, np.newaxis]
    up = rng.random((hole.sum(), 1)) < 0.75
    value = np.where(up, image[hole] + step, image[hole] * (1 - step))
    changed = image.copy()
    changed[hole] = np.clip(value, 0, 1)
    # On what is as bright already, a hot pixel shows nothing.
    hole[hole] = np.abs(changed[hole] - image[hole]).max(axis=1) > 0.15
    return changed, hole


def add_dead_lines(image: FloatArray, rng: Rng) -> tuple[FloatArray, BoolArray]:
    """Return an image with dead rows and columns, whole and partial, and where they are."""
    changed, hole = image.copy(), np.zeros(image.shape[:2], bool)
    for _ in range(4):
        across = bool(rng.random() < 0.4)
        turned = changed.swapaxes(0, 1) if across else changed
        marks = np.asarray(hole.T if across else hole)
        length, width = marks.shape[0], marks.shape[1]
        at, wide = int(rng.integers(2, width - 4)), int(rng.choice([1, 1, 2]))
        start = 0 if rng.random() < 0.5 else int(rng.integers(0, length // 2))
        stop = length if rng.random() < 0.5 else min(length, start + int(rng.integers(100, length)))
        span = slice(start, stop), slice(at, at + wide)
        kind = rng.random()
        if kind < 0.4:
            turned[span] = rng.choice([0.0, 1.0])
        elif kind < 0.6:
            turned[span] = rng.random()
        else:
            turned[span] = np.clip(
                turned[span] + rng.choice([-1, 1]) * rng.uniform(0.08, 0.3), 0, 1
            )
        marks[span] = True
    return changed, hole


def add_saturated(image: FloatArray, rng: Rng) -> tuple[FloatArray, BoolArray]:
    """Return an image with blobs at its greatest value, and where it has that."""
    changed = np.minimum(image, np.float32(0.996))
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    for _ in range(8):
        radius = rng.uniform(2, 14)
        cy, cx = rng.uniform(0, 1, 2) * image.shape[:2]
        far = np.hypot(y - cy, (x - cx) * rng.uniform(0.7, 1.4)) / radius
        glow = np.exp(-0.5 * np.clip(far - 1, 0, None) ** 2 * radius)[..., np.newaxis]
        changed = np.where(far[..., np.newaxis] < 1, 1, changed + 0.3 * glow * (0.99 - changed))
    return changed.astype(np.float32), np.asarray((changed >= 1).all(axis=2))


def add_missing(image: FloatArray, rng: Rng) -> tuple[FloatArray, BoolArray]:
    """Return an image with an empty tile and gaps between tiles, and where they are."""
    height, width = image.shape[:2]
    hole = np.zeros((height, width), bool)
    y, x = int(rng.integers(0, height - 60)), int(rng.integers(0, width - 60))
    hole[y : y + int(rng.integers(40, 200)), x : x + int(rng.integers(40, 200))] = True
    for _ in range(2):
        at = int(rng.integers(10, width - 10))
        hole[:, at : at + int(rng.integers(1, 6))] = True
        hole = hole.T if rng.random() < 0.5 and height == width else hole
    changed = np.where(hole[..., np.newaxis], 0, np.maximum(image, np.float32(1 / 255)))
    return changed.astype(np.float32), hole


def add_infrared(image: FloatArray, rng: Rng) -> tuple[FloatArray, BoolArray]:
    """Return an image (M, N, 3) with dust and scratches, and infrared as its fourth channel.

    The cyan dye leaks into infrared: it falls with the logarithm of red, by a tenth to a third of
    what red does. Infrared is a little blurred, noisy, and not lit evenly.
    """
    clean = np.clip(_coloured(image), 0.02, 1)
    dirty, hole = add_dust(clean, rng, 25)
    dirty, more = add_scratches(dirty, rng, 2)
    hole |= more
    cover = gaussian_filter(hole.astype(np.float32), 0.6) * np.float32(rng.uniform(0.4, 0.9))
    leak = rng.uniform(0.05, 0.15) * np.log(clean[..., 0])
    y = np.linspace(-1, 1, hole.shape[0])[:, np.newaxis]
    light = 0.75 + 0.03 * y
    infrared = (light + leak) * (1 - cover) + rng.normal(0, 0.008, hole.shape)
    infrared = gaussian_filter(np.clip(infrared, 0, 1), 0.4)
    return np.concatenate([dirty, infrared[..., np.newaxis]], axis=2).astype(np.float32), hole


def add_thin_dirt(image: FloatArray, rng: Rng) -> tuple[FloatArray, BoolArray]:
    """Return a film scan (M, N, 4) with dirt that lets some light through, and where it is.

    Each speck dims colours and infrared alike, by 5 to 85 %; both have noise of their own.
    """
    clean = np.clip(_coloured(image), 0.03, 1)
    shape = image.shape[0], image.shape[1]
    passed = np.ones(shape, np.float32)
    for _ in range(clean.shape[0] * clean.shape[1] // 6000):
        drawn = hair if rng.random() < 0.3 else speck
        passed = np.minimum(passed, 1 - drawn(shape, rng) * rng.uniform(0.05, 0.85))
    passed = gaussian_filter(passed, 0.6)[..., np.newaxis]
    leak = rng.uniform(0.05, 0.15) * np.log(clean[..., :1])
    infrared = gaussian_filter((0.8 + leak) * passed, (0.4, 0.4, 0))
    dirty = np.concatenate([clean * passed, infrared], axis=2)
    dirty += rng.normal(0, 0.004, dirty.shape)
    return np.clip(dirty, 0, 1).astype(np.float32), np.asarray(passed[..., 0] < 0.97)


def _coloured(image: FloatArray) -> FloatArray:
    return np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image


def add_pen_marks(image: FloatArray, rng: Rng) -> tuple[FloatArray, BoolArray]:
    """Return an RGB image with broad strokes of a coloured pen, and where they are."""
    height, width = image.shape[:2]
    picture = Picture.new("L", (width, height))
    pen = ImageDraw.Draw(picture)
    for _ in range(2):
        start = rng.uniform(0.1, 0.9, 2) * (width, height)
        steps = np.cumsum(rng.normal(0, 0.06 * width, (14, 2)), axis=0)
        points = [tuple(p) for p in start + steps]
        pen.line(points, fill=255, width=int(rng.integers(6, 22)), joint="curve")
    cover = gaussian_filter(np.asarray(picture, np.float32) / 255, 0.7)
    inks = np.array([[0.1, 0.2, 0.7], [0.05, 0.5, 0.25], [0.8, 0.1, 0.15]], np.float32)
    ink = inks[int(rng.integers(3))]
    opaque = cover[..., np.newaxis] * np.float32(rng.uniform(0.75, 0.95))
    return (image + opaque * (ink * image**0.3 - image)).astype(np.float32), cover > 0.3


def add_stamps(image: FloatArray, rng: Rng) -> tuple[FloatArray, BoolArray]:
    """Return an RGB image with a stamp of coloured ink through which it shows, and where it is."""
    height, width = image.shape[:2]
    picture = Picture.new("L", (width, height))
    pen = ImageDraw.Draw(picture)
    radius = rng.uniform(0.1, 0.2) * min(height, width)
    cx, cy = rng.uniform(0.3, 0.7, 2) * (width, height)
    for far in (1.0, 0.75):
        own = radius * far
        pen.ellipse((cx - own, cy - own, cx + own, cy + own), outline=255, width=int(radius / 14))
    font = ImageFont.load_default(int(radius / 2.6))
    pen.text((cx - radius * 0.6, cy - radius * 0.25), "RECEIVED"[:5], 255, font=font)
    turned = picture.rotate(rng.uniform(-30, 30), Picture.Resampling.BILINEAR, center=(cx, cy))
    worn = gaussian_filter(rng.normal(0, 1, (height, width)), 1.5)
    cover = np.asarray(turned, np.float32) / 255 * (worn > -0.5)
    cover = gaussian_filter(cover, 0.6)
    inks = np.array([[0.75, 0.15, 0.2], [0.2, 0.25, 0.7], [0.4, 0.15, 0.55]], np.float32)
    ink = inks[int(rng.integers(3))]
    opaque = cover[..., np.newaxis] * np.float32(rng.uniform(0.6, 0.9))
    return (image * (1 - opaque * (1 - ink))).astype(np.float32), cover > 0.3


def add_stains(image: FloatArray, rng: Rng) -> tuple[FloatArray, BoolArray]:
    """Return a page with a stain that it shows through, darker at its rim, and where it is."""
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width]
    cy, cx = rng.uniform(0.35, 0.65, 2) * (height, width)
    turn = np.arctan2(y - cy, x - cx)
    radius = rng.uniform(0.15, 0.25) * min(height, width)
    out = 1 + sum(
        rng.uniform(0, 0.08) * np.cos(n * turn + rng.uniform(0, 2 * np.pi)) for n in (2, 3, 4, 5)
    )
    far = np.hypot(y - cy, x - cx) / (radius * out)
    within = np.clip((1 - far) * radius / 3, 0, 1)
    uneven = 1 + 0.25 * gaussian_filter(rng.normal(0, 1, (height, width)), radius / 4) * radius / 2
    rim = 1 + 0.5 * np.exp(-0.5 * ((far - 0.96) / 0.04) ** 2)
    depth = (within * np.clip(uneven, 0.6, 1.4) * rim)[..., np.newaxis]
    colour = np.array([0.2, 0.3, 0.5], np.float32) if image.shape[2] == 3 else np.float32(0.3)
    return (image * np.exp(-depth * colour * rng.uniform(0.6, 1.2))).astype(np.float32), far <= 1


def add_bubbles(image: FloatArray, rng: Rng) -> tuple[FloatArray, BoolArray]:
    """Return an image with air bubbles: blurred discs in a dark rim with a halo inside."""
    height, width = image.shape[:2]
    changed, hole = image.astype(np.float32), np.zeros((height, width), bool)
    y, x = np.mgrid[:height, :width]
    for _ in range(int(rng.integers(1, 4))):
        radius = rng.uniform(0.05, 0.18) * min(height, width)
        cy, cx = rng.uniform(0.2, 0.8, 2) * (height, width)
        turn = np.arctan2(y - cy, x - cx)
        out = 1 + sum(
            rng.uniform(0, 0.04) * np.cos(n * turn + rng.uniform(0, 2 * np.pi)) for n in (2, 3)
        )
        far = np.hypot(y - cy, x - cx) / (radius * out)
        wide = rng.uniform(0.03, 0.08)
        inner = gaussian_filter(changed, (radius / 12, radius / 12, 0)) * rng.uniform(0.85, 1.05)
        inner += 0.12 * np.exp(-0.5 * ((far - 1 + 4 * wide) / wide) ** 2)[..., np.newaxis]
        within = np.clip((1 - far) * radius + 0.5, 0, 1)[..., np.newaxis]
        changed = changed + within * (inner - changed)
        rim = rng.uniform(0.5, 0.9) * np.exp(-0.5 * ((far - 1 + wide) / wide) ** 2)
        changed = changed * (1 - rim[..., np.newaxis])
        hole |= far <= 1 + wide
    return np.clip(changed, 0, 1).astype(np.float32), hole


DEFECTS: dict[str, Add] = {
    "hot-pixels": add_hot_pixels,
    "dead-lines": add_dead_lines,
    "saturated": add_saturated,
    "missing": add_missing,
    "scratches": add_scratches,
    "dust": add_dust,
    "infrared": add_infrared,
    "pen-marks": add_pen_marks,
    "stamps": add_stamps,
    "bubbles": add_bubbles,
    "stains": add_stains,
}
"""What is made up for each kind that can be measured."""
