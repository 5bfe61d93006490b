"""A real viewer for every test, and a wait for the thread that restores."""

import numpy as np
import pytest
from qtpy.QtCore import QSettings

from napari_eii._restore import RestoreWidget


@pytest.fixture(autouse=True)
def own_settings(tmp_path):
    """Settings of a test are its own."""
    user = QSettings.Scope.UserScope
    QSettings.setPath(QSettings.Format.IniFormat, user, str(tmp_path / "settings"))


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


@pytest.fixture
def dock(viewer):
    widget = RestoreWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Restore")
    return widget


@pytest.fixture
def restored(viewer, dock, qtbot):
    """Press Run, wait until the restoration ends, and return the layer it added."""

    def press():
        before = len(viewer.layers)
        dock.run.changed.emit(True)
        qtbot.waitUntil(lambda: dock.run.enabled, timeout=20_000)
        assert len(viewer.layers) == before + 3, dock.status.value
        return viewer.layers[-1]

    return press


def gray(shape=(64, 80), dtype=np.uint8):
    y, x = np.indices(shape[-2:])
    return np.broadcast_to(((y + x) * 1.2).astype(dtype), shape).copy()


def square(shape=(64, 80)):
    hole = np.zeros(shape, np.uint8)
    hole[..., 20:30, 30:44] = 1
    return hole
