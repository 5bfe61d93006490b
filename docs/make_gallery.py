"""Take the pictures of what is found on damaged photographs, and of stamp and stain on a page."""

from __future__ import annotations

import argparse
from pathlib import Path

import eii
import numpy as np
from eii.evaluation.defects import add_stains, add_stamps
from PIL import Image

PICTURES = Path(__file__).parent / "pictures"
SIDE, GAP, ROWS = 230, 12, 3
PART = np.s_[150:400, 190:450]
COLOURS = {5: (255, 0, 0), 6: (0, 255, 0)}  # scratches, dust


def strip(file: Path) -> np.ndarray:
    """Return a photograph, what is found on it, and the same restored, side by side."""
    image = np.asarray(Image.open(file).convert("RGB"))
    found = np.asarray(eii.detect(image, options=eii.DetectOptions(("scratches", "dust"))))
    restored = eii.restore(image, found > 0) if found.any() else image
    marked = image // 2 + 64
    for label, colour in COLOURS.items():
        marked[found == label] = colour
    print(f"{file.stem}: {(found > 0).mean():.2%} marked")
    return np.concatenate([framed(p) for p in (image, marked, restored)], axis=1)


def framed(picture: np.ndarray) -> np.ndarray:
    """Return a picture as large as fits a white square, in its middle."""
    small = Image.fromarray(picture)
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    frame = Image.new("RGB", (SIDE, SIDE), "white")
    frame.paste(small, ((SIDE - small.width) // 2, (SIDE - small.height) // 2))
    return np.asarray(frame)


def on_page(file: Path) -> None:
    """Write a page with a stamp and with a stain, the same filled, and divided out."""
    page = np.asarray(Image.open(file).convert("RGB"), np.float32)[:512, :512] / 255
    rows = []
    for kind, add in (("stamps", add_stamps), ("stains", add_stains)):
        image = np.rint(255 * add(page, np.random.default_rng(5))[0]).astype(np.uint8)
        labels = eii.detect(image, options=eii.DetectOptions((kind,)))
        each = [image, eii.restore(image, np.asarray(labels)), eii.restore(image, labels)]
        gap = np.full((PART[0].stop - PART[0].start, GAP, 3), 255, np.uint8)
        parts = [part for one in each for part in (one[PART], gap)]
        rows.append(np.concatenate(parts[:-1], axis=1))
    apart = np.full((GAP, rows[0].shape[1], 3), 255, np.uint8)
    whole = np.concatenate([rows[0], apart, rows[1]])
    Image.fromarray(whole).save(PICTURES / "page.jpg", quality=85)


def main() -> None:
    """Write a sheet for every six photographs of a folder, or a stamp and a stain on a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--page", type=Path, help="Make the picture of a stamp and a stain on it.")
    given = parser.parse_args()
    if given.page:
        on_page(given.page)
        return
    strips = [strip(file) for file in sorted(given.photographs.glob("*.png"))]
    gap = np.full((SIDE, GAP, 3), 255, np.uint8)
    for sheet in range(0, len(strips), 2 * ROWS):
        own = strips[sheet : sheet + 2 * ROWS]
        both = zip(own[::2], own[1::2], strict=True)
        pairs = [np.concatenate([left, gap, right], axis=1) for left, right in both]
        whole = Image.fromarray(np.concatenate(pairs))
        whole.save(PICTURES / f"damaged_{sheet // (2 * ROWS) + 1}.jpg", quality=82)


if __name__ == "__main__":
    main()
