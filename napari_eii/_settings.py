"""What the user chose last, kept by name between sessions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from qtpy.QtCore import QSettings

_OWNER = "napari-eii"


class Kept:
    """The values of some controls of a dock, kept by their names.

    Parameters
    ----------
    dock : str
        Name of the dock.
    owner : object
        Has the controls as attributes, which are magicgui's.
    names : iterable of str
    """

    def __init__(self, dock: str, owner: object, names: Iterable[str]) -> None:
        self._controls: dict[str, Any] = {name: getattr(owner, name) for name in names}
        self._first = {name: control.value for name, control in self._controls.items()}
        self._settings = QSettings(
            QSettings.Format.IniFormat, QSettings.Scope.UserScope, _OWNER, dock
        )

    @property
    def controls(self) -> list[Any]:
        """Return the controls."""
        return list(self._controls.values())

    def load(self) -> None:
        """Set the controls to what was kept; what has no meaning any more is left out."""
        for name in self._controls:
            kept = self._settings.value(name)
            if kept is not None:
                self._set(name, json.loads(str(kept)))

    def save(self) -> None:
        """Keep what the controls say."""
        for name, control in self._controls.items():
            self._settings.setValue(name, json.dumps(control.value))
        self._settings.sync()

    def defaults(self) -> None:
        """Set the controls to what they were when the dock was made."""
        for name, value in self._first.items():
            self._set(name, value)

    def _set(self, name: str, value: Any) -> None:
        control = self._controls[name]
        choices = getattr(control, "choices", None)
        if choices is not None and value not in choices:
            return
        low, high = getattr(control, "min", value), getattr(control, "max", value)
        if choices is None and not isinstance(value, bool) and not low <= value <= high:
            return
        control.value = value
