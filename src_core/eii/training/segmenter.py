"""Training of the network that finds scratches and dust, on defects made up on clean pictures."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from importlib.util import find_spec
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from eii.external.segmenter import WIDTHS, Segmenter, folded, widened
from eii.external.segmenting import read_segmenter
from eii.finders.kinds import FILM
from eii.training.damaged import Windows
from eii.training.images import find_items
from eii.training.saving import LICENCE, halved, write_weights

BATCH = 5
_RATE, _WARM, _LAST = 2e-3, 300, 0.02
_ON = 0.06  # of the rate, for weights that have been trained, whose normalisations are folded in
_FASTER = {"tint": 8.0}  # times that, for what is young
_COUNTS = (0.38, 0.62)  # of the overlap of scratches, and of dust, which is the harder one
_POWERS = 1, 4  # of the steps, by which they count in the average: of trained weights, and new ones
_OWN = 0.7  # of the way from weights that had been trained before, that is kept


class Learner(pl.LightningModule):  # type: ignore[misc]
    """The network, its average over the steps, and its loss.

    Parameters
    ----------
    net : Segmenter
    progress : callable
        Takes a step, returns the share of the training that is done, from 0 to 1.
    batch : int
        Windows of a step: weights that have been trained take larger steps of more windows.
    """

    def __init__(
        self, net: Segmenter, progress: Callable[[int], float], batch: int = BATCH
    ) -> None:
        super().__init__()
        self.net, self._progress = net, progress
        self.begun = None if net.normed else deepcopy(net).requires_grad_(False)
        on = min(1.0, _ON * (batch / BATCH) ** 0.5)
        self._rate = _RATE if net.normed else on * _RATE
        later = partial(_later, _POWERS[net.normed])
        self.average = AveragedModel(self.net, avg_fn=later, use_buffers=True)

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """Return the loss: cross entropy, and one minus the Dice overlap of each kind."""
        given, masks = batch
        logits = self.net(given.contiguous(memory_format=torch.channels_last)).float()
        loss = segmenting_loss(logits, masks.float())
        self.log("loss", loss.detach())
        return loss

    def on_fit_start(self) -> None:
        """Lay kernels as pixels lie; compile where that pays: on a GPU, by Triton."""
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self.device.type == "cuda" and find_spec("triton") is not None:
            self.net.compile()

    def on_train_batch_end(self, *_: Any) -> None:
        """Take the step into the average."""
        self.average.update_parameters(self.net)

    def configure_optimizers(self) -> Any:
        """Return AdamW, warmed up, its rate falling along a line."""
        optimizer = torch.optim.AdamW(self._groups(), self._rate, weight_decay=1e-4)
        warm = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: min(1.0, (step + 1) / _WARM, max(_LAST, 1 - self._progress(step))),
        )
        return [optimizer], [{"scheduler": warm, "interval": "step"}]

    def _groups(self) -> list[dict[str, Any]]:
        """Return the parameters, by their rates."""
        faster = {} if self.net.normed else _FASTER
        groups: dict[float, list[Tensor]] = {}
        for name, own in self.net.named_parameters():
            times = next((t for part, t in faster.items() if name.startswith(part)), 1.0)
            groups.setdefault(times, []).append(own)
        return [{"params": own, "lr": times * self._rate} for times, own in groups.items()]


def _later(power: int, average: Tensor, now: Tensor, count: Tensor | int) -> Tensor:
    """Return an average in which a step counts by a power of its number [1]_.

    References
    ----------
    .. [1] Shamir and Zhang, "Stochastic gradient descent for non-smooth optimization", ICML 2013.
    """
    return average + (now - average) * ((power + 1) / (count + power + 1))


def segmenting_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """Return how far logits (B, 2, M, N) are from masks of the same shape, a scalar."""
    entropy = functional.binary_cross_entropy_with_logits(logits, masks)
    found = logits.sigmoid()
    both = (found * masks).sum(dim=(0, 2, 3))
    either = found.sum(dim=(0, 2, 3)) + masks.sum(dim=(0, 2, 3))
    counts = torch.tensor(_COUNTS, device=logits.device)
    return 4 * entropy + 1 - (counts * (2 * both + 1) / (either + 1)).sum()


class _Log(pl.Callback):  # type: ignore[misc]
    """Writes the loss and the weights now and then, and ends the training in time."""

    def __init__(self, out: Path, every: int, minutes: float) -> None:
        self._out, self._every, self._sum = out, every, 0.0
        self._begun, self._seconds = time.monotonic(), 60 * minutes

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Note a step; stop when the time is over."""
        if time.monotonic() - self._begun > self._seconds:
            trainer.should_stop = True
        self._sum += float(outputs["loss"])
        if trainer.global_step % self._every:
            return
        row = (trainer.global_step, time.monotonic() - self._begun, self._sum / self._every)
        with (self._out / "log.csv").open("a", encoding="ascii", newline="") as file:
            csv.writer(file).writerow([row[0], f"{row[1]:.0f}", f"{row[2]:.4f}"])
        self._sum = 0.0
        save_average(module, self._out)


def save_average(module: Any, out: Path) -> Path:
    """Write the averaged weights; return their file.

    Of a network that had been trained before, they are between that and this training:
    better than either, on what it was trained on before and on what is new [1]_.

    References
    ----------
    .. [1] Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.
    """
    trained = deepcopy(module.average.module).float()
    plain = folded(trained) if trained.normed else trained
    if module.begun is not None:
        with torch.no_grad():
            for own, before in zip(plain.parameters(), module.begun.parameters(), strict=True):
                own.lerp_(before.to(own), 1 - _OWN)
    return write_weights(
        out / "weights.safetensors",
        halved(plain.state_dict()),
        architecture=FILM,
        licence=LICENCE,
        summary="Finds scratches and dust.",
        shape={
            "widths": list(plain.widths),
            "kinds": plain.kinds,
            "compared": len(plain.compared),
            "channels": plain.channels,
            "tints": plain.tints,
        },
    )


def _network(start: str | None, last: Path | None) -> Segmenter:
    """Return the network to train: a new one, that of some weights, or of a checkpoint's shape."""
    if last is not None:
        held = torch.load(last, map_location="cpu", weights_only=True, mmap=True)["state_dict"]
        levels, compared = (
            [held[name] for name in takewhile(held.__contains__, map(pattern.format, count()))]
            for pattern in ("net.down.{}.0.weight", "net.compared.{}.norm1.weight")
        )
        return Segmenter(
            tuple(map(len, levels)),
            compared=len(compared),
            channels=levels[0].shape[1],
            tints=len(held.get("net.tint.0.weight", ())),
            normed=any("running_mean" in name for name in held),
        )
    if start is not None:
        return widened(read_segmenter(None if start == "film" else Path(start))).train()
    return Segmenter(WIDTHS)


def train_segmenter(
    data: Path,
    out: Path,
    *,
    minutes: float,
    steps: int = -1,
    batch: int = BATCH,
    start: str | None = None,
    seed: int = 0,
    resume: bool = False,
) -> Path:
    """Train the network that finds scratches and dust.

    Parameters
    ----------
    data : Path
        Folder of clean pictures, or of tar files of such.
    out : Path
        Folder for ``weights.safetensors``, ``last.ckpt`` and ``log.csv`` (step, seconds, loss).
    minutes : float
        Of this call, one that goes on with an earlier run too.
    steps : int
        At the most; -1 is as many as there is time for.
    batch : int
        Windows of a step.
    start : str, optional
        Weights to go on from: a ``.safetensors`` file with its card, or ``"film"``, which ships.
    seed : int
        Which windows it draws depends on the number of processors, too.
    resume : bool
        Go on with the run that is in ``out``.

    Returns
    -------
    Path
        Of the averaged weights.

    Raises
    ------
    SourceError
        If ``data`` holds no picture.
    WeightsError
        If ``start`` is neither.
    """
    out.mkdir(parents=True, exist_ok=True)
    pl.seed_everything(seed, verbose=False)
    workers = max(1, (os.cpu_count() or 1) - 1)
    loader = DataLoader(
        Windows(find_items(data), seed),
        batch_size=batch,
        num_workers=workers,
        prefetch_factor=4,
        pin_memory=torch.cuda.is_available(),
    )
    begun, last = time.monotonic(), out / "last.ckpt"

    def progress(step: int) -> float:
        return step / steps if steps > 0 else (time.monotonic() - begun) / (60 * minutes)

    before = last if resume and last.exists() else None
    module = Learner(_network(start, before), progress, batch)
    trainer = pl.Trainer(
        accelerator="auto",
        devices=1,
        precision="bf16-mixed",
        max_steps=steps,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        gradient_clip_val=1.0,
        callbacks=[
            _Log(out, 50, minutes),
            ModelCheckpoint(
                out, filename="last", every_n_train_steps=200, enable_version_counter=False
            ),
        ],
    )
    trainer.fit(module, loader, ckpt_path=before)
    trainer.save_checkpoint(last)
    return save_average(module, out)
