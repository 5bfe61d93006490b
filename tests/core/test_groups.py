"""Zarr groups with several images, levels by their path, and what is refused."""

import zipfile

import eii
import numpy as np
import pytest
import tifffile
import zarr
from eii.errors import ImageError, OptionError, SourceError
from eii.image.geometry import Box
from PIL import Image

WHOLE = Box(0, 0, 10**4, 10**4)
GRAY = np.random.default_rng(0).integers(0, 255, (40, 52), np.uint8)


def image_in(group, value, *, scale=1.0, version="0.5"):
    """Describe an image of one value as OME-Zarr in a group."""
    group.create_array("0", data=np.full((40, 52), value, np.uint8))
    group.create_array("1", data=np.full((20, 26), value, np.uint8))
    axes = [{"name": a, "type": "space", "unit": "micrometer"} for a in "yx"]
    datasets = [
        {
            "path": str(i),
            "coordinateTransformations": [{"type": "scale", "scale": [scale * 2**i] * 2}],
        }
        for i in range(2)
    ]
    entry = {"axes": axes, "datasets": datasets}
    group.attrs["ome"] = {"version": version, "multiscales": [entry]}
    return entry


def value_of(path, **asked):
    return int(eii.open_source(path, **asked).read((), WHOLE)[0, 0, 0])


@pytest.fixture
def root(tmp_path):
    return zarr.open_group(str(tmp_path / "g.zarr"), mode="w", zarr_format=3)


def test_series_of_bioformats2raw_come_in_their_order(root, tmp_path):
    for number in range(12):
        image_in(root.create_group(str(number)), number)
    path = tmp_path / "g.zarr"
    assert [value_of(path, series=n) for n in range(12)] == list(range(12))
    root.create_group("OME").attrs["ome"] = {"series": [str(n) for n in (3, 11, 2)]}
    assert [value_of(path, series=n) for n in range(4)] == [3, 11, 2, 0]
    with pytest.raises(SourceError, match=r"12 images \(0: 3, 1: 11, 2: 2, .*Choose"):
        eii.open_source(path)


def test_fields_of_a_plate_are_listed_and_taken_by_their_path(root, tmp_path):
    for number, well in enumerate(("A/1", "A/2", "B/1")):
        made = root.create_group(well)
        for field in range(2):
            image_in(made.create_group(str(field)), 10 * number + field)
        made.attrs["ome"] = {"well": {"images": [{"path": "0"}, {"path": "1"}]}}
    root.attrs["ome"] = {"plate": {"wells": [{"path": p} for p in ("A/1", "A/2", "B/1")]}}
    path = tmp_path / "g.zarr"
    assert value_of(path, series="A/2/1") == 11
    assert value_of(path, series=4) == 20
    assert value_of(path / "B" / "1", series="1") == 21
    with pytest.raises(SourceError, match="0: A/1/0, 1: A/1/1, 2: A/2/0"):
        eii.open_source(path)
    with pytest.raises(SourceError, match="no image 'C/1/0'; it holds 0: A/1/0"):
        eii.open_source(path, series="C/1/0")


def test_two_multiscales_of_a_group_are_told_apart(root, tmp_path):
    first = image_in(root, 1)
    root.create_array("other", data=np.full((30, 30), 2, np.uint8))
    second = {**first, "name": "same", "datasets": [{**first["datasets"][0], "path": "other"}]}
    root.attrs["ome"] = {"version": "0.5", "multiscales": [{**first, "name": "same"}, second]}
    path = tmp_path / "g.zarr"
    with pytest.raises(SourceError, match="2 images"):
        eii.open_source(path)
    assert [value_of(path, series=n) for n in range(2)] == [1, 2]


@pytest.mark.parametrize("level", [0, 1])
def test_a_level_by_its_path_keeps_axes_scale_and_units(root, tmp_path, level):
    image_in(root, 5, scale=0.5)
    source = eii.open_source(tmp_path / "g.zarr" / str(level))
    assert source.facts.scale == {"y": 0.5 * 2**level, "x": 0.5 * 2**level}
    assert source.facts.units == {"y": "micrometer", "x": "micrometer"}
    assert source.plane_shape == (40 // 2**level, 52 // 2**level)


@pytest.mark.parametrize("version", ["0.6", "0.6-dev1", "1.0"])
def test_a_newer_ome_zarr_is_refused(root, tmp_path, version):
    image_in(root, 5, version=version)
    with pytest.raises(SourceError, match=r"0\.4 and 0\.5 are read"):
        eii.open_source(tmp_path / "g.zarr")


def test_colours_of_print_are_refused(tmp_path):
    print_colours = np.zeros((20, 20, 4), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", print_colours, photometric="separated")
    Image.fromarray(print_colours, "CMYK").save(tmp_path / "a.jpg")
    for name in ("a.tif", "a.jpg"):
        with pytest.raises(SourceError, match=r"\(CMYK\)"):
            eii.open_source(tmp_path / name)


@pytest.mark.parametrize("url", ["https://host/a.tif", "s3://bucket/a.PNG"])
def test_files_behind_urls_are_refused(url):
    with pytest.raises(SourceError, match="only Zarr is read from elsewhere"):
        eii.open_source(url)


@pytest.mark.parametrize("name", ["a.ome.zarr.zip", "a.ozx"])
def test_zip_files_are_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("zarr.json", "{}")
    with pytest.raises(SourceError, match="zip file; unpack it"):
        eii.open_source(tmp_path / name)


@pytest.mark.parametrize(
    ("start", "message"),
    [(b"SIMPLE  =", "FITS"), (b"\x89HDF\r\n", "HDF5"), (b"%PDF-1.7", "PDF")],
)
def test_files_of_other_kinds_are_refused_by_name(tmp_path, start, message):
    (tmp_path / "a.dat").write_bytes(start + bytes(5000))
    with pytest.raises(SourceError, match=message):
        eii.open_source(tmp_path / "a.dat")


def test_what_is_no_array_is_refused_with_a_way_out():
    torch = pytest.importorskip("torch")
    hole = np.zeros((40, 52), bool)
    for image, way in (
        (GRAY.tolist(), "numpy.asarray"),
        (Image.fromarray(GRAY), "numpy.asarray"),
        (torch.zeros(40, 52), r"image\.numpy\(\)"),
    ):
        with pytest.raises(ImageError, match=way):
            eii.restore(image, hole)
        with pytest.raises(ImageError, match=way):
            eii.restore(GRAY, image)


def test_series_by_name_is_refused_where_there_are_only_numbers(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GRAY, photometric="minisblack")
    with pytest.raises(OptionError, match="must be a number"):
        eii.open_source(tmp_path / "a.tif", series="A/1")


def ome_pair(folder, sizes):
    """Write an OME-TIFF whose second plane is in a file beside it."""
    import uuid

    names = ("one.ome.tif", "two.ome.tif")
    ids = [f"urn:uuid:{uuid.uuid4()}" for _ in names]
    blocks = "".join(
        f'<TiffData FirstZ="{z}" IFD="0" PlaneCount="1"><UUID FileName="{n}">{i}</UUID></TiffData>'
        for z, (n, i) in enumerate(zip(names, ids, strict=True))
    )
    for name, own, (height, width), value in zip(names, ids, sizes, (1, 2), strict=True):
        xml = (
            '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/'
            f'Schemas/OME/2016-06" UUID="{own}"><Image ID="Image:0"><Pixels ID="Pixels:0" '
            f'DimensionOrder="XYZCT" Type="uint8" SizeX="52" SizeY="40" SizeZ="2" SizeC="1" '
            f'SizeT="1"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>{blocks}</Pixels></Image>'
            "</OME>"
        )
        pixels = np.full((height, width), value, np.uint8)
        tifffile.imwrite(
            folder / name, pixels, photometric="minisblack", description=xml, metadata=None
        )
    return folder / names[0]


def test_ome_tiff_of_several_files_is_read_or_refused(tmp_path):
    source = eii.open_source(ome_pair(tmp_path, [(40, 52), (40, 52)]))
    assert [int(source.read((z,), WHOLE).max()) for z in range(2)] == [1, 2]
    (tmp_path / "two.ome.tif").unlink()
    with pytest.raises(SourceError, match=r"planes in two\.ome\.tif, which is not beside it"):
        eii.open_source(tmp_path / "one.ome.tif")


def test_ome_tiff_whose_other_file_is_of_another_size_is_refused_in_words(tmp_path):
    path = ome_pair(tmp_path, [(40, 52), (400, 520)])
    with pytest.raises(SourceError, match=r"plane of \(400, 520\) .* in two\.ome\.tif"):
        eii.open_source(path)
