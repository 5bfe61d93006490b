"""Hot and dead pixels: what is told of them, the network that judges, its training."""

import json

import eii
import numpy as np
import pytest
import torch
from eii.errors import OptionError, WeightsError
from eii.external.judge import load_judge
from eii.finders.noise import noise_of
from eii.finders.outliers import FEATURES, REACH, outliers
from eii.training.fit import train_finder
from eii.training.outliers import WIDTHS, make_sample
from skimage import data

GRAY = data.camera()[:256, :256]


def hot(image, **options):
    options = eii.DetectOptions(("hot-pixels",), **options)
    return np.asarray(eii.detect(image, options=options)) > 0


def told_of(image):
    values = image.astype(np.float32)
    return outliers(values, noise_of([values[..., np.newaxis]], 0, whole=True))


def test_what_is_told_of_a_pixel_does_not_follow_from_scale_offset_or_sign():
    image = GRAY.astype(np.float32) * 100
    image[100, 100] = 60000
    rows, columns, told = told_of(image)
    more = told_of(image * 2 + 500)
    less = told_of(70000 - image)
    assert told.shape == (len(rows), FEATURES)
    assert np.array_equal(rows, more[0])
    assert np.array_equal(columns, less[1])
    assert np.allclose(told, more[2], atol=0.02)
    assert np.allclose(told[:, :-1], less[2][:, :-1], atol=0.02)
    at = np.flatnonzero((rows == 100) & (columns == 100))[0]
    middle = (2 * REACH + 1) ** 2 // 2
    assert told[at, middle] == 0
    assert (told[at, :-2] <= 0).all()
    assert told[at, -1] == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 3), (5, 5)])
def test_tiny_images_are_told_of(shape):
    rng = np.random.default_rng(0)
    rows, _, told = told_of(rng.integers(0, 255, shape).astype(np.uint8))
    assert told.shape == (len(rows), FEATURES)
    assert np.isfinite(told).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_camera_s_hot_pixels_are_found_on_noise_and_texture_is_left(dtype):
    rng = np.random.default_rng(1)
    most = 255 if dtype == np.uint8 else 4095
    scene = (0.1 + 0.5 * GRAY / 255) * most
    image = scene + rng.normal(0, 0.01 * most, scene.shape)
    places = rng.random(scene.shape) < 5e-4
    image[places] += rng.uniform(0.25, 0.4, places.sum()) * most
    image = np.clip(image, 0, most).astype(dtype)
    found = hot(image)
    assert (found & places).sum() > 0.85 * places.sum()
    assert (found & ~places).sum() < 0.1 * places.sum()


def test_two_side_by_side_and_dead_ones_are_found():
    image = np.full((64, 64), 120, np.uint8)
    image[:] += np.random.default_rng(0).integers(0, 4, image.shape).astype(np.uint8)
    image[20, 20:22], image[40, 40] = 250, 0
    found = hot(image)
    assert found[20, 20:22].all()
    assert found[40, 40]
    assert found.sum() == 3


def test_the_judge_gives_what_the_network_of_torch_does(tmp_path, pictures):
    weights = train_finder(pictures, tmp_path, kind="hot-pixels", minutes=0.05, steps=3)
    card = json.loads(weights.with_suffix(".json").read_text())
    assert card["shape"]["widths"] == list(WIDTHS)
    from safetensors.torch import load_file

    found = load_file(weights)
    told = torch.randn(20, FEATURES)
    values = told
    for n in range(3):
        values = values @ found[f"{n}.weight"].T + found[f"{n}.bias"]
        values = torch.nn.functional.silu(values) if n < 2 else values
    assert np.allclose(load_judge(weights)(told.numpy()), values[:, 0].numpy(), atol=1e-5)
    assert hot(GRAY, weights=str(weights)).shape == GRAY.shape


def test_what_it_is_trained_on_holds_both():
    rng = np.random.default_rng(2)
    picture = (data.astronaut() / 255).astype(np.float32)
    told, is_hot = (
        np.concatenate(p) for p in zip(*(make_sample(picture, rng) for _ in range(8)), strict=True)
    )
    assert told.shape == (len(is_hot), FEATURES)
    assert 0 < is_hot.mean() < 0.9
    # Hot ones stand out farther from the noise.
    assert np.median(told[is_hot, -2]) > np.median(told[~is_hot, -2])


def test_weights_of_another_network_are_told(tmp_path, pictures):
    weights = train_finder(pictures, tmp_path, kind="hot-pixels", minutes=0.05, steps=1)
    with pytest.raises(WeightsError, match="'judge', which none of dust"):
        eii.detect(GRAY, options=eii.DetectOptions(("dust",), weights=str(weights)))
    both = eii.DetectOptions(("dust", "hot-pixels"), weights=str(weights))
    assert np.asarray(eii.detect(GRAY, options=both)).shape == GRAY.shape


def test_a_training_that_cannot_go_on_says_so(tmp_path, pictures):
    with pytest.raises(OptionError, match="`kind`"):
        train_finder(pictures, tmp_path / "a", kind="cold", minutes=1)
    with pytest.raises(OptionError, match="always anew"):
        train_finder(pictures, tmp_path / "a", kind="hot-pixels", minutes=1, start="film")
