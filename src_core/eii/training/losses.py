"""What training minimises apart from critics: errors in the hole and on known pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_FLOOR = 0.01  # of a window's variance that counts as error left by the plate
_PEAK = 1e-5  # squared error, in units of the range, that counts as well


def relative_error(filled: Tensor, truth: Tensor, plate: Tensor, hole: Tensor) -> Tensor:
    """Return half the L1 and half the RMS error in the hole, each window's over its plate's.

    Parameters
    ----------
    filled, truth, plate : Tensor of shape (B, C, M, N)
    hole : Tensor of shape (B, 1, M, N)
        1 marks pixels to fill.

    Returns
    -------
    Tensor of shape ()
        About 1 where the fill is no better than the plate: easy windows count as hard ones do.
    """
    area = hole.sum((1, 2, 3)).clamp_min(1) * truth.shape[1]
    unit = (_mean(plate - truth, hole, area) + _FLOOR * _variance(truth, hole) + _PEAK).sqrt()
    error = (filled - truth) * hole
    absolute = (error.square() + 1e-6).sqrt().mul(hole).sum((1, 2, 3)) / area / unit
    squared = (error.square().sum((1, 2, 3)) / area + 1e-8).sqrt() / unit
    return ((absolute + squared) / 2).mean()


def _mean(error: Tensor, where: Tensor, area: Tensor) -> Tensor:
    return (error.square() * where).sum((1, 2, 3)) / area


def _variance(truth: Tensor, hole: Tensor) -> Tensor:
    known = (1 - hole).expand_as(truth)
    count = known.sum((1, 2, 3)).clamp_min(1)
    centre = (truth * known).sum((1, 2, 3)) / count
    away = (truth - centre.view(-1, 1, 1, 1)) * known
    return away.square().sum((1, 2, 3)) / count


def weighted_l1(
    filled: Tensor, truth: Tensor, hole: Tensor, *, inside: float, outside: float
) -> Tensor:
    """Return the L1 error, weighted apart in the hole and outside, each over its own pixels."""
    error = (filled - truth).abs()
    total = filled.new_zeros(())
    for weight, where in ((inside, hole), (outside, 1 - hole)):
        if weight:
            area = where.sum().clamp_min(1) * truth.shape[1]
            total = total + weight * (error * where).sum() / area
    return total


def confidence(hole: Tensor, sigma: float = 10.0, rounds: int = 3) -> Tensor:
    """Return how much hole pixels weigh by GMCNN: most at the border, where they can be right.

    Parameters
    ----------
    hole : Tensor of shape (B, 1, M, N)
    sigma : float
        Of the blur, in pixels.
    rounds : int
        How often the weights are spread inwards.

    References
    ----------
    .. [1] Y. Wang et al., "Image inpainting via generative multi-column convolutional neural
           networks", NeurIPS 2018, equation 6.
    """
    weight = 1 - hole
    spread = torch.zeros_like(hole)
    for _ in range(rounds):
        spread = blur(weight, sigma) * hole
        weight = (1 - hole) + spread
    return spread / spread.amax((2, 3), keepdim=True).clamp_min(1e-6)


def blur(x: Tensor, sigma: float) -> Tensor:
    """Return one channel blurred by a Gaussian, float32."""
    radius = int(min(3 * sigma, min(x.shape[-2:]) - 1))
    taps = torch.arange(-radius, radius + 1, dtype=torch.float32, device=x.device)
    taps = torch.exp(-taps.square() / (2 * sigma**2))
    taps = taps / taps.sum()
    x = functional.pad(x, (radius,) * 4, mode="reflect")
    return functional.conv2d(functional.conv2d(x, taps.view(1, 1, 1, -1)), taps.view(1, 1, -1, 1))
