"""The Restore dock."""

# No `from __future__ import annotations` here: napari gives the viewer by its annotation.
from typing import Any

import eii
import napari
import numpy as np
from eii.errors import Cancelled
from eii.options import BACKBONES, CHANNELS, COLOURS
from magicgui.widgets import ComboBox, Container, Label, ProgressBar, PushButton, SpinBox
from napari.layers import Image, Labels, Points, Shapes
from napari.utils.notifications import show_error, show_info
from numpy.typing import NDArray

from napari_eii._layers import axes_of, full_data, hole_of, result_attributes
from napari_eii._worker import Job

DEFAULTS = eii.RestoreOptions()


class RestoreWidget(Container):
    """Fill the holes that a layer marks; the result is a new layer beside its source.

    Parameters
    ----------
    viewer : napari.Viewer
    """

    def __init__(self, viewer: napari.Viewer) -> None:
        self._viewer = viewer
        self._job: Job | None = None
        self._make_inputs()
        self._make_controls()
        super().__init__(
            widgets=[
                self.image,
                self.hole,
                self.extra,
                self.planes,
                self.grow,
                self.backbone,
                self.colour,
                self.channels,
                Container(widgets=[self.run, self.cancel], layout="horizontal", labels=False),
                self.progress,
            ]
        )
        self.append(self.status)  # adding one afterwards makes all labels as wide as the widest
        self._bind()

    def _make_inputs(self) -> None:
        self.image = ComboBox(
            label="Image", choices=self._images, nullable=False, tooltip="The layer to restore."
        )
        self.hole = ComboBox(
            label="Hole",
            choices=self._holes,
            tooltip="Labels (not 0), Shapes (inside) or Points (discs): what is to be filled.",
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
            label="Grow by", value=DEFAULTS.grow, max=100, tooltip="Pixels, on all sides."
        )

    def _make_controls(self) -> None:
        self.backbone = ComboBox(
            label="Structure", choices=list(BACKBONES), tooltip="What completes the gray image."
        )
        self.colour = ComboBox(
            label="Colour", choices=list(COLOURS), tooltip="What propagates the colours."
        )
        self.channels = ComboBox(
            label="Channels",
            choices=list(CHANNELS),
            tooltip="auto: RGB together, else the principal channel first; each: one by one.",
        )
        self.run = PushButton(text="Run", tooltip="Restore; the source layer is not changed.")
        self.cancel = PushButton(text="Cancel", enabled=False, tooltip="Stop after this window.")
        self.progress = ProgressBar(min=0, max=1, value=0, label="")
        self.status = Label(value="", label="")

    def _bind(self) -> None:
        self.run.changed.connect(self.start)
        self.cancel.changed.connect(self.stop)
        for event in (self._viewer.layers.events.inserted, self._viewer.layers.events.removed):
            event.connect(self._refresh)
        self.native.destroyed.connect(self.stop)

    def _refresh(self) -> None:
        self.reset_choices()

    def _images(self, _: ComboBox | None = None) -> list[Image]:
        return [layer for layer in self._viewer.layers if isinstance(layer, Image)]

    def _holes(self, _: ComboBox | None = None) -> list[Labels | Shapes | Points]:
        return [y for y in self._viewer.layers if isinstance(y, Labels | Shapes | Points)]

    def options(self) -> eii.RestoreOptions:
        """Return what the controls say."""
        return eii.RestoreOptions(
            backbone=self.backbone.value,
            colour=self.colour.value,
            channels=self.channels.value,
            grow=self.grow.value,
        )

    def start(self) -> None:
        """Restore the chosen image in a thread; an error becomes a notification."""
        if self._job is not None:
            return
        image, hole_layer = self.image.value, self.hole.value
        if image is None or hole_layer is None:
            show_error("Choose an image, and a Labels, Shapes or Points layer that marks its hole.")
            return
        try:
            axes = axes_of(image, self.extra.value)
            hole = self._planes_of(hole_of(hole_layer, image), image, axes)
            options = self.options()
        except eii.errors.EIIError as error:
            show_error(str(error))
            return
        data = full_data(image)
        self._launch(data, hole, axes=axes, options=options, attributes=result_attributes(image))

    def _planes_of(self, hole: NDArray[np.bool_], image: Image, axes: str) -> NDArray[np.bool_]:
        """Return the hole on the planes that are to be restored, empty on the others."""
        stacked = [i for i, a in enumerate(axes) if a in "tz"]
        if self.planes.value == "all" or not stacked:
            return hole
        shape = tuple(n for n, a in zip(full_data(image).shape, axes, strict=True) if a in "tzyx")
        here = tuple(int(self._viewer.dims.current_step[i]) for i in stacked)
        one = np.zeros(shape, bool)
        one[here] = hole[here] if hole.ndim == len(shape) else hole
        return one

    def _launch(
        self,
        data: Any,
        hole: NDArray[np.bool_],
        *,
        axes: str,
        options: eii.RestoreOptions,
        attributes: dict[str, Any],
    ) -> None:
        def work(on_progress: Any, should_stop: Any) -> tuple[Any, dict[str, Any]]:
            restored = eii.restore(
                np.asarray(data),
                hole,
                axes=axes,
                options=options,
                on_progress=on_progress,
                should_stop=should_stop,
            )
            return restored, attributes

        self._job = Job()
        self._job.progressed.connect(self._show_progress)
        self._job.done.connect(self._add_result)
        self._job.failed.connect(self._show_failure)
        self._set_running(True)
        self._job.start(work)

    def stop(self) -> None:
        """Ask the running restoration to stop; nothing is added then."""
        if self._job is not None:
            self._job.cancel()

    def _set_running(self, running: bool) -> None:
        self.run.enabled = not running
        self.cancel.enabled = running
        self.status.value = "Restoring" if running else ""
        if running:
            self.progress.value = 0
        else:
            self._job = None

    def _show_progress(self, done: int, total: int, left: float) -> None:
        self.progress.max = total
        self.progress.value = done
        self.status.value = f"Window {done} of {total}, {left:.0f} s left"

    def _add_result(self, result: tuple[Any, dict[str, Any]]) -> None:
        restored, attributes = result
        self._set_running(False)
        self._viewer.add_image(restored, **attributes)
        self.status.value = "Done"

    def _show_failure(self, error: Exception) -> None:
        self._set_running(False)
        if isinstance(error, Cancelled):
            show_info("The restoration was stopped; no layer was added.")
            return
        show_error(str(error) or type(error).__name__)
