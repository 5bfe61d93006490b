"""The command `eii`: arguments in, one call of the api, a line or two out."""

from __future__ import annotations

import logging
import math
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from eii._version import __version__
from eii.cli.batch_command import batch
from eii.cli.detect_command import detect
from eii.cli.plan_command import plan
from eii.cli.restore_command import restore
from eii.cli.shared import Axes, Large, Overwrite, SeriesText, series_of
from eii.cli.train_command import train
from eii.cli.train_finder_command import train_finder
from eii.console import (
    FAILED,
    errors,
    printable,
    shown_progress,
    tell,
)
from eii.errors import OutputError
from eii.options import RestoreOptions
from eii.signals import stopped_by_signals, terminated_as_interrupted

DEFAULTS = RestoreOptions()

app = typer.Typer(
    add_completion=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    help="Fill the holes of images of any size; not one measured pixel changes.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"eii {__version__}")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Take the options that come before a command; `main` acts on --debug."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command()(restore)
app.command()(plan)
app.command()(train)
app.command()(train_finder)
app.command()(batch)
app.command()(detect)


@app.command()
def export(
    result: Annotated[str, typer.Argument(help="An OME-Zarr written by restore, or its URL.")],
    file: Annotated[
        Path, typer.Argument(help="The .tif, .ome.tif, .png, .jp2, .jpg or .webp to write.")
    ],
    overwrite: Overwrite = False,
) -> None:
    """Write RESULT as a TIFF or picture FILE; .jpg and .webp change measured values."""
    from eii.api import export as run
    from eii.io.export import is_lossy

    run(result, file, overwrite=overwrite)
    lossy = "; its format is lossy: measured values are changed" if is_lossy(file) else ""
    typer.echo(f"{printable(file)}: written{lossy}")


@app.command()
def verify(
    source: Annotated[str, typer.Argument(help="What was restored.")],
    result: Annotated[str, typer.Argument(help="An OME-Zarr written by restore, or its URL.")],
    series: SeriesText = None,
    axes: Axes = None,
) -> None:
    """Prove that every known pixel of RESULT is that of SOURCE; exit 1 if one is not."""
    from eii.api import verify as run

    found = run(source, result, series=series_of(series), axes=axes)
    if found.difference is not None:
        at = found.difference
        errors.print(
            f"A known pixel differs: plane {at.plane or 0}, channel {at.channel}, y={at.y}, "
            f"x={at.x}: {at.source:g} in the source, {at.result:g} in the result.",
            markup=False,
        )
        raise typer.Exit(FAILED)
    typer.echo(f"{found.known} known pixels are identical, {found.filled} are filled")


_FIGURES = {"mean": "mean", "p95": "95th percentile"}


@app.command()
def info(
    path: Annotated[str, typer.Argument(help="Any image that restore takes.")],
    series: SeriesText = None,
    axes: Axes = None,
    large: Large = False,
) -> None:
    """Say what PATH holds."""
    from eii.io.opener import open_source
    from eii.io.place import result_attributes

    source = open_source(path, series=series_of(series), axes=axes, large=large)
    kind = "RGBA" if source.is_rgb and source.has_alpha else "RGB" if source.is_rgb else "channels"
    units = source.facts.units
    sizes = [
        f"{a}={v:g} {units.get(a, '')}".rstrip() for a, v in source.facts.scale.items() if v != 1
    ]
    typer.echo(printable(source.name))
    typer.echo(f"  axes {source.axes}, shape {source.shape}, {source.dtype.name}")
    typer.echo(f"  {len(source.planes)} plane(s) of {source.plane_shape}, {source.channels} {kind}")
    if sizes:
        typer.echo(f"  pixel size {', '.join(sizes)}")
    told = None if source.path is None else result_attributes(source.path)
    if told is not None and "filled_pixels" in told:
        pixels = len(source.planes) * math.prod(source.plane_shape)
        how = told.get("options", {})
        typer.echo(
            f"  result of {told.get('source')}: {told['filled_pixels'] / pixels:.3%} filled by "
            f"{how.get('backbone')}, colour {how.get('colour')}, grain {how.get('grain', 'none')}"
        )
        for name, figures in told.get("standard_error", {}).items():
            each = ", ".join(f"{value:.3g}" for value in figures)
            typer.echo(f"  standard error, {_FIGURES.get(name, name)}, of each channel: {each}")


@app.command()
def models() -> None:
    """List the networks that ship: name, licence, size, and dB over the best classical fill."""
    from eii.external.weights import packaged, read_card

    for name, path in packaged().items():
        card = read_card(path)
        gains = ", ".join(f"{kind} {gain:+.2f}" for kind, gain in card.table.items())
        typer.echo(f"{name}  {card.licence}  {path.stat().st_size / 1e6:.1f} MB  {gains}")
        typer.echo(f"  {card.summary}")
    typer.echo("classical  needs no weights")


@app.command()
def evaluate(
    data: Annotated[Path, typer.Option(help="Folder of images; its sub-folders are domains.")],
    out: Annotated[Path, typer.Option(help="Folder for the rows, the table and the pictures.")],
    holes: Annotated[
        list[str], typer.Option(help="scratch, stroke, block, line, brush, or cover25: 25 %.")
    ] = [],  # noqa: B006
    protocol: Annotated[
        str | None, typer.Option(help="DATA is places2, celeba-hq, paris or dtd, as published.")
    ] = None,
    backbone: Annotated[list[str], typer.Option(help="As for restore.")] = ["unet", "classical"],  # noqa: B006
    colour: Annotated[list[str], typer.Option(help="As for restore.")] = [DEFAULTS.colour],  # noqa: B006
    side: Annotated[int, typer.Option(help="Side of the crops, in pixels.", min=64)] = 512,
    seed: Annotated[int, typer.Option(help="Others draw other crops and holes.")] = 0,
    most: Annotated[int | None, typer.Option(help="Images of each domain.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Run a TorchScript file's code.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Draw holes into images, restore them, and compare with what was there, beside the peers."""
    from eii.evaluation.protocols import HOLE, protocol_of
    from eii.evaluation.run import evaluate as run

    methods = [RestoreOptions(b, c, trust=trust) for b in backbone for c in colour]
    published = None if protocol is None else protocol_of(protocol)
    usual = ["scratch", "stroke", "block"] if published is None else [HOLE]
    with shown_progress(quiet) as on_progress, stopped_by_signals() as should_stop:
        rows = run(
            data,
            out,
            holes=holes or usual,
            methods=methods,
            side=side,
            seed=seed,
            most=most,
            protocol=published,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    typer.echo(f"{printable(out / 'table.md')}: {len(rows)} rows")


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where the result goes.")] = Path("demo"),
) -> None:
    """Restore a packaged photograph with real scratches and dust."""
    from eii.demo import run_demo

    with shown_progress(quiet=False) as on_progress:
        done = run_demo(folder, on_progress=on_progress)
    if done.verification.difference is not None:
        raise OutputError(f"{done.summary.out} differs from its source in a known pixel.")
    typer.echo(f"Result:  {Path(done.summary.out).resolve()}")
    typer.echo(f"Picture: {done.picture.resolve()}")
    typer.echo(f"Grain and standard error: {done.details.resolve()}")
    typer.echo(
        f"{done.summary.filled} pixels filled, {done.verification.known} verified identical, "
        f"{done.summary.seconds:.1f} s"
    )


def main() -> None:
    """Run the command line: exit 0 done, 1 failed, 2 wrong input, 130 or 143 stopped by a signal.

    Any error is one line on stderr; ``--debug`` shows its traceback.
    """
    debug = "--debug" in sys.argv[1:]
    sys.argv = [a for a in sys.argv if a != "--debug"]
    if not debug:
        # What the libraries below say of a file comes as one sentence of ours.
        logging.disable(logging.CRITICAL)
        warnings.simplefilter("ignore")
    try:
        with terminated_as_interrupted():
            sys.exit(app(standalone_mode=False))
    except Exception as error:
        if debug:
            raise
        sys.exit(tell(error))
    except KeyboardInterrupt as error:
        sys.exit(tell(error))
