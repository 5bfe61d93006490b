"""Character error rate of restored pages against the clean ones, by Debian's tesseract.

    python benchmarks/bench_ocr.py [--pages DIR]

Without pages of your own, scikit-image's packaged page is used, at three times its size.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import eii
import numpy as np
from eii.evaluation.holes import draw_hole
from eii.evaluation.peers import peers
from numpy.typing import NDArray
from PIL import Image
from skimage import data

HOLES = ("scratch", "line")
BACKBONES = ("classical", "unet")


def read_text(image: NDArray[np.uint8]) -> str:
    """Return what tesseract reads, its white space folded."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.png"
        Image.fromarray(image).save(path)
        command = ["tesseract", str(path), "-", "--psm", "6"]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    return " ".join(run.stdout.split())


def error_rate(found: str, truth: str) -> float:
    """Return the edit distance of two texts over the length of the true one."""
    row = np.arange(len(truth) + 1)
    codes = np.array([ord(c) for c in truth])
    for number, character in enumerate(found, start=1):
        replaced = row[:-1] + (codes != ord(character))
        best = np.minimum(replaced, row[1:] + 1)
        steps = np.concatenate([[number], best]) - np.arange(len(truth) + 1)
        row = np.minimum.accumulate(steps) + np.arange(len(truth) + 1)
    return float(row[-1]) / max(1, len(truth))


def pages_of(folder: Path | None) -> dict[str, NDArray[np.uint8]]:
    """Return clean pages by name."""
    if folder is None:
        page = Image.fromarray(data.page())
        large = page.resize((page.width * 3, page.height * 3), Image.Resampling.BICUBIC)
        return {"page": np.asarray(large)}
    files = sorted(p for p in folder.iterdir() if p.suffix in (".png", ".webp", ".jpg", ".tif"))
    return {p.stem: np.asarray(Image.open(p).convert("L")) for p in files}


def main() -> None:
    """Print a table: a row for each page and hole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=Path)
    if shutil.which("tesseract") is None:
        sys.exit("tesseract is not installed: apt-get install tesseract-ocr")
    fills = {n: f for n, f in peers().items() if n != "biharmonic"}
    fills |= {
        name: lambda i, h, name=name: eii.restore(i, h, options=eii.RestoreOptions(name))
        for name in BACKBONES
    }
    print(f"| page | hole | damaged | {' | '.join(fills)} |")
    print("|---|---|---|" + "---|" * len(fills))
    for name, page in pages_of(parser.parse_args().pages).items():
        truth = read_text(page)
        for kind in HOLES:
            hole = draw_hole(kind, page.shape, 1)
            damaged = np.where(hole, 255, page).astype(np.uint8)
            images = [damaged, *(fill(damaged, hole) for fill in fills.values())]
            rates = [f"{error_rate(read_text(image), truth):.3f}" for image in images]
            print(f"| {name} | {kind} | {' | '.join(rates)} |", flush=True)


if __name__ == "__main__":
    main()
