"""Boxes around the parts of a hole, found block by block."""

import numpy as np
import pytest
from eii.engine.label import component_boxes, hole_boxes
from eii.engine.touch import touching_pairs
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

HOLES = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=24))


def reader(hole):
    return lambda box: hole[box.slices]


def whole_boxes(hole):
    labels, _ = ndimage.label(hole, np.ones((3, 3)))
    found = ndimage.find_objects(labels)
    return sorted((y.start, x.start, y.stop, x.stop) for y, x in found)


@settings(max_examples=60, deadline=None)
@given(hole=HOLES, block=st.integers(1, 9))
def test_component_boxes_for_any_block_equal_those_of_the_whole(hole, block):
    rows = component_boxes(reader(hole), hole.shape, block=block)
    assert list(map(tuple, rows.tolist())) == whole_boxes(hole)


@settings(max_examples=60, deadline=None)
@given(hole=HOLES, block=st.integers(2, 9))
def test_hole_boxes_are_disjoint_and_hold_every_hole_pixel(hole, block):
    boxes = hole_boxes(reader(hole), hole.shape, block=block)
    count = np.zeros(hole.shape, int)
    for y0, x0, y1, x1 in boxes:
        count[y0:y1, x0:x1] += 1
    assert count.max(initial=0) <= 1
    assert (count[hole] == 1).all()
    assert np.array_equal(boxes, hole_boxes(reader(hole), hole.shape, block=24))


def test_hole_boxes_without_a_hole_is_empty():
    assert hole_boxes(reader(np.zeros((5, 7), bool)), (5, 7)).shape == (0, 4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_hole_boxes_of_a_full_hole_is_one_box(shape):
    assert hole_boxes(reader(np.ones(shape, bool)), shape, block=4).tolist() == [[0, 0, *shape]]


BOXES = st.lists(
    st.tuples(*(st.integers(0, 90),) * 2, *(st.integers(1, 60),) * 2), min_size=0, max_size=30
)


@settings(max_examples=80, deadline=None)
@given(BOXES)
def test_touching_pairs_are_those_that_a_look_at_every_pair_finds(sizes):
    boxes = np.array(sorted((y, x, y + h, x + w) for y, x, h, w in sizes), np.int64).reshape(-1, 4)
    expected = {
        (i, j)
        for j in range(len(boxes))
        for i in range(j)
        if (boxes[i, :2] <= boxes[j, 2:]).all() and (boxes[j, :2] <= boxes[i, 2:]).all()
    }
    found = {tuple(sorted(pair)) for pair in touching_pairs(boxes).T.tolist()}
    assert found == expected


def test_boxes_of_many_parts_in_one_block_equal_those_found_one_by_one():
    hole = np.random.default_rng(0).random((300, 300)) < 0.1
    rows = component_boxes(reader(hole), hole.shape)
    assert len(rows) > 1000
    assert list(map(tuple, rows.tolist())) == whole_boxes(hole)
