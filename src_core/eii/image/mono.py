"""The monochromic view of an image: luma of RGB, one principal channel of any other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eii.errors import OptionError

LUMA = (0.299, 0.587, 0.114)
"""Weights of R, G and B in luma (ITU-R BT.601), as in the paper, section 3.1."""


def luma_weights(channels: int, *, rgb: bool, principal: int = 0) -> NDArray[np.float32]:
    """Return the weight of each channel in the monochromic image.

    Parameters
    ----------
    channels : int
        Number of channels C, alpha not counted.
    rgb : bool
        Whether the channels are red, green and blue.
    principal : int
        The channel that stands for the image when it is not RGB.

    Returns
    -------
    ndarray of shape (C,), float32, that sums to 1

    Raises
    ------
    OptionError
        If there is no such channel.
    """
    if rgb and channels == len(LUMA):
        return np.asarray(LUMA, np.float32)
    if not 0 <= principal < channels:
        raise OptionError(
            f"`principal` must be a channel from 0 to {channels - 1}; got {principal}."
        )
    weights = np.zeros(channels, np.float32)
    weights[principal] = 1.0
    return weights


def to_luma(image: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the monochromic image.

    Parameters
    ----------
    image : ndarray of shape (M, N, C), float32, about [0, 1]
    weights : ndarray of shape (C,), float32

    Returns
    -------
    ndarray of shape (M, N), float32
    """
    if weights.size == 1:
        return image[..., 0] * weights[0]
    return np.einsum("...c,c->...", image, weights, dtype=np.float32)


def principal_channel(known: NDArray[np.float32]) -> int:
    """Return the channel that tells most about the others.

    Parameters
    ----------
    known : ndarray of shape (K, C), float32
        Known pixels, scaled to about [0, 1].

    Returns
    -------
    int
        The channel whose absolute correlations with all channels, weighted by their variance,
        sum to the most; the first of equals.
    """
    channels = known.shape[1]
    if channels == 1 or known.shape[0] < 2:
        return 0
    covariance = np.atleast_2d(np.cov(known.astype(np.float64), rowvar=False))
    own = np.sqrt(np.diag(covariance))
    explained = (covariance**2).sum(axis=1) / np.maximum(own**2, 1e-12)
    return int(np.argmax(np.where(own > 0, explained, 0.0)))
