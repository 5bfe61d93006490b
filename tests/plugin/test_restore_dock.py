"""The Restore dock in a real napari."""

import shutil
import threading

import dask.array as da
import eii
import numpy as np
import pytest
from conftest import gray, square

from napari_eii._run import execute

pytestmark = pytest.mark.gui


def known_equal(result, source, hole):
    return np.array_equal(result[..., hole == 0], source[..., hole == 0])


def test_run_on_gray_adds_a_layer_that_keeps_place_and_looks(viewer, restored):
    image, hole = gray(), square()
    layer = viewer.add_image(
        image, scale=(0.5, 0.25), translate=(3, 4), colormap="magma", contrast_limits=(5, 90)
    )
    viewer.add_labels(hole, scale=(0.5, 0.25), translate=(3, 4))
    result = restored()
    assert known_equal(result.data, image, hole)
    assert np.array_equal(result.data, eii.restore(image, hole))
    assert np.allclose(result.scale, layer.scale)
    assert np.allclose(result.translate, layer.translate)
    assert result.colormap.name == "magma"
    assert tuple(result.contrast_limits) == (5, 90)
    assert np.array_equal(layer.data, gray())


def test_run_on_rgb(viewer, restored):
    image = np.stack([gray(), gray() // 2, 200 - gray()], axis=-1).astype(np.uint8)
    viewer.add_image(image, rgb=True)
    viewer.add_labels(square())
    result = restored()
    assert result.rgb
    assert np.array_equal(result.data[square() == 0], image[square() == 0])


def test_run_on_channels(viewer, dock, restored):
    image = np.stack([gray(dtype=np.uint16) * k for k in (1, 5, 9)])
    viewer.add_image(image)
    viewer.add_labels(square())
    dock.axes.value = "cyx"
    assert known_equal(restored().data, image, square())


@pytest.mark.parametrize("planes", ["all", "current"])
def test_run_on_a_stack_restores_the_planes_asked_for(viewer, dock, restored, planes):
    image = gray((3, 64, 80))
    image[:, square() > 0] = 255
    viewer.add_image(image)
    viewer.add_labels(square())
    dock.planes.value = planes
    viewer.dims.set_current_step(0, 1)
    result = restored().data
    changed = (result != image).any(axis=(1, 2))
    assert changed.tolist() == ([True] * 3 if planes == "all" else [False, True, False])


def test_run_on_a_multiscale_layer_restores_full_resolution(viewer, restored):
    image = gray((128, 160))
    hole = square((128, 160))
    viewer.add_image([image, image[::2, ::2]], multiscale=True)
    viewer.add_labels(hole)
    result = restored()
    assert known_equal(result.data[0], image, hole)
    assert [level.shape for level in result.data] == [(128, 160), (64, 80)]


def test_shapes_mark_the_hole_on_a_scaled_image(viewer, restored):
    image = gray()
    image[20:30, 30:44] = 255
    viewer.add_image(image, scale=(2, 2))
    viewer.add_shapes([[[39, 59], [39, 87], [59, 87], [59, 59]]], shape_type="rectangle")
    changed = np.argwhere(restored().data != image)
    assert changed.min(axis=0).tolist() == [20, 30]
    assert changed.max(axis=0).tolist() == [29, 43]


def test_points_mark_discs(viewer, restored):
    image = gray()
    image[25, 33] = 255
    viewer.add_image(image)
    viewer.add_points([[25, 33]], size=5)
    assert restored().data[25, 33] < 120


def test_result_binds_to_the_layer_chosen_at_the_start(viewer, dock, qtbot, held):
    first = viewer.add_image(gray(), name="first")
    viewer.add_labels(square())
    dock.run.changed.emit(True)
    held.began.wait(10)
    viewer.add_image(np.zeros((9, 9)), name="other")
    first.name = "renamed"
    viewer.layers.remove(first)
    held.go.set()
    qtbot.waitUntil(lambda: dock.run.enabled, timeout=20_000)
    assert viewer.layers[-1].name == "first restored"


def test_cancel_adds_no_layer_and_lets_run_again(viewer, dock, qtbot, held):
    viewer.add_image(gray())
    viewer.add_labels(square())
    dock.run.changed.emit(True)
    held.began.wait(10)
    assert dock.cancel.enabled
    assert not dock.run.enabled
    dock.cancel.changed.emit(True)
    held.go.set()
    qtbot.waitUntil(lambda: dock.run.enabled, timeout=20_000)
    assert len(viewer.layers) == 2
    assert "stopped" in dock.status.value


KINDS = {
    "gray": lambda: (gray(), {}),
    "RGB": lambda: (np.stack([gray()] * 3, axis=-1), {"rgb": True}),
    "channels": lambda: (gray((3, 64, 80)), {"axis_labels": ("c", "y", "x")}),
    "stack": lambda: (gray((3, 64, 80)), {}),
    "multiscale": lambda: ([gray((128, 160)), gray((128, 160))[::2, ::2]], {"multiscale": True}),
    "lazy": lambda: (da.from_array(gray((3, 64, 80)), chunks=(1, 32, 32)), {}),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_cancel_and_run_again_on_every_kind_of_layer(viewer, dock, qtbot, held, tmp_path, kind):
    data, how = KINDS[kind]()
    layer = viewer.add_image(data, name="image", **how)
    viewer.add_labels(square((128, 160) if kind == "multiscale" else (64, 80)))
    dock.backbone.value = "classical"
    if kind == "lazy":
        dock.out.value = tmp_path / "out.zarr"
    dock.run.changed.emit(True)
    held.began.wait(10)
    dock.cancel.changed.emit(True)
    assert dock.status.value == "Stopping"
    dock.run.changed.emit(True)  # a second run is not begun
    held.go.set()
    qtbot.waitUntil(lambda: dock.run.enabled, timeout=20_000)
    assert len(viewer.layers) == 2
    dock.run.changed.emit(True)
    qtbot.waitUntil(lambda: dock.run.enabled, timeout=20_000)
    assert dock.status.value.startswith("Done"), dock.status.value
    made = viewer.layers["image restored"]
    assert made.multiscale == layer.multiscale
    assert made.ndim == layer.ndim


def test_closing_the_viewer_stops_the_run(viewer, dock, qtbot, held):
    viewer.add_image(gray())
    viewer.add_labels(square())
    dock.run.changed.emit(True)
    held.began.wait(10)
    viewer.close()
    qtbot.waitUntil(lambda: held.asked_to_stop(), timeout=10_000)
    held.go.set()


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (lambda v: None, "Open an image"),
        (lambda v: v.add_labels(square()), "Open an image"),
        (lambda v: v.add_image(gray()), "Mark the hole"),
        (lambda v: v.add_image(np.zeros((2, 2, 2, 9, 9))), "Mark the hole"),
        (lambda v: (v.add_image(np.zeros((2,) * 6)), v.add_labels(square())), "6 dimensions"),
    ],
)
def test_run_is_off_and_the_dock_says_why(viewer, dock, add, message):
    add(viewer)
    assert message in dock.status.value
    assert not dock.run.enabled
    dock.start()
    assert dock.cancel.enabled is False


@pytest.mark.parametrize(
    ("image", "hole", "message"),
    [
        (gray(), np.zeros((64, 80), np.uint8), "marks no pixel"),
        (gray(), np.ones((64, 80), np.uint8), "covers all"),
        (gray((3, 64, 80)), np.eye(3, dtype=np.uint8)[1][:, None, None] + square() * 0, "covers"),
        (np.where(square() > 0, gray(), np.nan), square(), "not finite"),
    ],
)
def test_what_cannot_be_restored_is_told_in_the_dock(viewer, dock, qtbot, image, hole, message):
    viewer.add_image(image)
    viewer.add_labels(hole)
    dock.run.changed.emit(True)
    qtbot.waitUntil(lambda: dock.run.enabled, timeout=20_000)
    assert message in dock.status.value
    assert len(viewer.layers) == 2


def test_a_refused_run_after_a_good_one_is_told(viewer, dock, restored, qtbot):
    viewer.add_image(gray())
    hole = viewer.add_labels(square())
    restored()
    assert dock.status.value.startswith("Done: 140 pixels filled in 1 window")
    hole.data = np.zeros((64, 80), np.uint8)
    dock.run.changed.emit(True)
    qtbot.waitUntil(lambda: dock.run.enabled, timeout=20_000)
    assert "marks no pixel" in dock.status.value


def test_the_result_says_which_pixels_are_invented_and_how_far_off(viewer, restored):
    viewer.add_image(gray(), units=("um", "um"), scale=(0.5, 0.5), metadata={"kept": 1})
    viewer.add_labels(square(), units=("um", "um"), scale=(0.5, 0.5))
    result = restored()
    errors, marks = viewer.layers[-3:-1]
    assert np.array_equal(marks.data > 0, square() > 0)
    assert errors.name.endswith("standard error")
    assert np.array_equal(errors.data > 0, square() > 0)
    assert not marks.visible
    assert not errors.visible
    for layer in (result, marks, errors):
        assert np.allclose(layer.scale, 0.5)
        assert [str(u) for u in layer.units] == ["micrometer"] * 2
    assert result.metadata["kept"] == 1


def test_a_lazy_image_goes_to_the_disk(viewer, dock, restored, tmp_path):
    image = np.stack([gray((600, 700))] * 2)
    viewer.add_image(da.from_array(image, chunks=(1, 256, 256)), units=("pixel", "um", "um"))
    viewer.add_labels(square((600, 700)))
    dock.start()
    assert "Save to" in dock.status.value
    dock.out.value = tmp_path / "out.zarr"
    result = restored()
    assert [level.shape for level in result.data] == [(2, 600, 700), (2, 300, 350)]
    assert known_equal(np.asarray(result.data[0]), image, square((600, 700)))
    assert eii.verify(image, tmp_path / "out.zarr").difference is None
    assert eii.open_source(tmp_path / "out.zarr").facts.units["x"] == "micrometer"


def test_a_run_to_the_disk_goes_on_where_it_was_stopped(viewer, dock, qtbot, tmp_path):
    image = np.where(square((900, 700)) > 0, 255, gray((900, 700))).astype(np.uint8)
    viewer.add_image(da.from_array(image, chunks=256))
    labels = viewer.add_labels(square((900, 700)))
    dock.out.value = tmp_path / "out"
    work = tmp_path / ".out.zarr.eii-work"

    def stop(text):
        if text.startswith("Writing"):
            dock.cancel.changed.emit(True)

    dock.status.changed.connect(stop)
    dock.run.changed.emit(True)
    qtbot.waitUntil(lambda: dock.run.enabled, timeout=20_000)
    assert "Run goes on from there" in dock.status.value or (tmp_path / "out.zarr").exists()
    if work.exists():
        labels.data = square((900, 700)) * 3  # the same marks
        dock.status.changed.disconnect(stop)
        dock.run.changed.emit(True)
        qtbot.waitUntil(lambda: dock.run.enabled, timeout=20_000)
        assert dock.status.value.startswith("Done"), dock.status.value
        assert not work.exists()
    assert eii.verify(image, tmp_path / "out.zarr").difference is None


@pytest.mark.parametrize("where", ["gone", "full"])
def test_a_place_that_cannot_be_written_is_told(viewer, dock, qtbot, tmp_path, monkeypatch, where):
    viewer.add_image(gray())
    viewer.add_labels(square())
    (tmp_path / "file").write_text("mine")
    dock.out.value = tmp_path / ("file/out.zarr" if where == "gone" else "out.zarr")
    if where == "full":
        usage = shutil._ntuple_diskusage(10**6, 10**6, 10)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    dock.run.changed.emit(True)
    qtbot.waitUntil(lambda: dock.run.enabled, timeout=20_000)
    assert ("cannot be written" if where == "gone" else "GB are free") in dock.status.value
    assert len(viewer.layers) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"] or where == "gone"


def test_an_image_that_is_edited_during_a_run_does_not_mix_into_it(viewer, dock, qtbot, held):
    layer = viewer.add_image(gray())
    viewer.add_labels(square())
    dock.run.changed.emit(True)
    held.began.wait(10)
    layer.data[...] = 7
    held.go.set()
    qtbot.waitUntil(lambda: dock.run.enabled, timeout=20_000)
    assert known_equal(viewer.layers[-1].data, gray(), square())


@pytest.mark.parametrize("sample", ["photograph", "histology", "page", "fluorescence"])
def test_sample_opens_and_restores_with_no_other_step(viewer, dock, restored, sample):
    viewer.open_sample("napari-eii", sample)
    image = viewer.layers[0].data
    hole = viewer.layers[1].data
    result = restored().data
    assert np.array_equal(result[hole == 0], image[hole == 0])
    assert not np.array_equal(result[hole > 0], image[hole > 0])


class Held:
    """A restoration that waits until it is let go, to look at the dock meanwhile."""

    def __init__(self):
        self.began, self.go = threading.Event(), threading.Event()
        self.asked_to_stop = lambda: False

    def restore(self, run, on_progress, should_stop):
        self.asked_to_stop = should_stop
        self.began.set()
        self.go.wait(10)
        return execute(run, on_progress, should_stop)


@pytest.fixture
def held(monkeypatch):

    one = Held()
    monkeypatch.setattr("napari_eii._restore.execute", one.restore)
    yield one
    one.go.set()
