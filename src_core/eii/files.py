"""Files that are there whole or not at all, whatever is killed meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

PICTURES = (".png", ".webp", ".jpg", ".jpeg", ".tif", ".tiff")
"""Ends of names of pictures that are learnt from or evaluated on."""


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file beside its place, flush it to the disk, then put it there.

    Parameters
    ----------
    path : Path
        A file there is replaced.
    content : str or bytes
        Text is written as UTF-8.

    Raises
    ------
    OSError
        If it cannot be written; what was there stays.
    """
    draft = path.with_name(f".{path.name}")
    with draft.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
