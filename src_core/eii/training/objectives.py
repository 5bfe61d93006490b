"""What each backbone is trained for, and by which optimisers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from eii.training.batches import Batch
from eii.training.losses import relative_error
from eii.training.muon import Muon


class Objective(nn.Module):
    """The loss of a network.

    Notes
    -----
    ``batch`` is the number of windows in a batch, ``rate`` the learning rate, unless the user
    says another; ``relative`` says that the loss is about 1 for the classical fill.
    """

    batch, rate, relative = 12, 1e-3, False
    critic_optimisers = 0

    def __init__(self) -> None:
        super().__init__()
        self.critic: nn.Module | None = None

    def forward(self, net: Any, batch: Batch, part: float) -> tuple[Tensor, Batch]:
        """Return the loss of a batch, and what was made, for the critic."""
        raise NotImplementedError

    def critic_loss(self, batch: Batch, made: Batch) -> Tensor:
        """Return the critic's loss of a batch and of what was made."""
        raise NotImplementedError

    def optimisers(self, net: nn.Module, rate: float | None) -> list[torch.optim.Optimizer]:
        """Return the optimisers of the network, and those of the critic after them."""
        raise NotImplementedError


class Correction(Objective):
    """Of our own networks, which correct the classical fills: the error in the hole."""

    relative = True
    muon_rate = 0.004

    def __init__(self, *, muon: bool) -> None:
        super().__init__()
        self._muon = muon

    def forward(self, net: Any, batch: Batch, part: float) -> tuple[Tensor, Batch]:
        """Return the loss of a batch."""
        filled = net(batch["plate"], batch["smooth"], batch["hole"])
        return relative_error(filled, batch["truth"], batch["plate"], batch["hole"]), {}

    def optimisers(self, net: nn.Module, rate: float | None) -> list[torch.optim.Optimizer]:
        """Return Muon for the inner kernels, if wanted, and AdamW for the rest."""
        ends = ("stem", "head")
        kernels = [
            p
            for name, p in net.named_parameters()
            if self._muon and p.ndim == 4 and not name.startswith(ends)
        ]
        inner = {id(p) for p in kernels}
        rest = [p for p in net.parameters() if id(p) not in inner]
        own = self.rate if rate is None else rate
        adam = torch.optim.AdamW(rest, own, betas=(0.9, 0.98), weight_decay=0.01)
        return [Muon(kernels, self.muon_rate * own / self.rate), adam] if kernels else [adam]
