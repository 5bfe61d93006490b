"""The Find defects dock."""

# No `from __future__ import annotations` here: napari gives the viewer by its annotation.
from typing import Any

import eii
import napari
import numpy as np
from eii.errors import EIIError
from eii.options import BROADEST
from magicgui.types import FileDialogMode
from magicgui.widgets import (
    ComboBox,
    FloatSlider,
    Label,
    ProgressBar,
    PushButton,
    Select,
    SpinBox,
)
from napari.layers import Image, Layer

from napari_eii._axes import axes_choices, whole_axes
from napari_eii._dock import Dock, images_of, path_edit, picked_by_hand, row
from napari_eii._grid import full_data
from napari_eii._layers import add, place_of
from napari_eii._marks import VEILS

_KEPT = ("kinds", "sensitivity", "grow", "widest")
_STOPPED = "The search was stopped; no layer was added."
_ANY = 0  # of a size: no bound
_FILE = FileDialogMode.OPTIONAL_FILE
_AUTO = -1  # of the growth, and of the infrared channel


class FindWidget(Dock):
    """Find the defects of an image; they become a Labels layer, the hole of Restore.

    Parameters
    ----------
    viewer : napari.Viewer
    """

    def __init__(self, viewer: napari.Viewer) -> None:
        self._viewer = viewer
        self._job = None
        self._own_image = False
        self._make_choices()
        self._make_bounds()
        self._make_buttons()
        super().__init__(
            viewer,
            [
                *(self.image, self.axes, self.kinds, self.sensitivity, self.grow),
                *(self.widest, self.least, self.most),
                *(self.infrared, self.ir_channel, self.reference),
            ],
            [row(self.run, self.cancel)],
        )
        self._kept = self.keep("find", _KEPT)
        self.run.changed.connect(self.start)
        self.cancel.changed.connect(self.stop)
        self.image.changed.connect(self._take_image)
        for chosen in (self.kinds, self.axes):
            chosen.changed.connect(self.review)
        picked_by_hand(self.image, lambda: setattr(self, "_own_image", True))
        self.listen()

    def _make_choices(self) -> None:
        self.image = ComboBox(
            label="Image", choices=self._images, tooltip="Where defects are looked for."
        )
        self.axes = ComboBox(
            label="Axes", choices=self._axes, tooltip="What the dimensions of the image mean."
        )
        self.kinds = Select(
            label="Defects",
            choices=list(eii.KINDS),
            value=["scratches", "dust"],
            tooltip="One or more kinds; each has its own label. Where several meet, the first "
            "counts. Those of ink and folds need RGB.",
        )
        self.sensitivity = FloatSlider(
            label="Sensitivity",
            value=eii.DetectOptions.sensitivity,
            min=0,
            max=1,
            step=0.05,
            tooltip="0: sure ones alone; 1: whatever may be a defect.",
        )

    def _make_bounds(self) -> None:
        self.grow = SpinBox(
            label="Grow by",
            value=_AUTO,
            min=_AUTO,
            max=64,
            tooltip="Pixels on all sides; -1: as the kind needs, for its soft rim.",
        )
        self.widest = SpinBox(
            label="Widest",
            max=BROADEST,
            tooltip="Pixels of the widest scratches, where some are wide, as in fine scans; "
            "0: not known.",
        )
        self.least = SpinBox(
            label="Smallest", max=10**9, tooltip="Pixels of a connected part, at the least."
        )
        self.most = SpinBox(
            label="Largest", max=10**9, tooltip="Pixels of a connected part; 0: any size."
        )
        self.infrared = path_edit(
            "Infrared file", "For infrared: a file of the scan's size.", _FILE
        )
        self.ir_channel = SpinBox(
            label="Infrared channel",
            value=_AUTO,
            min=_AUTO,
            max=99,
            tooltip="For infrared: from 0; -1: the fourth.",
        )
        self.reference = path_edit(
            "Reference",
            "For difference: an earlier picture; none: the planes before and after.",
            _FILE,
        )

    def _make_buttons(self) -> None:
        self.run = PushButton(text="Find", tooltip="Adds a Labels layer; the image stays.")
        self.cancel = PushButton(text="Cancel", enabled=False, tooltip="Stop after this block.")
        self.progress = ProgressBar(min=0, max=1, value=0)
        self.status = Label(value="")

    def follow(self, layer: Layer) -> None:
        """Take the image that was selected, where the user has not chosen another."""
        chosen = isinstance(layer, Image) and not self._own_image
        if chosen and layer in self.image.choices:
            self.image.value = layer

    def _images(self, _: Any = None) -> list[Image]:
        return images_of(self._viewer)

    def _axes(self, _: Any = None) -> list[str]:
        try:
            return [] if self.image.value is None else list(axes_choices(self.image.value))
        except EIIError:
            return []  # said by `why_not`

    def refresh(self, event: Any = None) -> None:
        """Offer the layers there are."""
        self.reset_choices()
        self._take_image()

    def _take_image(self) -> None:
        before = self.axes.choices
        self.axes.reset_choices()
        if self.axes.choices != before and self.axes.choices:
            self.axes.value = self.axes.choices[0]
        self.review()

    def review(self) -> None:
        """Show what of the controls has a meaning, and why Find is not to be pressed."""
        kinds = self.kinds.value
        self.axes.visible = len(self.axes.choices) > 1
        self.infrared.visible = self.ir_channel.visible = "infrared" in kinds
        self.reference.visible = "difference" in kinds
        self.widest.visible = bool({"scratches", "dust"} & set(kinds))
        if self._job is None:
            reason = self.why_not()
            self.run.enabled, self.status.value = reason is None, reason or ""

    def why_not(self) -> str | None:
        """Return why there is nothing to look for; None when there is."""
        if self.image.value is None:
            return "Open an image, or one of File > Open Sample > napari-eii."
        if not self.kinds.value:
            return "Choose a kind of defect, or several."
        try:
            axes_choices(self.image.value)
        except EIIError as error:
            return str(error)
        return None

    def detect_options(self) -> eii.DetectOptions:
        """Return what the controls say."""
        return eii.DetectOptions(
            kinds=tuple(self.kinds.value),
            sensitivity=self.sensitivity.value,
            grow=None if self.grow.value == _AUTO else self.grow.value,
            min_size=self.least.value or None,
            max_size=self.most.value or None,
            max_width=self.widest.value or None,
            ir_channel=None if self.ir_channel.value == _AUTO else self.ir_channel.value,
            ir=_text(self.infrared.value),
            reference=_text(self.reference.value),
        )

    def start(self) -> None:
        """Look for the defects in a thread; an error is shown in the dock."""
        if self._job is not None or self.why_not() is not None:
            return
        image = self.image.value
        axes = whole_axes(self.axes.value, rgb=image.rgb)
        try:
            options = self.detect_options()
        except EIIError as error:
            self.status.value = str(error)
            return
        data = full_data(image)
        data = data.copy() if isinstance(data, np.ndarray) else data
        name, place = image.name, place_of(image)
        plain = axes.removesuffix("c") if image.rgb else axes

        def work(on_progress: Any, should_stop: Any) -> Any:
            found = eii.detect(
                data,
                options=options,
                axes=axes,
                device="auto",
                on_progress=on_progress,
                should_stop=should_stop,
            )
            return found, found.share()

        self.begin(work, lambda done: self._add(done, plain, name, place), _STOPPED)

    def _add(self, done: Any, axes: str, name: str, place: dict[str, Any]) -> None:
        labels, share = done
        named = ", ".join(f"{kind} {label}" for label, kind in sorted(labels.names.items()))
        if not share:
            self.status.value = f"Nothing was found ({named})."
            return
        data = _laid(labels, axes, self.image.value)
        veils = {VEILS: labels.veils} if labels.veils else {}
        told = {"name": f"{name} defects", "opacity": 0.6, "metadata": veils}
        add(self._viewer, data, {**told, **place}, "labels")
        self.status.value = f"{share:.2%} of {name} is marked. Labels: {named}."


def _text(path: Any) -> str | None:
    return None if path is None else str(path)


def _laid(labels: eii.DefectLabels, axes: str, image: Any) -> Any:
    """Return labels with the dimensions of the image's layer; lazily where the image is lazy."""
    import dask.array as da

    if image is None or isinstance(full_data(image), np.ndarray):
        whole: Any = np.asarray(labels)
    else:
        chunks = (1,) * (labels.ndim - 2) + (1024, 1024)
        whole = da.from_array(labels, chunks=chunks, asarray=False, name="defects")
    stored = [a for a in "tczyx" if a in axes]
    if "c" in axes and "c" not in labels.axes:
        at = stored.index("c")
        count = 1 if image is None else full_data(image).shape[axes.index("c")]
        spread = da if not isinstance(whole, np.ndarray) else np
        whole = spread.repeat(whole[(slice(None),) * at + (None,)], count, axis=at)
    return whole.transpose([stored.index(a) for a in axes])
