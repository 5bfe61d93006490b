"""What tells one source from another, and from itself before a change."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from eii.errors import SourceError
from eii.io.source import Source


def identity_of(item: Any) -> dict[str, str]:
    """Return the name and a digest of an image or a hole, as given to `open_source`.

    Parameters
    ----------
    item : str, Path, Source or array
        Of files: path, size and time of change of each; nothing is read. Of arrays: their
        contents, or the name of the graph that makes them.
    """
    if isinstance(item, Source):
        item = item.array if item.path is None else item.path
    if isinstance(item, str | Path):
        path = Path(item).resolve()
        return {"path": str(path), "state": _digest(f"{line}\n" for line in _files(path))}
    from dask.base import tokenize

    return {"path": type(item).__name__, "state": str(tokenize(item))}


def check_unchanged(item: Any, before: Mapping[str, Any]) -> None:
    """Raise `SourceError` if the files of an image or a hole are not as they were.

    Parameters
    ----------
    item : str, Path, Source or array
    before : mapping
        Holds what `identity_of` returned for it, among its values.
    """
    path = item.path if isinstance(item, Source) else item
    if not isinstance(path, str | Path):
        return
    try:
        now = identity_of(path)
    except OSError as error:
        raise SourceError(f"{path} is no longer there; what was made of it is not kept.") from error
    if now not in before.values():
        raise SourceError(f"{path} was changed while it was read; what was made is not kept.")


def _files(path: Path) -> Iterator[str]:
    if not path.is_dir():
        yield _state(path)
        return
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            yield _state(Path(folder, name))


def _state(file: Path) -> str:
    found = file.stat()
    return f"{file} {found.st_size} {found.st_mtime_ns}"


def _digest(lines: Iterator[str]) -> str:
    digest = blake2b(digest_size=16)
    for line in lines:
        digest.update(line.encode())
    return digest.hexdigest()
