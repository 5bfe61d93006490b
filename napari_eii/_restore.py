"""The Restore dock."""

# No `from __future__ import annotations` here: napari gives the viewer by its annotation.
import math
from pathlib import Path
from typing import Any

import eii
import napari
import numpy as np
from eii.errors import Cancelled, EIIError
from eii.io.source import Facts
from eii.io.units import ngff_size
from magicgui.widgets import ComboBox, Container
from napari.layers import Image, Labels, Layer, Points, Shapes

from napari_eii._controls import Controls
from napari_eii._grid import full_data, plane_of
from napari_eii._layers import axes_of, is_large, looks_of, place_of
from napari_eii._marks import marked
from napari_eii._run import Done, Run, execute, layers_of
from napari_eii._worker import Job

_STAGES = {"prepare": "Looking for the hole", "restore": "Window", "store": "Writing"}
_RESULT = "eii"  # key of a layer's metadata by which results are known


class RestoreWidget(Controls, Container):
    """Fill the holes that a layer marks; the result is a new layer beside its source.

    Parameters
    ----------
    viewer : napari.Viewer
    """

    def __init__(self, viewer: napari.Viewer) -> None:
        self._viewer = viewer
        self._job: Job | None = None
        self._last: Run | None = None
        self._gone = False
        self.make_inputs(self._images, self._holes)
        self.make_controls()
        buttons = Container(widgets=[self.run, self.cancel], layout="horizontal", labels=False)
        super().__init__(
            widgets=[
                *(self.image, self.extra, self.planes, self.hole, self.above, self.grow),
                *(self.fill_planes, self.backbone, self.colour, self.channels, self.out),
                *(buttons, self.progress),
            ]
        )
        self.append(self.status)  # adding one afterwards makes all labels as wide as the widest
        self.status.native.setWordWrap(True)
        self._bind()
        self._refresh()

    def _bind(self) -> None:
        self.run.changed.connect(self.start)
        self.cancel.changed.connect(self.stop)
        for chosen in (self.image, self.hole, self.extra):
            chosen.changed.connect(self._review)
        events = self._viewer.layers.events
        for event in (events.inserted, events.removed, events.reordered):
            event.connect(self._refresh)
        self.native.destroyed.connect(self._leave)

    def _leave(self) -> None:
        """Cancel, and listen to the viewer no more: the dock is gone."""
        self.stop()
        self._gone = True
        events = self._viewer.layers.events
        for event in (events.inserted, events.removed, events.reordered):
            event.disconnect(self._refresh)

    def _refresh(self, event: Any = None) -> None:
        """Offer the layers there are; marks that are new are taken rather than an image."""
        self.reset_choices()
        new = getattr(event, "value", None)
        if isinstance(new, Labels | Shapes | Points) and isinstance(self.hole.value, Image):
            self.hole.value = new
        self._review()

    def _images(self, _: ComboBox | None = None) -> list[Image]:
        return [y for y in self._viewer.layers if isinstance(y, Image) and not _is_beside(y)]

    def _holes(self, _: ComboBox | None = None) -> list[Layer]:
        kinds = Labels | Shapes | Points | Image
        own = self.image.value
        found = [
            layer
            for layer in self._viewer.layers
            if isinstance(layer, kinds) and layer is not own and not _is_beside(layer)
        ]
        # Images last: they are rarely meant.
        return sorted(found, key=lambda layer: isinstance(layer, Image))

    def _review(self) -> None:
        """Show what of the controls has a meaning, and why Run is not to be pressed."""
        if self.hole.value is self.image.value:
            self.hole.reset_choices()
        self.above.visible = isinstance(self.hole.value, Image)
        if self._job is not None:
            return
        reason = self.why_not()
        self.run.enabled = reason is None
        self.status.value = reason or ""

    def why_not(self) -> str | None:
        """Return why there is nothing to run; None when there is."""
        image, hole = self.image.value, self.hole.value
        if image is None:
            return "Open an image, or one of File > Open Sample > napari-eii."
        if hole is None:
            return "Mark the hole: a Labels, Shapes or Points layer, or a mask as an Image layer."
        try:
            axes_of(image, self.extra.value)
        except EIIError as error:
            return str(error)
        return None

    def options(self) -> eii.RestoreOptions:
        """Return what the controls say."""
        return eii.RestoreOptions(
            backbone=self.backbone.value,
            colour=self.colour.value,
            channels=self.channels.value,
            grow=self.grow.value,
            fill_planes=self.fill_planes.value,
        )

    def describe(self) -> Run:
        """Return the run that the controls describe, from copies of the layers as they are now.

        Raises
        ------
        EIIError
            If a layer cannot be laid on the image, or an option has no meaning.
        """
        image, hole = self.image.value, self.hole.value
        axes, out = axes_of(image, self.extra.value), self.out.value
        own = axes.removesuffix("c") if image.rgb else axes
        point = np.asarray(self._viewer.dims.point, np.float64)
        only = {}
        if self.planes.value == "current" and image.ndim > 2:
            here = plane_of(image, point, image.ndim - 2)
            only = {a: i for a, i in zip(own, here, strict=False) if a in "tz"}
        if out is None and is_large(image):
            raise eii.errors.OptionError(
                f"{image.name} is read lazily, or large: choose in *Save to* where to write it."
            )
        data = full_data(image)
        return Run(
            name=image.name,
            hole_name=hole.name,
            data=data.copy() if isinstance(data, np.ndarray) else data,
            axes=axes,
            rgb=image.rgb,
            hole=marked(hole, image, point, axes=own, above=self.above.value, only=only),
            options=self.options(),
            out=None if out is None else _with_suffix(Path(out)),
            levels=len(image.data) if image.multiscale else 1,
            place=place_of(image),
            looks=looks_of(image),
            facts=_facts(image, own),
        )

    def start(self) -> None:
        """Restore the chosen image in a thread; an error is shown in the dock."""
        if self._job is not None:
            return
        reason = self.why_not()
        if reason is not None:
            self.status.value = reason
            return
        try:
            described = self.describe()
        except EIIError as error:
            self.status.value = str(error)
            return
        self._last = described
        self._job = Job()
        self._job.progressed.connect(self._show_progress)
        self._job.done.connect(self._add_result)
        self._job.failed.connect(self._show_failure)
        self._set_running(True)
        self._job.start(lambda on_progress, stop: execute(described, on_progress, stop))

    def stop(self) -> None:
        """Ask the running restoration to stop; nothing is added then."""
        if self._job is not None:
            self._job.cancel()

    def _set_running(self, running: bool) -> None:
        self.run.enabled = not running
        self.cancel.enabled = running
        self.progress.value = 0
        self.status.value = "Looking for the hole" if running else ""
        if not running:
            self._job = None

    def _show_progress(self, stage: str, done: int, total: int, left: float) -> None:
        if self._gone:
            return  # a report that was on its way when the dock was closed
        self.progress.max = max(1, total)
        self.progress.value = done
        text = f"{_STAGES.get(stage, stage)} {done} of {total}"
        self.status.value = text if math.isnan(left) else f"{text}, {left:.0f} s left"

    def _add_result(self, done: Done) -> None:
        described = self._last
        if self._gone or described is None:
            return
        self._set_running(False)
        for data, attributes, kind in layers_of(described, done):
            beside = kind == "labels" or attributes["name"].endswith("confidence")
            attributes["metadata"] = {**attributes.get("metadata", {}), _RESULT: beside}
            getattr(self._viewer, f"add_{kind}")(data, **attributes)
        self.status.value = (
            f"Done: {done.filled} pixels filled in {done.windows} windows, {done.seconds:.1f} s."
        )

    def _show_failure(self, error: Exception) -> None:
        if self._gone:
            return
        self._set_running(False)
        if isinstance(error, Cancelled):
            self.status.value = "The restoration was stopped; no layer was added."
        else:
            self.status.value = str(error) or type(error).__name__


def _is_beside(layer: Layer) -> bool:
    """Tell whether a layer tells of a result, and is no image of its own."""
    return bool(layer.metadata.get(_RESULT))


def _with_suffix(path: Path) -> Path:
    return path if path.suffix else path.with_suffix(".zarr")


def _facts(image: Image, axes: str) -> Facts:
    """Return pixel sizes and units of a layer, where it has any."""
    scale: dict[str, float] = {}
    units: dict[str, str] = {}
    parts: Any = zip(axes, image.scale, image.units, strict=True)
    for axis, size, unit in parts:
        scale[axis], name = ngff_size(float(size), str(unit))
        if name is not None:
            units[axis] = name
    moved = dict(zip(axes, map(float, image.translate), strict=True))
    return Facts(scale=scale, translation=moved, units=units)
