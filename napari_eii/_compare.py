"""Before and after: the last result switched off and on."""

from __future__ import annotations

from collections.abc import Iterable

import napari
from magicgui.widgets import CheckBox, PushButton
from napari.layers import Layer
from qtpy.QtCore import QTimer

_BLINK = 500  # milliseconds
_KEY = "Alt-B"


class Swap:
    """Switches the layers of a result off and on, by button, key or clock.

    Parameters
    ----------
    viewer : napari.Viewer
    button : PushButton
    blink : CheckBox
    """

    def __init__(self, viewer: napari.Viewer, button: PushButton, blink: CheckBox) -> None:
        self._viewer, self._button, self._blink = viewer, button, blink
        self._layers: list[Layer] = []
        button.changed.connect(self.swap)
        blink.changed.connect(self._set_blinking)
        viewer.bind_key(_KEY, lambda _: self.swap(), overwrite=True)

    def show(self, layers: Iterable[Layer]) -> None:
        """Take the layers of a new result."""
        self._layers = list(layers)
        self._button.enabled = self._blink.enabled = True

    def swap(self) -> None:
        """Hide the result that is shown; show the one that is hidden."""
        there = [layer for layer in self._layers if layer in self._viewer.layers]
        if not there:
            self.stop()
            return
        shown = any(layer.visible for layer in there)
        for layer in there:
            layer.visible = not shown

    def _set_blinking(self, on: bool) -> None:
        if on:
            QTimer.singleShot(_BLINK, self._tick)
        else:
            for layer in self._layers:
                layer.visible = True

    def _tick(self) -> None:
        if self._layers and self._blink.value:
            self.swap()
            QTimer.singleShot(_BLINK, self._tick)

    def stop(self) -> None:
        """Blink no more: the result, or the dock, is gone."""
        self._layers = []
        self._button.enabled = self._blink.enabled = False
        self._blink.value = False

    def leave(self) -> None:
        """Let go of the layers and the key."""
        self._layers = []
        self._viewer.bind_key(_KEY, None, overwrite=True)
