"""The command `eii batch`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eii.cli.detect_command import (
    DETECT,
    Ir,
    IrChannel,
    MaxWidth,
    Sensitivity,
    Transmission,
    sought,
)
from eii.cli.shared import (
    DEFAULTS,
    Backbone,
    Channels,
    Colour,
    Grow,
    HoleAbove,
    HoleLabels,
    InvertHole,
    Overwrite,
    SeriesText,
    StandardError,
    Workers,
    grow_of,
    series_of,
)
from eii.console import FAILED, labels_of, printable, shown_progress
from eii.options import DetectOptions, HoleOptions, RestoreOptions
from eii.signals import stopped_by_signals


def batch(
    jobs: Annotated[
        str, typer.Argument(help="A .csv with the columns image, hole, out; or 'scans/*.tif'.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the results.")],
    hole_pattern: Annotated[
        str | None, typer.Option(help="Where an image's hole is: '{stem}_mask.png'.")
    ] = None,
    detect: Annotated[
        str | None, typer.Option(help="Find the holes: dust,scratches; see eii detect.")
    ] = None,
    sensitivity: Sensitivity = DetectOptions.sensitivity,
    max_width: MaxWidth = None,
    ir_channel: IrChannel = None,
    ir: Ir = None,
    transmission: Transmission = DetectOptions.transmission,
    most: Annotated[
        float, typer.Option(help="Share of an image that is let through.", rich_help_panel=DETECT)
    ] = DetectOptions.most,
    form: Annotated[
        str, typer.Option("--format", help="zarr, or source: the image's own.")
    ] = "zarr",
    resume: Annotated[
        bool, typer.Option("--resume", help="Leave what is done, go on with the rest.")
    ] = False,
    series: SeriesText = None,
    overwrite: Overwrite = False,
    memory: Annotated[
        float | None, typer.Option(help="GiB for the images at work together.")
    ] = None,
    workers: Workers = None,
    backbone: Backbone = DEFAULTS.backbone,
    colour: Colour = DEFAULTS.colour,
    channels: Channels = DEFAULTS.channels,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = DEFAULTS.device,
    grow: Grow = str(DEFAULTS.grow),
    hole_above: HoleAbove = None,
    hole_labels: HoleLabels = None,
    invert_hole: InvertHole = False,
    standard_error: StandardError = DEFAULTS.standard_error,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Restore many images; a table and a page of HTML say what became of each."""
    from eii.batch.jobs import find_jobs
    from eii.batch.report import REPORT, write_report
    from eii.batch.run import run_batch
    from eii.batch.table import FAILED as NOT_DONE
    from eii.batch.table import RESULTS

    options = RestoreOptions(
        *(backbone, colour, channels, None, device, grow_of(grow), workers),
        standard_error=standard_error,
    )
    marks = HoleOptions(hole_above, labels_of(hole_labels), invert_hole)
    told = sensitivity, None, None, None, ir_channel, ir, None, None, most, None, transmission
    kinds = sought(detect, *told, max_width)
    found = find_jobs(jobs, out, hole_pattern=hole_pattern, form=form, detect=bool(detect))
    with shown_progress(quiet) as on_progress, stopped_by_signals() as should_stop:
        rows = run_batch(
            found,
            out,
            options=options,
            hole_options=marks,
            detect=kinds,
            series=series_of(series),
            overwrite=overwrite,
            resume=resume,
            memory=memory,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    write_report(out / REPORT, rows)
    failed = sum(row.status == NOT_DONE for row in rows)
    typer.echo(
        f"{len(rows) - failed} of {len(rows)} images restored; "
        f"{printable(out / RESULTS)}, {printable(out / REPORT)}"
    )
    if failed:
        raise typer.Exit(FAILED)
