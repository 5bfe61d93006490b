"""Training from pictures to weights: pools, network, checkpoints, a log."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eii.errors import MissingExtraError, OptionError, OutputPathError
from eii.options import check_choice
from eii.progress import OnProgress, ShouldStop, ignore_progress, never_stop
from eii.training.options import TrainOptions

HOT_PIXELS = "hot-pixels"
FINDERS = ("film", HOT_PIXELS)


@dataclass(frozen=True)
class Trained:
    """What a training made.

    Parameters
    ----------
    weights : Path
        Of the average of the network, with its card beside it.
    steps : int
    windows : int
        Seen, of the smaller side; a larger one counts as four.
    seconds : float
    waiting : float
        Share of the time in which a step waited for its batch.
    gain : float or None
        PSNR in the hole over the plate's in dB, on windows of pictures held out, if there are any.
    skipped : tuple of str
        Pictures that could not be used, each with the reason.
    """

    weights: Path
    steps: int
    windows: int
    seconds: float
    waiting: float
    gain: float | None
    skipped: tuple[str, ...] = ()


def train_finder(
    data: Path, out: Path, *, kind: str = FINDERS[0], resume: bool = False, **options: Any
) -> Path:
    """Train a network that finds defects; see `train_segmenter` and `train_outliers`.

    Parameters
    ----------
    data, out : Path
    kind : {"film", "hot-pixels"}
        Scratches and dust, or hot pixels.
    resume : bool
        Of film alone: the other takes minutes.
    options
        As those take them.

    Raises
    ------
    MissingExtraError
        If Lightning is not installed.
    SourceError
        If ``data`` holds no picture that can be used.
    OutputPathError
        If ``out`` holds a run and ``resume`` is not said.
    OptionError
        If there is no such kind, no run to go on with, no time to train in, or no window in a
        batch.
    """
    check_choice("kind", kind, FINDERS)
    if (out / "last.ckpt").exists() and not resume:
        raise OutputPathError(
            f"{out} holds a training. Go on with it by --resume, or name another."
        )
    if resume and not (out / "last.ckpt").exists():
        raise OptionError(f"`resume`: {out} holds no training to go on with.")
    for name in ("minutes", "batch"):
        if options.get(name, 1) <= 0:
            raise OptionError(f"`{name}` must be above 0; got {options[name]:g}.")
    if kind == HOT_PIXELS:
        return _train_judge(data, out, resume=resume, **options)
    with _quiet_lightning():
        from eii.training.segmenter import train_segmenter

        return train_segmenter(data, out, resume=resume, **options)


def _train_judge(
    data: Path, out: Path, *, resume: bool, start: str | None = None, **options: Any
) -> Path:
    from eii.training.outliers import train_outliers

    if resume or start is not None:
        raise OptionError("The network of hot pixels is trained in minutes, and always anew.")
    return train_outliers(data, out, **options)


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Say what is missing, and leave out what Lightning says of how many workers load data."""
    try:
        import lightning.pytorch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "Training needs Lightning: pip install 'napari-eii[train]'."
        ) from error
    with warnings.catch_warnings():
        # Ours has but one worker; and a run may go on within an epoch.
        warnings.filterwarnings("ignore", module="lightning")
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        yield


def train(
    data: Sequence[Path],
    out: Path,
    options: TrainOptions,
    *,
    resume: bool = False,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Trained:
    """Train a network on pictures.

    Parameters
    ----------
    data : sequence of Path
        Folders of pictures (webp, jpg, png, tiff; sub-folders too) or of tar files of such; each
        gives as many windows as any other. One picture of twenty is held out, to measure by.
    out : Path
        Folder for ``weights.safetensors`` and its card, ``last.ckpt``, ``log.csv`` and
        ``pictures.png``; pools of windows are kept there too, for other runs.
    options : TrainOptions
    resume : bool
        Go on with the run that is in ``out``, by the same options.
    on_progress, should_stop : callable
        Called between batches; a run that is stopped keeps a checkpoint.

    Returns
    -------
    Trained

    Raises
    ------
    MissingExtraError
        If Lightning is not installed.
    SourceError
        If ``data`` holds no picture that can be used.
    OptionError
        If there is no such backbone, or the device is not there.
    OutputPathError
        If ``out`` holds a run and ``resume`` is not said, or the other way round.
    WeightsError
        If ``options.start`` is of another backbone.
    OutputError
        If the disk is full; the last good checkpoint stays.
    Cancelled
        If ``should_stop`` said so.

    Notes
    -----
    On a CPU, a run of so many steps that was killed and resumed gives the weights, to the bit, of
    one that was not.
    """
    last = out / "last.ckpt"
    if last.exists() and not resume:
        raise OutputPathError(
            f"{out} holds a training. Go on with it by --resume, or name another."
        )
    if resume and not last.exists():
        raise OptionError(f"`resume`: {out} holds no training to go on with.")
    with _quiet_lightning():
        from eii.training.loop import run

        done: Any = run(
            data,
            out,
            options,
            checkpoint=last if resume else None,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    return done
