"""A cluster gives the bytes that threads give, whatever becomes of its workers."""

import os
import pickle
import signal
import threading
from hashlib import sha256
from pathlib import Path

import cloudpickle
import eii
import numpy as np
import pytest
from distributed import Client, LocalCluster
from eii.cluster import Cluster, ClusterOptions, opened
from eii.engine.doubt import usual
from eii.errors import Cancelled, ClusterError, OptionError
from eii.progress import Reporting, never_stop
from eii.runs import runner_of
from PIL import Image
from skimage import data


def damaged(folder, side=700):
    """Write an image with scattered holes and one that is larger than a window."""
    image = np.tile(data.astronaut(), (3, 3, 1))[:side, :side]
    hole = np.zeros(image.shape[:2], np.uint8)
    rng = np.random.default_rng(0)
    for y, x in rng.integers(0, side - 20, (40, 2)):
        hole[y : y + 6, x : x + 12] = 255
    hole[100:260, 100:300] = 255
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(folder / "image.png")
    Image.fromarray(hole).save(folder / "hole.png")
    return folder / "image.png", folder / "hole.png"


def digest(store):
    """Return what is stored, by name; but for what names the run itself."""
    return {
        str(file.relative_to(store)): sha256(file.read_bytes()).hexdigest()
        for file in sorted(Path(store).rglob("*"))
        if file.is_file()
    }


@pytest.fixture(scope="module")
def by_threads(tmp_path_factory):
    folder = tmp_path_factory.mktemp("threads")
    out = folder / "out.zarr"
    eii.restore_to_zarr(*damaged(folder), out)
    return folder, digest(out)


@pytest.fixture(scope="module")
def cluster():
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit=0
    ) as found:
        yield found


def test_any_number_of_threads_gives_the_bytes(tmp_path, by_threads):
    folder, expected = by_threads
    for count in (1, 2):
        out = tmp_path / str(count) / "out.zarr"
        eii.restore_to_zarr(*damaged(folder), out, options=eii.RestoreOptions(workers=count))
        assert digest(out) == expected


@pytest.mark.parametrize("count", [1, 2, 3])
def test_processes_give_the_bytes_of_threads(tmp_path, by_threads, count):
    folder, expected = by_threads
    out = tmp_path / "out.zarr"
    summary = eii.restore_to_zarr(
        folder / "image.png", folder / "hole.png", out, cluster=ClusterOptions(processes=count)
    )
    assert digest(out) == expected
    assert summary.filled > 0
    assert [p.name for p in tmp_path.iterdir()] == ["out.zarr"]


def test_any_scheduler_gives_the_bytes_of_threads(tmp_path, by_threads, cluster):
    folder, expected = by_threads
    out, reports = tmp_path / "out.zarr", []
    eii.restore_to_zarr(
        folder / "image.png",
        folder / "hole.png",
        out,
        cluster=ClusterOptions(cluster.scheduler_address),
        on_progress=reports.append,
    )
    assert digest(out) == expected
    for stage in ("restore", "store"):
        own = [r for r in reports if r.stage == stage]
        assert own[-1].done == own[-1].total


def test_arrays_are_sent_with_the_run(tmp_path, cluster):
    image, hole = data.camera()[:300, :300], np.zeros((300, 300), bool)
    hole[50:80, 50:90] = True
    sent = ClusterOptions(cluster.scheduler_address)
    for name in "ab":
        (tmp_path / name).mkdir()
    eii.restore_to_zarr(image, hole, tmp_path / "a" / "out.zarr")
    eii.restore_to_zarr(image, hole, tmp_path / "b" / "out.zarr", cluster=sent)
    assert digest(tmp_path / "a" / "out.zarr") == digest(tmp_path / "b" / "out.zarr")


@pytest.mark.parametrize("stage", ["restore", "store"])
def test_a_worker_that_is_killed_is_done_without(tmp_path, by_threads, stage):
    folder, expected = by_threads
    out, killed = tmp_path / "out.zarr", []
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit=0
    ) as own:

        def on_progress(report):
            if report.stage == stage and not killed:
                killed.append(own.workers[0].process.pid)
                os.kill(killed[0], signal.SIGKILL)

        eii.restore_to_zarr(
            folder / "image.png",
            folder / "hole.png",
            out,
            cluster=ClusterOptions(own.scheduler_address),
            on_progress=on_progress,
        )
    assert killed
    assert digest(out) == expected


def test_a_run_that_is_stopped_goes_on_on_threads_or_on_a_cluster(tmp_path, by_threads, cluster):
    folder, expected = by_threads
    out, seen = tmp_path / "out.zarr", []
    sent = ClusterOptions(cluster.scheduler_address)

    def note(report):
        if report.stage == "restore":
            seen.append(report)

    with pytest.raises(Cancelled) as told:
        eii.restore_to_zarr(
            folder / "image.png",
            folder / "hole.png",
            out,
            cluster=sent,
            on_progress=note,
            should_stop=lambda: len(seen) > 3,
        )
    assert told.value.resumable
    eii.restore_to_zarr(folder / "image.png", folder / "hole.png", out, resume=True)
    assert digest(out) == expected


def test_a_scheduler_that_does_not_answer_is_an_error(tmp_path, by_threads, monkeypatch):
    folder, _ = by_threads
    monkeypatch.setattr("eii.cluster._WAIT", "1s")
    with pytest.raises(ClusterError, match=r"No scheduler answers at tcp://127.0.0.1:9"):
        eii.restore_to_zarr(
            folder / "image.png",
            folder / "hole.png",
            tmp_path / "out.zarr",
            cluster=ClusterOptions("tcp://127.0.0.1:9"),
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("versions", "message"),
    [({"napari-eii": None}, "lacks napari-eii"), ({"torch": "1.0"}, r"has torch 1\.0, here it is")],
)
def test_workers_with_other_versions_are_refused(tmp_path, cluster, monkeypatch, versions, message):
    found = Client.get_versions

    def changed(self, **options):
        answer = found(self, **options)
        for worker in answer["workers"].values():
            worker["packages"].update(versions)
        return answer

    monkeypatch.setattr(Client, "get_versions", changed)
    with (
        pytest.raises(ClusterError, match=message) as told,
        opened(ClusterOptions(cluster.scheduler_address), tmp_path),
    ):
        pass
    assert "tcp://" in str(told.value)


def test_workers_that_do_not_see_the_folder_are_refused(tmp_path, cluster, monkeypatch):
    monkeypatch.setattr("eii.cluster._sees", str.isspace)  # as on a machine without it
    options = ClusterOptions(cluster.scheduler_address)
    with (
        pytest.raises(ClusterError, match=r"The worker tcp.* does not see .*eii\.restore"),
        opened(options, tmp_path / "sent"),
    ):
        pass
    assert not list((tmp_path / "sent").iterdir())


def test_runners_of_one_process_share_their_network(tmp_path):
    image, hole = damaged(tmp_path, 120)
    source = eii.open_source(image)
    reporting = Reporting(lambda report: None, never_stop)
    options = eii.RestoreOptions("unet")
    runner, _ = runner_of(source, eii.open_hole(hole, source), options, reporting)
    sent = [pickle.loads(cloudpickle.dumps(r)) for r in (runner, runner.calibrated([usual(3)]))]
    assert sent[0].backbone is sent[1].backbone is runner.backbone


def test_a_part_of_another_version_is_refused(tmp_path, cluster, monkeypatch):
    with Client(cluster) as client:
        sent = Cluster(client, tmp_path)
        monkeypatch.setattr("eii.cluster.__version__", "0.0.1")
        part = {"some": "part"}
        sent.ship(part=part)
        with pytest.raises(ClusterError, match=r"this run is of 0\.0\.1"):
            list(sent.run([lambda: part], never_stop))


def test_errors_of_calls_come_back_and_what_cannot_be_sent_is_named(tmp_path, cluster):
    def fail():
        raise OptionError("as it should")

    with Client(cluster) as client:
        sent = Cluster(client, tmp_path)
        with pytest.raises(OptionError, match="as it should"):
            list(sent.run([fail], never_stop))
        with pytest.raises(ClusterError, match="cannot be sent"):
            sent.ship(lock=threading.Lock())


def test_many_calls_are_submitted_few_at_a_time(tmp_path, cluster):
    with Client(cluster) as client:
        taken, most, count = [], 0, 0
        calls = (taken.append(number) or int for number in range(300))
        for _ in Cluster(client, tmp_path).run(calls, never_stop):
            most, count = max(most, len(taken) - count), count + 1
        assert count == 300
        assert most <= 2 * 3, "calls that are submitted and have not ended"


def test_options_of_a_cluster_are_checked():
    with pytest.raises(OptionError, match="not both"):
        ClusterOptions("tcp://a:1", 2)
    with pytest.raises(OptionError, match="1 or more; got 0"):
        ClusterOptions(processes=0)
