"""The published backbones' own losses, critics and optimisers.

Where a perceptual loss belongs to a recipe and the user gives no file for it, it is left out; the
one recipe without any other loss in the hole (LaMa) then has its L1 there too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from eii.external.edgeconnect import EdgeConnect, edges_of
from eii.external.published import gray_of
from eii.training.batches import Batch
from eii.training.critics import (
    HINGE,
    SATURATED,
    WASSERSTEIN,
    Critic,
    against,
    loss_of,
    matching,
)
from eii.training.losses import confidence, weighted_l1
from eii.training.objectives import Objective
from eii.training.options import TrainOptions
from eii.training.perceptual import Perceptual

_MATCHED_EDGES = 10.0
_CRITIC = 64  # published channels of a critic's first layer


@dataclass(frozen=True)
class Recipe:
    """What a backbone was published with.

    Parameters
    ----------
    critic : str
        See `eii.training.critics.Critic`.
    gan, matched, content, style, texture : float
        Weights of the losses.
    inside, outside : float
        Weights of L1 in the hole and outside.
    early : bool
        The first stage has the L1 loss as well.
    trusted : bool
        In the hole, L1 is weighted by confidence.
    batch : int
    rate, critic_rate : float
    betas : (float, float)
        Of Adam.
    """

    critic: str
    gan: float
    inside: float
    outside: float
    batch: int
    rate: float
    critic_rate: float
    betas: tuple[float, float]
    matched: float = 0.0
    content: float = 0.0
    style: float = 0.0
    texture: float = 0.0
    early: bool = False
    trusted: bool = False


RECIPES = {
    "gatedconv": Recipe(HINGE, 1.0, 1.0, 1.0, 16, 1e-4, 1e-4, (0.5, 0.999), early=True),
    "edgeconnect": Recipe(
        SATURATED, 0.1, 1.0, 1.0, 8, 1e-4, 1e-5, (0.0, 0.9), content=0.1, style=250.0
    ),
    "hifill": Recipe(WASSERSTEIN, 0.001, 1.2, 1.0, 8, 1e-4, 1e-4, (0.5, 0.9), early=True),
    "gmcnn": Recipe(
        WASSERSTEIN, 0.001, 1.4, 1.2, 16, 1e-4, 1e-4, (0.5, 0.9), texture=0.05, trusted=True
    ),
    "lama": Recipe(
        SATURATED, 10.0, 0.0, 10.0, 10, 1e-3, 1e-4, (0.9, 0.999), matched=100.0, content=30.0
    ),
}


class Adversarial(Objective):
    """The loss of a published backbone.

    Parameters
    ----------
    recipe : Recipe
    options : TrainOptions
    width, published : int
        Of the network, and as it was published: its critic is as much narrower.
    """

    def __init__(
        self, recipe: Recipe, options: TrainOptions, *, width: int, published: int
    ) -> None:
        super().__init__()
        self.recipe = recipe
        self.batch, self.rate = recipe.batch, recipe.rate
        channels = 3 if options.mode == "rgb" else 1
        narrow = max(8, round(_CRITIC * width / published))
        self.perceptual = None if options.perceptual is None else Perceptual(options.perceptual)
        if options.adversarial:
            self.critic = Critic(channels + 1, narrow, recipe.critic)
            self.critic_optimisers = 1

    def forward(self, net: Any, batch: Batch, part: float) -> tuple[Tensor, Batch]:
        """Return the loss of a batch, and what was filled."""
        *_, hole = parts = (batch["plate"], batch["smooth"], batch["hole"])
        images = net.images(*parts, batch.get("rgb"))
        filled = torch.where(hole > 0, images[-1], batch["truth"])
        loss = self.reconstruction(images, batch) + self.judged(filled, batch, self.critic)
        return loss, {"image": filled}

    def reconstruction(self, images: list[Tensor], batch: Batch) -> Tensor:
        """Return the L1 losses, of images in [-1, 1] as published."""
        recipe, hole, truth = self.recipe, batch["hole"], batch["truth"]
        inside = recipe.inside or (0.0 if self.perceptual is not None else recipe.outside)
        where = confidence(hole) if recipe.trusted else hole
        total = truth.new_zeros(())
        for image in images if recipe.early else images[-1:]:
            own = weighted_l1(image, truth, hole, inside=0.0, outside=recipe.outside)
            total = total + 2 * (own + inside * _over(image - truth, where, hole))
        return total

    def judged(self, filled: Tensor, batch: Batch, critic: Any) -> Tensor:
        """Return the critic's and the perceptual losses."""
        recipe, truth, hole = self.recipe, batch["truth"], batch["hole"]
        total = truth.new_zeros(())
        if critic is not None:
            features = critic(filled, hole)
            total = total + recipe.gan * against(critic, features)
            if recipe.matched:
                total = total + recipe.matched * matching(critic(truth, hole), features)
        if self.perceptual is not None:
            found = self.perceptual.losses(filled, truth)
            weights = (recipe.content, recipe.style, recipe.texture)
            total = total + sum(w * x for w, x in zip(weights, found, strict=True))
        return total

    def critic_loss(self, batch: Batch, made: Batch) -> Tensor:
        """Return the critic's loss."""
        critic: Any = self.critic
        return loss_of(critic, (batch["truth"], batch["hole"]), (made["image"], batch["hole"]))

    def optimisers(self, net: nn.Module, rate: float | None) -> list[torch.optim.Optimizer]:
        """Return Adam for the network, and for the critic."""
        recipe = self.recipe
        own = recipe.rate if rate is None else rate
        found = [torch.optim.Adam(net.parameters(), own, recipe.betas)]
        if self.critic is not None:
            rival = recipe.critic_rate * own / recipe.rate
            found.append(torch.optim.Adam(self.critic.parameters(), rival, recipe.betas))
        return list(found)


def _over(error: Tensor, where: Tensor, hole: Tensor) -> Tensor:
    """Return the mean of an error over the hole, weighted."""
    return (error.abs() * where).sum() / (hole.sum().clamp_min(1) * error.shape[1])


class InThreePhases(Adversarial):
    """EdgeConnect's: the edges first, then the image along the true ones, then along its own."""

    def __init__(
        self, recipe: Recipe, options: TrainOptions, *, width: int, published: int
    ) -> None:
        super().__init__(recipe, options, width=width, published=published)
        narrow = max(8, round(_CRITIC * width / published))
        # Without a critic there would be nothing to draw edges by: it is there in any case.
        self.of_edges = Critic(2, narrow, SATURATED)
        self.of_image = self.critic
        self.critic = nn.ModuleList([c for c in (self.of_edges, self.of_image) if c is not None])
        self.critic_optimisers = 1

    def forward(self, net: EdgeConnect, batch: Batch, part: float) -> tuple[Tensor, Batch]:
        """Return the loss of a batch in the phase of training that it is in."""
        hole, truth = batch["hole"], batch["truth"]
        seen, mean, unit = net.see(batch["plate"], batch["smooth"], hole, batch.get("rgb"))
        edges = true = edges_of(truth, torch.zeros_like(hole))
        loss, made = truth.new_zeros(()), {"true edges": true}
        if not 1 / 3 <= part < 2 / 3:
            drawn = net.draw_edges(seen, true * (1 - hole))
            edges = made["edges"] = torch.where(hole > 0, drawn.float(), true)
            features = self.of_edges(gray_of(truth), edges)
            alike = matching(self.of_edges(gray_of(truth), true), features)
            loss = against(self.of_edges, features) + _MATCHED_EDGES * alike
        if part >= 1 / 3:
            image = net.along(seen, edges).float() * unit + mean
            made["image"] = filled = torch.where(hole > 0, image, truth)
            judged = self.judged(filled, batch, self.of_image)
            loss = loss + self.reconstruction([image], batch) + judged
        return loss, made

    def critic_loss(self, batch: Batch, made: Batch) -> Tensor:
        """Return the losses of the critics of this phase."""
        total, gray = batch["truth"].new_zeros(()), gray_of(batch["truth"])
        if "edges" in made:
            total = total + loss_of(
                self.of_edges, (gray, made["true edges"]), (gray, made["edges"])
            )
        if "image" in made and isinstance(self.of_image, Critic):
            total = total + loss_of(
                self.of_image, (batch["truth"], batch["hole"]), (made["image"], batch["hole"])
            )
        return total
