"""Finding of defects: of each kind, on any dtype, whatever the blocks, threads and planes."""

import json
import subprocess
import sys

import eii
import numpy as np
import pytest
import tifffile
import zarr
from eii.cli import app
from eii.errors import HoleError, ImageError, OptionError, OutputPathError
from eii.evaluation.defects import DEFECTS
from eii.finders import found as found_module
from eii.finders.film import SCRATCHES, Asked, Film
from eii.finders.kind import View
from eii.finders.kinds import ALL
from eii.image.geometry import Box
from scipy import ndimage
from skimage import data
from typer.testing import CliRunner

RGB = data.astronaut()[100:400, 100:420]
GRAY = data.camera()[:300, :320]
CLASSICAL = eii.RestoreOptions("classical")
PIXELWISE = ("hot-pixels", "dead-lines", "saturated", "missing")


def find(image, *kinds, **options):
    axes = options.pop("axes", None)
    given = eii.DetectOptions(kinds, **{"grow": 0, **options})
    return eii.detect(image, options=given, axes=axes)


def marked(image, *kinds, **options):
    return np.asarray(find(image, *kinds, **options)) > 0


def made(kind, image=RGB, seed=0):
    """Return an image with made-up defects, as it would be stored, and where they are."""
    clean = image.astype(np.float32) / 255
    changed, truth = DEFECTS[kind](clean, np.random.default_rng(seed))
    return np.rint(changed * 255).astype(np.uint8), truth


def f1(found, truth):
    """Return the F1 of what was found; the rim of the truth, of one pixel, does not count."""
    right, false = (found & truth).sum(), (found & ~ndimage.binary_dilation(truth)).sum()
    missed = (~found & ndimage.binary_erosion(truth)).sum() if truth.sum() > 400 else 0
    return 2 * right / (2 * right + false + missed)


@pytest.mark.parametrize("kind", ["hot-pixels", "dead-lines", "saturated", "missing", "infrared"])
def test_made_up_defects_are_found(kind):
    image, truth = made(kind)
    found = marked(image, kind, axes="yxc")
    assert f1(found, truth) > 0.8
    assert (found & truth).sum() > 0.5 * truth.sum()


@pytest.mark.parametrize("kind", ["pen-marks", "stamps"])
def test_ink_is_found_on_a_page(kind):
    page = np.full((300, 320, 3), (236, 228, 205), np.uint8)
    page[40:280:20, 30:290] = 40
    image, truth = made(kind, page)
    assert f1(marked(image, kind), truth) > 0.8
    assert not marked(page, kind).any()


@pytest.mark.parametrize("kind", PIXELWISE)
@pytest.mark.parametrize("image", [RGB, GRAY], ids=["rgb", "gray"])
def test_clean_images_have_no_defects(kind, image):
    assert marked(image, kind).mean() < 0.001


LARGE = ("stains", "punch-holes", "stamps", "folds", "bubbles")


@pytest.mark.parametrize("kind", [*PIXELWISE, *LARGE])
def test_what_is_found_does_not_follow_from_blocks_or_threads(kind, monkeypatch):
    image, _ = made(kind if kind in DEFECTS else "missing")
    options = eii.DetectOptions((kind,))
    whole = np.asarray(eii.detect(image, options=options, workers=1))
    monkeypatch.setattr(found_module, "SIDE", 64)
    assert np.array_equal(whole, np.asarray(eii.detect(image, options=options, workers=3)))
    chunked = zarr.create_array({}, shape=image.shape, chunks=(50, 70, 3), dtype=np.uint8)
    chunked[:] = image
    found = eii.detect(chunked, options=options, axes="yxc")
    assert np.array_equal(whole, np.asarray(found))


@pytest.mark.parametrize("kind", ["hot-pixels", "dead-lines", "missing"])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64, np.int16])
def test_what_is_found_does_not_follow_from_the_dtype(kind, dtype):
    image, truth = made(kind, GRAY[..., np.newaxis])
    wide = image[..., 0].astype(dtype) * (100 if dtype in (np.uint16, np.int16) else 1)
    found = marked(wide, kind)
    assert f1(found, truth) > 0.75
    same = marked(image[..., 0], kind)
    assert (found != same).mean() < 0.002


def test_channels_have_defects_of_their_own():
    stack = np.stack([GRAY, GRAY // 2, GRAY // 3])
    stack[1, 50, 60] = 255
    stack[2, :, 33] = 0
    found = find(stack, "hot-pixels", "dead-lines", axes="cyx")
    labels = np.asarray(found)
    assert found.axes == "cyx"
    assert labels[1, 50, 60] == 1
    assert labels[0, 50, 60] == labels[2, 50, 60] == 0
    assert (labels[2, :, 33] == 2).mean() > 0.8
    assert not (labels[:2, :, 33] == 2).any()
    restored = eii.restore(stack, labels, axes="cyx", options=CLASSICAL)
    assert restored[1, 50, 60] < 140
    assert np.array_equal(restored[labels == 0], stack[labels == 0])
    assert not np.array_equal(restored[2], stack[2])


def test_defects_of_the_sensor_are_those_of_most_planes():
    rng = np.random.default_rng(0)
    planes = np.stack([np.roll(GRAY, 17 * n, axis=1) for n in range(6)])
    planes = np.clip(planes + rng.normal(0, 2, planes.shape), 0, 250).astype(np.uint8)
    planes[:, 100, 100] = 255  # stays
    planes[2, 200, 150] = 255  # comes and goes
    found = marked(planes, "hot-pixels", axes="tyx")
    assert found[:, 100, 100].all()
    assert not found[:, 200, 150].any()
    assert (found == found[0]).all()
    alone = marked(planes, "hot-pixels", axes="tyx", fixed=False)
    assert alone[2, 200, 150]


def test_a_camera_of_12_bits_is_clipped_below_the_end_of_the_dtype():
    image = np.minimum(GRAY.astype(np.uint16) * 15, 4000)
    image[40:50, 60:72] = 4095
    found = marked(image, "saturated")
    assert found[40:50, 60:72].all()
    assert found.sum() == 120


def test_missing_follows_what_the_caller_declares(tmp_path):
    image = np.maximum(GRAY, 1)
    image[100:150, 40:90] = 0
    whole = marked(image, "missing")
    assert whole[100:150, 40:90].all()
    assert whole.sum() == 2500
    holes = image.astype(np.float32)
    holes[holes == 0] = np.nan
    assert np.array_equal(marked(holes, "missing"), whole)
    file = tmp_path / "declared.tif"
    marks = np.where(whole, 255, np.minimum(image, 254)).astype(np.uint8)
    tifffile.imwrite(file, marks, extratags=[(42113, "s", 0, "255", True)])
    assert np.array_equal(marked(file, "missing"), whole)


def test_a_dark_ground_is_not_missing():
    y, x = np.mgrid[:300, :320]
    image = np.where(np.hypot(y - 150, x - 160) + 12 * np.sin(x / 7) < 90, 120, 0).astype(np.uint8)
    assert not marked(image, "missing").any()


def scan_with_infrared(shift=(0, 0)):
    image, truth = made("infrared")
    infrared = np.roll(image[..., 3], shift, axis=(0, 1))
    return image[..., :3], infrared, truth


def test_infrared_may_be_a_file_of_its_own_a_page_and_a_little_off(tmp_path):
    scan, infrared, truth = scan_with_infrared((3, -2))
    tifffile.imwrite(tmp_path / "scan.tif", scan, photometric="rgb")
    tifffile.imwrite(tmp_path / "ir.tif", infrared)
    found = marked(tmp_path / "scan.tif", "infrared", ir=str(tmp_path / "ir.tif"))
    assert f1(found, truth) > 0.8
    with tifffile.TiffWriter(tmp_path / "hdri.tif") as pages:
        pages.write(scan, photometric="rgb")
        pages.write(infrared, photometric="minisblack")
    given = eii.DetectOptions(("infrared",), grow=0, ir="#1")
    paged = np.asarray(eii.detect(tmp_path / "hdri.tif", options=given, series=0)) > 0
    assert np.array_equal(found, paged)


def test_infrared_of_another_size_or_without_any_is_an_error(tmp_path):
    tifffile.imwrite(tmp_path / "ir.tif", GRAY[:100])
    with pytest.raises(ImageError, match="cannot be compared"):
        marked(RGB, "infrared", ir=str(tmp_path / "ir.tif"))
    with pytest.raises(ImageError, match="needs an infrared channel"):
        marked(RGB, "infrared")
    with pytest.raises(ImageError, match="none of number 7"):
        marked(RGB, "infrared", ir_channel=7)


def test_the_dyes_leak_is_no_defect():
    image, _ = made("infrared")
    clean = image.astype(float)
    red = np.clip(clean[..., 0], 5, 255) / 255
    clean[..., 3] = 255 * (0.75 + 0.12 * np.log(red)) + np.random.default_rng(0).normal(
        0, 1.5, red.shape
    )
    assert marked(clean.astype(np.uint8), "infrared", axes="yxc", ir_channel=3).mean() < 0.02


def test_what_differs_from_a_reference_is_found(tmp_path):
    before = np.roll(GRAY, (2, 5), axis=(0, 1)) * 0.8 + 20
    now = GRAY.copy()
    now[60:70, 80:100] = 250
    now[200:204, 40:120] = 10
    truth = now != GRAY
    tifffile.imwrite(tmp_path / "before.tif", before.astype(np.uint8))
    found = marked(now, "difference", reference=str(tmp_path / "before.tif"))
    assert f1(found, truth) > 0.8
    stack = np.stack([GRAY, now, GRAY])
    assert f1(marked(stack, "difference", axes="zyx", fixed=False)[1], truth) > 0.8
    with pytest.raises(ImageError, match="needs a `reference`"):
        marked(GRAY, "difference")


def test_stains_and_punched_holes_are_found_on_a_page():
    rng = np.random.default_rng(0)
    page = (225 + rng.normal(0, 2, (700, 500))).astype(np.uint8)
    page[100:600:20, 90:430] = 30
    y, x = np.mgrid[:700, :500]
    clean = page.copy()
    stain = np.hypot((y - 420) / 80, (x - 300) / 100) < 1
    page[stain] = (page[stain] * 0.8).astype(np.uint8)
    holes = (np.hypot(y - 200, x - 35) < 9) | (np.hypot(y - 500, x - 35) < 9)
    page[holes] = 20
    assert f1(marked(page, "punch-holes"), holes) > 0.9
    found = marked(page, "stains")
    assert f1(found, stain) > 0.7
    assert not marked(clean, "punch-holes").any()
    assert not marked(clean, "stains").any()


def test_folds_are_found_in_a_stained_section():
    rng = np.random.default_rng(0)
    tissue = np.array([215, 160, 200]) + rng.normal(0, 8, (300, 320, 1))
    truth = np.zeros((300, 320), bool)
    truth[120:140, 20:300] = True
    tissue[truth] = (105, 30, 110)
    assert f1(marked(tissue.clip(0, 255).astype(np.uint8), "folds"), truth) > 0.8
    gray = tissue.mean(axis=2, keepdims=True).repeat(3, axis=2).clip(0, 255).astype(np.uint8)
    assert not marked(gray, "folds", axes="yxc").any()  # dark grains of a metal, say


def segment_bright(luma):
    """Return a fake network's logits: what is bright is a scratch."""
    own = np.where(luma > luma.mean() + 3 * luma.std(), 9.0, -9.0)
    return np.stack([own, np.full_like(own, -9.0)]).astype(np.float32)


def test_the_network_is_asked_by_squares_of_its_own_lattice():
    image = np.full((1500, 1300, 1), 90, np.uint8)
    image[300:1400, 700:703] = 250
    image[5:8, 5:8] = 250  # too short for a scratch
    shapes = []

    def segment(pixels):
        shapes.append(pixels.shape)
        return segment_bright(pixels[..., 0])

    view = View(lambda box: image[box.slices], (1500, 1300), rgb=False, dtype=image.dtype)
    finder = Film(view, 0.5, Asked(segment, 8), SCRATCHES)
    (found,) = found_module.find(view, [finder], lambda calls: (call() for call in calls))
    whole = found.read(found_module.block_at((0, 0), (1500, 1300)).grow(0))
    assert whole[300:1024, 700:703].all()
    assert not whole[5:8, 5:8].any()
    assert max(max(s) for s in shapes) <= 512 + 2 * 48
    assert len(shapes) == 9


def segment_narrow(pixels):
    """Return a fake network's logits: what is bright and less than nine pixels wide."""
    luma = pixels[..., 0]
    own = np.where(luma - ndimage.grey_opening(luma, (1, 9)) > 50, 9.0, -9.0)
    return np.stack([own, np.full_like(own, -9.0)]).astype(np.float32)


def test_by_default_what_is_very_sure_of_the_image_made_small_counts():
    square = Box(0, 0, 64, 64)
    for logit, most in ((9.0, 4.0), (6.0, 1.0)):

        def segment(pixels, logit=logit):
            return np.full((2, *pixels.shape[:2]), -9 if len(pixels) == 64 else logit, np.float32)

        pixels = np.ones((64, 64, 1), np.float32)
        assert (Asked(segment).of(pixels, square, square) == most).all()
        assert (Asked(segment, 16).of(pixels, square, square) == logit - 1).all()
        assert (Asked(segment, 8).of(pixels, square, square) == -9).all()


@pytest.mark.parametrize(("widest", "scale"), [(1, 1), (8, 1), (16, 2), (17, 4), (64, 8)])
def test_wide_scratches_are_found_in_the_image_made_small(widest, scale):
    image = np.full((701, 1301, 1), 90, np.uint8)
    truth = np.zeros((701, 1301), bool)
    truth[100:600, 500:520] = True  # across squares of the lattice
    truth[:, 1020:1024] = True
    image[truth] = 250
    view = View(lambda box: image[box.slices], truth.shape, rgb=False, dtype=image.dtype)
    asked = Asked(segment_narrow, widest)
    assert asked.scale == scale
    finder = Film(view, 0.5, asked, SCRATCHES)
    (found,) = found_module.find(view, [finder], lambda calls: (call() for call in calls))
    whole = np.zeros_like(truth)
    for cell in found.cells():
        box = found_module.block_at(cell, truth.shape)
        whole[box.slices] = found.block(cell)
    assert whole[:, 1020:1024].all()
    assert (whole[100:600, 500:520].mean() > 0.99) == whole[100:600, 500:520].any() == (scale > 2)
    assert not (whole & ~ndimage.binary_dilation(truth, iterations=2 * scale)).any()


@pytest.mark.parametrize("kind", [*PIXELWISE, "stains", "punch-holes", "bubbles"])
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (3, 1), (9, 9)])
def test_tiny_and_constant_images_have_no_defects(kind, shape):
    assert not marked(np.full(shape, 7, np.uint8), kind).any()
    assert not marked(np.full((64, 64), 9.5, np.float32), kind).any()


@pytest.mark.parametrize("kind", ["hot-pixels", "dead-lines", "saturated"])
def test_images_with_nan_and_infinity_are_looked_at(kind):
    image = GRAY.astype(np.float32)
    image[10:20, 30:40], image[50, 50] = np.nan, np.inf
    found = marked(image, kind)
    assert not found[12:18, 32:38].any()


def test_wrong_kinds_and_options_are_told():
    with pytest.raises(OptionError, match=r"must be one of hot-pixels, dead-lines.*; got 'dirt'"):
        marked(GRAY, "dirt")
    with pytest.raises(ImageError, match=r"needs red, green and blue.*What fits: hot-pixels"):
        marked(GRAY, "stamps")
    for wrong in (
        {"kinds": ()},
        {"sensitivity": 1.5},
        {"grow": -1},
        {"most": 0},
        {"min_size": 9, "max_size": 3},
        {"max_width": 0},
        {"max_width": 65},
    ):
        with pytest.raises(OptionError):
            eii.DetectOptions(**{"kinds": ("dust",), **wrong})


def test_every_kind_has_a_finder_and_a_label_of_its_own():
    assert tuple(kind.name for kind in ALL) == eii.KINDS
    assert len({kind.label for kind in ALL}) == len(ALL)


def test_sizes_and_growth_are_as_asked():
    image = np.full((64, 64), 100, np.uint8)
    image[10:14, 10:14], image[40:52, 40:52] = 255, 255
    assert marked(image, "saturated").sum() == 16 + 144
    assert marked(image, "saturated", min_size=20).sum() == 144
    assert marked(image, "saturated", max_size=20).sum() == 16
    assert marked(image, "saturated", max_size=20, grow=2).sum() == 64


def test_labels_are_read_by_slices():
    image, _ = made("hot-pixels")
    image[:, 55] = 3
    found = find(image, "hot-pixels", "dead-lines")
    whole = np.asarray(found)
    assert set(np.unique(whole)) == {0, 1, 2}
    assert np.array_equal(found[20:90, 30:200], whole[20:90, 30:200])
    assert np.array_equal(found[33], whole[33])
    assert found.names == {1: "hot-pixels", 2: "dead-lines"}
    assert found.share() == pytest.approx((whole > 0).mean())
    assert not find(RGB[:20, :20], "missing").may_hold((slice(0, 20), slice(0, 20)))
    restored = eii.restore(image, found, options=CLASSICAL)
    assert np.array_equal(restored[whole == 0], image[whole == 0])
    assert not np.array_equal(restored, image)


def test_a_label_image_is_a_hole_as_it_is(tmp_path):
    image, _ = made("dead-lines")
    options = eii.DetectOptions(("dead-lines", "hot-pixels"))
    done = eii.detect_to_zarr(
        image, tmp_path / "defects.zarr", options=options, preview=tmp_path / "p.png"
    )
    assert done.marked > 0
    described = json.loads((tmp_path / "defects.zarr" / "zarr.json").read_text())["attributes"]
    label = described["ome"]["image-label"]
    assert {p["label-value"]: p["kind"] for p in label["properties"]} == done.labels.names
    hole = eii.open_source(tmp_path / "defects.zarr")
    assert np.array_equal(np.asarray(hole.array[...]), np.asarray(done.labels))
    eii.restore_to_zarr(image, tmp_path / "defects.zarr", tmp_path / "out.zarr", options=CLASSICAL)
    assert (tmp_path / "p.png").stat().st_size > 1000
    with pytest.raises(OutputPathError, match="exists"):
        eii.detect_to_zarr(image, tmp_path / "defects.zarr", options=options)


def test_finding_and_restoring_in_one_run_keeps_what_was_found(tmp_path):
    image, truth = made("dead-lines")
    tifffile.imwrite(tmp_path / "in.tif", image, photometric="rgb")
    options = eii.DetectOptions(("dead-lines",))
    out = tmp_path / "out.zarr"
    eii.restore_to_zarr(tmp_path / "in.tif", None, out, detect=options, options=CLASSICAL)
    labels = np.asarray(zarr.open_array(out / "labels" / "defects" / "0")[:])
    assert np.array_equal(labels, np.asarray(eii.detect(image, options=options)))
    assert np.array_equal(labels > 0, zarr.open_array(out / "labels" / "inpainted" / "0")[:] > 0)
    assert eii.verify(tmp_path / "in.tif", out).difference is None
    own = json.loads((out / "zarr.json").read_text())["attributes"]["eii"]
    assert own["detect"]["kinds"] == ["dead-lines"]
    clean = RGB.astype(float)
    after = np.asarray(eii.open_source(out).array[...]).transpose(1, 2, 0)
    assert np.square(after - clean).mean() < 0.3 * np.square(image - clean).mean()
    assert truth.any()


def test_too_much_is_not_filled_unless_allowed(tmp_path):
    image = np.maximum(GRAY, 1)
    image[:150, :200] = 0
    options = eii.DetectOptions(("missing",))
    with pytest.raises(HoleError, match=r"31\.\d% of the image would be filled"):
        eii.restore_to_zarr(image, None, tmp_path / "o.zarr", detect=options, options=CLASSICAL)
    allowed = eii.DetectOptions(("missing",), most=0.5)
    eii.restore_to_zarr(image, None, tmp_path / "o.zarr", detect=allowed, options=CLASSICAL)
    with pytest.raises(OptionError, match="not both"):
        eii.restore_to_zarr(image, image, tmp_path / "p.zarr", detect=allowed)


def test_the_commands_find_and_restore(tmp_path):
    image, _ = made("hot-pixels")
    tifffile.imwrite(tmp_path / "in.tif", image, photometric="rgb")

    def run(*arguments):
        command = [sys.executable, "-m", "eii.cli", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run("detect", "in.tif", "found.zarr", "--kind", "hot-pixels", "--quiet")
    assert done.returncode == 0
    assert "labels: hot-pixels 1" in done.stdout
    fast = ("--backbone", "classical", "--quiet")
    done = run("restore", "in.tif", "out.zarr", "--detect", "hot-pixels", *fast)
    assert done.returncode == 0, done.stderr
    assert run("verify", "in.tif", "out.zarr").returncode == 0
    wrong = run("restore", "in.tif", "again.zarr", *fast)
    assert wrong.returncode == 2
    assert "IMAGE, HOLE and OUT" in wrong.stderr
    assert run("detect", "in.tif", "x.zarr", "--kind", "dirt").returncode == 2


@pytest.mark.parametrize(
    ("command", "asked", "named"),
    [
        ("detect", "eii.defects.detect_to_zarr", ("options", "--kind", "scan.tif", "out.zarr")),
        ("restore", "eii.api.restore_to_zarr", ("detect", "--detect", "scan.tif", "out.zarr")),
        ("batch", "eii.batch.run.run_batch", ("detect", "--detect", "*.tif", "--out=results")),
    ],
)
def test_what_is_asked_for_at_the_command_line_is_what_is_looked_for(
    monkeypatch, tmp_path, command, asked, named
):
    told = {}

    def note(*_, **given):
        told.update(given)
        raise OptionError("noted")

    monkeypatch.chdir(tmp_path)
    tifffile.imwrite("scan.tif", GRAY)
    monkeypatch.setattr(asked, note)
    name, flag, *places = named
    how = {"sensitivity": 0.7, "max_width": 24, "ir_channel": 2, "ir": "ir.tif"}
    flags = [f"--{key.replace('_', '-')}={value}" for key, value in how.items()]
    CliRunner().invoke(app, [command, *places, f"{flag}=dust,scratches", *flags])
    assert told[name] == eii.DetectOptions(("dust", "scratches"), **how)


@pytest.mark.parametrize("side", [300, 1200])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_bubbles_are_found_on_a_bright_ground_at_any_size(side, dtype):
    rng = np.random.default_rng(2)
    ground = np.clip(0.8 + ndimage.gaussian_filter(rng.normal(0, 0.5, (side, side)), 3), 0, 1)
    ground = np.repeat(ground[..., np.newaxis], 3, axis=2).astype(np.float32)
    cells = ndimage.gaussian_filter(rng.random((side, side)) < 0.001, 2.0) > 0.02
    ground[cells] *= (0.5, 0.3, 0.6)
    changed, truth = DEFECTS["bubbles"](ground, rng)
    scale = 1 if dtype == np.float32 else np.iinfo(dtype).max
    image, clean = ((a * scale).astype(dtype) for a in (changed, ground))
    assert f1(marked(image, "bubbles", axes="yxc"), truth) > 0.9
    assert not marked(clean, "bubbles", axes="yxc").any()


def test_a_bubble_that_the_edge_cuts_is_found_and_a_dark_disc_is_none():
    y, x = np.mgrid[:300, :300]
    image = np.full((300, 300, 3), 220, np.uint8)
    image[np.abs(np.hypot(y - 150, x - 20) - 50) < 3] = 30
    image[np.hypot(y - 150, x - 200) < 50] = 30
    found = marked(image, "bubbles", axes="yxc")
    assert found[150, 5]
    assert found[150, 60]
    assert not found[150, 200]
    assert found.sum() == pytest.approx((np.hypot(y - 150, x - 20) < 54).sum(), rel=0.1)


def test_a_bubble_that_others_hide_a_third_of_is_found():
    y, x = np.mgrid[:300, :300]
    image = np.full((300, 300, 3), 220, np.uint8)
    truth = np.zeros((300, 300), bool)
    for row, column, radius in ((150, 120, 55), (150, 175, 60)):  # the one in front last
        far = np.hypot(y - row, x - column)
        image[far < radius + 3] = 200
        image[np.abs(far - radius) < 3] = 30
        truth |= far < radius + 4
    found = marked(image, "bubbles", axes="yxc")
    assert f1(found, truth) > 0.95
