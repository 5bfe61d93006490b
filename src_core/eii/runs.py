"""A run as a whole: options checked against the image, regions stored on threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from itertools import chain
from math import prod
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from eii._version import __version__
from eii.cluster import Cluster
from eii.device import pick_device
from eii.engine.job import make_job
from eii.engine.journal import Fingerprint, Journal, Stored
from eii.engine.packs import MemoryPatches, PatchStore
from eii.engine.patches import Pasted
from eii.engine.run import Runner
from eii.engine.threads import run_all
from eii.engine.trials import calibrate
from eii.errors import OptionError
from eii.external.backbone import EDGES, Backbone
from eii.external.stage import load_backbone, resolve_backbone
from eii.external.weights import packaged
from eii.image.dtype import value_range
from eii.image.geometry import Box
from eii.image.hints import Hints
from eii.io.hole import Hole, open_hole
from eii.io.identity import identity_of
from eii.io.nodata import hole_with, missing_of
from eii.io.sink import ZarrSink
from eii.io.source import Source
from eii.options import CLASSICAL, FILE, RestoreOptions
from eii.progress import Progress, Reporting, check_stop

T = TypeVar("T")

_NO_MATTER = ("workers", "device", "trust")  # the result does not follow from them


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
    """How calls are run and reported: on threads, or on a cluster."""

    reporting: Reporting
    workers: int | None
    cluster: Cluster | None = None

    def ship(self, **parts: object) -> None:
        """Make parts of the calls that follow known to those who run them."""
        if self.cluster is not None:
            self.cluster.ship(**parts)

    def run(self, calls: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Run calls; yield what each returns as it ends."""
        if self.cluster is not None:
            return self.cluster.run(calls, self.reporting.should_stop)
        return run_all(calls, self.reporting.should_stop, workers=self.workers)

    def finish(self, calls: Iterable[Callable[[], None]]) -> None:
        """Run calls to their end."""
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
    runner: Runner,
    source: Source,
    sink: ZarrSink,
    work: Work,
    *,
    journal: Journal,
    keep_alpha: bool,
) -> tuple[int, int]:
    """Write every region of a result; return how many pixels are known and how many filled."""
    regions = dict(sink.numbered(runner.touched(source.plane_shape, sink.side)))
    work.finish(sink.copies(regions.values()))
    work.ship(runner=runner, source=source, sink=sink)
    done = {n: found for n in regions if (found := journal.stored(n)) is not None}
    calls = (
        partial(store_region, runner, source, sink, (n, *region), keep_alpha=keep_alpha)
        for n, region in regions.items()
        if n not in done
    )
    filled = 0
    known = prod(source.plane_shape) * len(source.planes)
    known -= sum(box.area for _, box in regions.values())
    for count, (number, stored) in enumerate(chain(done.items(), work.run(calls)), start=1):
        if number not in done:
            journal.note(number, stored)
        sink.touch(regions[number][0], stored.box)
        known, filled = known + stored.known, filled + stored.filled
        work.reporting.on_progress(Progress("store", count, len(regions)))
    return known, filled


def store_region(
    runner: Runner,
    source: Source,
    sink: ZarrSink,
    region: tuple[int, tuple[int, ...], Box],
    *,
    keep_alpha: bool,
) -> tuple[int, Stored]:
    """Write one region of a result, given by its number, plane and box; return what is stored."""
    number, plane, box = region
    pasted = paste(runner, source, source.read(plane, box), plane, box, keep_alpha=keep_alpha)
    touched = sink.write(
        plane, box, pixels=pasted.pixels, filled=pasted.filled, errors=pasted.errors
    )
    count = int(pasted.filled.any(axis=2).sum())
    return number, Stored(box.area - count, count, touched)


def fingerprint(
    source: Source, hole: Hole, options: RestoreOptions, hints: Hints | None
) -> Fingerprint:
    """Return what the bytes of a result follow from, but for the plan and the device.

    Parameters
    ----------
    source, hole, options, hints
        As for `compute`.
    """
    told = asdict(options)
    for name in _NO_MATTER:
        del told[name]
    name = resolve_backbone(options.backbone)
    weights = packaged().get(name, Path(name.removeprefix(FILE)))
    return {
        "the image": identity_of(source),
        "the hole": identity_of(hole.source),
        "the image's": {"shape": source.shape, "dtype": str(source.dtype), "axes": source.axes},
        "option": told,
        "option of the hole": asdict(hole.options),
        "hints": asdict(hints) if hints else None,
        "the edges": None if options.edges is None else identity_of(Path(options.edges)),
        "weights": identity_of(weights) if weights.is_file() else name,
        "version": __version__,
    }


def provenance(
    source: Source,
    hole: Hole,
    options: RestoreOptions,
    runner: Runner,
    filled: int,
    hints: Hints | None = None,
) -> dict[str, Any]:
    """Return what a result records of how it was made: the same for any number of workers."""
    told = {n: v for n, v in asdict(options).items() if n != "workers"}
    return {
        "version": __version__,
        "source": source.name,
        "hole": hole.source.name,
        "hole_options": asdict(hole.options),
        "options": {**told, "backbone": resolve_backbone(options.backbone)},
        "hints": asdict(hints) if hints else None,
        "chosen": runner.chosen(),
        "filled_pixels": filled,
    }


def compute(
    source: Source,
    hole: Hole,
    options: RestoreOptions,
    reporting: Reporting,
    hints: Hints | None,
    *,
    patches: PatchStore | None = None,
    begin: Callable[[Runner, str], None] = lambda runner, device: None,
    cluster: Cluster | None = None,
) -> Runner:
    """Plan the restoration of an image and restore its units.

    Parameters
    ----------
    source, hole, options, reporting, hints
        As for `eii.api.restore_to_zarr`.
    patches : PatchStore, optional
        Where what is filled is kept; by default in memory.
    begin : callable
        Takes the runner and the device, before the first unit is restored.
    cluster : Cluster, optional
        Where units are restored; by default on threads.
    """
    runner, device = runner_of(source, hole, options, reporting, hints, patches=patches)
    begin(runner, device)
    work = Work(reporting, options.workers, cluster)
    # The plan is a part of its own: it is sent once for both runners.
    work.ship(job=runner.job, runner=runner)
    if options.standard_error:
        runner = _calibrated(runner, work)
        work.ship(runner=runner)
    runner.compute(reporting, run=work.run)
    return runner


def _calibrated(runner: Runner, work: Work) -> Runner:
    """Hide known pixels and restore them, to know how far what is invented is off."""

    def run(calls: Iterable[Callable[[], T]]) -> Iterator[T]:
        listed = list(calls)
        for count, one in enumerate(work.run(listed), start=1):
            work.reporting.on_progress(Progress("calibrate", count, len(listed)))
            yield one

    return calibrate(runner, run)


def runner_of(
    source: Source,
    hole: Hole,
    options: RestoreOptions,
    reporting: Reporting,
    hints: Hints | None = None,
    *,
    patches: PatchStore | None = None,
) -> tuple[Runner, str]:
    """Plan the restoration of an image; return what restores it, and the device it runs on."""
    check_options(source, options)
    load, device = _loader_of(options)
    backbone = load()
    if options.edges is not None and EDGES not in backbone.follows:
        raise OptionError(
            f"`edges` are followed by networks of edgeconnect alone; {backbone.name} has no use "
            "for them. Leave them out, or name such a network."
        )
    job = make_job(
        source,
        hole_with(hole, source, options),
        options,
        hints=hints,
        missing=missing_of(source, options),
        edges=None if options.edges is None else open_hole(options.edges, source),
        veils=hole.veils or getattr(hole.source.array, "veils", None),
        on_progress=reporting.on_progress,
        should_stop=reporting.should_stop,
    )
    return Runner(job, patches or MemoryPatches(), backbone, reload=load), device


def _loader_of(options: RestoreOptions) -> tuple[Callable[[], Backbone], str]:
    """Return what loads the backbone that options ask for, and the device it runs on."""
    # Asking for devices imports torch, which the classical backbone never needs.
    device = "cpu" if options.backbone == CLASSICAL else pick_device(options.device)
    name = options.backbone
    path = Path(name.removeprefix(FILE))
    state = path.stat().st_mtime_ns if name.startswith(FILE) and path.is_file() else 0
    return partial(_loaded, name, device, options.trust, state), device


@lru_cache(maxsize=2)
def _loaded(name: str, device: str, trust: bool, state: int) -> Backbone:
    """Load a backbone once for all images of a process; ``state`` tells changed files apart."""
    return load_backbone(name, device=device, trust=trust)
