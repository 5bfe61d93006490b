"""Close the viewer, or quit, while a restoration runs; run by test_closing.py on its own."""

import sys

import napari
import numpy as np
from qtpy.QtCore import QTimer

from napari_eii._restore import RestoreWidget


def main(how: str) -> None:
    viewer = napari.Viewer()
    dock = RestoreWidget(viewer)
    viewer.window.add_dock_widget(dock, name="Restore")
    image = np.random.default_rng(0).integers(0, 255, (2048, 2048), np.uint8)
    viewer.add_image(image)
    viewer.add_labels((image > 249).astype(np.uint8))
    dock.backbone.value = "classical"
    if how == "live":
        dock.live.value = True
    else:
        dock.run.changed.emit(True)
    QTimer.singleShot(700, viewer.close)
    napari.run()
    print("closed")


if __name__ == "__main__":
    main(sys.argv[1])
