"""Grain of what is filled: that of the known pixels, whatever the chunks, threads and windows."""

import eii
import numpy as np
import pytest
import zarr
from eii.engine.grain import Grain, _noise, grain_in, measure_grain
from eii.errors import OptionError
from eii.image.geometry import Box
from scipy import ndimage

RNG = np.random.default_rng(0)
MATCH = eii.RestoreOptions("classical", grain="match")
NONE = eii.RestoreOptions("classical")


def grainy(shape=(256, 256), deviation=12.0, blur=0.8, level=120):
    noise = ndimage.gaussian_filter(RNG.normal(0, 1, shape), blur)
    return np.clip(level + deviation * noise / noise.std(), 0, 255).round().astype(np.uint8)


def square(shape=(256, 256), side=80):
    hole = np.zeros(shape, bool)
    hole[60 : 60 + side, 70 : 70 + side] = True
    return hole


def test_a_fill_gets_the_spectrum_and_strength_of_what_is_around_it():
    image, hole = grainy(), square()
    smooth, found = eii.restore(image, hole, options=NONE), eii.restore(image, hole, options=MATCH)
    assert np.array_equal(found[~hole], image[~hole])
    inner = found[70:130, 80:140].astype(float)
    truth = image[70:130, 80:140].astype(float)
    assert smooth[70:130, 80:140].std() < 0.3 * truth.std()
    assert inner.std() == pytest.approx(truth.std(), rel=0.2)
    assert abs(inner.mean() - smooth[70:130, 80:140].mean()) < 0.5
    window = np.outer(np.hanning(60), np.hanning(60))
    power = [np.abs(np.fft.rfft2((p - p.mean()) * window)) ** 2 for p in (inner, truth)]
    frequency = np.hypot(np.fft.fftfreq(60)[:, np.newaxis], np.fft.rfftfreq(60))
    for low, high in ((0.125, 0.2), (0.2, 0.3), (0.3, 0.5)):
        band = (frequency >= low) & (frequency < high)
        decibels = 10 * np.log10(power[0][band].sum() / power[1][band].sum())
        assert abs(decibels) < 1.6  # of one field of 60 x 60 pixels


def test_grain_is_nothing_at_the_border_and_grows_inwards():
    hole = square((128, 128), 40)
    kernel = np.zeros((41, 41), np.float32)
    kernel[19:22, 19:22] = 1 / 3
    one = np.ones(1, np.float32)
    grain = Grain(kernel, one * 0.5, one * 0.1, one, one * 0, 7)
    luma = np.full((128, 128), 0.5, np.float32)
    known = luma + RNG.normal(0, 0.1, luma.shape).astype(np.float32)
    found = grain_in(grain, luma, hole, known=known, window=Box(0, 0, 128, 128), salt=0)[..., 0]
    assert not found[~hole].any()
    rim = hole & ~ndimage.binary_erosion(hole, iterations=1)
    deep = ndimage.binary_erosion(hole, iterations=8)
    assert np.abs(found[rim]).mean() < 0.85 * np.abs(found[deep]).mean()


def test_numbers_follow_from_the_place_and_the_seed_alone():
    whole = _noise(Box(-5, 10, 400, 700), 3)
    assert np.array_equal(whole[105:155, 50:90], _noise(Box(100, 60, 150, 100), 3))
    assert not np.array_equal(whole, _noise(Box(-5, 10, 400, 700), 4))
    assert abs(whole.mean()) < 0.01
    assert whole.std() == pytest.approx(1, abs=0.01)
    assert np.isfinite(whole).all()


def test_the_same_for_any_chunks_and_threads(tmp_path):
    image, hole = grainy((300, 500)), np.zeros((300, 500), bool)
    hole[40:60, 30:400], hole[100:240, 200:420] = True, True
    found = [
        eii.restore(image, hole, options=eii.RestoreOptions("classical", grain="match", workers=n))
        for n in (1, 3)
    ]
    assert np.array_equal(*found)
    stored = zarr.create_array({}, shape=image.shape, chunks=(64, 90), dtype=np.uint8)
    stored[:] = image
    eii.restore_to_zarr(stored, hole, tmp_path / "out.zarr", options=MATCH)
    assert np.array_equal(zarr.open_array(tmp_path / "out.zarr" / "0")[:], found[0])
    other = eii.RestoreOptions("classical", grain="match", seed=1)
    assert not np.array_equal(eii.restore(image, hole, options=other), found[0])


def test_planes_have_grain_of_their_own_and_channels_share_it():
    stack = np.stack([grainy()] * 2)
    found = eii.restore(stack, square(), axes="zyx", options=MATCH)
    assert not np.array_equal(found[0], found[1])
    gray = grainy()
    rgb = np.stack([gray, gray, gray], axis=-1)
    found = eii.restore(rgb, square(), options=MATCH).astype(int)
    assert np.abs(found[..., 0] - found[..., 2]).max() <= 1
    noisy = np.stack([grainy(), grainy(), grainy()], axis=-1)
    found = eii.restore(noisy, square(), options=MATCH)[80:120, 90:130].reshape(-1, 3)
    assert np.abs(np.corrcoef(found.T)[0, 2]) < 0.5


def test_the_strength_follows_the_surroundings():
    image = np.concatenate([grainy((256, 128), 3), grainy((256, 128), 20)], axis=1)
    hole = np.zeros((256, 256), bool)
    hole[60:120, 30:90] = hole[60:120, 160:220] = True
    found = eii.restore(image, hole, options=MATCH).astype(float)
    left, right = found[70:110, 40:80].std(), found[70:110, 170:210].std()
    assert left < 6
    assert right > 12


@pytest.mark.parametrize(
    "image",
    [
        np.full((96, 96), 77, np.uint8),
        np.full((96, 96), 0.5, np.float32),
        np.tile(np.arange(96, dtype=np.uint8), (96, 1)),
    ],
    ids=["constant", "float", "ramp"],
)
def test_constant_surroundings_have_no_grain(image):
    hole = square((96, 96), 20)
    hole[60:, :] = False
    assert np.array_equal(
        eii.restore(image, hole, options=MATCH), eii.restore(image, hole, options=NONE)
    )


def test_too_few_known_pixels_have_no_grain_and_that_is_recorded(tmp_path):
    image, hole = grainy((40, 40)), square((40, 40), 0)
    hole[5:35, 5:35] = True
    assert measure_grain([(image[..., np.newaxis] / 255, hole)], np.ones(1), 0) is None
    out = tmp_path / "out.zarr"
    eii.restore_to_zarr(image, hole, out, options=MATCH)
    told = zarr.open_group(out, mode="r").attrs["eii"]
    assert told["options"]["grain"] == "match"
    assert told["chosen"][0]["grain"] == "none"
    assert eii.verify(image, out).difference is None


def test_images_of_few_levels_stay_within_them():
    image = (RNG.random((128, 128)) < 0.5).astype(np.uint8)
    found = eii.restore(image, square((128, 128), 30), options=MATCH)
    assert set(np.unique(found)) <= {0, 1}


def test_wrong_options_are_told():
    with pytest.raises(OptionError, match="`grain` must be one of none, match"):
        eii.RestoreOptions(grain="film")
    with pytest.raises(OptionError, match="`seed` must be 0 or more"):
        eii.RestoreOptions(seed=-1)
