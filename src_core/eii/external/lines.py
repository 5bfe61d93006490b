"""What the nearest known pixels say along straight lines through a hole pixel."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (2, -1), (1, -2))
"""Steps in pixels, (rows, columns)."""
_DOUBLINGS = 6  # a known pixel is looked for 63 steps away at the most

Step = tuple[int, int]


@dataclass(frozen=True)
class Lines:
    """For K pixels and 8 directions: shape (K, 8).

    Parameters
    ----------
    change : Tensor
        What interpolation between both ends differs from the fill; 0 where neither is near.
    apart : Tensor
        How much both ends differ; 0 where one is missing.
    near : Tensor
        1 / the distance between both ends, in 1 / pixels; 0 where one is missing.
    """

    change: Tensor
    apart: Tensor
    near: Tensor


def line_fills(filled: Tensor, hole: Tensor, at: Tensor) -> Lines:
    """Interpolate across the hole along each of `DIRECTIONS`.

    Parameters
    ----------
    filled : Tensor of shape (B, 1, M, N)
        A complete image.
    hole : Tensor of shape (B, 1, M, N)
        1 marks pixels to fill.
    at : Tensor of shape (K,), int64
        Flat positions of hole pixels.

    Returns
    -------
    Lines
    """
    known = (hole == 0).to(torch.uint8)[:, 0]
    values, own = filled.flatten(), filled.flatten()[at]
    columns = []
    for rows, cols in DIRECTIONS:
        ends = [_end(known, values, at, (sign * rows, sign * cols)) for sign in (1, -1)]
        columns.append(_between(own, ends, (rows * rows + cols * cols) ** 0.5))
    change, apart, near = (torch.stack(part, 1) for part in zip(*columns, strict=True))
    return Lines(change, apart, near)


_End = tuple[Tensor, Tensor, Tensor]


def _end(known: Tensor, values: Tensor, at: Tensor, step: Step) -> _End:
    """Return the value of the nearest known pixel one way, the steps to it, and whether it is."""
    steps = _steps_to_known(known, step).flatten()[at].long() - 1
    found = steps >= 0
    to = at + steps.clamp_min(0) * (step[0] * known.shape[-1] + step[1])
    return values[to], steps.float(), found


def _between(own: Tensor, ends: list[_End], length: float) -> tuple[Tensor, Tensor, Tensor]:
    (a, far_a, has_a), (b, far_b, has_b) = ends
    total = (far_a + far_b).clamp_min(1)
    both = has_a & has_b
    nothing = torch.zeros_like(own)
    one = torch.where(has_a, a, torch.where(has_b, b, own))
    change = torch.where(both, (a * far_b + b * far_a) / total, one) - own
    apart = torch.where(both, (a - b).abs(), nothing)
    return change, apart, torch.where(both, 1 / (total * length), nothing)


def _steps_to_known(known: Tensor, step: Step) -> Tensor:
    """Return how many steps from each pixel a known one is, plus 1; 0 where none is near."""
    height, width = known.shape[-2:]
    steps = known
    for k in range(_DOUBLINGS):
        down, right = (n * 2**k for n in step)
        if abs(down) >= height or abs(right) >= width:
            break
        to, of = (
            (..., *_shifted(height, width, down, right)),
            (
                ...,
                *_shifted(height, width, -down, -right),
            ),
        )
        there, here = steps[of], steps[to]
        # Where none is known so far: 0, or as many steps as there and the jump.
        jumped = (there + 2**k) * (there > 0)
        steps = steps.clone()
        steps[to] = torch.where(here > 0, here, jumped)
    return steps


def _shifted(height: int, width: int, down: int, right: int) -> tuple[slice, slice]:
    return (
        slice(max(0, -down), height - max(0, down)),
        slice(max(0, -right), width - max(0, right)),
    )
