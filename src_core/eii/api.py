"""The whole method on one screen: arrays or files in, the same with its holes filled out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eii.cluster import ClusterOptions
from eii.cluster import opened as opened_cluster
from eii.device import pick_device
from eii.engine.compare import Verification, compare
from eii.engine.journal import Journal
from eii.engine.packs import DiskPatches
from eii.engine.run import Runner
from eii.errors import Cancelled, OptionError
from eii.finders.labels import DefectLabels
from eii.finding import check_share, find_defects
from eii.image.hints import Hints
from eii.io import export as _export
from eii.io.hole import open_hole
from eii.io.identity import check_unchanged
from eii.io.kept import kept_levels
from eii.io.opener import open_source
from eii.io.place import Place, writing
from eii.io.place_remote import place_of
from eii.io.remote import is_url
from eii.io.sink import INPAINTED, ZarrSink, estimate_size
from eii.io.source import Series, Source, axes_like
from eii.options import DetectOptions, HoleOptions, RestoreOptions
from eii.planning import FEW, Plan, plan_of
from eii.progress import OnProgress, Reporting, ShouldStop, ignore_progress, never_stop
from eii.runs import Work, compute, fingerprint, provenance, store
from eii.veils import with_veils


@dataclass(frozen=True)
class RestoreSummary:
    """What a restoration did.

    Parameters
    ----------
    out : Path or str
        The result; text when it is behind a URL.
    filled : int
        Pixels that were filled, over all planes; channels are not counted apart.
    known : int
        Pixels that were kept.
    windows : int
        Windows that were restored.
    seconds : float
    """

    out: Path | str
    filled: int
    known: int
    windows: int
    seconds: float


def restore_to_zarr(
    image: Any,
    hole: Any,
    out: str | Path,
    *,
    options: RestoreOptions | None = None,
    hints: Hints | None = None,
    detect: DetectOptions | None = None,
    overwrite: bool = False,
    resume: bool = False,
    convert: bool = False,
    cluster: ClusterOptions | None = None,
    work: str | Path | None = None,
    series: Series | None = None,
    axes: str | None = None,
    large: bool = False,
    hole_options: HoleOptions | None = None,
    on_plan: Callable[[Plan], None] | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> RestoreSummary:
    """Fill the holes of an image on disk and write the result as OME-Zarr.

    Parameters
    ----------
    image : str, Path, ndarray, dask array or zarr array
        OME-Zarr, Zarr, TIFF, OME-TIFF, PNG, JPEG, WebP, .npy, or an array.
    hole : the same, or None
        What is not zero is to be filled; also a coarser level, when the ratio is whole.
    out : str or Path
        The folder to write, or its URL in an object store.
    options : RestoreOptions, optional
    hints : Hints, optional
        Colours that a person set in the hole, in the image's own units.
    detect : DetectOptions, optional
        Find the hole in the image, in place of ``hole``; it is kept in ``labels/defects``.
    overwrite : bool
        Replace a result of ours at ``out``, once the new one is whole; nothing else is replaced.
    resume : bool
        Go on with the same restoration where it was stopped or killed; begin where there is none.
    convert : bool
        Write OME-Zarr 0.5 in chunks of our own; by default a Zarr that can be kept is: its format,
        chunks and codecs, and the bytes of chunks in which nothing is filled.
    cluster : ClusterOptions, optional
        Restore and write on a cluster of dask.distributed, whose workers see image, hole and
        ``out`` under the same paths; by default on threads. The bytes are the same.
    work : str or Path, optional
        Of a result behind a URL: the folder on this machine's disks in which it is made before it
        is put there, which takes as much room as the result; by default the current folder.
    series : int or str, optional
        Which image of a file that holds several, from 0, or its path in a plate.
    axes : str, optional
        The meaning of each dimension, where the file does not say.
    large : bool
        Take files that claim very many more pixels than bytes, and pictures of any size.
    hole_options : HoleOptions, optional
        What of the mask is the hole, and where it lies; by default what is not black.
    on_plan : callable, optional
        Is told what the run will take, before its first window.
    on_progress : callable
        Is told of every window and every region written.
    should_stop : callable
        Is asked at every read.

    Returns
    -------
    RestoreSummary
        The result is an OME-Zarr, 0.4 of a source in Zarr 2 and else 0.5, with the source's axes,
        scale and channels; known pixels are bit-identical; ``labels/inpainted`` marks those that
        are invented, ``standard_error`` says how far they may be off.

    Raises
    ------
    SourceError, ImageError, HoleError, OptionError, Cancelled
        As `restore` and `open_source`.
    OutputError
        If ``out`` exists and may not be replaced, is the source or the hole, or inside or around
        them, is written by another run, or cannot be written. No result is left there then.
    ClusterError
        If the cluster is not there, is lost, or has other versions.
    JournalError
        If ``resume`` finds another restoration: of a changed image or hole, or by other options.

    Notes
    -----
    The image is read and written region by region, and what is filled is kept on the disk until it
    is written: memory follows neither the size of the image nor the number of defects. A run that
    is stopped or killed leaves a hidden folder beside ``out``, from which ``resume`` goes on to the
    same bytes; the next run without it removes the folder.
    """
    start, options = time.monotonic(), options or RestoreOptions()
    source = open_source(image, series=series, axes=axes, large=large)
    reporting = Reporting(on_progress, should_stop)
    defects = None if detect is None else _found_in(source, hole, detect, options, reporting)
    marks = hole if defects is None else defects
    opened = with_veils(open_hole(marks, source, options=hole_options, large=large), source)
    guarded = {"source": source.path or source.url, "hole": opened.source.path or opened.source.url}
    begun = fingerprint(source, opened, options, hints)
    with (
        place_of(out, work=work, overwrite=overwrite, guarded=guarded, resume=resume) as place,
        _told(place),
        opened_cluster(cluster, place.work / "sent") as sent,
    ):
        place.check_room(estimate_size(source))
        journal = Journal(place.work)
        kept = () if convert else kept_levels(source)

        def begin(runner: Runner, device: str) -> None:
            facts = {"convert": convert, "device": device, "the plan": runner.job.digest()}
            journal.begin({**begun, **facts}, resume=resume)
            place.keep()
            if on_plan is not None:
                on_plan(plan_of(runner, source, options, kept, timed=runner.unit_count > FEW))

        where: dict[str, Any] = {"patches": DiskPatches(place.work / "patches"), "cluster": sent}
        runner = compute(source, opened, options, reporting, hints, begin=begin, **where)
        beside: dict[str, Any] = {"errors": options.standard_error, "defects": defects}
        sink = ZarrSink(place, source, by_channel=runner.by_channel, kept=kept, **beside)
        at_work = Work(reporting, options.workers, sent)
        known, filled = store(
            runner, source, sink, at_work, journal=journal, keep_alpha=options.keep_alpha
        )
        told = provenance(source, opened, options, runner, filled, hints)
        sink.finish({**told, **_detected(detect)}, run=at_work.finish)
        check_unchanged(source, begun["the image"])
        check_unchanged(opened.source, begun["the hole"])
        place.swap()
    return RestoreSummary(_where(out), filled, known, runner.unit_count, time.monotonic() - start)


def _where(out: str | Path) -> str | Path:
    return str(out) if is_url(out) else Path(out)


def _detected(detect: DetectOptions | None) -> dict[str, Any]:
    """Return what a result records of a hole that was found."""
    return {} if detect is None else {"hole": "found in the image", "detect": asdict(detect)}


def _found_in(
    source: Source, hole: Any, detect: DetectOptions, options: RestoreOptions, reporting: Reporting
) -> DefectLabels:
    if hole is not None:
        raise OptionError("Give `hole` or `detect`, not both.")
    device = "cpu" if options.device == "cpu" else pick_device(options.device)
    found = find_defects(source, detect, reporting, workers=options.workers, device=device)
    check_share(found, detect)
    return found


@contextmanager
def _told(place: Place) -> Iterator[None]:
    """Say that a run that was stopped can go on, and what the system's errors mean."""
    try:
        with writing(place.name):
            yield
    except Cancelled as error:
        if place.kept:
            raise Cancelled(
                f"{error} What is done is kept in {place.work}.", resumable=True
            ) from None
        raise


def verify(
    source: Any, result: Any, *, series: Series | None = None, axes: str | None = None
) -> Verification:
    """Compare every known pixel of a result with its source, bit for bit.

    Parameters
    ----------
    source : str, Path or array
        What was restored.
    result : str or Path
        An OME-Zarr written by `restore_to_zarr`, or its URL.
    series : int, optional
        Which image of a source that holds several, from 0.
    axes : str, optional
        The meaning of each dimension of the source, where it does not say.

    Returns
    -------
    Verification
        Its ``difference`` is None when not one known pixel differs.

    Raises
    ------
    SourceError
        If a file cannot be read, or the result does not say which pixels are invented.
    ImageError
        If the images differ in shape or dtype.
    """
    restored = open_source(result)
    original = open_source(source, series=series, axes=axes or axes_like(source, restored))
    filled = open_hole(f"{result}/{INPAINTED}", restored)
    return compare(original, restored, filled)


def export(result: Any, file: str | Path, *, overwrite: bool = False) -> None:
    """Write a result as a TIFF or picture file.

    Parameters
    ----------
    result : str, Path or array
        Usually an OME-Zarr written by `restore_to_zarr`.
    file : str or Path
        Ends with .tif, .ome.tif, .png or .jp2, which hold every value; or with .jpg or .webp, which
        are lossy.
    overwrite : bool
        Replace what is there.

    Raises
    ------
    OutputError
        If the file exists, cannot be written, or its format cannot hold the image.
    SourceError
        If the result cannot be read.
    """
    _export.export(open_source(result), Path(file), overwrite=overwrite)
