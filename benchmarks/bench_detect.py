"""Defects made up on clean images: precision, recall and F1 of each kind, beside simple baselines.

Also false alarms on the clean images themselves.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import defaultdict
from pathlib import Path

import eii
import numpy as np
from eii.evaluation.defects import DEFECTS
from eii.training.images import find_items, read_item
from scipy import ndimage
from skimage.filters import threshold_otsu

RGB_ONLY = {"pen-marks": ("micro", "document"), "stamps": ("document",)}


def median_difference(luma: np.ndarray) -> np.ndarray:
    """Return what is far from the median of 5 x 5."""
    rest = np.abs(luma - ndimage.median_filter(luma, 5))
    return rest > max(0.02, 6 * 1.4826 * float(np.median(rest)))


def otsu(luma: np.ndarray) -> np.ndarray:
    """Return what Otsu's threshold parts from the median, by the difference."""
    rest = np.abs(luma - ndimage.median_filter(luma, 9))
    return rest > max(0.02, threshold_otsu(rest)) if np.ptp(rest) else rest > 1


def top_hat(luma: np.ndarray) -> np.ndarray:
    """Return the rest of white and black top-hats beyond Otsu's threshold."""
    white, black = (f(luma, 9) for f in (ndimage.white_tophat, ndimage.black_tophat))
    rest = np.maximum(white, black)
    return rest > max(0.05, threshold_otsu(rest)) if np.ptp(rest) else rest > 1


BASELINES = {"median difference": median_difference, "Otsu": otsu, "top-hat": top_hat}


def as_bytes(image: np.ndarray) -> np.ndarray:
    """Return an image as it would be stored."""
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def found_in(image: np.ndarray, kind: str, sensitivity: float) -> np.ndarray:
    """Return the hole that the kind finds in bytes."""
    stored, axes = (image[..., 0], "yx") if image.shape[2] == 1 else (image, "yxc")
    options = eii.DetectOptions((kind,), grow=0, sensitivity=sensitivity)
    return np.asarray(eii.detect(stored, options=options, axes=axes)) > 0


def f1(counts: np.ndarray) -> tuple[float, float, float]:
    """Return precision, recall and F1 of right, false and missed pixels."""
    right, false, missed = counts
    precision, recall = right / max(1, right + false), right / max(1, right + missed)
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def counted(found: np.ndarray, truth: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """Return right, false and missed pixels; on the rim of the truth neither is counted."""
    return np.array(
        [(found & truth).sum(), (found & ~truth & ~ring).sum(), (~found & truth & ~ring).sum()]
    )


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("eval", type=Path)
    parser.add_argument("--kinds", default=",".join(DEFECTS))
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--sensitivity", type=float, default=0.5)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    items = find_items(given.eval)
    for kind in given.kinds.split(","):
        measure(kind, items, given)


def measure(kind: str, items: list, given: argparse.Namespace) -> None:
    """Print a table of one kind."""
    ours: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(3))
    theirs: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(3))
    alarms, pixels, seconds = defaultdict(float), defaultdict(float), 0.0
    for number, item in enumerate(items):
        domain = Path(item.name).parent.name
        image = read_item(item)[: given.side, : given.side]
        if kind in RGB_ONLY and (image.shape[2] != 3 or domain not in RGB_ONLY[kind]):
            continue
        rng = np.random.default_rng(number)
        changed, truth = DEFECTS[kind](image, rng)
        stored = as_bytes(changed)
        rim = kind not in ("hot-pixels", "dead-lines", "saturated", "missing")
        ring = (
            ndimage.binary_dilation(truth) ^ ndimage.binary_erosion(truth)
            if rim
            else ~(truth | True)
        )
        begun = time.monotonic()
        found = found_in(stored, kind, given.sensitivity)
        seconds += time.monotonic() - begun
        ours[domain] += counted(found, truth, ring & ~truth)
        for name, baseline in BASELINES.items():
            luma = stored[..., :3].mean(axis=2) / 255
            theirs[name] += counted(baseline(luma), truth, ring & ~truth)
        clean = as_bytes(image)
        if kind == "infrared":
            continue
        alarm = found_in(clean, kind, given.sensitivity)
        if kind == "saturated":  # what is clipped in a clean image is clipped
            alarm &= ~(clean == 255).all(axis=2)
        alarms[domain] += alarm.sum()
        pixels[domain] += alarm.size
    speed = sum(pixels.values()) / 1e6 / max(seconds, 1e-9)
    print(f"\n### {kind} ({speed:.1f} megapixels a second)\n")
    print(
        "| finder | precision | recall | F1 | false alarms on clean images |\n|---|---|---|---|---|"
    )
    rows = [(f"ours, {d}", c, alarms[d] / max(1, pixels[d])) for d, c in ours.items()]
    whole = sum(alarms.values()) / max(1, sum(pixels.values()))
    rows.append(("**ours, all**", sum(ours.values()), whole))
    for name, counts, alarm in rows:
        print(f"| {name} | " + " | ".join(f"{v:.2f}" for v in f1(counts)) + f" | {alarm:.3%} |")
    for name, counts in theirs.items():
        print(f"| {name} | " + " | ".join(f"{v:.2f}" for v in f1(counts)) + " | |")


if __name__ == "__main__":
    main()
