"""The internal stage: colour."""

import numpy as np
import pytest
from eii.errors import OptionError
from eii.image.mono import luma_weights, to_luma
from eii.internal.stage import propagate_unit
from hypothesis import given
from hypothesis import strategies as st

RGB = luma_weights(3, rgb=True)


def picture(seed=0, shape=(32, 40), channels=3):
    rng = np.random.default_rng(seed)
    return rng.random((*shape, channels), dtype=np.float32)


def block(shape=(32, 40)):
    hole = np.zeros(shape, bool)
    hole[10:20, 12:30] = True
    return hole


@given(seed=st.integers(0, 99), principal=st.integers(0, 4))
def test_propagate_keeps_luma_and_known_pixels(seed, principal):
    for weights in (RGB, luma_weights(5, rgb=False, principal=principal)):
        image, hole = picture(seed, channels=weights.size), block()
        luma = np.random.default_rng(seed + 1).random(hole.shape, dtype=np.float32)
        luma[~hole] = to_luma(image, weights)[~hole]
        filled = propagate_unit(luma, image, hole, weights=weights, method="solve")
        assert np.array_equal(filled[~hole], image[~hole])
        assert np.allclose(to_luma(filled, weights), luma, atol=1e-4)


def test_propagate_fills_a_coloured_plane_with_its_colour():
    colour = np.array([0.8, 0.3, 0.2], np.float32)
    image = np.broadcast_to(colour, (32, 40, 3)).copy()
    hole = block()
    image[hole] = 0
    luma = np.full(hole.shape, to_luma(colour, RGB), np.float32)
    filled = propagate_unit(luma, image, hole, weights=RGB, method="solve")
    assert np.allclose(filled[hole], colour, atol=1e-4)


def test_propagate_stops_colour_at_an_edge_of_luma():
    left, right = np.array([0.9, 0.2, 0.1]), np.array([0.1, 0.2, 0.9])
    truth = np.where((np.arange(40) < 20)[:, np.newaxis], left, right).astype(np.float32)
    truth = np.broadcast_to(truth, (32, 40, 3)).copy()
    hole = block()
    luma = to_luma(truth, RGB)
    filled = propagate_unit(
        luma, np.where(hole[..., np.newaxis], 0, truth), hole, weights=RGB, method="solve"
    )
    assert np.abs(filled - truth).max() < 0.1


def test_propagate_gives_channels_that_follow_the_principal_one_their_slope():
    first = picture(3, channels=1)[..., 0]
    truth = np.stack([first, 1 - 2 * first, 0.5 * first + 0.1], axis=-1)
    hole = block()
    weights = luma_weights(3, rgb=False, principal=0)
    damaged = np.where(hole[..., np.newaxis], 0, truth).astype(np.float32)
    filled = propagate_unit(first, damaged, hole, weights=weights, method="solve")
    assert np.abs(filled - truth).max() < 1e-3


def test_propagate_with_an_unknown_method_lists_those_there_are():
    with pytest.raises(OptionError, match="solve"):
        propagate_unit(
            np.zeros((4, 4), np.float32),
            np.zeros((4, 4, 3), np.float32),
            np.zeros((4, 4), bool),
            weights=RGB,
            method="none",
        )
