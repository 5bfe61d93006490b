"""restore(): arrays in, arrays out."""

import eii
import numpy as np
import pytest
from eii.engine.job import make_job
from eii.engine.packs import DiskPatches, MemoryPatches
from eii.engine.run import Runner
from eii.errors import Cancelled, HoleError, ImageError, OptionError
from eii.external.classical import ClassicalBackbone
from eii.external.stage import load_backbone
from eii.image.dtype import DTYPES
from eii.image.geometry import Box
from eii.image.hole import spread_square
from eii.progress import Reporting, ignore_progress, never_stop
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage import data

LAYOUTS = [("yx", 2), ("yxc", 3), ("yxc", 4), ("cyx", 5), ("zyx", 3), ("tcyx", 2), ("zyxc", 3)]


@st.composite
def damaged(draw):
    axes, count = draw(st.sampled_from(LAYOUTS))
    size = {"y": draw(st.integers(1, 40)), "x": draw(st.integers(2, 40)), "t": 2, "z": 2}
    shape = tuple(size.get(a, count) for a in axes)
    dtype = draw(st.sampled_from(DTYPES))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    image = (rng.random(shape) * (100 if np.dtype(dtype).kind in "ui" else 1)).astype(dtype)
    hole = rng.random((size["y"], size["x"])) < draw(st.floats(0, 0.6))
    hole[0, 0] = False
    return image, hole, axes


def over_image(hole, axes):
    """Return the hole with an axis for each one of the image."""
    index = tuple(slice(None) if a in "yx" else np.newaxis for a in axes)
    return hole[index]


@given(damaged())
def test_restore_leaves_every_known_pixel_as_it_is(case):
    image, hole, axes = case
    before = image.copy()
    result = eii.restore(image, hole, axes=axes)
    assert result.shape == image.shape
    assert result.dtype == image.dtype
    kept = np.broadcast_to(~over_image(hole, axes), image.shape)
    assert np.array_equal(result[kept], image[kept])
    assert np.array_equal(image, before)


@given(damaged())
def test_restore_of_an_empty_hole_is_the_identity(case):
    image, hole, axes = case
    assert np.array_equal(eii.restore(image, np.zeros_like(hole), axes=axes), image)


def test_restore_keeps_alpha_even_in_the_hole():
    image = np.random.default_rng(0).integers(1, 255, (30, 30, 4), np.uint8)
    hole = np.zeros((30, 30), bool)
    hole[5:15, 5:15] = True
    result = eii.restore(image, hole)
    assert np.array_equal(result[..., 3], image[..., 3])
    assert not np.array_equal(result[..., :3], image[..., :3])


def test_restore_with_a_hole_for_each_channel_changes_only_that_channel():
    image = np.random.default_rng(0).integers(0, 999, (3, 30, 30)).astype(np.uint16)
    hole = np.zeros(image.shape, bool)
    hole[1, 5:15, 5:15] = True
    result = eii.restore(image, hole, axes="cyx")
    assert np.array_equal(result[~hole], image[~hole])
    assert not np.array_equal(result[hole], image[hole])


def test_restore_does_not_depend_on_what_the_hole_held():
    rng = np.random.default_rng(2)
    image = rng.integers(0, 255, (60, 60, 3), np.uint8)
    hole = rng.random((60, 60)) < 0.1
    other = image.copy()
    other[hole] = rng.integers(0, 255, (hole.sum(), 3))
    assert np.array_equal(eii.restore(image, hole), eii.restore(other, hole))


def test_restore_fills_nan_that_lies_in_the_hole():
    image = np.ones((20, 20), np.float32)
    image[5, 5] = np.nan
    assert np.array_equal(eii.restore(image, np.isnan(image)), np.ones((20, 20), np.float32))


@pytest.mark.parametrize("backbone", ["classical", "unet", "pixel"])
@settings(max_examples=8)
@given(order=st.permutations(range(6)), workers=st.integers(1, 3))
def test_result_is_the_same_for_any_order_and_workers(tmp_path_factory, backbone, order, workers):
    rng = np.random.default_rng(3)
    image = rng.integers(0, 255, (700, 600), np.uint8)
    hole = np.zeros(image.shape, bool)
    for k in order:
        hole[100 * k : 100 * k + 20, 90 * k : 90 * k + 30] = True
    expected = eii.restore(image, hole, options=eii.RestoreOptions(backbone, workers=1))
    source = eii.open_source(image)
    job = make_job(source, eii.open_hole(hole, source), eii.RestoreOptions())
    store = DiskPatches(tmp_path_factory.mktemp("patches"))
    runner = Runner(job, store, load_backbone(backbone))
    runner.compute(Reporting(ignore_progress, never_stop), workers=workers)
    result = image.copy()
    for box in (Box(300, 0, 700, 600), Box(0, 0, 300, 250), Box(0, 250, 300, 600)):
        runner.paste(result[box.slices][..., np.newaxis], box, [0])
    assert np.array_equal(result, expected)


def test_restore_of_a_deep_hole_has_no_seam():
    y, x = np.indices((1400, 1300), np.float32)
    image = (np.sin(x / 200) * 60 + np.cos(y / 300) * 50 + 128).astype(np.uint8)
    hole = np.zeros(image.shape, bool)
    hole[150:1250, 200:1150] = True
    result = eii.restore(np.where(hole, 0, image).astype(np.uint8), hole).astype(int)
    assert np.abs(np.diff(result, axis=0)).max() <= 8
    assert np.abs(np.diff(result, axis=1)).max() <= 8


def test_grow_fills_a_rim_around_the_hole():
    image = np.full((40, 40), 100, np.uint8)
    image[18:23, 18:23] = 255
    hole = np.zeros(image.shape, bool)
    hole[20, 20] = True
    assert (eii.restore(image, hole, options=eii.RestoreOptions(grow=2)) == 100).all()


def test_progress_counts_every_window_and_stop_raises():
    image, hole = np.zeros((600, 600), np.uint8), np.zeros((600, 600), bool)
    hole[::100, ::100] = True
    reports = []
    eii.restore(image, hole, on_progress=reports.append)
    windows = [r for r in reports if r.stage == "restore"]
    assert [r.done for r in windows] == list(range(1, windows[0].total + 1))
    assert [(r.stage, r.done, r.total) for r in reports[:2]] == [
        ("prepare", 0, 1),
        ("prepare", 1, 1),
    ]
    with pytest.raises(Cancelled, match="Stopped"):
        eii.restore(image, hole, should_stop=lambda: True)


IMAGE = np.zeros((8, 9), np.uint8)
HOLE = np.eye(8, 9, dtype=bool)


@pytest.mark.parametrize(
    ("image", "hole", "error", "message"),
    [
        (IMAGE, HOLE[:5], HoleError, r"\(5, 9\).* does not fit .*\(8, 9\)"),
        (IMAGE, np.ones((8, 9), bool), HoleError, "covers all of plane"),
        (IMAGE.astype(complex), HOLE, ImageError, "complex128"),
        (IMAGE.astype(object), HOLE, ImageError, "object"),
        (IMAGE.astype(np.int64), HOLE, ImageError, "int64"),
        (IMAGE[:0], HOLE[:0], ImageError, "empty"),
        (np.full((8, 9), np.nan, np.float32), HOLE, ImageError, "not finite: nan"),
        (np.full((8, 9), np.inf, np.float32), HOLE, ImageError, "not finite: inf"),
        (IMAGE[0], HOLE[0], ImageError, "cannot be guessed"),
        (IMAGE, HOLE.astype("U1"), HoleError, "no meaning"),
    ],
)
def test_restore_of_bad_input_says_what_is_wrong(image, hole, error, message):
    with pytest.raises(error, match=message):
        eii.restore(image, hole)


def test_restore_with_a_channel_wholly_in_its_hole_is_refused():
    hole = np.zeros((3, 8, 9), bool)
    hole[1] = True
    with pytest.raises(HoleError, match="covers all"):
        eii.restore(np.zeros((3, 8, 9), np.uint8), hole, axes="cyx")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"colour": "magic"}, "`colour` must be one of hybrid, solve"),
        ({"channels": "four"}, "`channels`"),
        ({"device": "tpu"}, "`device`"),
        ({"grow": -1}, "`grow` must be from 0 to 1024"),
        ({"workers": 0}, "`workers` must be 1 or more"),
        ({"principal": -1}, "`principal`"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        eii.RestoreOptions(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backbone": "none"}, "classical"),
        ({"channels": "rgb"}, "three channels"),
        ({"principal": 7}, "from 0 to 1"),
    ],
)
def test_options_that_do_not_fit_the_image_are_refused(options, message):
    image, hole = np.zeros((2, 8, 9), np.uint8), HOLE
    with pytest.raises(OptionError, match=message):
        eii.restore(image, hole, axes="cyx", options=eii.RestoreOptions(**options))


def restored_with_scores(image, hole, **options):
    source = eii.open_source(image)
    job = make_job(source, eii.open_hole(hole, source), eii.RestoreOptions(**options))
    runner = Runner(job, MemoryPatches(), ClassicalBackbone())
    runner.compute(Reporting(ignore_progress, never_stop))
    pixels = image.reshape(*hole.shape, -1).copy()
    return runner.paste(pixels, Box(0, 0, *hole.shape), [0])


def test_guided_fill_stays_within_a_tenth_of_the_known_range():
    rng = np.random.default_rng(1)
    image = (138 + 4000 * (ndimage.gaussian_filter(rng.random((900, 900)), 3) > 0.51)).astype("u2")
    hole = np.zeros(image.shape, bool)
    hole[200:700, 200:700] = True
    result = eii.restore(np.where(hole, 0, image).astype("u2"), hole)
    known = image[~hole].astype(float)
    assert result[hole].min() >= known.min() - 0.1 * np.ptp(known)
    assert result[hole].max() <= known.max() + 0.1 * np.ptp(known)


def test_very_large_fills_of_8_bits_are_dithered_by_less_than_a_level():
    y, x = np.indices((1200, 1200))
    image = (100 + (y + x) / 300).astype(np.float32)
    hole = np.zeros(image.shape, bool)
    hole[200:1000, 200:1000] = True
    levels = image.astype(np.uint8)
    smooth = eii.restore(levels.astype(np.float32), hole)
    eight = eii.restore(levels, hole).astype(float)
    middle = np.s_[400:800, 400:800]
    runs = (np.diff(eight[middle], axis=1) != 0).mean()
    assert runs > 0.05
    assert np.abs(eight - np.rint(eight)).max() == 0
    assert np.abs(eight[middle] - smooth[middle]).max() <= 1.05
    assert np.array_equal(eii.restore(levels, hole), eight)


def test_hybrid_is_solve_in_shallow_holes():
    image = np.random.default_rng(2).integers(0, 255, (200, 200, 3), np.uint8)
    hole = np.zeros((200, 200), bool)
    hole[50:53] = hole[:, 80:84] = True
    one, other = (
        eii.restore(image, hole, options=eii.RestoreOptions(colour=c)) for c in ("hybrid", "solve")
    )
    assert np.array_equal(one, other)


def test_grow_auto_fills_the_rim_of_a_defect_and_no_more():
    rng = np.random.default_rng(3)
    image = (140 + rng.normal(0, 4, (120, 120))).astype(np.uint8)
    hole = np.zeros(image.shape, bool)
    hole[40:48, 40:48] = True
    rim = spread_square(hole, 1) & ~hole
    image[rim] = 40
    grown = restored_with_scores(image, hole, grow="auto")
    assert grown.filled[rim].all()
    assert grown.filled.sum() <= (hole | rim).sum() + 4
    assert np.abs(grown.pixels[..., 0][hole | rim].astype(int) - 140).max() < 25
    kept = restored_with_scores(image, hole)
    assert (kept.pixels[..., 0][rim] == 40).all()
    assert np.abs(kept.pixels[..., 0][hole].astype(int) - 140).max() < 25


def test_tasks_of_a_plane_are_found_without_a_look_at_the_others():
    image, hole = np.zeros((7, 20, 20), np.uint8), np.eye(20, dtype=bool)
    source = eii.open_source(image)
    job = make_job(source, eii.open_hole(hole, source), eii.RestoreOptions())
    runner = Runner(job, MemoryPatches(), ClassicalBackbone())
    assert [runner.numbers_of((z,)) for z in range(7)] == [[z] for z in range(7)]


@pytest.mark.parametrize(("axes", "dtype"), [("yxc", np.uint8), ("cyx", np.uint16)])
def test_channels_known_at_a_pixel_tell_of_those_that_are_not(axes, dtype):
    image = data.astronaut()[:256, :256].astype(dtype)
    image = image if axes == "yxc" else np.moveaxis(image, -1, 0) * 200
    hole = np.random.default_rng(0).random(image.shape) < 0.01
    damaged = np.where(hole, 0, image).astype(dtype)
    together, alone = (
        eii.restore(damaged, hole, axes=axes, options=eii.RestoreOptions(channels=c))
        for c in ("auto", "each")
    )
    for result in (together, alone):
        assert np.array_equal(result[~hole], image[~hole])
    errors = [np.square(r[hole].astype(float) - image[hole]).mean() for r in (together, alone)]
    assert 10 * np.log10(errors[1] / errors[0]) > 3


def test_a_tile_missing_in_one_channel_follows_the_others():
    image = data.astronaut()[:256, :256]
    hole = np.zeros(image.shape, bool)
    hole[60:200, 60:200, 1] = True
    result = eii.restore(np.where(hole, 0, image).astype(np.uint8), hole, axes="yxc")
    assert np.array_equal(result[~hole], image[~hole])
    assert np.abs(result[hole].astype(int) - image[hole]).mean() < 8
    deep = np.zeros((900, 900, 3), bool)
    deep[100:800, 100:800, 2] = deep[:5, :5] = True
    large = np.tile(image, (4, 4, 1))[:900, :900]
    result = eii.restore(np.where(deep, 0, large).astype(np.uint8), deep, axes="yxc")
    assert np.array_equal(result[~deep], large[~deep])
    assert np.abs(result[deep].astype(int) - large[deep]).mean() < 20


def test_nan_in_one_channel_is_filled_from_the_others():
    image = data.astronaut()[:128, :128].astype(np.float32)
    image[30:40, 30:40, 2] = np.nan
    result = eii.restore(image, np.isnan(image), axes="yxc")
    assert np.isfinite(result).all()
    assert np.array_equal(result[..., :2], image[..., :2])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_is_filled_in_its_own_range_and_order(dtype, order, tmp_path):
    y, x = np.indices((80, 90))
    kind = np.dtype(dtype).newbyteorder(order)
    low, high = {"b": (0, 1), "f": (-2.0, 5.0)}.get(kind.kind, (0, 0))
    if kind.kind in "ui":
        limits = np.iinfo(kind)
        low, high = limits.min // 2, limits.max // 2
    share = (np.sin(x / 17) + np.cos(y / 23) + 2) / 4
    image = (low + (high - low) * share + (0.5 if kind.kind == "b" else 0)).astype(kind)
    hole = np.zeros(image.shape, bool)
    hole[30:40, 40:50] = True
    damaged = np.where(hole, 0, image).astype(kind)
    result = eii.restore(damaged, hole)
    assert result.dtype == image.dtype
    assert np.array_equal(result[~hole], image[~hole])
    off = np.abs(result.astype(float) - image.astype(float))[hole]
    assert off.mean() <= 0.02 * (high - low) if kind.kind != "b" else off.mean() < 0.3
    np.save(tmp_path / "a.npy", damaged)
    eii.restore_to_zarr(tmp_path / "a.npy", hole, tmp_path / "o.zarr")
    assert eii.verify(tmp_path / "a.npy", tmp_path / "o.zarr").difference is None
    stored = eii.open_source(tmp_path / "o.zarr")
    assert stored.dtype == np.dtype(dtype)
    assert np.array_equal(stored.read((), Box(0, 0, 80, 90))[..., 0], result)


def test_small_steps_on_a_large_offset_are_kept():
    y, x = np.indices((60, 60))
    for dtype, offset in ((np.float64, 1e9), (np.int32, 2_000_000_000), (np.uint32, 4e9)):
        image = (offset + np.rint(20 * np.sin(x / 9) + y)).astype(dtype)
        hole = np.zeros(image.shape, bool)
        hole[20:24, 20:24] = True
        result = eii.restore(np.where(hole, 0, image).astype(dtype), hole)
        assert np.abs(result.astype(np.float64) - image.astype(np.float64)).max() <= 2


def test_many_channels_with_a_block_larger_than_what_is_sampled():
    base = data.camera()[:400, :400].astype(np.uint16)
    image = np.stack([base * k for k in range(1, 41)])
    hole = np.zeros(base.shape, bool)
    hole[90:310, 90:310] = True
    result = eii.restore(np.where(hole, 0, image).astype(np.uint16), hole, axes="cyx")
    assert np.array_equal(result[:, ~hole], image[:, ~hole])
    # The channels are multiples of one another, and so are what fills them.
    assert np.abs(result[39] / 40.0 - result[19] / 20.0)[hole].max() < 1
