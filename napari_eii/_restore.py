"""The Restore dock."""

# No `from __future__ import annotations` here: napari gives the viewer by its annotation.
from dataclasses import replace
from pathlib import Path
from typing import Any

import eii
import napari
from eii.errors import EIIError
from magicgui.widgets import ComboBox
from napari.layers import Image, Labels, Layer, Points, Shapes

from napari_eii._axes import axes_choices, whole_axes
from napari_eii._compare import Swap
from napari_eii._controls import Controls
from napari_eii._describe import Chosen, channels_beside, describe
from napari_eii._dock import RESULT, Dock, images_of, is_beside, picked_by_hand, row, to_clipboard
from napari_eii._grid import shape_of
from napari_eii._hints import Eyedropper, new_layer
from napari_eii._layers import add
from napari_eii._live import Live
from napari_eii._run import Done, LayerData, Run, beside_of, execute, foretell, restored_of
from napari_eii._words import as_command, as_python

_KEPT = (
    *("planes", "grow", "fill_planes", "backbone", "colour", "grain"),
    *("channels", "device", "live"),
)
_STOPPED = "The restoration was stopped; no layer was added."
_MARKS = Labels | Shapes | Points


class RestoreWidget(Controls, Dock):
    """Fill the holes that a layer marks; the result is a new layer beside its source.

    Parameters
    ----------
    viewer : napari.Viewer
    """

    def __init__(self, viewer: napari.Viewer) -> None:
        self._viewer = viewer
        self._job = None
        self._hinting: Layer | None = None  # the layer of colour hints
        self._own_image = self._own_hole = False  # chosen by hand
        self.make_image(self._images, self._others, self._axes)
        self.make_hole(self._holes)
        self.make_method()
        self.make_channels(self._marks_for_hints)
        self.make_buttons()
        super().__init__(
            viewer,
            [
                *(self.image, self.others, self.axes, self.planes, self.span),
                *(self.hole, self.hole_file, self.above, self.grow, self.fill_planes),
                *(self.backbone, self.colour, self.grain, self.hints),
                *(row(self.new_hints, self.pick), self.channels, self.device, self.out),
            ],
            [
                *(row(self.preview, self.live), row(self.run, self.cancel)),
                *(row(self.swap, self.blink), row(self.command, self.script)),
                row(self.estimate, self.defaults),
            ],
        )
        self._kept = self.keep("restore", _KEPT)
        self._swap = Swap(viewer, self.swap, self.blink)
        self._live = Live(viewer, self)
        self._eyedropper = Eyedropper(viewer)
        self._bind()
        self.listen()

    def _bind(self) -> None:
        self.run.changed.connect(self.start)
        self.cancel.changed.connect(self.stop)
        self.estimate.changed.connect(self.foretell)
        self.command.changed.connect(lambda: self._copy(as_command))
        self.script.changed.connect(lambda: self._copy(as_python))
        self.new_hints.changed.connect(self._add_hints)
        self.pick.changed.connect(self._pick)
        self.defaults.changed.connect(self._kept.defaults)
        self.image.changed.connect(self._take_image)
        self.hole.changed.connect(lambda: self.hints.reset_choices())
        self.hints.changed.connect(self._take_hints)
        for chosen in (self.hole, self.hole_file, self.axes, self.planes, self.others):
            chosen.changed.connect(self.review)
        picked_by_hand(self.image, lambda: setattr(self, "_own_image", True))
        picked_by_hand(self.hole, lambda: setattr(self, "_own_hole", True))

    def leave(self) -> None:
        """Cancel, and listen to the viewer no more: the dock is gone."""
        self._swap.leave()
        self._live.leave()
        self._eyedropper.leave()
        super().leave()

    def refresh(self, event: Any = None) -> None:
        """Offer the layers there are; marks that are new are taken rather than an image."""
        self.reset_choices()
        new = getattr(event, "value", None)
        marks = isinstance(new, _MARKS) and new in self.hole.choices
        if marks and isinstance(self.hole.value, Image):
            self.hole.value = new
        self._take_image()

    def follow(self, layer: Layer) -> None:
        """Take the layer that was selected, where the user has not chosen another."""
        if layer is self.hints.value:
            return
        if isinstance(layer, Image) and not self._own_image:
            if layer in self.image.choices and layer is not self.hole.value:
                self.image.value = layer
        elif isinstance(layer, _MARKS) and not self._own_hole and layer in self.hole.choices:
            self.hole.value = layer

    def _images(self, _: ComboBox | None = None) -> list[Image]:
        return images_of(self._viewer)

    def _others(self, _: Any = None) -> list[Image]:
        image = self.image.value
        return [] if image is None else channels_beside(image, images_of(self._viewer))

    def _axes(self, _: Any = None) -> list[str]:
        try:
            return [] if self.image.value is None else list(axes_choices(self.image.value))
        except EIIError:
            return []  # said by `why_not`

    def _holes(self, _: ComboBox | None = None) -> list[Layer]:
        kinds = _MARKS | Image
        own = (self.image.value, self._hinting)
        found = [
            layer
            for layer in self._viewer.layers
            if isinstance(layer, kinds) and layer not in own and not is_beside(layer)
        ]
        # Images last: they are rarely meant.
        return sorted(found, key=lambda layer: isinstance(layer, Image))

    def _marks_for_hints(self, _: Any = None) -> list[Layer]:
        marks = [y for y in self._viewer.layers if isinstance(y, Points | Shapes)]
        return [y for y in marks if y is not self.hole.value]

    def _add_hints(self) -> None:
        marks = self.hole.value
        layer = new_layer(self._viewer)
        self.hole.value = marks
        self.hints.reset_choices()
        self.hints.value = layer

    def _take_hints(self, layer: Layer | None) -> None:
        """What gives hints marks no hole."""
        self._hinting = layer
        self.hole.reset_choices()
        self.review()

    def _pick(self) -> None:
        image, hints = self.image.value, self.hints.value
        if image is None or hints is None or not image.rgb:
            self.status.value = "Choose an RGB image, and a layer for the hints, first."
            return
        self._eyedropper.arm(image, hints)
        self.status.value = "Click on the image where the colour is."

    def _take_image(self) -> None:
        """Offer what the chosen image has: further channels, meanings of its axes, holes."""
        self.others.reset_choices()
        before = self.axes.choices
        self.axes.reset_choices()
        if self.axes.choices != before and self.axes.choices:
            self.axes.value = self.axes.choices[0]
        if self.hole.value is self.image.value:
            self.hole.reset_choices()
        self.review()

    def review(self) -> None:
        """Show what of the controls has a meaning, and why Run is not to be pressed."""
        self.above.visible = isinstance(self.hole.value, Image) and self.hole_file.value is None
        self.others.visible = bool(self.others.choices)
        self.axes.visible = len(self.axes.choices) > 1
        along = [(i, a) for i, a in enumerate(self.axes.value or "") if a in "tz"]
        self.planes.visible = bool(along)
        self.span.visible = bool(along) and self.planes.value == "range"
        if along and self.image.value is not None:
            count = shape_of(self.image.value)[along[-1][0]]
            at_end = self.last.value == self.last.max
            for end in (self.first, self.last):
                end.value = min(end.value, count - 1)
                end.max = count - 1
            self.last.value = count - 1 if at_end else self.last.value
        self._live.watch([self.hole.value, self.hints.value])
        if self._job is not None:
            return
        reason = self.why_not()
        self.run.enabled = self.preview.enabled = reason is None
        self.status.value = reason or ""

    def why_not(self) -> str | None:
        """Return why there is nothing to run; None when there is."""
        image = self.image.value
        if image is None:
            return "Open an image, or one of File > Open Sample > napari-eii."
        if self.hole.value is None and self.hole_file.value is None:
            return "Mark the hole: a Labels, Shapes or Points layer, or a mask as an Image layer."
        try:
            axes_choices(image)
            whole_axes(self.axes.value, rgb=image.rgb, layers=1 + len(self.others.value))
        except EIIError as error:
            return str(error)
        return None

    def restore_options(self) -> eii.RestoreOptions:
        """Return what the controls say."""
        return eii.RestoreOptions(
            backbone=self.backbone.value,
            colour=self.colour.value,
            device=self.device.value,
            channels=self.channels.value,
            grow=self.grow.value,
            fill_planes=self.fill_planes.value,
            grain=self.grain.value,
        )

    def chosen(self) -> Chosen:
        """Return what the user chose."""
        out, file = self.out.value, self.hole_file.value
        return Chosen(
            image=self.image.value,
            others=tuple(self.others.value),
            axes=self.axes.value,
            hole=self.hole.value if file is None else Path(str(file)),
            hints=self.hints.value,
            above=self.above.value,
            planes=self.planes.value,
            span=(self.first.value, self.last.value),
            options=self.restore_options(),
            out=None if out is None else _with_suffix(Path(str(out))),
        )

    def start(self) -> None:
        """Restore the chosen image in a thread; an error is shown in the dock."""
        if self._job is not None:
            return
        self._live.stop()
        reason = self.why_not()
        if reason is not None:
            self.status.value = reason
            return
        try:
            described = describe(self.chosen(), self._viewer)
        except EIIError as error:
            self.status.value = str(error)
            return
        self.begin(
            lambda on_progress, stop: execute(described, on_progress, stop),
            lambda done: self._add_result(described, done),
            _STOPPED if described.out is None else f"{_STOPPED} Run goes on from there.",
        )

    def foretell(self) -> None:
        """Say in the dock what a run will take."""
        if self._job is not None or self.why_not() is not None:
            return
        chosen = self.chosen()
        try:
            # What it will take does not follow from where it is written.
            described = describe(replace(chosen, out=chosen.out or Path("x.zarr")), self._viewer)
        except EIIError as error:
            self.status.value = str(error)
            return
        self.begin(
            lambda _, stop: foretell(described, stop),
            lambda found: setattr(self.status, "value", f"To fill: {found}."),
            "",
        )

    def _add_result(self, described: Run, done: Done) -> None:
        self._live.remove()
        for layer in beside_of(described, done):
            self._add(layer, beside=True)
        self._swap.show([self._add(layer, beside=False) for layer in restored_of(described, done)])
        planes = f" of {done.planes} planes" if done.planes > 1 else ""
        windows = f"{done.windows} window{'' if done.windows == 1 else 's'}"
        self.status.value = (
            f"Done: {done.filled} pixels{planes} filled in {windows}, {done.seconds:.1f} s."
        )

    def _add(self, layer: LayerData, *, beside: bool) -> Layer:
        data, attributes, kind = layer
        metadata = {**attributes.get("metadata", {}), RESULT: beside}
        return add(self._viewer, data, {**attributes, "metadata": metadata}, kind)

    def _copy(self, words: Any) -> None:
        if self.why_not() is None:
            to_clipboard(words(self.chosen()))
            self.status.value = "Copied. Layers that are not saved are named IMAGE and HOLE there."


def _with_suffix(path: Path) -> Path:
    return path if path.suffix else path.with_suffix(".zarr")
