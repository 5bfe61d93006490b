"""The Batch dock in a real napari."""

import csv

import eii
import numpy as np
import pytest
from conftest import gray, square
from PIL import Image

from napari_eii import _batch
from napari_eii._batch import BatchWidget

pytestmark = pytest.mark.gui


@pytest.fixture
def batch(viewer):
    widget = BatchWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Batch")
    widget.pattern.value, widget.backbone.value = "scan?.png", "classical"
    return widget


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "in [1]"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(gray() + np.uint8(number)).save(folder / f"scan{number}.png")
        Image.fromarray(square() * 255).save(folder / f"scan{number}_mask.png")
    return folder


@pytest.fixture
def run(batch, qtbot):
    def press():
        batch.run.changed.emit(True)
        qtbot.waitUntil(lambda: batch._job is None, timeout=30_000)

    return press


def choose(batch, scans, tmp_path):
    batch.folder.value, batch.out.value = scans, tmp_path / "out"


def test_what_is_missing_is_said(batch, scans, tmp_path):
    assert "folder of the images" in batch.status.value
    assert not batch.run.enabled
    batch.folder.value = scans
    assert "for the results" in batch.status.value
    batch.out.value = tmp_path / "out"
    assert batch.run.enabled
    assert batch.status.value == "3 images."
    batch.pattern.value = "*.nothing"
    assert "No image matches" in batch.status.value
    batch.pattern.value = "scan?.png"
    batch.hole_pattern.value = "{what}"
    assert "may name" in batch.status.value


def test_images_are_restored_and_failures_named(batch, scans, tmp_path, run, monkeypatch):
    (scans / "scan9.png").write_bytes(b"no picture")
    choose(batch, scans, tmp_path)
    run()
    assert "3 of 4 images restored" in batch.status.value
    assert "scan9.png" in batch.status.value
    assert eii.verify(scans / "scan1.png", tmp_path / "out" / "scan1.zarr").difference is None
    with (tmp_path / "out" / "results.csv").open() as file:
        assert sorted(r["status"] for r in csv.DictReader(file)) == ["done"] * 3 + ["failed"]
    opened = []
    monkeypatch.setattr(_batch.webbrowser, "open", opened.append)
    assert batch.open.enabled
    batch.open.changed.emit(True)
    assert opened == [(tmp_path / "out" / "report.html").resolve().as_uri()]


def test_what_is_done_is_not_done_again(batch, scans, tmp_path, run):
    choose(batch, scans, tmp_path)
    run()
    before = (tmp_path / "out" / "scan0.zarr" / "zarr.json").stat().st_mtime_ns
    run()
    assert "3 of 3" in batch.status.value
    assert (tmp_path / "out" / "scan0.zarr" / "zarr.json").stat().st_mtime_ns == before


def test_holes_are_found_where_there_are_no_masks(batch, scans, tmp_path, run):
    image = gray()
    image[40:44, 50:54] = 255
    Image.fromarray(image).save(scans / "scan0.png")
    choose(batch, scans, tmp_path)
    batch.holes.value = _batch._FOUND
    assert not batch.hole_pattern.visible
    batch.kinds.value = ["saturated"]
    batch.form.value = "source"
    run()
    restored = np.asarray(Image.open(tmp_path / "out" / "scan0.png"))
    assert restored[41, 51] < 255
    assert np.array_equal(restored[:30], image[:30])


def test_cancel_stops_and_run_goes_on(batch, scans, tmp_path, run, qtbot):
    choose(batch, scans, tmp_path)
    batch.run.changed.emit(True)
    batch.cancel.changed.emit(True)
    qtbot.waitUntil(lambda: batch._job is None, timeout=30_000)
    assert "stopped" in batch.status.value or "3 of 3" in batch.status.value
    run()
    assert "3 of 3" in batch.status.value
