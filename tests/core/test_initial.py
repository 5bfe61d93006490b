"""The classical fills."""

import numpy as np
import pytest
from eii.external.classical import ClassicalBackbone
from eii.external.initial import (
    GUIDE_RADIUS,
    biharmonic,
    fill,
    push_pull,
    stiffness,
    tension,
)
from eii.external.rim import doubtful_rim
from eii.image.around import describe_around
from eii.image.hole import may_be_deeper, rough_depth, spread_square
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

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
    one, other = (tension(luma, hole, strength=0.2) for hole in (both, near))
    assert np.allclose(one[near], other[near], atol=1e-6)


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


def test_stiffness_is_low_for_smooth_images_and_blind_to_gain_and_offset():
    rng = np.random.default_rng(0)
    grainy = rng.random((60, 60), dtype=np.float32)
    smooth = ndimage.gaussian_filter(grainy, 3)
    hole = np.zeros(grainy.shape, bool)
    hole[20:30, 20:30] = True
    assert stiffness(smooth, hole) < 0.02 * stiffness(grainy, hole)
    assert stiffness(3 * smooth + 7, hole) == pytest.approx(stiffness(smooth, hole), rel=0.01)
    assert stiffness(np.ones_like(smooth), hole) == 0


def test_plate_of_smooth_images_is_as_good_as_the_biharmonic_and_better_on_grainy_ones():
    rng = np.random.default_rng(1)
    hole = np.zeros((128, 128), bool)
    hole[:, 30:34] = hole[:, 80:84] = True
    for sigma, gain in ((4, 0.98), (0.4, 0.9)):
        truth = ndimage.gaussian_filter(rng.random(hole.shape, dtype=np.float32), sigma)
        plate, bent = (np.abs(f(truth, hole) - truth)[hole].mean() for f in (tension, biharmonic))
        assert plate <= bent / gain if sigma == 4 else plate <= gain * bent


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)), st.integers(1, 14))
def test_may_be_deeper_never_misses_a_deep_pixel(hole, pixels):
    hole[0, 0] = False
    grown = hole.repeat(4, axis=0).repeat(4, axis=1)
    deepest = ndimage.distance_transform_edt(grown).max()
    assert may_be_deeper(grown, pixels) or deepest <= pixels
    rough = rough_depth(grown)
    assert np.array_equal(rough > 0, grown)
    assert abs(rough.max() - deepest) <= max(1, 0.15 * deepest)


def test_rim_of_a_defect_is_doubted_and_an_edge_across_the_hole_is_not():
    luma = np.full((60, 60), 0.6, np.float32)
    luma[:, 30:] = 0.2
    luma += np.random.default_rng(2).normal(0, 0.01, luma.shape).astype(np.float32)
    hole = np.zeros(luma.shape, bool)
    hole[25:31, 10:14] = hole[40:46, 20:40] = True
    speck = spread_square(hole, 1) & ~hole
    speck[38:48] = False
    luma[speck] = 0.05
    rim = doubtful_rim(luma, hole, describe_around(luma, hole))
    assert rim[speck].all()
    assert rim[~speck].mean() < 0.002


def test_a_few_pixels_far_off_are_no_bound_of_what_is_deep():
    # Ranges were taken from cells of which some saw a single known pixel: squares were the result.
    rng = np.random.default_rng(0)
    spots = np.float32(ndimage.gaussian_filter(rng.normal(0, 1, (192, 192)), 2) > 0.02)
    y, x = np.mgrid[:192, :192]
    hole = np.hypot(y - 96, x - 96) < 64
    deep = np.hypot(y - 96, x - 96) < 48
    filled = fill(ndimage.gaussian_filter(spots, 1), hole)
    steps = [np.abs(np.diff(filled, axis=axis))[:191, :191][deep[:191, :191]] for axis in (0, 1)]
    assert max(step.max() for step in steps) < 0.05
