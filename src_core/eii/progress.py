"""How long work reports on itself and is stopped, without any GUI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eii.errors import Cancelled


@dataclass(frozen=True)
class Progress:
    """One report: ``done`` of ``total`` steps of ``stage`` are finished."""

    stage: str
    done: int
    total: int


OnProgress = Callable[[Progress], None]
ShouldStop = Callable[[], bool]


@dataclass(frozen=True)
class Reporting:
    """How a run tells its progress and is told to stop."""

    on_progress: OnProgress
    should_stop: ShouldStop


def ignore_progress(_: Progress) -> None:
    """Take a report and do nothing."""


def never_stop() -> bool:
    """Answer that the work goes on."""
    return False


def check_stop(should_stop: ShouldStop) -> None:
    """Raise `Cancelled` when the caller asked to stop."""
    if should_stop():
        raise Cancelled("Stopped as asked.")
