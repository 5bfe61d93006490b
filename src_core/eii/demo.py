"""The main job on a packaged photograph with real scratches and dust."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eii.api import RestoreSummary, restore_to_zarr, verify
from eii.arrays import restore
from eii.engine.compare import Verification
from eii.errors import OutputPathError
from eii.image.geometry import Box
from eii.io.hole import open_hole
from eii.io.opener import open_source
from eii.io.place import is_ours
from eii.io.sink import STANDARD_ERROR
from eii.options import MATCH, RestoreOptions
from eii.progress import OnProgress, ignore_progress

IMAGE, HOLE = "photograph.png", "photograph_hole.png"
_HOLE_COLOUR = (255, 0, 0)
_GAP = 8  # white pixels between the pictures


@dataclass(frozen=True)
class Demo:
    """What the demo left: the result, its comparison with the source, and pictures.

    Parameters
    ----------
    summary : RestoreSummary
    verification : Verification
    picture : Path
        The image, its hole and the result side by side.
    details : Path
        The result without and with grain, and its standard error, black to white.
    """

    summary: RestoreSummary
    verification: Verification
    picture: Path
    details: Path


def run_demo(folder: Path, *, on_progress: OnProgress = ignore_progress) -> Demo:
    """Restore the packaged photograph.

    Parameters
    ----------
    folder : Path
        Where the result and the picture go; what an earlier demo left there is replaced.
    on_progress : callable

    Returns
    -------
    Demo

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    data = files("eii.data")
    out, picture = folder / "photograph.zarr", folder / "before_after.png"
    details = folder / "grain_and_error.png"
    there = next((path for path in (picture, details) if path.exists()), None)
    if there is not None and not is_ours(out):
        raise OutputPathError(f"{there} exists, and no earlier demo wrote it. Choose a folder.")
    with as_file(data / IMAGE) as image, as_file(data / HOLE) as hole:
        summary = restore_to_zarr(image, hole, out, overwrite=True, on_progress=on_progress)
        verification = verify(image, out)
        before_after(image, hole, out, picture)
        grain_and_error(image, hole, out, details)
    return Demo(summary, verification, picture, details)


def grain_and_error(image: Path, hole: Path, result: Path, picture: Path) -> None:
    """Write a result, the same with grain, and its standard error; for images as `before_after`."""
    box = Box(0, 0, *open_source(result).plane_shape)
    smooth, errors = (open_source(path).read((), box) for path in (result, result / STANDARD_ERROR))
    grainy = restore(image, hole, options=RestoreOptions(grain=MATCH))
    shade = np.clip(255 * errors.mean(axis=2, keepdims=True) / max(1e-6, errors.max()), 0, 255)
    shown = np.repeat(shade.astype(np.uint8), smooth.shape[2], axis=2)
    Image.fromarray(_side_by_side([smooth, grainy, shown]).squeeze()).save(picture, optimize=True)


def before_after(image: Path, hole: Path, result: Path, picture: Path) -> None:
    """Write the image, its hole in red, and the result side by side; for RGB or gray of 8 bits."""
    source = open_source(image)
    box = Box(0, 0, *source.plane_shape)
    before = source.read((), box)
    marked = before.copy()
    marked[open_hole(hole, source).read((), box)] = _HOLE_COLOUR[: before.shape[2]]
    after = open_source(result).read((), box)
    Image.fromarray(_side_by_side([before, marked, after])).save(picture, optimize=True)


def _side_by_side(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    gap = np.full((pictures[0].shape[0], _GAP, pictures[0].shape[2]), 255, np.uint8)
    parted = [part for picture in pictures for part in (picture, gap)][:-1]
    return np.concatenate(parted, axis=1)
