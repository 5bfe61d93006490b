"""The command `eii train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eii.console import errors, printable, shown_progress
from eii.signals import stopped_by_signals
from eii.training.options import TrainOptions

DEFAULTS = TrainOptions(steps=1)
NETWORK, WINDOWS, LOSSES = "Network", "Windows", "Losses"  # panels of the help


def train(
    data: Annotated[
        list[Path],
        typer.Option(help="Folder of pictures, or of .tar files of them; can be given again."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for weights, checkpoint, log and pictures.")],
    start: Annotated[
        str | None,
        typer.Option("--from", help="Go on from weights: a .safetensors, or unet, which ships."),
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="How long to train.")] = None,
    steps: Annotated[int | None, typer.Option(help="How many batches, instead.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in OUT.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = DEFAULTS.device,
    devices: Annotated[int, typer.Option(help="How many of them.")] = DEFAULTS.devices,
    seed: Annotated[int, typer.Option(help="Others draw other windows.")] = DEFAULTS.seed,
    every: Annotated[float, typer.Option(help="Minutes between checkpoints.")] = DEFAULTS.every,
    backbone: Annotated[
        str,
        typer.Option(
            help="unet, pixel, gatedconv, edgeconnect, hifill, gmcnn or lama.",
            rich_help_panel=NETWORK,
        ),
    ] = DEFAULTS.backbone,
    mode: Annotated[
        str, typer.Option(help="mono, or rgb: the baseline.", rich_help_panel=NETWORK)
    ] = DEFAULTS.mode,
    width: Annotated[
        int | None,
        typer.Option(
            help="Channels of the first layer; by default as published.", rich_help_panel=NETWORK
        ),
    ] = None,
    guided: Annotated[
        bool, typer.Option("--guided", help="Show it known RGB pixels.", rich_help_panel=NETWORK)
    ] = False,
    blank: Annotated[
        bool,
        typer.Option(
            "--blank",
            help="Show it the image with a blank hole, as published, not the classical fills.",
            rich_help_panel=NETWORK,
        ),
    ] = False,
    windows: Annotated[
        int, typer.Option(help="Drawn once and kept in OUT.", rich_help_panel=WINDOWS)
    ] = DEFAULTS.windows,
    side: Annotated[
        int, typer.Option(help="Of a window, in pixels.", rich_help_panel=WINDOWS)
    ] = DEFAULTS.side,
    masks: Annotated[
        Path | None,
        typer.Option(help="Folder of .png masks, for some of the holes.", rich_help_panel=WINDOWS),
    ] = None,
    synthetic: Annotated[
        float, typer.Option(help="Share of made-up images.", rich_help_panel=WINDOWS)
    ] = DEFAULTS.synthetic,
    pools: Annotated[
        Path | None,
        typer.Option(help="Folder for windows that runs share.", rich_help_panel=WINDOWS),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Windows of a batch.", rich_help_panel=LOSSES)
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Learning.", rich_help_panel=LOSSES)] = None,
    perceptual: Annotated[
        Path | None,
        typer.Option(help="VGG19 weights, for the losses that need them.", rich_help_panel=LOSSES),
    ] = None,
    no_critic: Annotated[
        bool, typer.Option("--no-critic", help="No adversarial loss.", rich_help_panel=LOSSES)
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Train a network on pictures of your own; most often from the weights that ship."""
    from eii.training.fit import train as run

    options = TrainOptions(
        backbone=backbone,
        mode=mode,
        minutes=minutes,
        steps=steps,
        start=start,
        seed=seed,
        windows=windows,
        side=side,
        batch=batch,
        rate=rate,
        width=width,
        first_fill=not blank,
        guided=guided,
        adversarial=not no_critic,
        perceptual=perceptual,
        masks=masks,
        synthetic=synthetic,
        pools=pools,
        device=device,
        devices=devices,
        every=every,
    )
    with shown_progress(quiet) as on_progress, stopped_by_signals() as should_stop:
        done = run(
            data, out, options, resume=resume, on_progress=on_progress, should_stop=should_stop
        )
    if done.skipped:
        errors.print(f"{len(done.skipped)} pictures were skipped:", markup=False)
        for line in done.skipped:
            errors.print(f"  {line}", markup=False, soft_wrap=True)
    gain = "" if done.gain is None else f", {done.gain:+.2f} dB over the plate on pictures held out"
    typer.echo(f"{done.steps} steps, {done.windows / max(done.seconds, 1e-9):.0f} windows/s{gain}")
    typer.echo(
        f"Restore with it: eii restore IMAGE HOLE OUT --backbone file:{printable(done.weights)}"
    )
