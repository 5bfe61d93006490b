"""The command `eii train-finder`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eii.console import printable


def train_finder(
    data: Annotated[Path, typer.Option(help="Folder of clean pictures, or of .tar files of them.")],
    out: Annotated[Path, typer.Option(help="Folder for weights, checkpoint and log.")],
    kind: Annotated[str, typer.Option(help="film, or hot-pixels.")] = "film",
    minutes: Annotated[float, typer.Option(help="How long to train.")] = 60.0,
    steps: Annotated[int, typer.Option(help="Batches at the most; -1: as many.")] = -1,
    start: Annotated[
        str | None,
        typer.Option("--from", help="Go on from weights: a .safetensors, or film, which ships."),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Windows, or hot pixels, of a batch; by default 5, or 4096.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in OUT.")] = False,
    seed: Annotated[int, typer.Option(help="Others draw other windows.")] = 0,
) -> None:
    """Train what finds scratches and dust, or hot pixels, on clean pictures of your own."""
    from eii.training.fit import train_finder as run

    told = {} if batch is None else {"batch": batch}
    weights = run(
        data,
        out,
        kind=kind,
        minutes=minutes,
        steps=steps,
        start=start,
        seed=seed,
        resume=resume,
        **told,
    )
    named = "scratches,dust" if kind == "film" else kind
    typer.echo(f"eii detect IMAGE OUT --kind {named} --weights {printable(weights)}")
