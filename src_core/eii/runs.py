"""A run as a whole: options checked against the image, regions stored on threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from eii._version import __version__
from eii.device import pick_device
from eii.engine.job import make_job
from eii.engine.patches import MemoryPatches
from eii.engine.run import Pasted, Reporting, Runner, run_all
from eii.errors import OptionError
from eii.external.stage import load_backbone, resolve_backbone
from eii.image.dtype import value_range
from eii.image.geometry import Box
from eii.image.hints import Hints
from eii.io.hole import Hole
from eii.io.nodata import hole_with, missing_of
from eii.io.sink import ZarrSink
from eii.io.source import Source
from eii.options import CLASSICAL, RestoreOptions
from eii.progress import Progress, check_stop

T = TypeVar("T")


def check_options(source: Source, options: RestoreOptions) -> None:
    """Raise `OptionError` for an option that has no meaning for this image."""
    colours = source.channels - source.has_alpha
    together = colours > 1 and not source.is_rgb
    if options.principal is not None and (not together or options.channels in ("rgb", "each")):
        raise OptionError(
            "`principal` chooses among channels that follow one another; this image has "
            f"{'RGB' if source.is_rgb else 'one channel'}, or `channels` says otherwise."
        )
    if options.channels == "principal" and colours == 1:
        raise OptionError("`channels` 'principal' needs several; the image has one.")
    if options.backbone == CLASSICAL and options.device not in ("auto", "cpu"):
        raise OptionError(f"`backbone` 'classical' runs on the cpu, not on {options.device!r}.")


@dataclass(frozen=True)
class Work:
    """How calls are run and reported."""

    reporting: Reporting
    workers: int | None

    def run(self, calls: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Run calls on threads; yield what each returns as it ends."""
        return run_all(calls, self.reporting.should_stop, workers=self.workers)

    def finish(self, calls: Iterable[Callable[[], None]]) -> None:
        """Run calls on threads to their end."""
        for _ in self.run(calls):
            check_stop(self.reporting.should_stop)


def paste(
    runner: Runner,
    source: Source,
    pixels: NDArray[Any],
    plane: tuple[int, ...],
    box: Box,
    *,
    keep_alpha: bool,
) -> Pasted:
    """Fill a region (h, w, C) in place; what was transparent there becomes opaque."""
    pasted = runner.paste(pixels, box, runner.numbers_of(plane))
    if source.has_alpha and not keep_alpha:
        alpha = pixels[..., -1]
        opened = pasted.filled.any(axis=2) & (alpha == 0)
        alpha[opened] = 1 if alpha.dtype.kind == "f" else value_range(alpha.dtype)[1]
        pasted.filled[..., -1] |= opened
    return pasted


def store(
    runner: Runner, source: Source, sink: ZarrSink, work: Work, *, keep_alpha: bool
) -> tuple[int, int]:
    """Write every region of a result; return how many pixels are known and how many filled."""
    regions = list(sink.regions())

    def one(plane: tuple[int, ...], box: Box) -> tuple[int, int]:
        pasted = paste(runner, source, source.read(plane, box), plane, box, keep_alpha=keep_alpha)
        sink.write(
            plane, box, pixels=pasted.pixels, filled=pasted.filled, confidence=pasted.confidence
        )
        count = int(pasted.filled.any(axis=2).sum())
        return box.area - count, count

    known = filled = 0
    calls = (partial(one, *region) for region in regions)
    for done, (kept, invented) in enumerate(work.run(calls), start=1):
        known, filled = known + kept, filled + invented
        work.reporting.on_progress(Progress("store", done, len(regions)))
    return known, filled


def provenance(
    source: Source,
    hole: Hole,
    options: RestoreOptions,
    runner: Runner,
    filled: int,
    hints: Hints | None = None,
) -> dict[str, Any]:
    """Return what a result records of how it was made."""
    return {
        "version": __version__,
        "source": source.name,
        "hole": hole.source.name,
        "hole_options": asdict(hole.options),
        "options": {**asdict(options), "backbone": resolve_backbone(options.backbone)},
        "hints": asdict(hints) if hints else None,
        "chosen": runner.chosen(),
        "filled_pixels": filled,
    }


def axes_like(source: Any, restored: Source) -> str | None:
    """Return the axes for a source that names none: an array, compared with its own result."""
    if isinstance(source, str | Path) or len(source.shape) != len(restored.shape):
        return None
    named = "".join(restored.axes)
    return named if tuple(source.shape) == restored.shape else None


def compute(
    source: Source,
    hole: Hole,
    options: RestoreOptions,
    reporting: Reporting,
    hints: Hints | None,
) -> Runner:
    """Plan the restoration of an image and restore its units into memory."""
    check_options(source, options)
    job = make_job(
        source,
        hole_with(hole, source, options),
        options,
        hints=hints,
        missing=missing_of(source, options),
        on_progress=reporting.on_progress,
        should_stop=reporting.should_stop,
    )
    device = _device(options)
    trust, workers = options.trust, options.workers
    backbone = load_backbone(options.backbone, device=device, trust=trust, workers=workers)
    runner = Runner(job, MemoryPatches(), backbone)
    runner.compute(reporting, workers=options.workers)
    return runner


def _device(options: RestoreOptions) -> str:
    # Asking for devices imports torch, which the classical backbone never needs.
    return "cpu" if options.backbone == CLASSICAL else pick_device(options.device)
