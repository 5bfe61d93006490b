"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eii.cluster import ClusterOptions
from eii.image.hints import Hints
from eii.options import RestoreOptions

DEFAULTS = RestoreOptions()
IMAGE, HOLE, COLOUR = "Image", "Hole", "Colour"  # panels of the help

ImageFile = Annotated[
    str, typer.Argument(help="OME-Zarr, Zarr (also its URL), TIFF, PNG, JPEG, WebP or .npy.")
]
HoleFile = Annotated[str, typer.Argument(help="The same kinds; what is not zero is filled.")]
Backbone = Annotated[str, typer.Option(help="auto, unet, pixel, classical or file:PATH.")]
Colour = Annotated[str, typer.Option(help="Propagates colour.", rich_help_panel=COLOUR)]
Channels = Annotated[
    str, typer.Option(help="auto, rgb, each or principal.", rich_help_panel=COLOUR)
]
StandardError = Annotated[
    bool,
    typer.Option(
        "--standard-error/--no-standard-error",
        help="Measure how far what is filled may be off.",
    ),
]
Workers = Annotated[int | None, typer.Option(help="Threads.")]
Grow = Annotated[
    str,
    typer.Option(
        help="Grow the hole by so many pixels; auto: by its defects' rims.", rich_help_panel=HOLE
    ),
]
HoleAbove = Annotated[
    float | None, typer.Option(help="Only values above it are filled.", rich_help_panel=HOLE)
]
HoleLabels = Annotated[
    str | None, typer.Option(help="Only these are filled: 3,4,5.", rich_help_panel=HOLE)
]
InvertHole = Annotated[
    bool,
    typer.Option("--invert-hole", help="What it does not mark is filled.", rich_help_panel=HOLE),
]
Convert = Annotated[
    bool,
    typer.Option("--convert", help="Write OME-Zarr 0.5 in chunks of our own, whatever IMAGE has."),
]
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


def cluster_of(scheduler: str | None, processes: int | None) -> ClusterOptions | None:
    """Return which cluster is asked for; None for threads."""
    if scheduler is None and processes is None:
        return None
    return ClusterOptions(scheduler, processes)


def hints_of(path: Path | None) -> Hints | None:
    """Return the hints of a file."""
    from eii.io.hint_files import read_hints

    return None if path is None else read_hints(path)


def series_of(text: str | None) -> int | str | None:
    """Return a number as one, any other text as it is."""
    return int(text) if text is not None and text.lstrip("+-").isdecimal() else text


def grow_of(text: str) -> int | str:
    """Return a number of pixels as one, "auto" as it is."""
    return int(text) if text.lstrip("+-").isdecimal() else text
