"""Colour hints from files: JSON with strokes and copies, CSV with points."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eii.errors import HintError
from eii.image.geometry import Box
from eii.image.hints import Copy, Hints, Stroke


def read_hints(path: Path) -> Hints:
    """Read the hints of an image.

    Parameters
    ----------
    path : Path
        ``.csv``: a header ``y,x,c0,c1,c2`` (as many as there are channels), optionally ``width``,
        then a point a row. ``.json``: an object with ``strokes``, a list of ``{"points": [[y, x],
        ...], "colour": [...], "width": 5, "plane": [...]}``, and ``copies``, a list of
        ``{"source": [y0, x0, y1, x1], "target": [y0, x0, y1, x1]}``; all but points, colour, source
        and target may be left out.

    Returns
    -------
    Hints

    Raises
    ------
    HintError
        If the file is missing, or is not what it should be; the message says where.
    """
    readers = {".csv": _read_csv, ".json": _read_json}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise HintError(f"{path} must end with {' or '.join(readers)}.")
    try:
        hints = reader(path)
    except OSError as error:
        raise HintError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HintError(f"{path} is not a file of hints: {error}.") from error
    if not hints:
        raise HintError(f"{path} holds no hint.")
    return hints


def _read_csv(path: Path) -> Hints:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    strokes = []
    for row in rows:
        channels = sorted((n for n in row if n and n[0] == "c" and n[1:].isdigit()), key=_number)
        colour = tuple(float(row[n]) for n in channels)
        point = (int(row["y"]), int(row["x"]))
        strokes.append(Stroke((point,), colour, int(row.get("width") or 1)))
    return Hints(tuple(strokes))


def _number(name: str) -> int:
    return int(name[1:])


def _read_json(path: Path) -> Hints:
    described = json.loads(path.read_text(encoding="utf-8"))
    strokes = tuple(_stroke(item) for item in described.get("strokes", []))
    copies = tuple(_copy(item) for item in described.get("copies", []))
    return Hints(strokes, copies)


def _stroke(item: Mapping[str, Any]) -> Stroke:
    points = tuple((int(y), int(x)) for y, x in item["points"])
    colour = tuple(float(v) for v in item["colour"])
    return Stroke(points, colour, int(item.get("width", 1)), _plane(item))


def _copy(item: Mapping[str, Any]) -> Copy:
    return Copy(_box(item["source"]), _box(item["target"]), _plane(item))


def _box(corners: Sequence[int]) -> Box:
    y0, x0, y1, x1 = (int(v) for v in corners)
    return Box(y0, x0, y1, x1)


def _plane(item: Mapping[str, Any]) -> tuple[int, ...] | None:
    return tuple(int(v) for v in item["plane"]) if "plane" in item else None
