"""CPU seconds and peak memory on large images, beside OpenCV and scikit-image, in one run.

Each program runs in a process of its own, in turn; the medians of several turns are printed.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from bench_classical import peak_memory, specks
from numpy.typing import NDArray
from scipy import ndimage
from skimage import data
from skimage.draw import line

Case = tuple[NDArray[Any], NDArray[np.bool_], str]
TURNS = 3


def tiled(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return an image repeated to a size."""
    times = -(-height // image.shape[0]), -(-width // image.shape[1])
    return np.tile(image, (*times, 1)[: image.ndim])[:height, :width].copy()


def small_holes() -> Case:
    """16 megapixels, 2.6 % in discs of 5 pixels' radius."""
    image = tiled(data.camera(), 4096, 4096)
    return image, specks(image.shape, np.random.default_rng(2)), "yx"


def single_pixels() -> Case:
    """64 megapixels with 500,000 single pixels."""
    image = tiled(data.camera(), 8192, 8192)
    hole = np.zeros(image.shape, bool)
    hole.ravel()[np.random.default_rng(3).choice(hole.size, 500_000, replace=False)] = True
    return image, hole, "yx"


def page() -> Case:
    """RGB, 2083 x 1457, 4 % in scratches three pixels wide."""
    image, rng = tiled(data.immunohistochemistry(), 2083, 1457), np.random.default_rng(4)
    hole = np.zeros(image.shape[:2], bool)
    while hole.mean() < 0.04:
        ends = rng.integers(0, image.shape[:2], (2, 2))
        drawn = np.zeros_like(hole)
        drawn[line(*ends[0], *ends[1])] = True
        hole |= ndimage.binary_dilation(drawn, np.ones((3, 3)))
    return image, hole, "yxc"


def channels() -> Case:
    """40 channels of uint16, 2048 x 2048, with discs and a block."""
    base, rng = tiled(data.camera(), 2048, 2048).astype(np.uint16), np.random.default_rng(5)
    gains = rng.integers(20, 200, 40)
    image = np.stack([base * g + rng.integers(0, 300, base.shape, np.uint16) for g in gains])
    hole = specks(base.shape, rng)
    hole[500:600, 700:800] = True
    return image.astype(np.uint16), hole, "cyx"


CASES: dict[str, Callable[[], Case]] = {
    "small holes": small_holes,
    "single pixels": single_pixels,
    "page": page,
    "channels": channels,
}
PROGRAMS = {
    "small holes": ("eii", "eii unet", "eii pixel", "NS", "biharmonic"),
    "single pixels": ("eii", "NS"),
    "page": ("eii", "eii solve", "NS"),
    "channels": ("eii",),
    "store": ("eii", "copy"),
}


def program_of(name: str, case: Case) -> Callable[[], object]:
    """Return what a program does with a case."""
    image, hole, axes = case
    if name.startswith("eii"):
        import eii.api

        colour = "solve" if name.endswith("solve") else "hybrid"
        backbone = next((b for b in ("unet", "pixel") if name.endswith(b)), "classical")
        options = eii.RestoreOptions(backbone, colour)
        return lambda: eii.restore(image, hole, axes=axes, options=options)
    if name == "NS":
        import cv2

        return lambda: cv2.inpaint(image, hole.astype(np.uint8), 3, cv2.INPAINT_NS)
    from skimage.restoration import inpaint_biharmonic

    return lambda: inpaint_biharmonic(image, hole)


def store_work(name: str, folder: Path) -> Callable[[], object]:
    """Restore 16384 x 16384 with 1 % of 1024-pixel tiles touched, on disk; or copy it."""
    import shutil

    import eii
    import zarr

    source = folder / "source.zarr"
    array = zarr.create_array(str(source), shape=(16384,) * 2, chunks=(1024,) * 2, dtype="u1")
    array[:] = tiled(data.camera(), 16384, 16384)
    hole = np.zeros(array.shape, bool)
    for y, x in ((2, 3), (7, 7), (12, 5)):
        hole[y * 1024 + 300 : y * 1024 + 400, x * 1024 + 300 : x * 1024 + 400] = True
    if name == "copy":
        return lambda: shutil.copytree(source, folder / "copy.zarr")
    options = eii.RestoreOptions("classical")
    return lambda: eii.restore_to_zarr(source, hole, folder / "out.zarr", options=options)


def cpu() -> float:
    """Return the CPU seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(case: str, program: str) -> None:
    """Print CPU seconds, seconds, and peak memory in MB above the image and its hole."""
    with tempfile.TemporaryDirectory() as folder:
        if case == "store":
            work = store_work(program, Path(folder))
        else:
            work = program_of(program, CASES[case]())
        # What making the image took must not hide what the program takes: forget the peak so far.
        Path("/proc/self/clear_refs").write_text("5")
        before, start, spent = peak_memory(), time.perf_counter(), cpu()
        work()
        print(cpu() - spent, time.perf_counter() - start, peak_memory() - before)


def main() -> None:
    """Run all measurements in turn, or one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", nargs=2)
    parser.add_argument("--only", nargs="*", default=list(PROGRAMS))
    parser.add_argument("--turns", type=int, default=TURNS)
    asked = parser.parse_args()
    if asked.measure:
        measure(*asked.measure)
        return
    print("| case | program | CPU seconds | seconds | MB beyond the image |")
    print("|---|---|---|---|---|")
    for case in asked.only:
        figures: dict[str, list[list[float]]] = {p: [] for p in PROGRAMS[case]}
        for _ in range(asked.turns):
            for program, rows in figures.items():
                command = [sys.executable, __file__, "--measure", case, program]
                run = subprocess.run(command, capture_output=True, text=True, check=True)
                rows.append([float(v) for v in run.stdout.split()])
        for program, rows in figures.items():
            used, seconds, memory = (statistics.median(c) for c in zip(*rows, strict=True))
            print(f"| {case} | {program} | {used:.2f} | {seconds:.2f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()
