"""The classical backbone beside scikit-image's biharmonic inpainting, in one run.

PSNR in the hole over five packaged images; then time and peak memory at 16 megapixels with 2.5 %
scattered holes, each program in a process of its own, in turn.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from eii.external.initial import fill
from numpy.typing import NDArray
from scipy import ndimage
from skimage import data
from skimage.draw import line
from skimage.metrics import peak_signal_noise_ratio

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
IMAGES = ("camera", "astronaut", "coffee", "page", "immunohistochemistry")
LARGE, SPECK, SHARE, TURNS = 4096, 5, 0.025, 3


def strokes(shape: tuple[int, int], rng: np.random.Generator) -> Mask:
    """Return twelve lines, 3 pixels wide, from side to side."""
    hole = np.zeros(shape, bool)
    for _ in range(12):
        (y0, y1), (x0, x1) = rng.integers(0, shape[0], 2), rng.integers(0, shape[1], 2)
        hole[line(y0, x0, y1, x1)] = True
    return ndimage.binary_dilation(hole)


def blocks(shape: tuple[int, int], rng: np.random.Generator) -> Mask:
    """Return six squares of 32 pixels."""
    hole = np.zeros(shape, bool)
    for _ in range(6):
        y, x = rng.integers(0, shape[0] - 32), rng.integers(0, shape[1] - 32)
        hole[y : y + 32, x : x + 32] = True
    return hole


def specks(shape: tuple[int, int], rng: np.random.Generator) -> Mask:
    """Return scattered discs that cover `SHARE` of an image."""
    centres = rng.random(shape, dtype=np.float32) < SHARE / (np.pi * SPECK**2)
    return ndimage.distance_transform_edt(~centres) <= SPECK


def luma_of(name: str) -> Array:
    """Return a packaged image as luma in [0, 1]."""
    image = getattr(data, name)() / 255
    gray = image @ np.array([0.299, 0.587, 0.114]) if image.ndim == 3 else image
    return gray.astype(np.float32)


def peer_fill(luma: Array, hole: Mask) -> Array:
    """Fill by scikit-image."""
    from skimage.restoration import inpaint_biharmonic

    return inpaint_biharmonic(luma, hole).astype(np.float32)


def quality() -> None:
    """Print PSNR in the hole for each image and kind of hole."""
    print("| hole | image | biharmonic of scikit-image | eii classical |\n|---|---|---|---|")
    for kind in (strokes, blocks):
        rows = []
        for name in IMAGES:
            truth = luma_of(name)
            hole = kind(truth.shape, np.random.default_rng(1))
            damaged = np.where(hole, np.float32(0), truth)
            scores = [
                peak_signal_noise_ratio(truth[hole], f(damaged, hole)[hole], data_range=1)
                for f in (peer_fill, fill)
            ]
            rows.append(scores)
            print(f"| {kind.__name__} | {name} | {scores[0]:.2f} | {scores[1]:.2f} |")
        mean = np.mean(rows, axis=0)
        print(f"| {kind.__name__} | **mean** | **{mean[0]:.2f}** | **{mean[1]:.2f}** |")


def large() -> tuple[NDArray[np.uint8], Mask]:
    """Return 16 megapixels with scattered holes."""
    camera = data.camera()
    tiles = LARGE // camera.shape[0]
    image = np.tile(camera, (tiles, tiles))
    return image, specks(image.shape, np.random.default_rng(2))


def measure(program: str) -> None:
    """Print seconds and peak memory in MB above the image and its hole, for one program."""
    image, hole = large()
    work: Callable[[], object]
    if program == "eii":
        import eii
        import eii.api

        def work() -> object:
            return eii.restore(image, hole)
    else:
        from skimage.restoration import inpaint_biharmonic

        def work() -> object:
            return inpaint_biharmonic(image, hole)

    # What making the image took must not hide what the program takes: forget the peak so far.
    Path("/proc/self/clear_refs").write_text("5")
    before = peak_memory()
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    print(seconds, peak_memory() - before)


def peak_memory() -> float:
    """Return the most memory this process held since the peak was last forgotten, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(kilobytes) / 1024


def cost() -> None:
    """Print both programs' medians at 16 megapixels, run in turn."""
    figures: dict[str, list[tuple[float, float]]] = {"scikit-image": [], "eii": []}
    for _ in range(TURNS):
        for program in figures:
            command = [sys.executable, __file__, "--measure", program]
            run = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds, memory = map(float, run.stdout.split())
            figures[program].append((seconds, memory))
    print("\n| 16 megapixels, 2.5 % scattered | seconds | MB beyond the image |\n|---|---|---|")
    for program, runs in figures.items():
        middle = [statistics.median(column) for column in zip(*runs, strict=True)]
        print(f"| {program} | {middle[0]:.1f} | {middle[1]:.0f} |")


def main() -> None:
    """Run the benchmark, or one measurement of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", choices=["eii", "scikit-image"])
    program = parser.parse_args().measure
    if program:
        measure(program)
        return
    quality()
    cost()


if __name__ == "__main__":
    main()
