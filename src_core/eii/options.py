"""What can be chosen, and the only home of the defaults."""

from __future__ import annotations

import math
from dataclasses import dataclass

from eii.errors import OptionError

TRAINED = ("progressive", "paper")
"""Methods of colour that train networks on the one image."""
COLOURS = ("hybrid", "solve", "match", "table", *TRAINED)
CHANNELS = ("auto", "rgb", "each", "principal")
AUTO, CLASSICAL, FILE = "auto", "classical", "file:"
BACKBONES = (AUTO, "unet", "pixel", CLASSICAL)
DEVICES = ("auto", "cpu", "cuda", "mps")
GROW_AUTO = "auto"
NODATA_AUTO, NODATA_NONE = "auto", "none"
FIT = "fit"
MATCH, NO_GRAIN = "match", "none"
KINDS = (
    *("hot-pixels", "dead-lines", "saturated", "missing", "scratches", "dust", "infrared"),
    *("pen-marks", "folds", "bubbles", "stains", "stamps", "punch-holes", "difference"),
)
"""Kinds of defects that are found."""
WIDEST = 1024
BROADEST = 64
"""Pixels of the widest scratch that can be looked for."""
"""Pixels by which a hole is grown at the most: beyond that, it is another hole."""


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise `OptionError` unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise OptionError(f"`{name}` must be one of {', '.join(choices)}; got {value!r}.")


@dataclass(frozen=True)
class RestoreOptions:
    """How an image is restored.

    Parameters
    ----------
    backbone : str
        What completes the structure. ``"unet"``: a network, the best there is; ``"pixel"``: a
        smaller one for shallow holes, faster where they are few; ``"classical"``: a thin plate,
        needs no weights and no torch; ``"file:PATH"``: weights (.safetensors) or an inpainting
        model (.onnx, .pt) of the user's. ``"auto"`` is ``"unet"``.
    colour : {"hybrid", "solve", "match", "table", "progressive", "paper"}
        What propagates the other channels from the known pixels. ``"solve"`` spreads the colours
        of the hole's border along luma, ``"match"`` takes those of known pixels that look alike,
        ``"hybrid"`` joins the two, ``"table"`` takes the mean colour of each luma. ``"paper"``
        trains the paper's networks on the image with its published settings (half an hour for
        512 x 512), ``"progressive"`` ours, in a tenth of that time; both need torch.
    levels : int
        Of the networks of ``"progressive"`` and ``"paper"``, from 1 to 5.
    channels : {"auto", "rgb", "each", "principal"}
        ``"rgb"``: luma is completed, colour follows. ``"principal"``: one channel is completed,
        the others follow. ``"each"``: every channel is completed on its own. ``"auto"``: RGB for
        colour images, the principal channel for other images of many channels.
    principal : int, optional
        The channel completed by ``"principal"``; by default the one of largest common variance.
    device : {"auto", "cpu", "cuda", "mps"}
        Where networks run.
    grow : int or "auto"
        Pixels by which the hole is grown on all sides before the restoration. ``"auto"`` adds the
        rim that a mask left of its defect: border pixels darker or brighter than all behind them.
    workers : int, optional
        Threads that restore windows; by default as many as there are processors.
    trust : bool
        Run a TorchScript file, which can run any code.
    keep_alpha : bool
        Leave what is transparent transparent where it is filled; else it becomes opaque.
    nodata : float or {"auto", "none"}
        The value of pixels that hold no data, NaN too: outside the hole they are neither filled
        nor used. ``"auto"``: the one that the file declares, if any. RGB pixels hold none when all
        three have the value. Nothing is made of pixels that are wholly transparent, either.
    edges : str, optional
        A file like that of the hole: what is not zero is an edge that the structure follows in the
        hole. For networks that follow edges (``edgeconnect``).
    grain : {"none", "match"}
        ``"match"`` gives what is filled the fine texture that it lacks, as a random field with
        the spectrum and strength of the known pixels around: for looking, and not for measuring,
        since each pixel is then farther from the truth.
    seed : int
        Of that field.
    standard_error : bool
        Measure how far what is invented may be off, where a result has room to say so: known pixels
        are hidden in the shapes of the image's own holes, restored, and compared.
    nan_is_hole : bool
        Fill pixels that are not finite, whatever the hole says.
    fill_planes : bool
        Fill planes that are wholly missing from the nearest in z, or else in t.

    Raises
    ------
    OptionError
        If a value is outside its choices or range.
    """

    backbone: str = AUTO
    colour: str = "hybrid"
    channels: str = "auto"
    principal: int | None = None
    device: str = "auto"
    grow: int | str = 0
    workers: int | None = None
    trust: bool = False
    levels: int = 3
    keep_alpha: bool = False
    nodata: float | str = NODATA_AUTO
    edges: str | None = None
    grain: str = NO_GRAIN
    seed: int = 0
    standard_error: bool = True
    nan_is_hole: bool = False
    fill_planes: bool = False

    def __post_init__(self) -> None:
        check_choice("colour", self.colour, COLOURS)
        check_choice("channels", self.channels, CHANNELS)
        check_choice("device", self.device, DEVICES)
        check_choice("grain", self.grain, (NO_GRAIN, MATCH))
        if self.seed < 0:
            raise OptionError(f"`seed` must be 0 or more; got {self.seed}.")
        is_width = isinstance(self.grow, int) and 0 <= self.grow <= WIDEST
        if self.grow != GROW_AUTO and not is_width:
            raise OptionError(
                f"`grow` must be from 0 to {WIDEST} pixels, or {GROW_AUTO!r}; got {self.grow!r}."
            )
        if isinstance(self.nodata, str):
            check_choice("nodata", self.nodata, (NODATA_AUTO, NODATA_NONE))
        if self.workers is not None and self.workers < 1:
            raise OptionError(f"`workers` must be 1 or more; got {self.workers}.")
        if not 1 <= self.levels <= 5:
            raise OptionError(f"`levels` must be from 1 to 5; got {self.levels}.")
        if self.levels != 3 and self.colour not in TRAINED:
            raise OptionError(f"`levels` is of {', '.join(TRAINED)}, not of {self.colour!r}.")
        if self.principal is not None and self.principal < 0:
            raise OptionError(f"`principal` must be 0 or more; got {self.principal}.")


@dataclass(frozen=True)
class DetectOptions:
    """Which defects are found, and how readily.

    Parameters
    ----------
    kinds : tuple of str
        Of `eii.KINDS`; where several meet, the first counts.
    sensitivity : float
        From 0, sure ones alone, to 1, whatever may be one.
    grow : int, optional
        Pixels by which defects are grown on all sides; by default as their kind needs.
    min_size, max_size : int, optional
        Pixels of a connected part; others are dropped, beside those that the kind drops itself.
    max_width : int, optional
        Pixels of the widest scratches that are looked for, and of specks to match, up to 64: what
        is wider than 8 is found in the image made small by 2, 4 and 8, too. By default that of half
        the size is looked at for what is very sure alone.
    ir_channel : int, optional
        The infrared channel of the image, for ``"infrared"``; by default the fourth of four.
    ir : str, optional
        A file, or a series of the image as ``"#1"``, with the infrared instead.
    reference : str, optional
        A file to compare with, for ``"difference"``; by default the planes before and after.
    transmission : float
        Share of light from which on dirt is thin, for ``"infrared"``, and what is on a page, for
        ``"stamps"``, ``"pen-marks"`` and ``"stains"``: when what was found is given to a
        restoration, what it took is divided out, and the rest is filled. At 1 all is filled.
    weights : str, optional
        Of the network that finds scratches and dust, or of the one that judges hot pixels, from
        ``eii train-finder``; by default those that ship.
    fixed : bool, optional
        Hot pixels and dead lines are those that most planes of a stack have, at the same places;
        by default so from three planes on.
    most : float
        Share of the image to be filled from which on a restoration is refused: what is marked then
        is rarely a defect. Kinds that are divided out do not count.

    Raises
    ------
    OptionError
        If a value is out of its range, or no kind is named.
    """

    kinds: tuple[str, ...]
    sensitivity: float = 0.5
    grow: int | None = None
    min_size: int | None = None
    max_size: int | None = None
    ir_channel: int | None = None
    ir: str | None = None
    reference: str | None = None
    fixed: bool | None = None
    most: float = 0.1
    weights: str | None = None
    transmission: float = 0.3
    max_width: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.transmission <= 1:
            raise OptionError(
                f"`transmission` must be above 0, and 1 at the most; got {self.transmission}."
            )
        if not self.kinds:
            raise OptionError("`kinds` must name a kind of defect.")
        for kind in self.kinds:
            check_choice("kinds", kind, KINDS)
        if not 0 <= self.sensitivity <= 1:
            raise OptionError(f"`sensitivity` must be from 0 to 1; got {self.sensitivity}.")
        if self.grow is not None and not 0 <= self.grow <= WIDEST:
            raise OptionError(f"`grow` must be from 0 to {WIDEST} pixels; got {self.grow}.")
        if self.max_width is not None and not 1 <= self.max_width <= BROADEST:
            raise OptionError(
                f"`max_width` must be from 1 to {BROADEST} pixels; got {self.max_width}."
            )
        if not 0 < self.most <= 1:
            raise OptionError(f"`most` must be above 0, and 1 at the most; got {self.most}.")
        least, largest = self.min_size or 0, self.max_size
        if least < 0 or (largest is not None and largest < max(1, least)):
            raise OptionError(
                f"`min_size` and `max_size` must be sizes in order; got {least} and {largest}."
            )


@dataclass(frozen=True)
class HoleOptions:
    """What of a mask is the hole, and where it lies on its image.

    Parameters
    ----------
    above : float, optional
        Only values above it, in the mask's own units; by default all that are not black. Of JPEG
        and lossy WebP, whose black is not quite 0, half of the range by default.
    labels : tuple of int, optional
        Only these values, of a label image; of a palette, its indices.
    invert : bool
        What would be known is the hole.
    series : int or str, optional
        Which image of a file that holds several.
    axes : str, optional
        The meaning of each dimension, where the file does not say.
    scale : {"auto", "fit"}
        ``"auto"``: the mask lies where its pixel size says, or else its level of a pyramid is told
        by its size. ``"fit"``: it is stretched over the image, whatever its size.

    Raises
    ------
    OptionError
        If both a threshold and labels are given, or a value is outside its choices or range.
    """

    above: float | None = None
    labels: tuple[int, ...] | None = None
    invert: bool = False
    series: int | str | None = None
    axes: str | None = None
    scale: str = AUTO

    def __post_init__(self) -> None:
        if self.above is not None and self.labels is not None:
            raise OptionError("`hole_above` and `hole_labels` exclude one another; give one.")
        if self.above is not None and not math.isfinite(self.above):
            raise OptionError(f"`hole_above` must be a finite number; got {self.above}.")
        if self.labels is not None and not self.labels:
            raise OptionError("`hole_labels` must name a label.")
        check_choice("hole_scale", self.scale, (AUTO, FIT))
