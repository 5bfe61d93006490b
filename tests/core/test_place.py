"""Nothing of the user's is deleted or overwritten by surprise; what is unfinished says so."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import eii
import numpy as np
import pytest
import zarr
from eii.errors import OutputError, OutputPathError, SourceError
from eii.io.place import Place

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 255, (50, 60), np.uint8)
HOLE = np.zeros((50, 60), bool)
HOLE[10:20, 15:30] = True


def files_of(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def other_zarr(path):
    zarr.open_group(str(path), mode="w")["0"] = GRAY


def folder_of_notes(path):
    path.mkdir()
    (path / "notes.txt").write_text("mine")


def a_file(path):
    path.write_text("mine")


def result_with_more(path):
    eii.restore_to_zarr(GRAY, HOLE, path)
    zarr.open_group(str(path), mode="r+")["labels/cells"] = GRAY


@pytest.mark.parametrize("make", [other_zarr, folder_of_notes, a_file, result_with_more])
def test_overwrite_replaces_nothing_but_a_result_of_ours(tmp_path, make):
    out = tmp_path / "out.zarr"
    make(out)
    before = files_of(tmp_path)
    with pytest.raises(OutputPathError, match="not overwritten"):
        eii.restore_to_zarr(GRAY, HOLE, out, overwrite=True)
    assert files_of(tmp_path) == before


def test_overwrite_takes_an_empty_folder(tmp_path):
    (tmp_path / "out.zarr").mkdir()
    eii.restore_to_zarr(GRAY, HOLE, tmp_path / "out.zarr", overwrite=True)
    assert eii.verify(GRAY, tmp_path / "out.zarr").difference is None


def test_output_may_not_be_the_hole_or_lie_around_or_in_it(tmp_path):
    hole = tmp_path / "holes" / "hole.zarr"
    eii.restore_to_zarr(HOLE.astype(np.uint8), HOLE, hole)
    before = files_of(tmp_path)
    for out in (hole, hole / "more", tmp_path / "holes"):
        with pytest.raises(OutputPathError, match="hole"):
            eii.restore_to_zarr(GRAY, hole, out, overwrite=True)
    assert files_of(tmp_path) == before


def test_a_folder_that_merely_has_a_partial_name_is_not_touched(tmp_path):
    names = [f".out.zarr.0123abcd.eii-{kind}" for kind in ("partial", "replaced")]
    names.append("out.zarr.partial")
    for name in names:
        folder_of_notes(tmp_path / name)
    eii.restore_to_zarr(GRAY, HOLE, tmp_path / "out.zarr")
    assert all((tmp_path / name / "notes.txt").read_text() == "mine" for name in names)


def test_a_second_run_on_the_same_place_is_refused(tmp_path):
    out = tmp_path / "out.zarr"
    with (
        Place(out, guarded={}),
        pytest.raises(OutputError, match=rf"another run \(process {os.getpid()}\)"),
    ):
        eii.restore_to_zarr(GRAY, HOLE, out)
    assert list(tmp_path.iterdir()) == []
    eii.restore_to_zarr(GRAY, HOLE, out)


KILLED = """
import os, signal, sys
import numpy as np, eii
from pathlib import Path
from eii.io import place
step, out = sys.argv[1:]
image, hole = np.zeros((60, 60), np.uint8), np.eye(60, dtype=bool)
kill = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
if step == "written":
    place.Place.swap = kill
elif step == "one moved":
    rename, count = Path.rename, []
    def counted(self, target):
        if count:
            kill()
        count.append(1)
        return rename(self, target)
    Path.rename = counted
else:
    place._remove = kill
eii.restore_to_zarr(image, hole, out, overwrite=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
@pytest.mark.parametrize("step", ["written", "one moved", "both moved"])
def test_a_run_killed_at_the_swap_is_finished_or_cleaned_by_the_next(tmp_path, step):
    out = tmp_path / "out.zarr"
    eii.restore_to_zarr(GRAY, HOLE, out)
    run = subprocess.run([sys.executable, "-c", KILLED, step, str(out)], check=False)
    assert run.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) > 1
    eii.restore_to_zarr(255 - GRAY, HOLE, out, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["out.zarr"]
    assert eii.verify(255 - GRAY, out).difference is None


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_what_a_killed_swap_left_is_whole_for_the_next_run_without_overwrite(tmp_path):
    out = tmp_path / "out.zarr"
    eii.restore_to_zarr(GRAY, HOLE, out)
    subprocess.run([sys.executable, "-c", KILLED, "one moved", str(out)], check=False)
    assert not out.exists()
    with pytest.raises(OutputPathError, match="exists"):
        eii.restore_to_zarr(GRAY, HOLE, out)
    assert eii.verify(np.zeros((60, 60), np.uint8), out).difference is None
    assert [p.name for p in tmp_path.iterdir()] == ["out.zarr"]


def test_a_symbolic_link_leads_to_where_the_result_goes(tmp_path):
    real, link = tmp_path / "real.zarr", tmp_path / "link.zarr"
    link.symlink_to(real)
    eii.restore_to_zarr(GRAY, HOLE, link)
    eii.restore_to_zarr(255 - GRAY, HOLE, link, overwrite=True)
    assert link.is_symlink()
    assert eii.verify(255 - GRAY, real).difference is None


def test_an_unfinished_result_is_refused_by_name(tmp_path):
    out = tmp_path / "out.zarr"
    eii.restore_to_zarr(GRAY, HOLE, out)
    described = json.loads((out / "zarr.json").read_text())
    described["attributes"]["eii"]["unfinished"] = True
    (out / "zarr.json").write_text(json.dumps(described))
    for call in (
        lambda: eii.open_source(out),
        lambda: eii.open_source(out / "0"),
        lambda: eii.export(out, tmp_path / "a.tif"),
        lambda: eii.verify(GRAY, out),
    ):
        with pytest.raises(SourceError, match="unfinished"):
            call()
    assert not (tmp_path / "a.tif").exists()


def test_room_is_checked_before_anything_is_computed(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 10**6, 10))
    reports = []
    with pytest.raises(OutputError, match="GB are free"):
        eii.restore_to_zarr(GRAY, HOLE, tmp_path / "new" / "o.zarr", on_progress=reports.append)
    assert reports == []
    assert list(tmp_path.iterdir()) == []


def test_permission_is_checked_before_anything_is_computed(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    reports = []
    with pytest.raises(OutputError, match="no permission"):
        eii.restore_to_zarr(GRAY, HOLE, tmp_path / "o.zarr", on_progress=reports.append)
    assert reports == []


def test_export_overwrites_neither_source_nor_hole_nor_result(tmp_path):
    source, hole, out = (tmp_path / n for n in ("a.tif", "h.tif", "b.zarr"))
    for path, array in ((source, GRAY), (hole, HOLE.astype(np.uint8))):
        eii.export(array, path)
    eii.restore_to_zarr(source, hole, out)
    before = files_of(tmp_path)
    for file in (source, hole, out / "c.tif"):
        with pytest.raises(OutputPathError, match="its hole or its result"):
            eii.export(out, file, overwrite=True)
    assert files_of(tmp_path) == before


SLOW = """
import sys, numpy as np
from eii.cli import main
np.save(sys.argv[1] + "/a.npy", np.zeros((1500, 1500), np.uint8))
hole = np.zeros((1500, 1500), bool)
hole[100:1400, 100:1400] = True
np.save(sys.argv[1] + "/h.npy", hole)
import eii.api
def slow(*a, **how):
    import time
    print("begun", flush=True)
    while True:
        a[3].should_stop() and (_ for _ in ()).throw(eii.errors.Cancelled("x"))
        time.sleep(0.01)
eii.api.compute = slow
sys.argv = ["eii", "restore", *(f"{sys.argv[1]}/{n}" for n in ("a.npy", "h.npy", "o.zarr"))]
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are of POSIX")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_run_that_cleans_up_and_says_so(tmp_path, number, status):
    run = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stdout.readline() == "begun\n"
    time.sleep(0.05)
    run.send_signal(number)
    _, told = run.communicate(timeout=30)
    assert run.returncode == status
    assert "No result was kept" in told
    assert {p.name for p in tmp_path.iterdir()} == {"a.npy", "h.npy"}
