"""What every dock does: follow the layers, keep its settings, run one thing, say what is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import napari
from magicgui.types import FileDialogMode
from magicgui.widgets import Container, FileEdit, Label, PushButton, Widget
from napari.layers import Image, Layer
from qtpy.QtWidgets import QApplication, QComboBox, QLineEdit, QPushButton, QSizePolicy

from napari_eii._settings import Kept
from napari_eii._worker import Job, Work

RESULT = "eii"
"""Key of a layer's metadata by which results are known; its value: it is no image of its own."""

_WIDTH = 280  # of a dock at least, in pixels
_SHORT = 6  # letters of a combo box that are always seen

_STAGES = {
    "prepare": "Looking for the hole",
    "calibrate": "Measuring errors, window",
    "restore": "Window",
    "store": "Writing",
    "detect": "Looking",
    "images": "Image",
}


def is_beside(layer: Layer) -> bool:
    """Tell whether a layer tells of a result, and is no image of its own."""
    return bool(layer.metadata.get(RESULT))


class Dock(Container[Widget]):
    """A dock that scrolls, listens to the viewer, and runs one job at a time.

    Parameters
    ----------
    viewer : napari.Viewer
    form, below : iterable of Widget
        From top to bottom: with labels, and what is below without; ``run``, ``cancel``,
        ``progress`` and ``status`` are controls of the subclass.
    """

    run: PushButton
    cancel: PushButton
    progress: Any
    status: Label

    def __init__(
        self, viewer: napari.Viewer, form: Iterable[Widget], below: Iterable[Widget]
    ) -> None:
        self._viewer = viewer
        self._job: Job | None = None
        self._gone = False
        *first, last = form
        upper = Container(widgets=first)
        upper.append(last)  # adding one afterwards makes all labels as wide as the widest
        upper.margins = (0, 0, 0, 0)
        widgets = [upper, *below, self.progress, self.status]
        super().__init__(widgets=widgets, labels=False, scrollable=True)
        self.status.native.setWordWrap(True)
        self.native.widget().layout().addStretch()
        self._narrow()
        self.native.destroyed.connect(self.leave)

    @property
    def native(self) -> Any:
        """Return the scroll area: napari would take what lies in it out of it."""
        return self.root_native_widget

    def _narrow(self) -> None:
        """Let rows shrink to the dock's width; without this the longest name sets it."""
        inner = self.native.widget()
        for box in inner.findChildren(QComboBox):
            policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            box.setSizeAdjustPolicy(policy)
            box.setMinimumContentsLength(_SHORT)
        for field in inner.findChildren(QLineEdit):
            field.setMinimumWidth(0)
        bar = self.native.verticalScrollBar().sizeHint().width()
        self.native.setMinimumWidth(max(_WIDTH, inner.minimumSizeHint().width() + bar))

    def listen(self) -> None:
        """Follow the viewer's layers from now on."""
        for event in self._events():
            event.connect(self.refresh)
        self._viewer.layers.selection.events.active.connect(self._follow)
        self.refresh()
        self._follow()

    def _events(self) -> tuple[Any, ...]:
        events = self._viewer.layers.events
        return events.inserted, events.removed, events.reordered

    def leave(self) -> None:
        """Cancel, and listen to the viewer no more: the dock is gone."""
        self._gone = True
        if self._job is not None:
            self._job.cancel()
        for event in self._events():
            event.disconnect(self.refresh)
        self._viewer.layers.selection.events.active.disconnect(self._follow)

    def refresh(self, event: Any = None) -> None:
        """Offer the layers there are."""
        self.reset_choices()
        self.review()

    def _follow(self, event: Any = None) -> None:
        active = self._viewer.layers.selection.active
        # A result is selected when it is added: it is not what is restored next.
        if active is not None and RESULT not in active.metadata and self._job is None:
            self.follow(active)

    def follow(self, layer: Layer) -> None:
        """Take the layer that was selected, where the user has not chosen another."""
        raise NotImplementedError

    def review(self) -> None:
        """Show what of the controls has a meaning, and why Run is not to be pressed."""
        raise NotImplementedError

    def keep(self, name: str, controls: Iterable[str]) -> Kept:
        """Load the values of controls, and keep them whenever one is changed."""
        kept = Kept(name, self, controls)
        kept.load()
        for control in kept.controls:
            control.changed.connect(kept.save)
        return kept

    def begin(self, work: Work, finished: Callable[[Any], None], stopped: str) -> None:
        """Do a piece of work in a thread.

        Parameters
        ----------
        work : callable
        finished : callable
            Takes what ``work`` returned, in napari's thread.
        stopped : str
            What is said when it was cancelled.
        """
        job = self._job = Job()
        job.progressed.connect(self._show_progress)
        job.done.connect(lambda result: self._end(job, lambda: finished(result)))
        job.failed.connect(lambda error: self._end(job, lambda: self._tell(error, stopped)))
        self.run.enabled, self.cancel.enabled = False, True
        self.progress.value = 0
        self.status.value = _STAGES["prepare"]
        job.start(work)

    def stop(self) -> None:
        """Ask what runs to stop; nothing is added then."""
        if self._job is not None:
            self._job.cancel()
            self.cancel.enabled = False
            self.status.value = "Stopping"

    def _end(self, job: Job, then: Callable[[], None]) -> None:
        if self._gone or self._job is not job:
            return
        self._job = None
        self.run.enabled, self.cancel.enabled = True, False
        self.progress.value = 0
        then()

    def _tell(self, error: Exception, stopped: str) -> None:
        from eii.errors import Cancelled

        cancelled = isinstance(error, Cancelled)
        self.status.value = stopped if cancelled else str(error) or type(error).__name__

    def _show_progress(self, stage: str, done: int, total: int, left: float) -> None:
        if self._gone or self._job is None or self._job.cancelled:
            return  # a report that was on its way when the dock was closed, or told to stop
        self.progress.max = max(1, total)
        self.progress.value = done
        text = f"{_STAGES.get(stage, stage)} {done} of {total}"
        self.status.value = text if math.isnan(left) else f"{text}, {left:.0f} s left"


def picked_by_hand(control: Any, then: Callable[[], None]) -> None:
    """Call when the user, and not the dock, chooses in a combo box."""
    control.native.activated.connect(lambda _: then())


def images_of(viewer: napari.Viewer) -> list[Image]:
    """Return the layers that may be restored: images that are not beside a result."""
    return [y for y in viewer.layers if isinstance(y, Image) and not is_beside(y)]


def to_clipboard(text: str) -> None:
    """Put text into the clipboard."""
    clipboard = QApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(text)


def path_edit(label: str, tooltip: str, mode: FileDialogMode) -> FileEdit:
    """Return a field for a path that may be empty, as it is at first."""
    return FileEdit(label=label, mode=mode, nullable=True, value=None, tooltip=tooltip)


def row(*widgets: Widget) -> Container[Widget]:
    """Return widgets side by side, as far to the sides as the rows above and below."""
    found = Container(widgets=list(widgets), layout="horizontal", labels=False)
    found.margins = (0, 0, 0, 0)
    for button in found.native.findChildren(QPushButton):
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return found
