"""Colour hints drawn on the image."""

from types import SimpleNamespace

import numpy as np
import pytest
from conftest import gray, square
from eii.errors import HintError
from napari.layers import Image, Points, Shapes

from napari_eii._hints import hints_of, within

pytestmark = pytest.mark.gui


def colours(shape=(64, 80)):
    image = np.stack([gray(shape)] * 3, axis=-1)
    image[:, :37, 0] = 200
    image[:, 37:, 2] = 200
    image[square(shape) > 0] = 0
    return image


def test_points_and_lines_become_strokes_in_the_images_units():
    image = Image(colours(), scale=(2, 2))
    points = Points([[50, 70]], size=8, face_color="red")
    (stroke,) = hints_of(points, image, np.zeros(2)).strokes
    assert stroke.points == ((25, 35),)
    assert stroke.colour == (255, 0, 0)
    assert stroke.width == 4
    line = Shapes([[[44, 64], [44, 80]]], shape_type="line", edge_width=2, edge_color="#0000ff")
    (stroke,) = hints_of(line, image, np.zeros(2)).strokes
    assert stroke.points == ((22, 32), (22, 40))
    assert stroke.colour == (0, 0, 255)
    part = within(hints_of(line, image, np.zeros(2)), (20, 30), (60, 70))
    assert part.strokes[0].points == ((2, 2), (2, 10))
    assert not within(hints_of(line, image, np.zeros(2)), (0, 0), (10, 10))


def test_what_is_no_hint_is_refused():
    box = Shapes([[[1, 1], [9, 9]]], shape_type="rectangle")
    with pytest.raises(HintError, match="points, lines and paths"):
        hints_of(box, Image(colours()), np.zeros(2))
    with pytest.raises(HintError, match="RGB"):
        hints_of(Points([[1, 1]]), Image(gray()), np.zeros(2))


def test_a_hint_colours_what_is_filled_and_the_preview(viewer, dock, restored, qtbot):
    viewer.add_image(colours(), rgb=True)
    viewer.add_labels(square())
    plain = restored().data
    dock.new_hints.changed.emit(True)
    layer = dock.hints.value
    assert dock.hole.value.name == "Labels"
    layer.data = np.array([[25.0, 37.0]])
    layer.face_color = "lime"
    assert dock.hole.value.name == "Labels"
    hinted = restored().data
    green = [x[square() > 0][:, 1].mean() - x[square() > 0][:, 0].mean() for x in (plain, hinted)]
    assert green[1] > green[0] + 20
    dock.preview.changed.emit(True)
    qtbot.waitUntil(lambda: not dock._live.running, timeout=20_000)
    seen = viewer.layers[-1].data
    assert np.abs(seen.astype(int) - hinted).max() <= 3


def test_the_eyedropper_takes_one_colour(viewer, dock):
    image = viewer.add_image(colours(), rgb=True, name="image")
    viewer.add_labels(square())
    dock.pick.changed.emit(True)
    assert "first" in dock.status.value
    dock.new_hints.changed.emit(True)
    dock.image.value = image
    dock.pick.changed.emit(True)
    (callback,) = viewer.mouse_drag_callbacks[-1:]
    callback(viewer, SimpleNamespace(position=(5.0, 10.0)))
    expected = "#" + bytes(colours()[5, 10]).hex() + "ff"
    assert str(dock.hints.value.current_face_color) == expected
    assert callback not in viewer.mouse_drag_callbacks
