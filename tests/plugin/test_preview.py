"""A look at what is seen before the whole is restored."""

import dask.array as da
import eii
import numpy as np
import pytest
from conftest import gray, square

pytestmark = pytest.mark.gui


@pytest.fixture
def previewed(viewer, dock, qtbot):
    """Press Preview, wait, and return the layer it added."""

    def press():
        dock.preview.changed.emit(True)
        qtbot.waitUntil(lambda: not dock._live.running, timeout=20_000)
        assert dock.status.value.endswith(" s."), dock.status.value
        return viewer.layers[-1]

    return press


def see(layer, y0, x0, y1, x1):
    layer.corner_pixels = np.array([[*(0,) * (layer.ndim - 2), y0, x0]] * 2)
    layer.corner_pixels[1, -2:] = y1 - 1, x1 - 1


@pytest.mark.parametrize(
    "place", [{}, {"scale": (0.5, 2), "translate": (3, 4)}, {"rotate": 30, "shear": [0.2]}]
)
def test_it_lies_on_what_it_shows_and_is_what_the_run_makes(viewer, dock, previewed, place):
    image = np.where(square((600, 700)) > 0, 255, gray((600, 700))).astype(np.uint8)
    layer = viewer.add_image(image, **place)
    viewer.add_labels(square((600, 700)), **place)
    see(layer, 10, 12, 90, 110)
    made = previewed()
    at = layer.world_to_data(made.data_to_world((0, 0)))
    assert np.allclose(at, 0)  # what is around is looked at as well, and cut at the image's edge
    assert made.data.shape == (154, 174)
    whole = eii.restore(image, square((600, 700)))
    part = whole[:154, :174]
    known = square((600, 700))[:154, :174] == 0
    assert np.array_equal(made.data[known], part[known])
    assert np.abs(made.data.astype(int) - part).max() <= 3


def test_only_the_plane_that_is_shown_and_all_of_its_channels(viewer, dock, previewed):
    image = np.stack([gray((2, 300, 300), np.uint16) * k for k in (1, 4, 9)])  # z, c, y, x
    viewer.add_image(image, axis_labels=("z", "c", "y", "x"))
    viewer.add_labels(square((300, 300)))
    assert dock.axes.value == "zcyx"
    viewer.dims.set_current_step(0, 2)
    see(viewer.layers[0], 0, 0, 300, 300)
    made = previewed()
    assert made.data.shape == (1, 2, 300, 300)
    assert made.data_to_world((0, 0, 0, 0))[0] == 2
    assert np.array_equal(
        made.data[0][:, square((300, 300)) == 0], image[2][:, square((300,) * 2) == 0]
    )


def test_of_a_lazy_pyramid_the_level_that_is_shown(viewer, dock, previewed):
    asked = []

    def block(block_info=None):
        asked.append(block_info[None]["array-location"])
        return np.full(block_info[None]["chunk-shape"], 90, np.uint8)

    levels = [
        da.map_blocks(block, chunks=((512,) * (n // 512),) * 2, meta=np.empty((0, 0), np.uint8))
        for n in (16384, 8192, 4096, 2048)
    ]
    layer = viewer.add_image(levels, contrast_limits=(0, 255))
    viewer.add_shapes([[[100, 100], [15000, 16000]]], shape_type="line", edge_width=40)
    layer._data_level = 2
    see(layer, 500, 500, 900, 900)
    asked.clear()
    made = previewed()
    assert made.data.shape == (528, 528)
    assert (np.asarray(made.data) == 90).all()
    assert np.allclose(layer.world_to_data(made.data_to_world((0, 0))), 4 * 436)
    assert len(asked) <= 16


def test_it_is_replaced_and_taken_away_by_the_run(viewer, dock, previewed, qtbot):
    viewer.add_image(gray())
    viewer.add_labels(square())
    previewed()
    previewed()
    assert [y.name for y in viewer.layers].count("Image preview") == 1
    assert all(y.name != "Image preview" for y in dock.image.choices)
    dock.run.changed.emit(True)
    qtbot.waitUntil(lambda: dock.run.enabled, timeout=20_000)
    assert "Image preview" not in viewer.layers


def test_live_restores_whenever_the_view_moves(viewer, dock, qtbot):
    viewer.add_image(gray())
    viewer.add_labels(square())
    dock.live.value = True
    qtbot.waitUntil(lambda: dock.status.value.startswith("Preview"), timeout=10_000)
    first = viewer.layers["Image preview"]
    viewer.scene.camera.zoom *= 1.1
    qtbot.waitUntil(lambda: first not in viewer.layers, timeout=10_000)
    qtbot.waitUntil(lambda: "Image preview" in viewer.layers, timeout=10_000)


@pytest.mark.parametrize("kind", ["labels", "points"])
def test_live_restores_when_something_is_drawn(viewer, dock, qtbot, kind):
    viewer.add_image(gray())
    if kind == "labels":
        marks = viewer.add_labels(square())
    else:
        marks = viewer.add_points([[20, 20]], size=5)
    dock.live.value = True
    qtbot.waitUntil(lambda: dock.status.value.startswith("Preview"), timeout=10_000)
    first = viewer.layers["Image preview"]
    if kind == "labels":
        marks.paint((50, 50), 1)
    else:
        marks.add([[40, 40]])
    qtbot.waitUntil(lambda: first not in viewer.layers, timeout=10_000)
    qtbot.waitUntil(lambda: "Image preview" in viewer.layers, timeout=10_000)


@pytest.mark.parametrize("what", ["3-D", "too large"])
def test_what_cannot_be_previewed_is_said(viewer, dock, what):
    viewer.add_image(da.zeros((2, 9000, 9000), dtype=np.uint8), contrast_limits=(0, 1))
    viewer.add_labels(square())
    see(viewer.layers[0], 0, 0, 9000, 9000)
    if what == "3-D":
        viewer.layers.pop()
        viewer.layers.pop()
        viewer.add_image(gray((3, 64, 80)))
        viewer.add_labels(square())
        viewer.dims.ndisplay = 3
    dock.preview.changed.emit(True)
    assert ("flat view" if what == "3-D" else "Zoom in") in dock.status.value
