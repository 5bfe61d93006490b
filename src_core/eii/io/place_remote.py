"""The place of a result behind a URL: made on this machine's disks, then put object by object."""

from __future__ import annotations

import hashlib
import json
import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from eii.errors import EIIError, OutputError, OutputPathError
from eii.io.place import ATTRIBUTE, OURS, SOFTWARE, Place
from eii.io.remote import again, is_url, shown

T = TypeVar("T")
log = logging.getLogger(__name__)

_LOCK, _UNDONE = "eii-lock", ".eii-unfinished"
_ROOT = ("zarr.json", ".zattrs", ".zgroup")  # put last, in this order: with it the result is there
_TOGETHER = 64  # objects given to the file system at a time
_AT_ONCE = 8  # of these on their way at the same time


class RemotePlace(Place):
    """Where a result goes that is behind a URL.

    Parameters
    ----------
    url : str
        ``s3://bucket/name.zarr`` or whatever else fsspec can write to.
    work : Path
        A folder on this machine's disks, in which the result is made; a later run that resumes
        must be given the same.
    overwrite : bool
        Replace a result of ours that is there.
    guarded : mapping of str to Path, str or None
        What the result must neither replace, hold nor lie in, by what a message calls it.
    resume : bool

    Raises
    ------
    OutputPathError
        If something is there that may not be replaced, or a guarded path is in the way.
    OutputError
        If nothing can be written there, or another run is at work on it.

    Notes
    -----
    Nothing is renamed in an object store, so the root's metadata is put last: before that there is
    no result. What a killed run has put is marked, and removed by the next one.
    """

    def __init__(
        self,
        url: str,
        work: Path,
        *,
        overwrite: bool = False,
        guarded: Mapping[str, Path | str | None],
        resume: bool = False,
    ) -> None:
        self._url, self._name = url.rstrip("/"), shown(url).rstrip("/")
        self._urls = {what: p for what, p in guarded.items() if isinstance(p, str)}
        with self._reaching():
            from fsspec.core import url_to_fs

            # Listings are not remembered: other machines write there too.
            self._files, self._root = url_to_fs(self._url, use_listings_cache=False)
        digest = hashlib.blake2b(self._name.encode(), digest_size=4).hexdigest()
        stem = self._root.rpartition("/")[2]
        paths = {what: p for what, p in guarded.items() if isinstance(p, Path)}
        local = work / f"{digest}-{stem}"
        super().__init__(local, overwrite=overwrite, guarded=paths, resume=resume)

    @property
    def name(self) -> str:
        """Return what messages call the place: its URL, without what is secret in it."""
        return self._name

    @property
    def title(self) -> str:
        """Return the name that the image in the result has."""
        return self._root.rpartition("/")[2].rpartition(".")[0]

    def check(self) -> None:
        """Raise `OutputPathError` if the result may not be put here."""
        for what, theirs in self._urls.items():
            own, other = (f"{shown(u).rstrip('/')}/" for u in (self._url, theirs))
            if own.startswith(other) or other.startswith(own):
                raise OutputPathError(
                    f"The output {self._name} is the {what}, or inside or around it. Choose "
                    "another place."
                )
        super().check()
        keys = self._keys()
        if not keys or _UNDONE in keys:
            return
        if not self._overwrite:
            raise OutputPathError(
                f"{self._name} exists. Choose another place, or allow to overwrite it."
            )
        self._check_ours(keys)

    def _check_ours(self, keys: list[str]) -> None:
        root = next((name for name in ("zarr.json", ".zattrs") if name in keys), None)
        found: Any = {}
        if root is not None:
            text = self._again(lambda: self._files.cat_file(f"{self._root}/{root}"))
            found = json.loads(text)
            found = found.get("attributes", {}) if root == "zarr.json" else found
        strange = [key for key in keys if not _is_ours(key)]
        if (found.get(ATTRIBUTE) or {}).get("software") != SOFTWARE:
            raise OutputPathError(
                f"{self._name} is not a result of this program, so it is not overwritten. Choose "
                "another place."
            )
        if strange:
            raise OutputPathError(
                f"{self._name} also holds {strange[0]}, which this program did not write, so it "
                "is not overwritten. Move that elsewhere, or choose another place."
            )

    def __enter__(self) -> RemotePlace:
        super().__enter__()
        try:
            self._lock_there()
        except BaseException as error:
            super().__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        try:
            self._files.rm_file(self._lock_key)
        except Exception as left:  # what ended the run is raised; a later one here takes it over
            log.warning("%s.%s is left: %s", self._name, _LOCK, left)

    @property
    def _lock_key(self) -> str:
        return f"{self._root}.{_LOCK}"

    def _lock_there(self) -> None:
        """Put an object that tells other machines of this run; so it is seen that one may write."""
        own = f"{socket.gethostname()}:{self.work}"
        with self._reaching():
            if self._again(lambda: self._files.exists(self._lock_key)):
                other = self._again(lambda: self._files.cat_file(self._lock_key)).decode()
                if other != own:
                    raise OutputError(
                        f"{self._name} is being written by another run ({other}). Wait for it; "
                        f"if it is dead, delete {self._name}.{_LOCK}."
                    )
            self._again(lambda: self._files.pipe_file(self._lock_key, own.encode()))

    def swap(self) -> None:
        """Put what was written to its place, the root's metadata last.

        Raises
        ------
        OutputError
            If it cannot be put. What was made is kept for a run that resumes.
        """
        self.check()
        with self._reaching():
            try:
                self._put_all()
            except BaseException:
                self._take_back()
                raise
        self.forget()

    def _put_all(self) -> None:
        self._again(lambda: self._files.pipe_file(f"{self._root}/{_UNDONE}", b""))
        self._clear()
        files = [p for p in sorted(self.partial.rglob("*")) if p.is_file()]
        whole = [self.partial / name for name in _ROOT]
        rest = [p for p in files if p not in whole]
        for start in range(0, len(rest), _TOGETHER):
            self._put(rest[start : start + _TOGETHER])
        for path in whole:
            if path in files:
                self._put([path])
        self._again(lambda: self._files.rm_file(f"{self._root}/{_UNDONE}"))

    def _take_back(self) -> None:
        """Remove what was put; where that fails too, the mark tells the next run to."""
        try:
            self._clear()
            self._files.rm_file(f"{self._root}/{_UNDONE}")
        except Exception as error:  # the one that led here is raised
            log.warning("%s holds parts of a result that has failed: %s", self._name, error)

    def _put(self, paths: list[Path]) -> None:
        local = [str(p) for p in paths]
        keys = [f"{self._root}/{p.relative_to(self.partial).as_posix()}" for p in paths]
        self._again(lambda: self._files.put(local, keys, batch_size=_AT_ONCE))

    def _clear(self) -> None:
        """Remove what is there, the root's metadata first; the mark stays."""
        keys = [key for key in self._keys() if key != _UNDONE]
        for key in sorted(keys, key=lambda key: key not in _ROOT):
            whole = f"{self._root}/{key}"
            self._again(partial(self._files.rm_file, whole))

    def _keys(self) -> list[str]:
        """Return the objects that are there, by their names below the root."""
        with self._reaching():
            found = self._again(lambda: self._files.find(self._root))
        return [key.removeprefix(f"{self._root}/") for key in found if key != self._root]

    def _again(self, call: Callable[[], T]) -> T:
        return again(call, final=(FileNotFoundError, ImportError, PermissionError))

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Raise `OutputError` for what a file system's library raises."""
        try:
            yield
        except EIIError:
            raise
        except PermissionError as error:
            raise OutputError(
                f"{self._name} may not be written: access is denied. Check the credentials in the "
                "environment."
            ) from error
        except FileNotFoundError as error:
            raise OutputError(
                f"{self._name} cannot be written: there is no such bucket, or no such folder."
            ) from error
        except (ImportError, NotImplementedError, ValueError) as error:
            raise OutputError(
                f"{self._name} cannot be written: {error}. s3:// needs s3fs, gs:// gcsfs; a web "
                "server takes no results."
            ) from error
        except Exception as error:  # each protocol's library has errors of its own
            raise OutputError(f"{self._name} cannot be written: {error}.") from error


def _is_ours(key: str) -> bool:
    """Tell whether an object is one that results have."""
    folder, _, name = key.rpartition("/")
    first, *rest = key.split("/")
    if not folder:
        return name in OURS[""] or name.isdigit()
    if first == "labels" and (len(rest) == 1 or rest[0] in OURS["labels"]):
        return len(rest) > 1 or rest[0] in OURS["labels"]
    return first == "standard_error" or first.isdigit()


def place_of(
    out: str | Path,
    *,
    work: str | Path | None = None,
    overwrite: bool = False,
    guarded: Mapping[str, Path | str | None],
    resume: bool = False,
) -> Place:
    """Return where a result goes: a folder, or what a URL names.

    Parameters
    ----------
    out : str or Path
    work : str or Path, optional
        Of a URL: the folder in which the result is made; by default the current one.
    overwrite, guarded, resume
        As for `Place`.
    """
    if is_url(out):
        folder = Path.cwd() if work is None else Path(work)
        return RemotePlace(str(out), folder, overwrite=overwrite, guarded=guarded, resume=resume)
    paths = {what: p for what, p in guarded.items() if isinstance(p, Path)}
    return Place(Path(out), overwrite=overwrite, guarded=paths, resume=resume)
