"""The command `eii restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eii.cli.shared import Axes, Large, Overwrite, SeriesText, series_of
from eii.console import labels_of, nodata_of, printable, shown_progress, warn_of_share
from eii.options import HoleOptions, RestoreOptions
from eii.signals import stopped_by_signals

if TYPE_CHECKING:
    from eii.api import RestoreSummary

DEFAULTS = RestoreOptions()
_IMAGE, _HOLE, _COLOUR = "Image", "Hole", "Colour"  # panels of the help


def restore(
    image: Annotated[Path, typer.Argument(help="OME-Zarr, Zarr, TIFF, PNG, JPEG, WebP or .npy.")],
    hole: Annotated[Path, typer.Argument(help="The same kinds; what is not zero is filled.")],
    out: Annotated[Path, typer.Argument(help="The OME-Zarr to write.")],
    backbone: Annotated[
        str, typer.Option(help="auto, unet, pixel, classical or file:PATH.")
    ] = DEFAULTS.backbone,
    colour: Annotated[
        str, typer.Option(help="Propagates colour.", rich_help_panel=_COLOUR)
    ] = DEFAULTS.colour,
    levels: Annotated[
        int, typer.Option(help="Of the colours progressive and paper.", rich_help_panel=_COLOUR)
    ] = DEFAULTS.levels,
    channels: Annotated[
        str, typer.Option(help="auto, rgb, each or principal.", rich_help_panel=_COLOUR)
    ] = DEFAULTS.channels,
    principal: Annotated[
        int | None, typer.Option(help="The channel completed.", rich_help_panel=_COLOUR)
    ] = None,
    hints: Annotated[
        Path | None,
        typer.Option(help="Colours set by a person, .json or .csv.", rich_help_panel=_COLOUR),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = DEFAULTS.device,
    workers: Annotated[int | None, typer.Option(help="Threads.")] = DEFAULTS.workers,
    trust: Annotated[bool, typer.Option("--trust", help="Run a TorchScript file's code.")] = False,
    grow: Annotated[
        str,
        typer.Option(
            help="Grow the hole by so many pixels; auto: by its defects' rims.",
            rich_help_panel=_HOLE,
        ),
    ] = str(DEFAULTS.grow),
    hole_above: Annotated[
        float | None, typer.Option(help="Only values above it are filled.", rich_help_panel=_HOLE)
    ] = None,
    hole_labels: Annotated[
        str | None, typer.Option(help="Only these are filled: 3,4,5.", rich_help_panel=_HOLE)
    ] = None,
    invert_hole: Annotated[
        bool,
        typer.Option(
            "--invert-hole", help="What it does not mark is filled.", rich_help_panel=_HOLE
        ),
    ] = False,
    hole_series: Annotated[
        str | None, typer.Option(help="As --series, of HOLE.", rich_help_panel=_HOLE)
    ] = None,
    hole_axes: Annotated[
        str | None, typer.Option(help="As --axes, of HOLE.", rich_help_panel=_HOLE)
    ] = None,
    hole_scale: Annotated[
        str,
        typer.Option(
            help="auto: it lies where its pixel size says; fit: it is stretched over IMAGE.",
            rich_help_panel=_HOLE,
        ),
    ] = HoleOptions.scale,
    nan_is_hole: Annotated[
        bool,
        typer.Option(
            "--nan-is-hole", help="Pixels that are not finite are filled.", rich_help_panel=_HOLE
        ),
    ] = False,
    fill_planes: Annotated[
        bool,
        typer.Option(
            "--fill-planes",
            help="Wholly missing planes are filled from the nearest.",
            rich_help_panel=_HOLE,
        ),
    ] = False,
    nodata: Annotated[
        str,
        typer.Option(
            help="Value that holds no data: neither filled nor used. auto: as IMAGE declares.",
            rich_help_panel=_IMAGE,
        ),
    ] = str(DEFAULTS.nodata),
    keep_alpha: Annotated[
        bool,
        typer.Option(
            "--keep-alpha", help="What is filled stays transparent.", rich_help_panel=_IMAGE
        ),
    ] = False,
    series: SeriesText = None,
    axes: Axes = None,
    large: Large = False,
    overwrite: Overwrite = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with this run where it was stopped or killed.")
    ] = False,
    convert: Annotated[
        bool,
        typer.Option(
            "--convert", help="Write OME-Zarr 0.5 in chunks of our own, whatever IMAGE has."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Fill the HOLE of IMAGE and write the result to OUT."""
    from eii.api import restore_to_zarr
    from eii.io.hint_files import read_hints

    options = RestoreOptions(
        backbone=backbone,
        colour=colour,
        levels=levels,
        channels=channels,
        principal=principal,
        device=device,
        grow=int(grow) if grow.lstrip("+-").isdecimal() else grow,
        workers=workers,
        trust=trust,
        keep_alpha=keep_alpha,
        nodata=nodata_of(nodata),
        nan_is_hole=nan_is_hole,
        fill_planes=fill_planes,
    )
    labels, own = labels_of(hole_labels), series_of(hole_series)
    marks = HoleOptions(hole_above, labels, invert_hole, own, hole_axes, hole_scale)
    with shown_progress(quiet) as on_progress, stopped_by_signals() as should_stop:
        done = restore_to_zarr(
            image,
            hole,
            out,
            options=options,
            hints=None if hints is None else read_hints(hints),
            hole_options=marks,
            overwrite=overwrite,
            resume=resume,
            convert=convert,
            series=series_of(series),
            axes=axes,
            large=large,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    _tell(done)


def _tell(done: RestoreSummary) -> None:
    warn_of_share(done.filled, done.known)
    share = done.filled / max(1, done.filled + done.known)
    typer.echo(
        f"{printable(done.out)}: {done.filled} pixels filled ({share:.2%}) in {done.windows} "
        f"windows, {done.known} kept, {done.seconds:.1f} s"
    )
