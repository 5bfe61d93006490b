"""Dask arrays in, dask arrays out: the pixels of the other ways, by any scheduler."""

import dask
import dask.array as da
import eii
import numpy as np
import pytest
import xarray
from distributed import Client, LocalCluster
from eii.errors import HoleError, OptionError
from skimage import data


def scattered(shape, seed=0, count=12):
    rng = np.random.default_rng(seed)
    hole = np.zeros(shape, bool)
    for y, x in zip(*(rng.integers(0, n - 20, count) for n in shape), strict=True):
        hole[y : y + 7, x : x + 15] = True
    return hole


COLOUR = np.ascontiguousarray(data.astronaut()[:300, :400])
STACK = np.random.default_rng(0).integers(0, 4000, (2, 3, 90, 120), dtype=np.uint16)
CASES = {
    "colour": (COLOUR, scattered((300, 400)), (100, 130, 3), "yxc", {}),
    "channels apart": (COLOUR, scattered((300, 400)), (128, 400, 1), "yxc", {}),
    "gray": (data.camera()[:200, :256], scattered((200, 256)), (64, 100), "yx", {}),
    "stack": (STACK, scattered((90, 120)), (1, 2, 50, 60), "zcyx", {"channels": "principal"}),
    "all in one": (COLOUR, scattered((300, 400)), (300, 400, 3), "yxc", {"colour": "solve"}),
    "grown": (COLOUR, scattered((300, 400)), (90, 90, 3), "yxc", {"grow": 3}),
    "grown by rims": (COLOUR, scattered((300, 400)), (90, 90, 3), "yxc", {"grow": "auto"}),
}


@pytest.mark.parametrize("lazy_hole", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_pixels_are_those_of_arrays_in_memory(case, lazy_hole):
    image, hole, chunks, axes, chosen = CASES[case]
    options = eii.RestoreOptions("classical", **chosen)
    given = da.from_array(image, chunks=chunks)
    mask = da.from_array(hole, chunks=(70, 90)) if lazy_hole else hole
    lazy = eii.restore(given, mask, options=options, axes=axes)
    assert isinstance(lazy, da.Array)
    assert lazy.chunks == given.chunks
    assert lazy.dtype == image.dtype
    expected = eii.restore(image, hole, options=options, axes=axes)
    assert np.array_equal(lazy.compute(), expected)


def test_holes_larger_than_a_window_are_filled_as_in_memory():
    image = np.tile(data.camera(), (3, 2))[:1400, :900]
    hole = np.zeros(image.shape, bool)
    hole[200:1200, 100:800] = True
    options = eii.RestoreOptions("classical")
    lazy = eii.restore(da.from_array(image, chunks=(400, 500)), hole, options=options)
    assert np.array_equal(lazy.compute(), eii.restore(image, hole, options=options))


def test_a_plane_that_is_lost_is_filled_from_its_neighbours():
    image = np.stack([data.camera()[:80, :90]] * 3)
    hole = np.zeros(image.shape, bool)
    hole[1] = True
    options = eii.RestoreOptions("classical", fill_planes=True)
    lazy = eii.restore(da.from_array(image, chunks=(1, 50, 50)), hole, options=options, axes="zyx")
    assert np.array_equal(lazy.compute(), image)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_any_scheduler_computes_it(scheduler):
    image, hole, chunks, axes, _ = CASES["colour"]
    lazy = eii.restore(da.from_array(image, chunks=chunks), hole, axes=axes)
    with dask.config.set(scheduler=scheduler, num_workers=2):
        assert np.array_equal(lazy.compute(), eii.restore(image, hole, axes=axes))


def test_a_cluster_computes_it():
    image, hole, chunks, axes, _ = CASES["gray"]
    lazy = eii.restore(da.from_array(image, chunks=chunks), da.from_array(hole), axes=axes)
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit=0
        ) as cluster,
        Client(cluster),
    ):
        found = lazy.compute()
    assert np.array_equal(found, eii.restore(image, hole, axes=axes))


def test_the_graph_follows_what_is_touched_and_chunks_apart_stay_the_sources():
    seen = []

    def note(block, block_info=None):
        seen.append(block_info[0]["chunk-location"])
        return block

    image = da.zeros((2000, 2000), chunks=(200, 200), dtype=np.uint8)
    hole = np.zeros((2000, 2000), bool)
    hole[50:60, 50:60] = True
    noted = image.map_blocks(note, dtype=np.uint8)
    lazy = eii.restore(noted, hole, options=eii.RestoreOptions("classical"))
    tasks = dict(lazy.dask.layers[lazy.name]).values()
    own = [task for task in tasks if not isinstance(task, tuple) or callable(task[0])]
    assert len(own) < 10, "windows, regions and chunks that the hole touches"
    seen.clear()
    lazy[:200, :200].compute(scheduler="synchronous")
    assert 1 <= len(set(seen)) <= 16
    seen.clear()
    lazy[1800:, 1800:].compute(scheduler="synchronous")
    assert set(seen) == {(9, 9)}


def test_a_window_between_chunks_is_computed_once(monkeypatch):
    from eii import lazy as module

    calls = []
    run = module.restore_batch

    def counted(kit, number, batch, *rest):
        calls.append((number, tuple(batch)))
        return run(kit, number, batch, *rest)

    monkeypatch.setattr(module, "restore_batch", counted)
    image = da.from_array(data.camera()[:200, :200], chunks=(100, 100))
    hole = np.zeros((200, 200), bool)
    hole[90:110, 90:110] = True
    eii.restore(image, hole, options=eii.RestoreOptions("classical")).compute()
    assert len(calls) == len(set(calls)) == 1


def test_known_pixels_stay_and_names_follow_what_is_asked():
    image, hole, chunks, axes, _ = CASES["colour"]
    given = da.from_array(image, chunks=chunks)
    options = eii.RestoreOptions("classical")
    one, same, other = (
        eii.restore(given, h, options=options, axes=axes) for h in (hole, hole, ~hole)
    )
    assert one.name == same.name != other.name
    assert np.array_equal(one.compute()[~hole], image[~hole])


def test_bad_input_is_refused_before_anything_is_computed():
    image = da.zeros((100, 100), chunks=50, dtype=np.uint8)
    with pytest.raises(HoleError, match="covers all"):
        eii.restore(image, da.ones((100, 100), chunks=50, dtype=bool))
    with pytest.raises(HoleError):
        eii.restore(image, np.zeros((30, 30), bool))


@pytest.mark.parametrize("lazy", [True, False])
def test_data_arrays_keep_what_they_say(lazy):
    image, hole, chunks, _, _ = CASES["colour"]
    values = da.from_array(image, chunks=chunks) if lazy else image
    named = xarray.DataArray(
        values,
        dims=("y", "x", "c"),
        coords={"c": ["r", "g", "b"], "y": np.arange(300) * 0.5},
        attrs={"stain": "H&E"},
        name="slide",
    )
    options = eii.RestoreOptions("classical")
    done = eii.restore(named, xarray.DataArray(hole, dims=("y", "x")), options=options)
    assert done.dims == named.dims
    assert done.attrs == named.attrs
    assert done.name == "slide"
    assert list(done.c.values) == ["r", "g", "b"]
    assert np.array_equal(done.values, eii.restore(image, hole, options=options, axes="yxc"))
    assert isinstance(done.data, da.Array) == lazy


def test_blocks_are_filled_on_their_own_and_the_hole_is_not_looked_at_before():
    seen = []

    def marked(block, block_info=None):
        seen.append(block_info[None]["chunk-location"])
        return block

    image, hole = COLOUR, scattered((300, 400))
    lazy = da.from_array(hole, chunks=(150, 200)).map_blocks(marked, dtype=bool)
    given = da.from_array(image, chunks=(150, 200, 1))
    options = eii.RestoreOptions("classical")
    done = eii.restore(given, lazy, options=options, plan="blocks")
    assert not seen, "nothing is computed before it is asked for"
    assert done.chunks == given.chunks
    filled = done.compute()
    with dask.config.set(scheduler="processes", num_workers=2):
        assert np.array_equal(done.compute(), filled)
    assert np.array_equal(filled[~hole], image[~hole])
    # Blocks with their margins are the whole image here: the pixels of the other ways.
    assert np.array_equal(filled, eii.restore(image, hole, options=options))


@pytest.mark.parametrize("case", ["stack", "gray", "colour"])
def test_blocks_of_any_axes_keep_known_pixels(case):
    image, hole, chunks, axes, chosen = CASES[case]
    options = eii.RestoreOptions("classical", **chosen)
    given = da.from_array(image, chunks=chunks)
    done = eii.restore(given, hole, options=options, axes=axes, plan="blocks").compute()
    wide = hole[..., np.newaxis] if axes.endswith("c") else hole
    known = ~np.broadcast_to(wide, image.shape)
    assert np.array_equal(done[known], image[known])
    expected = eii.restore(image, hole, options=options, axes=axes).astype(float)
    if case != "stack":  # of noise, nothing can be expected
        assert np.abs(done - expected)[~known].mean() < 0.1 * expected.std()


def test_data_arrays_are_filled_by_blocks_too():
    image, hole, chunks, _, _ = CASES["colour"]
    named = xarray.DataArray(da.from_array(image, chunks=chunks), dims=("y", "x", "c"))
    options = eii.RestoreOptions("classical")
    done = eii.restore(named, hole, options=options, plan="blocks")
    assert any(name.startswith("eii-blocks") for name in done.data.dask.layers)
    assert np.array_equal(done.values[~hole], image[~hole])
    with pytest.raises(OptionError, match="`plan` must be"):
        eii.restore(named, hole, options=options, plan="some")


def test_blocks_that_cannot_be_filled_alone_say_what_to_do():
    image = da.zeros((1000, 1000), chunks=100, dtype=np.uint8)
    hole = np.zeros((1000, 1000), bool)
    hole[:, :990] = True
    options = eii.RestoreOptions("classical")
    with pytest.raises(HoleError, match="plan='whole'"):
        eii.restore(image, hole, options=options, plan="blocks")[:100, :100].compute()
    with pytest.raises(HoleError, match="does not fit"):
        eii.restore(image, hole[:30], options=options, plan="blocks")
    with pytest.raises(OptionError, match="`plan` must be"):
        eii.restore(image, hole, options=options, plan="some")
