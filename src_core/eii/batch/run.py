"""A batch: several images at a time within a budget of memory, each failure on its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from eii.api import RestoreSummary, export, restore_to_zarr
from eii.batch.jobs import BatchJob
from eii.batch.table import (
    DONE,
    FAILED,
    BatchRow,
    begin_table,
    begun_before,
    done_before,
    end_table,
    named,
    note,
    note_begun,
)
from eii.errors import Cancelled, EIIError, OutputError
from eii.io.opener import open_source
from eii.io.place import result_attributes
from eii.io.source import Series
from eii.options import DetectOptions, HoleOptions, RestoreOptions
from eii.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
)

_BASE = 200 * 2**20  # bytes that a run takes beside its image
_TIMES = 12  # bytes for each of the image's, up to a few regions of it
_MOST = 2**30


def run_batch(
    jobs: Sequence[BatchJob],
    out: Path,
    *,
    options: RestoreOptions | None = None,
    hole_options: HoleOptions | None = None,
    detect: DetectOptions | None = None,
    series: Series | None = None,
    overwrite: bool = False,
    resume: bool = False,
    memory: float | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> list[BatchRow]:
    """Restore many images.

    Parameters
    ----------
    jobs : sequence of BatchJob
    out : Path
        Folder for ``results.csv``; each row is written as its image is done.
    options, hole_options : RestoreOptions and HoleOptions, optional
    detect : DetectOptions, optional
        How the holes of jobs that have none are found.
    series : int or str, optional
        Which image of files that hold several.
    overwrite : bool
        Replace results that are there.
    resume : bool
        Leave what the table of an earlier call says is done, and go on with what was begun.
    memory : float, optional
        GiB that the images at work at the same time may take; by default half of what is free.
    on_progress, should_stop : callable
        Told and asked between images.

    Returns
    -------
    list of BatchRow
        In the order of the jobs.

    Raises
    ------
    Cancelled
        If ``should_stop`` said so; images at work stop, and ``resume`` goes on.
    OutputError
        If the table cannot be written.

    Notes
    -----
    As many images as there are processors are at work, each on as many threads: most are small, and
    leave most of those idle.
    """
    options = options or RestoreOptions()
    rows: dict[BatchJob, BatchRow] = done_before(out, jobs) if resume else {}
    left = [job for job in jobs if job not in rows]
    ours = begun_before(out) if resume else set()
    begin_table(out, list(rows.values()), ours)
    threads = min(options.workers or os.cpu_count() or 1, max(1, len(left)))
    budget = _free() / 2 if memory is None else memory * 2**30

    def one(job: BatchJob) -> BatchRow:
        if not job.out.exists():
            note_begun(out, job)
        return _isolated(
            job,
            partial(
                restore_to_zarr,
                options=options,
                hole_options=hole_options,
                detect=detect if job.hole is None else None,
                series=series,
                resume=resume,
                should_stop=should_stop,
            ),
            overwrite=overwrite or str(job.out) in ours,
        )

    weigh = partial(_weight, series=series)
    with ThreadPoolExecutor(threads) as pool:
        for row, job in _within(pool, one, left, threads, weigh, budget, should_stop):
            rows[job] = row
            note(out, row)
            on_progress(Progress("images", len(rows), len(jobs)))
    end_table(out)
    return [rows[job] for job in jobs]


def _within(
    pool: ThreadPoolExecutor,
    one: Callable[[BatchJob], BatchRow],
    jobs: Sequence[BatchJob],
    threads: int,
    weigh: Callable[[BatchJob], float],
    budget: float,
    should_stop: ShouldStop,
) -> Iterator[tuple[BatchRow, BatchJob]]:
    """Run jobs while they fit the budget together; one that alone does not is run alone.

    When asked to stop, those that are done by then are still yielded: their results are there.
    """
    pending: dict[Future[BatchRow], tuple[BatchJob, float]] = {}
    waiting, stopped = list(jobs)[::-1], False
    while waiting or pending:
        if waiting and should_stop():
            waiting.clear()
            stopped = True
        while waiting and len(pending) < threads:
            weight = weigh(waiting[-1])
            if pending and weight + sum(w for _, w in pending.values()) > budget:
                break
            job = waiting.pop()
            pending[pool.submit(one, job)] = (job, weight)
        done, _ = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
        for future in done:
            job, _ = pending.pop(future)
            row = _result(future)
            stopped |= row is None
            if row is not None:
                yield row, job
    if stopped:
        raise Cancelled("Stopped as asked.", resumable=True)


def _result(future: Future[BatchRow]) -> BatchRow | None:
    """Return the row of an image; None if it was stopped."""
    try:
        return future.result()
    except Cancelled:
        return None


def _weight(job: BatchJob, *, series: Series | None) -> float:
    """Return about how many bytes an image takes while it is restored."""
    try:
        source = open_source(job.image, series=series)
    except EIIError:
        return _BASE
    size = float(np.prod(source.shape)) * source.dtype.itemsize
    return _BASE + min(_TIMES * size, _MOST)


def _free() -> float:
    import psutil

    return float(psutil.virtual_memory().available)


def _isolated(
    job: BatchJob, restore: Callable[..., RestoreSummary], *, overwrite: bool
) -> BatchRow:
    """Restore one image; return why it failed, if it did, whatever that was."""
    told = BatchRow(str(job.image), named(job), str(job.out), FAILED)
    zarr = job.out if job.out.suffix == ".zarr" else job.out.with_name(f".{job.out.name}.zarr")
    try:
        if zarr != job.out and job.out.exists() and not overwrite:
            raise OutputError(f"{job.out} exists. Allow to overwrite it, or name another folder.")
        over = overwrite or zarr != job.out
        done = restore(job.image, job.hole, zarr, overwrite=over)
        off = _standard_error(zarr)
        if zarr != job.out:
            export(zarr, job.out, overwrite=overwrite)
            shutil.rmtree(zarr)
    except Cancelled:
        raise
    except EIIError as error:
        return replace(told, error=str(error))
    except Exception as error:  # one image that is unlike all others must not end the batch
        return replace(told, error=f"unexpected {type(error).__name__}: {error}")
    total = done.filled + done.known
    return replace(
        told,
        status=DONE,
        filled=done.filled,
        known=done.known,
        share=done.filled / max(1, total),
        standard_error=off,
        windows=done.windows,
        seconds=done.seconds,
    )


def _standard_error(result: Path) -> float:
    """Return the mean standard error of a result, over its channels."""
    figures = (result_attributes(result) or {}).get("standard_error")
    return float("nan") if figures is None else float(np.mean(figures["mean"]))
