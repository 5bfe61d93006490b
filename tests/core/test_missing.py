"""What holds no data, what is transparent, and planes that are wholly missing."""

import eii
import numpy as np
import pytest
import tifffile
import zarr
from eii.errors import HoleError, ImageError, OptionError
from eii.image.geometry import Box

WHOLE = Box(0, 0, 10**4, 10**4)
FAST = {"backbone": "classical", "colour": "solve"}
RAMP = np.add.outer(np.arange(64), np.arange(80)).astype(np.float32)
HOLE = np.zeros(RAMP.shape, bool)
HOLE[20:30, 36:44] = True


def damaged(image, hole, value):
    found = image.copy()
    found[hole] = value
    return found


def restored(image, hole, *, axes=None, **options):
    return eii.restore(image, hole, axes=axes, options=eii.RestoreOptions(**FAST, **options))


@pytest.mark.parametrize("value", [-9999.0, np.nan])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_data_beside_the_hole_is_neither_filled_nor_used(value, dtype):
    empty = np.zeros(HOLE.shape, bool)
    empty[:, :36] = True  # up to the hole's very border
    image = damaged(RAMP.astype(dtype), HOLE, 0)
    image = damaged(image, empty, value)
    result = restored(image, HOLE, nodata=value)
    assert np.array_equal(result[~HOLE], image[~HOLE], equal_nan=True)
    assert np.abs(result - RAMP)[HOLE].max() < 5


def test_an_empty_border_of_uint8_does_not_bleed_into_the_hole():
    image = np.full((64, 80, 3), 200, np.uint8)
    image[:, :36] = 0
    image[HOLE] = 0
    result = restored(image, HOLE, nodata=0)
    assert result[HOLE].min() > 190
    assert np.array_equal(result[~HOLE], image[~HOLE])
    red = image.copy()
    red[~HOLE & (image[..., 0] > 0)] = (200, 0, 0)  # two channels are 0, and measured
    assert restored(red, HOLE, nodata=0)[HOLE][:, 0].min() > 150


def test_no_data_that_the_hole_marks_is_filled():
    image = damaged(RAMP, HOLE, -1)
    assert np.abs(restored(image, HOLE, nodata=-1) - RAMP)[HOLE].max() < 3


def test_a_hole_does_not_grow_over_what_holds_no_data():
    image = damaged(damaged(RAMP, HOLE, 0), np.roll(HOLE, 9, axis=1) & ~HOLE, -1)
    for grow in (3, "auto"):
        result = restored(image, HOLE, nodata=-1, grow=grow)
        assert (result[image == -1] == -1).all()


def gdal(path, image, value):
    tags = [(42113, 2, len(value) + 1, value, True)]
    tifffile.imwrite(path, image, photometric="minisblack", extratags=tags)


@pytest.mark.parametrize("written", ["-9999", "-9999.0 ", "nan"])
def test_what_gdal_declares_is_no_data(tmp_path, written):
    empty = np.zeros(HOLE.shape, bool)
    empty[:, :36] = True
    image = damaged(damaged(RAMP, HOLE, 0), empty, float(written))
    gdal(tmp_path / "i.tif", image, written)
    eii.restore_to_zarr(tmp_path / "i.tif", HOLE, tmp_path / "o.zarr")
    result = eii.open_source(tmp_path / "o.zarr").read((), WHOLE)[..., 0]
    assert np.abs(result - RAMP)[HOLE].max() < 5
    assert np.array_equal(result[empty], image[empty], equal_nan=True)
    assert eii.verify(tmp_path / "i.tif", tmp_path / "o.zarr").difference is None
    options = eii.RestoreOptions(**FAST, nodata="none")
    if written != "nan":
        used = tmp_path / "used.zarr"
        eii.restore_to_zarr(tmp_path / "i.tif", HOLE, used, options=options)
        found = eii.open_source(used).read((), WHOLE)[..., 0]
        assert np.abs(found - RAMP)[HOLE].max() > 100


@pytest.mark.parametrize("name", ["_FillValue", "missing_value"])
def test_what_a_zarr_declares_is_no_data(tmp_path, name):
    array = zarr.create_array(store=str(tmp_path / "i.zarr"), data=RAMP)
    array.attrs[name] = 7
    assert eii.open_source(tmp_path / "i.zarr").nodata == 7


def test_pixels_that_are_not_finite_are_filled_when_asked():
    image = damaged(RAMP, HOLE, np.nan)
    image[50, 60] = np.inf
    with pytest.raises(ImageError, match="not finite"):
        restored(image, np.zeros_like(HOLE))
    result = restored(image, np.zeros_like(HOLE), nan_is_hole=True)
    assert np.abs(result - RAMP).max() < 3
    stack = np.stack([RAMP, damaged(RAMP, HOLE, np.nan)])
    result = restored(stack, np.zeros(stack.shape, bool), axes="cyx", nan_is_hole=True)
    assert np.array_equal(result[0], RAMP)
    assert np.abs(result[1] - RAMP).max() < 3


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (np.zeros((9, 9), np.uint8), {"nodata": 256}, "256 is not a value"),
        (np.zeros((9, 9), np.uint8), {"nodata": 0.5}, "0.5 is not a value"),
        (np.zeros((9, 9), np.uint8), {"nan_is_hole": True}, "all are numbers"),
    ],
)
def test_options_without_a_meaning_are_refused(image, options, message):
    with pytest.raises(OptionError, match=message):
        restored(image, np.eye(9, dtype=bool), **options)


def clear():
    image = np.full((64, 80, 4), 180, np.uint8)
    image[..., 3] = 255
    image[HOLE] = 0
    image[50:, :, :] = 0  # transparent, and not to be filled
    return image


def test_what_is_filled_becomes_opaque_unless_asked_not_to():
    image = clear()
    result = restored(image, HOLE)
    assert (result[HOLE] == (180, 180, 180, 255)).all()
    assert np.array_equal(result[~HOLE], image[~HOLE])
    kept = restored(image, HOLE, keep_alpha=True)
    assert (kept[HOLE][:, 3] == 0).all()
    half = image.copy()
    half[HOLE, 3] = 100
    assert (restored(half, HOLE)[HOLE][:, 3] == 100).all()


def test_nothing_is_made_of_transparent_pixels():
    image = clear()
    hole = np.zeros_like(HOLE)
    hole[44:50] = True  # borders on black that is transparent
    assert restored(image, hole)[hole][:, :3].min() > 170


def test_opaque_results_are_proved_and_their_alpha_is_called_invented(tmp_path):
    eii.restore_to_zarr(clear(), HOLE, tmp_path / "o.zarr")
    assert eii.verify(clear(), tmp_path / "o.zarr").difference is None


def test_inpainted_says_of_each_channel_what_was_invented(tmp_path):
    image = np.random.default_rng(0).integers(0, 999, (3, 64, 80)).astype(np.uint16)
    holes = np.zeros(image.shape, bool)
    holes[1] = HOLE
    eii.restore_to_zarr(image, holes, tmp_path / "o.zarr", axes="cyx")
    marked = zarr.open(str(tmp_path / "o.zarr"), mode="r")["labels/inpainted/0"][...]
    assert np.array_equal(marked > 0, holes)
    found = eii.verify(image, tmp_path / "o.zarr", axes="cyx")
    assert (found.difference, found.filled) == (None, HOLE.sum())
    store = zarr.open(str(tmp_path / "o.zarr"), mode="r+")
    store["0"][0, 25, 40] += 1  # known, though the channel beside it is not
    assert eii.verify(image, tmp_path / "o.zarr", axes="cyx").difference is not None


def stack(lost):
    """Return planes that get brighter one by one, and the hole of those that are lost."""
    planes = np.stack([RAMP + 10 * z for z in range(6)]).astype(np.uint16)
    hole = np.zeros(planes.shape, bool)
    hole[lost] = True
    return planes, hole


@pytest.mark.parametrize("lost", [[2], [2, 3], [1, 3, 4]])
@pytest.mark.parametrize("axes", ["zyx", "tyx"])
def test_missing_planes_are_filled_from_those_beside_them(lost, axes):
    planes, hole = stack(lost)
    image = damaged(planes, hole, 0)
    with pytest.raises(HoleError, match="fill_planes"):
        restored(image, hole, axes=axes)
    result = restored(image, hole, axes=axes, fill_planes=True)
    assert np.array_equal(result, planes)


def test_a_missing_end_is_like_the_nearest_plane():
    planes, hole = stack([0, 5])
    result = restored(damaged(planes, hole, 0), hole, axes="zyx", fill_planes=True)
    assert np.array_equal(result[0], planes[1])
    assert np.array_equal(result[5], planes[4])


def test_a_missing_plane_is_made_of_restored_ones_and_its_result_is_proved(tmp_path):
    planes, hole = stack([2])
    hole[1] = HOLE
    image = damaged(planes, hole, 0)
    options = eii.RestoreOptions(**FAST, fill_planes=True)
    done = eii.restore_to_zarr(image, hole, tmp_path / "o.zarr", axes="zyx", options=options)
    assert done.filled == hole.sum()
    result = eii.open_source(tmp_path / "o.zarr").read((2,), WHOLE)[..., 0]
    assert np.abs(result.astype(int) - planes[2]).max() <= 2
    assert eii.verify(image, tmp_path / "o.zarr", axes="zyx").difference is None
    off = zarr.open(str(tmp_path / "o.zarr"), mode="r")["standard_error/0"][...]
    assert off[2] == pytest.approx(np.full(RAMP.shape, 10), abs=2), "half of what is beside it"
    assert (off[0] == 0).all()


def test_a_row_of_missing_planes_is_filled_along_time():
    movie = np.stack([np.stack([RAMP + 10 * t + 3 * z for z in range(2)]) for t in range(3)])
    hole = np.zeros(movie.shape, bool)
    hole[1] = True
    result = restored(damaged(movie, hole, 0), hole, axes="tzyx", fill_planes=True)
    assert np.allclose(result, movie, atol=1e-3)


def test_a_stack_without_any_known_plane_is_refused():
    planes, hole = stack(range(6))
    with pytest.raises(HoleError, match="no plane beside it is known"):
        restored(planes, hole, axes="zyx", fill_planes=True)


def test_how_a_result_was_made_is_in_its_provenance(tmp_path):
    image = np.repeat(RAMP.astype(np.uint8)[..., np.newaxis], 3, axis=2)
    hints = eii.Hints(strokes=(eii.Stroke(((25, 40),), (250, 20, 20)),))
    options = eii.HoleOptions(above=0.5)
    eii.restore_to_zarr(image, HOLE, tmp_path / "o.zarr", hints=hints, hole_options=options)
    told = zarr.open(str(tmp_path / "o.zarr"), mode="r").attrs["eii"]
    assert told["hints"]["strokes"][0]["colour"] == [250, 20, 20]
    assert told["hole_options"]["above"] == 0.5
    assert told["options"]["fill_planes"] is False
