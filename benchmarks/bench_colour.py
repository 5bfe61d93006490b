"""Colour in the hole beside its alternatives: CIEDE2000 for exact, completed and blurred luma.

    python benchmarks/bench_colour.py [--paper N]

``--paper N`` also trains the paper's networks by their full schedule on N of the images (a quarter
of an hour each and more), and ours; ``--step 2`` does so at half their size.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import eii
import numpy as np
from eii.evaluation.holes import draw_hole
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage import data
from skimage.color import deltaE_ciede2000, rgb2lab

Image = NDArray[np.uint8]
Hole = NDArray[np.bool_]
LUMA = np.array([0.299, 0.587, 0.114])
METHODS = ("hybrid", "solve", "match", "table")
HOLES = ("stroke", "block")
SEED = 5


def images() -> dict[str, Image]:
    """Return five packaged photographs and sections, at most 512 pixels high and wide."""
    found = {
        "astronaut": data.astronaut(),
        "coffee": data.coffee(),
        "stain": data.immunohistochemistry(),
        "cat": data.chelsea(),
        "rocket": data.rocket(),
    }
    return {name: np.ascontiguousarray(i[:512, :512, :3]) for name, i in found.items()}


def lumas(image: Image, hole: Hole) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield the luma as it is, as two backbones complete it, and blurred in the hole."""
    luma = image @ LUMA
    yield "exact", luma
    damaged = np.where(hole, 0, luma).astype(np.float32)
    for backbone in ("classical", "unet"):
        yield backbone, eii.restore(damaged, hole, options=eii.RestoreOptions(backbone))
    for sigma in (2, 5):
        yield f"blurred by {sigma} px", np.where(hole, gaussian_filter(luma, sigma), luma)


def ciede(one: Image, other: Image, hole: Hole) -> float:
    """Return the mean CIEDE2000 in the hole."""
    labs = (rgb2lab(image[hole][np.newaxis]) for image in (one, other))
    return float(deltaE_ciede2000(*labs).mean())


def chroma_psnr(one: Image, other: Image, hole: Hole) -> float:
    """Return the PSNR in the hole of what is left beside luma."""
    parts = (i.astype(np.float64) - (i @ LUMA)[..., np.newaxis] for i in (one, other))
    first, second = parts
    return float(10 * np.log10(255**2 / np.mean((first - second)[hole] ** 2)))


def propagated(image: Image, hole: Hole, luma: NDArray[np.floating], colour: str) -> Image:
    """Return the image with its hole filled by a method of colour."""
    damaged = image.copy()
    damaged[hole] = 0
    options = eii.RestoreOptions(colour=colour)
    return np.asarray(eii.propagate(luma, damaged, hole, options=options))


def quality() -> None:
    """Print mean CIEDE2000 over the images, and the CPU time of a 512 x 512 hybrid."""
    print(f"| hole | luma | {' | '.join(METHODS)} |\n|---|---|{'---|' * len(METHODS)}")
    spent = []
    for kind in HOLES:
        figures: dict[str, dict[str, list[float]]] = {}
        for image in images().values():
            hole = draw_hole(kind, image.shape[:2], SEED)
            for name, luma in lumas(image, hole):
                for method in METHODS:
                    start = time.process_time()
                    filled = propagated(image, hole, luma, method)
                    if method == "hybrid" and kind == "stroke":
                        spent.append(time.process_time() - start)
                    own = figures.setdefault(name, {}).setdefault(method, [])
                    own.append(ciede(filled, image, hole))
        for name, by_method in figures.items():
            means = [f"{np.mean(by_method[m]):.2f}" for m in METHODS]
            print(f"| {kind} | {name} | {' | '.join(means)} |", flush=True)
    print(f"\nhybrid, strokes 15 %: median {np.median(spent):.2f} CPU s an image")


def trained(count: int, step: int) -> None:
    """Print the paper's networks beside ours, on every ``step``-th pixel, with exact luma."""
    print("\n| image | hole | method | CIEDE2000 | chroma PSNR | seconds |")
    print("|---|---|---|---|---|---|")
    for name, image in list(images().items())[:count]:
        taken = np.ascontiguousarray(image[::step, ::step])
        for kind in HOLES:
            hole = draw_hole(kind, taken.shape[:2], SEED)
            for method in ("hybrid", "progressive", "paper"):
                start = time.perf_counter()
                filled = propagated(taken, hole, taken @ LUMA, method)
                seconds = time.perf_counter() - start
                psnr = chroma_psnr(filled, taken, hole)
                print(
                    f"| {name} | {kind} | {method} | {ciede(filled, taken, hole):.2f} | {psnr:.2f} "
                    f"| {seconds:.1f} |",
                    flush=True,
                )


def by_channel() -> None:
    """Print what known channels tell of 1 % single-channel pixels that are lost."""
    image = data.astronaut()[:256, :256]
    hole = np.random.default_rng(0).random(image.shape) < 0.01
    damaged = np.where(hole, 0, image).astype(np.uint8)
    print("\n| lost pixels of single channels | PSNR |\n|---|---|")
    for channels in ("each", "auto"):
        options = eii.RestoreOptions("classical", channels=channels)
        filled = eii.restore(damaged, hole, axes="yxc", options=options).astype(np.float64)
        error = np.mean((filled - image)[hole] ** 2)
        print(f"| {channels} | {10 * np.log10(255**2 / error):.2f} |", flush=True)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paper", type=int, default=0)
    parser.add_argument("--step", type=int, default=1)
    asked = parser.parse_args()
    quality()
    by_channel()
    if asked.paper:
        trained(asked.paper, asked.step)


if __name__ == "__main__":
    main()
