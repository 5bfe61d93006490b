"""Scratches, dust and hairs made up on clean images, with where they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from eii.evaluation import film_covers as covers
from eii.evaluation.film_covers import FloatArray, Rng, box_of

BoolArray = NDArray[np.bool_]

_SEEN = 0.04
"""Mean change around a pixel, of the range, from which it belongs to a defect."""
_AROUND = 9  # pixels that such a mean reaches


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
            image, mask = _laid(
                image, covers.crack(image.shape[:2], rng), rng, bright=rng.random() < 0.8
            )
        elif drawn < 0.25:
            image, mask = _laid(image, covers.scuff(image.shape[:2], rng), rng, most=0.35)
        else:
            image, mask = _laid(image, covers.line(image.shape[:2], rng), rng)
        hole |= mask
    return image, hole


def add_dust(image: FloatArray, rng: Rng, count: int = 12) -> tuple[FloatArray, BoolArray]:
    """Return an image with specks and hairs, and where they are; see `add_scratches`."""
    hole = np.zeros(image.shape[:2], bool)
    bright = rng.random() < 0.5  # of one side of the scan, most are alike
    for _ in range(count):
        cover = (
            covers.hair(image.shape[:2], rng)
            if rng.random() < 0.25
            else covers.speck(image.shape, rng)
        )
        image, mask = _laid(image, cover, rng, bright=bright ^ (rng.random() < 0.15))
        hole |= mask
    return image, hole


def add_folds(image: FloatArray, rng: Rng, count: int = 2) -> tuple[FloatArray, BoolArray]:
    """Return an image as of a print that was folded, and where its cracks are; see `add_scratches`.

    Parameters
    ----------
    image : ndarray of shape (M, N, C), float32 in [0, 1]
    rng : numpy Generator
    count : int
        Of folds, from edge to edge, from which white cracks branch.
    """
    hole = np.zeros(image.shape[:2], bool)
    for _ in range(count):
        cover = covers.fold(image.shape[:2], rng)
        image, mask = _laid(image, cover, rng, bright=rng.random() < 0.9, least=0.3, most=1.0)
        hole |= mask
    return image, hole


def _laid(
    image: FloatArray,
    cover: FloatArray,
    rng: Rng,
    *,
    bright: bool | None = None,
    least: float = 0.12,
    most: float = 0.9,
) -> tuple[FloatArray, BoolArray]:
    """Lay a defect of one colour over an image; return what is seen to differ, too."""
    bright = bool(rng.random() < 0.6) if bright is None else bright
    box = box_of(cover, _AROUND)
    own, here = cover[box], image[box]
    inside = own > 0.5
    under = here[inside].mean(axis=0) if inside.any() else image.mean(axis=(0, 1))
    step = rng.uniform(least, most)
    ends = np.float32(1 if bright else 0)
    tone = under + step * (ends - under)
    if abs(float((tone - under).mean())) < 0.1:  # it would not be seen: the other way
        tone = under + step * ((1 - ends) - under)
    tint = rng.normal(0, 0.03, image.shape[2]) if rng.random() < 0.3 else 0.0
    opaque = own[..., np.newaxis] * np.float32(rng.uniform(0.7, 1.0))
    # Under a translucent defect the image still shows.
    laid = np.clip(here + opaque * (tone + tint - here), 0, 1).astype(np.float32)
    changed, hole = image.copy(), np.zeros(cover.shape, bool)
    hole[box] = _seen(np.abs(laid - here).mean(axis=2), own > 0.15)
    changed[box] = laid
    return changed, hole


def _seen(change: FloatArray, inside: BoolArray) -> BoolArray:
    """Return the pixels of a defect around which it changes the image enough to be seen."""
    near = gaussian_filter(inside.astype(np.float32), 2) + np.float32(1e-6)
    return inside & (gaussian_filter(change * inside, 2) > _SEEN * near)
