"""Tables and pictures of an evaluation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw

from eii.evaluation.measures import Measures

Image = NDArray[np.uint8]
Figures = tuple[str, str, str, Measures]
Shown = tuple[str, str, Image, NDArray[np.bool_], Mapping[str, Image]]

_TILE, _LINE = 192, 14  # pixels of a picture in the grid, and of its caption
_ALL = "all"


def write_table(path: Path, rows: Sequence[Figures]) -> None:
    """Write the means as Markdown: a table of each figure, by hole, domain and method.

    Parameters
    ----------
    path : Path
    rows : sequence of (domain, kind of hole, method, Measures)
    """
    means = means_of(rows)
    domains = [*dict.fromkeys(d for d, *_ in rows), _ALL]
    kinds = list(dict.fromkeys(kind for _, kind, _, _ in rows))
    methods = list(dict.fromkeys(method for _, _, method, _ in rows))
    lines = []
    for figure in Measures.__dataclass_fields__:
        lines += [f"## {figure}", "", f"| hole | domain | {' | '.join(methods)} |"]
        lines.append("|---|---|" + "---|" * len(methods))
        for kind in kinds:
            for domain in domains:
                cells = [f"{means[domain, kind, m][figure]:.2f}" for m in methods]
                lines.append(f"| {kind} | {domain} | {' | '.join(cells)} |")
        lines.append("")
    path.write_text("\n".join(lines), encoding="utf-8")


def means_of(rows: Sequence[Figures]) -> dict[tuple[str, str, str], dict[str, float]]:
    """Return the mean figures by domain, hole and method; ``"all"`` is the mean over domains."""
    cells: dict[tuple[str, str, str], list[list[float]]] = defaultdict(list)
    for domain, kind, method, measures in rows:
        cells[domain, kind, method].append(list(asdict(measures).values()))
    means = {key: np.mean(values, axis=0) for key, values in cells.items()}
    over: dict[tuple[str, str, str], list[NDArray[np.float64]]] = defaultdict(list)
    for (_, kind, method), mean in means.items():
        over[_ALL, kind, method].append(mean)
    means |= {key: np.mean(values, axis=0) for key, values in over.items()}
    names = list(Measures.__dataclass_fields__)
    return {k: dict(zip(names, map(float, v), strict=True)) for k, v in means.items()}


def picture_grid(path: Path, shown: Sequence[Shown]) -> None:
    """Draw a row for each case: its hole in red, the truth, and what each method made of it."""
    if not shown:
        return
    methods = list(shown[0][4])
    columns = ["hole", "truth", *methods]
    height = _TILE + _LINE
    grid = Picture.new("RGB", (len(columns) * _TILE, len(shown) * height), "white")
    draw = ImageDraw.Draw(grid)
    for row, (domain, kind, truth, hole, fills) in enumerate(shown):
        marked = _rgb(truth).copy()
        marked[hole] = (255, 0, 0)
        for column, image in enumerate([marked, truth, *fills.values()]):
            name = f"{domain}, {kind}" if column == 0 else columns[column]
            draw.text((column * _TILE + 2, row * height + 1), name, fill="black")
            tile = Picture.fromarray(_rgb(_around(image, hole)))
            grid.paste(tile.resize((_TILE, _TILE)), (column * _TILE, row * height + _LINE))
    grid.save(path, optimize=True)


def _rgb(image: Image) -> Image:
    return image if image.ndim == 3 else np.repeat(image[..., np.newaxis], 3, axis=2)


def _around(image: Image, hole: NDArray[np.bool_]) -> Image:
    """Return the part of an image with most of the hole, at most 256 pixels wide."""
    side = min(256, *hole.shape)
    rows = np.convolve(hole.sum(axis=1), np.ones(side), "valid")
    columns = np.convolve(hole.sum(axis=0), np.ones(side), "valid")
    y, x = int(rows.argmax()), int(columns.argmax())
    return image[y : y + side, x : x + side]
