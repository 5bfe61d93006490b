"""The pixels drawn are the pixels filled, or a message says why not."""

import time
import tracemalloc

import numpy as np
import pytest
from conftest import gray
from eii import Box
from eii.errors import HoleError
from napari.layers import Image, Labels, Points, Shapes
from scipy.ndimage import binary_dilation
from skimage.measure import points_in_poly

from napari_eii._figures import inside
from napari_eii._grid import plane_of
from napari_eii._marks import marked

pytestmark = pytest.mark.gui

SHAPE = (64, 80)
WHOLE = Box(0, 0, *SHAPE)
HOLE = np.zeros(SHAPE, np.uint8)
HOLE[20:30, 30:44] = 1
CORNERS = np.array([[19.5, 29.5], [19.5, 43.5], [29.5, 43.5], [29.5, 29.5]])
AFFINE = np.array([[0.8, 0.3, 5.0], [-0.2, 1.1, 2.0], [0.0, 0.0, 1.0]])
PLACES = {
    "plain": {},
    "scale": {"scale": (0.5, 0.25)},
    "translate": {"translate": (30, -4)},
    "rotate": {"rotate": 30, "scale": (2, 2)},
    "shear": {"shear": [0.3]},
    "affine": {"affine": AFFINE},
    "units": {"units": ("um", "um"), "scale": (0.1, 0.1)},
    "labels": {"axis_labels": ("y", "x")},
}


def masks(place):
    yield Labels(HOLE, **place)
    yield Shapes([CORNERS], shape_type="rectangle", **place)
    yield Shapes([CORNERS], shape_type="polygon", **place)
    yield Image(HOLE * 9.0, **place)


def read(layer, image, *, axes="yx", point=(0, 0), plane=(), **how):
    found = marked(layer, image, np.array(point, float), axes=axes, **how)
    return found[(*plane, slice(None), slice(None))]


@pytest.mark.parametrize("place", list(PLACES))
def test_marks_that_lie_as_the_image_does_mark_what_they_show(place):
    image = Image(gray(), **PLACES[place])
    for layer in masks(PLACES[place]):
        assert np.array_equal(read(layer, image), HOLE > 0), type(layer)


@pytest.mark.parametrize("place", [p for p in PLACES if p not in ("units", "labels")])
@pytest.mark.parametrize("kind", range(4))
def test_marks_that_lie_otherwise_mark_where_they_are_shown(place, kind):
    """What the image shows at a pixel's place in the world is asked of the mask itself."""
    image = Image(gray())
    layer = list(masks(PLACES[place]))[kind]
    found = read(layer, image)
    expected = np.zeros(SHAPE, bool)
    for y, x in np.ndindex(SHAPE):
        at = np.asarray(layer.world_to_data(image.data_to_world((y, x))))
        inside = (at > CORNERS[0]) & (at < CORNERS[2])
        expected[y, x] = inside.all()
    if PLACES[place].get("scale", (1, 1))[0] < 1 or place == "affine":
        # Of masks finer than the image's pixels, any mark inside a pixel counts.
        assert found[expected].all()
        expected = found & binary_dilation(expected, np.ones((3, 3), bool))
    # On the border a pixel's centre may fall either way.
    assert (found != expected).sum() <= 0.02 * max(1, expected.sum()) + 4
    assert expected.any() == found.any()


def test_points_are_discs_of_their_size_in_the_world():
    image = Image(gray(), scale=(2, 2))
    found = read(Points([[40, 60]], size=20), image)
    y, x = np.indices(SHAPE)
    assert (found != (np.hypot(y - 20, x - 30) <= 5)).sum() <= 12  # those at 5 exactly
    assert read(Points([[40.6, 60.9]], size=0.1), image).sum() in (1, 2)


def test_lines_have_their_width_in_the_world():
    image = Image(gray(), scale=(0.1, 0.1))
    line = Shapes([[[1.0, 1.0], [1.0, 5.0]]], shape_type="line", edge_width=1.0)
    assert read(line, image)[:, 30].sum() in (10, 11)
    thin = Shapes([[[1.0, 1.0], [1.0, 5.0]]], shape_type="line", edge_width=0.01)
    assert read(thin, image)[:, 12:48].any(axis=0).all()


def test_an_ellipse_is_one():
    found = read(Shapes([CORNERS], shape_type="ellipse"), Image(gray()))
    y, x = np.indices(SHAPE)
    expected = ((y - 24.5) / 5) ** 2 + ((x - 36.5) / 7) ** 2 < 1
    assert (found != expected).sum() <= 6


def test_a_finer_mask_loses_no_speck():
    fine = np.zeros((256, 320), np.uint8)
    fine[101, 141] = 1
    found = read(Labels(fine, scale=(0.25, 0.25)), Image(gray()))
    assert np.argwhere(found).tolist() == [[25, 35]]


def test_a_smaller_mask_is_not_stretched():
    found = read(Labels(np.ones((32, 40), np.uint8)), Image(gray()))
    assert found[:32, :40].all()
    assert found.sum() == 32 * 40


def stack():
    return Image(gray((5, *SHAPE)), scale=(2, 1, 1), translate=(10, 0, 0))


def test_planes_follow_the_world_and_what_is_off_the_stack_marks_nothing():
    image = stack()
    planes = np.zeros((3, *SHAPE), np.uint8)
    planes[1] = HOLE
    layer = Labels(planes, scale=(2, 1, 1), translate=(14, 0, 0))  # begins at plane 2
    there = [read(layer, image, axes="zyx", plane=(z,)).any() for z in range(5)]
    assert there == [False, False, False, True, False]
    at = np.insert(CORNERS, 0, 16.0, axis=1)
    there = [read(Shapes([at]), image, axes="zyx", plane=(z,)).any() for z in range(5)]
    assert there == [False, False, False, True, False]
    beyond = Shapes([np.insert(CORNERS, 0, 40.0, axis=1)])
    assert not any(read(beyond, image, axes="zyx", plane=(z,)).any() for z in range(5))


def test_flat_marks_hold_for_every_plane_or_for_the_current_one():
    image = stack()
    there = [read(Labels(HOLE), image, axes="zyx", plane=(z,)).any() for z in range(5)]
    assert there == [True] * 5
    only = {"z": plane_of(image, np.array([99.0, 16.0, 0.0, 0.0]), 1)}
    there = [read(Labels(HOLE), image, axes="zyx", plane=(z,), only=only).any() for z in range(5)]
    assert there == [False, False, False, True, False]
    with pytest.raises(HoleError, match="not one of"):
        plane_of(image, np.array([50.0, 0.0, 0.0]), 1)


def test_a_mask_with_more_axes_counts_where_the_viewer_stands():
    planes = np.zeros((3, *SHAPE), np.uint8)
    planes[1] = HOLE
    image = Image(gray())
    assert read(Labels(planes), image, point=(1.0, 0, 0)).any()
    assert not read(Labels(planes), image, point=(2.0, 0, 0)).any()


def test_channels_have_holes_of_their_own_or_share_one():
    image = Image(gray((2, *SHAPE)))
    flat = marked(Labels(HOLE), image, np.zeros(3), axes="cyx")
    assert (flat.axes, flat.shape) == ("yx", SHAPE)
    own = np.stack([HOLE, HOLE * 0])
    apart = marked(Labels(own), image, np.zeros(3), axes="cyx")
    assert (apart.axes, apart.shape) == ("cyx", (2, *SHAPE))
    assert np.array_equal(apart[:, :, :], own > 0)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"units": ("nm", "nm")}, "unit 'nanometer' where .* 'micrometer'"),
        ({"axis_labels": ("x", "y")}, "axis 'y' where .* 'x'"),
    ],
)
def test_contradictions_are_refused(how, message):
    image = Image(gray(), units=("um", "um"), axis_labels=("y", "x"))
    with pytest.raises(HoleError, match=message):
        read(Labels(HOLE, **how), image)


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
def test_what_is_tilted_across_planes_is_refused():
    image = stack()
    tilted = Labels(np.zeros((5, *SHAPE), np.uint8), rotate=(0, 20, 0))
    with pytest.raises(HoleError, match="tilted"):
        read(tilted, image, axes="zyx", plane=(0,))
    slanted = np.insert(CORNERS, 0, [10.0, 10.0, 16.0, 16.0], axis=1)
    with pytest.raises(HoleError, match="several planes"):
        read(Shapes([slanted], shape_type="polygon"), image, axes="zyx", plane=(0,))


def test_any_box_reads_as_the_whole():
    image = Image(gray(), rotate=10)
    rng = np.random.default_rng(0)
    for layer in masks({"scale": (1.7, 0.6), "rotate": 25}):
        found = marked(layer, image, np.zeros(2), axes="yx")
        whole = found[:, :]
        for _ in range(5):
            y, x = rng.integers(0, 40, 2)
            assert np.array_equal(found[y : y + 17, x : x + 31], whole[y : y + 17, x : x + 31])


def test_a_line_on_a_large_image_costs_its_own_pixels():
    image = Image(np.broadcast_to(np.uint8(0), (8192, 8192)))
    layer = Shapes([[[10, 10], [8000, 8100]]], shape_type="line", edge_width=5)
    tracemalloc.start()
    begun = time.perf_counter()
    found = marked(layer, image, np.zeros(2), axes="yx")
    count = sum(
        int(found[y : y + 1024, x : x + 1024].sum())
        for y in range(0, 8192, 1024)
        for x in range(0, 8192, 1024)
    )
    spent, (_, peak) = time.perf_counter() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == pytest.approx(np.hypot(7990, 8090) * 5, rel=0.02)
    assert peak < 200e6
    print(f"8192 x 8192 line: {spent:.2f} s, {peak / 1e6:.0f} MB")


def test_inside_is_what_points_in_a_polygon_are():
    rng = np.random.default_rng(0)
    for count in (3, 4, 9, 40):
        corners = rng.uniform(-10, 60, (count, 2))
        y, x = np.mgrid[5:37, 3:50]
        expected = points_in_poly(np.stack([y.ravel(), x.ravel()], 1), corners).reshape(y.shape)
        assert np.array_equal(inside(corners, Box(5, 3, 37, 50)), expected)
