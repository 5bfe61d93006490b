"""Masks: one meaning in every format, and the place that their metadata says."""

import eii
import imagecodecs
import numpy as np
import pytest
import tifffile
import zarr
from eii.errors import HoleError
from eii.image.geometry import Box
from PIL import Image

SHAPE = (40, 52)
HOLE = np.zeros(SHAPE, np.uint8)
HOLE[8:16, 12:25] = 255
GRAY = np.random.default_rng(7).integers(0, 255, SHAPE, np.uint8)
MAP = (np.random.default_rng(8).integers(1, 256, (3, 256)) * 257).astype(np.uint16)
WHOLE = Box(0, 0, 10**4, 10**4)


def pillow(array, **how):
    return lambda path: Image.fromarray(array).save(path, **how)


def tiff(array, **how):
    how.setdefault("photometric", "minisblack")
    return lambda path: tifffile.imwrite(path, array, **how)


def npy(array):
    return lambda path: np.save(path, array)


def store(array):
    def write(path):
        zarr.create_array(store=str(path), data=array)

    return write


def turned(array, orientation):
    """Return what a viewer shows of a file that says so."""
    array = array.swapaxes(0, 1) if orientation > 4 else array
    flips = {1: (), 2: (1,), 3: (0, 1), 4: (0,), 5: (), 6: (1,), 7: (0, 1), 8: (0,)}
    return np.flip(array, flips[orientation])


def exif(orientation):
    found = Image.Exif()
    found[274] = orientation
    return found


def painted(colour):
    """Return a colour picture of the hole."""
    found = np.zeros((*SHAPE, len(colour)), np.uint8)
    found[HOLE > 0] = colour
    return found


def jpeg(array, level):
    return lambda path: path.write_bytes(imagecodecs.jpeg_encode(array, level=level))


def with_alpha(array, kind="rgb"):
    return tiff(array, photometric=kind, planarconfig="contig", extrasamples=["unassalpha"])


LABELS = np.where(HOLE > 0, 4, 0).astype(np.uint8)
LABELS[30:33, 40:45] = 2
CLEAR = np.dstack([np.full((*SHAPE, 3), 9, np.uint8), HOLE])
OPAQUE = np.dstack([painted((0, 7, 0)), np.full(SHAPE, 255, np.uint8)])
SLIDE = np.zeros((SHAPE[0] * 8, SHAPE[1] * 8), np.uint8)
WHITE = {"photometric": "miniswhite"}
STACK = {"metadata": {"axes": "TCYX"}}
PALETTE = {"photometric": "palette", "colormap": MAP}

MASKS = {
    "gray.png": pillow(HOLE),
    "bits.png": pillow(HOLE > 0),
    "ones.png": pillow(HOLE // 255),
    "deep.png": pillow(HOLE.astype(np.uint16) * 257),
    "red.png": pillow(painted((255, 0, 0))),
    "nearly-black.png": pillow(painted((0, 0, 1))),
    "opaque.png": pillow(OPAQUE),
    "clear.png": pillow(CLEAR),
    "gray-and-alpha.png": pillow(painted((0, 200))),
    "mask.jpg": jpeg(HOLE, 60),
    "mask.webp": pillow(HOLE, quality=40),
    "lossless.webp": pillow(painted((1, 1, 1)), lossless=True),
    "gray.tif": tiff(HOLE),
    "bits.tif": tiff(HOLE > 0),
    "white.tif": tiff(255 - HOLE, **WHITE),
    "white-bits.tif": tiff(HOLE == 0, **WHITE),
    "red.tif": tiff(painted((255, 0, 0)), photometric="rgb"),
    "clear.tif": with_alpha(CLEAR),
    "t1c1.ome.tif": tiff(HOLE[np.newaxis, np.newaxis], **STACK),
    "mask.npy": npy(HOLE),
    "share.npy": npy(HOLE / 255),
    "mask.zarr": store(HOLE),
}
CHOSEN = {
    "z1.npy": (npy(HOLE[np.newaxis]), {"axes": "zyx"}),
    "over-half.npy": (npy(HOLE / 255 * 0.7 + 0.1), {"above": 0.5}),
    "labels.tif": (tiff(LABELS), {"labels": (3, 4, 5)}),
    "palette.tif": (tiff(LABELS, **PALETTE), {"labels": (4,)}),
    "inverse.png": (pillow(255 - HOLE), {"invert": True}),
    "smeared.jpg": (jpeg(HOLE, 90), {"above": 100}),
}


def read(path, image, box=WHOLE, **options):
    hole = eii.open_hole(path, eii.open_source(image), options=eii.HoleOptions(**options))
    return hole.read((), box)


@pytest.mark.parametrize("name", [*MASKS, *CHOSEN])
def test_a_mask_means_the_same_in_every_format(name, tmp_path):
    write, options = CHOSEN.get(name) or (MASKS[name], {})
    write(tmp_path / name)
    assert np.array_equal(read(tmp_path / name, GRAY, **options), HOLE > 0)
    part = Box(3, 5, 14, 21)
    assert np.array_equal(read(tmp_path / name, GRAY, part, **options), HOLE[part.slices] > 0)


@pytest.mark.parametrize("scale", ["auto", "fit"])
def test_a_thumbnail_lies_on_the_whole_slide(tmp_path, scale):
    pillow(HOLE)(tmp_path / "m.png")
    found = read(tmp_path / "m.png", SLIDE, scale=scale)
    assert np.array_equal(found, np.kron(HOLE > 0, np.ones((8, 8), bool)))


def test_a_mask_of_any_size_is_stretched_only_when_asked(tmp_path):
    pillow(HOLE)(tmp_path / "m.png")
    odd = np.zeros((100, 131), np.uint8)
    with pytest.raises(HoleError, match="'fit'"):
        read(tmp_path / "m.png", odd)
    found = read(tmp_path / "m.png", odd, scale="fit")
    rows, columns = np.nonzero(found.any(axis=1))[0], np.nonzero(found.any(axis=0))[0]
    assert (rows[0], rows[-1] + 1) == (20, 40)
    assert (columns[0], columns[-1] + 1) == pytest.approx((12 * 131 / 52, 25 * 131 / 52), abs=1)


@pytest.mark.parametrize("way", range(1, 9))
def test_a_mask_turned_like_its_image_lies_on_it(tmp_path, way):
    pillow(GRAY, exif=exif(way))(tmp_path / "image.jpg")
    pillow(HOLE, exif=exif(way))(tmp_path / "hole.png")
    found = read(tmp_path / "hole.png", tmp_path / "image.jpg")
    assert np.array_equal(found, turned(HOLE, way) > 0)


def multiscale(path, array, scale, *, axes="yx", unit="micrometer", moved=None):
    steps = [{"type": "scale", "scale": list(scale)}]
    if moved is not None:
        steps.append({"type": "translation", "translation": list(moved)})
    root = zarr.open_group(str(path), mode="w", zarr_format=3)
    root.create_array("0", data=array)
    described = [{"name": a, "type": "space", **({"unit": unit} if unit else {})} for a in axes]
    levels = [{"path": "0", "coordinateTransformations": steps}]
    entry = {"axes": described, "datasets": levels}
    root.attrs["ome"] = {"version": "0.5", "multiscales": [entry]}
    return path


@pytest.mark.parametrize("size", [(125, 166), (62, 83), (31, 41), (16, 21), (15, 20)])
def test_a_level_lies_where_its_scale_says(tmp_path, size):
    factor = 2 ** round(np.log2(250 / size[0]))
    image = multiscale(tmp_path / "i.zarr", np.zeros((250, 333), np.uint8), (0.5, 0.5))
    coarse = np.zeros(size, np.uint8)
    coarse[3, 4] = 1
    path = multiscale(tmp_path / "m.zarr", coarse, (0.5 * factor, 0.5 * factor))
    at = np.argwhere(read(path, image))
    assert at.min(axis=0).tolist() == [3 * factor, 4 * factor]
    assert (at.max(axis=0) + 1).tolist() == [4 * factor, 5 * factor]


def test_a_level_in_z_lies_where_its_scale_says(tmp_path):
    stack = np.zeros((9, 60, 80), np.uint8)
    image = eii.open_source(multiscale(tmp_path / "i.zarr", stack, (2, 1, 1), axes="zyx"))
    coarse = np.zeros((5, 30, 40), np.uint8)
    coarse[2, 10, 20] = 1
    path = multiscale(tmp_path / "m.zarr", coarse, (4, 2, 2), axes="zyx")
    hole = eii.open_hole(path, image)
    there = [hole.read((z,), WHOLE) for z in range(9)]
    assert [z for z in range(9) if there[z].any()] == [4, 5]
    assert np.argwhere(there[4]).tolist() == [[20, 40], [20, 41], [21, 40], [21, 41]]
    # Without metadata, by the factor of y and x.
    hole = eii.open_hole(coarse, eii.open_source(stack))
    assert [z for z in range(9) if hole.read((z,), WHOLE).any()] == [4, 5]


def test_a_mask_of_a_part_lies_where_its_translation_says(tmp_path):
    flat = multiscale(tmp_path / "f.zarr", np.zeros((60, 80), np.uint8), (1, 1), moved=(0, 0))
    part = multiscale(tmp_path / "n.zarr", np.ones((4, 5), np.uint8), (1, 1), moved=(10, 20))
    at = np.argwhere(read(part, flat))
    assert (at.min(axis=0).tolist(), at.max(axis=0).tolist()) == ([10, 20], [13, 24])


def test_units_are_compared_and_contradictions_refused(tmp_path):
    image = multiscale(tmp_path / "i.zarr", np.zeros((60, 80), np.uint8), (1, 1))
    coarse = np.zeros((30, 40), np.uint8)
    coarse[5, 6] = 1
    path = multiscale(tmp_path / "m.zarr", coarse, (2000, 2000), unit="nanometer")
    found = read(path, image)
    assert np.argwhere(found).tolist() == [[10, 12], [10, 13], [11, 12], [11, 13]]
    path = multiscale(tmp_path / "n.zarr", coarse, (1, 1))
    with pytest.raises(HoleError, match=r"covers 30 of the 60 pixels .* along y"):
        read(path, image)
    assert np.array_equal(read(path, image, scale="fit"), found)


def test_a_series_of_a_mask_is_chosen(tmp_path):
    with tifffile.TiffWriter(tmp_path / "two.tif") as writer:
        writer.write(np.zeros((5, 5), np.uint8), photometric="minisblack")
        writer.write(HOLE, photometric="minisblack")
    assert np.array_equal(read(tmp_path / "two.tif", GRAY, series=1), HOLE > 0)


def test_black_and_white_masks_are_told_apart_from_what_was_meant(tmp_path):
    black, white = np.zeros(SHAPE, np.uint8), np.full(SHAPE, 255, np.uint8)
    done = eii.restore_to_zarr(GRAY, black, tmp_path / "o.zarr")
    assert done.filled == 0
    with pytest.raises(HoleError, match="no known pixel"):
        eii.restore_to_zarr(GRAY, white, tmp_path / "p.zarr")
