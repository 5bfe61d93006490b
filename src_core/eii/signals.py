"""Ctrl-C and termination as a wish to stop, so that a run cleans up behind itself."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from eii.progress import ShouldStop

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_seen: list[int] = []


def last_signal() -> int | None:
    """Return the last signal that asked to stop, None when none did."""
    return _seen[-1] if _seen else None


@contextmanager
def stopped_by_signals() -> Iterator[ShouldStop]:
    """Give a question that the first signal answers with yes; a second one interrupts at once."""
    asked = threading.Event()

    def handle(number: int, _: FrameType | None) -> None:
        _seen.append(number)
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    with _handled(handle):
        yield asked.is_set


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Raise `KeyboardInterrupt` on either signal."""

    def handle(number: int, _: FrameType | None) -> None:
        _seen.append(number)
        raise KeyboardInterrupt

    with _handled(handle):
        yield


@contextmanager
def _handled(handle: object) -> Iterator[None]:
    before = [signal.signal(number, handle) for number in _SIGNALS]  # type: ignore[arg-type]
    try:
        yield
    finally:
        for number, former in zip(_SIGNALS, before, strict=True):
            signal.signal(number, former)
