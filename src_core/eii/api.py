"""The whole method on one screen: arrays or files in, the same with its holes filled out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eii.engine.compare import Verification, compare
from eii.engine.run import Reporting
from eii.image.hints import Hints
from eii.io import export as _export
from eii.io.hole import open_hole
from eii.io.opener import open_source
from eii.io.place import Place
from eii.io.sink import INPAINTED, ZarrSink, estimate_size
from eii.io.source import Series
from eii.options import HoleOptions, RestoreOptions
from eii.progress import OnProgress, ShouldStop, ignore_progress, never_stop
from eii.runs import Work, axes_like, compute, provenance, store


@dataclass(frozen=True)
class RestoreSummary:
    """What a restoration did.

    Parameters
    ----------
    out : Path
        The result.
    filled : int
        Pixels that were filled, over all planes; channels are not counted apart.
    known : int
        Pixels that were kept.
    windows : int
        Windows that were restored.
    seconds : float
    """

    out: Path
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
    overwrite: bool = False,
    series: Series | None = None,
    axes: str | None = None,
    large: bool = False,
    hole_options: HoleOptions | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> RestoreSummary:
    """Fill the holes of an image on disk and write the result as OME-Zarr.

    Parameters
    ----------
    image : str, Path, ndarray, dask array or zarr array
        OME-Zarr, Zarr, TIFF, OME-TIFF, PNG, JPEG, WebP, .npy, or an array.
    hole : the same
        What is not zero is to be filled; also a coarser level, when the ratio is whole.
    out : str or Path
        The folder to write.
    options : RestoreOptions, optional
    hints : Hints, optional
        Colours that a person set in the hole, in the image's own units.
    overwrite : bool
        Replace a result of ours at ``out``, once the new one is whole; nothing else is replaced.
    series : int or str, optional
        Which image of a file that holds several, from 0, or its path in a plate.
    axes : str, optional
        The meaning of each dimension, where the file does not say.
    large : bool
        Take files that claim very many more pixels than bytes, and pictures of any size.
    hole_options : HoleOptions, optional
        What of the mask is the hole, and where it lies; by default what is not black.
    on_progress : callable
        Is told of every window and every region written.
    should_stop : callable
        Is asked at every read.

    Returns
    -------
    RestoreSummary
        The result is an OME-Zarr 0.5 with the source's axes, scale and channels; known pixels are
        bit-identical; ``labels/inpainted`` marks those that are invented.

    Raises
    ------
    SourceError, ImageError, HoleError, OptionError, Cancelled
        As `restore` and `open_source`.
    OutputError
        If ``out`` exists and may not be replaced, is the source or the hole, or inside or around
        them, is written by another run, or cannot be written. Nothing is left there then.

    Notes
    -----
    The image is read and written region by region.
    """
    start, out = time.monotonic(), Path(out)
    options = options or RestoreOptions()
    source = open_source(image, series=series, axes=axes, large=large)
    opened = open_hole(hole, source, options=hole_options, large=large)
    reporting = Reporting(on_progress, should_stop)
    guarded = {"source": source.path, "hole": opened.source.path}
    with Place(out, overwrite=overwrite, guarded=guarded) as place:
        place.check_room(estimate_size(source))
        runner = compute(source, opened, options, reporting, hints)
        sink = ZarrSink(place, source, by_channel=runner.by_channel)
        work = Work(reporting, options.workers)
        known, filled = store(runner, source, sink, work, keep_alpha=options.keep_alpha)
        source.check_there()
        opened.source.check_there()
        sink.finish(provenance(source, opened, options, runner, filled, hints), run=work.finish)
    return RestoreSummary(out, filled, known, runner.unit_count, time.monotonic() - start)


def verify(
    source: Any, result: Any, *, series: Series | None = None, axes: str | None = None
) -> Verification:
    """Compare every known pixel of a result with its source, bit for bit.

    Parameters
    ----------
    source : str, Path or array
        What was restored.
    result : str or Path
        An OME-Zarr written by `restore_to_zarr`.
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
    filled = open_hole(Path(result) / INPAINTED, restored)
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
