"""The plan: which windows a hole needs."""

import numpy as np
import pytest
from eii.engine.plan import Unit, fit_window, plan_plane
from eii.engine.sizes import GRID, HALO, LEAST_CONTEXT, SIDES, WINDOW
from eii.image.geometry import Box
from hypothesis import given, settings
from hypothesis import strategies as st

SHAPE = (1500, 1300)


def reader(hole):
    return lambda box: hole[box.slices]


def hole_of(*boxes, shape=SHAPE):
    hole = np.zeros(shape, bool)
    for box in boxes:
        hole[box.clip(shape).slices] = True
    return hole


def targets(unit):
    return [Box(*map(int, row)) for row in unit.targets]


RECTANGLES = st.builds(
    lambda y, x, h, w: Box(y, x, y + h, x + w),
    st.integers(0, 1499),
    st.integers(0, 1299),
    st.integers(1, 700),
    st.integers(1, 700),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(RECTANGLES, max_size=6))
def test_plan_fills_every_hole_pixel_inside_its_windows(boxes):
    hole = hole_of(*boxes)
    units = plan_plane(reader(hole), SHAPE)
    filled = np.zeros(SHAPE, bool)
    for unit in units:
        assert max(unit.window.shape) <= WINDOW
        for target in targets(unit):
            assert unit.window.contains(target)
            if unit.level == 0:
                filled[target.slices] = True
    assert filled[hole].all()


@settings(max_examples=25, deadline=None)
@given(st.lists(RECTANGLES, max_size=4))
def test_plan_leaves_context_around_what_a_lone_window_fills(boxes):
    hole = hole_of(*boxes)
    for unit in plan_plane(reader(hole), SHAPE):
        if unit.lattice:
            continue
        for target in targets(unit):
            need = target.grow(max(LEAST_CONTEXT, min(64, max(target.shape) // 2))).clip(SHAPE)
            assert unit.level > 0 or unit.window.contains(need)


def test_plan_of_an_empty_hole_is_empty():
    assert plan_plane(reader(hole_of()), SHAPE) == ()


def test_plan_of_small_parts_near_one_another_is_one_window():
    hole = hole_of(Box(300, 300, 310, 310), Box(330, 310, 335, 340))
    units = plan_plane(reader(hole), SHAPE)
    assert [len(unit.targets) for unit in units] == [2]


def test_plan_of_a_long_scratch_is_not_guided():
    units = plan_plane(reader(hole_of(Box(0, 600, 1500, 603))), SHAPE)
    assert len(units) == 6
    assert all(unit.lattice and not unit.guided and unit.level == 0 for unit in units)


def test_plan_of_a_deep_hole_goes_from_coarse_to_fine():
    units = plan_plane(reader(hole_of(Box(200, 200, 1200, 1100))), SHAPE)
    levels = [unit.level for unit in units]
    assert levels == sorted(levels, reverse=True)
    assert levels.count(max(levels)) == 1
    assert not units[0].guided
    assert all(unit.guided for unit in units if unit.level < max(levels))


SPECKS = st.builds(
    lambda y, x, h, w: Box(y, x, y + h, x + w),
    *(st.integers(0, n) for n in (1490, 1290)),
    *(st.integers(1, 9),) * 2,
)


@settings(max_examples=25, deadline=None)
@given(st.lists(SPECKS, min_size=1, max_size=40))
def test_specks_share_windows_of_few_sizes_and_little_area(boxes):
    hole = hole_of(*boxes)
    units = plan_plane(reader(hole), SHAPE)
    grown = sum(t.grow(LEAST_CONTEXT).area for u in units for t in targets(u))
    for unit in units:
        at_edge = unit.window.y1 == SHAPE[0] or unit.window.x1 == SHAPE[1]
        assert at_edge or set(unit.window.shape) <= set(SIDES)
        assert unit.window.y0 % GRID == unit.window.x0 % GRID == 0
    assert sum(u.window.area for u in units) <= 4 * grown


def test_specks_all_over_cost_little_more_than_the_image():
    hole = np.zeros((4096, 4096), bool)
    hole[::40, ::40] = True
    units = plan_plane(reader(hole), hole.shape)
    assert sum(u.window.area for u in units) < 1.6 * hole.size


@pytest.mark.parametrize(
    ("level", "lattice", "margin"), [(0, True, LEAST_CONTEXT), (1, False, HALO)]
)
def test_fit_window_keeps_the_context_and_stays_in_the_window(level, lattice, margin):
    target = Box(200, 210, 220, 230)
    rows = np.array([[200, 210, 220, 230]])
    unit = Unit(Box(0, 0, 512, 512), rows, level, lattice=lattice)
    fitted = fit_window(unit, SHAPE)
    assert fitted.window == target.grow(margin)
    assert unit.window.contains(fitted.window)
