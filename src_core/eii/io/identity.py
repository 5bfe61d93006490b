"""What tells one source from another, and from itself before a change."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path

from eii.errors import SourceError
from eii.io.source import Source


def identity_of(item: Source | Path) -> dict[str, str]:
    """Return the name and a digest of a source or a file.

    Of files: path, size and time of change of each; nothing is read. Of arrays: their contents, or
    the name of the graph that makes them. Of URLs: what describes the image.
    """
    path = item.path if isinstance(item, Source) else item
    if path is not None:
        path = path.resolve()
        if not path.exists():
            raise FileNotFoundError(f"{path} is not there.")
        return {"path": str(path), "state": _digest(f"{line}\n" for line in _files(path))}
    if isinstance(item, Source) and item.url is not None:
        # What is stored behind it is not asked for; its shape and what describes it is.
        told = (item.shape, str(item.dtype), item.axes, sorted(item.facts.scale.items()))
        return {"path": item.name, "state": _digest(iter([repr(told)]))}
    from dask.base import tokenize

    array = item.array if isinstance(item, Source) else item
    return {"path": type(array).__name__, "state": str(tokenize(array))}


def check_unchanged(source: Source, before: Mapping[str, str]) -> None:
    """Raise `SourceError` if the files of a source are not as they were.

    Parameters
    ----------
    source : Source
    before : mapping
        What `identity_of` returned for it.
    """
    if source.path is None:
        return
    try:
        now = identity_of(source)
    except OSError as error:
        raise SourceError(
            f"{source.name} is no longer there; what was made is not kept."
        ) from error
    if now != before:
        raise SourceError(f"{source.name} was changed while it was read; nothing is kept.")


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
