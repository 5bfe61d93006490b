"""A pool of training windows on disk: truth, hole and both classical fills, computed once.

Both fills are linear in the image and commute with flips, turns, gain, offset and inversion: one
window of the pool serves many augmented ones, and the fills of luma are the luma of the fills.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.errors import OutputError, SourceError
from eii.progress import OnProgress, Progress, ShouldStop, check_stop
from eii.training.holes import Hole, read_masks
from eii.training.images import Item, find_items, name_all
from eii.training.options import TrainOptions
from eii.training.windows import Task, draw_windows

FloatArray = NDArray[np.float32]

_HELD_OUT, _FEW = 20, 10  # one picture of so many is for validation; none of fewer than so many
_LARGE = 8  # one window of so many is twice as wide
_VERSION = 1
_NAMES = ("truth", "hole", "plate", "smooth")


@dataclass(frozen=True)
class Pool:
    """Windows of one side, as they are on disk.

    Parameters
    ----------
    truth : ndarray of shape (K, C, S, S), uint16
        In units of 1 / 65535.
    hole : ndarray of shape (K, S * S / 8), uint8
        Packed bits.
    plate, smooth : ndarray of shape (K, C, S, S), float16
    """

    truth: NDArray[np.uint16]
    hole: NDArray[np.uint8]
    plate: NDArray[np.float16]
    smooth: NDArray[np.float16]

    @classmethod
    def open(cls, folder: Path) -> Pool:
        """Return the pool in a folder, mapped and not read."""
        return cls(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in _NAMES))

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, index: NDArray[np.int64]) -> dict[str, FloatArray]:
        """Return windows: truth, plate, smooth (B, C, S, S) and hole (B, 1, S, S), float32."""
        side = self.truth.shape[-1]
        bits = np.unpackbits(self.hole[index], axis=1)[:, : side * side]
        hole = bits.reshape(-1, 1, side, side).astype(np.float32)
        truth = self.truth[index].astype(np.float32) / np.float32(65535)
        fills = {
            # float16 has rounded the known pixels of the fills: the truth has them.
            name: np.where(hole > 0, getattr(self, name)[index].astype(np.float32), truth)
            for name in ("plate", "smooth")
        }
        return {"truth": truth, "hole": hole, **fills}


@dataclass(frozen=True)
class Pools:
    """What a run is trained on, what it is checked by, and which pictures were of no use, why."""

    train: list[Pool]
    check: list[Pool]
    skipped: tuple[str, ...]


def make_pools(
    data: Sequence[Path],
    out: Path,
    options: TrainOptions,
    *,
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> Pools:
    """Return the pools of a run, made unless they are there.

    Parameters
    ----------
    data : sequence of Path
        Folders or tar files; each gives as many windows as any other.
    out : Path
        Folder for pools; each has a folder of its own there, named by what it is made from.
    options : TrainOptions
    on_progress, should_stop : callable

    Raises
    ------
    SourceError
        If there are no pictures, or none that can be used; those that cannot are named.
    OutputError
        If the disk is full.
    """
    tasks = list(_tasks(data, options))
    masks = () if options.masks is None else tuple(read_masks(options.masks))
    folder = out / f"pool-{_digest(tasks, masks)}"
    if not (folder / "made.json").exists():
        _make(folder, tasks, masks, on_progress, should_stop)
    made = json.loads((folder / "made.json").read_text(encoding="utf-8"))
    train, check = ([Pool.open(folder / n) for n in made[p]] for p in ("train", "check"))
    return Pools(train, check, tuple(made["skipped"]))


def _tasks(data: Sequence[Path], options: TrainOptions) -> Iterator[Task]:
    places = [find_items(place) for place in data]
    made_up = round(options.windows * options.synthetic)
    each = (options.windows - made_up) // len(places)
    held = {item for items in places for item in _held_out(items)}
    for side, share in ((options.side, 1), (2 * options.side, _LARGE)):
        common = (side, options.channels, options.seed)
        number = 0
        for items in places:
            count = max(1, each // share) if each else 0
            for n, item in enumerate(items[:count] if len(items) > count else items):
                own = count // len(items) + (n < count % len(items))
                windows = tuple(range(number, number + own))
                yield Task(item, windows, *common, item in held, options.side)
                number += own
        for start in range(number, number + made_up // share, 16):
            windows = tuple(range(start, min(start + 16, number + made_up // share)))
            yield Task(None, windows, *common, False, options.side)


def _held_out(items: Sequence[Item]) -> list[Item]:
    """Return the pictures that are for validation: by their names, not by where they are."""
    if len(items) < _FEW:
        return []

    def mixed(item: Item) -> bytes:
        return hashlib.sha256(Path(item.name.rpartition(": ")[2]).name.encode()).digest()

    return sorted(items, key=mixed)[: max(1, len(items) // _HELD_OUT)]


def _digest(tasks: Sequence[Task], masks: Sequence[Hole]) -> str:
    """Return what tells this pool from others: its pictures, their sizes and times, its options."""
    known = hashlib.sha256(str(_VERSION).encode())
    for task in tasks:
        stat = task.item.path.stat() if task.item else None
        known.update(repr((task, stat and (stat.st_size, stat.st_mtime_ns))).encode())
    for mask in masks:
        known.update(mask.tobytes())
    return known.hexdigest()[:12]


def _make(
    folder: Path,
    tasks: Sequence[Task],
    masks: tuple[Hole, ...],
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> None:
    """Make the windows of all tasks, in processes side by side, and write them."""
    found: dict[str, list[list[Any]]] = {}
    skipped: list[str] = []
    workers = min(len(tasks), os.cpu_count() or 1)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context) as pool:
        results = pool.map(draw_windows, tasks, [masks] * len(tasks), chunksize=4)
        for done, (task, result) in enumerate(zip(tasks, results, strict=True), start=1):
            if should_stop():
                pool.shutdown(wait=False, cancel_futures=True)
            check_stop(should_stop)
            if isinstance(result, str):
                skipped.append(result)
            else:
                found.setdefault(_part(task), []).extend(result)
            on_progress(Progress("windows", done, len(tasks)))
    if not any(found.get(f"train-{side}") for side in {t.side for t in tasks}):
        raise SourceError(f"No picture could be used: {name_all(skipped)}.")
    _write(folder, {part: windows for part, windows in found.items() if windows}, skipped)


def _part(task: Task) -> str:
    return f"{'check' if task.held else 'train'}-{task.side}"


def _write(folder: Path, found: dict[str, list[list[Any]]], skipped: list[str]) -> None:
    work = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        for part, windows in found.items():
            (work / part).mkdir(parents=True)
            for name, arrays in zip(_NAMES, zip(*windows, strict=True), strict=True):
                np.save(work / part / f"{name}.npy", np.stack(arrays))
        made = {k: sorted(p for p in found if p.startswith(k)) for k in ("train", "check")}
        text = json.dumps({**made, "skipped": sorted(set(skipped))})
        (work / "made.json").write_text(text, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)
    except OSError as error:
        shutil.rmtree(work, ignore_errors=True)
        raise OutputError(f"The pool {folder} cannot be written: {error.strerror}.") from error
