"""Grain of what is invented: the fine texture that a fill lacks, by conditional simulation.

A stationary random field with the spectrum of the known pixels' fine texture, less its own fill:
it is zero at the known pixels and grows into the hole as the fill loses the texture there.

References
----------
.. [1] B. Galerne, A. Leclaire, "Texture inpainting using efficient Gaussian conditional
       simulation", SIAM J. Imaging Sciences 10 (2017) 1446-1474; the fill stands in for kriging.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.signal import fftconvolve

from eii.external.initial import fill
from eii.image.geometry import Box
from eii.image.hole import rough_depth, spread_square
from eii.image.mono import to_luma
from eii.image.spread import deviation_of

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

_COARSE = 3.0  # deviation in pixels of what is not fine texture
_REACH = 20  # pixels over which it is correlated, at the most
_NEAR = 10.0  # deviation in pixels of the surroundings whose strength it has
_FALL = 2.0  # pixels over which the field's own fill fades into the hole
_LEAST = 4096  # known pixels that a spectrum is measured from, at the least
_LEVELS = 12
_MEAN_TO_DEVIATION = 1.2533  # of a normal distribution's absolute values
_SPARSE = 2.0  # robust deviations beyond which fine texture is structure, which is no grain
_ROOM = 0.6  # of the way from a level to the end of the range: the greatest deviation
_STILL = 1e-4  # of the range: a deviation below it is no grain


@dataclass(frozen=True)
class Grain:
    """The fine texture of an image's known pixels.

    Parameters
    ----------
    kernel : ndarray of shape (2R + 1, 2R + 1), float32
        Makes of white noise of unit deviation a field of unit deviation with their spectrum.
    levels, strengths : ndarray of shape (K,), float32
        Deviation of luma by its level, for what is far from known pixels.
    shared, own : ndarray of shape (C,), float32
        Of each channel: how much of luma's grain it has, and how strong its own is beside that.
    seed : int
    """

    kernel: FloatArray
    levels: FloatArray
    strengths: FloatArray
    shared: FloatArray
    own: FloatArray
    seed: int


def measure_grain(
    windows: Iterable[tuple[FloatArray, BoolArray]],
    weights: FloatArray,
    seed: int,
    *,
    level: float = 0.0,
) -> Grain | None:
    """Return the grain of an image, from windows of it.

    Parameters
    ----------
    windows : iterable of (image, hole)
        Scaled pixels (h, w, C), and which of them are not known (h, w).
    weights : ndarray of shape (C,)
        Of luma.
    seed : int
    level : float
        Scaled step between the values of an integer image: what is added is rounded again, and so
        has to lack the noise of one rounding.

    Returns
    -------
    Grain or None
        None when too few pixels are known, or they have no grain.
    """
    side = 2 * _REACH + 1
    power, pairs = np.zeros((side, side)), np.zeros((side, side))
    fine, levels, each = [], [], []
    for image, hole in windows:
        known = ~spread_square(hole, 1)
        if known.sum() < side**2:
            continue
        luma = to_luma(image, weights)
        rest, smooth = _fine(luma, known)
        rest = _without_structure(rest, known)
        power += _correlation(rest * known)
        pairs += _correlation(known.astype(np.float32))
        fine.append(rest[known])
        levels.append(smooth[known])
        each.append(np.stack([_beside(image[..., c] - luma, known) for c in range(len(weights))]))
    if sum(map(len, fine)) < _LEAST:
        return None
    rests, beside = np.concatenate(fine), np.concatenate(each, axis=1)
    if rests.std() < _STILL:
        return None
    strengths = _by_level(np.concatenate(levels), rests)
    follows = (beside * rests).mean(axis=1) / np.square(rests).mean()
    own = (beside - follows[:, np.newaxis] * rests).std(axis=1) / rests.std()
    correlation = power / np.maximum(pairs, 1)
    rounding = level**2 / 12 * float(np.square(weights).sum())
    correlation[_REACH, _REACH] -= min(rounding, correlation[_REACH, _REACH] / 2)
    kernel = _root(correlation)
    return Grain(kernel, *strengths, (1 + follows).astype(np.float32), own.astype(np.float32), seed)


def _fine(values: FloatArray, known: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return what is fine in the known pixels, and what is not."""
    weight = ndimage.gaussian_filter(known.astype(np.float32), _COARSE)
    smooth = ndimage.gaussian_filter(values * known, _COARSE) / np.maximum(weight, 1e-6)
    return (values - smooth) * known, smooth


def _beside(values: FloatArray, known: BoolArray) -> FloatArray:
    """Return what is fine in a channel less luma, at known pixels."""
    return _without_structure(_fine(values, known)[0], known)[known]


def _without_structure(rest: FloatArray, known: BoolArray) -> FloatArray:
    """Return fine texture with what is sparse and strong in it, as print and edges, cut down."""
    most = _SPARSE * deviation_of(rest[known], 0)
    return np.clip(rest, -most, most)


def _correlation(values: FloatArray) -> NDArray[np.float64]:
    """Return the sums of products of pixels by how far they are apart, up to the reach."""
    sides = [n + 2 * _REACH for n in values.shape]
    spectrum = np.fft.rfft2(values, sides)
    found = np.fft.irfft2(np.abs(spectrum) ** 2, sides)
    at = np.arange(-_REACH, _REACH + 1)
    return np.asarray(found[np.ix_(at, at)])


def _root(correlation: NDArray[np.float64]) -> FloatArray:
    """Return the kernel whose correlation with itself this is, of unit energy."""
    taper = np.hanning(2 * _REACH + 3)[1:-1]
    tapered = correlation * np.outer(taper, taper)
    spectrum = np.fft.fft2(np.fft.ifftshift(tapered)).real
    kernel = np.fft.fftshift(np.fft.ifft2(np.sqrt(np.maximum(spectrum, 0))).real)
    kernel = kernel - ndimage.gaussian_filter(
        kernel, _COARSE, mode="constant"
    )  # no mean of its own
    return np.asarray(kernel / max(np.sqrt(np.square(kernel).sum()), 1e-12), np.float32)


def _by_level(levels: FloatArray, rests: FloatArray) -> tuple[FloatArray, FloatArray]:
    edges = np.unique(np.quantile(levels, np.linspace(0, 1, _LEVELS + 1)))
    if len(edges) < 2:
        return levels[:1], np.array([rests.std()], np.float32)
    which = np.clip(np.searchsorted(edges, levels, side="right") - 1, 0, len(edges) - 2)
    strengths = [
        _MEAN_TO_DEVIATION * np.abs(rests[which == n]).mean() for n in range(len(edges) - 1)
    ]
    middles = (edges[:-1] + edges[1:]) / 2
    return middles.astype(np.float32), np.array(strengths, np.float32)


def grain_in(
    grain: Grain, luma: FloatArray, hole: BoolArray, *, known: FloatArray, window: Box, salt: int
) -> FloatArray:
    """Return the grain of a window's hole, shape (h, w, C); 0 at known pixels.

    Parameters
    ----------
    grain : Grain
    luma : ndarray of shape (h, w), float32
        Filled.
    hole : ndarray of shape (h, w), bool
    known : ndarray of shape (h, w), float32
        Luma before it was filled.
    window : Box
        Where it is: noise is a function of the place, the seed and the salt.
    salt : int
        Of the plane.
    """
    # What would leave the range is cut off, and would move the mean.
    room = np.clip(np.minimum(luma, 1 - luma), 0, None) * np.float32(_ROOM)
    strength = np.minimum(_strength(grain, luma, hole, known), room)
    field = _field(grain, window, grain.seed + salt)
    # The fill of a field without a mean is none far from where it is known.
    fall = np.exp((1 - rough_depth(hole)) / np.float32(_FALL))
    joint = field - fill(field, hole) * fall
    found = grain.shared * joint[..., np.newaxis]
    if len(grain.own) > 1:
        inside = 1 - np.exp(-rough_depth(hole))
        for channel, own in enumerate(grain.own):
            noise = _field(grain, window, grain.seed + salt + (channel + 1) * 1_000_003)
            found[..., channel] += own * inside * noise
    return np.asarray(found * (strength * hole)[..., np.newaxis], np.float32)


def _strength(grain: Grain, luma: FloatArray, hole: BoolArray, known: FloatArray) -> FloatArray:
    """Return the deviation of the grain: that of the known pixels near, else by the level."""
    by_level = np.interp(luma, grain.levels, grain.strengths).astype(np.float32)
    there = ~spread_square(hole, 1)
    if not there.any():
        return by_level
    rest = np.abs(_without_structure(_fine(known, there)[0], there))
    weight = ndimage.gaussian_filter(there.astype(np.float32), _NEAR)
    near = ndimage.gaussian_filter(rest, _NEAR) * np.float32(_MEAN_TO_DEVIATION)
    share = np.minimum(1, weight * 20)
    return np.asarray(share * near / np.maximum(weight, 1e-6) + (1 - share) * by_level)


def _field(grain: Grain, window: Box, salt: int) -> FloatArray:
    """Return a field of unit deviation with the grain's spectrum."""
    noise = _noise(window.grow(_REACH), salt)
    return np.asarray(fftconvolve(noise, grain.kernel, mode="valid"), np.float32)


def _noise(box: Box, salt: int) -> FloatArray:
    """Return normal numbers that follow from each pixel's place and the salt alone."""
    y = np.arange(box.y0, box.y1).astype(np.uint64)[:, np.newaxis]
    x = np.arange(box.x0, box.x1).astype(np.uint64)
    place = _mixed(_mixed(y + np.uint64(salt % 2**63)) ^ x)
    again = _mixed(place)
    one, two = ((n >> np.uint64(40)).astype(np.float32) for n in (place, again))
    radius = np.sqrt(-2 * np.log((one + 1) / 2**24))
    return np.asarray(radius * np.cos(np.float32(2 * np.pi / 2**24) * two), np.float32)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return 64 bits with each bit depending on all (splitmix64)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
