"""The Find defects dock in a real napari."""

import dask.array as da
import eii
import numpy as np
import pytest
from conftest import gray
from eii.evaluation.defects import add_thin_dirt
from skimage import data

from napari_eii._find import FindWidget

pytestmark = pytest.mark.gui


@pytest.fixture
def finder(viewer):
    widget = FindWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Find defects")
    return widget


@pytest.fixture
def find(viewer, finder, qtbot):
    """Press Find, and wait until it ends."""

    def press(*kinds):
        finder.kinds.value = list(kinds)
        finder.run.changed.emit(True)
        qtbot.waitUntil(lambda: finder.run.enabled, timeout=20_000)
        return viewer.layers[-1]

    return press


def dotted(shape=(64, 80)):
    image = gray(shape)
    image[..., 20, 30], image[..., 40:44, 50:54] = 255, 255
    return image


def test_every_kind_is_offered(finder):
    assert tuple(finder.kinds.choices) == eii.KINDS


def test_the_widest_is_of_scratches_and_dust_alone(finder):
    assert finder.detect_options().max_width is None
    finder.widest.value = 32
    assert finder.detect_options().max_width == 32
    finder.kinds.value = ["dust"]
    assert finder.widest.native.isVisibleTo(finder.native)
    finder.kinds.value = ["hot-pixels"]
    assert not finder.widest.native.isVisibleTo(finder.native)


def test_what_is_found_becomes_labels_that_lie_on_the_image(viewer, find):
    viewer.add_image(dotted(), scale=(0.5, 0.25), translate=(3, 4), name="scan")
    layer = find("hot-pixels", "saturated")
    assert layer.name == "scan defects"
    assert np.allclose(layer.scale, (0.5, 0.25))
    assert np.allclose(layer.translate, (3, 4))
    assert layer.data[20, 30] == 1
    assert (layer.data[40:44, 50:54] == 3).all()
    assert np.array_equal(viewer.layers["scan"].data, dotted())


def test_restore_takes_what_was_found(viewer, dock, find, restored):
    viewer.add_image(dotted())
    layer = find("saturated")
    assert dock.hole.value is layer
    result = restored()
    assert np.array_equal(result.data[layer.data == 0], dotted()[layer.data == 0])
    assert result.data[41, 51] < 255


def test_thin_dirt_that_infrared_tells_is_divided_out_not_filled(
    viewer, dock, finder, find, restored
):
    clean = (data.astronaut()[:240, :256] / 255).astype(np.float32)
    dirty, _ = add_thin_dirt(clean, np.random.default_rng(4))
    image = np.rint(dirty * 65535).astype(np.uint16)
    viewer.add_image(np.moveaxis(image, 2, 0), name="scan")
    finder.axes.value, finder.ir_channel.value = "cyx", 3
    layer = find("infrared")
    dock.axes.value, dock.backbone.value = "cyx", "classical"
    result = np.moveaxis(restored().data, 0, 2)[..., :3]
    hole = np.asarray(layer.data)[0] > 0
    truth = 65535 * np.clip(clean, 0.03, 1)

    def off(pixels):
        return np.sqrt(np.square(pixels[hole] - truth[hole]).mean())

    fast = eii.RestoreOptions("classical")
    plain = eii.restore(image[..., :3].copy(), hole, axes="yxc", options=fast)
    assert off(result) < 0.6 * off(plain)
    assert np.array_equal(result[~hole], image[..., :3][~hole])


def test_on_rgb_and_on_a_lazy_stack(viewer, finder, find):
    viewer.add_image(np.stack([dotted()] * 3, axis=-1), rgb=True)
    assert find("saturated").data.shape == (64, 80)
    viewer.add_image(da.from_array(dotted((4, 64, 80)), chunks=(1, 64, 80)))
    finder.image.value = viewer.layers[-1]
    layer = find("hot-pixels")
    assert layer.data.shape == (4, 64, 80)
    assert (np.asarray(layer.data)[:, 20, 30] == 1).all()


def test_what_fits_no_kind_is_said(viewer, finder, find):
    viewer.add_image(dotted())
    find("stamps")
    assert "needs red, green and blue" in finder.status.value
    assert len(viewer.layers) == 1
    find("missing")
    assert "Nothing was found" in finder.status.value
    finder.kinds.value = []
    assert "Choose a kind" in finder.status.value
    assert not finder.run.enabled


def test_controls_that_have_a_meaning_are_shown(viewer, finder):
    viewer.add_image(dotted())
    finder.kinds.value = ["difference"]
    assert not finder.reference.native.isHidden()
    assert finder.infrared.native.isHidden()
    finder.kinds.value = ["infrared"]
    assert not finder.ir_channel.native.isHidden()
    finder.least.value, finder.most.value = 9, 3
    finder.start()
    assert "sizes in order" in finder.status.value


def test_a_search_is_cancelled(viewer, finder, qtbot):
    viewer.add_image(gray((40, 64, 80)))
    finder.kinds.value = ["dead-lines"]
    finder.start()
    finder.stop()
    qtbot.waitUntil(lambda: finder.run.enabled, timeout=20_000)
    assert "stopped" in finder.status.value
    assert len(viewer.layers) == 1
