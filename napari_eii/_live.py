"""A look at the result before it is made: what is seen, restored whenever the view is moved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Protocol

import napari
from eii.errors import Cancelled, EIIError
from napari.layers import Layer
from qtpy.QtCore import QTimer

from napari_eii._describe import Chosen, describe
from napari_eii._dock import RESULT
from napari_eii._layers import add
from napari_eii._run import Done, Run, execute, restored_of
from napari_eii._view import visible
from napari_eii._worker import Job

_DRAWN = ("data", "paint", "labels_update")  # events of layers in which something is drawn
_REST = 300  # milliseconds that the view must rest before it is restored


class Owner(Protocol):
    """The dock that a preview belongs to."""

    preview: Any
    live: Any
    status: Any

    def why_not(self) -> str | None: ...
    def chosen(self) -> Chosen: ...


class Live:
    """The preview layer of a dock.

    Parameters
    ----------
    viewer : napari.Viewer
    owner : Owner
    """

    def __init__(self, viewer: napari.Viewer, owner: Owner) -> None:
        self._viewer, self._owner = viewer, owner
        self._job: Job | None = None
        self._again = False
        self._layers: list[Layer] = []
        self._watched: list[Any] = []
        self._moves = 0
        owner.preview.changed.connect(self.start)
        owner.live.changed.connect(self._moved)
        for event in self._events():
            event.connect(self._moved)

    def watch(self, layers: Iterable[Layer | None]) -> None:
        """Restore anew whenever something is drawn in these layers, and in no others."""
        self._unwatch()
        for layer in layers:
            events = getattr(layer, "events", None)
            self._watched += [getattr(events, n) for n in _DRAWN if hasattr(events, n)]
        for event in self._watched:
            event.connect(self._moved)

    def _unwatch(self) -> None:
        for event in self._watched:
            event.disconnect(self._moved)
        self._watched = []

    @property
    def running(self) -> bool:
        """Tell whether a preview is being made."""
        return self._job is not None

    def _events(self) -> tuple[Any, ...]:
        viewer = self._viewer
        # napari moved it in 0.9.
        camera = getattr(viewer, "scene", viewer).camera.events
        return camera.center, camera.zoom, self._viewer.dims.events.current_step

    def _moved(self, event: Any = None) -> None:
        self._moves += 1
        if self._owner.live.value:
            moves = self._moves
            QTimer.singleShot(_REST, lambda: self.start() if moves == self._moves else None)

    def start(self) -> None:
        """Restore what is seen; of several requests while one is at work the last counts."""
        reason = self._owner.why_not()
        if reason is not None:
            return
        if self._job is not None:
            self._again = True
            self._job.cancel()
            return
        chosen = self._owner.chosen()
        try:
            view = visible(self._viewer, chosen.image, chosen.axes)
            described = describe(chosen, self._viewer, view)
            plain = replace(described.options, standard_error=False)
            described = replace(described, options=plain)
        except EIIError as error:
            self._owner.status.value = str(error)
            return
        job = self._job = Job()
        job.done.connect(lambda done: self._end(job, described, done))
        job.failed.connect(lambda error: self._end(job, described, error))
        job.start(lambda on_progress, stop: execute(described, on_progress, stop))

    def _end(self, job: Job, described: Run, outcome: Done | Exception) -> None:
        if self._job is not job:
            return  # of a view that is past, or a dock that is gone
        self._job = None
        if self._again:
            self._again = False
            self.start()
        elif isinstance(outcome, Done):
            self._show(described, outcome)
        elif not isinstance(outcome, Cancelled):
            self._owner.status.value = f"Preview: {outcome or type(outcome).__name__}"

    def _show(self, described: Run, done: Done) -> None:
        self.remove()
        for data, attributes, kind in restored_of(described, done):
            name = attributes["name"].removesuffix(" restored")
            metadata = {RESULT: True}
            shown = {**attributes, "name": f"{name} preview", "metadata": metadata}
            active = self._viewer.layers.selection.active
            self._layers.append(add(self._viewer, data, shown, kind))
            self._viewer.layers.selection.active = active
        seconds = f"{done.seconds:.1f} s"
        self._owner.status.value = f"Preview: {done.filled} pixels filled in {seconds}."

    def stop(self) -> None:
        """Make no preview any more that is under way."""
        self._moves += 1
        self._again = False
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def remove(self) -> None:
        """Take the preview out of the viewer."""
        for layer in self._layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._layers = []

    def leave(self) -> None:
        """Stop, and listen to the viewer no more."""
        self.stop()
        self._unwatch()
        for event in self._events():
            event.disconnect(self._moved)
