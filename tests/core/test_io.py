"""Sources, holes, results and exports."""

import os
import subprocess
import sys
import warnings

import eii
import imagecodecs
import numpy as np
import pytest
import tifffile
import zarr
from eii.errors import HoleError, ImageError, OptionError, OutputError, OutputPathError, SourceError
from eii.image.geometry import Box
from eii.internal.hybrid import PULLS
from hypothesis import given, settings
from hypothesis import strategies as st
from ome_zarr.format import FormatV04
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from ome_zarr.writer import write_image
from PIL import Image

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 255, (50, 60), np.uint8)
RGB = RNG.integers(0, 255, (50, 60, 3), np.uint8)
DEEP = RNG.integers(0, 65535, (50, 60), np.uint16)
HOLE = np.zeros((50, 60), np.uint8)
HOLE[10:20, 15:30] = 255


def whole(source, plane=None):
    return source.read(source.planes[0] if plane is None else plane, Box(0, 0, 10**6, 10**6))


def save(path, array):
    Image.fromarray(array).save(path)
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".npy"])
@pytest.mark.parametrize("array", [GRAY, RGB], ids=["gray", "rgb"])
def test_open_source_reads_what_was_written(tmp_path, suffix, array):
    path = tmp_path / f"image{suffix}"
    if suffix == ".npy":
        np.save(path, array)
    elif suffix == ".tif":
        tifffile.imwrite(path, array, photometric="rgb" if array.ndim == 3 else "minisblack")
    else:
        Image.fromarray(array).save(path, lossless=True)
    source = eii.open_source(path)
    gray_webp = suffix == ".webp" and array.ndim == 2
    pixels = whole(source)[..., 0] if array.ndim == 2 else whole(source)
    assert source.is_rgb == (array.ndim == 3 or gray_webp)
    assert np.array_equal(pixels, array)


@pytest.mark.parametrize("shape", [(50, 60), (50, 60, 3), (50, 60, 4)])
def test_open_source_keeps_16_bits_of_a_png(tmp_path, shape):
    array = RNG.integers(0, 65535, shape, np.uint16)
    path = tmp_path / "deep.png"
    path.write_bytes(imagecodecs.png_encode(array))
    source = eii.open_source(path)
    assert source.dtype == np.uint16
    assert np.array_equal(whole(source).reshape(shape), array)


@pytest.mark.parametrize(
    ("axes", "shape"), [("ZYX", (3, 50, 60)), ("CYX", (2, 50, 60)), ("TZCYX", (2, 3, 2, 40, 50))]
)
def test_open_source_reads_an_ome_tiff_by_plane(tmp_path, axes, shape):
    array = RNG.integers(0, 999, shape).astype(np.uint16)
    path = tmp_path / "stack.ome.tif"
    facts = {"axes": axes, "PhysicalSizeX": 0.3, "PhysicalSizeXUnit": "µm"}
    tifffile.imwrite(path, array, metadata=facts)
    source = eii.open_source(path)
    assert source.axes == axes.lower()
    assert source.facts.scale == {"x": 0.3}
    assert source.facts.units == {"x": "micrometer"}
    for plane in source.planes:
        expected = array[plane]
        expected = expected[np.newaxis] if "C" not in axes else expected
        assert np.array_equal(whole(source, plane), np.moveaxis(expected, 0, -1))


def test_open_source_reads_ome_zarr_04_with_its_scale(tmp_path):
    path = tmp_path / "old.zarr"
    array = RNG.integers(0, 999, (2, 50, 60)).astype(np.uint16)
    write_image(
        array,
        zarr.open_group(str(path), mode="w", zarr_format=2),
        axes="cyx",
        fmt=FormatV04(),
        scale_factors=[],
        scale={"c": 1, "y": 0.5, "x": 0.25},
    )
    source = eii.open_source(path)
    assert source.axes == "cyx"
    assert source.facts.scale["x"] == 0.25
    assert np.array_equal(whole(source), np.moveaxis(array, 0, -1))


@settings(max_examples=15)
@given(
    axes=st.sampled_from(["yx", "cyx", "zyx", "tczyx"]),
    dtype=st.sampled_from([np.uint8, np.uint16, np.float32]),
    side=st.integers(2, 40),
)
def test_result_read_again_is_what_restore_gives(tmp_path_factory, axes, dtype, side):
    sizes = {"t": 2, "c": 3, "z": 2, "y": side, "x": side + 3}
    shape = tuple(sizes[a] for a in axes)
    image = (np.random.default_rng(side).random(shape) * 200).astype(dtype)
    hole = np.zeros(shape[-2:], bool)
    hole[side // 2, 1:3] = True
    out = tmp_path_factory.mktemp("out") / "result.zarr"
    eii.restore_to_zarr(image, hole, out, axes=axes)
    expected = eii.restore(image, hole, axes=axes)
    assert np.array_equal(zarr.open_array(f"{out}/0", mode="r")[:], expected)
    assert np.array_equal(eii.open_source(out).array[...], expected)
    assert eii.verify(image, out).difference is None


def test_result_opens_in_ome_zarr_with_its_label_and_pyramid(tmp_path):
    image = np.tile(GRAY, (24, 20))
    hole = np.zeros(image.shape, bool)
    hole[600:640, 500:520] = True
    out = tmp_path / "result.zarr"
    eii.restore_to_zarr(image, hole, out)
    nodes = list(Reader(parse_url(str(out)))())
    assert [level.shape for level in nodes[0].data] == [(1200, 1200), (600, 600), (300, 300)]
    label = zarr.open_array(f"{out}/labels/inpainted/0", mode="r")[:]
    assert np.array_equal(label == 1, hole)
    coarse = zarr.open_array(f"{out}/labels/inpainted/1", mode="r")[:]
    assert np.array_equal(coarse == 1, hole[::2, ::2] | hole[1::2, 1::2])
    attributes = zarr.open_group(str(out), mode="r").attrs.asdict()
    assert attributes["eii"]["filled_pixels"] == hole.sum()
    assert attributes["ome"]["version"] == "0.5"


def test_restore_keeps_scale_units_and_channels_of_its_source(tmp_path):
    first, second = tmp_path / "a.ome.tif", tmp_path / "b.zarr"
    facts = {"axes": "YX", "PhysicalSizeX": 0.3, "PhysicalSizeY": 0.4}
    tifffile.imwrite(first, GRAY, metadata=facts)
    eii.restore_to_zarr(first, HOLE, second)
    again = eii.open_source(second)
    assert again.facts.scale == {"y": 0.4, "x": 0.3}
    assert again.facts.units == {"y": "micrometer", "x": "micrometer"}


@pytest.mark.parametrize("array", [GRAY, RGB, DEEP, RGB.astype(np.uint16) * 200])
def test_export_to_tiff_keeps_dtype_resolution_and_profile(tmp_path, array):
    source, out, tif = tmp_path / "a.tif", tmp_path / "b.zarr", tmp_path / "c.tif"
    tifffile.imwrite(
        source,
        array,
        photometric="rgb" if array.ndim == 3 else "minisblack",
        resolution=(300, 400),
        resolutionunit=2,
        iccprofile=b"profile of the scanner",
    )
    eii.restore_to_zarr(source, HOLE, out)
    eii.export(out, tif)
    with tifffile.TiffFile(tif) as file:
        assert np.array_equal(file.asarray(), eii.restore(array, HOLE))
        tags = file.pages[0].tags
        assert [tags[n].value for n in ("XResolution", "YResolution")] == [(300, 1), (400, 1)]
        assert bytes(tags["InterColorProfile"].value) == b"profile of the scanner"


@pytest.mark.parametrize(("axes", "shape"), [("zyx", (3, 50, 60)), ("tcyx", (2, 5, 600, 700))])
def test_export_of_a_stack_to_tiff(tmp_path, axes, shape):
    image = RNG.integers(0, 999, shape).astype(np.uint16)
    hole = np.zeros(shape[-2:], bool)
    hole[5:9, 5:9] = True
    out, tif = tmp_path / "b.zarr", tmp_path / "c.tif"
    eii.restore_to_zarr(image, hole, out, axes=axes)
    eii.export(out, tif)
    assert np.array_equal(tifffile.imread(tif), eii.restore(image, hole, axes=axes))


@pytest.mark.parametrize("array", [GRAY, RGB, DEEP, RGB.astype(np.uint16) * 200])
def test_export_to_png(tmp_path, array):
    out, png = tmp_path / "b.zarr", tmp_path / "c.png"
    eii.restore_to_zarr(array, HOLE, out)
    eii.export(out, png)
    expected = eii.restore(array, HOLE)
    assert np.array_equal(imagecodecs.png_decode(png.read_bytes()), expected)


def test_export_refuses_what_png_cannot_hold(tmp_path):
    eii.restore_to_zarr(GRAY.astype(np.float32), HOLE, tmp_path / "b.zarr")
    with pytest.raises(OutputPathError, match=r"Export c to \.tif"):
        eii.export(tmp_path / "b.zarr", tmp_path / "c.png")
    with pytest.raises(OutputPathError, match=r"must end with \.tif"):
        eii.export(tmp_path / "b.zarr", tmp_path / "c.bmp")
    assert not (tmp_path / "c.png").exists()


def test_verify_finds_the_first_known_pixel_that_differs(tmp_path):
    out = tmp_path / "b.zarr"
    eii.restore_to_zarr(RGB, HOLE, out)
    array = zarr.open_array(f"{out}/0", mode="r+")
    array[1, 40, 50] = np.uint8(RGB[40, 50, 1] + 1)
    found = eii.verify(RGB, out).difference
    assert (found.channel, found.y, found.x) == (1, 40, 50)
    assert found.result == (found.source + 1) % 256


def test_verify_does_not_mind_a_filled_pixel(tmp_path):
    out = tmp_path / "b.zarr"
    eii.restore_to_zarr(RGB, HOLE, out)
    zarr.open_array(f"{out}/0", mode="r+")[1, 15, 20] = 7
    assert eii.verify(RGB, out).difference is None


def test_hole_of_a_coarser_level_is_repeated():
    image = np.zeros((50, 61), np.uint8)
    coarse = np.zeros((13, 16), bool)
    coarse[2, 3] = True
    source = eii.open_source(image)
    hole = eii.open_hole(coarse, source).read((), Box(0, 0, 50, 61))
    assert np.argwhere(hole).min(axis=0).tolist() == [8, 12]
    assert np.argwhere(hole).max(axis=0).tolist() == [11, 15]
    part = eii.open_hole(coarse, source).read((), Box(9, 5, 30, 14))
    assert np.array_equal(part, hole[9:30, 5:14])


def test_hole_picture_in_colour_counts_any_colour_but_not_alpha(tmp_path):
    mask = np.zeros((50, 60, 4), np.uint8)
    mask[..., 3] = 255
    mask[5, 6, 1] = 9
    hole = eii.open_hole(save(tmp_path / "m.png", mask), eii.open_source(GRAY))
    assert np.argwhere(hole.read((), Box(0, 0, 50, 60))).tolist() == [[5, 6]]


@pytest.mark.parametrize("shape", [(49, 60), (25, 61), (20, 30), (2, 50, 60)])
def test_hole_that_does_not_fit_is_refused_with_both_shapes(shape):
    image = np.zeros((3, 50, 60), np.uint8)
    with pytest.raises(HoleError, match=r"does not fit the image's \(3, 50, 60\)"):
        eii.open_hole(np.zeros(shape, bool), eii.open_source(image))


def hole_read(tmp_path, name, array, **marks):
    path = tmp_path / name
    if path.suffix == ".tif":
        tifffile.imwrite(path, array, photometric=marks.pop("photometric", "minisblack"))
    else:
        Image.fromarray(array).save(path)
    marks.pop("photometric", None)
    hole = eii.open_hole(path, eii.open_source(GRAY), options=eii.HoleOptions(**marks))
    return hole.read((), Box(0, 0, 50, 60))


MARKED = HOLE > 0


def test_masks_mean_the_same_in_every_format(tmp_path):
    rgb = np.dstack([HOLE, HOLE * 0, HOLE * 0])
    painted = np.dstack([np.full((50, 60, 3), 255, np.uint8), HOLE])
    opaque = np.dstack([rgb, np.full((50, 60), 255, np.uint8)])
    for name, array in (
        ("gray.png", HOLE),
        ("gray.tif", HOLE),
        ("red.png", rgb),
        ("alpha.png", painted),
        ("opaque.png", opaque),
        ("bits.png", MARKED),
        ("lossy.jpg", HOLE),
    ):
        assert np.array_equal(hole_read(tmp_path, name, array), MARKED), name
    inverted = hole_read(tmp_path, "white.tif", 255 - HOLE, photometric="miniswhite")
    assert np.array_equal(inverted, MARKED)


def test_labels_thresholds_and_inversion_say_what_is_filled(tmp_path):
    labels = np.zeros((50, 60), np.uint8)
    labels[5:9, 5:9], labels[20:30, 20:30], labels[40:44, 40:44] = 2, 3, 5
    found = hole_read(tmp_path, "labels.png", labels, labels=(3, 5))
    assert np.array_equal(found, np.isin(labels, (3, 5)))
    assert np.array_equal(hole_read(tmp_path, "a.png", labels, above=2), labels > 2)
    assert np.array_equal(hole_read(tmp_path, "b.png", labels, invert=True), labels == 0)
    with pytest.raises(OptionError, match="exclude one another"):
        eii.HoleOptions(above=1, labels=(2,))


def truncated(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def bad_files(folder):
    tifffile.imwrite(folder / "cut.tif", RNG.integers(0, 9, (400, 400)).astype(np.uint16))
    with tifffile.TiffWriter(folder / "two.tif") as writer:
        writer.write(GRAY)
        writer.write(RGB, photometric="rgb")
    Image.new("CMYK", (9, 9)).save(folder / "ink.jpg")
    (folder / "text.png").write_text("no picture")
    (folder / "nothing.tif").touch()
    (folder / "folder").mkdir()
    zarr.open_group(str(folder / "empty.zarr"), mode="w")
    both = zarr.open_group(str(folder / "both.zarr"), mode="w")
    both["a"], both["b"] = GRAY, GRAY
    save(folder / "cut.png", RGB)
    return [
        (folder / "absent.png", SourceError, "does not exist"),
        (truncated(folder / "cut.tif"), SourceError, "truncated|cannot be read"),
        (truncated(folder / "cut.png"), SourceError, "truncated"),
        (folder / "two.tif", SourceError, "2 series"),
        (folder / "both.zarr", SourceError, "2 images"),
        (folder / "empty.zarr", SourceError, "holds no image"),
        (folder / "folder", SourceError, "not a Zarr"),
        (folder / "text.png", SourceError, "not an image"),
        (folder / "nothing.tif", SourceError, "empty file"),
        (folder / "ink.jpg", SourceError, "CMYK"),
    ]


def test_bad_files_are_refused_and_nothing_is_written(tmp_path):
    out = tmp_path / "out.zarr"
    for path, error, message in bad_files(tmp_path):
        before = set(tmp_path.iterdir())
        with pytest.raises(error, match=message):
            eii.restore_to_zarr(path, HOLE, out)
        assert set(tmp_path.iterdir()) == before


def test_a_series_can_be_chosen(tmp_path):
    bad_files(tmp_path)
    assert eii.open_source(tmp_path / "two.tif", series=1).is_rgb
    assert eii.open_source(tmp_path / "both.zarr", series=0).shape == GRAY.shape
    with pytest.raises(SourceError, match="from 0 to 1"):
        eii.open_source(tmp_path / "two.tif", series=2)


def test_output_that_exists_is_kept_unless_overwritten(tmp_path):
    out = tmp_path / "out.zarr"
    eii.restore_to_zarr(GRAY, HOLE, out)
    with pytest.raises(OutputPathError, match="exists"):
        eii.restore_to_zarr(RGB, HOLE, out)
    assert not eii.open_source(out).is_rgb
    eii.restore_to_zarr(RGB, HOLE, out, overwrite=True)
    assert eii.open_source(out).is_rgb
    assert [p.name for p in tmp_path.iterdir()] == ["out.zarr"]


def test_output_that_is_or_lies_in_the_source_is_refused(tmp_path):
    source = tmp_path / "a.zarr"
    eii.restore_to_zarr(GRAY, HOLE, source)
    for out in (source, source / "labels" / "more"):
        with pytest.raises(OutputPathError, match="is the source, or inside it"):
            eii.restore_to_zarr(source, HOLE, out, overwrite=True)
    with pytest.raises(OutputPathError, match="lies inside the output"):
        eii.restore_to_zarr(source, HOLE, tmp_path, overwrite=True)
    assert eii.verify(GRAY, source).difference is None


def test_nan_found_far_from_the_hole_leaves_nothing_behind(tmp_path):
    image = np.zeros((1500, 1500), np.float32)
    image[1400, 1400] = np.nan
    hole = np.zeros(image.shape, bool)
    hole[5, 5] = True
    with pytest.raises(ImageError, match="not finite"):
        eii.restore_to_zarr(image, hole, tmp_path / "out.zarr")
    assert list(tmp_path.iterdir()) == []


def test_stop_while_storing_leaves_only_what_is_done(tmp_path):
    image, hole = np.zeros((1200, 2200), np.uint8), np.zeros((1200, 2200), bool)
    hole[5, 5] = True
    stages = []
    with pytest.raises(eii.errors.Cancelled):
        eii.restore_to_zarr(
            image,
            hole,
            tmp_path / "out.zarr",
            on_progress=lambda report: stages.append(report.stage),
            should_stop=lambda: "store" in stages,
        )
    assert [p.name for p in tmp_path.iterdir()] == [".out.zarr.eii-work"]  # to go on from


FULL_DISK = """
import resource, signal, sys, numpy as np, eii, eii.api
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing past the limit fails, as on a full disk
image = np.random.default_rng(0).integers(0, 255, (1024, 1024), np.uint8)
hole = np.zeros(image.shape, bool)
hole[5, 5] = True
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    eii.restore_to_zarr(image, hole, sys.argv[1])
except eii.errors.OutputError as error:
    print(error)
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of file size are of POSIX")
def test_no_space_left_is_told_and_leaves_only_what_is_done(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "out.zarr")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "cannot be written: File too large" in run.stdout
    assert [p.name for p in tmp_path.iterdir()] == [".out.zarr.eii-work"]  # to go on from


def test_unwritable_folder_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        eii.restore_to_zarr(GRAY, HOLE, tmp_path / "file" / "out.zarr")


@pytest.mark.parametrize("shape", [(50, 60), (50, 60, 3)])
def test_16_bits_of_jpeg_2000_are_kept(tmp_path, shape):
    array = RNG.integers(0, 65535, shape).astype(np.uint16)
    path = tmp_path / "a.jp2"
    path.write_bytes(imagecodecs.jpeg2k_encode(array, level=0, reversible=True, codecformat="jp2"))
    assert np.array_equal(whole(eii.open_source(path)).reshape(shape), array)


def silent_conversions(folder):
    frames = [Image.fromarray(GRAY), Image.fromarray(255 - GRAY)]
    for name in ("a.gif", "a.webp", "a.png"):
        frames[0].save(folder / name, save_all=True, append_images=frames[1:])
        yield folder / name, "2 frames"
    deep = b"P6 2 1 65535\n" + np.arange(6, dtype=">u2").tobytes()
    (folder / "a.ppm").write_bytes(deep)
    yield folder / "a.ppm", "16 bits"
    tifffile.imwrite(folder / "ycc.tif", RGB, photometric="rgb")
    with tifffile.TiffFile(folder / "ycc.tif", mode="r+b") as file:
        file.pages[0].tags["PhotometricInterpretation"].overwrite(6)
    yield folder / "ycc.tif", "Y, Cb, Cr"


def test_what_would_be_converted_without_a_word_is_refused(tmp_path):
    for path, message in silent_conversions(tmp_path):
        with pytest.raises(SourceError, match=message):
            eii.open_source(path)


@pytest.mark.parametrize(
    ("extra", "alpha"), [(["unspecified"], False), (["unassalpha"], True), (["assocalpha"], True)]
)
@pytest.mark.parametrize("samples", [2, 4])
def test_a_band_is_alpha_only_when_the_file_says_so(tmp_path, samples, extra, alpha):
    array = RNG.integers(1, 255, (50, 60, samples), np.uint8)
    kind = "rgb" if samples == 4 else "minisblack"
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, array, photometric=kind, planarconfig="contig", extrasamples=extra)
    source = eii.open_source(path)
    assert source.has_alpha == alpha
    eii.restore_to_zarr(path, HOLE, tmp_path / "o.zarr")
    result = whole(eii.open_source(tmp_path / "o.zarr"))
    changed = (result != array)[HOLE > 0].any(axis=0)
    assert changed.tolist() == [True] * (samples - alpha) + [False] * alpha


def test_three_samples_are_rgb_only_when_the_file_says_so(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, RGB, photometric="minisblack", planarconfig="contig")
    assert not eii.open_source(path).is_rgb


def test_a_white_is_zero_image_is_exported_as_it_looked(tmp_path):
    path, out = tmp_path / "a.tif", tmp_path / "o.zarr"
    tifffile.imwrite(path, GRAY, photometric="miniswhite")
    eii.restore_to_zarr(path, HOLE, out)
    eii.export(out, tmp_path / "b.tif")
    eii.export(out, tmp_path / "b.png")
    looks = [np.asarray(Image.open(p).convert("L")) for p in (path, tmp_path / "b.tif")]
    looks.append(np.asarray(Image.open(tmp_path / "b.png")))
    known = HOLE == 0
    assert np.array_equal(looks[0][known], looks[1][known])
    assert np.array_equal(looks[0][known], looks[2][known])


def test_a_broken_colour_profile_does_not_stop_a_readable_picture(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(RGB).save(path, icc_profile=b"x" * 300)
    data = bytearray(path.read_bytes())
    at = data.index(b"iCCP") + 20
    data[at : at + 8] = bytes(8)
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.array_equal(whole(eii.open_source(path)), RGB)


@pytest.mark.parametrize(
    ("shape", "factor"),
    [((125, 166), 2), ((125, 167), 2), ((62, 83), 4), ((31, 41), 8), ((32, 42), 8), ((15, 20), 16)],
)
def test_hole_of_any_pyramid_level_lands_where_it_should(shape, factor):
    image = eii.open_source(np.zeros((250, 333), np.uint8))
    coarse = np.zeros(shape, bool)
    coarse[shape[0] // 2, shape[1] // 2] = coarse[-1, -1] = True
    hole = eii.open_hole(coarse, image)
    assert hole.spans["y"].step == hole.spans["x"].step == 1 / factor
    found = hole.read((), Box(0, 0, 250, 333))
    y, x = shape[0] // 2 * factor, shape[1] // 2 * factor
    assert found[y : y + factor, x : x + factor].all()
    assert found[-1, -1]
    assert found.sum() <= factor**2 * 2 + factor * 2 * 2 * factor
    assert np.array_equal(hole.read((), Box(33, 41, 250, 333)), found[33:, 41:])


def test_images_of_a_group_are_counted_in_numeric_order(tmp_path):
    root = zarr.open_group(str(tmp_path / "many.zarr"), mode="w")
    for number in range(12):
        root[str(number)] = np.full((9, 9), number, np.uint8)
    source = eii.open_source(tmp_path / "many.zarr", series=2)
    assert whole(source).max() == 2


def test_what_was_chosen_is_in_the_provenance(tmp_path):
    hole = np.zeros((50, 60), bool)
    hole[10:40, 15:45] = True
    eii.restore_to_zarr(RGB, hole, tmp_path / "o.zarr")
    attributes = zarr.open_group(str(tmp_path / "o.zarr"), mode="r").attrs.asdict()["eii"]
    (chosen,) = attributes["chosen"]
    assert chosen["pull"] in PULLS
    assert chosen["weights"] == pytest.approx([0.299, 0.587, 0.114])
    assert attributes["options"]["backbone"] == "unet"


def test_axes_may_be_named_in_capitals(tmp_path):
    stack = np.stack([GRAY] * 3)
    np.save(tmp_path / "a.npy", stack)
    zarr.create_array(str(tmp_path / "a.zarr"), shape=stack.shape, dtype="u1")[:] = stack
    for item in (stack, tmp_path / "a.npy", tmp_path / "a.zarr"):
        assert eii.open_source(item, axes="CYX").channels == 3
