"""Files as people have them: what is read, what comes back out, and where masks lie."""

import io
from dataclasses import dataclass, field

import eii
import imagecodecs
import numpy as np
import pytest
import tifffile
import zarr
from eii.image.dtype import DTYPES
from eii.image.geometry import Box
from PIL import Image, ImageCms, ImageOps

RNG = np.random.default_rng(7)
SHAPE = (40, 52)
HOLE = np.zeros(SHAPE, np.uint8)
HOLE[8:16, 12:25] = 255
KNOWN = HOLE == 0
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
FAST = eii.RestoreOptions("classical", colour="solve")


def noise(*shape, dtype="uint8", most=None):
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return RNG.integers(0, 2, shape).astype(bool)
    if kind.kind == "f":
        return RNG.normal(3, 40, shape).astype(kind)
    limits = np.iinfo(kind)
    return RNG.integers(limits.min, limits.max if most is None else most, shape).astype(kind)


GRAY, RGB, DEEP = noise(*SHAPE), noise(*SHAPE, 3), noise(*SHAPE, dtype="uint16")
RGBA = np.dstack([RGB, noise(*SHAPE) | 1])
STACK = noise(3, 2, *SHAPE, dtype="uint16", most=999)
MAP = (RNG.integers(0, 256, (3, 256)) * 257).astype(np.uint16)


@dataclass
class Case:
    """One file: how it is written, what it holds, and what a viewer shows of it."""

    name: str
    write: object
    pixels: np.ndarray | None  # None: what tifffile reads
    axes: str
    rgb: bool = False
    alpha: bool = False
    shown: np.ndarray | None = None
    scale: dict = field(default_factory=dict)
    units: dict = field(default_factory=dict)
    names: tuple = ()
    asked: dict = field(default_factory=dict)
    resolution: tuple | None = None
    profile: bytes | None = None


def tiff(array, **how):
    how.setdefault("photometric", "minisblack")
    return lambda path: tifffile.imwrite(path, array, **how)


def pillow(array, mode=None, **how):
    return lambda path: (
        Image.fromarray(array, mode).save(path, **how)
        if mode
        else Image.fromarray(array).save(path, **how)
    )


def data(content):
    return lambda path: path.write_bytes(content)


def store(array, **attributes):
    def write(path):
        made = zarr.create_array(
            store=str(path), shape=array.shape, chunks=array.shape, dtype=array.dtype
        )
        made[...] = array
        made.attrs.update(attributes)

    return write


def turned(array, orientation):
    out = io.BytesIO()
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(array).save(out, format="PNG", exif=exif)
    return np.asarray(ImageOps.exif_transpose(Image.open(out)))


def with_exif(array, orientation, **how):
    exif = Image.Exif()
    exif[274] = orientation
    return pillow(array, exif=exif, **how)


def indexed(transparent=False):
    def write(path):
        picture = Image.fromarray(GRAY, "P")
        picture.putpalette((MAP >> 8).astype(np.uint8).T.ravel().tolist())
        picture.save(path, **({"transparency": 3} if transparent else {}))

    return write


def geo():
    return [
        (33550, 12, 3, (0.5, 0.5, 0.0), True),
        (33922, 12, 6, (0.0, 0.0, 0.0, 440720.0, 3751320.0, 0.0), True),
        (34735, 3, 4, (1, 1, 0, 0), True),
    ]


def cases():
    for name in DTYPES:
        for order in "<>":
            array = noise(*SHAPE, dtype=name).astype(np.dtype(name).newbyteorder(order))
            sign = {"<": "little", ">": "big"}[order]
            if name != "bool":
                how = {"byteorder": order}
                yield Case(f"{name}-{sign}.tif", tiff(array, **how), array, "yx")
            yield Case(f"{name}-{sign}.npy", lambda p, a=array: np.save(p, a), array, "yx")
            if order == "<":
                yield Case(f"{name}.zarr", store(array), array, "yx")
    yield Case("1bit.tif", tiff(GRAY > 99), GRAY > 99, "yx", shown=(GRAY > 99) * np.uint8(255))
    for bits in (2, 4):
        few = noise(*SHAPE, most=2**bits)
        shown = (few * (255 // (2**bits - 1))).astype(np.uint8)
        yield Case(f"{bits}bit.tif", tiff(few, bitspersample=bits), few, "yx", shown=shown)
    twelve = noise(*SHAPE, dtype="uint16", most=4096)
    shown = np.rint(twelve * (65535 / 4095)).astype(np.uint16)
    yield Case("12bit.tif", tiff(twelve, bitspersample=12), twelve, "yx", shown=shown)
    white = {"photometric": "miniswhite"}
    yield Case("white.tif", tiff(GRAY, **white), GRAY, "yx", shown=255 - GRAY)
    yield Case("white16.tif", tiff(DEEP, **white), DEEP, "yx", shown=65535 - DEEP)
    colour = {"photometric": "rgb"}
    yield Case("rgb.tif", tiff(RGB, **colour), RGB, "yxc", rgb=True, shown=RGB)
    apart = np.moveaxis(RGB, 2, 0)
    how = {**colour, "planarconfig": "separate"}
    yield Case("planar.tif", tiff(apart, **how), apart, "cyx", rgb=True, shown=RGB)
    how = {"compression": "jpeg", "photometric": "ycbcr", "compressionargs": {"level": 95}}
    yield Case("ycbcr.tif", tiff(RGB, **how, tile=(64, 64)), None, "yxc", rgb=True)
    for extra, alpha in (("unspecified", False), ("unassalpha", True)):
        how = {**colour, "extrasamples": [extra]}
        seen = RGBA if alpha else None
        yield Case(f"{extra}.tif", tiff(RGBA, **how), RGBA, "yxc", True, alpha, shown=seen)
        pair = RGBA[..., 2:]
        how = {"planarconfig": "contig", "extrasamples": [extra]}
        yield Case(f"pair-{extra}.tif", tiff(pair, **how), pair, "yxc", False, alpha)
    looked = (MAP >> 8).astype(np.uint8).T[GRAY]
    how = {"photometric": "palette", "colormap": MAP}
    yield Case("palette.tif", tiff(GRAY, **how), looked, "yxc", rgb=True, shown=looked)
    for way in range(2, 9):
        seen = turned(RGB, way)
        how = {**colour, "extratags": [(274, 3, 1, way, True)]}
        yield Case(f"turned{way}.tif", tiff(RGB, **how), seen, "yxc", True, shown=seen)
        yield Case(f"turned{way}.png", with_exif(RGB, way), seen, "yxc", True, shown=seen)
    yield from pictures()
    yield from sized()
    yield from zarrs()


def pictures():
    yield Case("gray.png", pillow(GRAY), GRAY, "yx", shown=GRAY)
    yield Case("bits.png", pillow(GRAY > 99), GRAY > 99, "yx", shown=(GRAY > 99) * np.uint8(255))
    yield Case("gray16.png", pillow(DEEP), DEEP, "yx", shown=DEEP)
    yield Case("rgb.png", pillow(RGB), RGB, "yxc", True, shown=RGB)
    deep = noise(*SHAPE, 3, dtype="uint16")
    yield Case("rgb16.png", data(imagecodecs.png_encode(deep)), deep, "yxc", True, shown=deep)
    yield Case("rgba.png", pillow(RGBA), RGBA, "yxc", True, True, shown=RGBA)
    pair = np.ascontiguousarray(RGBA[..., 2:])
    yield Case("la.png", pillow(pair), pair, "yxc", False, True, shown=pair)
    looked = (MAP >> 8).astype(np.uint8).T[GRAY]
    yield Case("palette.png", indexed(), looked, "yxc", True, shown=looked)
    clear = np.dstack([looked, np.where(GRAY == 3, 0, 255).astype(np.uint8)])
    yield Case("clear.png", indexed(True), clear, "yxc", True, True)
    for suffix in ("bmp", "ppm", "webp"):
        how = {"lossless": True} if suffix == "webp" else {}
        yield Case(f"rgb.{suffix}", pillow(RGB, **how), RGB, "yxc", True, shown=RGB)
    yield Case("gray.pgm", pillow(GRAY), GRAY, "yx", shown=GRAY)
    for name, array in (("gray", GRAY), ("rgb", RGB), ("gray16", DEEP)):
        content = imagecodecs.jpeg2k_encode(array, codecformat="jp2", reversible=True)
        axes = "yxc" if array.ndim == 3 else "yx"
        yield Case(f"{name}.jp2", data(content), array, axes, array.ndim == 3, shown=array)
    content = imagecodecs.jpeg_encode(RGB, level=95)
    yield Case("rgb.jpg", data(content), np.asarray(Image.open(io.BytesIO(content))), "yxc", True)
    how = {"dpi": (300, 300), "icc_profile": PROFILE}
    yield Case(
        "facts.png",
        pillow(RGB, **how),
        RGB,
        "yxc",
        True,
        shown=RGB,
        resolution=(300, 300),
        profile=PROFILE,
    )


def sized():
    """Yield files that say more than their pixels."""
    how = {"resolution": (300, 150), "resolutionunit": "INCH", "iccprofile": PROFILE}
    facts = {"resolution": (300, 150), "profile": PROFILE}
    yield Case("dpi16.tif", tiff(DEEP, **how), DEEP, "yx", shown=DEEP, **facts)
    how |= {"photometric": "rgb", "extratags": [(274, 3, 1, 6, True)]}
    seen = turned(RGB, 6)
    facts["resolution"] = (150, 300)
    yield Case("dpi-turned.tif", tiff(RGB, **how), seen, "yxc", True, shown=seen, **facts)
    told = {"PhysicalSizeX": 0.3, "PhysicalSizeXUnit": "Å", "PhysicalSizeY": 2.0}
    told |= {"PhysicalSizeYUnit": "nm", "TimeIncrement": 2.5, "TimeIncrementUnit": "min"}
    told |= {"Channel": {"Name": ["DAPI", "GFP"]}, "axes": "TCYX"}
    yield Case(
        "stack.ome.tif",
        tiff(STACK, metadata=told),
        STACK,
        "tcyx",
        scale={"t": 2.5, "y": 2.0, "x": 0.3},
        names=("DAPI", "GFP"),
        units={"t": "minute", "y": "nanometer", "x": "angstrom"},
    )
    told = {"axes": "ZCYX", "spacing": 2.0, "unit": "micron"}
    how = {"imagej": True, "resolution": (4, 2), "metadata": told}
    yield Case(
        "imagej.tif",
        tiff(STACK, **how),
        STACK,
        "zcyx",
        scale={"z": 2.0, "y": 0.5, "x": 0.25},
        units=dict.fromkeys("zyx", "micrometer"),
    )
    told = {"axes": "TYX", "finterval": 0.5, "unit": "pixel"}
    how = {"imagej": True, "metadata": told}
    scale = {"scale": {"t": 0.5}, "units": {"t": "second"}}
    yield Case("movie.tif", tiff(STACK[:, 0], **how), STACK[:, 0], "tyx", **scale)
    yield Case("geo.tif", tiff(DEEP, extratags=geo()), DEEP, "yx", shown=DEEP)
    yield Case("pages.tif", tiff(STACK[:, 0]), STACK[:, 0], "zyx")
    yield Case("named.npy", lambda p: np.save(p, STACK), STACK, "zcyx", asked={"axes": "zcyx"})


def zarrs():
    axes = [{"name": n} for n in "cyx"]
    steps = [{"type": "scale", "scale": [1, 0.5, 0.25]}]
    for name, unit, kept in (("known", "µm", "micrometer"), ("pixel", "pixel", None)):
        described = [{**a, "unit": unit} if a["name"] != "c" else a for a in axes]
        levels = [{"path": "0", "coordinateTransformations": steps}]
        entry = {"version": "0.4", "axes": described, "datasets": levels}

        def write(path, entry=entry):
            root = zarr.open_group(str(path), mode="w", zarr_format=2)
            root.create_array("0", shape=(2, *SHAPE), dtype="uint16", chunks=(1, *SHAPE))[:] = (
                STACK[0]
            )
            root.attrs["multiscales"] = [entry]

        units = {} if kept is None else dict.fromkeys("yx", kept)
        place = {"scale": {"c": 1.0, "y": 0.5, "x": 0.25}, "units": units}
        yield Case(f"{name}.ome.zarr", write, STACK[0], "cyx", **place)


CASES = list(cases())


@pytest.fixture(params=CASES, ids=[c.name for c in CASES])
def case(request, tmp_path):
    path = tmp_path / request.param.name
    request.param.write(path)
    return request.param, path


def channels_last(array, axes):
    source = eii.open_source(array, axes=axes)
    return np.stack([source.read(p, Box(0, 0, 10**4, 10**4)) for p in source.planes])


def read(path, **asked):
    source = eii.open_source(path, **asked)
    return np.stack([source.read(p, Box(0, 0, 10**4, 10**4)) for p in source.planes])


def test_there_are_eighty_and_more():
    assert len(CASES) >= 80


def test_a_file_is_read_as_it_is_meant(case):
    case, path = case
    source = eii.open_source(path, **case.asked)
    assert source.axes == case.axes
    assert (source.is_rgb, source.has_alpha) == (case.rgb, case.alpha)
    expected = tifffile.imread(path) if case.pixels is None else case.pixels
    assert source.dtype == expected.dtype.newbyteorder("=")
    assert np.array_equal(read(path, **case.asked), channels_last(expected, case.axes))
    told = {a: v for a, v in source.facts.scale.items() if a in case.scale or v != 1}
    assert told == pytest.approx(case.scale)
    assert source.facts.units == case.units
    channels = (source.facts.omero or {}).get("channels", [])
    assert tuple(c["label"] for c in channels) == case.names


def test_what_is_restored_is_proved_and_exported_as_it_was(case, tmp_path):
    case, path = case
    source = eii.open_source(path, **case.asked)
    hole = np.zeros(source.plane_shape, bool)
    hole[8:16, 12:25] = True
    out = tmp_path / "out.zarr"
    eii.restore_to_zarr(path, hole, out, options=FAST, **case.asked)
    found = eii.verify(path, out, **case.asked)
    assert found.difference is None
    assert found.known == (~hole).sum() * len(source.planes)
    result = eii.open_source(out)
    assert {a: result.facts.scale[a] for a in case.scale} == pytest.approx(case.scale)
    assert result.facts.units == case.units
    eii.export(out, tmp_path / "export.tif")
    again = read(tmp_path / "export.tif", axes=None)
    known = ~hole
    assert np.array_equal(again[:, known], read(out)[:, known])
    check_told(case, tmp_path / "export.tif")
    if case.shown is not None:
        eii.export(out, tmp_path / "export.png")
        picture = read(tmp_path / "export.png")[0]
        shown = case.shown if case.shown.ndim == 3 else case.shown[..., np.newaxis]
        assert picture.dtype == shown.dtype
        assert np.array_equal(picture[known], shown[known])
        Image.open(tmp_path / "export.png").load()
        check_picture(case, tmp_path / "export.png")


def check_told(case, path):
    """Check what a TIFF says beside its pixels, as others read it."""
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        assert file.is_ome == case.name.endswith(".ome.tif")
        assert bool(file.is_imagej) == case.name.startswith(("imagej", "movie"))
        assert page.tags.get(274) is None or page.tags[274].value == 1
        if case.resolution:
            assert page.get_resolution("INCH") == pytest.approx(case.resolution, rel=1e-3)
        if case.profile:
            assert bytes(page.iccprofile) == case.profile
        if case.name == "geo.tif":
            assert page.tags[33550].value == (0.5, 0.5, 0.0)
            assert page.tags[34735].value == (1, 1, 0, 0)
    source = eii.open_source(path)
    if file.is_ome or file.is_imagej:
        told = {a: v for a, v in source.facts.scale.items() if v != 1}
        assert told == pytest.approx(case.scale)
        assert source.facts.units == case.units


def check_picture(case, path):
    with Image.open(path) as picture:
        if case.resolution:
            assert picture.info["dpi"] == pytest.approx(case.resolution, rel=1e-3)
        if case.profile:
            assert picture.info["icc_profile"] == case.profile


CUT = {c.name.rsplit(".", 1)[-1]: c for c in CASES if not c.name.endswith("zarr")}


@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize("suffix", list(CUT))
def test_a_file_that_is_cut_is_an_error_and_not_half_an_image(tmp_path, suffix, share):
    path = tmp_path / CUT[suffix].name
    CUT[suffix].write(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(eii.errors.SourceError):
        read(path, **CUT[suffix].asked)


def test_a_chunk_that_is_cut_is_an_error(tmp_path):
    store(GRAY)(tmp_path / "a.zarr")
    chunk = next(p for p in (tmp_path / "a.zarr" / "c").rglob("*") if p.is_file())
    chunk.write_bytes(chunk.read_bytes()[:100])
    with pytest.raises(eii.errors.SourceError):
        read(tmp_path / "a.zarr")
