"""Critics that networks are trained against, and the losses of the two sides.

References
----------
.. [1] J. Yu et al., "Free-form image inpainting with gated convolution", ICCV 2019 (SN-PatchGAN).
.. [2] P. Isola et al., "Image-to-image translation with conditional adversarial networks", CVPR
       2017 (the critic of patches of 70 pixels).
.. [3] I. Gulrajani et al., "Improved training of Wasserstein GANs", NeurIPS 2017.
.. [4] L. Mescheder, A. Geiger, S. Nowozin, "Which training methods for GANs do actually
       converge?", ICML 2018 (R1).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

Pair = tuple[Tensor, Tensor]
HINGE, SATURATED, WASSERSTEIN = "hinge", "non-saturating", "wasserstein"
_PENALTY = 10.0  # weight of the gradient penalty [3]
_R1 = 0.001


class Critic(nn.Module):
    """Tell true windows from filled ones, patch by patch.

    Parameters
    ----------
    inputs : int
        Channels: image and hole.
    width : int
        Of the first layer.
    loss : {"hinge", "non-saturating", "wasserstein"}
        It says which critic: SN-PatchGAN, patches of 70 pixels, or one without normalisation.
    """

    def __init__(self, inputs: int, width: int, loss: str) -> None:
        super().__init__()
        self.loss = loss
        steps = {
            HINGE: [(1, 5, 2), (2, 5, 2), (4, 5, 2), (4, 5, 2), (4, 5, 2), (4, 5, 2)],
            SATURATED: [(1, 4, 2), (2, 4, 2), (4, 4, 2), (8, 4, 1), (0, 4, 1)],
            WASSERSTEIN: [(1, 5, 2), (2, 5, 2), (4, 5, 2), (4, 5, 2), (0, 3, 1)],
        }[loss]
        layers: list[nn.Module] = []
        before = inputs
        for times, kernel, stride in steps:
            after = times * width or 1
            pad = 2 if kernel == 5 else 1
            layer: nn.Module = nn.Conv2d(before, after, kernel, stride, pad)
            layers.append(layer if loss == WASSERSTEIN else spectral_norm(layer))
            before = after
        self.layers = nn.ModuleList(layers)

    def forward(self, image: Tensor, hole: Tensor) -> list[Tensor]:
        """Return the features of each layer; the last ones are the verdict.

        Parameters
        ----------
        image : Tensor of shape (B, C, M, N), about [0, 1]
        hole : Tensor of shape (B, 1, M, N)
        """
        x = torch.cat([2 * image - 1, hole], 1)
        found = []
        for n, layer in enumerate(self.layers):
            x = layer(x)
            if n < len(self.layers) - 1:
                x = functional.leaky_relu(x, 0.2)
            found.append(x)
        return found


def against(critic: Critic, features: list[Tensor]) -> Tensor:
    """Return the loss of a network whose fill got this verdict."""
    verdict = features[-1].float()
    return functional.softplus(-verdict).mean() if critic.loss == SATURATED else -verdict.mean()


def loss_of(critic: Critic, true: Pair, false: Pair) -> Tensor:
    """Return the critic's loss, with its penalty.

    Parameters
    ----------
    critic : Critic
    true, false : (Tensor, Tensor)
        An image and what goes with it, see `Critic.forward`: the truth, and what was made.
    """
    if critic.loss == SATURATED:
        true = (true[0].detach().requires_grad_(), true[1])
    real, fake = (critic(*pair)[-1].float() for pair in (true, false))
    if critic.loss == HINGE:
        return functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()
    if critic.loss == SATURATED:
        penalty = _slope(real, true[0]).square().mean()
        return functional.softplus(-real).mean() + functional.softplus(fake).mean() + _R1 * penalty
    share = torch.rand(len(true[0]), 1, 1, 1, device=true[0].device)
    between = (share * true[0] + (1 - share) * false[0]).requires_grad_()
    slope = _slope(critic(between, true[1])[-1].float().mean((1, 2, 3)), between)
    return fake.mean() - real.mean() + _PENALTY * (slope - 1).square().mean()


def _slope(verdict: Tensor, image: Tensor) -> Tensor:
    """Return the length of the gradient of each window's verdict."""
    (slope,) = torch.autograd.grad(verdict.sum(), image, create_graph=True)
    return slope.float().flatten(1).norm(dim=1)


def matching(of_truth: list[Tensor], of_filled: list[Tensor]) -> Tensor:
    """Return how far a critic's features of a fill are from those of the truth."""
    pairs = zip(of_truth[:-1], of_filled[:-1], strict=True)
    return torch.stack([(a.detach() - b).float().abs().mean() for a, b in pairs]).mean()
