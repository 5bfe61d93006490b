"""A folder of scanned pages in one batch: hours for ten thousand of them."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from eii.batch.jobs import find_jobs
from eii.batch.run import run_batch
from eii.evaluation.film_defects import add_dust, add_scratches
from eii.evaluation.run import read_picture
from eii.options import DetectOptions
from PIL import Image

SHAPE = (3508, 2480)  # A4 at 300 dots per inch


def defects() -> np.ndarray:
    """Return where there are scratches and dust on a page."""
    rng = np.random.default_rng(0)
    gray = np.full((*SHAPE, 1), 0.5, np.float32)
    gray, scratches = add_scratches(gray, rng, 4)
    return scratches | add_dust(gray, rng, 40)[1]


def page(
    parts: list[np.ndarray], hole: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return a page of pieces of others, its defects white, and where those are."""
    chosen = [parts[i] for i in rng.integers(len(parts), size=20)]
    rows = [np.concatenate([p[:800, :800] for p in chosen[4 * i : 4 * i + 4]], 1) for i in range(5)]
    image = np.concatenate(rows)[: SHAPE[0], : SHAPE[1]].copy()
    hole = np.roll(hole, rng.integers(SHAPE), axis=(0, 1))
    image[hole] = 255
    return image, hole


def main() -> None:
    """Print seconds of a page and hours of ten thousand, with masks and with a search."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documents", type=Path)
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--detect", action="store_true", help="Search for the defects, too.")
    given = parser.parse_args()
    parts = [read_picture(p) for p in sorted(given.documents.iterdir())]
    parts = [p for p in parts if min(p.shape[:2]) >= 800 and p.ndim == 3]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        marks = defects()
        for number in range(given.pages):
            image, hole = page(parts, marks, np.random.default_rng(number))
            Image.fromarray(image).save(folder / f"page{number:03}.tif", compression="raw")
            Image.fromarray(hole).save(folder / f"page{number:03}_mask.png")
        jobs = find_jobs(
            str(folder / "*.tif"), folder / "out", hole_pattern="{stem}_mask.png", form="source"
        )
        report(run_batch, jobs, folder / "out", "masks")
        if given.detect:
            jobs = find_jobs(str(folder / "*.tif"), folder / "found", form="source", detect=True)
            how = {"detect": DetectOptions(("scratches", "dust"))}
            report(run_batch, jobs, folder / "found", "searched", **how)


def report(run, jobs, out, name, **how) -> None:
    """Run a batch and print what it took."""
    begun = time.perf_counter()
    rows = run(jobs, out, **how)
    seconds = (time.perf_counter() - begun) / len(rows)
    done = sum(row.status == "done" for row in rows)
    share = np.mean([row.share for row in rows])
    print(
        f"{name}: {done} of {len(rows)} pages of {SHAPE}, {share:.2%} filled: {seconds:.1f} s a "
        f"page, {seconds * 10_000 / 3600:.1f} h for 10,000"
    )


if __name__ == "__main__":
    main()
