"""What the command line says: progress bars and errors on stderr, one line each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

from eii.errors import Cancelled, EIIError, OptionError, SourceError
from eii.progress import OnProgress, Progress
from eii.signals import last_signal

DONE, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130

_MOST = 0.5  # of an image; more filled than that is rarely meant

errors = Console(stderr=True, soft_wrap=True, highlight=False)


def printable(item: object) -> str:
    """Return a text in one line, with control characters escaped: names come from strangers."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(item).replace("\n", " "))


@contextmanager
def shown_progress(quiet: bool) -> Iterator[OnProgress]:
    """Give a callback that draws a bar for each stage, on stderr."""
    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=errors,
        disable=quiet,
    )
    rows: dict[str, int] = {}

    def on_progress(report: Progress) -> None:
        if report.stage not in rows:
            rows[report.stage] = bar.add_task(report.stage, total=report.total)
        bar.update(bar.task_ids[rows[report.stage]], completed=report.done)

    with bar:
        yield on_progress


def labels_of(text: str | None) -> tuple[int, ...] | None:
    """Return the labels of a list such as 3,4,5."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() for part in parts):
        raise OptionError(f"`hole_labels` must be numbers with commas between; got {text!r}.")
    return tuple(map(int, parts))


def nodata_of(text: str) -> float | str:
    """Return a number, or a word as it is; "nan" is a number."""
    try:
        return float(text)
    except ValueError:
        return text


def warn_of_share(filled: int, known: int, *, found: bool) -> None:
    """Warn when nothing was filled, or most of the image: the mask may mean something else.

    Parameters
    ----------
    filled, known : int
        Pixels.
    found : bool
        Whether the hole was found in the image, and not given.
    """
    share = filled / max(1, filled + known)
    if 0 < share <= _MOST:
        return
    what = "nothing" if share == 0 else "more than half of the image"
    advice = "Does the hole mark what you meant? See --hole-above, --hole-labels and --invert-hole."
    if found:
        other, amount = ("higher", "more") if share == 0 else ("lower", "less")
        advice = (
            f"Look at what is found by `eii detect` with --preview; a {other} --sensitivity finds "
            f"{amount}."
        )
    errors.print(f"Warning: {what} was filled. {advice}", markup=False)


def tell(error: BaseException) -> int:
    """Say an error in one line on stderr; return the exit status."""
    usage = getattr(error, "format_message", None)  # of click's errors, wherever typer keeps them
    if usage is not None:
        message, status = usage(), WRONG_INPUT
    elif isinstance(error, Cancelled | KeyboardInterrupt | typer.Abort):
        message = "Stopped. No result was kept; what was there before is as it was."
        if getattr(error, "resumable", False):
            message = "Stopped. The same command with --resume goes on from here."
        status = INTERRUPTED if last_signal() is None else 128 + (last_signal() or 0)
    elif isinstance(error, EIIError):
        wrong = isinstance(error, ValueError | SourceError)
        message, status = str(error), WRONG_INPUT if wrong else FAILED
    else:
        message = f"Failed inside ({type(error).__name__}); `eii --debug ...` shows where."
        status = FAILED
    errors.print(f"eii: {printable(message)}", markup=False)
    return status
