"""Scratches, dust and hairs made up on clean images, with where they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from eii.evaluation import film_covers as covers
from eii.evaluation.film_covers import FloatArray, Rng, box_of

BoolArray = NDArray[np.bool_]

_SEEN = 0.04
"""Mean change around a pixel, of the range, from which it belongs to a defect."""
_AROUND = 9  # pixels that such a mean reaches


@dataclass(frozen=True)
class Defect:
    """A defect that is drawn, to be laid over images.

    Parameters
    ----------
    box : tuple of two slices
        Rows and columns of an image in which it is, with some ground around it.
    cover : ndarray of the box's shape, float32 in [0, 1]
        How far it hides each pixel.
    bright : bool, optional
        Brighter than what it hides, or darker; by default that is drawn anew for each image.
    least, most : float
        Of the way from what it hides to white or black.
    edge : float
        Part of a pixel that it hides, from which the pixel is of it, where it is seen.
    """

    box: tuple[slice, slice]
    cover: FloatArray
    bright: bool | None = None
    least: float = 0.12
    most: float = 0.9
    edge: float = 0.15


def _defect(cover: FloatArray, bright: bool | None = None, **reach: float) -> Defect:
    box = box_of(cover, _AROUND)
    return Defect(box, cover[box].copy(), bright, **reach)


def draw_scratch(shape: tuple[int, int], rng: Rng) -> Defect:
    """Return a line, a crack of the emulsion that branches, or a broad soft rub, for a shape."""
    drawn = rng.random()
    if drawn < 0.15:
        return draw_crack(shape, rng)
    if drawn < 0.25:
        return _defect(covers.scuff(shape, rng), most=0.35)
    return _defect(covers.line(shape, rng))


def draw_crack(shape: tuple[int, int], rng: Rng) -> Defect:
    """Return a crack of the emulsion that branches, for a shape."""
    return _defect(covers.crack(shape, rng), bool(rng.random() < 0.8))


def draw_dust(shape: tuple[int, int], rng: Rng, bright: bool) -> Defect:
    """Return a speck or a hair, for a shape, of which most are bright or most are dark."""
    cover = covers.hair(shape, rng) if rng.random() < 0.25 else covers.speck(shape, rng)
    return _defect(cover, bool(bright ^ (rng.random() < 0.15)))


def draw_fold(shape: tuple[int, int], rng: Rng) -> Defect:
    """Return the cracks of a fold from edge to edge, for a shape."""
    return _defect(covers.fold(shape, rng), bool(rng.random() < 0.9), least=0.3, most=1.0)


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
    changed, hole = image.copy(), np.zeros(image.shape[:2], bool)
    for _ in range(count):
        _add(changed, hole, draw_scratch(image.shape[:2], rng), rng)
    return changed, hole


def add_dust(image: FloatArray, rng: Rng, count: int = 12) -> tuple[FloatArray, BoolArray]:
    """Return an image with specks and hairs, and where they are; see `add_scratches`."""
    changed, hole = image.copy(), np.zeros(image.shape[:2], bool)
    bright = bool(rng.random() < 0.5)  # of one side of the scan, most are alike
    for _ in range(count):
        _add(changed, hole, draw_dust(image.shape[:2], rng, bright), rng)
    return changed, hole


def _add(image: FloatArray, hole: BoolArray, defect: Defect, rng: Rng) -> None:
    """Lay a defect over an image, in place, and note where it is seen."""
    before = image[defect.box].copy()
    lay(image, defect, rng)
    change = np.abs(image[defect.box] - before).mean(axis=2)
    hole[defect.box] |= seen(change, defect.cover > defect.edge)


def lay(image: FloatArray, defect: Defect, rng: Rng) -> None:
    """Lay a defect over an image of shape (M, N, C) in [0, 1], in place, in one colour.

    Parameters
    ----------
    image : ndarray of shape (M, N, C), float32 in [0, 1]
    defect : Defect
        Drawn for the image's shape.
    rng : numpy Generator
    """
    bright = bool(rng.random() < 0.6) if defect.bright is None else defect.bright
    own, here = defect.cover, image[defect.box]
    inside = own > 0.5
    under = here[inside].mean(axis=0) if inside.any() else image.mean(axis=(0, 1))
    step = rng.uniform(defect.least, defect.most)
    ends = np.float32(1 if bright else 0)
    tone = under + step * (ends - under)
    if abs(float((tone - under).mean())) < 0.1:  # it would not be seen: the other way
        tone = under + step * ((1 - ends) - under)
    tint = rng.normal(0, 0.03, image.shape[2]) if rng.random() < 0.3 else 0.0
    opaque = own[..., np.newaxis] * np.float32(rng.uniform(0.7, 1.0))
    # Under a translucent defect the image still shows.
    image[defect.box] = np.clip(here + opaque * (tone + tint - here), 0, 1)


def seen(change: FloatArray, inside: BoolArray) -> BoolArray:
    """Return the pixels of defects around which an image is changed enough for them to be seen.

    Parameters
    ----------
    change : ndarray of shape (M, N), float32
        How far each pixel is changed, of the range.
    inside : ndarray of shape (M, N), bool
        Pixels of defects.
    """
    near = gaussian_filter(inside.astype(np.float32), 2) + np.float32(1e-6)
    return inside & (gaussian_filter(change * inside, 2) > _SEEN * near)
