"""Calls on threads of this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

from eii.progress import ShouldStop, check_stop

T = TypeVar("T")


def run_all(
    calls: Iterable[Callable[[], T]], should_stop: ShouldStop, *, workers: int | None = None
) -> Iterator[T]:
    """Run calls on threads, few submitted at a time; yield what each returns as it ends.

    On an error, or when asked to stop, what has not begun is dropped.

    Parameters
    ----------
    calls : iterable of callable
    should_stop : callable
    workers : int, optional
        Threads; by default as many as there are processors.

    Raises
    ------
    Cancelled
        If the caller asked to stop.
    """
    threads = workers or os.cpu_count() or 1
    left = iter(calls)
    pending: set[Future[T]] = set()
    with ThreadPoolExecutor(threads) as pool:
        try:
            while True:
                check_stop(should_stop)
                pending |= {pool.submit(c) for c in islice(left, 2 * threads - len(pending))}
                if not pending:
                    return
                done, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            for future in pending:
                future.cancel()
