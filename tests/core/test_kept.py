"""A result keeps the grid, codec and format of a Zarr, and the bytes of what is not touched."""

import json

import eii
import numpy as np
import pytest
import zarr
from eii.errors import Cancelled, SourceError
from eii.io.kept import kept_levels
from eii.io.multiscale import halve
from numcodecs import Zstd as OldZstd
from zarr.codecs import BloscCodec, ZstdCodec

RNG = np.random.default_rng(0)
CLASSICAL = eii.RestoreOptions("classical")


def picture(shape=(1500, 1300)):
    y, x = np.indices(shape[-2:])
    plain = 120 + 60 * np.sin(y / 30) * np.cos(x / 41)
    return np.broadcast_to(plain, shape).astype(np.uint16) + RNG.integers(0, 9, shape, np.uint16)


def pyramid(path, image, *, version=3, floor=False, levels=3, axes="yx", **how):
    """Write an OME-Zarr whose coarser levels are every second pixel, unlike ours."""
    root = zarr.open_group(str(path), mode="w", zarr_format=version)
    datasets = []
    for number in range(levels):
        level = image[(..., slice(None, None, 2**number), slice(None, None, 2**number))]
        if floor and number:
            finer = root[str(number - 1)].shape
            level = level[..., : finer[-2] // 2, : finer[-1] // 2]
        names = {"dimension_names": list(axes)} if version == 3 else {}
        array = root.create_array(str(number), shape=level.shape, dtype=level.dtype, **names, **how)
        array[...] = level
        scale = [2.0**number if a in "yx" else 1.0 for a in axes]
        steps = [{"type": "scale", "scale": scale}]
        datasets.append({"path": str(number), "coordinateTransformations": steps})
    types = {"y": "space", "x": "space", "z": "space", "c": "channel", "t": "time"}
    described = [{"name": a, "type": types[a]} for a in axes]
    entry = {"axes": described, "datasets": datasets, "version": "0.5" if version == 3 else "0.4"}
    if version == 3:
        root.attrs["ome"] = {"version": "0.5", "multiscales": [entry]}
    else:
        root.attrs["multiscales"] = [entry]
    return path


def objects(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name not in ("zarr.json", ".zarray", ".zattrs")
    }


KINDS = {
    "v3": {"chunks": (256, 256), "compressors": [ZstdCodec(level=3)]},
    "v3 blosc": {"chunks": (300, 200), "compressors": [BloscCodec(cname="lz4")]},
    "v3 dots": {"chunks": (256, 256), "chunk_key_encoding": {"name": "default", "separator": "."}},
    "v3 shards": {"chunks": (128, 128), "shards": (512, 512)},
    "v2": {"version": 2, "chunks": (256, 256), "compressors": OldZstd(level=5)},
    "v2 slashes": {
        "version": 2,
        "chunks": (256, 256),
        "chunk_key_encoding": {"name": "v2", "separator": "/"},
    },
    "v3 big chunks": {"chunks": (700, 640)},
}


@pytest.mark.parametrize("floor", [False, True])
@pytest.mark.parametrize("kind", list(KINDS))
def test_untouched_objects_are_the_same_bytes(tmp_path, kind, floor):
    image = picture()
    image[image.shape[0] // 2 :, :200] = 0  # chunks of the fill value are not stored
    source = pyramid(tmp_path / "in.zarr", image, floor=floor, **KINDS[kind])
    hole = np.zeros(image.shape, bool)
    hole[70:80, 90:130] = hole[1490:, 1200] = True
    out = tmp_path / "out.zarr"
    eii.restore_to_zarr(source, hole, out, options=CLASSICAL)
    for level in "012":
        before, after = objects(source / level), objects(out / level)
        assert set(before) == set(after)
        changed = {name for name in before if before[name] != after[name]}
        most = {"v3 shards": 2, "v3 big chunks": 2}.get(kind, 18)
        assert 1 <= len(changed) <= most
        one, two = (zarr.open_array(str(p / level), mode="r") for p in (source, out))
        for name in ("shape", "chunks", "shards", "dtype", "compressors", "fill_value"):
            assert getattr(one, name) == getattr(two, name)
        assert (
            one.metadata.chunk_key_encoding == two.metadata.chunk_key_encoding
            if ("v3" in kind)
            else one.metadata.dimension_separator == two.metadata.dimension_separator
        )
    assert eii.verify(source, out).difference is None
    version = json.loads((out / ("zarr.json" if "v3" in kind else ".zgroup")).read_text())
    assert version["zarr_format"] == (3 if "v3" in kind else 2)


@pytest.mark.parametrize("version", [2, 3])
def test_the_pyramid_is_made_anew_only_under_what_is_filled(tmp_path, version):
    image = picture()
    source = pyramid(tmp_path / "in.zarr", image, version=version, chunks=(256, 256))
    hole = np.zeros(image.shape, bool)
    hole[401:411, 600:640] = True
    out = tmp_path / "out.zarr"
    eii.restore_to_zarr(source, hole, out, options=CLASSICAL)
    for number in (1, 2):
        before, after, finer = (
            zarr.open_array(str(path), mode="r")[:]
            for path in (source / f"{number}", out / f"{number}", out / f"{number - 1}")
        )
        step = 2**number
        box = np.s_[401 // step : -(-411 // step), 600 // step : -(-640 // step)]
        rest = np.ones(before.shape, bool)
        rest[box] = False
        assert np.array_equal(before[rest], after[rest])
        assert np.array_equal(after[box], halve(finer)[box])
    again = eii.open_source(out)
    assert again.coarser
    assert eii.open_source(out / "labels" / "inpainted").shape == image.shape


def test_the_same_pixels_whatever_the_source_is_stored_as(tmp_path):
    image = picture((700, 1040))
    hole = np.zeros(image.shape, bool)
    hole[70:80, 90:130] = hole[200:500, 300:1000] = True
    expected = eii.restore(image, hole, options=CLASSICAL)
    for kind, how in KINDS.items():
        source = pyramid(tmp_path / f"{kind}.zarr", image, **how)
        for convert in (False, True):
            out = tmp_path / "out.zarr"
            eii.restore_to_zarr(
                source, hole, out, options=CLASSICAL, overwrite=True, convert=convert
            )
            found = eii.open_source(out)
            assert np.array_equal(found.array[:, :], expected), kind
            marks = eii.open_source(out / "labels" / "inpainted").array[:, :]
            assert np.array_equal(marks > 0, hole)
            chunks = zarr.open_array(str(out / "0"), mode="r").chunks
            assert chunks == ((700, 1024) if convert else how["chunks"])


@pytest.mark.parametrize(
    ("axes", "shape", "chunks"),
    [
        ("zyx", (3, 600, 700), (1, 256, 256)),
        ("cyx", (3, 600, 700), (3, 256, 256)),
        ("tczyx", (2, 2, 2, 600, 700), (1, 1, 1, 256, 256)),
    ],
)
def test_planes_and_channels(tmp_path, axes, shape, chunks):
    source = pyramid(tmp_path / "in.zarr", picture(shape), axes=axes, levels=2, chunks=chunks)
    hole = np.zeros(shape, bool)
    hole[..., 20:25, 30:600] = True
    hole[0] = False
    if "c" in axes and axes[0] == "c":
        hole[0] = hole[1]
    out = tmp_path / "out.zarr"
    eii.restore_to_zarr(source, hole, out, options=CLASSICAL)
    assert kept_levels(eii.open_source(source))
    assert eii.verify(source, out).difference is None
    expected = eii.restore(picture_of(source), hole, axes=axes, options=CLASSICAL)
    assert np.array_equal(eii.open_source(out).array[...], expected)


def picture_of(source):
    return zarr.open_array(str(source / "0"), mode="r")[...]


def test_what_cannot_be_kept_is_converted(tmp_path):
    image = picture((4, 600, 700))
    source = pyramid(tmp_path / "in.zarr", image, axes="zyx", levels=1, chunks=(4, 256, 256))
    assert kept_levels(eii.open_source(source)) == ()
    hole = np.zeros((600, 700), bool)
    hole[20:25, 30:600] = True
    eii.restore_to_zarr(source, hole, tmp_path / "out.zarr", options=CLASSICAL)
    assert eii.verify(source, tmp_path / "out.zarr").difference is None


def test_a_level_that_is_no_half_is_not_kept(tmp_path):
    source = pyramid(tmp_path / "in.zarr", picture(), levels=3, chunks=(256, 256))
    zarr.open_group(str(source), mode="r+").create_array(
        "2", shape=(100, 100), dtype=np.uint16, chunks=(50, 50), overwrite=True
    )
    assert len(kept_levels(eii.open_source(source))) == 2
    hole = np.zeros((1500, 1300), bool)
    hole[70:80, 90:130] = True
    eii.restore_to_zarr(source, hole, tmp_path / "out.zarr", options=CLASSICAL)
    level = zarr.open_array(str(tmp_path / "out.zarr" / "2"), mode="r")
    finer = zarr.open_array(str(tmp_path / "out.zarr" / "1"), mode="r")
    assert np.array_equal(level[:], halve(finer[:]))


def test_a_torn_chunk_is_named_and_nothing_is_half_written(tmp_path):
    source = pyramid(tmp_path / "in.zarr", picture(), levels=1, chunks=(256, 256))
    torn = source / "0" / "c" / "0" / "0"
    torn.write_bytes(torn.read_bytes()[:40])
    hole = np.zeros((1500, 1300), bool)
    hole[70:80, 90:130] = True
    with pytest.raises(SourceError, match=r"in\.zarr.*rows 0 to"):
        eii.restore_to_zarr(source, hole, tmp_path / "out.zarr", options=CLASSICAL)
    assert not (tmp_path / "out.zarr").exists()


def stop_after(limit):
    """Options of a run that stops when so many regions are stored."""
    stored = []
    return {
        "on_progress": lambda report: stored.append(report.stage == "store"),
        "should_stop": lambda: sum(stored) >= limit,
    }


def test_a_run_that_was_stopped_ends_with_the_same_bytes(tmp_path):
    image = picture()
    source = pyramid(tmp_path / "in.zarr", image, chunks=(256, 256))
    hole = np.zeros(image.shape, bool)
    hole[70:80:3, 90:130] = hole[1490:, 1200] = hole[600:610, ::90] = True

    def run(name, **how):
        eii.restore_to_zarr(source, hole, tmp_path / name, options=CLASSICAL, resume=True, **how)
        return objects(tmp_path / name)

    expected = run("whole.zarr")
    for limit in (1, 2, 3):
        with pytest.raises(Cancelled):
            run("out.zarr", **stop_after(limit))
    assert run("out.zarr") == expected
