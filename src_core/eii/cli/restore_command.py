"""The command `eii restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eii.cli.detect_command import (
    DETECT,
    GrowFound,
    Ir,
    IrChannel,
    MaxSize,
    MaxWidth,
    MinSize,
    Reference,
    Sensitivity,
    Transmission,
    sought,
)
from eii.cli.shared import (
    COLOUR,
    DEFAULTS,
    HOLE,
    IMAGE,
    Axes,
    Backbone,
    Channels,
    Colour,
    Convert,
    Grow,
    HoleAbove,
    HoleLabels,
    ImageFile,
    InvertHole,
    Large,
    Overwrite,
    SeriesText,
    StandardError,
    Workers,
    cluster_of,
    grow_of,
    hints_of,
    series_of,
)
from eii.console import errors, labels_of, nodata_of, printable, shown_progress, warn_of_share
from eii.options import DetectOptions, HoleOptions, RestoreOptions
from eii.signals import stopped_by_signals

if TYPE_CHECKING:
    from eii.api import RestoreSummary
    from eii.planning import Plan


def restore(
    image: ImageFile,
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="[HOLE] OUT",
            help="The hole, what is not zero in it, or none with --detect; "
            "the OME-Zarr to write, also the URL of one.",
        ),
    ],
    backbone: Backbone = DEFAULTS.backbone,
    colour: Colour = DEFAULTS.colour,
    levels: Annotated[
        int, typer.Option(help="Of the colours progressive and paper.", rich_help_panel=COLOUR)
    ] = DEFAULTS.levels,
    channels: Channels = DEFAULTS.channels,
    principal: Annotated[
        int | None, typer.Option(help="The channel completed.", rich_help_panel=COLOUR)
    ] = None,
    hints: Annotated[
        Path | None,
        typer.Option(help="Colours set by a person, .json or .csv.", rich_help_panel=COLOUR),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = DEFAULTS.device,
    workers: Workers = DEFAULTS.workers,
    trust: Annotated[bool, typer.Option("--trust", help="Run a TorchScript file's code.")] = False,
    grow: Grow = str(DEFAULTS.grow),
    hole_above: HoleAbove = None,
    hole_labels: HoleLabels = None,
    invert_hole: InvertHole = False,
    hole_series: Annotated[
        str | None, typer.Option(help="As --series, of HOLE.", rich_help_panel=HOLE)
    ] = None,
    hole_axes: Annotated[
        str | None, typer.Option(help="As --axes, of HOLE.", rich_help_panel=HOLE)
    ] = None,
    hole_scale: Annotated[
        str,
        typer.Option(
            help="auto: it lies where its pixel size says; fit: it is stretched over IMAGE.",
            rich_help_panel=HOLE,
        ),
    ] = HoleOptions.scale,
    nan_is_hole: Annotated[
        bool,
        typer.Option(
            "--nan-is-hole", help="Pixels that are not finite are filled.", rich_help_panel=HOLE
        ),
    ] = False,
    grain: Annotated[
        str, typer.Option(help="match: what is filled gets the grain of what is around it.")
    ] = DEFAULTS.grain,
    seed: Annotated[int, typer.Option(help="Of the grain.")] = DEFAULTS.seed,
    standard_error: StandardError = DEFAULTS.standard_error,
    edges: Annotated[
        Path | None,
        typer.Option(help="A picture of edges for the hole; for edgeconnect networks."),
    ] = None,
    fill_planes: Annotated[
        bool,
        typer.Option(
            "--fill-planes",
            help="Wholly missing planes are filled from the nearest.",
            rich_help_panel=HOLE,
        ),
    ] = False,
    nodata: Annotated[
        str,
        typer.Option(
            help="Value that holds no data: neither filled nor used. auto: as IMAGE declares.",
            rich_help_panel=IMAGE,
        ),
    ] = str(DEFAULTS.nodata),
    keep_alpha: Annotated[
        bool,
        typer.Option(
            "--keep-alpha", help="What is filled stays transparent.", rich_help_panel=IMAGE
        ),
    ] = False,
    detect: Annotated[
        str | None,
        typer.Option(help="Find the hole: dust,scratches; see eii detect.", rich_help_panel=DETECT),
    ] = None,
    sensitivity: Sensitivity = DetectOptions.sensitivity,
    grow_found: GrowFound = None,
    min_size: MinSize = None,
    max_size: MaxSize = None,
    max_width: MaxWidth = None,
    ir_channel: IrChannel = None,
    ir: Ir = None,
    transmission: Transmission = DetectOptions.transmission,
    reference: Reference = None,
    most: Annotated[
        float,
        typer.Option(help="Share of IMAGE that is let through.", rich_help_panel=DETECT),
    ] = DetectOptions.most,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Run on this dask.distributed cluster: tcp://host:8786, or its file."),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(help="Run in so many processes of this machine.")
    ] = None,
    work: Annotated[
        Path | None, typer.Option(help="Where a result for a URL is made; by default here.")
    ] = None,
    series: SeriesText = None,
    axes: Axes = None,
    large: Large = False,
    overwrite: Overwrite = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with this run where it was stopped or killed.")
    ] = False,
    convert: Convert = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Fill the HOLE of IMAGE, or what --detect finds, and write the result to OUT."""
    from eii.api import restore_to_zarr

    hole, out = _paths_of(paths, detect)
    told = grow_found, min_size, max_size, ir_channel, ir, reference
    found = sought(detect, sensitivity, *told, None, most, None, transmission, max_width)
    how = backbone, colour, channels, principal, device, grow_of(grow), workers, trust, levels
    options = RestoreOptions(
        *how,
        keep_alpha=keep_alpha,
        grain=grain,
        seed=seed,
        standard_error=standard_error,
        nodata=nodata_of(nodata),
        nan_is_hole=nan_is_hole,
        edges=str(edges) if edges else None,
        fill_planes=fill_planes,
    )
    own = labels_of(hole_labels), invert_hole, series_of(hole_series), hole_axes, hole_scale
    with shown_progress(quiet) as on_progress, stopped_by_signals() as should_stop:
        done = restore_to_zarr(
            image,
            hole,
            out,
            options=options,
            hints=hints_of(hints),
            detect=found,
            hole_options=HoleOptions(hole_above, *own),
            overwrite=overwrite,
            resume=resume,
            convert=convert,
            cluster=cluster_of(scheduler, processes),
            work=work,
            on_plan=None if quiet else _foretell,
            series=series_of(series),
            axes=axes,
            large=large,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    _tell(done, found=detect is not None)


def _paths_of(paths: list[str], detect: str | None) -> tuple[str | None, str]:
    """Return the hole, if any, and the output."""
    if len(paths) != (1 if detect else 2):
        raise typer.BadParameter(
            "give IMAGE and OUT with --detect, and IMAGE, HOLE and OUT without it."
        )
    return None if detect else paths[0], paths[-1]


def _foretell(plan: Plan) -> None:
    errors.print(f"To fill: {plan}", markup=False)


def _tell(done: RestoreSummary, *, found: bool) -> None:
    warn_of_share(done.filled, done.known, found=found)
    share = done.filled / max(1, done.filled + done.known)
    typer.echo(
        f"{printable(done.out)}: {done.filled} pixels filled ({share:.2%}) in {done.windows} "
        f"windows, {done.known} kept, {done.seconds:.1f} s"
    )
