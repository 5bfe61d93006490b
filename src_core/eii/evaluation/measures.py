"""Figures of a fill, in the hole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

Image = NDArray[np.uint8]
Hole = NDArray[np.bool_]

_FINE = 2.0  # standard deviation, in pixels, of what is not detail
_LEAST = 0.25  # squared levels of error below which PSNR no longer rises: a uint8 is no finer


@dataclass(frozen=True)
class Measures:
    """Figures of one fill.

    Parameters
    ----------
    psnr : float
        In the hole, in dB, peak 255.
    ssim : float
        Mean over the hole of the structural similarity map.
    ciede : float
        Mean CIEDE2000 in the hole; of luma alone for gray images.
    detail : float
        Deviation of image - gaussian(image, 2 px) in the hole, over the truth's.
    """

    psnr: float
    ssim: float
    ciede: float
    detail: float


def measure(filled: Image, truth: Image, hole: Hole) -> Measures:
    """Return the figures of a fill.

    Parameters
    ----------
    filled, truth : ndarray of shape (M, N) or (M, N, 3), uint8
    hole : ndarray of shape (M, N), bool
        Not empty.
    """
    error = np.mean((filled[hole].astype(np.float64) - truth[hole]) ** 2)
    channel = -1 if truth.ndim == 3 else None
    _, similar = structural_similarity(truth, filled, full=True, channel_axis=channel)
    lab = [rgb2lab(_rgb(image)[hole][np.newaxis]) for image in (truth, filled)]
    fine = [_detail(image, hole) for image in (filled, truth)]
    return Measures(
        psnr=float(10 * np.log10(255**2 / max(float(error), _LEAST))),
        ssim=float(similar[hole].mean()),
        ciede=float(deltaE_ciede2000(*lab).mean()),
        detail=fine[0] / max(fine[1], 1e-9),
    )


def _rgb(image: Image) -> Image:
    return image if image.ndim == 3 else np.repeat(image[..., np.newaxis], 3, axis=2)


def _detail(image: Image, hole: Hole) -> float:
    gray = image.astype(np.float64).mean(axis=2) if image.ndim == 3 else image.astype(np.float64)
    return float((gray - gaussian_filter(gray, _FINE))[hole].std())
