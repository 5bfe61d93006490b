"""How far what is invented may be off: a score of each pixel, and the error that it stands for.

The score is made of what is at hand when a window is filled. What it stands for in one image and
under one method is measured, see `eii.engine.trials`: known pixels are hidden and restored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import isotonic_regression
from scipy.stats import spearmanr

FloatArray = NDArray[np.float32]

_DEEP, _BUSY, _UNSURE = 0.15, 0.65, 0.94
"""Powers of depth, which each image may have otherwise, of the deviation of the fill, and of the
agreement of colours: fitted to the logarithm of the errors of 192 cases made of training images, of
networks and of the plate."""
_LOST, _LOST_AT = 0.3, 25.0
"""A fill is smoother than the truth the deeper it is: so much of the deviation of the known pixels
around counts beside its own, from about so many pixels on."""
_LOCAL = 2.0  # deviation in pixels of the surroundings whose deviation counts
_LEAST_BUSY, _LEAST_SURE = 0.003, 0.01
_USUAL = (
    (0.026, 0.05, 0.1, 0.2, 0.3, 0.47, 0.7),
    (0.0005, 0.004, 0.02, 0.05, 0.09, 0.14, 0.18),
)
"""Scores and errors, in units of the recipe's scale, over the same cases."""
ONE_SIGMA = 0.6827
"""Share of the errors that are within one standard error."""
_DEPTHS = (0.0, 0.3, 0.6, 1.0, 1.5)
_GAIN = 0.01  # in rank correlation by which another power of depth must be better
_BIN = 100  # hidden pixels of which a quantile is taken, at the least
_BINS = 16
_RANKED = 10_000  # hidden pixels that are put in order
_FEW = 20  # of them, with which nothing is measured
_FARTHER = 2.0  # times the greatest score that was measured, up to which errors grow on
_NEARER = 0.25  # times the least, down to which they fall on
_NONE = 1e-4  # of the scale: an error that is as good as none
_BELIEF = 0.1  # trials that what is usual counts as


def doubt_of(
    filled: FloatArray, *, depth: FloatArray, agreed: FloatArray, around: FloatArray
) -> FloatArray:
    """Return what tells how far each pixel of a window may be off, shape (h, w, 2).

    The first is its depth in pixels; the second is more where errors are greater.

    Parameters
    ----------
    filled : ndarray of shape (h, w), float32
        Luma, scaled to about [0, 1].
    depth : ndarray of shape (h, w), float32
        Pixels from the known ones.
    agreed : ndarray of shape (h, w), float32
        How far the neighbours agree that a colour was taken from, in [0, 1].
    around : ndarray of shape (h, w), float32
        Deviation of the known pixels around.
    """
    mean = ndimage.gaussian_filter(filled, _LOCAL)
    square = ndimage.gaussian_filter(filled * filled, _LOCAL)
    lost = np.float32(_LOST) * around * (1 - np.exp(-depth / np.float32(_LOST_AT)))
    busy = np.sqrt(np.maximum(square - mean * mean, 0) + lost * lost) + np.float32(_LEAST_BUSY)
    sure = agreed + np.float32(_LEAST_SURE)
    return np.stack([depth, busy**_BUSY / sure**_UNSURE], axis=2).astype(np.float32)


def score_of(doubt: FloatArray, power: float = _DEEP) -> FloatArray:
    """Return one number of the two (..., 2): more where errors are greater."""
    return np.asarray((doubt[..., 0] + 0.5) ** power * doubt[..., 1], np.float32)


@dataclass(frozen=True, eq=False)
class Calibration:
    """The standard error of each score.

    Parameters
    ----------
    scores : ndarray of shape (K,), float64
        Ascending.
    errors : ndarray of shape (C, K), float64
        Of each channel, in units of the recipe's scale; not descending.
    power : float
        Of depth.
    pixels : int
        Hidden ones that it was measured on.
    """

    scores: NDArray[np.float64]
    errors: NDArray[np.float64]
    power: float = _DEEP
    pixels: int = 0

    def of(self, doubt: FloatArray) -> FloatArray:
        """Return the standard error of each channel, shape (..., C), of doubts (..., 2)."""
        score = score_of(doubt, self.power)
        first, last = self.scores[0], self.scores[-1]
        beyond = np.clip(score / last, 1, _FARTHER) * np.clip(score / first, _NEARER, 1)
        each = [np.interp(score, self.scores, own) for own in self.errors]
        return np.asarray(np.stack(each, axis=-1) * beyond[..., np.newaxis], np.float32)


Trial = tuple[FloatArray, FloatArray]
"""Doubts (K, 2) of hidden pixels, and how far off they were (K, C); NaN where left known."""


def usual(channels: int) -> Calibration:
    """Return what holds where nothing is measured."""
    scores, errors = (np.array(values) for values in _USUAL)
    return Calibration(scores, np.tile(errors, (channels, 1)))


def calibrated(trials: Sequence[Trial], channels: int) -> Calibration:
    """Return the monotone map from score to error that the trials show.

    Parameters
    ----------
    trials : sequence of Trial
    channels : int

    Notes
    -----
    Of bins of as many pixels each, the quantile of `ONE_SIGMA`; then isotonic regression. Few
    trials are mixed with what is usual.
    """
    before = usual(channels)
    if sum(len(doubt) for doubt, _ in trials) < _FEW:
        return before
    doubt = np.concatenate([own for own, _ in trials])
    error = np.concatenate([own for _, own in trials]).astype(np.float64)
    power = _power(doubt, np.nanmean(error, axis=1))
    score = score_of(doubt, power).astype(np.float64)
    bins = _bins(score, min(_BINS, 4 + 4 * len(trials)))
    middles = np.array([np.median(score[own]) for own in bins])
    belief = _BELIEF / (_BELIEF + len(trials))
    usually = [np.median(score_of(doubt[own])) for own in bins]
    each = np.array([np.interp(usually, before.scores, own) for own in before.errors])
    sizes = np.array([len(own) for own in bins], np.float64)
    rows = []
    for channel, expected in enumerate(each):
        seen = np.array([_quantile(error[own, channel]) for own in bins])
        seen = np.where(np.isfinite(seen), seen, expected)
        logs = np.log(np.maximum(seen, _NONE)), np.log(expected)
        mixed = np.exp((1 - belief) * logs[0] + belief * logs[1])
        rows.append(isotonic_regression(mixed, weights=sizes).x)
    return Calibration(middles, np.array(rows), power, len(score))


def _bins(score: NDArray[np.float64], most: int) -> list[NDArray[np.int64]]:
    """Return the positions of scores of some ranges with about as many in each; equals stay."""
    count = int(np.clip(len(score) // _BIN, 1, most))
    edges = np.unique(np.quantile(score, np.linspace(0, 1, count + 1)))
    which = np.searchsorted(edges[1:-1], score, side="right")
    return [np.flatnonzero(which == n) for n in np.unique(which)]


def _power(doubt: FloatArray, error: NDArray[np.float64]) -> float:
    """Return the power of depth that puts the errors in order best."""
    thin = slice(None, None, 1 + len(error) // _RANKED)
    doubt, error = doubt[thin], error[thin]
    if np.ptp(error) == 0:
        return _DEEP

    def order(power: float) -> float:
        score = score_of(doubt, power)
        return float(spearmanr(score, error).statistic) if np.ptp(score) else -1.0

    best = max(_DEPTHS, key=order)
    return best if order(best) > order(_DEEP) + _GAIN else _DEEP


def _quantile(errors: NDArray[np.float64]) -> float:
    known = errors[np.isfinite(errors)]
    return float(np.quantile(known, ONE_SIGMA)) if len(known) else float("nan")
