"""A run goes on where it was stopped or killed, to the bytes of the undisturbed run."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import eii
import numpy as np
import pytest
import zarr
from eii.engine import packs
from eii.errors import Cancelled, JournalError, OutputError, SourceError
from eii.io import sink
from eii.io.place import Place

CLASSICAL = eii.RestoreOptions("classical", workers=2)


def picture(shape=(2100, 1600)):
    y, x = np.indices(shape)
    rng = np.random.default_rng(1)
    return (120 + 60 * np.sin(y / 30) * np.cos(x / 41) + rng.normal(0, 4, shape)).astype(np.uint8)


def holes(shape=(2100, 1600)):
    hole = np.zeros(shape, bool)
    hole[40::170, 30:1500:3] = hole[500:900, 700:1300] = True
    hole[1200:2000:50, 400:430] = True
    return hole


@pytest.fixture
def files(tmp_path):
    np.save(tmp_path / "image.npy", picture())
    np.save(tmp_path / "hole.npy", holes())
    return tmp_path


def run(files, name="out.zarr", **how):
    how = {"options": CLASSICAL, **how}
    return eii.restore_to_zarr(files / "image.npy", files / "hole.npy", files / name, **how)


def digests(folder):
    """Every stored object but the metadata, which names the output."""
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(Path(folder).rglob("*"))
        if p.is_file() and p.name != "zarr.json"
    }


class StopAfter:
    """Asks to stop at the nth question."""

    def __init__(self, count):
        self.left = count

    def __call__(self):
        self.left -= 1
        return self.left < 0


def test_stopped_again_and_again_it_ends_with_the_same_bytes(files):
    whole = run(files)
    stops = 0
    for count in (3, 30, 60, 90, 120, 10**9):
        stop = StopAfter(count)
        if count > 10**6:
            done = run(files, "again.zarr", resume=True, should_stop=stop)
            continue
        with pytest.raises(Cancelled) as stopping:
            run(files, "again.zarr", resume=True, should_stop=stop)
        stops += 1
        assert not (files / "again.zarr").exists()
        begun = (files / ".again.zarr.eii-work" / "journal.json").exists()
        assert stopping.value.resumable == begun
    assert stops >= 3
    assert (done.filled, done.known) == (whole.filled, whole.known)
    assert digests(files / "again.zarr") == digests(files / "out.zarr")
    assert eii.verify(files / "image.npy", files / "again.zarr").difference is None
    assert {p.name for p in files.iterdir()} == {"image.npy", "hole.npy", "out.zarr", "again.zarr"}


def stopped(files, stage="restore"):
    """Stop a run at the end of a stage."""
    seen = []

    def on_progress(report):
        seen.append(report.stage == stage and report.done == report.total)

    with pytest.raises(Cancelled):
        run(files, on_progress=on_progress, should_stop=lambda: any(seen))


def test_what_is_done_is_not_done_again(files, monkeypatch):
    stopped(files)
    put = []
    monkeypatch.setattr(packs.DiskPatches, "put", lambda *a: put.append(a))
    run(files, resume=True)
    assert put == []


def test_stopped_just_before_it_is_moved_it_loses_nothing(files, monkeypatch):
    run(files, "whole.zarr")

    def stop(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Place, "swap", stop)
        with pytest.raises(KeyboardInterrupt):
            run(files)
    with pytest.raises(Cancelled):  # and stopped again
        run(files, resume=True, should_stop=StopAfter(40))
    run(files, resume=True)
    assert digests(files / "out.zarr") == digests(files / "whole.zarr")
    assert eii.verify(files / "image.npy", files / "out.zarr").difference is None


def test_without_resume_it_begins_anew(files):
    stopped(files)
    work = files / ".out.zarr.eii-work"
    assert len(list((work / "patches").iterdir())) > 20
    with pytest.raises(Cancelled):
        run(files, should_stop=lambda: True)
    assert not work.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda f: {"options": eii.RestoreOptions("classical", grow=2)},
            "option grow: 0 then, 2 now",
        ),
        (lambda f: np.save(f / "image.npy", picture() // 2), "the image state"),
        (lambda f: np.save(f / "hole.npy", holes()[::-1]), "the hole state"),
        (lambda f: {"hole_options": eii.HoleOptions(invert=True)}, "option of the hole invert"),
    ],
)
def test_another_run_is_refused_by_name_and_what_is_done_is_kept(files, change, message):
    stopped(files)
    changed = change(files) or {}
    before = digests(files / ".out.zarr.eii-work" / "patches")
    with pytest.raises(JournalError, match=message):
        run(files, resume=True, **changed)
    assert digests(files / ".out.zarr.eii-work" / "patches") == before
    run(files, **changed)
    assert not (files / ".out.zarr.eii-work").exists()


def test_a_full_disk_is_one_clear_line_and_the_run_can_go_on(files, monkeypatch):
    whole = run(files, "whole.zarr")
    write, count = sink.ZarrSink.write, []

    def full(self, *a, **k):
        count.append(1)
        if len(count) > 2:
            raise OutputError("o.zarr cannot be written: No space left on device.")
        return write(self, *a, **k)

    with monkeypatch.context() as patched:
        patched.setattr(sink.ZarrSink, "write", full)
        with pytest.raises(OutputError, match="No space left"):
            run(files)
    assert run(files, resume=True).filled == whole.filled
    assert digests(files / "out.zarr") == digests(files / "whole.zarr")


def test_a_full_disk_while_patches_are_written(files, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match="No space left"):
            run(files)
    assert not (files / "out.zarr").exists()
    run(files, resume=True)
    assert eii.verify(files / "image.npy", files / "out.zarr").difference is None


def test_a_source_that_is_cut_during_the_run_is_named(files):
    def cut(report):
        if report.stage == "store":
            with (files / "image.npy").open("r+b") as file:
                file.truncate(1000)

    with pytest.raises(SourceError, match=r"image\.npy"):
        run(files, on_progress=cut)
    assert not (files / "out.zarr").exists()


RUN = """
import sys, eii
folder, resume = sys.argv[1], sys.argv[2] == "resume"
eii.restore_to_zarr(
    f"{folder}/image.npy", f"{folder}/hole.npy", f"{folder}/killed.zarr",
    options=eii.RestoreOptions("classical", workers=2), resume=resume,
)
"""


def kill_rounds(files, rounds, seed=0):
    """Kill runs at random moments; yield after each that was killed."""
    rng = np.random.default_rng(seed)
    done = 0
    while done < rounds:
        process = subprocess.Popen([sys.executable, "-c", RUN, str(files), "resume"])
        deadline = time.monotonic() + rng.uniform(0.8, 3.5)
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            done += 1
        yield (files / "killed.zarr").exists()


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
@pytest.mark.parametrize("rounds", [2, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_at_random_moments_it_ends_with_the_same_bytes(files, rounds):
    run(files)
    expected = digests(files / "out.zarr")
    ends = 0
    for there in kill_rounds(files, rounds):
        if there:
            ends += 1
            assert digests(files / "killed.zarr") == expected
            assert eii.verify(files / "image.npy", files / "killed.zarr").difference is None
            zarr.open_group(str(files / "killed.zarr"), mode="r")
            for path in sorted((files / "killed.zarr").rglob("*"), reverse=True):
                path.unlink() if path.is_file() else path.rmdir()
            (files / "killed.zarr").rmdir()
    if not (files / "killed.zarr").exists():
        subprocess.run([sys.executable, "-c", RUN, str(files), "resume"], check=True)
    assert digests(files / "killed.zarr") == expected
    names = {p.name for p in files.iterdir()}
    assert names == {"image.npy", "hole.npy", "out.zarr", "killed.zarr"}
    print(f"{rounds} kills, {ends} runs that ended between them")
