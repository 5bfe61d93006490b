"""The command `eii plan`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from eii.cli.shared import (
    DEFAULTS,
    Axes,
    Backbone,
    Channels,
    Colour,
    Convert,
    Grow,
    HoleAbove,
    HoleFile,
    HoleLabels,
    ImageFile,
    InvertHole,
    Large,
    SeriesText,
    Workers,
    grow_of,
    series_of,
)
from eii.console import labels_of
from eii.options import HoleOptions, RestoreOptions
from eii.signals import stopped_by_signals


def plan(
    image: ImageFile,
    hole: HoleFile,
    backbone: Backbone = DEFAULTS.backbone,
    colour: Colour = DEFAULTS.colour,
    channels: Channels = DEFAULTS.channels,
    workers: Workers = DEFAULTS.workers,
    grow: Grow = str(DEFAULTS.grow),
    hole_above: HoleAbove = None,
    hole_labels: HoleLabels = None,
    invert_hole: InvertHole = False,
    series: SeriesText = None,
    axes: Axes = None,
    large: Large = False,
    convert: Convert = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say what restoring the HOLE of IMAGE will take: pixels, windows, bytes, time, memory."""
    from eii.planning import plan as run

    options = RestoreOptions(
        backbone=backbone,
        colour=colour,
        channels=channels,
        workers=workers,
        grow=grow_of(grow),
    )
    with stopped_by_signals() as should_stop:
        found = run(
            image,
            hole,
            options=options,
            hole_options=HoleOptions(hole_above, labels_of(hole_labels), invert_hole),
            series=series_of(series),
            axes=axes,
            large=large,
            convert=convert,
            should_stop=should_stop,
        )
    typer.echo(json.dumps(found.as_json()) if as_json else str(found))
