"""One restoration as a value: what is restored, how, and where the result goes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import eii
import numpy as np
import zarr
from eii.errors import HoleError, JournalError
from eii.io.source import Facts, Source
from eii.progress import OnProgress, ShouldStop

from napari_eii._layers import with_levels
from napari_eii._marks import Marked

LayerData = tuple[Any, dict[str, Any], str]


@dataclass(frozen=True, eq=False)
class Run:
    """A restoration, all that it needs copied when it was asked for.

    Parameters
    ----------
    name, hole_name : str
        Of the layers, for messages.
    data : array-like of slices
        The image at full resolution.
    axes : str
        Of ``data``.
    rgb : bool
    hole : Marked
    options : eii.RestoreOptions
    out : Path, optional
        The OME-Zarr to write; by default the result is held in memory.
    levels : int
        Of the image's pyramid, and of the result's in memory.
    place : dict
        Where the result's layers lie.
    looks : tuple of dict
        How the result looks; several where layers are its channels, whose axis is the first.
    facts : Facts
        Pixel sizes and units.
    hints : Hints, optional
        Colours that the user set.
    """

    name: str
    hole_name: str
    data: Any
    axes: str
    rgb: bool
    hole: Marked
    options: eii.RestoreOptions
    out: Path | None = None
    levels: int = 1
    place: dict[str, Any] = field(default_factory=dict)
    looks: tuple[dict[str, Any], ...] = ()
    facts: Facts = field(default_factory=Facts)
    hints: eii.Hints | None = None


@dataclass(frozen=True, eq=False)
class Done:
    """A finished run.

    Parameters
    ----------
    image, inpainted, errors : list of array-like
        Levels, finest first; ``errors`` in units of the image, of each channel.
    filled, windows, planes : int
    seconds : float
    """

    image: list[Any]
    inpainted: list[Any]
    errors: list[Any]
    filled: int
    windows: int
    planes: int
    seconds: float


def execute(run: Run, on_progress: OnProgress, should_stop: ShouldStop) -> Done:
    """Restore; runs off napari's thread.

    Raises
    ------
    HoleError
        If nothing is marked.
    EIIError
        As `eii.restore` and `eii.restore_to_zarr`.
    """
    call = {
        "options": run.options,
        "hints": run.hints,
        "hole_options": eii.HoleOptions(axes=run.hole.axes),
        "on_progress": on_progress,
        "should_stop": should_stop,
    }
    done = _in_memory(run, call) if run.out is None else _on_disk(run, run.out, call)
    if not done.filled:
        raise HoleError(f"{run.hole_name} marks no pixel of {run.name}. Paint or draw the hole.")
    return done


def foretell(run: Run, should_stop: ShouldStop) -> eii.Plan:
    """Say what a run will take; runs off napari's thread.

    Raises
    ------
    EIIError
        As `eii.plan`.
    """
    marks = eii.HoleOptions(axes=run.hole.axes)
    how: dict[str, Any] = {"options": run.options, "hole_options": marks}
    return eii.plan(_source(run), run.hole, should_stop=should_stop, **how)


def beside_of(run: Run, done: Done) -> list[LayerData]:
    """Return the layers that tell of a result, for `napari.Viewer`, hidden at first."""
    title = run.looks[0]["name"]
    errors = {"name": f"{title}: standard error", "visible": False, "colormap": "inferno"}
    marks = {"name": f"{title}: inpainted", "visible": False}
    return [
        *([_layer(run, done.errors, "image", errors)] if done.errors else []),
        _layer(run, done.inpainted, "labels", marks),
    ]


def restored_of(run: Run, done: Done) -> list[LayerData]:
    """Return the layers that are restored, for `napari.Viewer`."""
    if len(run.looks) == 1:
        return [_layer(run, done.image, "image", run.looks[0])]
    return [
        _layer(run, [level[number] for level in done.image], "image", looks)
        for number, looks in enumerate(run.looks)
    ]


def _layer(run: Run, levels: list[Any], kind: str, attributes: dict[str, Any]) -> LayerData:
    several = len(levels) > 1
    whole = {**run.place, **attributes, "multiscale": several}
    return (levels if several else levels[0]), whole, kind


def _in_memory(run: Run, call: dict[str, Any]) -> Done:
    source = _source(run)
    found = eii.restore_array(source, run.hole, **call)
    marks = _spread(run, found.inpainted.view(np.uint8), run.hole.axes)
    errors = found.standard_error
    beside = [] if errors is None else with_levels(_shown(run, errors), run.levels, rgb=False)
    return Done(
        with_levels(found.image, run.levels, rgb=run.rgb),
        with_levels(marks, run.levels, rgb=False),
        beside,
        found.filled,
        found.windows,
        len(source.planes),
        found.seconds,
    )


def _on_disk(run: Run, out: Path, call: dict[str, Any]) -> Done:
    source = _source(run)
    try:
        done = eii.restore_to_zarr(source, run.hole, out, resume=True, **call)
    except JournalError:  # what was stopped here before was another run
        done = eii.restore_to_zarr(source, run.hole, out, **call)
    root = zarr.open_group(str(out), mode="r")
    return Done(
        [_turned(run, level) for level in _levels(root, "")],
        [_spread(run, m, run.hole.axes) for m in _levels(root, "labels/inpainted/")],
        [_shown(run, _turned(run, e)) for e in _levels(root, "standard_error/")],
        done.filled,
        done.windows,
        len(source.planes),
        done.seconds,
    )


def source_of(data: Any, axes: str, facts: Facts, name: str) -> Source:
    """Return the source of a layer's pixels."""
    return replace(eii.open_source(data, axes=axes), facts=facts, name=name)


def _source(run: Run) -> Source:
    return source_of(run.data, run.axes, run.facts, run.name)


def _spread(run: Run, plain: Any, axes: str) -> Any:
    """Return what channels share, with the dimensions of the image's layer."""
    own = run.axes.removesuffix("c") if run.rgb else run.axes
    if len(run.looks) > 1:
        return plain.any(axis=axes.index("c")) if "c" in axes else plain
    if "c" not in own or "c" in axes:
        return plain
    at = own.index("c")
    shape = (*plain.shape[:at], run.data.shape[at], *plain.shape[at:])
    return np.broadcast_to(np.expand_dims(plain, at), shape)


def _shown(run: Run, errors: Any) -> Any:
    """Return errors with the dimensions of a layer beside the image's: colours have one mean."""
    if run.rgb or len(run.looks) > 1:
        return errors.mean(axis=run.axes.index("c"))
    return errors


def _levels(root: zarr.Group, prefix: str) -> list[Any]:
    import dask.array as da

    found: list[Any] = []
    while f"{prefix}{len(found)}" in root:
        found.append(da.from_zarr(root[f"{prefix}{len(found)}"]))
    return found


def _turned(run: Run, level: Any) -> Any:
    """Return a stored level with its dimensions as the image's layer has them."""
    stored = "".join(a for a in "tczyx" if a in run.axes)
    return level.transpose([stored.index(a) for a in run.axes])
