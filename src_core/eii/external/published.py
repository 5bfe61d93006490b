"""What the published backbones share: how they see a window, and how it comes out of them.

Each is built in two ways. As published, it sees the image with its hole blanked, and the hole, and
answers with an image. With the first fill, it sees both classical fills in units of the known
pixels nearby, and answers with their share and a residual: untrained it is as good as the plate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from eii.external.local import local_units_of_each
from eii.image.mono import LUMA

_MOST = 10.0  # local units beyond which inputs are cut
_SHARE = -2.0  # of pull-push before the sigmoid, untrained


@dataclass(frozen=True)
class PublishedShape:
    """The shape of a published network.

    Parameters
    ----------
    width : int
        Channels of its first layer.
    channels : int
        1: monochromic; 3: the baseline that completes RGB.
    guided : bool
        A monochromic one sees the known RGB pixels as well.
    first_fill : bool
        It starts from both classical fills; else from the blanked image, as published.
    """

    width: int = 32
    channels: int = 1
    guided: bool = False
    first_fill: bool = True

    stride: ClassVar[int] = 8

    @classmethod
    def to_train(cls, *, width: int | None, channels: int, guided: bool, first_fill: bool) -> Self:
        """Return the shape that a training asks for."""
        own = cls().width if width is None else width
        return cls(own, channels=channels, guided=guided, first_fill=first_fill)

    @property
    def inputs(self) -> int:
        """Return the channels that a network sees: image, second fill, guide, hole."""
        return self.channels * (1 + self.first_fill) + 3 * self.guided + 1

    @property
    def outputs(self) -> int:
        """Return the channels of its answer: residual and share, or image."""
        return self.channels + self.first_fill


@dataclass(frozen=True)
class Seen:
    """Windows as a network sees them, in its own units.

    Parameters
    ----------
    image : Tensor of shape (B, C, M, N)
        The plate, or the image with its hole blanked.
    change : Tensor of shape (B, C, M, N), optional
        What pull-push differs from the plate.
    guide : Tensor of shape (B, 3, M, N), optional
        Known RGB pixels.
    hole : Tensor of shape (B, 1, M, N)
    edges : Tensor of shape (B, 1, M, N), optional
        Drawn by a user, for networks that follow edges.
    """

    image: Tensor
    change: Tensor | None
    guide: Tensor | None
    hole: Tensor
    edges: Tensor | None = None

    def stacked(self, image: Tensor | None = None) -> Tensor:
        """Return all as channels, with the completion of another stage if it is given."""
        first = self.image if image is None else image
        parts = [first, self.change, self.guide, self.hole]
        return torch.cat([p for p in parts if p is not None], 1)

    def pasted(self, image: Tensor) -> Tensor:
        """Return a completion with the known pixels given back."""
        return torch.where(self.hole > 0, image, self.image)

    def through(self, change: Callable[[Tensor], Tensor]) -> Seen:
        """Return all with something done to each part, such as shrinking."""
        parts = (self.image, self.change, self.guide, self.hole, self.edges)
        return Seen(*(None if p is None else change(p) for p in parts))  # type: ignore[arg-type]


class Published(nn.Module):
    """A published network.

    Parameters
    ----------
    shape : PublishedShape
    """

    def __init__(self, shape: PublishedShape) -> None:
        super().__init__()
        self.shape = shape

    def forward(
        self,
        plate: Tensor,
        smooth: Tensor,
        hole: Tensor,
        rgb: Tensor | None = None,
        edges: Tensor | None = None,
    ) -> Tensor:
        """Fill the holes of windows.

        Parameters
        ----------
        plate, smooth : Tensor of shape (B, C, M, N), float32
            The two fills, known pixels as they are; M and N multiples of the stride.
        hole : Tensor of shape (B, 1, M, N), float32
            1 marks pixels to fill.
        rgb : Tensor of shape (B, 3, M, N), float32, optional
            Known pixels, for guided networks; by default the luma's.
        edges : Tensor of shape (B, 1, M, N), float32, optional
            For networks that follow edges: 1 where there is one.

        Returns
        -------
        Tensor of shape (B, C, M, N), float32
            Known pixels as they are.
        """
        filled = self.images(plate, smooth, hole, rgb, edges)[-1]
        return torch.where(hole > 0, filled.float(), plate)

    def images(
        self,
        plate: Tensor,
        smooth: Tensor,
        hole: Tensor,
        rgb: Tensor | None = None,
        edges: Tensor | None = None,
    ) -> list[Tensor]:
        """Return what each stage makes of windows, known pixels too; see `forward`."""
        seen, mean, unit = self.see(plate, smooth, hole, rgb, edges)
        return [stage.float() * unit + mean for stage in self.stages(seen)]

    def see(
        self,
        plate: Tensor,
        smooth: Tensor,
        hole: Tensor,
        rgb: Tensor | None = None,
        edges: Tensor | None = None,
    ) -> tuple[Seen, Tensor, Tensor]:
        """Return windows in the network's units, and the offset and size of those."""
        if self.shape.first_fill:
            mean, unit = local_units_of_each(plate, hole)
            change = ((smooth - plate) * hole / unit).clamp(-_MOST, _MOST)
        else:
            mean, unit = (torch.full_like(hole, 0.5) for _ in range(2))
            change = None
        image = ((plate - mean) / unit).clamp(-_MOST, _MOST)
        if not self.shape.first_fill:
            image = image * (1 - hole)
        guide = self._guide(plate if rgb is None else rgb, mean, unit, hole)
        return Seen(image, change, guide, hole, edges), mean, unit

    def _guide(self, rgb: Tensor, mean: Tensor, unit: Tensor, hole: Tensor) -> Tensor | None:
        if not self.shape.guided:
            return None
        three = rgb.expand(-1, 3, -1, -1)
        return ((three - mean) / unit).clamp(-_MOST, _MOST) * (1 - hole)

    def stages(self, seen: Seen) -> list[Tensor]:
        """Return what each stage makes of windows, in the network's units."""
        raise NotImplementedError

    def answer(self, out: Tensor, seen: Seen) -> Tensor:
        """Return the image that the last layer of a stage stands for."""
        if seen.change is None:
            return self.squash(out)
        channels = self.shape.channels
        share = torch.sigmoid(out[:, channels:].float())
        return seen.image + share * seen.change + out[:, :channels].float()

    def squash(self, out: Tensor) -> Tensor:
        """Bring an image to [-1, 1], as published."""
        return out.clamp(-1, 1)

    def last(self, channels: int, kernel: int) -> nn.Conv2d:
        """Return the last layer of a stage; with the first fill, it starts from no residual."""
        layer = nn.Conv2d(channels, self.shape.outputs, kernel, padding=kernel // 2)
        if self.shape.first_fill:
            nn.init.zeros_(layer.weight)
            with torch.no_grad():
                start = [0.0] * self.shape.channels + [_SHARE]
                layer.bias.copy_(torch.tensor(start))  # type: ignore[union-attr]
        return layer


def gray_of(image: Tensor) -> Tensor:
    """Return the luma of RGB, or the one channel there is, shape (B, 1, M, N)."""
    if image.shape[1] == 1:
        return image
    weights = image.new_tensor(LUMA).view(1, 3, 1, 1)
    return (image * weights).sum(1, keepdim=True)


class OfGray(nn.Module):
    """A network of RGB on luma: three times the same channel goes in, the luma of three comes out.

    Parameters
    ----------
    net : Module
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, plate: Tensor, smooth: Tensor, hole: Tensor, edges: Tensor | None = None
    ) -> Tensor:
        """Fill the holes of windows of luma, shape (B, 1, M, N)."""
        more = {} if edges is None else {"edges": edges}
        three = (x.expand(-1, 3, -1, -1) for x in (plate, smooth))
        filled = self.net(*three, hole, **more)
        return torch.where(hole > 0, gray_of(filled), plate)
