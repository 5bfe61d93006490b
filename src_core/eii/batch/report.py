"""One page of HTML that shows a batch: nothing else is needed to look at it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from eii._version import __version__
from eii.batch.table import FAILED, BatchRow
from eii.errors import EIIError
from eii.files import write_whole
from eii.image.geometry import Box
from eii.io.hole import open_hole
from eii.io.opener import open_source
from eii.io.source import Source

REPORT = "report.html"
"""Name of the page in the folder of the results, and of its template here."""
_SIDE = 384  # pixels of the part that is shown
_STEP = 1024  # rows of the hole that are looked at together
_SHOWN = 500
"""Images that have a picture, at the most: a page with more is slow to open."""


def write_report(path: Path, rows: Sequence[BatchRow]) -> None:
    """Write the page of a batch.

    Parameters
    ----------
    path : Path
    rows : sequence of BatchRow
    """
    from jinja2 import Environment

    template = files("eii.batch").joinpath(REPORT).read_text(encoding="utf-8")
    # Names of files may hold anything: all that is filled in is escaped.
    page = Environment(autoescape=True).from_string(template)
    shown = [_shown(row) if n < _SHOWN else _bare(row) for n, row in enumerate(rows)]
    failed = sum(row.status == FAILED for row in rows)
    text = page.render(rows=shown, failed=failed, total=len(rows), version=__version__)
    write_whole(path, text)


def _bare(row: BatchRow) -> dict[str, Any]:
    return {"row": row, "name": Path(row.image).name, "before": None, "after": None, "note": ""}


def _shown(row: BatchRow) -> dict[str, Any]:
    """Return what the page says of an image: the part of it with most of the hole, twice."""
    found = _bare(row)
    if row.status == FAILED:
        return found
    try:
        source, result = open_source(row.image), open_source(row.out)
        plane = source.planes[0]
        box = _fullest(row, source, plane)
        before, after = (s.read(s.planes[0], box) for s in (source, result))
    except (EIIError, OSError) as error:
        return {**found, "note": f"No picture: {error}"}
    low, high = (float(v) for v in np.nanpercentile(after[..., : source.channels], (0.5, 99.5)))
    rgb = source.is_rgb
    pictures = (_encoded(p, low, high, rgb=rgb, dtype=source.dtype) for p in (before, after))
    return {**found, **dict(zip(("before", "after"), pictures, strict=True))}


def _fullest(row: BatchRow, source: Source, plane: tuple[int, ...]) -> Box:
    """Return the part of the first plane with most of the hole."""
    hole = open_hole(row.hole, source)
    height, width = source.plane_shape
    best, found = -1, Box(0, 0, _SIDE, _SIDE)
    for y in range(0, height, _STEP):
        strip = hole.read(plane, Box(y, 0, min(y + _STEP, height), width))
        marked = np.asarray(strip.any(axis=2) if strip.ndim == 3 else strip)
        for y0 in range(0, marked.shape[0], _SIDE // 2):
            rows = marked[y0 : y0 + _SIDE].sum(axis=0)
            sums = np.add.reduceat(rows, range(0, width, _SIDE // 2))
            x0 = int(sums.argmax())
            if sums[x0] > best:
                best, centre = int(sums[x0]), (y + y0, x0 * (_SIDE // 2))
                found = Box(*centre, centre[0] + _SIDE, centre[1] + _SIDE)
    y0, x0 = (
        max(0, min(a, n - _SIDE))
        for a, n in zip((found.y0, found.x0), (height, width), strict=True)
    )
    return Box(y0, x0, y0 + _SIDE, x0 + _SIDE).clip(source.plane_shape)


def _encoded(
    pixels: NDArray[Any], low: float, high: float, *, rgb: bool, dtype: np.dtype[Any]
) -> str:
    """Return pixels as a picture in a data URL; stretched unless they are of 8 bits."""
    own = pixels[..., :3] if rgb else pixels[..., 0]
    if dtype != np.uint8:
        own = np.nan_to_num((own.astype(np.float64) - low) / max(high - low, 1e-12) * 255)
    eight = np.clip(np.rint(own), 0, 255).astype(np.uint8)
    buffer = BytesIO()
    Picture.fromarray(eight).save(buffer, "WEBP", quality=85)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
