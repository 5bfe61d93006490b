"""Standard errors of what is invented against the true errors, and what they cost."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import eii
import numpy as np
from eii.evaluation.holes import draw_hole
from eii.evaluation.run import most_active, read_picture
from eii.training.images import SUFFIXES
from scipy.stats import spearmanr

HOLES = ("scratch", "stroke", "block", "line")


def cases(data: Path, most: int, side: int) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """Yield domain, kind of hole, image and hole."""
    for domain in sorted(p for p in data.iterdir() if p.is_dir()):
        files = sorted(p for p in domain.iterdir() if p.suffix.lower() in SUFFIXES)[:most]
        for file in files:
            image = most_active(read_picture(file), side, crc32(file.name.encode()))
            for kind in HOLES:
                seed = crc32(f"{file.name}|{kind}".encode())
                yield domain.name, kind, image, draw_hole(kind, image.shape[:2], seed)


def measure(image: np.ndarray, hole: np.ndarray, options: eii.RestoreOptions) -> dict[str, float]:
    """Return coverage, rank correlation and time of one case."""
    damaged = image.copy()
    damaged[hole] = 0
    seconds = {}
    for told in (False, True):
        begun = time.perf_counter()
        chosen = eii.RestoreOptions(
            options.backbone, grain=options.grain if told else "none", standard_error=told
        )
        done = eii.restore_array(damaged, hole, options=chosen)
        seconds[told] = time.perf_counter() - begun
    error = done.image[hole].astype(np.float64) - image[hole]
    expected = done.standard_error[hole]
    # The truth is rounded: where in its level it was, nobody knows.
    within = np.random.default_rng(0).uniform(-0.5, 0.5, error.shape)
    rank = spearmanr(np.abs(error + within).ravel(), expected.ravel()).statistic
    return {
        "covered": float((np.abs(error + within) <= expected).mean()),
        "rank": float(rank),
        "plain": seconds[False],
        "told": seconds[True],
    }


def main() -> None:
    """Run all cases of a folder of images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--most", type=int, default=8)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--backbone", default="unet")
    parser.add_argument("--grain", default="none")
    given = parser.parse_args()
    options = eii.RestoreOptions(given.backbone, grain=given.grain)
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    for domain, kind, image, hole in cases(given.data, given.most, given.side):
        found.setdefault((domain, kind), []).append(measure(image, hole, options))
    print("| domain | hole | within one standard error, % | rank correlation, median | least |")
    print("|---|---|---|---|---|")
    for (domain, kind), rows in found.items():
        ranks = [r["rank"] for r in rows]
        print(
            f"| {domain} | {kind} | {100 * np.mean([r['covered'] for r in rows]):.0f} | "
            f"{np.median(ranks):.2f} | {min(ranks):.2f} |"
        )
    every = [r for rows in found.values() for r in rows]
    for domain in dict.fromkeys(d for d, _ in found):
        own = [r["covered"] for (d, _), rows in found.items() if d == domain for r in rows]
        print(f"{domain}: {100 * np.mean(own):.1f} % within one standard error")
    ranks = [r["rank"] for r in every]
    times = sum(r["told"] for r in every) / sum(r["plain"] for r in every)
    print(
        f"Rank correlation: median {np.median(ranks):.2f}, {np.mean(np.array(ranks) > 0):.1%} > 0"
    )
    print(f"Time with standard error (and grain) over that without: {times:.2f}")


if __name__ == "__main__":
    main()
