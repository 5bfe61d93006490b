"""A training run: what Lightning is given, and what it calls between steps."""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from torch.utils.data import DataLoader

from eii.device import pick_device
from eii.errors import Cancelled, OptionError, OutputError
from eii.files import write_whole
from eii.progress import OnProgress, Progress, ShouldStop
from eii.training.batches import Batch, Batches
from eii.training.check import check, draw_pictures
from eii.training.fit import Trained
from eii.training.module import Training
from eii.training.networks import make_network, save_weights
from eii.training.options import TrainOptions
from eii.training.pool import Pool, make_pools

_COLUMNS = ("step", "seconds", "loss", "gain", "windows_per_second", "waiting", "left_out")
_NO_MATTER = ("device", "devices", "every", "pools")  # the weights do not follow from them
_UNITS = 1000  # of progress
_LOADERS = 4  # processes that make batches for a GPU


def run(
    data: Sequence[Path],
    out: Path,
    options: TrainOptions,
    *,
    checkpoint: Path | None,
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> Trained:
    """Train a network; see `eii.training.fit.train`."""
    device = pick_device(options.device)
    made = make_network(options)
    _make_folder(out)
    _check_same(out / "options.json", options, resume=checkpoint is not None)
    pools = make_pools(
        data, options.pools or out, options, on_progress=on_progress, should_stop=should_stop
    )
    objective = made.objective
    count = objective.batch if options.batch is None else options.batch
    training = Training(made.net, objective, options)
    start = _steps_in(checkpoint)
    keeper = Keeper(out, pools.check, made, on_progress=on_progress, should_stop=should_stop)
    trainer = Trainer(
        accelerator={"cuda": "gpu"}.get(device, device),
        devices=options.devices,
        precision="bf16-mixed",
        max_epochs=-1,
        max_steps=-1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[keeper],
        default_root_dir=out,
    )
    batches = Batches(pools.train, options, count=count, start=start, rank=trainer.global_rank)
    trainer.fit(training, _loaded(batches, device), ckpt_path=checkpoint)
    keeper.keep(trainer, training)
    if keeper.stopped:
        raise Cancelled(f"Stopped at step {int(training.done)}.", resumable=True)
    return Trained(
        out / "weights.safetensors",
        int(training.done),
        keeper.windows,
        float(training.spent),
        keeper.waiting,
        keeper.gain,
        pools.skipped,
    )


def _loaded(batches: Batches, device: str) -> DataLoader[Batch]:
    """Return what makes batches beside a GPU; on a CPU the network needs the processors itself."""
    processes = 0 if device == "cpu" else min(_LOADERS, (os.cpu_count() or 1) - 1)
    return DataLoader(batches, batch_size=None, num_workers=processes)


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out} cannot be made: {error.strerror}.") from error


def _check_same(path: Path, options: TrainOptions, *, resume: bool) -> None:
    """Note the options of a run that begins; raise if one that goes on has others."""
    told = {k: v for k, v in asdict(options).items() if k not in _NO_MATTER}
    now = json.loads(json.dumps(told, default=str))
    if not resume:
        write_whole(path, json.dumps(now, indent=1))
        return
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else now
    differing = [n for n in now if before.get(n) != now[n]]
    if differing:
        name = differing[0]
        raise OptionError(
            f"`resume`: this is not the run that was begun: `{name}` was {before.get(name)!r}, now "
            f"it is {now[name]!r}. Run it as it was, or name another folder."
        )


def _steps_in(checkpoint: Path | None) -> int:
    """Return how many steps a checkpoint has seen."""
    if checkpoint is None:
        return 0
    try:
        held = torch.load(checkpoint, map_location="cpu", weights_only=True)
        return int(held["state_dict"]["done"])
    except Exception as error:  # of unpickling, whose errors have no common base
        raise OptionError(f"`resume`: {checkpoint} is not a whole checkpoint of eii.") from error


class Keeper(Callback):  # type: ignore[misc]
    """Keeps checkpoints, weights, the log and pictures; reports, and stops when it is time.

    Parameters
    ----------
    out : Path
    pools : sequence of Pool
        To check by.
    made : Made
    on_progress, should_stop : callable
    """

    def __init__(
        self,
        out: Path,
        pools: Sequence[Pool],
        made: Any,
        *,
        on_progress: OnProgress,
        should_stop: ShouldStop,
    ) -> None:
        self._out, self._pools, self._made = out, pools, made
        self._on_progress, self._should_stop = on_progress, should_stop
        self._kept = self._ended = self._begun = time.monotonic()
        self._waited = self._worked = 0.0
        self.windows, self.stopped = 0, False
        self.gain: float | None = None

    @property
    def waiting(self) -> float:
        """Return the share of the time in which a step waited for its batch."""
        return self._waited / max(self._waited + self._worked, 1e-9)

    def on_train_start(self, trainer: Trainer, module: Any) -> None:
        """Start the clocks; a run that was over is over."""
        self._kept = self._ended = time.monotonic()
        trainer.should_stop = module.part >= 1

    def on_train_batch_start(
        self, trainer: Trainer, module: Any, batch: Batch, index: int
    ) -> int | None:
        """Count how long the batch was waited for."""
        self._begun = time.monotonic()
        self._waited += self._begun - self._ended
        return -1 if trainer.should_stop else None

    def on_train_batch_end(
        self, trainer: Trainer, module: Any, outputs: Any, batch: Batch, index: int
    ) -> None:
        """Report; keep what there is every now and then; stop when it is time."""
        self._ended = time.monotonic()
        self._worked += self._ended - self._begun
        side = batch["hole"].shape[-1]
        self.windows += len(batch["hole"]) * (side // module.options.side) ** 2
        self._on_progress(Progress("train", int(_UNITS * module.part), _UNITS))
        self.stopped = self._should_stop()
        trainer.should_stop = self.stopped or module.part >= 1
        if self._ended - self._kept >= 60 * module.options.every and not trainer.should_stop:
            self.keep(trainer, module)
            # Neither waiting nor work.
            self._ended = module._last = self._kept = time.monotonic()

    def keep(self, trainer: Trainer, module: Any) -> None:
        """Save a checkpoint and weights, measure, log.

        Raises
        ------
        OutputError
            If a file cannot be written; what was kept before stays.
        """
        last = self._out / "last.ckpt"
        draft = last.with_name(f".{last.name}")
        try:
            trainer.save_checkpoint(draft)
            if trainer.is_global_zero:
                _settle(draft, last)
                self._measure(module)
        except (OSError, RuntimeError) as error:
            # torch says a full disk in a RuntimeError of its own.
            draft.unlink(missing_ok=True)
            kept = f"{last}, kept before, can be resumed" if last.exists() else "nothing was kept"
            raise OutputError(f"A checkpoint cannot be written: {error}; {kept}.") from error

    def _measure(self, module: Any) -> None:
        net = module.average.module
        net.eval()
        if self._pools:
            self.gain = check(net, self._made.see, self._pools, module.options)
            draw_pictures(
                self._out / "pictures.png", net, self._made.see, self._pools, module.options
            )
        save_weights(net, self._out / "weights.safetensors", self._made, module.options)
        net.train()
        seen = self.windows / max(self._worked + self._waited, 1e-9)
        gain = "" if self.gain is None else round(self.gain, 4)
        figures = [round(x, 4) for x in (module.loss, seen, self.waiting)]
        row = [int(module.done), round(float(module.spent), 1), figures[0], gain, *figures[1:]]
        with (self._out / "log.csv").open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if file.tell() == 0:
                writer.writerow(_COLUMNS)
            writer.writerow([*row, module.left_out])


def _settle(draft: Path, last: Path) -> None:
    """Put a file that is written whole in the place of the one before."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(last)
