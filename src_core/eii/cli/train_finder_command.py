"""The command `eii train-finder`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eii.console import printable


def train_finder(
    data: Annotated[Path, typer.Option(help="Folder of clean pictures, or of .tar files of them.")],
    out: Annotated[Path, typer.Option(help="Folder for weights, checkpoint and log.")],
    minutes: Annotated[float, typer.Option(help="How long to train.")] = 60.0,
    steps: Annotated[int, typer.Option(help="Batches at the most; -1: as many.")] = -1,
    start: Annotated[
        str | None,
        typer.Option("--from", help="Go on from weights: a .safetensors, or film, which ships."),
    ] = None,
    batch: Annotated[int, typer.Option(help="Windows of a batch.")] = 8,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in OUT.")] = False,
    seed: Annotated[int, typer.Option(help="Others draw other windows.")] = 0,
) -> None:
    """Train the network that finds scratches and dust, on clean pictures of your own."""
    from eii.training.fit import train_finder as run

    weights = run(
        data, out, minutes=minutes, steps=steps, batch=batch, start=start, seed=seed, resume=resume
    )
    typer.echo(f"eii detect IMAGE OUT --kind scratches,dust --weights {printable(weights)}")
