"""The internal stage: colour."""

import numpy as np
import pytest
from eii.errors import OptionError
from eii.image.mono import luma_weights, to_luma
from eii.internal.palette import Palette, held_out, prepare
from eii.internal.stage import METHODS, propagate_unit
from eii.options import TRAINED
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

RGB = luma_weights(3, rgb=True)
UNTRAINED = [m for m in METHODS if m not in TRAINED]


def colour(luma, image, hole, weights=RGB, method="hybrid"):
    """Fill the colours of one window that is the whole image."""
    blank = np.where(hole[..., np.newaxis], np.float32(0), image).astype(np.float32)
    palette = prepare(blank[~hole], [(blank, hole)], weights, method=method)
    return propagate_unit(luma, blank, hole, weights=weights, method=method, palette=palette)


def picture(seed=0, shape=(32, 40), channels=3):
    rng = np.random.default_rng(seed)
    return rng.random((*shape, channels), dtype=np.float32)


def block(shape=(32, 40)):
    hole = np.zeros(shape, bool)
    hole[10:20, 12:30] = True
    return hole


@pytest.mark.parametrize("method", UNTRAINED)
@given(seed=st.integers(0, 99), principal=st.integers(0, 4))
@settings(max_examples=5)
def test_propagate_keeps_luma_and_known_pixels(method, seed, principal):
    for weights in (RGB, luma_weights(5, rgb=False, principal=principal)):
        image, hole = picture(seed, channels=weights.size), block()
        luma = np.random.default_rng(seed + 1).random(hole.shape, dtype=np.float32)
        luma[~hole] = to_luma(image, weights)[~hole]
        filled, sure = colour(luma, image, hole, weights, method)
        assert np.array_equal(filled[~hole], image[~hole])
        assert np.allclose(to_luma(filled, weights), luma, atol=1e-4)
        assert (sure[~hole] == 1).all()
        assert ((sure >= 0) & (sure <= 1)).all()


@pytest.mark.parametrize("method", UNTRAINED)
def test_propagate_fills_a_coloured_plane_with_its_colour(method):
    one = np.array([0.8, 0.3, 0.2], np.float32)
    image = np.broadcast_to(one, (32, 40, 3)).copy()
    luma = np.full(image.shape[:2], to_luma(one, RGB), np.float32)
    filled, _ = colour(luma, image, block(), method=method)
    assert np.allclose(filled, one, atol=1e-4)


@pytest.mark.parametrize("method", UNTRAINED)
def test_propagate_stops_colour_at_an_edge_of_luma(method):
    left, right = np.array([0.9, 0.2, 0.1]), np.array([0.1, 0.2, 0.9])
    truth = np.where((np.arange(40) < 20)[:, np.newaxis], left, right).astype(np.float32)
    truth = np.broadcast_to(truth, (32, 40, 3)).copy()
    filled, _ = colour(to_luma(truth, RGB), truth, block(), method=method)
    assert np.abs(filled - truth).max() < 0.1


@pytest.mark.parametrize("method", UNTRAINED)
def test_propagate_gives_channels_that_follow_the_principal_one_their_slope(method):
    first = picture(3, channels=1)[..., 0]
    truth = np.stack([first, 1 - 2 * first, 0.5 * first + 0.1], axis=-1)
    weights = luma_weights(3, rgb=False, principal=0)
    filled, _ = colour(first, truth, block(), weights, method)
    assert np.abs(filled - truth).max() < 1e-3


def test_match_finds_the_colour_that_the_border_does_not_have():
    image = np.full((80, 80, 3), 0.5, np.float32)
    image[10:25, 10:70] = [0.9, 0.1, 0.1]
    image[50:60, 30:50] = [0.9, 0.1, 0.1]
    hole = np.zeros((80, 80), bool)
    hole[45:65, 25:55] = True
    luma = to_luma(image, RGB)
    errors = {
        method: np.abs(colour(luma, image, hole, method=method)[0] - image)[54:56, 38:42].mean()
        for method in ("solve", "hybrid")
    }
    assert errors["hybrid"] < 0.5 * errors["solve"]


def test_confidence_is_low_where_one_luma_has_two_hues():
    hues = np.array([[0.8, 0.4, 0.2], [0.2, 0.68, 0.38]], np.float32)
    stripes = hues[(np.arange(96) // 4) % 2]
    stripes *= (to_luma(hues[0], RGB) / to_luma(stripes, RGB))[:, np.newaxis]
    image = np.broadcast_to(stripes, (96, 96, 3)).copy()
    image[48:] = 0.3
    hole = np.zeros((96, 96), bool)
    hole[10:40, 20:60] = True
    hole[60:90, 20:60] = True
    _, sure = colour(to_luma(image, RGB), image, hole)
    assert sure[20:30, 30:50].mean() < 0.6 * sure[70:80, 30:50].mean()


def test_held_out_pixels_are_known_ones():
    hole = block()
    hidden = held_out(hole)
    assert hidden.any()
    assert not (hidden & hole).any()


def test_propagate_is_deterministic():
    image, hole = picture(5, (64, 64)), block((64, 64))
    luma = to_luma(image, RGB)
    one, other = (colour(luma, image, hole)[0] for _ in range(2))
    assert np.array_equal(one, other)


def test_propagate_with_an_unknown_method_lists_those_there_are():
    with pytest.raises(OptionError, match="hybrid, solve"):
        propagate_unit(
            np.zeros((4, 4), np.float32),
            np.zeros((4, 4, 3), np.float32),
            np.ones((4, 4), bool),
            weights=RGB,
            method="none",
            palette=Palette((1, 1, 1)),
        )


@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_crops_of_one_image_choose_the_same_pull(name):
    image = getattr(data, name)()[:384, :384] / np.float32(255)
    hole = np.zeros(image.shape[:2], bool)
    hole[100:150, 100:150] = hole[200:260, 220:300] = True
    pulls = set()
    for y, x in ((0, 0), (20, 0), (0, 30), (40, 40)):
        part, own = image[y : y + 340, x : x + 340], hole[y : y + 340, x : x + 340]
        blank = np.where(own[..., np.newaxis], 0, part).astype(np.float32)
        pulls.add(prepare(blank[~own], [(blank, own)], RGB, method="hybrid").pull)
    assert len(pulls) == 1
