"""What a restoration will take is said before it begins."""

import json

import eii
import numpy as np
import pytest
import zarr
from eii.cli import main
from eii.engine.label import hole_boxes
from eii.image.geometry import Box

CLASSICAL = eii.RestoreOptions("classical", workers=1)


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    image = zarr.create_array(
        str(tmp_path / "image.zarr"), shape=(3000, 3000), chunks=(500, 500), dtype=np.uint8
    )
    image[...] = rng.integers(0, 255, image.shape, np.uint8)
    hole = zarr.create_array(
        str(tmp_path / "hole.zarr"), shape=(3000, 3000), chunks=(250, 250), dtype=np.uint8
    )
    hole[100:120, 300:330] = 1
    hole[2000:2800, 900:1700] = 3
    return tmp_path


def test_the_numbers_are_those_of_the_run(files):
    told = []
    paths = (files / "image.zarr", files / "hole.zarr")
    found = eii.plan(*paths, options=CLASSICAL)
    done = eii.restore_to_zarr(*paths, files / "out.zarr", options=CLASSICAL, on_plan=told.append)
    assert found.pixels == done.filled == 20 * 30 + 800 * 800
    assert sum(found.windows.values()) == done.windows
    assert set(found.windows) == {0, 1, 2}
    assert (told[0].pixels, told[0].windows) == (found.pixels, found.windows)
    assert told[0].copied == found.copied
    stored = sum(p.stat().st_size for p in (files / "image.zarr" / "c").rglob("*") if p.is_file())
    assert found.copied + found.rewritten == stored
    # The holes lie in 1 and 2 x 3 of 36 chunks.
    assert found.rewritten == pytest.approx(stored * 7 / 36, rel=0.01)
    assert 0 < found.seconds < 60
    assert 1e8 < found.memory < 2e9


def test_of_a_hole_only_stored_chunks_are_read(files, monkeypatch):
    read = []
    original = zarr.Array.__getitem__
    monkeypatch.setattr(
        zarr.Array, "__getitem__", lambda self, key: read.append(key) or original(self, key)
    )
    source = eii.open_source(np.broadcast_to(np.uint8(0), (3000, 3000)))
    hole = eii.open_hole(files / "hole.zarr", source)
    boxes = hole_boxes(
        lambda box: hole.read((), box),
        (3000, 3000),
        block=500,
        may_hold=lambda box: hole.may_hold((), box),
    )
    assert len(boxes) == 2
    assert len(read) <= 1 + 9
    assert hole.may_hold((), Box(0, 0, 200, 400))
    assert not hole.may_hold((), Box(500, 0, 1900, 3000))


@pytest.mark.parametrize("options", [{"invert": True}, {"above": -1.0}])
def test_where_the_fill_value_marks_the_hole_all_of_it_is_read(files, options):
    source = eii.open_source(np.broadcast_to(np.uint8(0), (3000, 3000)))
    hole = eii.open_hole(files / "hole.zarr", source, options=eii.HoleOptions(**options))
    assert hole.may_hold((), Box(500, 0, 1900, 3000))


def test_holes_that_know_where_they_are_cost_no_reading():
    """Seventy gigapixels that nobody stores: the plan follows the defects."""

    class Specks:
        shape, dtype = (2**18, 2**18), np.dtype(bool)
        at = np.array([[1000, 5000], [200_000, 250_000], [2**18 - 1, 0]])
        read = 0

        def inside(self, key):
            (y0, y1), (x0, x1) = ((k.start, k.stop) for k in key)
            y, x = self.at.T
            return self.at[(y >= y0) & (y < y1) & (x >= x0) & (x < x1)] - (y0, x0)

        def may_hold(self, key):
            return len(self.inside(key)) > 0

        def __getitem__(self, key):
            self.read += 1
            found = np.zeros([k.stop - k.start for k in key], bool)
            y, x = self.inside(key).T
            found[y, x] = True
            return found

    class Flat:
        shape, dtype = Specks.shape, np.dtype(np.uint8)

        def __getitem__(self, key):
            return np.full([k.stop - k.start for k in key], 77, np.uint8)

    specks = Specks()
    found = eii.plan(Flat(), specks, options=CLASSICAL)
    assert (found.pixels, found.windows) == (3, {0: 3})
    assert specks.read < 60


def test_the_command(files, capsys, monkeypatch):
    paths = [str(files / "image.zarr"), str(files / "hole.zarr")]
    for extra in ([], ["--json"]):
        monkeypatch.setattr("sys.argv", ["eii", "plan", *paths, "--backbone", "classical", *extra])
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code
    text, line = capsys.readouterr().out.strip().splitlines()
    assert text.startswith("640600 pixels in ")
    assert json.loads(line)["pixels"] == 640600


def test_nothing_to_fill(files):
    found = eii.plan(files / "image.zarr", np.zeros((3000, 3000), bool), options=CLASSICAL)
    assert str(found) == "nothing to fill"
    assert found.windows == {}
