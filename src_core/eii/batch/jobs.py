"""The images of a batch, their holes and where their results go."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from eii.errors import OptionError, SourceError

ZARR, SOURCE = "zarr", "source"
FORMATS = (ZARR, SOURCE)
_LOSSY = (".jpg", ".jpeg", ".webp")
_LOSSLESS = ".png"
_KEPT = (".tif", ".tiff", ".png", ".jp2")


@dataclass(frozen=True)
class BatchJob:
    """One image of a batch.

    Parameters
    ----------
    image : Path
    hole : Path or None
        None where it is found in the image.
    out : Path
        Of the result.
    """

    image: Path
    hole: Path | None
    out: Path


def find_jobs(
    jobs: str,
    out: Path,
    *,
    hole_pattern: str | None = None,
    form: str = ZARR,
    detect: bool = False,
) -> list[BatchJob]:
    """Return the jobs of a CSV file, or of a pattern of image names.

    Parameters
    ----------
    jobs : str
        A ``.csv`` file with the columns ``image``, ``hole`` and, if wanted, ``out``, paths being
        relative to it; or a pattern such as ``"scans/*.tif"``.
    out : Path
        Folder of the results.
    hole_pattern : str, optional
        Of a pattern's images: the path of the hole, ``{stem}``, ``{name}`` and ``{parent}`` being
        the image's. A relative one is beside the image.
    form : {"zarr", "source"}
        Results are OME-Zarr, or files of the image's own format; those of JPEG and WebP, which
        would change measured pixels, are PNG.

    detect : bool
        Holes are found in the images: no column and no pattern of holes is needed, nor taken.

    Raises
    ------
    SourceError
        If there is no such file, or nothing matches the pattern.
    OptionError
        If a column or the pattern of holes is missing, or two jobs have one output.
    """
    if form not in FORMATS:
        raise OptionError(f"`format` must be one of {', '.join(FORMATS)}; got {form!r}.")
    if jobs.lower().endswith(".csv"):
        found = list(_of_table(Path(jobs), out, form, detect))
    else:
        found = list(_of_pattern(jobs, out, hole_pattern, form, detect))
    _check_apart(found)
    return found


def _of_table(table: Path, out: Path, form: str, detect: bool) -> Iterator[BatchJob]:
    try:
        text = table.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SourceError(f"{table} cannot be read: {error.strerror}.") from error
    rows = csv.DictReader(text.splitlines())
    needed = {"image"} if detect else {"image", "hole"}
    missing = needed - set(rows.fieldnames or ())
    if missing:
        raise OptionError(f"{table} lacks the column {', '.join(sorted(missing))}.")
    count = 0
    for count, row in enumerate(rows, start=1):
        if not all(row[name] for name in needed):
            what = "image" if detect else "image and hole"
            raise OptionError(f"{table}, row {count}: {what} must be given.")
        image = table.parent / row["image"]
        hole = None if detect else table.parent / row["hole"]
        own = row.get("out")
        yield BatchJob(image, hole, out / own if own else _out_of(image, out, form))
    if not count:
        raise SourceError(f"{table} holds no jobs.")


def _of_pattern(
    pattern: str, out: Path, hole_pattern: str | None, form: str, detect: bool
) -> Iterator[BatchJob]:
    if detect and hole_pattern is not None:
        raise OptionError("Give `hole_pattern` or `detect`, not both.")
    if hole_pattern is None and not detect:
        raise OptionError("`hole_pattern` says where the holes are, such as '{stem}_mask.png'.")
    found = [Path(p) for p in sorted(glob(pattern, recursive=True))]  # noqa: PTH207 - may be absolute
    holes = {image: hole_pattern and _hole_of(image, hole_pattern) for image in found}
    # A mask may match the pattern of the images.
    masks = {hole.resolve() for hole in holes.values() if isinstance(hole, Path)}
    images = [image for image in found if image.resolve() not in masks]
    if not images:
        raise SourceError(f"No image matches {pattern!r}.")
    for image in images:
        yield BatchJob(image, holes[image] or None, _out_of(image, out, form))


def _hole_of(image: Path, pattern: str) -> Path:
    try:
        named = pattern.format(stem=image.stem, name=image.name, parent=str(image.parent))
    except (KeyError, IndexError, ValueError) as error:
        raise OptionError(
            f"`hole_pattern` may name {{stem}}, {{name}} and {{parent}}; got {pattern!r}."
        ) from error
    return image.parent / named if "{parent}" not in pattern else Path(named)


def _out_of(image: Path, out: Path, form: str) -> Path:
    suffix = image.suffix.lower()
    if form == SOURCE and suffix in (*_KEPT, *_LOSSY):
        return out / f"{image.stem}{_LOSSLESS if suffix in _LOSSY else image.suffix}"
    return out / f"{image.stem}.zarr"


def _check_apart(jobs: Iterable[BatchJob]) -> None:
    seen: dict[Path, BatchJob] = {}
    for job in jobs:
        place = job.out.resolve()
        if place in seen:
            raise OptionError(
                f"{seen[place].image} and {job.image} would both be written to {job.out}. "
                "Name their outputs in a CSV file, column `out`."
            )
        seen[place] = job
