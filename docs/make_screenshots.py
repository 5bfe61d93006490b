"""Take the pictures of the documentation from a real napari, under a virtual screen."""

from __future__ import annotations

import tempfile
from importlib.resources import files
from pathlib import Path

import napari
from PIL import Image
from qtpy.QtCore import QSettings
from qtpy.QtWidgets import QApplication

from napari_eii._batch import BatchWidget
from napari_eii._find import FindWidget
from napari_eii._restore import RestoreWidget

PICTURES = Path(__file__).parent / "pictures"
COLOURS = 96  # of the palette: keeps a screenshot under 300 kB


def shoot_restore_dock() -> None:
    """Open the sample, restore it, and take the whole window."""
    QSettings.setPath(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, tempfile.mkdtemp()
    )  # the options at first, not the user's
    viewer = napari.Viewer()
    viewer.window.resize(1280, 800)
    viewer.open_sample("napari-eii", "photograph")
    dock = RestoreWidget(viewer)
    viewer.window.add_dock_widget(dock, name="Restore", area="right")
    viewer.reset_view()
    dock.start()
    while not dock.run.enabled:
        QApplication.processEvents()
    viewer.layers["photograph hole"].visible = False
    viewer.layers["photograph"].visible = True
    viewer.canvas.grid.enabled = True
    viewer.canvas.grid.stride = 1
    viewer.reset_view()
    QApplication.processEvents()
    picture = viewer.screenshot(canvas_only=False, flash=False)
    reduced = Image.fromarray(picture).convert("RGB").quantize(COLOURS)
    reduced.save(PICTURES / "restore_dock.png", optimize=True)
    viewer.close()


def shoot_find_dock() -> None:
    """Find the sample's scratches and dust, and take the whole window."""
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, tempfile.mkdtemp())
    viewer = napari.Viewer()
    viewer.window.resize(1280, 800)
    viewer.open_sample("napari-eii", "photograph")
    del viewer.layers["photograph hole"]
    dock = FindWidget(viewer)
    viewer.window.add_dock_widget(dock, name="Find defects", area="right")
    dock.start()
    while not dock.run.enabled:
        QApplication.processEvents()
    viewer.reset_view()
    QApplication.processEvents()
    picture = viewer.screenshot(canvas_only=False, flash=False)
    reduced = Image.fromarray(picture).convert("RGB").quantize(COLOURS)
    reduced.save(PICTURES / "find_dock.png", optimize=True)
    viewer.close()


def shoot_batch_dock() -> None:
    """Restore a folder of three images, one of them broken, and take the dock."""
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, tempfile.mkdtemp())
    viewer = napari.Viewer()
    dock = BatchWidget(viewer)
    viewer.window.add_dock_widget(dock, name="Batch", area="right")
    with tempfile.TemporaryDirectory(prefix="scans_") as name:
        folder, data = Path(name), files("eii.data")
        for number in range(2):
            for kind in ("", "_hole"):
                raw = (data / f"photograph{kind}.png").read_bytes()
                (folder / f"scan{number}{kind.replace('hole', 'mask')}.png").write_bytes(raw)
        (folder / "scan2.png").write_bytes(b"cut off")
        (folder / "scan2_mask.png").write_bytes(b"")
        dock.pattern.value, dock.folder.value, dock.out.value = "*.png", folder, folder / "restored"
        dock.start()
        while not dock.run.enabled:
            QApplication.processEvents()
        dock.native.resize(340, 420)
        QApplication.processEvents()
        dock.native.grab().save(str(PICTURES / "batch_dock.png"))
    viewer.close()


if __name__ == "__main__":
    shoot_restore_dock()
    shoot_find_dock()
    shoot_batch_dock()
