"""The place of a result: locked for one run, written beside, moved in whole; never another's."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import SoftFileLock, Timeout

from eii.errors import Cancelled, EIIError, OutputError, OutputPathError

ATTRIBUTE, SOFTWARE, UNFINISHED = "eii", "napari-eii", "unfinished"
_WORK, _REPLACED, _LOCK = "eii-work", "eii-replaced", "eii-lock"
_RESULT, _MARK = "store", "ours"
_GROUP = {"zarr.json", ".zgroup", ".zattrs"}
OURS = {"": {*_GROUP, "labels", "standard_error"}, "labels": {*_GROUP, "inpainted", "defects"}}
"""What a result holds beside its numbered levels; anything else in it is the user's."""

_AGAIN = (Cancelled, KeyboardInterrupt, OSError)
"""After these a run may be tried again."""


class Place:
    """Where a result goes.

    Use it as a context: it holds the lock, and leaving it without `swap` removes what was written,
    unless `keep` was called and what ended it may be tried again.

    Parameters
    ----------
    out : Path
        The folder to be; of a symbolic link, what it points to.
    overwrite : bool
        Replace a result of ours, or an empty folder, that is at ``out``.
    guarded : mapping of str to Path or None
        What the result must neither replace, hold nor lie in, by what a message calls it.
    resume : bool
        Keep what an earlier run left in `work`.

    Raises
    ------
    OutputPathError
        If ``out`` exists and may not be replaced, or a guarded path is in the way.
    OutputError
        If nothing can be written there, or another run is at work on it.

    Notes
    -----
    A run that is killed leaves a lock with its process, and folders that carry our mark. The next
    run on the same place finds the lock stale and finishes the swap; what is not whole it removes,
    or goes on with.
    """

    def __init__(
        self,
        out: Path,
        *,
        overwrite: bool = False,
        guarded: Mapping[str, Path | None],
        resume: bool = False,
    ) -> None:
        self.out = Path(os.path.realpath(out))
        self._overwrite = overwrite
        self._guarded = guarded
        self._resume = resume
        self._kept = self._found = False
        self._made: list[Path] = []
        self._lock = SoftFileLock(self._beside(_LOCK), timeout=0)
        self.check()

    @property
    def work(self) -> Path:
        """Return the folder of what is not finished."""
        return self._beside(_WORK)

    @property
    def partial(self) -> Path:
        """Return the folder to write the result to."""
        return self.work / _RESULT

    @property
    def name(self) -> str:
        """Return what messages call the place."""
        return str(self.out)

    @property
    def title(self) -> str:
        """Return the name that the image in the result has."""
        return self.out.stem

    def keep(self) -> None:
        """Keep what is written from now on when the run is stopped, or cannot write or read."""
        self._kept = True

    @property
    def kept(self) -> bool:
        """Tell whether a later run can go on from here."""
        return self._kept

    def check(self) -> None:
        """Raise `OutputPathError` if the result may not be put here."""
        for name, path in self._guarded.items():
            if path is not None:
                _check_apart(self.out, path, name)
        if not os.path.lexists(self.out):
            return
        if not self._overwrite:
            raise OutputPathError(
                f"{self.out} exists. Choose another path, or allow to overwrite it."
            )
        check_replaceable(self.out)

    def check_room(self, needed: int) -> None:
        """Raise `OutputError` unless ``needed`` bytes are free where the result goes."""
        free = shutil.disk_usage(self.out.parent).free
        if free < needed:
            raise OutputError(
                f"{self.out} would take about {needed / 1e9:.2f} GB, and {free / 1e9:.2f} GB are "
                "free there. Choose another disk, or make room."
            )

    def __enter__(self) -> Place:
        try:
            self._made = _make_folders(self.out.parent)
            self._lock.acquire()
        except Timeout as error:
            raise OutputError(
                f"{self.out} is being written by another run (process {self._lock.pid}). Wait for "
                f"it; if it is dead, on another machine, delete {self._lock.lock_file}."
            ) from error
        except OSError:
            self._remove_folders()
            with writing(self.out):
                raise
        try:
            self._tidy()
            self.check()
            self._claim()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        again = kind is not None and issubclass(kind, _AGAIN)
        # What an earlier run left is not this one's until `keep` says so.
        if not (self._kept and again) and not (self._found and not self._kept):
            _remove(self.work)
        self._leave()

    def swap(self) -> None:
        """Move what was written to its place; what is there is removed after that.

        Raises
        ------
        OutputError
            If it cannot be moved.
        """
        with writing(self.name):
            self.check()
            replaced = self._beside(_REPLACED)
            if self.out.exists():
                self.out.rename(replaced)
            self.partial.rename(self.out)
            _remove(replaced)
            self.forget()

    def forget(self) -> None:
        """Remove what was written: it is in its place."""
        _remove(self.work)
        self._kept = self._found = False

    def _beside(self, ending: str) -> Path:
        return self.out.with_name(f".{self.out.name}.{ending}")

    def _tidy(self) -> None:
        """Finish or remove what killed runs left: nobody else is at work here."""
        replaced = self._beside(_REPLACED)
        if is_ours(replaced):
            if not self.out.exists():
                whole = is_ours(self.partial) and not is_unfinished(self.partial)
                (self.partial if whole else replaced).rename(self.out)
            _remove(replaced)
        if self._is_our_work() and not self._resume:
            _remove(self.work)

    def _is_our_work(self) -> bool:
        return (self.work / _MARK).is_file()

    def _claim(self) -> None:
        """Make the folder of what is not finished, and mark it as ours from its first file on."""
        if os.path.lexists(self.work) and not self._is_our_work():
            raise OutputPathError(f"{self.work} is in the way: it is not this program's. Move it.")
        self._found = self.work.exists()
        self.work.mkdir(exist_ok=True)
        (self.work / _MARK).write_text(f"{SOFTWARE}\n", encoding="ascii")

    def _leave(self) -> None:
        self._lock.release()
        self._remove_folders()

    def _remove_folders(self) -> None:
        for folder in self._made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def result_attributes(folder: Path) -> Mapping[str, Any] | None:
    """Return the attributes we gave a Zarr group; None when it is not one of ours."""
    try:
        if (folder / ".zgroup").exists():  # Zarr 2
            own = json.loads((folder / ".zattrs").read_text(encoding="utf-8"))[ATTRIBUTE]
        else:
            described = json.loads((folder / "zarr.json").read_text(encoding="utf-8"))
            own = described["attributes"][ATTRIBUTE]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return own if isinstance(own, dict) and own.get("software") == SOFTWARE else None


def is_ours(folder: Path) -> bool:
    """Tell whether a folder is a result of ours, whole or not."""
    return result_attributes(folder) is not None


def is_unfinished(folder: Path) -> bool:
    """Tell whether a folder is a result of ours that is not whole."""
    return bool((result_attributes(folder) or {}).get(UNFINISHED))


def check_replaceable(out: Path) -> None:
    """Raise `OutputPathError` unless ``out`` is empty, or a result of ours and no more."""
    if out.is_dir() and not any(out.iterdir()):
        return
    if not out.is_dir() or not is_ours(out):
        raise OutputPathError(
            f"{out} is not a result of this program, so it is not overwritten. Choose another path."
        )
    for part, names in OURS.items():
        for path in sorted((out / part).glob("*")):
            if path.name not in names and not path.name.isdigit():
                raise OutputPathError(
                    f"{out} also holds {path.relative_to(out)}, which this program did not write, "
                    "so it is not overwritten. Move that elsewhere, or choose another path."
                )


def _check_apart(out: Path, path: Path, name: str) -> None:
    theirs = path.resolve()
    if out == theirs or theirs in out.parents:
        raise OutputPathError(f"The output {out} is the {name}, or inside it. Choose another path.")
    if out in theirs.parents:
        raise OutputPathError(f"The {name} lies inside the output {out}. Choose another path.")


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder and those around it; return the new ones, innermost first."""
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(13, "no permission to write there")
    return missing


def _remove(folder: Path) -> None:
    """Remove a folder of ours; a write that was on its way may make it anew once."""
    for _ in range(3):
        if not folder.exists():
            return
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def writing(out: object) -> Iterator[None]:
    """Raise `OutputError` for the system's errors; what was raised on purpose is left as it is."""
    try:
        yield
    except OSError as error:
        if isinstance(error, EIIError):
            raise
        reason = error.strerror or error
        raise OutputError(
            f"{out} cannot be written: {reason}. No result was left there."
        ) from error
