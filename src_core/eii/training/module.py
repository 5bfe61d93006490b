"""One training as Lightning sees it: network, its average, critic, and a step."""

from __future__ import annotations

import math
import time
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from eii.training.batches import Batch
from eii.training.objectives import Objective
from eii.training.options import TrainOptions

_WARM = 60  # steps until the rate is reached, or a tenth of a short run
_LEAST = 0.01  # of the rate, at the end
_AVERAGE = 0.998  # of the average that a step keeps
_CLIP = 1.0
_WORST = 5.0  # loss beyond which a batch is left out, of losses that are about 1 at the start


class Training(LightningModule):  # type: ignore[misc]
    """Train a network.

    Parameters
    ----------
    net : Module
    objective : Objective
    options : TrainOptions
    """

    automatic_optimization = False

    done: Tensor
    spent: Tensor

    def __init__(self, net: nn.Module, objective: Objective, options: TrainOptions) -> None:
        super().__init__()
        self.net, self.objective, self.options = net, objective, options
        self.average = AveragedModel(net, avg_fn=_averaged, use_buffers=True)
        self.register_buffer("done", torch.zeros((), dtype=torch.int64))
        self.register_buffer("spent", torch.zeros((), dtype=torch.float64))
        self.loss, self.left_out, self._last = math.nan, 0, time.monotonic()

    @property
    def part(self) -> float:
        """Return how much of the training is done, from 0 to 1."""
        if self.options.steps is not None:
            return min(1.0, int(self.done) / self.options.steps)
        return min(1.0, float(self.spent) / (60 * float(self.options.minutes or 1)))

    def configure_optimizers(self) -> Any:
        """Return the optimisers of the network, and the critic's after them."""
        found = self.objective.optimisers(self.net, self.options.rate)
        self._rates = [[g["lr"] for g in o.param_groups] for o in found]
        return found

    def on_fit_start(self) -> None:
        """Start the clock."""
        self._last = time.monotonic()

    def training_step(self, batch: Batch, index: int) -> None:
        """Update the network, then the critic, by a batch."""
        step = int(self.done)
        # Whatever the objective draws is a function of the step, so that a resumed run draws it.
        torch.manual_seed(step * 1009 + self.options.seed)
        self._set_rates(step)
        optimisers = self.optimizers()
        every = optimisers if isinstance(optimisers, list) else [optimisers]
        critics = self.objective.critic_optimisers
        loss, made = self.objective(self.net, batch, self.part)
        self._keep_loss(loss)
        own = every[: len(every) - critics]
        if self._step(loss, own, list(self.net.parameters())):
            self.average.update_parameters(self.net)
        if critics:
            held = {name: part.detach() for name, part in made.items()}
            rivals = [p for o in every[-critics:] for g in o.param_groups for p in g["params"]]
            self._step(self.objective.critic_loss(batch, held), every[-critics:], rivals)
        self.done += 1
        now = time.monotonic()
        self.spent += now - self._last
        self._last = now

    def _set_rates(self, step: int) -> None:
        warm = min(1.0, max((step + 1) / _WARM, 10 * self.part))
        factor = warm * max(_LEAST, (1 + math.cos(math.pi * self.part)) / 2)
        for optimiser, rates in zip(self.trainer.optimizers, self._rates, strict=True):
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * factor

    def _step(self, loss: Tensor, optimisers: list[Any], parameters: list[nn.Parameter]) -> bool:
        """Update parameters; return whether the batch was of use."""
        for optimiser in optimisers:
            optimiser.zero_grad()
        self.manual_backward(loss)
        norm = torch.nn.utils.clip_grad_norm_([p for p in parameters if p.grad is not None], _CLIP)
        # A step of Muon is as long for a bad batch as for a good one.
        bad = self.objective.relative and float(loss.detach()) > _WORST
        if bad or not bool(torch.isfinite(norm)):
            self.left_out += 1
            return False
        for optimiser in optimisers:
            optimiser.step()
        return True

    def _keep_loss(self, loss: Tensor) -> None:
        value = float(loss.detach())
        self.loss = value if math.isnan(self.loss) else self.loss + 0.02 * (value - self.loss)


def _averaged(average: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
    if not average.is_floating_point():  # how many batches a normalisation has seen
        return current
    keep = min(_AVERAGE, (1 + int(count)) / (10 + int(count)))
    return average.lerp(current.to(average.dtype), 1 - keep)
