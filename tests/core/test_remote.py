"""Images behind URLs: object stores and web servers, also when they fail now and then."""

import functools
import pickle
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import eii
import fsspec
import numpy as np
import pytest
import s3fs
from eii.errors import OutputError, OutputPathError, SourceError
from eii.io.remote import is_url, shown
from moto.server import ThreadedMotoServer
from skimage import data

CLASSICAL = eii.RestoreOptions("classical")


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Return a folder with an image and its hole, both OME-Zarr with a pyramid."""
    folder = tmp_path_factory.mktemp("stores")
    image, hole = data.astronaut()[:300, :400], np.zeros((300, 400), bool)
    hole[100:110, 50:150] = True
    none = np.zeros_like(hole)
    eii.restore_to_zarr(image, none, folder / "image.zarr", options=CLASSICAL)
    marks = hole.astype(np.uint8)
    eii.restore_to_zarr(marks, none, folder / "hole.zarr", options=CLASSICAL)
    return folder, eii.restore(image, hole, options=CLASSICAL)


class Flaky(SimpleHTTPRequestHandler):
    """Serves files; every so manieth request for a chunk fails."""

    every, count = 0, 0
    lock = threading.Lock()

    def do_GET(self):
        with self.lock:
            type(self).count += 1
            bad = self.every and self.count % self.every == 0
        if bad:
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def web(stores):
    """Return where the stores are served, and the class that serves them."""
    handler = type("Own", (Flaky,), {})
    serve = functools.partial(handler, directory=str(stores[0]))
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def bucket(stores):
    """Return a bucket of a local S3 server that holds the stores."""
    with pytest.MonkeyPatch.context() as patch:
        server = ThreadedMotoServer(port=0)
        server.start()
        host, port = server.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "a-key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()  # one that was made without a key stays so
        files = s3fs.S3FileSystem()
        files.mkdir("scans")
        for name in ("image.zarr", "hole.zarr"):
            files.put(str(stores[0] / name), f"scans/{name}", recursive=True)
        yield "s3://scans"
        server.stop()
    s3fs.S3FileSystem.clear_instance_cache()


def check(root, stores, out):
    eii.restore_to_zarr(f"{root}/image.zarr", f"{root}/hole.zarr", out, options=CLASSICAL)
    found = eii.open_source(out)
    assert np.array_equal(np.asarray(found.array[...]).transpose(1, 2, 0), stores[1])
    assert found.is_rgb
    verified = eii.verify(f"{root}/image.zarr", out)
    assert verified.difference is None


def test_a_web_server(tmp_path, stores, web):
    check(web[0], stores, tmp_path / "out.zarr")


def test_a_web_server_that_fails_every_third_request(tmp_path, stores, web):
    web[1].every = 3
    check(web[0], stores, tmp_path / "out.zarr")
    assert web[1].count > 10


def test_an_object_store(tmp_path, stores, bucket):
    check(bucket, stores, tmp_path / "out.zarr")


def test_credentials_are_never_written(tmp_path, bucket):
    out = tmp_path / "out.zarr"
    eii.restore_to_zarr(f"{bucket}/image.zarr", f"{bucket}/hole.zarr", out, options=CLASSICAL)
    text = (out / "zarr.json").read_text()
    assert "s3://scans/image.zarr" in text
    assert "a-key" not in text
    assert "a-secret" not in text
    assert shown("https://me:word@host:80/a.zarr?token=1") == "https://host:80/a.zarr"


def test_a_source_behind_a_url_is_sent_as_its_url(bucket):
    source = eii.open_source(f"{bucket}/image.zarr")
    again = pickle.loads(pickle.dumps(source))
    assert np.array_equal(again.array[:, :9, :9], source.array[:, :9, :9])
    assert again.name == source.name == "s3://scans/image.zarr"


def test_what_is_not_there_is_an_error(bucket, web):
    for url in (f"{bucket}/none.zarr", "s3://no-such-bucket/a.zarr", f"{web[0]}/none.zarr"):
        with pytest.raises(SourceError, match=r"is not there|cannot be reached"):
            eii.open_source(url)


def test_what_may_not_be_read_is_an_error(bucket, monkeypatch):
    async def denied(*_, **__):
        raise PermissionError("403")

    monkeypatch.setattr("zarr.storage.FsspecStore.get", denied)
    with pytest.raises(SourceError, match="access is denied"):
        eii.open_source(f"{bucket}/image.zarr")


def test_a_server_that_is_gone_is_an_error(monkeypatch):
    monkeypatch.setattr("eii.io.remote._PAUSE", 0.0)
    with pytest.raises(SourceError, match=r"is not there|cannot be reached"):
        eii.open_source("http://127.0.0.1:9/a.zarr")


def test_a_server_that_is_lost_during_a_run_is_an_error(tmp_path, web, monkeypatch):
    monkeypatch.setattr("eii.io.remote._PAUSE", 0.0)
    source = eii.open_source(f"{web[0]}/image.zarr")
    hole = eii.open_source(f"{web[0]}/hole.zarr")
    web[1].every = 1
    with pytest.raises(SourceError, match="the network fails"):
        eii.restore_to_zarr(source, hole, tmp_path / "out.zarr", options=CLASSICAL)
    assert not (tmp_path / "out.zarr").exists()


def test_urls_are_told_from_paths(tmp_path):
    assert is_url("s3://bucket/a.zarr")
    assert not is_url("C:/images/a.zarr")
    assert not is_url(tmp_path)
    np.save(tmp_path / "a.npy", np.zeros((9, 9), np.uint8))
    assert eii.open_source((tmp_path / "a.npy").as_uri()).shape == (9, 9)


def stored(folder):
    """Return what is stored of a local result, but for its provenance."""
    files = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def put_there(url):
    files, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
    return {key.removeprefix(f"{root}/"): files.cat_file(key) for key in files.find(root)}


def restore_there(bucket, out, tmp_path, **how):
    image, hole = (f"{bucket}/{name}.zarr" for name in ("image", "hole"))
    return eii.restore_to_zarr(image, hole, out, work=tmp_path, options=CLASSICAL, **how)


def test_a_result_in_an_object_store_has_the_bytes_of_a_local_one(tmp_path, bucket):
    done = restore_there(bucket, f"{bucket}/a/out.zarr", tmp_path / "work")
    assert done.out == f"{bucket}/a/out.zarr"
    restore_there(bucket, tmp_path / "out.zarr", tmp_path)
    assert put_there(done.out) == stored(tmp_path / "out.zarr")
    assert not (tmp_path / "work").exists()
    assert eii.verify(f"{bucket}/image.zarr", done.out).difference is None


def test_a_result_in_an_object_store_is_replaced_only_when_ours_and_allowed(tmp_path, bucket):
    out = f"{bucket}/b/out.zarr"
    restore_there(bucket, out, tmp_path)
    before = put_there(out)
    with pytest.raises(OutputPathError, match="exists"):
        restore_there(bucket, out, tmp_path)
    files = s3fs.S3FileSystem()
    files.pipe_file(f"{out}/notes.txt", b"mine")
    with pytest.raises(OutputPathError, match=r"notes\.txt"):
        restore_there(bucket, out, tmp_path, overwrite=True)
    files.rm_file(f"{out}/notes.txt")
    restore_there(bucket, out, tmp_path, overwrite=True)
    assert put_there(out) == before
    files.pipe_file(f"{bucket}/c/out.zarr/zarr.json", b"{}")
    with pytest.raises(OutputPathError, match="not a result"):
        restore_there(bucket, f"{bucket}/c/out.zarr", tmp_path, overwrite=True)
    with pytest.raises(OutputPathError, match="is the source"):
        restore_there(bucket, f"{bucket}/image.zarr/out.zarr", tmp_path, overwrite=True)


def test_a_bucket_that_is_missing_or_denied_is_told_before_anything_is_computed(
    tmp_path, bucket, monkeypatch
):
    monkeypatch.setattr("eii.io.remote._PAUSE", 0.0)
    told = []
    with pytest.raises(OutputError, match="no such bucket"):
        restore_there(bucket, "s3://no-such/out.zarr", tmp_path / "w", on_progress=told.append)

    call = s3fs.S3FileSystem._call_s3

    async def denied(self, method, *given, **how):
        if method == "put_object":
            raise PermissionError("403")
        return await call(self, method, *given, **how)

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", denied)
    with pytest.raises(OutputError, match="access is denied"):
        restore_there(bucket, f"{bucket}/d/out.zarr", tmp_path / "w", on_progress=told.append)
    assert not told
    assert not (tmp_path / "w").exists()
    assert not put_there(f"{bucket}/d")


def failing(monkeypatch, often):
    """Let every so manieth put of a file fail."""
    call, count = s3fs.S3FileSystem._call_s3, iter(range(1, 10**6))

    async def sometimes(self, method, *given, **how):
        locks = str(how.get("Key")).endswith("eii-lock")
        if method == "put_object" and not locks and next(count) % often == 0:
            raise OSError("no answer")
        return await call(self, method, *given, **how)

    monkeypatch.setattr("eii.io.remote._PAUSE", 0.0)
    monkeypatch.setattr("eii.io.place_remote._TOGETHER", 1)
    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", sometimes)


def test_puts_that_fail_now_and_then_are_tried_again(tmp_path, bucket, monkeypatch):
    failing(monkeypatch, 3)
    restore_there(bucket, f"{bucket}/e/out.zarr", tmp_path)
    monkeypatch.undo()
    restore_there(bucket, tmp_path / "out.zarr", tmp_path)
    assert put_there(f"{bucket}/e/out.zarr") == stored(tmp_path / "out.zarr")


def test_a_store_that_is_lost_while_the_result_is_put_holds_nothing_and_is_resumed(
    tmp_path, bucket, monkeypatch
):
    with monkeypatch.context() as patch:
        failing(patch, 1)
        with pytest.raises(OutputError, match="no answer"):
            restore_there(bucket, f"{bucket}/f/out.zarr", tmp_path)
    assert not put_there(f"{bucket}/f")
    told = []
    restore_there(bucket, f"{bucket}/f/out.zarr", tmp_path, resume=True, on_progress=told.append)
    restore_there(bucket, tmp_path / "out.zarr", tmp_path)
    assert put_there(f"{bucket}/f/out.zarr") == stored(tmp_path / "out.zarr")


def test_what_a_killed_run_has_put_is_no_result_and_is_removed(tmp_path, bucket, monkeypatch):
    out = f"{bucket}/g/out.zarr"
    files = s3fs.S3FileSystem()
    files.pipe_file(f"{out}/.eii-unfinished", b"")
    files.pipe_file(f"{out}/0/c/99/99", b"half")
    with pytest.raises(SourceError):
        eii.open_source(out)
    restore_there(bucket, out, tmp_path)
    restore_there(bucket, tmp_path / "out.zarr", tmp_path)
    assert put_there(out) == stored(tmp_path / "out.zarr")


def test_a_place_that_another_machine_is_at_is_left(tmp_path, bucket):
    s3fs.S3FileSystem().pipe_file(f"{bucket}/h/out.zarr.eii-lock", b"other:/data")
    with pytest.raises(OutputError, match="another run"):
        restore_there(bucket, f"{bucket}/h/out.zarr", tmp_path)
    assert put_there(f"{bucket}/h") == {"out.zarr.eii-lock": b"other:/data"}


def test_a_web_server_takes_no_results(tmp_path, bucket, web):
    with pytest.raises(OutputError, match=r"cannot be written"):
        restore_there(bucket, f"{web[0]}/out.zarr", tmp_path)


def test_the_command_writes_to_an_object_store(tmp_path, bucket, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image, hole = (f"{bucket}/{name}.zarr" for name in ("image", "hole"))
    out = f"{bucket}/i/out.zarr"
    eii_at = [sys.executable, "-m", "eii.cli"]
    command = ["restore", image, hole, out, "--backbone", "classical", "--quiet"]
    subprocess.run([*eii_at, *command], check=True)
    assert not list(tmp_path.iterdir())
    subprocess.run([*eii_at, "verify", image, out], check=True)
