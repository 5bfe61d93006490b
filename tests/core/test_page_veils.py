"""Ink and stains that print shows through: what they took is divided out, the print stays."""

import pickle
from itertools import product

import eii
import numpy as np
import pytest
import zarr
from eii.evaluation.defects import add_stains, add_stamps
from eii.finders.inks import learn_inks
from eii.image.geometry import Box
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

FAST = eii.RestoreOptions("classical", standard_error=True)
PAPER = np.array([0.93, 0.9, 0.84], np.float32)
RED, BLUE = (0.75, 0.15, 0.2), (0.2, 0.25, 0.7)


def page(side=320, *, grain=0.01):
    """Return a page of print, in [0, 1], shape (side, side, 3)."""
    picture = Image.new("L", (side, side))
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(15)
    for row in range(8, side - 16, 19):
        pen.text((8, row), "Of holes, and how they are filled in " * 2, 255, font=font)
    cover = gaussian_filter(np.asarray(picture, np.float32) / 255, 0.6)[..., np.newaxis]
    clean = PAPER * (1 - cover) + np.float32(0.12) * cover
    clean = clean + np.random.default_rng(1).normal(0, grain, clean.shape)
    return np.clip(clean, 0, 1).astype(np.float32)


def bar(clean, ink, rows, *, covering=False):
    """Return a page with a bar of an ink that varies across it, dark print below."""
    cover = np.zeros(clean.shape[:2], np.float32)
    cover[rows, 30:-30] = 1
    cover = (gaussian_filter(cover, 1) * np.linspace(0.5, 0.9, cover.shape[1]))[..., np.newaxis]
    ink = np.array(ink, np.float32)
    if covering:
        hidden = cover > 0.2
        return np.where(hidden, ink, clean).astype(np.float32)
    return (clean * (1 - cover * (1 - ink))).astype(np.float32)


def stored(image, dtype=np.uint8):
    return image if dtype == np.float32 else np.rint(image * np.iinfo(dtype).max).astype(dtype)


def found(image, kind="stamps", **options):
    return eii.detect(image, options=eii.DetectOptions((kind,), **options), axes="yxc")


def restored(image, labels):
    return eii.restore_array(image, labels, axes="yxc", options=FAST)


def error(image, clean, where):
    most = 1.0 if image.dtype.kind == "f" else np.iinfo(image.dtype).max
    return float(np.sqrt(np.square(image[where] / most - clean[where]).mean()))


def assert_alike_in_parts(lifting, image):
    """Fail unless what a veil gives by parts is what it gives of the whole."""
    side = len(image)
    whole = lifting.lifted(Box(0, 0, side, side), image, (0, 1, 2))
    for y, x in product(range(0, side, 64), range(0, side, 80)):
        part = Box(y, x, min(side, y + 64), min(side, x + 80))
        pieces = lifting.lifted(part, image[part.slices], (0, 1, 2))
        for own, all_of in zip(pieces, whole, strict=True):
            assert np.allclose(own, all_of[part.slices], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_print_below_a_stamp_stays(dtype):
    clean = page()
    stamped, truth = add_stamps(clean, np.random.default_rng(4))
    image = stored(stamped, dtype)
    labels = found(image)
    hole = np.asarray(labels) > 0
    assert (hole & truth).sum() > 0.9 * truth.sum()
    lifted, filled = restored(image, labels), restored(image, np.asarray(labels))
    assert error(lifted.image, clean, hole) < 0.3 * error(filled.image, clean, hole)
    assert lifted.image.dtype == dtype
    assert np.array_equal(lifted.image[~hole], image[~hole])


def test_standard_errors_are_of_the_size_of_the_errors():
    clean = page()
    image = stored(add_stamps(clean, np.random.default_rng(4))[0])
    labels = found(image)
    hole = np.asarray(labels) > 0
    done = restored(image, labels)
    within = np.abs(done.image[hole] - 255 * clean[hole]) < done.standard_error[hole]
    assert 0.6 < within.mean() < 0.97
    assert not done.standard_error[~hole].any()


def test_each_of_two_inks_is_divided_out_by_its_own_colour():
    clean = page()
    image = stored(bar(bar(clean, RED, slice(60, 80)), BLUE, slice(200, 220)))
    labels = found(image)
    hole = np.asarray(labels) > 0
    (lifting,) = labels.veils.values()
    assert len(lifting.veils["stamps"].tints) == 2
    lifted, filled = restored(image, labels).image, restored(image, np.asarray(labels)).image
    for rows in (slice(60, 80), slice(200, 220)):
        own = np.zeros_like(hole)
        own[rows] = hole[rows]
        assert own.sum() > 3000
        assert error(lifted, clean, own) < 0.4 * error(filled, clean, own)


@pytest.mark.parametrize("seed", [4, 7], ids=["violet", "blue, which is gray on brown"])
def test_stamps_on_brown_paper_and_print_are_found_and_divided_out(seed):
    brown = np.array([0.8, 0.68, 0.45]) * (page() / PAPER) ** np.array([0.6, 1.0, 1.2])
    clean = np.clip(brown, 0, 1).astype(np.float32)
    stamped, truth = add_stamps(clean, np.random.default_rng(seed))
    image = stored(stamped)
    labels = found(image)
    hole = np.asarray(labels) > 0
    assert (hole & truth).sum() > 0.97 * truth.sum()  # on print, too
    lifted, filled = restored(image, labels), restored(image, np.asarray(labels))
    assert error(lifted.image, clean, hole) < 0.5 * error(filled.image, clean, hole)
    assert not np.asarray(found(stored(clean))).any()


def test_a_stamp_of_thin_lines_is_found():
    image, truth = add_stamps(page(512), np.random.default_rng(3))
    hole = np.asarray(found(stored(image))) > 0
    assert (hole & truth).sum() > 0.8 * truth.sum()


def test_ink_that_covers_is_filled():
    image = stored(bar(page(), BLUE, slice(100, 112), covering=True))
    labels = found(image)
    assert np.asarray(labels).any()
    assert not labels.veils


def test_ink_on_a_stained_section_is_filled():
    rng = np.random.default_rng(0)
    tissue = np.array([0.7, 0.4, 0.65]) + 0.15 * gaussian_filter(rng.normal(0, 6, (256, 256, 3)), 3)
    image = stored(bar(np.clip(tissue, 0, 1).astype(np.float32), (0.05, 0.5, 0.25), slice(90, 110)))
    labels = found(image, "pen-marks")
    assert np.asarray(labels)[95:105].any()
    assert not labels.veils


def test_ink_that_lets_too_little_through_is_filled():
    image = stored(bar(page(), BLUE, slice(100, 120)))
    assert not found(image, transmission=1.0).veils
    labels = found(image, transmission=0.6)
    some, more = restored(image, labels).image, restored(image, found(image)).image
    assert (some != more)[np.asarray(labels) > 0].any()


def test_what_is_lifted_does_not_depend_on_how_it_is_read():
    image = stored(add_stamps(page(), np.random.default_rng(4))[0])
    (lifting,) = found(image).veils.values()
    assert_alike_in_parts(lifting, image)


def test_ink_of_another_picture_is_filled():
    image = stored(add_stamps(page(), np.random.default_rng(4))[0])
    labels = found(image)
    other = image // 2
    assert np.array_equal(restored(other, labels).image, restored(other, np.asarray(labels)).image)


def test_veils_of_ink_are_sent_to_other_processes():
    image = stored(add_stamps(page(), np.random.default_rng(4))[0])
    labels = found(image)
    again = pickle.loads(pickle.dumps(labels))
    assert np.array_equal(restored(image, labels).image, restored(image, again).image)


def test_a_run_that_detects_keeps_the_print_and_the_known_pixels(tmp_path):
    clean = page()
    image = stored(add_stamps(clean, np.random.default_rng(4))[0])
    kinds = eii.DetectOptions(("stamps",))
    out = tmp_path / "out.zarr"
    options = eii.RestoreOptions("classical", channels="rgb")
    eii.restore_to_zarr(image, None, out, detect=kinds, axes="yxc", options=options)
    assert eii.verify(image, out, axes="yxc").difference is None


@pytest.mark.parametrize("marked", [0, 50])
def test_too_little_ink_tells_nothing(marked):
    ink = np.zeros((64, 64), bool)
    ink.flat[:marked] = True
    assert learn_inks([(page(64) * 255, ink)]) is None
    assert learn_inks([]) is None


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_page_without_light_tells_nothing(value):
    ink = np.zeros((64, 64), bool)
    ink[20:40] = True
    dark = np.zeros((64, 64, 3), np.float32)
    assert learn_inks([(dark, ink)]) is None
    image = page().astype(np.float32)
    image[:40] = value
    assert not np.asarray(found(image))[60:].any()


def shaded(clean, ink=0.35):
    """Return a page whose left fifth is ever darker, as towards a fold."""
    x = np.linspace(0, 5, clean.shape[1])
    return (clean * (1 - ink * np.clip(1 - x, 0, 1))[:, np.newaxis]).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_print_below_a_stain_stays(dtype):
    clean = page(512)
    stained, truth = add_stains(clean, np.random.default_rng(0))
    image = stored(stained, dtype)
    labels = found(image, "stains")
    hole = np.asarray(labels) > 0
    assert (hole & truth).sum() > 0.95 * truth.sum()
    assert hole.sum() < 1.15 * truth.sum()
    lifted, filled = restored(image, labels), restored(image, np.asarray(labels))
    assert error(lifted.image, clean, hole) < 0.35 * error(filled.image, clean, hole)
    within = np.abs(lifted.image[hole] / (image.max() / clean.max()) - clean[hole])
    assert np.median(within) < 0.02
    assert np.array_equal(lifted.image[~hole], image[~hole])


def test_stains_of_gray_pages_are_divided_out():
    clean = page(512)[..., :1]
    image = stored(add_stains(clean, np.random.default_rng(0))[0])[..., 0]
    labels = eii.detect(image, options=eii.DetectOptions(("stains",)))
    hole = np.asarray(labels) > 0
    own, other = (eii.restore(image, m, options=FAST) for m in (labels, np.asarray(labels)))
    truth = clean[..., 0]
    assert error(own, truth, hole) < 0.25 * error(other, truth, hole)


@pytest.mark.parametrize(("rim", "is_stain"), [(0.5, True), (2.5, True), (20, False)])
def test_a_stain_has_an_outline_a_soft_one_too_and_shade_has_none(rim, is_stain):
    y, x = np.mgrid[:320, :320]
    disc = np.hypot(y - 160, x - 150) < 70
    darker = 1 - 0.25 * gaussian_filter(disc.astype(np.float32), rim)[..., np.newaxis]
    assert (np.asarray(found(stored(page() * darker), "stains"))[disc] > 0).mean() == is_stain


@pytest.mark.parametrize("kind", ["stains", "stamps"])
def test_shade_towards_a_fold_is_no_defect(kind):
    assert not np.asarray(found(stored(shaded(page(512))), kind)).any()


def test_a_patch_that_covers_is_filled(tmp_path):
    image = page(512)
    image[200:300, 150:280] = (0.6, 0.55, 0.45)
    labels = found(stored(image), "stains")
    assert np.asarray(labels)[210:290, 160:270].all()
    assert not labels.veils
    image[150:400, 150:300] = (0.6, 0.55, 0.45)
    kinds = eii.DetectOptions(("stains",))
    with pytest.raises(eii.errors.HoleError, match="would be filled"):
        eii.restore_to_zarr(stored(image), None, tmp_path / "out.zarr", detect=kinds, axes="yxc")


def test_what_is_lifted_of_a_stain_does_not_depend_on_how_it_is_read():
    image = stored(add_stains(page(512), np.random.default_rng(0))[0])
    (lifting,) = found(image, "stains").veils.values()
    assert_alike_in_parts(lifting, image)


def test_a_written_label_image_is_divided_out_as_what_was_just_found(tmp_path):
    clean = page(512)
    image = stored(add_stains(bar(clean, RED, slice(60, 80)), np.random.default_rng(0))[0])
    kinds = eii.DetectOptions(("stamps", "stains"))  # more than a tenth, but not filled
    eii.detect_to_zarr(image, tmp_path / "labels.zarr", options=kinds, axes="yxc")
    how = {"axes": "yxc", "options": FAST}
    eii.restore_to_zarr(image, tmp_path / "labels.zarr", tmp_path / "two.zarr", **how)
    eii.restore_to_zarr(image, None, tmp_path / "one.zarr", detect=kinds, **how)
    two, one = (zarr.open(tmp_path / name / "0")[...] for name in ("two.zarr", "one.zarr"))
    assert np.array_equal(one, two)
    assert eii.verify(image, tmp_path / "two.zarr", axes="yxc").difference is None


def test_of_a_label_image_that_was_worked_on_only_what_is_left_changes(tmp_path):
    image = stored(bar(bar(page(), RED, slice(60, 80)), RED, slice(200, 220)))
    labels = tmp_path / "labels.zarr"
    eii.detect_to_zarr(image, labels, options=eii.DetectOptions(("stamps",)), axes="yxc")
    zarr.open(labels / "0", mode="r+")[:140] = 0
    out = tmp_path / "out.zarr"
    eii.restore_to_zarr(image, labels, out, axes="yxc", options=FAST)
    done = np.moveaxis(zarr.open(out / "0")[...], 0, 2)
    assert np.array_equal(done[:140], image[:140])
    own = np.s_[205:215, 40:280]
    assert error(done, page(), own) < 0.05 < error(image, page(), own)


def test_a_label_image_of_colours_is_a_mask_for_an_image_without(tmp_path):
    image = stored(bar(page(), RED, slice(60, 80)))
    labels = tmp_path / "labels.zarr"
    eii.detect_to_zarr(image, labels, options=eii.DetectOptions(("stamps",)), axes="yxc")
    gray = np.ascontiguousarray(image[..., 1])
    out = tmp_path / "out.zarr"
    eii.restore_to_zarr(gray, labels, out, axes="yx", options=FAST)
    assert np.array_equal(zarr.open(out / "0")[100:], gray[100:])
