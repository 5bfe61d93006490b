"""The controls of the Restore dock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import eii
from eii.options import BACKBONES, CHANNELS, COLOURS
from magicgui.widgets import (
    CheckBox,
    ComboBox,
    FileEdit,
    FloatSpinBox,
    Label,
    ProgressBar,
    PushButton,
    SpinBox,
)

DEFAULTS = eii.RestoreOptions()
Choices = Callable[..., list[Any]]


class Controls:
    """Widgets by their names; the dock lays them out and listens to them."""

    def make_inputs(self, images: Choices, holes: Choices) -> None:
        """Make what says which pixels are restored."""
        self.image = ComboBox(
            label="Image", choices=images, nullable=False, tooltip="The layer to restore."
        )
        self.hole = ComboBox(
            label="Hole",
            choices=holes,
            tooltip="What is to be filled: Labels that are not 0, Shapes, Points as discs, or an "
            "Image where it is bright. It may lie anywhere on the image, turned or scaled.",
        )
        self.above = FloatSpinBox(
            label="Brighter than",
            min=-1e12,
            max=1e12,
            visible=False,
            tooltip="Pixels of the Hole image above this value are filled.",
        )
        self.extra = ComboBox(
            label="Slider axis",
            choices=["planes", "channels"],
            tooltip="Whether the axis before y and x counts planes (z, t) or channels.",
        )
        self.planes = ComboBox(
            label="Planes", choices=["all", "current"], tooltip="Which planes of a stack."
        )
        self.grow = SpinBox(
            label="Grow by",
            value=DEFAULTS.grow,
            max=100,
            tooltip="Pixels, on all sides: marks rarely cover the soft rim of a defect.",
        )
        self.fill_planes = CheckBox(
            label="Fill missing planes",
            tooltip="Planes that the hole covers wholly are made from the nearest that are known.",
        )

    def make_controls(self) -> None:
        """Make what says how they are restored, and the buttons."""
        self.backbone = ComboBox(
            label="Structure",
            choices=list(BACKBONES),
            tooltip="What completes the gray image. auto, unet: the network, the best there is; "
            "pixel: a smaller one for thin scratches; classical: a thin plate, fast and smooth.",
        )
        self.colour = ComboBox(
            label="Colour",
            choices=list(COLOURS),
            tooltip="What propagates the colours: hybrid is the best and fast; progressive and "
            "paper train networks on this image, for minutes to hours.",
        )
        self.channels = ComboBox(
            label="Channels",
            choices=list(CHANNELS),
            tooltip="auto: RGB together, else the principal channel first; each: one by one.",
        )
        self.out = FileEdit(
            label="Save to",
            mode="w",
            nullable=True,
            value=None,
            filter="*.zarr",
            tooltip="An OME-Zarr folder to write. Empty: the result stays in memory; lazy and "
            "large images need a place on the disk.",
        )
        self.run = PushButton(text="Run", tooltip="Restore; the source layer is not changed.")
        self.cancel = PushButton(text="Cancel", enabled=False, tooltip="Stop after this window.")
        self.progress = ProgressBar(min=0, max=1, value=0, label="")
        self.status = Label(value="", label="")
