"""What inks take from the colours of a page, learnt from parts of it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import ks_2samp, wasserstein_distance

from eii.finders.ink_veil import ALIKE, LEAST, Page, Tint, without
from eii.finders.kind import BoolArray, FloatArray
from eii.image.spread import TO_DEVIATION

Samples = list[tuple[FloatArray, BoolArray]]

_BRIGHT, _PRINT = 70, -0.4  # percentile of paper; mean logarithm below it, of print
_CLEAR, _RIM = 3, 2  # pixels around ink
_FAINT, _SHADE = 0.1, 0.15  # least that ink moves a colour; darkest, of paper, that is learnt from
_INKS, _ENOUGH, _SHARE = 3, 200, 0.1  # of a page; pixels of one, and of all that is ink
_BINS, _MOST = 8, 0.95
_VAGUE = 0.42  # spread of what an ink takes, beyond which it is none
_MENDED, _NEAR = 0.5, 0.35  # of what ink and page differ by, the most that may be left
_SHOWN = 0.1  # of the share of print on the page, that at least shows through ink


def learn_inks(samples: Samples) -> tuple[Page, tuple[Tint, ...]] | None:
    """Learn the line of a page and what each of its inks takes.

    Parameters
    ----------
    samples : list of (ndarray of shape (h, w, 3), ndarray of shape (h, w), bool)
        Colours of parts of a page, and where ink is on them.

    Returns
    -------
    (Page, tuple of Tint) or None
        None where there is too little ink, or dividing it out does not give what is around: as of
        ink that covers, or where what is below has many colours itself.
    """
    page = learn_page(samples)
    if page is None:
        return None
    deep, wide = (_marked(samples, page, by) for by in (-1, _RIM))
    tints: list[Tint] = []
    rest = np.linalg.norm(page.off(deep), axis=1) > _FAINT
    least = max(_ENOUGH, _SHARE * rest.sum())
    while rest.sum() >= least and len(tints) < _INKS:
        off = page.off(deep[rest])
        direction = _direction(off, page)
        tint = _tint(direction, wide, page)
        if tint is not None:
            tints.append(tint)
        rest[rest] = ~_alike(off, direction)
    kept = tuple(tints)
    return (page, kept) if kept and _mends(samples, page, kept) else None


def learn_page(samples: Samples) -> Page | None:
    """Return the line of what is clear of ink; None where there is too little."""
    clear = [colours[~_grown(found, _CLEAR)] for colours, found in samples]
    colours = np.concatenate(clear) if clear else np.zeros((0, 3), np.float32)
    light = colours.mean(axis=1)
    paper = float(np.percentile(light, _BRIGHT)) if len(light) >= _ENOUGH else 0.0
    near = np.abs(light - paper) <= 0.05 * paper
    if paper <= 0 or near.sum() < _ENOUGH:
        return None
    least = LEAST * paper
    median = np.median(np.log(np.maximum(colours[near], least)), axis=0)
    plain = Page(tuple(map(float, median)), (-(3**-0.5),) * 3, least)
    logs = plain.logs(colours)
    printed = (logs.mean(axis=1) < _PRINT) & (light > 3 * least)
    if printed.sum() < _ENOUGH:
        return plain
    line = logs[printed].sum(axis=0)
    return Page(plain.paper, tuple(map(float, line / np.linalg.norm(line))), least)


def _grown(found: BoolArray, by: int) -> BoolArray:
    square = np.ones((3, 3), bool)
    if by < 0:
        return np.asarray(ndimage.binary_erosion(found, square, -by))
    return np.asarray(ndimage.binary_dilation(found, square, by))


def _marked(samples: Samples, page: Page, by: int) -> FloatArray:
    """Return the logarithms (N, 3) of what is marked, grown, and not too dark to tell of ink."""
    logs = np.concatenate([page.logs(colours[_grown(found, by)]) for colours, found in samples])
    return logs[logs.mean(axis=1) > np.log(_SHADE)]


def _direction(off: FloatArray, page: Page) -> FloatArray:
    """Return the unit vector in which most of what is off the line (N, 3) is."""
    _, _, basis = np.linalg.svd(np.array([page.line], np.float32))
    across, up = off @ basis[1], off @ basis[2]
    bins = round(2 * np.pi / ALIKE * 2)
    counts, edges = np.histogram(
        np.arctan2(up, across), bins, (-np.pi, np.pi), weights=np.hypot(across, up)
    )
    at = int(np.argmax(ndimage.gaussian_filter1d(counts, 1, mode="wrap")))
    angle = (edges[at] + edges[at + 1]) / 2
    rough = np.cos(angle) * basis[1] + np.sin(angle) * basis[2]
    mean = off[_alike(off, rough)].sum(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)


def _alike(off: FloatArray, direction: FloatArray) -> BoolArray:
    return np.asarray(off @ direction > np.cos(ALIKE) * np.linalg.norm(off, axis=1))


def _tint(direction: FloatArray, logs: FloatArray, page: Page) -> Tint | None:
    """Return what an ink of a direction takes, told from logarithms (N, 3) of inked pixels.

    Of as much ink, most is on bare paper: how far that is darkened is where they are densest.
    """
    off = page.off(logs)
    own = _alike(off, direction) & (off @ direction > _FAINT / 2)
    amounts, off, along = (off @ direction)[own], off[own], (logs @ np.array(page.line))[own]
    if len(amounts) < _ENOUGH:
        return None
    edges = np.quantile(amounts, np.linspace(0, _MOST, _BINS + 1))
    middles, took, spreads = [0.0], [np.zeros(3)], []
    for low, high in pairwise(edges):
        here = (amounts >= low) & (amounts <= high)
        middle = float(np.median(amounts[here]))
        if here.sum() < _ENOUGH / _BINS or middle <= middles[-1]:
            continue
        darker, half = _densest(along[here])
        middles.append(middle)
        took.append(np.median(off[here], axis=0) + darker * np.array(page.line))
        spreads.append(half / max(float(np.linalg.norm(took[-1])), 1e-6))
    if not spreads or took[-1].mean() >= 0:
        return None
    steps = tuple(tuple(map(float, step)) for step in took)
    spread = TO_DEVIATION * float(np.median(spreads))
    if spread > _VAGUE:
        return None
    return Tint(tuple(map(float, direction)), tuple(middles), steps, spread)


def _densest(values: NDArray[Any]) -> tuple[float, float]:
    """Return the middle of the shortest interval that holds half of some values, and its half."""
    ordered = np.sort(values)
    half = len(ordered) // 2
    widths = ordered[half:] - ordered[: len(ordered) - half]
    at = int(np.argmin(widths))
    return float(ordered[at] + ordered[at + half]) / 2, float(widths[at]) / 2


def _mends(samples: Samples, page: Page, tints: tuple[Tint, ...]) -> bool:
    """Tell whether what is lifted is as dark, here and there, as the page around it.

    By how the shades are spread, or by how far they are off; and print shows through the ink.
    """
    clear, inked, lifted, inner = [], [], [], []
    line = np.array(page.line, np.float32)
    for colours, found in samples:
        clean, _, _ = without(colours, page, tints, LEAST)
        shades = page.logs(clean) @ line
        clear.append(page.logs(colours[~_grown(found, _CLEAR)]) @ line)
        inked.append(page.logs(colours[found]) @ line)
        lifted.append(shades[found])
        inner.append(shades[_grown(found, -1)])  # the rim may be of print beside the ink
    around, before, after, deep = map(np.concatenate, (clear, inked, lifted, inner))
    spread = [ks_2samp(own, around, method="asymp").statistic for own in (before, after)]
    far = [wasserstein_distance(own, around) for own in (before, after)]
    as_around = spread[1] <= _MENDED * spread[0] or far[1] <= _NEAR * far[0]
    through = deep if len(deep) >= _ENOUGH else after
    shows = (through > -_PRINT).mean() >= _SHOWN * (around > -_PRINT).mean()
    return bool(as_around and shows)
