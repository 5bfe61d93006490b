"""propagate(): colours from a complete luma; and hints, what a person says of them."""

import json

import eii
import numpy as np
import pytest
from eii import Box, Copy, Hints, Stroke
from eii.errors import HintError, ImageError
from eii.evaluation.holes import draw_hole
from scipy import ndimage
from skimage import data

LUMA = np.array([0.299, 0.587, 0.114])


def colourful(shape=(160, 160), seed=0):
    rng = np.random.default_rng(seed)
    image = ndimage.gaussian_filter(rng.random((*shape, 3)), (6, 6, 0))
    return (30 + 200 * (image - image.min()) / np.ptp(image)).astype(np.uint8)


def block(shape=(160, 160)):
    hole = np.zeros(shape, bool)
    hole[50:100, 60:110] = True
    return hole


def blanked(image, hole):
    return np.where(hole[..., np.newaxis], 0, image).astype(image.dtype)


@pytest.mark.parametrize("method", ["hybrid", "solve", "match", "table"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_propagate_gives_the_luma_that_was_given(method, dtype):
    image, hole = colourful().astype(dtype), block()
    if dtype == np.uint16:
        image *= 200
    luma = image @ LUMA
    options = eii.RestoreOptions(colour=method)
    result = eii.propagate(luma, blanked(image, hole), hole, options=options)
    assert result.dtype == dtype
    assert np.array_equal(result[~hole], image[~hole])
    span = np.ptp(image)
    assert np.abs(result @ LUMA - luma)[hole].mean() < 0.004 * span
    assert np.abs(result[hole].astype(float) - image[hole]).mean() < 0.12 * span


def test_propagate_follows_the_channel_that_luma_is_of():
    base = colourful()[..., 0].astype(np.float32)
    image = np.stack([3 * base + 10, 500 - base, base]).astype(np.float32)
    hole = block()
    damaged = np.where(hole, 0, image).astype(np.float32)
    for channel in range(3):
        result = eii.propagate(image[channel], damaged, hole, axes="cyx")
        assert np.abs(result[channel] - image[channel])[hole].max() < 1
        assert np.abs(result - image)[:, hole].max() < 12


def test_propagate_of_one_channel_is_its_luma():
    image, hole = colourful()[..., 0], block()
    result = eii.propagate(image, np.where(hole, 0, image).astype(np.uint8), hole)
    assert np.array_equal(result, image)


@pytest.mark.parametrize("luma", [np.zeros((9, 9)), np.full((160, 160), np.nan)])
def test_propagate_refuses_a_luma_that_does_not_fit(luma):
    with pytest.raises(ImageError, match="`luma` must"):
        eii.propagate(luma, colourful(), block())


def test_hybrid_with_exact_luma_beats_the_border_alone():
    image = data.coffee()[:400, :512]
    hole = draw_hole("block", image.shape[:2], 5)
    luma = image @ LUMA
    errors = {
        c: np.abs(
            eii.propagate(luma, blanked(image, hole), hole, options=eii.RestoreOptions(colour=c))[
                hole
            ].astype(float)
            - image[hole]
        ).mean()
        for c in ("hybrid", "solve")
    }
    assert errors["hybrid"] < 0.97 * errors["solve"]


def two_hues():
    """Return an image of two hues of one gray, each hidden in a hole; and both holes."""
    image = np.full((120, 200, 3), 128, np.uint8)
    image[:, 100:] = (128, 128, 128)
    red, green = np.array([196, 100, 90]), np.array([70, 165, 90])
    red[1] += round((128 - red @ LUMA) / LUMA[1])
    green[1] += round((128 - green @ LUMA) / LUMA[1])
    for x, hue in ((28, red), (128, green)):
        image[38:82, x : x + 44] = 60
        image[40:80, x + 2 : x + 42] = hue
    holes = [np.zeros(image.shape[:2], bool) for _ in range(2)]
    holes[0][38:82, 28:72] = holes[1][38:82, 128:172] = True
    return image, holes, (red, green)


def test_one_point_mends_a_colour_that_occurs_nowhere():
    image, holes, hues = two_hues()
    hole = holes[0] | holes[1]
    luma = image @ LUMA
    damaged = blanked(image, hole)
    hints = Hints(
        tuple(
            Stroke(((60, x),), tuple(map(float, hue)))
            for x, hue in zip((50, 150), hues, strict=True)
        )
    )
    plain = eii.propagate(luma, damaged, hole)
    mended = eii.propagate(luma, damaged, hole, hints=hints)
    for x, hue in zip((50, 150), hues, strict=True):
        near = np.s_[50:70, x - 10 : x + 10]
        assert np.abs(plain[near].astype(float) - hue).mean() > 20
        assert np.abs(mended[near].astype(float) - hue).mean() < 8


def test_colours_are_copied_from_where_a_person_says():
    image = np.full((120, 200, 3), 128, np.uint8)
    y = np.arange(40)[:, np.newaxis]
    patch = np.stack(np.broadcast_arrays(60 + 3 * y, 40 + y, 20 + y), axis=-1).astype(np.uint8)
    image[10:50, 150:190] = image[60:100, 40:80] = np.broadcast_to(patch, (40, 40, 3))
    hole = np.zeros(image.shape[:2], bool)
    hole[60:100, 40:80] = True
    hints = Hints(copies=(Copy(Box(10, 150, 50, 190), Box(55, 35, 105, 85)),))
    result = eii.propagate(image @ LUMA, blanked(image, hole), hole, hints=hints)
    assert np.abs(result[hole].astype(float) - image[hole]).mean() < 6


def test_hints_go_through_restore_and_the_known_pixels_stay(tmp_path):
    image, hole = colourful(), block()
    hints = Hints((Stroke(((75, 65), (75, 105)), (250.0, 20.0, 20.0), 9),))
    result = eii.restore(image, hole, hints=hints)
    assert np.array_equal(result[~hole], image[~hole])
    redness = result[..., 0].astype(float) - result[..., 2]
    plain = eii.restore(image, hole)
    assert redness[hole].mean() > (plain[..., 0].astype(float) - plain[..., 2])[hole].mean() + 40
    eii.restore_to_zarr(image, hole, tmp_path / "o.zarr", hints=hints)
    stored = eii.open_source(tmp_path / "o.zarr").read((), Box(0, 0, 160, 160))
    assert np.array_equal(stored, result)


COLOUR = (10.0, 20.0, 30.0)


@pytest.mark.parametrize(
    ("hints", "message"),
    [
        (Hints((Stroke(((5, 5),), COLOUR),)), "lies outside the hole"),
        (Hints((Stroke(((70, 1000),), COLOUR),)), "outside the image"),
        (Hints((Stroke(((-1, 70),), COLOUR),)), "outside the image"),
        (Hints((Stroke(((70, 70),), COLOUR[:2]),)), "needs 3 values"),
        (Hints((Stroke(((70, 70),), (*COLOUR, 1.0)),)), "needs 3 values"),
        (Hints((Stroke(((70, 70),), (10.0, 20.0, 300.0)),)), "range of uint8"),
        (Hints((Stroke(((70, 70),), (10.0, 20.0, float("nan"))),)), "range of uint8"),
        (Hints((Stroke(((70, 70),), COLOUR, 0),)), "width of 1 or more"),
        (Hints(copies=(Copy(Box(0, 0, 5, 5), Box(0, 0, 9, 9)),)), "no hole pixel"),
        (Hints(copies=(Copy(Box(60, 70, 70, 80), Box(50, 60, 90, 90)),)), "no known pixel"),
        (Hints(copies=(Copy(Box(0, 0, 500, 5), Box(50, 60, 90, 90)),)), "region of the image"),
    ],
)
def test_hints_that_do_not_fit_are_refused(hints, message):
    with pytest.raises(HintError, match=message):
        eii.restore(colourful(), block(), hints=hints)


def test_hints_for_a_gray_image_are_refused():
    with pytest.raises(HintError, match="need channels that follow"):
        eii.restore(colourful()[..., 0], block(), hints=Hints((Stroke(((70, 70),), (3.0,)),)))


def test_hints_are_read_from_json_and_csv(tmp_path):
    described = {
        "strokes": [{"points": [[75, 80], [75, 90]], "colour": [250, 20, 20], "width": 9}],
        "copies": [{"source": [0, 0, 20, 20], "target": [50, 60, 60, 70]}],
    }
    (tmp_path / "h.json").write_text(json.dumps(described))
    hints = eii.read_hints(tmp_path / "h.json")
    assert hints.strokes == (Stroke(((75, 80), (75, 90)), (250.0, 20.0, 20.0), 9),)
    assert hints.copies == (Copy(Box(0, 0, 20, 20), Box(50, 60, 60, 70)),)
    (tmp_path / "h.csv").write_text("y,x,c0,c1,c2,width\n75,80,250,20,20,9\n")
    assert eii.read_hints(tmp_path / "h.csv").strokes == (
        Stroke(((75, 80),), (250.0, 20.0, 20.0), 9),
    )


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("h.json", "{", "not a file of hints"),
        ("h.json", "[]", "not a file of hints"),
        ("h.json", '{"strokes": [{"points": [[1]], "colour": [1]}]}', "not a file of hints"),
        ("h.json", "{}", "holds no hint"),
        ("h.csv", "a,b\n1,2\n", "not a file of hints"),
        ("h.csv", "", "holds no hint"),
        ("h.txt", "", r"must end with \.csv or \.json"),
        ("absent.json", None, "cannot be read"),
    ],
)
def test_files_of_hints_that_are_none_are_refused(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(HintError, match=message):
        eii.read_hints(tmp_path / name)
