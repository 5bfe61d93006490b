"""What a run has done so far, kept beside its result, so that it can go on after any kill."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from eii.errors import JournalError
from eii.files import write_whole
from eii.image.geometry import Box

Fingerprint = Mapping[str, Any]
"""What the bytes of a result follow from, as JSON: groups of facts by name."""

_FILE, _STORED = "journal.json", "stored.log"


@dataclass(frozen=True)
class Stored:
    """A region that is stored: pixels known and filled, and the box around what is filled."""

    known: int
    filled: int
    box: Box


class Journal:
    """The fingerprint of a run, and which regions of its result are stored.

    Parameters
    ----------
    folder : Path
        Is made when absent.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._stored: dict[int, Stored] = {}

    def begin(self, fingerprint: Fingerprint, *, resume: bool) -> None:
        """Begin a run, or go on with one that was begun here.

        Parameters
        ----------
        fingerprint : mapping
        resume : bool
            Go on where there is something; begin where there is nothing.

        Raises
        ------
        JournalError
            If what was begun here is another run: the message names what differs.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        now = json.loads(json.dumps(fingerprint, default=str, sort_keys=True))
        before = self._read() if resume else None
        if before is None:
            write_whole(self._folder / _FILE, json.dumps(now, indent=1))
            (self._folder / _STORED).unlink(missing_ok=True)
            return
        differing = list(_differences(before, now))
        if differing:
            raise JournalError(
                f"This is not the run that was begun: {'; '.join(differing)}. Run it as it was, or "
                "without `resume` to begin anew."
            )
        self._stored = self._read_stored()

    def stored(self, region: int) -> Stored | None:
        """Return what is stored of a region; None when nothing is."""
        return self._stored.get(region)

    def note(self, region: int, stored: Stored) -> None:
        """Note that a region is stored."""
        box = stored.box
        numbers = (region, stored.known, stored.filled, box.y0, box.x0, box.y1, box.x1)
        with self._lock, (self._folder / _STORED).open("a", encoding="ascii") as file:
            file.write(" ".join(map(str, numbers)) + "\n")

    def _read(self) -> dict[str, Any] | None:
        try:
            found = json.loads((self._folder / _FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise JournalError(f"{self._folder / _FILE} is damaged. Begin anew.") from error
        return dict(found)

    def _read_stored(self) -> dict[int, Stored]:
        path = self._folder / _STORED
        text = path.read_text(encoding="ascii") if path.exists() else ""
        whole, _, torn = text.rpartition("\n")
        if torn:  # a line that a kill cut off: what follows must not be glued to it
            write_whole(path, f"{whole}\n" if whole else "")
        lines = (map(int, line.split()) for line in whole.splitlines())
        return {
            region: Stored(known, filled, Box(*corners))
            for region, known, filled, *corners in lines
        }


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what differs between two runs, in words."""
    found = []
    for group in sorted({*before, *now}):
        was, is_now = before.get(group), now.get(group)
        if json.dumps(was) == json.dumps(is_now):
            continue
        if isinstance(was, dict) and isinstance(is_now, dict):
            for name in sorted({*was, *is_now}):
                one, two = (json.dumps(own.get(name)) for own in (was, is_now))
                if one != two:
                    found.append(f"{group} {name}: {one} then, {two} now")
        else:
            found.append(f"{group}: {json.dumps(was)} then, {json.dumps(is_now)} now")
    return found
