"""Muon: momentum whose matrices are made orthogonal, for the kernels of convolutions.

PyTorch's own takes matrices alone.

References
----------
.. [1] K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

_ROUNDS = 5
_A, _B, _C = 3.4445, -4.7750, 2.0315  # of the iteration that brings singular values near 1
_DECAY = 0.01


class Muon(torch.optim.Optimizer):
    """Update kernels by the orthogonal part of their momentum.

    Parameters
    ----------
    params : iterable of Tensor
        Each of two dimensions or more; the first is a matrix' rows.
    lr : float
    momentum : float
    """

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update the parameters by their gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in (p for p in group["params"] if p.grad is not None):
                moved = self.state[p].setdefault("momentum", torch.zeros_like(p))
                moved.mul_(group["momentum"]).add_(p.grad)
                ahead = (p.grad + group["momentum"] * moved).reshape(len(p), -1)
                tall = max(1.0, ahead.shape[0] / ahead.shape[1]) ** 0.5
                p.mul_(1 - _DECAY * group["lr"])
                p.add_(orthogonal(ahead).view_as(p), alpha=-group["lr"] * tall)
        return loss


def orthogonal(matrix: Tensor) -> Tensor:
    """Return about the nearest orthogonal matrix: singular values from 0.7 to 1.2, shape (M, N)."""
    g = matrix.bfloat16()
    turned = g.shape[0] > g.shape[1]
    g = g.T if turned else g
    g = g / (g.norm() + 1e-7)
    for _ in range(_ROUNDS):
        s = g @ g.T
        g = _A * g + (_B * s + _C * s @ s) @ g
    return (g.T if turned else g).to(matrix.dtype)
