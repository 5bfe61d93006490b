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
from eii.evaluation.defects import DEFECTS, add_thin_dirt
from eii.training.images import find_items, read_item
from scipy import ndimage
from skimage.filters import threshold_otsu

SOFT = ("scratches", "dust", "infrared", "pen-marks", "stamps", "bubbles", "stains")
"""Kinds whose borders are soft: two pixels around their truth count neither way."""
RGB_ONLY = {"pen-marks": ("micro", "document"), "stamps": ("document",), "bubbles": ("micro",)}
PAGES = ("stains",)


BRIGHT = ("bubbles", "pen-marks")


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


def finer(image: np.ndarray, times: int) -> np.ndarray:
    """Return an image, or a mask, as if scanned so many times as finely."""
    if image.dtype == bool:
        return image.repeat(times, axis=0).repeat(times, axis=1)
    return ndimage.zoom(image, (times, times, 1), order=3, mode="nearest", grid_mode=True)


def found_in(
    image: np.ndarray, kind: str, sensitivity: float, max_width: int | None = None
) -> np.ndarray:
    """Return the hole that the kind finds in bytes."""
    stored, axes = (image[..., 0], "yx") if image.shape[2] == 1 else (image, "yxc")
    grow = None if kind in SOFT else 0  # as by default, where a rim belongs to it
    options = eii.DetectOptions((kind,), sensitivity, grow, max_width=max_width)
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
    parser.add_argument("--max-width", type=int)
    parser.add_argument("--finer", type=int, default=1, help="Times as finely scanned.")
    parser.add_argument("--restore", action="store_true", help="Restore what is found, too.")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    items = find_items(given.eval)
    for kind in given.kinds.split(","):
        measure(kind, items, given)
    if given.restore:
        print("\n| kind | cases | PSNR raised | mean gain, dB | of clean images changed |")
        print("|---|---|---|---|---|")
        for kind in given.kinds.split(","):
            end_to_end(kind, items, given)
        if "infrared" in given.kinds:
            thin_dirt(items, given)


def suits(kind: str, image: np.ndarray, domain: str) -> bool:
    """Tell whether a kind is measured on such an image."""
    if kind in BRIGHT and np.median(image) < 0.45:  # no brightfield, no page
        return False
    if kind in PAGES:
        return domain == "document"
    return kind not in RGB_ONLY or (image.shape[2] == 3 and domain in RGB_ONLY[kind])


def end_to_end(kind: str, items: list, given: argparse.Namespace) -> None:
    """Print in how many cases finding and restoring brings an image nearer to the clean one."""
    gains, changed, pixels = [], 0, 0
    for number, item in enumerate(items):
        image = read_item(item)[: given.side, : given.side]
        if not suits(kind, image, Path(item.name).parent.name):
            continue
        damaged, _ = DEFECTS[kind](image, np.random.default_rng(number))
        three = min(3, damaged.shape[2])
        clean = as_bytes(image if image.shape[2] == three else np.repeat(image, three, axis=2))
        gains.append(psnr(fixed(as_bytes(damaged), kind, three), clean))
        gains[-1] -= psnr(as_bytes(damaged)[..., :three], clean)
        if kind != "infrared":
            after = fixed(as_bytes(image), kind, image.shape[2])
            changed += int((after != as_bytes(image)).any(axis=2).sum())
            pixels += after[..., 0].size
    share = np.mean(np.array(gains) > 0)
    print(
        f"| {kind} | {len(gains)} | {share:.0%} | {np.mean(gains):+.2f} | "
        f"{changed / max(1, pixels):.3%} |"
    )


def thin_dirt(items: list, given: argparse.Namespace) -> None:
    """Print what dividing out thin dirt gains over filling it."""
    gains, within = [], []
    for number, item in enumerate(items):
        image = read_item(item)[: given.side, : given.side]
        dirty, _ = add_thin_dirt(image, np.random.default_rng(number))
        stored = np.rint(dirty * 65535).astype(np.uint16)
        three = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
        clean = 65535 * np.clip(three, 0.03, 1)
        options = eii.DetectOptions(("infrared",), ir_channel=3)
        labels = eii.detect(stored, options=options, axes="yxc")
        hole = np.asarray(labels) > 0
        colours = np.ascontiguousarray(stored[..., :3])
        errors = []
        for own in (np.asarray(labels), labels):
            done = eii.restore_array(colours, own, axes="yxc")
            errors.append(float(np.square(done.image[hole] - clean[hole]).mean()))
        gains.append(10 * np.log10(errors[0] / errors[1]))
        deep = hole & (colours < 0.92 * clean).all(axis=2)
        off = np.abs(done.image[deep] - clean[deep])
        within.append(float((off < done.standard_error[deep]).mean()))
    worst, middle = np.min(gains), np.median(gains)
    print(
        f"\nThin dirt divided out, not filled: PSNR in the hole {middle:+.1f} dB in the median, "
        f"{worst:+.1f} at the least; raised in {np.mean(np.array(gains) > 0):.0%} of {len(gains)}; "
        f"within one standard error {np.median(within):.0%} in the median."
    )


def fixed(stored: np.ndarray, kind: str, channels: int) -> np.ndarray:
    """Return an image restored where the kind is found in it."""
    axes = "yx" if stored.shape[2] == 1 else "yxc"
    given = stored[..., 0] if axes == "yx" else stored
    options = eii.DetectOptions((kind,), ir_channel=3 if kind == "infrared" else None)
    hole = eii.detect(given, options=options, axes=axes)
    colours = stored[..., 0] if axes == "yx" else stored[..., :channels]
    if (np.asarray(hole) > 0).all():
        return stored[..., :channels]
    after = eii.restore(colours, hole, axes=axes, options=eii.RestoreOptions("classical"))
    return after[..., np.newaxis] if axes == "yx" else after


def psnr(image: np.ndarray, truth: np.ndarray) -> float:
    """Return the PSNR in dB, peak 255, of a whole image."""
    error = np.square(image.astype(float) - truth).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-3)))


def measure(kind: str, items: list, given: argparse.Namespace) -> None:
    """Print a table of one kind."""
    ours: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(3))
    theirs: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(3))
    alarms, pixels = defaultdict(float), defaultdict(float)
    seconds = looked = 0.0
    how = given.sensitivity, given.max_width
    for number, item in enumerate(items):
        domain = Path(item.name).parent.name
        image = read_item(item)[: given.side, : given.side]
        if not suits(kind, image, domain):
            continue
        rng = np.random.default_rng(number)
        changed, truth = DEFECTS[kind](image, rng)
        stored, truth = as_bytes(finer(changed, given.finer)), finer(truth, given.finer)
        wide = ndimage.binary_dilation(truth, np.ones((3, 3), bool), 2 * given.finer)
        ring = wide & ~truth if kind in SOFT else np.zeros_like(truth)
        begun = time.monotonic()
        found = found_in(stored, kind, *how)
        seconds, looked = seconds + time.monotonic() - begun, looked + found.size
        ours[domain] += counted(found, truth, ring)
        for name, baseline in BASELINES.items():
            luma = stored[..., :3].mean(axis=2) / 255
            theirs[name] += counted(baseline(luma), truth, ring)
        clean = as_bytes(finer(image, given.finer))
        if kind == "infrared":
            continue
        alarm = found_in(clean, kind, *how)
        if kind == "saturated":  # what is clipped in a clean image is clipped
            alarm &= ~(clean == 255).all(axis=2)
        alarms[domain] += alarm.sum()
        pixels[domain] += alarm.size
    speed = looked / 1e6 / max(seconds, 1e-9)
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
