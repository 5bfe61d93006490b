"""Classical fills of one window: what needs no weights, and what every network starts from.

Two fills: the pull-push pyramid, soft and never wrong by much, and the thin plate under tension,
which carries edges and slopes into the hole as the biharmonic fill does, but relaxes to a membrane
far from the known pixels, where the biharmonic one overshoots.

References
----------
.. [1] S. J. Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4 (pull-push).
.. [2] W. H. F. Smith, P. Wessel, "Gridding with continuous curvature splines in tension",
       Geophysics 55 (1990) 293-305.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse.linalg import splu

from eii.image.around import between_cells, by_cells
from eii.image.hole import distance_to_known, may_be_deeper, spread_cross, spread_square
from eii.image.pyramid import double, shrink

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

TENSION, CURVED, POWER = 0.3, 1.8, 3.4
"""The weight of the membrane against the plate, in 1 / pixel^2, is TENSION * (r / CURVED)**POWER,
r being the energy of second differences over that of first ones among the known pixels: smooth
images are bent, grainy ones stretched. Chosen on 200 training crops: on as many others it gains,
over one weight of 0.2 for all images, 0.15 to 0.4 dB on scratches, 0.05 to 0.3 on strokes, 0.03 to
0.2 on blocks, in each of four domains."""
GUIDE_RADIUS = 64
"""Pixels from the known ones beyond which a guided fill is the guide itself."""
_RIM = 12  # hole pixels solved at full resolution from the known ones inwards; deeper ones coarser
_APART = 4  # holes of a window up to which each is solved on its own
_NARROW = 6  # depth up to which a plate cannot leave by much what is on both sides
_WIDE = 5  # cells across in which the range around a hole is taken
_TELLS = 128  # known pixels that tell a range
_WIDENED = 0.1  # of that range, by which a fill may leave it
_WHOLE = ((np.inf, np.min), (-np.inf, np.max))
_EXTREMES = ((np.inf, np.minimum), (-np.inf, np.maximum))
_MARGIN = 2  # known pixels that the second differences of a hole's edge reach


def fill(luma: FloatArray, hole: BoolArray, guide: FloatArray | None = None) -> FloatArray:
    """Fill the holes of one window by a thin plate under tension.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32
        The values of hole pixels are ignored.
    hole : ndarray of shape (M, N), bool
        True marks pixels to fill.
    guide : ndarray of shape (M, N), float32, optional
        A coarse completion, upsampled. Then the plate fills what the guide lacks of the known
        pixels, and is zero beyond `GUIDE_RADIUS`.

    Returns
    -------
    ndarray of shape (M, N), float32
        Known pixels bit-identical; filled ones within the range of the known ones around them,
        widened by a tenth.

    Notes
    -----
    Deep parts are solved at coarser levels, so time and memory follow the outline of a hole.
    """
    if not hole.any():
        return luma.copy()
    if guide is None:
        if hole.all():
            return np.zeros_like(luma)
        filled = tension(luma, hole)
        if may_be_deeper(hole, _NARROW):
            return bound(filled, luma, hole)
        low, high = (of(luma, where=~hole, initial=v) for v, of in _WHOLE)
        margin = _WIDENED * (high - low)
        return np.where(hole, np.clip(filled, low - margin, high + margin), luma)
    far = distance_to_known(hole) > GUIDE_RADIUS
    missing = np.where(far, np.float32(0), luma - guide)
    corrected = guide + tension(missing, hole & ~far, strength=stiffness(luma, hole))
    return np.where(hole, corrected, luma)


def push_pull(luma: FloatArray, hole: BoolArray) -> FloatArray:
    """Fill holes from a pyramid of means of known pixels.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32
    hole : ndarray of shape (M, N), bool

    Returns
    -------
    ndarray of shape (M, N), float32
        Known pixels bit-identical. A window without a known pixel becomes 0.
    """
    if not hole.any():
        return luma.copy()
    if hole.size == 1:
        return np.zeros_like(luma)
    small, empty = shrink(luma[..., np.newaxis], hole, 2)
    below = push_pull(small[..., 0], empty)
    smooth = double(below[..., np.newaxis], luma.shape)[..., 0]
    return np.where(hole, smooth, luma)


def tension(luma: FloatArray, hole: BoolArray, *, strength: float | None = None) -> FloatArray:
    """Fill holes by a thin plate under tension.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32
    hole : ndarray of shape (M, N), bool
        With at least one known pixel.
    strength : float, optional
        Weight of the membrane, in 1 / pixel^2; 0 is the biharmonic fill. By default the window's
        `stiffness`.

    Returns
    -------
    ndarray of shape (M, N), float32
        Known pixels bit-identical.
    """
    if strength is None:
        strength = stiffness(luma, hole)
    filled = luma.copy()
    for window, thin in _worked_boxes(hole):
        solve = _solve if thin else _tension_in
        filled[window] = solve(luma[window], hole[window], strength)
    return filled


def stiffness(luma: FloatArray, hole: BoolArray) -> float:
    """Return the weight of the membrane that suits a window's known pixels; see `TENSION`.

    Parameters
    ----------
    luma : ndarray of shape (M, N), float32
        Any gain and offset: they change nothing.
    hole : ndarray of shape (M, N), bool
    """
    known = ~hole
    right, below = known[:, 1:] & known[:, :-1], known[1:] & known[:-1]
    across, down = luma[:, 1:] - luma[:, :-1], luma[1:] - luma[:-1]
    slope = _energy(across, right) + _energy(down, below)
    inner = right[1:-1, 1:] & right[1:-1, :-1] & below[1:, 1:-1] & below[:-1, 1:-1]
    bend = across[1:-1, 1:] - across[1:-1, :-1] + down[1:, 1:-1] - down[:-1, 1:-1]
    curved = _energy(bend, inner)
    return float(TENSION * (curved / slope / CURVED) ** POWER) if slope > 0 else 0.0


def _energy(values: FloatArray, used: BoolArray) -> float:
    """Return the mean square of the values that are used; 0 when there is none."""
    kept = (values * used).ravel()
    count = int(np.count_nonzero(used))
    return float(np.einsum("i,i->", kept, kept)) / count if count else 0.0


def biharmonic(luma: FloatArray, hole: BoolArray) -> FloatArray:
    """Fill holes by the biharmonic equation: `tension` of strength 0."""
    return tension(luma, hole, strength=0.0)


def _worked_boxes(hole: BoolArray) -> list[tuple[tuple[slice, slice], bool]]:
    """Return disjoint parts of the window to work on, and whether their holes are all thin.

    A part holds one hole; or all of them together, when they are many.
    """
    labels, count = ndimage.label(spread_square(hole, _MARGIN), np.ones((3, 3)))
    if count > _APART:
        # Many small systems cost more to set up than one that holds them all.
        return [((slice(None), slice(None)), not may_be_deeper(hole, _RIM))]
    boxes = ndimage.find_objects(labels)
    thin = [min(y.stop - y.start, x.stop - x.start) <= 2 * (_RIM + _MARGIN) for y, x in boxes]
    return [(_widened(box), t) for box, t in zip(boxes, thin, strict=True)]


def _widened(box: tuple[slice, slice]) -> tuple[slice, slice]:
    y, x = box
    return slice(max(0, y.start - 1), y.stop + 1), slice(max(0, x.start - 1), x.stop + 1)


def _tension_in(luma: FloatArray, hole: BoolArray, strength: float) -> FloatArray:
    depth = distance_to_known(hole)
    deep = depth > _RIM
    if not deep.any() or hole.all():
        return _solve(luma, hole, strength)
    # A pixel of the coarser level is twice as wide: the tension per pixel^2 is four times as much.
    small, empty = shrink(luma[..., np.newaxis], hole, 2)
    coarse = _tension_in(small[..., 0], empty, 4 * strength)
    inner = double(coarse[..., np.newaxis], hole.shape)[..., 0]
    rim = hole & (depth <= _RIM / 2)
    return _solve(np.where(hole & ~rim, inner, luma), rim, strength)


def _solve(luma: FloatArray, hole: BoolArray, strength: float) -> FloatArray:
    """Solve for all hole pixels at once; holes apart from one another do not couple."""
    number = np.full(hole.size, -1, np.int64)
    count = int(np.count_nonzero(hole))
    number[hole.ravel()] = np.arange(count)
    bent = spread_cross(hole)
    lines, columns, entries = _second_differences(bent)
    unknown = number[columns] >= 0
    known = ~unknown
    rows = int(np.count_nonzero(bent))
    laplace = sparse.csr_array(
        (entries[unknown], (lines[unknown], number[columns[unknown]])), shape=(rows, count)
    )
    values = luma.ravel()[columns[known]]
    given = np.bincount(lines[known], entries[known] * values, minlength=rows)
    matrix, right = laplace.T @ laplace, -(laplace.T @ given)
    if strength > 0:
        own = np.flatnonzero(hole[bent])
        matrix = matrix - strength * laplace[own]
        right = right + strength * given[own]
    factor = splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    filled = luma.copy()
    filled[hole] = factor.solve(right)
    return filled


def _second_differences(
    at: BoolArray,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return second differences at some pixels as a sparse matrix: rows, columns, entries.

    Rows count the pixels ``at``, columns all M * N. At the image's edge the missing neighbours
    are left out: no slope across it.
    """
    height, width = at.shape
    y, x = np.nonzero(at)
    centre = y * width + x
    row = np.arange(centre.size)
    degree = np.zeros(centre.size)
    rows, columns = [], []
    for there, step in (
        (y > 0, -width),
        (y < height - 1, width),
        (x > 0, -1),
        (x < width - 1, 1),
    ):
        degree += there
        rows.append(row[there])
        columns.append(centre[there] + step)
    neighbours = sum(part.size for part in rows)
    entries = np.concatenate([np.ones(neighbours), -degree])
    return np.concatenate([*rows, row]), np.concatenate([*columns, centre]), entries


def bound(filled: FloatArray, luma: FloatArray, hole: BoolArray) -> FloatArray:
    """Clip filled pixels to the range of the known ones around them, widened by a tenth.

    Where an edge of a textured image meets the hole, the slope at the border says little of what
    is in the hole: continued, it makes black and white beads. What is seen behind bounds it.
    """
    low, high = (by_cells(np.where(hole, np.float32(v), luma), of) for v, of in _EXTREMES)
    low, high = _ranges(low, high, hole)
    margin = _WIDENED * (high - low)
    low, high = (between_cells(v, hole.shape) for v in (low - margin, high + margin))
    return np.where(hole, np.clip(filled, low, high), luma)


def _ranges(low: FloatArray, high: FloatArray, hole: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return the range around each cell, twice as wide as it takes to see known pixels enough.

    A few of them, far off, tell nothing of what is deep inside.
    """
    known = by_cells((~hole).astype(np.float32), np.add)
    left = by_cells(hole, np.logical_or)
    lowest, highest = np.full_like(low, low.min()), np.full_like(high, high.max())
    width = _WIDE
    while left.any() and width < 4 * max(left.shape):
        half = width // 2 + 1
        near = ndimage.uniform_filter(known, half, mode="constant") * half**2
        told = left & (near >= _TELLS)
        if told.any():
            lowest[told] = ndimage.minimum_filter(low, width, mode="nearest")[told]
            highest[told] = ndimage.maximum_filter(high, width, mode="nearest")[told]
            left &= ~told
        width = 2 * width - 1
    return lowest, highest
