"""The controls of the Restore dock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import eii
from eii.options import BACKBONES, CHANNELS, COLOURS, DEVICES
from magicgui.types import FileDialogMode
from magicgui.widgets import (
    CheckBox,
    ComboBox,
    Container,
    FileEdit,
    FloatSpinBox,
    Label,
    ProgressBar,
    PushButton,
    Select,
    SpinBox,
)
from qtpy.QtCore import Qt

_BACKBONES = {
    "auto": "The network that measures best: unet.",
    "unet": "A network for holes of every kind.",
    "pixel": "A smaller network for thin scratches and specks.",
    "classical": "A thin plate: fast, smooth, the same on every machine, needs no torch.",
}
_COLOURS = {
    "hybrid": "From the border, and in deep holes from known pixels that look alike.",
    "solve": "From the border alone, along luma.",
    "match": "From known pixels that look alike.",
    "table": "The mean colour of each luma: for two-coloured images.",
    "progressive": "A small network trained on this image: slow, a little better at best.",
    "paper": "The published network, trained on this image: takes many minutes.",
}

DEFAULTS = eii.RestoreOptions()
Choices = Callable[..., list[Any]]


class Controls:
    """Widgets by their names; the dock lays them out and listens to them."""

    def make_image(self, images: Choices, others: Choices, axes: Choices) -> None:
        """Make what says which image is restored, and which of its planes."""
        self.image = ComboBox(
            label="Image",
            choices=images,
            nullable=False,
            tooltip="The layer to restore. Until you choose here, it is the one selected.",
        )
        self.others = Select(
            label="With",
            choices=others,
            allow_multiple=True,
            visible=False,
            tooltip="Layers that are further channels of the same image: chosen here, they are "
            "restored with it, and tell of one another.",
        )
        self.others.native.setMaximumHeight(60)
        self.axes = ComboBox(
            label="Axes",
            choices=axes,
            tooltip="What the dimensions are: t, z: planes, restored one by one; c: channels. "
            "Guessed from the layer's axis labels, where it has any.",
        )
        self.planes = ComboBox(
            label="Planes",
            choices=["all", "current", "range"],
            tooltip="Which planes of a stack: all, the one that is shown, or from one to another.",
        )
        self.first = SpinBox(label="from", max=0, tooltip="First plane that is restored.")
        self.last = SpinBox(label="to", max=0, tooltip="Last plane that is restored.")
        self.span = Container(
            widgets=[self.first, self.last], layout="horizontal", label="", visible=False
        )
        self.span.margins = (0, 0, 0, 0)

    def make_hole(self, holes: Choices) -> None:
        """Make what says which pixels are filled."""
        self.hole = ComboBox(
            label="Hole",
            choices=holes,
            tooltip="What is to be filled: Labels that are not 0, Shapes, Points as discs, or an "
            "Image where it is bright. It may lie anywhere on the image, turned or scaled.",
        )
        self.hole_file = FileEdit(
            label="or a file",
            nullable=True,
            value=None,
            tooltip="A mask on the disk: a picture, TIFF or OME-Zarr. What is not black is filled.",
        )
        self.above = FloatSpinBox(
            label="Brighter than",
            min=-1e12,
            max=1e12,
            visible=False,
            tooltip="Pixels of the Hole image above this value are filled.",
        )
        self.grow = SpinBox(
            label="Grow by",
            value=int(DEFAULTS.grow),
            max=100,
            tooltip="Pixels, on all sides: marks rarely cover the soft rim of a defect.",
        )
        self.fill_planes = CheckBox(
            label="Fill missing planes",
            tooltip="Planes that the hole covers wholly are made from the nearest that are known.",
        )

    def make_method(self) -> None:
        """Make what says how they are filled."""
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
        self.grain = ComboBox(
            label="Grain",
            choices=["none", "match"],
            tooltip="match: what is filled gets the grain of what is around it, for looking; "
            "for measuring, none is nearer to the truth.",
        )
        for box, told in ((self.backbone, _BACKBONES), (self.colour, _COLOURS)):
            for number, name in enumerate(box.choices):
                tip = told.get(str(name))
                box.native.setItemData(number, tip, Qt.ItemDataRole.ToolTipRole)

    def make_channels(self, hints: Choices) -> None:
        """Make what says how channels are filled, where, and where the result goes."""
        self.hints = ComboBox(
            label="Colour hints",
            choices=hints,
            nullable=True,
            tooltip="Colours you set in the hole of an RGB image: Points in their face colour, "
            "lines and paths of Shapes in their edge colour.",
        )
        self.new_hints = PushButton(text="New layer", tooltip="Add a Points layer for hints.")
        self.pick = PushButton(
            text="Pick colour",
            tooltip="The next click on the image sets the colour of the hints drawn after it.",
        )
        self.device = ComboBox(
            label="Device",
            choices=list(DEVICES),
            tooltip="Where networks run; auto takes a GPU when there is one. classical needs none.",
        )
        self.channels = ComboBox(
            label="Channels",
            choices=list(CHANNELS),
            tooltip="auto: RGB together, else the principal channel first; each: one by one.",
        )
        self.out = FileEdit(
            label="Save to",
            mode=FileDialogMode.OPTIONAL_FILE,
            nullable=True,
            value=None,
            filter="*.zarr",
            tooltip="An OME-Zarr folder to write. Empty: the result stays in memory; lazy and "
            "large images need a place on the disk.",
        )

    def make_buttons(self) -> None:
        """Make what is pressed, and what tells of the run."""
        self.run = PushButton(text="Run", tooltip="Restore; the source layer is not changed.")
        self.cancel = PushButton(text="Cancel", enabled=False, tooltip="Stop after this window.")
        self.preview = PushButton(
            text="Preview", tooltip="Restore what is seen, at the resolution that is shown."
        )
        self.live = CheckBox(text="live", tooltip="Preview anew whenever the view is moved.")
        self.swap = PushButton(
            text="Before / after",
            enabled=False,
            tooltip="Show the image without its last result, and with it again (Alt-B).",
        )
        self.blink = CheckBox(text="blink", enabled=False, tooltip="The same, twice a second.")
        self.command = PushButton(
            text="Copy command", tooltip="The same run for a terminal, into the clipboard."
        )
        self.script = PushButton(
            text="Python", tooltip="The same run as Python, into the clipboard."
        )
        self.estimate = PushButton(
            text="Estimate",
            tooltip="Say how many pixels and windows there are to fill, how long it will take, "
            "and how much memory.",
        )
        self.defaults = PushButton(
            text="Defaults", tooltip="Set all options back to what they were at first."
        )
        self.progress = ProgressBar(min=0, max=1, value=0, label="")
        self.status = Label(value="", label="")
