"""What the Restore dock offers, follows, keeps and copies."""

from pathlib import Path

import numpy as np
import pytest
from conftest import gray, square
from eii.errors import EIIError
from magicgui.widgets import Widget
from napari.layers import Image
from PIL import Image as Picture
from qtpy.QtWidgets import QApplication

from napari_eii._axes import axes_choices, whole_axes
from napari_eii._restore import RestoreWidget

pytestmark = pytest.mark.gui


@pytest.mark.parametrize(
    ("shape", "how", "first", "count"),
    [
        ((9, 9), {}, "yx", 1),
        ((3, 9, 9), {}, "zyx", 3),
        ((3, 9, 9), {"axis_labels": ("C", "Y", "X")}, "cyx", 3),
        ((3, 9, 9), {"axis_labels": ("time", "y", "x")}, "tyx", 3),
        ((2, 3, 9, 9), {"axis_labels": ("c", "z", "y", "x")}, "czyx", 5),
        ((2, 2, 3, 9, 9), {}, "tczyx", 4),
        ((5, 9, 9, 3), {"rgb": True}, "zyx", 2),
    ],
)
def test_axes_are_guessed_from_labels(shape, how, first, count):
    found = axes_choices(Image(np.zeros(shape, np.uint8), **how))
    assert found[0] == first
    assert len(found) == count


def test_layers_with_channels_are_no_channels():
    assert whole_axes("zyx", rgb=False, layers=3) == "czyx"
    for axes, rgb in (("cyx", False), ("yx", True)):
        with pytest.raises(EIIError):
            whole_axes(axes, rgb=rgb, layers=2)


def test_it_follows_the_selection_until_the_user_chooses(viewer, dock):
    first = viewer.add_image(gray(), name="first")
    second = viewer.add_image(gray(), name="second")
    hole = viewer.add_labels(square(), name="hole")
    other = viewer.add_labels(square(), name="other")
    viewer.layers.selection.active = second
    assert (dock.image.value, dock.hole.value) == (second, other)
    viewer.layers.selection.active = first
    viewer.layers.selection.active = hole
    assert (dock.image.value, dock.hole.value) == (first, hole)
    dock.image.native.activated.emit(0)  # by hand
    viewer.layers.selection.active = second
    assert dock.image.value is first


def told(dock):
    return dock.grow.value, dock.backbone.value, dock.fill_planes.value


def test_options_are_kept_between_sessions_and_set_back(viewer, dock):
    dock.grow.value, dock.backbone.value, dock.fill_planes.value = 7, "classical", True
    again = RestoreWidget(viewer)
    assert (again.grow.value, again.backbone.value, again.fill_planes.value) == (
        7,
        "classical",
        True,
    )
    again.defaults.changed.emit(True)
    assert (again.grow.value, again.backbone.value, again.fill_planes.value) == (0, "auto", False)
    third = RestoreWidget(viewer)
    assert third.backbone.value == "auto"


def test_a_range_of_planes(viewer, dock, restored):
    image = gray((5, 64, 80))
    image[:, square() > 0] = 255
    viewer.add_image(image)
    viewer.add_labels(square())
    dock.planes.value = "range"
    assert dock.last.value == 4
    dock.first.value, dock.last.value = 1, 3
    changed = (restored().data != image).any(axis=(1, 2))
    assert changed.tolist() == [False, True, True, True, False]
    dock.first.value = 4
    dock.start()
    assert "ends at 3" in dock.status.value
    dock.image.value = viewer.add_image(gray((3, 64, 80)), name="fewer")
    assert (dock.first.value, dock.last.value, dock.last.max) == (2, 2, 2)
    dock.image.value = viewer.add_image(gray((9, 64, 80)), name="more")
    assert (dock.last.value, dock.last.max) == (8, 8)


def test_layers_of_one_size_are_restored_as_channels(viewer, dock, qtbot):
    planes = [np.where(square() > 0, 0, gray(dtype=np.uint16) * k) for k in (2, 5)]
    for number, plane in enumerate(planes):
        viewer.add_image(plane, name=f"c{number}", colormap=("green", "red")[number])
    viewer.add_image(gray((9, 9)), name="small")
    viewer.add_labels(square())
    viewer.layers.selection.active = viewer.layers["c0"]
    assert [y.name for y in dock.others.choices] == ["c1"]
    dock.others.value = [viewer.layers["c1"]]
    dock.run.changed.emit(True)
    qtbot.waitUntil(lambda: dock.run.enabled, timeout=20_000)
    for number, plane in enumerate(planes):
        made = viewer.layers[f"c{number} restored"]
        assert made.colormap.name == ("green", "red")[number]
        assert np.array_equal(made.data[square() == 0], plane[square() == 0])
        assert (made.data[square() > 0] > 0).all()
    assert viewer.layers["c0 restored: inpainted"].data.shape == (64, 80)


def test_a_hole_from_a_file(viewer, dock, restored, tmp_path):
    Picture.fromarray(square() * 255).save(tmp_path / "hole.png")
    image = np.where(square() > 0, 255, gray((3, 64, 80))).astype(np.uint8)
    viewer.add_image(image)
    dock.hole_file.value = tmp_path / "hole.png"
    dock.planes.value = "current"
    viewer.dims.set_current_step(0, 2)
    made = restored().data
    assert np.array_equal(made[2][square() == 0], image[2][square() == 0])
    assert (made != image).any(axis=(1, 2)).tolist() == [False, False, True]
    dock.hole_file.value = tmp_path / "gone.png"
    dock.start()
    assert "gone.png" in dock.status.value


def test_before_and_after(viewer, dock, restored):
    viewer.add_image(gray())
    viewer.add_labels(square())
    assert not dock.swap.enabled
    made = restored()
    dock.swap.changed.emit(True)
    assert not made.visible
    dock.swap.changed.emit(True)
    assert made.visible
    viewer.layers.remove(made)
    dock.swap.changed.emit(True)
    assert not dock.swap.enabled


def test_the_run_in_words(viewer, dock, tmp_path):
    Picture.fromarray(gray()).save(tmp_path / "a scan.png")
    viewer.open(tmp_path / "a scan.png", plugin="napari")
    viewer.add_labels(square())
    dock.grow.value, dock.backbone.value = 2, "classical"
    dock.command.changed.emit(True)
    text = QApplication.clipboard().text()
    assert (
        text
        == f"eii restore '{tmp_path}/a scan.png' HOLE restored.zarr --backbone classical --grow 2"
    )
    dock.script.changed.emit(True)
    text = QApplication.clipboard().text()
    compile(text, "script", "exec")
    assert "RestoreOptions(backbone='classical', grow=2)" in text


def test_looks_are_kept_of_rgb_too(viewer, restored):
    image = np.stack([gray()] * 3, axis=-1) / np.float32(100)
    layer = viewer.add_image(image, rgb=True)
    layer.contrast_limits_range = (0, 4)
    layer.contrast_limits = (0.5, 2)
    viewer.add_labels(square())
    made = restored()
    assert list(made.contrast_limits) == [0.5, 2]
    assert list(made.contrast_limits_range) == [0, 4]


def test_the_docs_explain_every_control(dock):
    """The tutorial uses the words of the dock, all of them."""
    text = (Path(__file__).parents[2] / "docs" / "plugin.md").read_text()
    first = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ")]
    named = {word.strip() for cell in first for word in cell.split(",")}
    for name, control in vars(dock).items():
        if not isinstance(control, Widget) or not getattr(control, "tooltip", None):
            continue
        words = getattr(control, "text", "") or control.label
        assert words in named or f"*{words}*" in text, name
    for words in ("Preview", "Run", "Cancel", "Before / after"):
        assert f"**{words}**" in text


def test_every_control_has_a_tooltip_and_fits(viewer, dock):
    viewer.add_image(gray((3, 64, 80)))
    viewer.add_labels(square())
    plain = {"progress", "status", "span"}
    for name, control in vars(dock).items():
        if isinstance(control, Widget) and not name.startswith("_") and name not in plain:
            assert control.tooltip, name
    assert dock.native.minimumWidth() <= 300
    assert dock.native.widget().minimumSizeHint().width() < dock.native.minimumWidth()


def test_an_estimate_before_the_run(viewer, dock, qtbot):
    import dask.array as da

    viewer.add_image(da.zeros((900, 900), dtype=np.uint8, chunks=300), contrast_limits=(0, 1))
    viewer.add_labels(square((900, 900)))
    dock.backbone.value = "classical"
    dock.estimate.changed.emit(True)
    qtbot.waitUntil(lambda: dock.run.enabled, timeout=20_000)
    assert dock.status.value.startswith("To fill: 140 pixels in 1 window; ")
