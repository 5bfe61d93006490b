"""A large store restored from S3 to S3, against a local server: time, and memory of each worker."""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import eii
import numpy as np
import psutil
import s3fs
import zarr
from eii.cluster import ClusterOptions
from skimage import data

PORT = 5999
ENVIRONMENT = {
    "AWS_ENDPOINT_URL": f"http://127.0.0.1:{PORT}",
    "AWS_ACCESS_KEY_ID": "a-key",
    "AWS_SECRET_ACCESS_KEY": "a-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def put(side: int, holes: int) -> None:
    """Put a mosaic of RGB and a hole of scratches into a bucket."""
    s3fs.S3FileSystem().mkdir("bench")
    tile = np.tile(data.astronaut(), (2, 2, 1)).transpose(2, 0, 1)
    shape, chunks = (3, side, side), (1, 1024, 1024)
    image = zarr.create_array("s3://bench/image.zarr", shape=shape, chunks=chunks, dtype=np.uint8)
    marks = zarr.create_array(
        "s3://bench/hole.zarr", shape=shape[1:], chunks=chunks[1:], dtype=np.uint8, fill_value=0
    )
    rng = np.random.default_rng(0)
    for y in range(0, side, 1024):
        for x in range(0, side, 1024):
            image[:, y : y + 1024, x : x + 1024] = tile
            part = np.zeros((1024, 1024), np.uint8)
            for row, column in rng.integers(0, 950, (holes, 2)):
                part[row : row + 4, column : column + 60] = 1
            marks[y : y + 1024, x : x + 1024] = part


def watched(peaks: dict[int, int], stop: threading.Event) -> None:
    """Note the greatest resident memory of every process below this one."""
    while not stop.wait(0.2):
        for process in psutil.Process().children(recursive=True):
            try:
                used = process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
            peaks[process.pid] = max(used, peaks.get(process.pid, 0))


def stored(root: str, local: bool) -> dict[str, str]:
    """Return the SHA-256 of every stored object, by its name."""
    if local:
        files = (p for p in Path(root).rglob("*") if p.is_file())
        return {
            p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in files
        }
    store = s3fs.S3FileSystem(use_listings_cache=False)
    own = root.removeprefix("s3://")
    return {
        key.removeprefix(f"{own}/"): hashlib.sha256(store.cat_file(key)).hexdigest()
        for key in store.find(own)
    }


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=16384)
    parser.add_argument("--holes", type=int, default=4, help="In each 1024 x 1024.")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--backbone", default="auto")
    given = parser.parse_args()
    os.environ |= ENVIRONMENT
    command = [sys.executable, "-m", "moto.server", "-p", str(PORT)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(4)
        put(given.side, given.holes)
        run(given)
    finally:
        server.terminate()
        server.wait()


def run(given: argparse.Namespace) -> None:
    """Restore from S3 to S3 and to a folder, and print what it took."""
    peaks: dict[int, int] = {}
    stop, before = threading.Event(), {p.pid for p in psutil.Process().children()}
    watch = threading.Thread(target=watched, args=(peaks, stop))
    watch.start()
    options = eii.RestoreOptions(given.backbone)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        done = eii.restore_to_zarr(
            *("s3://bench/image.zarr", "s3://bench/hole.zarr", "s3://bench/out.zarr"),
            work=Path(folder) / "work",
            options=options,
            cluster=ClusterOptions(processes=given.processes),
            axes="cyx",
        )
        seconds = time.monotonic() - begun
        stop.set()
        watch.join()
        workers = [used / 2**20 for pid, used in peaks.items() if pid not in before]
        most = max(workers)
        print(f"{given.side} x {given.side} x 3, {done.filled} pixels, {done.windows} windows")
        print(f"S3 to S3: {seconds:.1f} s; most memory of a worker {most:.0f} MiB")
        local = Path(folder) / "out.zarr"
        eii.restore_to_zarr(
            *("s3://bench/image.zarr", "s3://bench/hole.zarr", local), options=options, axes="cyx"
        )
        same = stored(str(local), local=True) == stored("s3://bench/out.zarr", local=False)
        print(f"SHA-256 of every object, S3 by processes and local by threads: {same=}")


if __name__ == "__main__":
    main()
