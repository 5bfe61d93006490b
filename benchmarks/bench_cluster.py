"""What a cluster costs: one and two processes, overhead of a unit, memory of the scheduler."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import eii
import numpy as np
import psutil
from eii.batch.jobs import BatchJob
from eii.batch.run import run_batch
from eii.cluster import ClusterOptions, opened
from eii.progress import never_stop
from PIL import Image
from skimage import data

BROKEN = 5


def scattered(side: int, count: int) -> np.ndarray:
    """Return a hole of scattered scratches."""
    hole, rng = np.zeros((side, side), np.uint8), np.random.default_rng(0)
    for y, x in rng.integers(0, side - 70, (count, 2)):
        hole[y : y + 4, x : x + 60] = 255
    return hole


def efficiency(folder: Path, side: int) -> None:
    """Print the time of a run on threads, on one process and on two."""
    image = np.tile(data.astronaut(), (side // 512, side // 512, 1))
    np.save(folder / "image.npy", image)
    np.save(folder / "hole.npy", scattered(side, side * side // 20000))
    print("| run | restore, s | store, s | whole, s |\n|---|---|---|---|")
    restore = {}
    for name, sent in (
        ("threads", None),
        ("1 process", ClusterOptions(processes=1)),
        ("2 processes", ClusterOptions(processes=2)),
    ):
        seen: dict[str, list[float]] = {}
        begun = time.monotonic()

        def note(report, seen=seen) -> None:
            seen.setdefault(report.stage, []).append(time.monotonic())

        eii.restore_to_zarr(
            folder / "image.npy",
            folder / "hole.npy",
            folder / "out.zarr",
            cluster=sent,
            overwrite=True,
            on_progress=note,
        )
        whole = time.monotonic() - begun
        # From the first unit on: what is before it, a model's load among it, is paid once.
        spans = {stage: times[-1] - times[0] for stage, times in seen.items()}
        restore[name] = spans["restore"]
        print(f"| {name} | {spans['restore']:.1f} | {spans['store']:.1f} | {whole:.1f} |")
    ratio = restore["1 process"] / restore["2 processes"] / 2
    print(f"\nEfficiency of two processes against one, restoring: {ratio:.2f}\n")


def overhead(folder: Path, count: int) -> None:
    """Print what a unit that does nothing takes, and how the process of the scheduler grows."""
    own = psutil.Process()
    with opened(ClusterOptions(processes=2), folder) as sent:
        sizes, begun = [], time.monotonic()
        for done, _ in enumerate(sent.run((int for _ in range(count)), never_stop), start=1):
            if done % (count // 10) == 0:
                sizes.append(own.memory_info().rss / 2**20)
        each = (time.monotonic() - begun) / count * 1000
    print(f"A unit that does nothing: {each:.2f} ms. Memory of scheduler and client, MiB,")
    print(f"each tenth of {count} units: {', '.join(f'{s:.0f}' for s in sizes)}\n")


def batch(folder: Path, count: int) -> None:
    """Print the time of a batch over that of its images one after the other."""
    jobs, hole = [], scattered(256, 12)
    Image.fromarray(hole).save(folder / "hole.png")
    for number in range(count):
        image = np.roll(data.astronaut()[:256, :256], number, axis=1)
        Image.fromarray(image).save(folder / f"{number}.png")
        out = folder / "batch" / f"{number}.zarr"
        jobs.append(BatchJob(folder / f"{number}.png", folder / "hole.png", out))
    broken = []
    for number in range(BROKEN):
        (folder / f"broken{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(number))
        out = folder / "batch" / f"broken{number}.zarr"
        broken.append(BatchJob(folder / f"broken{number}.png", folder / "hole.png", out))
    eii.restore_to_zarr(jobs[0].image, jobs[0].hole, folder / "first.zarr")
    begun = time.monotonic()
    for job in jobs:
        eii.restore_to_zarr(job.image, job.hole, folder / "single.zarr", overwrite=True)
    single = time.monotonic() - begun
    begun = time.monotonic()
    rows = run_batch([*jobs[:7], *broken, *jobs[7:]], folder / "batch")
    whole = time.monotonic() - begun
    done = sum(row.status == "done" for row in rows)
    failed = [row for row in rows if row.status == "failed"]
    print(f"{len(failed)} of {BROKEN} broken files named: {failed[0].error}")
    print(
        f"{done} images: {single:.1f} s one by one, {whole:.1f} s in a batch: {whole / single:.2f}"
    )


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--units", type=int, default=100_000)
    parser.add_argument("--images", type=int, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        efficiency(Path(folder), given.side)
        batch(Path(folder), given.images)
        overhead(Path(folder) / "sent", given.units)


if __name__ == "__main__":
    main()
