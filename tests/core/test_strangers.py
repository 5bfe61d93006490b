"""Input from strangers: what could not be read is never called measured, and nothing hangs."""

import os
import shutil
import warnings

import eii
import numpy as np
import pytest
import tifffile
import zarr
from eii.errors import OptionError, SourceError
from eii.image.geometry import Box
from eii.io.chunked import Blocks, budget, by_blocks
from eii.io.opener import open_source
from PIL import Image

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 255, (50, 60), np.uint8)
HOLE = np.zeros((50, 60), np.uint8)
HOLE[10:20, 15:30] = 255


@pytest.mark.parametrize("which", ["image", "hole"])
@pytest.mark.parametrize("stage", ["restore", "store"])
def test_a_zarr_that_disappears_during_the_run_is_an_error(tmp_path, which, stage):
    image, hole = tmp_path / "image.zarr", tmp_path / "hole.zarr"
    shape = (2100, 1100)
    marked = np.zeros(shape, np.uint8)
    marked[50:60, 50:60] = 1
    for path, array in ((image, RNG.integers(1, 255, shape, np.uint8)), (hole, marked)):
        zarr.create_array(str(path), shape=shape, chunks=(100, 100), dtype="u1")[:] = array

    def lose(report):
        if report.stage == stage:
            shutil.rmtree(tmp_path / f"{which}.zarr", ignore_errors=True)

    with pytest.raises(SourceError, match="no longer there"):
        eii.restore_to_zarr(image, hole, tmp_path / "out.zarr", on_progress=lose)
    assert not (tmp_path / "out.zarr").exists()


@pytest.mark.parametrize("cut", ["a.npy", "a.tif"])
def test_a_file_cut_during_the_run_is_an_error(tmp_path, cut):
    array = RNG.integers(1, 255, (3000, 2000), np.uint8)
    np.save(tmp_path / "a.npy", array)
    tifffile.imwrite(tmp_path / "a.tif", array)
    source = eii.open_source(tmp_path / cut)
    os.truncate(tmp_path / cut, 5000)
    with pytest.raises(SourceError, match=r"cut short|are damaged"):
        source.read((), Box(2500, 0, 3000, 2000))


def ome_pair(folder):
    """Write an OME-TIFF whose second plane lies in another file."""
    first, second = folder / "first.ome.tif", folder / "second.ome.tif"
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{me}">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="60" '
        'SizeY="50" SizeZ="2" SizeC="1" SizeT="1"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
        '<TiffData FirstZ="0" IFD="0" PlaneCount="1"><UUID FileName="first.ome.tif">urn:uuid:a'
        '</UUID></TiffData><TiffData FirstZ="1" IFD="0" PlaneCount="1"><UUID FileName="{other}">'
        "urn:uuid:b</UUID></TiffData></Pixels></Image></OME>"
    )
    for path, me, other in ((first, "a", "second.ome.tif"), (second, "b", "second.ome.tif")):
        tifffile.imwrite(path, GRAY, description=xml.format(me=me, other=other), metadata=None)
    return first, second, xml


def test_planes_in_another_file_are_read_from_beside_it(tmp_path):
    first, _, _ = ome_pair(tmp_path)
    source = eii.open_source(first)
    assert source.axes == "zyx"
    assert np.array_equal(source.read((1,), Box(0, 0, 50, 60))[..., 0], GRAY)


@pytest.mark.parametrize("name", ["second.ome.tif", "../second.ome.tif", "/etc/passwd", "a\\b.tif"])
def test_planes_that_are_missing_or_named_by_a_path_are_an_error(tmp_path, name):
    (tmp_path / "data").mkdir()
    first, second, xml = ome_pair(tmp_path / "data")
    shutil.move(second, tmp_path / "second.ome.tif")
    described = xml.format(me="a", other=name)
    tifffile.imwrite(first, GRAY, description=described, metadata=None)
    with pytest.raises(SourceError, match=r"not beside it|only plain names"):
        eii.open_source(first)


def test_claims_of_very_many_planes_are_refused_at_once(tmp_path):
    path = tmp_path / "many.ome.tif"
    xml = tifffile.tiffcomment(ome_pair(tmp_path)[0]).replace('SizeZ="2"', 'SizeZ="90000000"')
    tifffile.imwrite(path, GRAY, description=xml, metadata=None)
    with pytest.raises(SourceError, match="claims 90000000 planes"):
        eii.open_source(path)


def test_claims_of_very_many_pixels_are_refused_unless_allowed(tmp_path):
    path = tmp_path / "huge.tif"
    tifffile.imwrite(path, np.zeros((64, 64), np.uint8), compression="zlib", rowsperstrip=64)
    with tifffile.TiffFile(path, mode="r+b") as file:
        for tag in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            file.pages[0].tags[tag].overwrite(45_000)
    with pytest.raises(SourceError, match=r"claims 2\.0 GB of pixels in \d+ bytes.*`large`"):
        eii.open_source(path)
    assert open_source(path, large=True).plane_shape == (45_000, 45_000)


def test_a_large_picture_is_read_when_it_is_allowed(tmp_path, monkeypatch):
    monkeypatch.setattr("eii.io.pictures.LARGEST", 100)
    Image.fromarray(GRAY).save(tmp_path / "a.png")
    with pytest.raises(SourceError, match=r"60 x 50 pixels.*`large`"):
        eii.open_source(tmp_path / "a.png")
    assert open_source(tmp_path / "a.png", large=True).shape == (50, 60)
    eii.restore_to_zarr(tmp_path / "a.png", HOLE, tmp_path / "o.zarr", large=True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are of POSIX")
def test_a_named_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(SourceError, match="is a pipe"):
        eii.open_source(tmp_path / "pipe.png")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"series": 3}, "holds one image"),
        ({"series": -1}, "holds one image"),
        ({"axes": "yx"}, "is a picture"),
    ],
)
def test_options_of_reading_without_a_meaning_are_refused(tmp_path, arguments, message):
    Image.fromarray(GRAY).save(tmp_path / "a.png")
    with pytest.raises(OptionError, match=message):
        eii.open_source(tmp_path / "a.png", **arguments)


@pytest.mark.parametrize(
    ("options", "image", "axes", "message"),
    [
        ({"principal": 0}, GRAY, None, "`principal`"),
        ({"principal": 0}, np.dstack([GRAY] * 3), None, "`principal`"),
        ({"channels": "principal"}, GRAY, None, "needs several"),
        ({"backbone": "classical", "device": "cuda"}, GRAY, None, "runs on the cpu"),
        ({"principal": 1, "channels": "each"}, np.stack([GRAY] * 2), "cyx", "`principal`"),
    ],
)
def test_options_of_restoring_without_a_meaning_are_refused(options, image, axes, message):
    with pytest.raises(OptionError, match=message):
        eii.restore(image, HOLE, axes=axes, options=eii.RestoreOptions(**options))


@pytest.mark.parametrize("size", ["inf", "-1", "nan"])
def test_pixel_sizes_that_are_none_are_refused(tmp_path, size):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, GRAY, metadata={"axes": "YX", "PhysicalSizeX": 7.25})
    data = path.read_bytes().replace(b'"7.25"', f'"{size}"'.encode().ljust(6))
    path.write_bytes(data)
    with pytest.raises(SourceError, match="pixel size"):
        eii.open_source(path)


INSIDES = ("index out of range", "unpack requires", "Box(", "[Errno", "NoneType", "object has no")


def told(path):
    """Return what opening and reading a file says; an empty text when it can be read."""
    try:
        source = eii.open_source(path)
        if np.prod(source.shape) < 10**7:
            source.read(source.planes[0], Box(0, 0, 50, 60))
    except eii.errors.EIIError as error:
        return str(error)
    return ""


def test_files_cut_and_garbled_anywhere_are_one_plain_sentence(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GRAY, compression="zlib")
    tifffile.imwrite(tmp_path / "a.ome.tif", np.stack([GRAY] * 3), metadata={"axes": "ZYX"})
    np.save(tmp_path / "a.npy", GRAY)
    Image.fromarray(GRAY).save(tmp_path / "a.png")
    rng = np.random.default_rng(1)
    for path in sorted(tmp_path.iterdir()):
        whole = path.read_bytes()
        for _ in range(30):
            data = bytearray(whole)
            for at in rng.integers(0, min(400, len(data)), 3):
                data[at] = rng.integers(256)
            bad = tmp_path / f"bad{path.suffix}"
            bad.write_bytes(data[: rng.integers(1, len(data) + 1)])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                message = told(bad)
            assert not any(part in message for part in INSIDES), message


def test_a_name_that_is_too_long_is_told_without_a_number(tmp_path):
    with pytest.raises(SourceError, match="cannot be read: File name too long"):
        eii.open_source(tmp_path / ("x" * 300))


class Counting:
    """An array that counts how often each block is read."""

    def __init__(self, array):
        self.array, self.reads = array, []
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key):
        self.reads.append(str(key))
        return self.array[key]


@pytest.mark.parametrize("chunks", [(1000, 1000), (10, 1000), (7, 13), ((400, 600), (1000,))])
def test_each_block_is_read_once_whatever_is_asked_for(chunks):
    array = RNG.integers(0, 255, (1000, 1000), np.uint8)
    counting = Counting(array)
    blocks = by_blocks(counting, chunks, "yx")
    for y, x in RNG.integers(0, 900, (60, 2)):
        key = slice(int(y), int(y) + 100), slice(int(x), int(x) + 100)
        assert np.array_equal(blocks[key], array[key])
    assert len(counting.reads) == len(set(counting.reads))


def test_memory_of_blocks_is_bounded():
    array = np.zeros((100, 100), np.uint8)
    counting = Counting(array)
    before = budget.set(3000)
    blocks = Blocks(counting, [(10,) * 10, (100,)])
    budget.reset(before)
    for y in (0, 10, 20, 30, 0):
        assert blocks[y : y + 10, 0:100].shape == (10, 100)
    assert len(counting.reads) == 5


@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_files_of_either_order_are_read_by_parts(tmp_path, order):
    array = RNG.integers(0, 9999, (3, 700, 801)).astype(np.uint16)
    np.save(tmp_path / "a.npy", np.asarray(array, order=order))
    source = eii.open_source(tmp_path / "a.npy", axes="zyx")
    part = source.read((2,), Box(123, 77, 690, 800))
    assert np.array_equal(part[..., 0], array[2, 123:690, 77:800])
