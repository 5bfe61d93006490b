"""The command `eii detect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from eii.cli.shared import Axes, ImageFile, Large, Overwrite, SeriesText, Workers, series_of
from eii.console import printable, shown_progress
from eii.options import KINDS, DetectOptions
from eii.signals import stopped_by_signals

DETECT = "Detect"  # panel of the help

Kinds = Annotated[str, typer.Option(help=f"With commas between: {', '.join(KINDS)}.")]
Sensitivity = Annotated[
    float, typer.Option(help="From 0, sure ones, to 1.", rich_help_panel=DETECT)
]
GrowFound = Annotated[
    int | None,
    typer.Option(help="Grow what is found; by default as its kind needs.", rich_help_panel=DETECT),
]
MinSize = Annotated[
    int | None, typer.Option(help="Pixels of a part, at the least.", rich_help_panel=DETECT)
]
MaxSize = Annotated[int | None, typer.Option(help="At the most.", rich_help_panel=DETECT)]
MaxWidth = Annotated[
    int | None,
    typer.Option(
        help="Pixels of the widest scratches, where some are wide; to 64.",
        rich_help_panel=DETECT,
    ),
]
IrChannel = Annotated[
    int | None,
    typer.Option(help="Infrared channel, from 0; else the fourth.", rich_help_panel=DETECT),
]
Ir = Annotated[
    str | None,
    typer.Option(
        help="A file with the infrared; #1: that series of IMAGE.", rich_help_panel=DETECT
    ),
]
Transmission = Annotated[
    float,
    typer.Option(
        help="Light from which on dirt (infrared), ink, stains are divided out; 1: fill all.",
        rich_help_panel=DETECT,
    ),
]
Reference = Annotated[
    str | None, typer.Option(help="A file to compare with.", rich_help_panel=DETECT)
]


def kinds_of(text: str) -> tuple[str, ...]:
    """Return the kinds named in a list with commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def sought(kinds: str | None, *told: Any) -> DetectOptions | None:
    """Return what is to be found, by the kinds that are named and the options in their order."""
    return DetectOptions(kinds_of(kinds), *told) if kinds else None


def detect(
    image: ImageFile,
    out: Annotated[str, typer.Argument(help="The OME-Zarr label image to write.")],
    kind: Kinds,
    sensitivity: Sensitivity = DetectOptions.sensitivity,
    grow: GrowFound = None,
    min_size: MinSize = None,
    max_size: MaxSize = None,
    max_width: MaxWidth = None,
    ir_channel: IrChannel = None,
    ir: Ir = None,
    reference: Reference = None,
    weights: Annotated[
        str | None,
        typer.Option(help="Of a network by eii train-finder.", rich_help_panel=DETECT),
    ] = None,
    preview: Annotated[
        Path | None, typer.Option(help="A PNG to write, of the image made small.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    workers: Workers = None,
    series: SeriesText = None,
    axes: Axes = None,
    large: Large = False,
    overwrite: Overwrite = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Find the defects of IMAGE and write them as labels to OUT: a HOLE for restore."""
    from eii.defects import detect_to_zarr

    options = DetectOptions(
        *(kinds_of(kind), sensitivity, grow, min_size, max_size, ir_channel, ir, reference),
        weights=weights,
        max_width=max_width,
    )
    with shown_progress(quiet) as on_progress, stopped_by_signals() as should_stop:
        done = detect_to_zarr(
            image,
            out,
            options=options,
            series=series_of(series),
            axes=axes,
            large=large,
            workers=workers,
            device=device,
            overwrite=overwrite,
            preview=preview,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    named = ", ".join(f"{name} {label}" for label, name in sorted(done.labels.names.items()))
    typer.echo(f"{printable(done.out)}: {done.marked:.3%} of the image marked; labels: {named}")
