"""Long work off napari's thread: progress as Qt signals, cancel as an event."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from eii.progress import OnProgress, Progress, ShouldStop
from napari.qt.threading import FunctionWorker, create_worker
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

Work = Callable[[OnProgress, ShouldStop], Any]


class Job(QObject):
    """One piece of work in a thread.

    Signals arrive in napari's thread. ``progressed``: stage, done, total, seconds left of it;
    ``done``: the work's result; ``failed``: its exception; one of the last two comes, once.
    """

    progressed = Signal(str, int, int, float)
    done = Signal(object)
    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._stop = threading.Event()
        self._began: dict[str, tuple[float, int]] = {}
        self._worker: FunctionWorker | None = None

    def start(self, work: Work) -> None:
        """Begin ``work(on_progress, should_stop)``."""
        self._worker = create_worker(_outcome, work, self._report, self._stop.is_set)
        self._worker.returned.connect(self._deliver)
        self._worker.start()

    def _deliver(self, outcome: tuple[Any, Exception | None]) -> None:
        result, error = outcome
        if error is None:
            self.done.emit(result)
        else:
            self.failed.emit(error)

    @property
    def cancelled(self) -> bool:
        """Tell whether the work was asked to stop."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """Ask the work to stop after the window it is at."""
        self._stop.set()

    def _report(self, report: Progress) -> None:
        # Each stage is timed alone: planning says nothing of how long a window takes.
        now = time.monotonic()
        began = self._began.setdefault(report.stage, (now, report.done))
        spent, done = now - began[0], report.done - began[1]
        left = spent / done * (report.total - report.done) if done > 0 else float("nan")
        self.progressed.emit(report.stage, report.done, report.total, left)


def _outcome(work: Work, on_progress: OnProgress, should_stop: ShouldStop) -> Any:
    """Return the work's result and the exception it raised: its owner shows it to the user.

    Left to napari, an exception would be shown as a traceback besides, a cancel too.
    """
    try:
        return work(on_progress, should_stop), None
    except Exception as error:
        return None, error
