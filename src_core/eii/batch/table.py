"""The table of a batch: a row an image, written as it is done."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path

from eii.batch.jobs import BatchJob
from eii.errors import OutputError
from eii.files import write_whole

RESULTS = "results.csv"
_BEGUN = ".begun"  # beside it: results that were not there before, a line each
DONE, FAILED, BEFORE = "done", "failed", "done before"


@dataclass(frozen=True)
class BatchRow:
    """What became of one image.

    Parameters
    ----------
    image, hole, out : str
    status : {"done", "failed", "done before"}
    error : str
        Why it failed.
    filled, known : int
        Pixels.
    share : float
        Of the image that was filled.
    standard_error : float
        Mean over what was filled and over channels, in the image's units; NaN where not asked for.
    windows : int
    seconds : float
    """

    image: str
    hole: str
    out: str
    status: str
    error: str = ""
    filled: int = 0
    known: int = 0
    share: float = 0.0
    standard_error: float = 0.0
    windows: int = 0
    seconds: float = 0.0


def named(job: BatchJob) -> str:
    """Return a job's hole as the table names it."""
    return "" if job.hole is None else str(job.hole)


def begin_table(out: Path, rows: Sequence[BatchRow], begun: Iterable[str]) -> None:
    """Write a table of some rows, in place of one that is there, and what else was begun.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        text = StringIO(newline="")
        writer = csv.DictWriter(text, list(BatchRow.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
        write_whole(out / RESULTS, text.getvalue())
        (out / _BEGUN).write_text("".join(f"{name}\n" for name in sorted(begun)), "utf-8")
    except OSError as error:
        raise OutputError(f"{out / RESULTS} cannot be written: {error.strerror}.") from error


def note(out: Path, row: BatchRow) -> None:
    """Add a row."""
    with (out / RESULTS).open("a", newline="", encoding="utf-8") as file:
        csv.DictWriter(file, list(BatchRow.__dataclass_fields__)).writerow(asdict(row))


def note_begun(out: Path, job: BatchJob) -> None:
    """Note that a job begins, and nothing is where its result goes."""
    with (out / _BEGUN).open("a", encoding="utf-8") as file:
        file.write(f"{job.out}\n")


def begun_before(out: Path) -> set[str]:
    """Return the results that an earlier call began, and ended before it said what became of them.

    They may be replaced: nothing was there when it began. What it has noted may not, if it failed
    least of all: what is there now is somebody's.
    """
    file = out / _BEGUN
    begun = set(file.read_text("utf-8").splitlines()) if file.exists() else set()
    return begun - {told["out"] for told in _told(out)}


def end_table(out: Path) -> None:
    """Forget what was begun: all of it is in the table."""
    (out / _BEGUN).unlink(missing_ok=True)


def done_before(out: Path, jobs: Sequence[BatchJob]) -> dict[BatchJob, BatchRow]:
    """Return the rows of jobs whose results an earlier call has written and are there."""
    by_name = {(str(j.image), named(j), str(j.out)): j for j in jobs}
    found: dict[BatchJob, BatchRow] = {}
    for told in _told(out):
        job = by_name.get((told["image"], told["hole"], told["out"]))
        if job is not None and told["status"] in (DONE, BEFORE) and job.out.exists():
            found[job] = _row(told)
    return found


def _told(out: Path) -> list[dict[str, str]]:
    """Return the rows of a table that is there; the last of a call that was killed may be cut."""
    table = out / RESULTS
    if not table.exists():
        return []
    with table.open(newline="", encoding="utf-8") as file:
        text = file.read()
    rows = csv.DictReader(StringIO(text[: text.rfind("\n") + 1], newline=""))
    return [row for row in rows if None not in row.values()]


def _row(told: dict[str, str]) -> BatchRow:
    filled, known, windows = (int(told[n]) for n in ("filled", "known", "windows"))
    share, off, seconds = (float(told[n]) for n in ("share", "standard_error", "seconds"))
    names = (told["image"], told["hole"], told["out"])
    return BatchRow(*names, BEFORE, "", filled, known, share, off, windows, seconds)
