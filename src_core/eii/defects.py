"""Defects of an image found: as an array, or as an OME-Zarr label image."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii._version import __version__
from eii.device import pick_device
from eii.engine.threads import run_all
from eii.finders.kind import View
from eii.finders.labels import DefectLabels
from eii.finders.overview import overview_of
from eii.finding import find_defects
from eii.io.label_image import label_metadata, write_label_image
from eii.io.opener import open_source
from eii.io.place_remote import place_of
from eii.io.source import Series, Source
from eii.options import DetectOptions
from eii.progress import OnProgress, Reporting, ShouldStop, check_stop, ignore_progress, never_stop


@dataclass(frozen=True)
class DetectSummary:
    """What was found in an image.

    Parameters
    ----------
    out : Path or str
        The label image.
    marked : float
        Share of the pixels, over all planes, that is marked.
    labels : DefectLabels
    """

    out: Path | str
    marked: float
    labels: DefectLabels


def detect(
    image: Any,
    *,
    options: DetectOptions,
    series: Series | None = None,
    axes: str | None = None,
    large: bool = False,
    workers: int | None = None,
    device: str = "cpu",
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> DefectLabels:
    """Find the defects of an image.

    Parameters
    ----------
    image : str, Path or array
        As for `eii.restore_to_zarr`.
    options : DetectOptions
    series, axes, large
        As for `eii.restore_to_zarr`.
    workers : int, optional
        Threads; the result does not depend on them, nor on the chunks of the image.
    device : {"auto", "cpu", "cuda", "mps"}
        Where a network runs.
    on_progress, should_stop : callable

    Returns
    -------
    DefectLabels
        A label image, uint8, read by slices or whole by ``numpy.asarray``; the hole of `restore`
        and of `restore_to_zarr`.

    Raises
    ------
    OptionError
        If a kind is not known.
    ImageError
        If a kind does not fit the image; the message says which do.
    SourceError
        If a file cannot be read.

    Notes
    -----
    Memory follows one block a thread and the number of parts found, not the size of the image.
    """
    source = open_source(image, series=series, axes=axes, large=large)
    reporting = Reporting(on_progress, should_stop)
    return find_defects(source, options, reporting, workers=workers, device=pick_device(device))


def detect_to_zarr(
    image: Any,
    out: str | Path,
    *,
    options: DetectOptions,
    series: Series | None = None,
    axes: str | None = None,
    large: bool = False,
    workers: int | None = None,
    device: str = "cpu",
    overwrite: bool = False,
    preview: str | Path | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> DetectSummary:
    """Find the defects of an image and write them as an OME-Zarr label image.

    Parameters
    ----------
    image, options, series, axes, large, workers, device, on_progress, should_stop
        As for `detect`.
    out : str or Path
        The folder to write; it is a hole for `restore_to_zarr` as it is.
    overwrite : bool
        Replace a result of ours at ``out``.
    preview : str or Path, optional
        A PNG to write, of the first plane made small, with what was found in colour.

    Returns
    -------
    DetectSummary

    Raises
    ------
    OptionError, ImageError, SourceError
        As `detect`.
    OutputError
        If ``out`` exists and may not be replaced, or cannot be written.
    """
    source = open_source(image, series=series, axes=axes, large=large)
    guarded = {"source": source.path or source.url}
    place_of(out, overwrite=overwrite, guarded=guarded)  # before hours of work
    reporting = Reporting(on_progress, should_stop)
    labels = find_defects(source, options, reporting, workers=workers, device=pick_device(device))

    def finish(calls: Iterable[Callable[[], None]]) -> None:
        for _ in run_all(calls, should_stop, workers=workers):
            check_stop(should_stop)

    with place_of(out, overwrite=overwrite, guarded=guarded) as place:
        told = {"version": __version__, "source": source.name, "detect": asdict(options)}
        write_label_image(place, source, labels, told, run=finish)
        place.swap()
    if preview is not None:
        write_preview(source, labels, Path(preview))
    return DetectSummary(out, labels.share(), labels)


def write_preview(source: Source, labels: DefectLabels, file: Path) -> None:
    """Write the first plane, made small, beside itself with what was found in colour, as PNG."""
    from PIL import Image

    plane = source.planes[0]
    view = View(
        lambda box: source.read(plane, box),
        source.plane_shape,
        rgb=source.is_rgb,
        dtype=np.dtype(source.dtype),
    )
    small = overview_of(view)
    gray = _as_bytes(small.pixels[..., :3] if source.is_rgb else small.pixels[..., :1])
    colours = {c["label-value"]: c["rgba"][:3] for c in label_metadata(labels.names)["colors"]}
    marked = gray.copy()
    for label, colour in colours.items():
        marked[_any_of(labels, label, small.factor, gray.shape[:2])] = colour
    Image.fromarray(np.concatenate([gray, marked], axis=1)).save(file)


def _as_bytes(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    low, high = (float(v) for v in np.nanpercentile(pixels, (0.1, 99.9)))
    scaled = np.clip((pixels - low) / max(high - low, 1e-12), 0, 1)
    bytes_ = np.rint(np.nan_to_num(scaled) * 255).astype(np.uint8)
    return bytes_ if bytes_.shape[2] == 3 else np.repeat(bytes_[..., :1], 3, axis=2)


def _any_of(
    labels: DefectLabels, label: int, factor: int, shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return the cells of the overview of the first plane in which a label occurs."""
    found = np.zeros(shape, bool)
    lead = tuple(0 if a != "c" else slice(None) for a in labels.axes[:-2])
    side = max(1, 2048 // factor)
    for y in range(0, shape[0], side):
        for x in range(0, shape[1], side):
            rows = slice(y * factor, min((y + side) * factor, labels.shape[-2]))
            columns = slice(x * factor, min((x + side) * factor, labels.shape[-1]))
            own = np.atleast_3d((labels[(*lead, rows, columns)] == label).T).any(axis=2).T
            steps = [np.arange(0, n, factor) for n in own.shape]
            cells = np.logical_or.reduceat(own, steps[0], axis=0)
            cells = np.logical_or.reduceat(cells, steps[1], axis=1)
            found[y : y + cells.shape[0], x : x + cells.shape[1]] = cells
    return found
