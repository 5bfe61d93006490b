"""Evaluate backbones and colour methods beside their peers, on whole images with holes drawn in."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from eii.arrays import restore
from eii.errors import OptionError, SourceError
from eii.evaluation.holes import draw_hole
from eii.evaluation.measures import Measures, measure
from eii.evaluation.peers import Fill, peers
from eii.evaluation.protocols import Protocol
from eii.evaluation.tables import Shown, picture_grid, write_table
from eii.external.weights import is_baseline
from eii.files import PICTURES
from eii.options import FILE, RestoreOptions
from eii.progress import OnProgress, Progress, ShouldStop, check_stop, ignore_progress, never_stop

_TRIED = 6  # crops of an image of which the most active is taken
Image = NDArray[np.uint8]
Truth = tuple[str, str, Callable[[], Image]]


@dataclass(frozen=True)
class Case:
    """One image with one hole."""

    domain: str
    name: str
    kind: str
    truth: Image
    hole: NDArray[np.bool_]


@dataclass(frozen=True)
class Row:
    """The figures of one method on one case."""

    domain: str
    name: str
    kind: str
    method: str
    measures: Measures


def evaluate(
    data: Path,
    out: Path,
    *,
    holes: Sequence[str],
    methods: Sequence[RestoreOptions],
    side: int = 512,
    seed: int = 0,
    most: int | None = None,
    compare: bool = True,
    protocol: Protocol | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> list[Row]:
    """Restore images with holes drawn into them, and compare with what was there.

    Parameters
    ----------
    data : Path
        Folder of images, 8-bit gray or RGB; its sub-folders are domains.
    out : Path
        Folder for ``rows.csv``, ``table.md`` and ``pictures.png``.
    holes : sequence of str
        Kinds, see `eii.evaluation.holes.draw_hole`.
    methods : sequence of RestoreOptions
    side : int
        Of each image the most active of some crops of this size, in pixels.
    seed : int
        Others draw other crops and holes.
    most : int, optional
        Images of each domain.
    compare : bool
        Beside the peers that are installed.
    protocol : Protocol, optional
        ``data`` is a published data set: of its test images, scaled as published, and whole.
    on_progress, should_stop : callable
        Between cases.

    Returns
    -------
    list of Row
        The same for the same arguments.

    Raises
    ------
    SourceError
        If the folder holds no image that can be used.
    OptionError
        If there is no such kind of hole.
    """
    runs = {name: _restorer(options) for name, options in _named(methods).items()}
    runs |= peers() if compare else {}
    truths = list(_truths(data, most, side, seed, protocol))
    rows: list[Row] = []
    shown: list[Shown] = []
    cases = _cases(truths, holes, seed)
    for done, case in enumerate(cases, start=1):
        check_stop(should_stop)
        fills = {name: run(_damaged(case), case.hole) for name, run in runs.items()}
        rows += [
            Row(case.domain, case.name, case.kind, name, measure(filled, case.truth, case.hole))
            for name, filled in fills.items()
        ]
        if (case.domain, case.kind) not in {(d, k) for d, k, *_ in shown}:
            shown.append((case.domain, case.kind, case.truth, case.hole, fills))
        on_progress(Progress("evaluate", done, len(truths) * len(holes)))
    out.mkdir(parents=True, exist_ok=True)
    _write_rows(out / "rows.csv", rows)
    write_table(out / "table.md", [(r.domain, r.kind, r.method, r.measures) for r in rows])
    picture_grid(out / "pictures.png", shown)
    return rows


def _named(methods: Sequence[RestoreOptions]) -> dict[str, RestoreOptions]:
    colours = {m.colour for m in methods}
    return {m.backbone if len(colours) == 1 else f"{m.backbone} {m.colour}": m for m in methods}


def _restorer(options: RestoreOptions) -> Fill:
    path = Path(options.backbone.removeprefix(FILE))
    if options.backbone.startswith(FILE) and path.suffix == ".safetensors" and is_baseline(path):
        return _baseline(path)

    def run(image: Image, hole: NDArray[np.bool_]) -> Image:
        return np.asarray(restore(image, hole, options=options))

    return run


def _baseline(path: Path) -> Fill:
    """Return what completes RGB at once, without the propagation of colour."""
    from eii.external.baseline import load_baseline

    complete = load_baseline(path)

    def run(image: Image, hole: NDArray[np.bool_]) -> Image:
        three = image if image.ndim == 3 else np.repeat(image[..., np.newaxis], 3, axis=2)
        filled = complete(three.astype(np.float32) / np.float32(255), hole)
        eight = np.clip(np.rint(filled * 255), 0, 255).astype(np.uint8)
        gray = np.rint(eight.mean(axis=2)).astype(np.uint8)
        done = eight if image.ndim == 3 else gray
        done[~hole] = image[~hole]
        return done

    return run


def _files(data: Path, most: int | None) -> Iterator[tuple[str, Path]]:
    folders = sorted(p for p in data.iterdir() if p.is_dir()) if data.is_dir() else []
    found = 0
    for folder in [data, *folders] if data.is_dir() else []:
        own = sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURES)[:most]
        found += len(own)
        yield from ((folder.name, path) for path in own)
    if not found:
        raise SourceError(f"{data} holds no image ({', '.join(PICTURES)}), nor do its folders.")


def _truths(
    data: Path, most: int | None, side: int, seed: int, protocol: Protocol | None
) -> Iterator[Truth]:
    """Return domain and name of each image, and what reads it."""
    if protocol is not None:
        for domain, path in protocol.files(data)[:most]:
            yield domain, path.stem, partial(protocol.read, path)
        return
    for domain, path in _files(data, most):
        yield domain, path.stem, partial(_read_crop, path, side, _seed(seed, domain, path.stem))


def _read_crop(path: Path, side: int, seed: int) -> Image:
    return most_active(read_picture(path), side, seed)


def _cases(truths: Iterable[Truth], holes: Sequence[str], seed: int) -> Iterator[Case]:
    for domain, name, read in truths:
        truth = read()
        for kind in holes:
            drawn = draw_hole(kind, truth.shape[:2], _seed(seed, domain, name, kind))
            yield Case(domain, name, kind, truth, drawn)


def _seed(*parts: object) -> int:
    return zlib.crc32("|".join(map(str, parts)).encode())


def read_picture(path: Path) -> Image:
    """Return a picture as 8-bit gray or RGB; refuse one smaller than 64 pixels."""
    with Picture.open(path) as picture:
        pixels = np.asarray(picture.convert("L" if picture.mode in ("L", "1") else "RGB"))
    if min(pixels.shape[:2]) < 64:
        raise OptionError(f"{path} is smaller than 64 pixels; leave it out.")
    return pixels


def most_active(image: Image, side: int, seed: int) -> Image:
    """Return the crop, of several, whose rows differ most: not the background of a micrograph."""
    rng = np.random.default_rng(seed)
    crops = []
    for _ in range(_TRIED):
        y, x = (int(rng.integers(0, max(1, n - side + 1))) for n in image.shape[:2])
        crops.append(image[y : y + side, x : x + side])
    return max(crops, key=lambda c: float(np.abs(np.diff(c.astype(np.float32), axis=0)).mean()))


def _damaged(case: Case) -> Image:
    damaged = case.truth.copy()
    damaged[case.hole] = 0
    return damaged


def _write_rows(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["domain", "image", "hole", "method", *Measures.__dataclass_fields__])
        for row in rows:
            figures = [f"{value:.4f}" for value in asdict(row.measures).values()]
            writer.writerow([row.domain, row.name, row.kind, row.method, *figures])
