"""Stores larger than memory: copying, planning, many defects, a hole larger than any window.

Each measurement runs in a process of its own. `--only` chooses among them.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import eii
import numpy as np
import zarr
from bench_classical import peak_memory
from bench_cost import cpu, tiled
from numpy.typing import NDArray
from scipy import ndimage
from skimage import data

CLASSICAL = eii.RestoreOptions("classical")
SIDE, CHUNK = 32768, 1024
_ROWS = (2, 7, 12, 20, 25, 3, 30, 15, 9, 28)
_COLUMNS = (3, 7, 5, 20, 3, 28, 30, 16, 21, 11)
TOUCHED = tuple(zip(_ROWS, _COLUMNS, strict=True))


def write_pyramid(path: Path, side: int, levels: int) -> None:
    """Write an OME-Zarr of a tiled photograph, row of chunks by row of chunks."""
    root = zarr.open_group(str(path), mode="w")
    datasets = []
    for number in range(levels):
        n = side >> number
        level = root.create_array(
            str(number),
            shape=(n, n),
            chunks=(min(CHUNK, n),) * 2,
            dtype="u1",
            dimension_names=["y", "x"],
        )
        for y in range(0, n, CHUNK):
            # Shifted, lest the picture's own seams lie on the borders of windows.
            rows = np.roll(tiled(data.camera(), CHUNK, n), (77, 101), (0, 1))
            level[y : y + CHUNK] = rows[: n - y]
        scale = {"type": "scale", "scale": [2.0**number] * 2}
        datasets.append({"path": str(number), "coordinateTransformations": [scale]})
    axes = [{"name": a, "type": "space"} for a in "yx"]
    entry = {"axes": axes, "datasets": datasets}
    root.attrs["ome"] = {"version": "0.5", "multiscales": [entry]}


def write_hole(path: Path, side: int, boxes: Iterable[tuple[int, int, int, int]]) -> None:
    """Write a mask of which only chunks with marks are stored."""
    hole = zarr.create_array(str(path), shape=(side, side), chunks=(CHUNK,) * 2, dtype="u1")
    for y0, x0, y1, x1 in boxes:
        hole[y0:y1, x0:x1] = 1


def touched_store(folder: Path) -> tuple[Path, Path]:
    """Return a store of a gigapixel, and a hole in 10 of its 1024 tiles."""
    image, hole = folder / "image.zarr", folder / "hole.zarr"
    write_pyramid(image, SIDE, 6)
    at = [(y * CHUNK + 300, x * CHUNK + 300) for y, x in TOUCHED]
    write_hole(hole, SIDE, [(y, x, y + 100, x + 100) for y, x in at])
    return image, hole


def with_overlap(image: Path, hole: Path, out: Path) -> None:
    """Restore every tile with its neighbours' borders, as dask's map_overlap has it."""
    import dask.array as da

    def fill(pixels: NDArray[Any], marks: NDArray[Any]) -> NDArray[Any]:
        return eii.restore(pixels, marks, options=CLASSICAL) if marks.any() else pixels

    arrays = [da.from_zarr(str(image), component="0"), da.from_zarr(str(hole))]
    done = da.map_overlap(fill, *arrays, depth=64, dtype=np.uint8, meta=np.empty((0, 0), np.uint8))
    done.to_zarr(str(out))


def store_work(name: str, folder: Path) -> Callable[[], object]:
    """Return what is measured on the gigapixel store."""
    image, hole = touched_store(folder)
    if name == "cp -r":
        command = ["cp", "-r", str(image), str(folder / "copy.zarr")]
        return lambda: subprocess.run(command, check=True)
    if name == "map_overlap":
        return lambda: with_overlap(image, hole, folder / "out.zarr")
    if name == "windows alone":
        small = np.tile(tiled(data.camera(), CHUNK, CHUNK), (len(TOUCHED), 1))
        marks = np.zeros(small.shape, bool)
        for number in range(len(TOUCHED)):
            marks[number * CHUNK + 300 : number * CHUNK + 400, 300:400] = True
        return lambda: eii.restore(small, marks, options=CLASSICAL)
    return lambda: eii.restore_to_zarr(image, hole, folder / "out.zarr", options=CLASSICAL)


def speck_work(folder: Path) -> Callable[[], object]:
    """64 megapixels with 500,000 single pixels, from store to store."""
    image, hole = folder / "image.zarr", folder / "hole.zarr"
    write_pyramid(image, 8192, 4)
    marks = np.zeros((8192, 8192), np.uint8)
    marks.ravel()[np.random.default_rng(3).choice(marks.size, 500_000, replace=False)] = 1
    zarr.create_array(str(hole), data=marks, chunks=(CHUNK,) * 2)
    return lambda: eii.restore_to_zarr(image, hole, folder / "out.zarr", options=CLASSICAL)


class Lazy:
    """An image or a hole of any size that is made when it is read."""

    def __init__(self, side: int, specks: NDArray[np.int64] | None = None) -> None:
        self.shape, self._specks = (side, side), specks
        self.dtype = np.dtype(bool if specks is not None else np.uint8)

    def _inside(self, key: tuple[slice, slice]) -> NDArray[np.int64]:
        rows, columns = key
        if self._specks is None:
            return np.zeros((0, 2), np.int64)
        first, last = np.searchsorted(self._specks[:, 0], (rows.start, rows.stop))
        found = self._specks[first:last]
        x = found[:, 1]
        return found[(x >= columns.start) & (x < columns.stop)] - (rows.start, columns.start)

    def may_hold(self, key: tuple[slice, slice]) -> bool:
        """Tell whether a speck lies in a box."""
        return len(self._inside(key)) > 0

    def __getitem__(self, key: tuple[slice, slice]) -> NDArray[Any]:
        shape = [k.stop - k.start for k in key]
        if self._specks is None:
            y, x = (np.arange(k.start, k.stop) for k in key)
            return (128 + 60 * np.sin(y / 31)[:, None] * np.sin(x / 17)).astype(np.uint8)
        found = np.zeros(shape, bool)
        found[tuple(self._inside(key).T)] = True
        return found


def plan_work(gigapixels: int, defects: int) -> Callable[[], object]:
    """Plan a lazily generated image."""
    side = int((gigapixels * 1e9) ** 0.5)
    at = np.random.default_rng(0).integers(0, side, (defects, 2))
    at = at[np.argsort(at[:, 0])]
    return lambda: eii.plan(Lazy(side), Lazy(side, at), options=CLASSICAL)


def hole_work(folder: Path) -> Callable[[], object]:
    """A hole of 4000 x 4000 in 8192 x 8192."""
    image, hole = folder / "image.zarr", folder / "hole.zarr"
    write_pyramid(image, 8192, 4)
    write_hole(hole, 8192, [(2000, 2100, 6000, 6100)])

    def work() -> None:
        eii.restore_to_zarr(image, hole, folder / "out.zarr", options=CLASSICAL)
        pixels = eii.open_source(folder / "out.zarr").array[2000:6000, 2100:6100].astype(np.float64)
        steps = np.abs(np.diff(pixels, axis=1))
        # Each column of steps beside those within 16 of it: the picture varies by itself.
        own = steps.mean(axis=0) / ndimage.uniform_filter1d(steps.mean(axis=0), 33)
        columns = np.arange(2101, 6100)
        for name, at in (("cells' borders", (0,)), ("overlaps' ends", (32, 224))):
            share = own[np.isin(columns % 256, at)].mean()
            print(f"# gradient at {name} over that beside: {share:.3f}", file=sys.stderr)

    return work


def work_of(case: str, program: str, folder: Path) -> Callable[[], object]:
    """Return what is measured."""
    if case == "store":
        return store_work(program, folder)
    if case == "plan":
        gigapixels, defects = map(int, program.split("/"))
        return plan_work(gigapixels, defects)
    return speck_work(folder) if case == "specks" else hole_work(folder)


CASES = {
    "store": ("cp -r", "windows alone", "eii", "map_overlap"),
    "specks": ("eii",),
    "plan": ("1/100", "10/100", "100/100", "1000/100", "1000/10000"),
    "large hole": ("eii",),
}


def measure(case: str, program: str) -> None:
    """Print seconds, CPU seconds, and peak memory of the process in MB."""
    # Start-up is not what is measured.
    importlib.import_module("eii.api")
    importlib.import_module("dask.array")
    with tempfile.TemporaryDirectory() as folder:
        work = work_of(case, program, Path(folder))
        Path("/proc/self/clear_refs").write_text("5")
        start, spent = time.perf_counter(), cpu()
        work()
        print(time.perf_counter() - start, cpu() - spent, peak_memory())


def main() -> None:
    """Run all measurements in turn, or one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", nargs=2)
    parser.add_argument("--only", nargs="*", default=list(CASES))
    asked = parser.parse_args()
    if asked.measure:
        measure(*asked.measure)
        return
    print("| case | program | seconds | CPU seconds | peak MB |")
    print("|---|---|---|---|---|")
    for case in asked.only:
        for program in CASES[case]:
            command = [sys.executable, __file__, "--measure", case, program]
            run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            seconds, used, memory = (float(v) for v in run.stdout.split())
            print(f"| {case} | {program} | {seconds:.2f} | {used:.2f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()
