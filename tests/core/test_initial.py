"""The classical fills."""

import numpy as np
import pytest
from eii.external.classical import ClassicalBackbone
from eii.external.initial import GUIDE_RADIUS, biharmonic, fill, push_pull, tension
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

FILLS = [fill, push_pull, tension, biharmonic]
SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=24)


@st.composite
def windows(draw):
    shape = draw(SHAPES)
    luma = draw(hnp.arrays(np.float32, shape, elements=st.floats(0, 1, width=32)))
    hole = draw(hnp.arrays(bool, shape))
    hole.flat[draw(st.integers(0, hole.size - 1))] = False
    return luma, hole


@pytest.mark.parametrize("function", FILLS)
@given(window=windows())
def test_fill_keeps_known_pixels_and_is_finite(function, window):
    luma, hole = window
    filled = function(luma, hole)
    assert filled.dtype == np.float32
    assert np.array_equal(filled[~hole], luma[~hole])
    assert np.isfinite(filled).all()


@given(window=windows())
def test_fill_stays_near_the_known_range(window):
    luma, hole = window
    known = luma[~hole]
    margin = (known.max() - known.min()) / 10 + 1e-6
    filled = fill(luma, hole)
    assert filled.min() >= known.min() - margin
    assert filled.max() <= known.max() + margin


@pytest.mark.parametrize("function", FILLS)
def test_fill_of_a_constant_is_the_constant(function):
    luma = np.full((40, 50), 0.3, np.float32)
    hole = np.zeros(luma.shape, bool)
    hole[5:30, 0:25] = True
    assert np.allclose(function(np.where(hole, 0, luma).astype(np.float32), hole), 0.3, atol=1e-5)


@pytest.mark.parametrize("function", [tension, biharmonic])
def test_plate_continues_a_ramp(function):
    ramp = np.add.outer(np.arange(48), 2 * np.arange(48)).astype(np.float32) / 150
    hole = np.zeros(ramp.shape, bool)
    hole[15:30, 12:33] = True
    filled = function(np.where(hole, 0, ramp).astype(np.float32), hole)
    assert np.abs(filled - ramp).max() < 1e-3


def test_fill_does_not_see_what_is_far_away():
    rng = np.random.default_rng(0)
    luma = rng.random((40, 200), dtype=np.float32)
    near = np.zeros(luma.shape, bool)
    near[10:14, 10:20] = True
    both = near.copy()
    both[20:25, 150:170] = True
    assert np.allclose(fill(luma, both)[near], fill(luma, near)[near], atol=1e-6)


def test_fill_of_a_deep_hole_joins_its_coarse_middle_without_a_step():
    luma = np.tile(np.sin(np.arange(160) / 25).astype(np.float32), (160, 1))
    hole = np.zeros(luma.shape, bool)
    hole[30:130, 30:130] = True
    filled = fill(np.where(hole, 0, luma).astype(np.float32), hole)
    steps = np.abs(np.diff(filled, axis=0))[31:129, 31:129]
    assert steps.max() < 0.05


def test_guided_fill_is_the_guide_far_from_known_pixels():
    guide = np.full((400, 400), 0.7, np.float32)
    luma = np.full((400, 400), 0.2, np.float32)
    hole = np.zeros(guide.shape, bool)
    hole[50:350, 50:350] = True
    filled = fill(luma, hole, guide)
    assert np.allclose(filled[200, 200], 0.7)
    assert abs(filled[51, 200] - 0.2) < 0.05
    middle = filled[50 + GUIDE_RADIUS + 2 : 200, 200]
    assert np.allclose(middle, 0.7)


def test_guided_fill_takes_a_window_without_a_known_pixel():
    guide = np.full((32, 32), 0.4, np.float32)
    assert np.array_equal(fill(np.zeros_like(guide), np.ones((32, 32), bool), guide), guide)


def test_classical_backbone_fills_each_window_of_a_batch_alone():
    rng = np.random.default_rng(1)
    luma = rng.random((3, 20, 20), dtype=np.float32)
    hole = rng.random((3, 20, 20)) < 0.2
    batch = ClassicalBackbone().complete(luma, hole)
    for i in range(3):
        assert np.array_equal(batch[i], fill(luma[i], hole[i]))
