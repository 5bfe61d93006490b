"""What of training can be chosen, and the only home of its defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eii.errors import OptionError
from eii.options import DEVICES, check_choice

MODES = ("mono", "rgb")
STRIDE = 32
"""Pixels of which the side of a window is a multiple: every network halves it at most 5 times."""


@dataclass(frozen=True)
class TrainOptions:
    """How a network is trained.

    Parameters
    ----------
    backbone : str
        Architecture, one of `eii.external.network.ARCHITECTURES`.
    mode : {"mono", "rgb"}
        ``"mono"`` completes luma, for restoration; ``"rgb"`` is the baseline that completes colour.
    minutes : float, optional
        Of training, apart from the making of the pool. Either this or ``steps``.
    steps : int, optional
        Batches. Only then a run that was killed goes on to the same weights.
    start : str, optional
        Weights to go on from: a ``.safetensors`` file with its card, or the name of a network that
        ships.
    seed : int
    windows : int
        Of the pool.
    side : int
        Of a window, in pixels; a part of the batches has windows twice as wide.
    batch : int, optional
        Windows of a batch; by default the architecture's.
    rate : float, optional
        Learning rate; by default the architecture's.
    width : int, optional
        Channels of the network's first layer; by default the published ones, or those of ``start``.
    first_fill : bool
        Give the network both classical fills and let it choose among and correct them; else the
        masked image, as the backbones were published.
    guided : bool
        In mode ``"mono"``: show the network the known RGB pixels beside the luma.
    adversarial : bool
        Train against a critic, where the backbone was.
    perceptual : Path, optional
        VGG19 weights (``features.0.weight`` ...) for the losses that need them.
    masks : Path, optional
        Folder of masks of real shapes (.png), for some of the holes.
    synthetic : float
        Share of windows that show made-up images.
    pools : Path, optional
        Folder for pools of windows that several runs share; by default each run keeps its own.
    device : {"auto", "cpu", "cuda", "mps"}
    devices : int
        How many of them.
    every : float
        Minutes between checkpoints.

    Raises
    ------
    OptionError
        If a value is outside its choices or range.
    """

    backbone: str = "unet"
    mode: str = "mono"
    minutes: float | None = None
    steps: int | None = None
    start: str | None = None
    seed: int = 0
    windows: int = 4000
    side: int = 128
    batch: int | None = None
    rate: float | None = None
    width: int | None = None
    first_fill: bool = True
    guided: bool = False
    adversarial: bool = True
    perceptual: Path | None = None
    masks: Path | None = None
    synthetic: float = 0.0
    pools: Path | None = None
    device: str = "auto"
    devices: int = 1
    every: float = 2.0

    def __post_init__(self) -> None:
        check_choice("mode", self.mode, MODES)
        check_choice("device", self.device, DEVICES)
        if (self.minutes is None) == (self.steps is None):
            raise OptionError("Give either `minutes` or `steps`: how long to train.")
        if self.minutes is not None and not self.minutes > 0:
            raise OptionError(f"`minutes` must be more than 0; got {self.minutes}.")
        for name in ("steps", "windows", "batch", "width", "devices"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise OptionError(f"`{name}` must be 1 or more; got {value}.")
        if self.side < 64 or self.side % STRIDE:
            raise OptionError(f"`side` must be a multiple of {STRIDE} from 64 on; got {self.side}.")
        if not 0 <= self.synthetic <= 1:
            raise OptionError(f"`synthetic` must be from 0 to 1; got {self.synthetic}.")
        if self.guided and self.mode != "mono":
            raise OptionError("`guided` is for the mode 'mono': in 'rgb' colour is seen anyway.")

    @property
    def channels(self) -> int:
        """Return the channels that windows of the pool have."""
        return 3 if self.mode == "rgb" or self.guided else 1
