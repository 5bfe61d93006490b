"""Pixels at which some channels are known and others not: the known ones tell of the missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eii.external.initial import fill
from eii.internal.solve import spread

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

_RIDGE = 1e-4  # of the channels' variance: two channels that are alike share the weight
_ENOUGH = 1000  # pixels at which all channels are known, for a relation of the window's own
_FITTED = 20_000  # known pixels that the relation between channels is fitted to


@dataclass(frozen=True)
class Relation:
    """How channels go together: mean (C,) and covariance (C, C) where all are known."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


def relate(known: FloatArray) -> Relation:
    """Return how the channels of known pixels (K, C), at least one, go together."""
    values = known.astype(np.float64)
    mean = values.mean(axis=0)
    values -= mean
    return Relation(mean, values.T @ values / len(values))


def fill_partial(image: FloatArray, holes: BoolArray, relation: Relation) -> FloatArray:
    """Fill each channel where another is known.

    Parameters
    ----------
    image : ndarray of shape (M, N, C), float32, about [0, 1]
        The values of hole pixels are ignored.
    holes : ndarray of shape (M, N, C), bool
        Of each channel.
    relation : Relation
        Of the whole image, for windows that know too little of their own.

    Returns
    -------
    ndarray of shape (M, N, C), float32
        Filled but for the pixels at which no channel is known. There: 0.

    Notes
    -----
    A channel is predicted from the others by least squares, and what that leaves of the known
    pixels is spread along the prediction. The others' own holes are filled alone for that.
    """
    gone = np.asarray(holes.all(axis=2))
    partial = holes & ~gone[..., np.newaxis]
    if not partial.any():
        return image
    whole = np.flatnonzero(~holes.any(axis=2))
    if len(whole) >= _ENOUGH:
        thin = whole[:: -(-len(whole) // _FITTED)]
        relation = relate(image.reshape(-1, image.shape[2])[thin])
    alone = np.stack([_alone(image, holes, c, relation) for c in range(image.shape[2])], axis=2)
    done = np.where(holes, np.float32(0), image)
    for channel in map(int, np.flatnonzero(partial.any(axis=(0, 1)))):
        predicted = _predict(alone, channel, relation)
        hole = holes[..., channel]
        if not hole.all():
            rest = (image[..., channel] - predicted)[..., np.newaxis]
            predicted = predicted + spread(predicted, rest, hole)[..., 0]
        here = partial[..., channel]
        done[here, channel] = predicted[here]
    return done


def _alone(image: FloatArray, holes: BoolArray, channel: int, relation: Relation) -> FloatArray:
    """Return a channel with its hole filled by itself; its mean where nothing of it is known."""
    hole = holes[..., channel]
    if hole.all():
        return np.full(hole.shape, relation.mean[channel], np.float32)
    return fill(image[..., channel], hole)


def _predict(alone: FloatArray, channel: int, relation: Relation) -> FloatArray:
    """Return a channel as the least-squares combination of the others."""
    others = np.delete(np.arange(alone.shape[2]), channel)
    scatter = relation.covariance[np.ix_(others, others)].copy()
    scatter += np.eye(len(others)) * (_RIDGE * np.trace(scatter) / len(others) + 1e-12)
    weights = np.linalg.solve(scatter, relation.covariance[others, channel])
    level = relation.mean[channel] - relation.mean[others] @ weights
    return np.asarray(alone[..., others] @ weights + level, np.float32)
