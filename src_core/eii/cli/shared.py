"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
SeriesText = Annotated[
    str | None,
    typer.Option("--series", help="Which of several images: from 0, or a field such as A/1/0."),
]
Axes = Annotated[
    str | None, typer.Option(help="Meaning of each dimension, of tczyx, where the file is silent.")
]
Large = Annotated[
    bool, typer.Option("--large", help="Take files that claim very many pixels for their size.")
]


def series_of(text: str | None) -> int | str | None:
    """Return a number as one, any other text as it is."""
    return int(text) if text is not None and text.lstrip("+-").isdecimal() else text
