"""Finding of defects in an image: planes and channels as finders see them, on threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.engine.threads import run_all
from eii.errors import HoleError
from eii.finders.found import Found, Run, block_at, find
from eii.finders.kind import BoolArray, Finder, Parts, Read, VeilLike, View
from eii.finders.kinds import Kind, kind_of
from eii.finders.labels import DefectLabels, Layer, Plane
from eii.finding_fits import check_fits, fits
from eii.finding_networks import check_weights, networks_of
from eii.image.geometry import Box
from eii.io.axes import ORDER
from eii.io.registered import open_reference
from eii.io.source import Source
from eii.options import DetectOptions
from eii.progress import Progress, Reporting, check_stop

_FEW = 3  # planes from which on defects of the sensor are told by all of them
_VOTES = 0.5  # share of the planes that must have one
_MORE = 0.15  # sensitivity that is added then: what is no defect differs from plane to plane


def find_defects(
    source: Source,
    options: DetectOptions,
    reporting: Reporting,
    *,
    workers: int | None = None,
    device: str = "cpu",
) -> DefectLabels:
    """Look for defects in all planes of an image.

    Parameters
    ----------
    source : Source
    options : DetectOptions
    reporting : Reporting
        Is told of every plane and channel, for each kind.
    workers : int, optional
        Threads; the result does not depend on them.
    device : str
        Where a network runs.

    Returns
    -------
    DefectLabels

    Raises
    ------
    OptionError
        If a kind is not known.
    ImageError
        If a kind does not fit the image; the message says which do.
    """
    kinds = [kind_of(name) for name in options.kinds]
    for kind in kinds:
        check_fits(kind, source, options)
    if options.weights is not None:
        check_weights(kinds, options.weights)
    own = any(_by_channel(kind, source) for kind in kinds)
    axes = "".join(a for a in ORDER if a in source.axes and (a != "c" or own))
    shape = tuple(source.shape[source.axes.index(a)] for a in axes)
    jobs = _jobs(kinds, source, options)
    run = partial(_blocks_on, reporting, workers)
    veils: dict[Plane, dict[str, VeilLike]] = {}
    found: dict[str, dict[tuple[Plane, int | None], Found]] = {kind.name: {} for kind in kinds}
    for count, ((plane, channel, _), own_kinds) in enumerate(jobs.items(), start=1):
        check_stop(reporting.should_stop)
        search = _Search(source, own_kinds, options, device, run, veils)
        for kind, one in zip(own_kinds, search.in_plane(plane, channel), strict=True):
            found[kind.name][plane, channel] = one
        reporting.on_progress(Progress("detect", count, len(jobs)))
    layers = []
    for kind in kinds:
        voted = _voted(found[kind.name], source) if _is_fixed(kind, source, options) else None
        grow = kind.grow if options.grow is None else options.grow
        layers.append(Layer(kind.name, kind.label, grow, voted or found[kind.name]))
    return DefectLabels(axes, shape, layers, veils)


def find_veils(source: Source, options: DetectOptions) -> dict[Plane, dict[str, VeilLike]]:
    """Learn what divides out defects that were found before, by plane and kind.

    Parameters
    ----------
    source : Source
    options : DetectOptions
        By which they were found. An infrared of another file is not looked for again.
    """
    kinds = [kind for kind in map(kind_of, options.kinds) if kind.lifts]
    kinds = [k for k in kinds if fits(k, source, options)]
    kinds = [k for k in kinds if not k.reference or options.ir is None]
    veils: dict[Plane, dict[str, VeilLike]] = {}
    for (plane, channel, _), own in _jobs(kinds, source, options).items():
        search = _Search(source, own, options, "cpu", iter, veils)
        search.finders(search.view(plane, channel), plane, channel)
    return veils


def check_share(labels: DefectLabels, options: DetectOptions) -> None:
    """Raise `HoleError` when more of an image is marked than is let through."""
    share = labels.share(filled=True)
    if share > options.most:
        raise HoleError(
            f"{', '.join(options.kinds)}: {share:.1%} of the image would be filled, more than the "
            f"{options.most:.0%} that are let through. Lower `sensitivity`, choose other kinds, or "
            "raise `most` if it is so damaged."
        )


def _by_channel(kind: Kind, source: Source) -> bool:
    return kind.each and not source.is_rgb and source.channels - source.has_alpha > 1


def _is_fixed(kind: Kind, source: Source, options: DetectOptions) -> bool:
    asked = len(source.planes) >= _FEW if options.fixed is None else options.fixed
    return kind.fixed and asked and len(source.planes) > 1


def _looks(
    kind: Kind, source: Source, options: DetectOptions
) -> Iterator[tuple[Plane, int | None]]:
    colours = source.channels - source.has_alpha
    channels: list[int | None] = list(range(colours)) if _by_channel(kind, source) else [None]
    skipped = _infrared_channel(source, options) if kind.name != "infrared" else None
    yield from product(source.planes, [c for c in channels if c is None or c != skipped])


def _jobs(
    kinds: list[Kind], source: Source, options: DetectOptions
) -> dict[tuple[Plane, int | None, str], list[Kind]]:
    """Return the kinds that are looked for together: in the same channels, seeing the same."""
    jobs: dict[tuple[Plane, int | None, str], list[Kind]] = {}
    for kind in kinds:
        for plane, channel in _looks(kind, source, options):
            alone = kind.name if kind.reference else ""
            jobs.setdefault((plane, channel, alone), []).append(kind)
    return jobs


def _infrared_channel(source: Source, options: DetectOptions) -> int | None:
    if "infrared" not in options.kinds or options.ir is not None:
        return None
    return 3 if options.ir_channel is None else options.ir_channel


def _blocks_on(reporting: Reporting, workers: int | None, calls: Any) -> Iterator[Any]:
    return run_all(calls, reporting.should_stop, workers=workers)


@dataclass(frozen=True)
class _Search:
    """Kinds that see the same, looked for in one plane."""

    source: Source
    kinds: list[Kind]
    options: DetectOptions
    device: str
    run: Run
    veils: dict[Plane, dict[str, VeilLike]]

    def in_plane(self, plane: Plane, channel: int | None) -> list[Found]:
        """Return what is found of each kind in a plane, or in one channel of it."""
        view = self.view(plane, channel)
        if 0 in view.shape:
            return [Found(view.shape) for _ in self.kinds]
        finders = self.finders(view, plane, channel)
        return find(view, [_Sized(finder, self.options) for finder in finders], self.run)

    def finders(self, view: View, plane: Plane, channel: int | None) -> list[Finder]:
        """Return the finders of a plane; note what divides out what they find."""
        asked = networks_of(self.kinds, self.device, self.options)
        finders = [self._finder(kind, view, asked.get(kind.network)) for kind in self.kinds]
        if self.options.transmission < 1:
            for kind, finder in zip(self.kinds, finders, strict=True):
                veil = finder.veil(self.options.transmission, self._told(channel))
                if veil is not None:
                    self.veils.setdefault(plane, {})[kind.name] = veil
        return finders

    def _finder(self, kind: Kind, view: View, asked: Any) -> Finder:
        fixed = _is_fixed(kind, self.source, self.options)
        sensitivity = min(1.0, self.options.sensitivity + (_MORE if fixed else 0))
        make: Callable[..., Finder] = kind.make
        return make(view, sensitivity, asked) if kind.network else make(view, sensitivity)

    def _told(self, channel: int | None) -> list[int]:
        """Return the channels that are looked at: one, or all but the infrared."""
        if channel is not None:
            return [channel]
        infrared = _infrared_channel(self.source, self.options)
        return [c for c in range(self.source.channels - self.source.has_alpha) if c != infrared]

    def view(self, plane: Plane, channel: int | None) -> View:
        """Return what the finders see."""
        source = self.source
        infrared = _infrared_channel(source, self.options)
        told = self._told(channel)
        read = partial(_read, source, plane, told)
        return View(
            read,
            source.plane_shape,
            source.is_rgb or (infrared is not None and len(told) == 3),
            np.dtype(source.dtype),
            source.nodata,
            self._reference(plane, told, infrared),
        )

    def _reference(self, plane: Plane, told: list[int], infrared: int | None) -> Read | None:
        options = self.options
        if self.kinds[0].name == "infrared":
            if options.ir is not None:
                return open_reference(options.ir, self.source, plane, told[:1])
            return partial(_read, self.source, plane, [infrared or 0])
        if self.kinds[0].name == "difference":
            if options.reference is not None:
                return open_reference(options.reference, self.source, plane, told)
            return partial(_near_planes, self.source, plane, told)
        return None


class _Sized:
    """A finder whose parts are also of the sizes that a person asked for."""

    def __init__(self, finder: Finder, options: DetectOptions) -> None:
        self.halo, self._finder = finder.halo, finder
        self.look, self.veil = finder.look, finder.veil
        self._least = options.min_size or 0
        self._most = options.max_size or np.inf

    def keep(self, parts: Parts) -> BoolArray:
        """Keep what the finder keeps, of those sizes."""
        return self._finder.keep(parts) & (parts.area >= self._least) & (parts.area <= self._most)


def _read(source: Source, plane: Plane, channels: list[int], box: Box) -> NDArray[Any]:
    pixels = source.read(plane, box)
    return pixels if len(channels) == pixels.shape[2] else pixels[..., channels]


def _near_planes(source: Source, plane: Plane, channels: list[int], box: Box) -> NDArray[Any]:
    """Return the mean of the planes before and after, or of the one that there is."""
    planes = list(source.planes)
    at = planes.index(plane)
    near = [planes[n] for n in (at - 1, at + 1) if 0 <= n < len(planes)]
    whole = [np.asarray(_read(source, p, channels, box), np.float32) for p in near]
    return np.asarray(np.mean(whole, axis=0), np.float32)


def _voted(
    found: dict[tuple[Plane, int | None], Found], source: Source
) -> dict[tuple[Plane, int | None], Found]:
    """Return for every plane what most planes have: defects of the sensor stay at their places."""
    voted: dict[tuple[Plane, int | None], Found] = {}
    for channel in {c for _, c in found}:
        own = [f for (_, c), f in found.items() if c == channel]
        joint = Found(source.plane_shape)
        for cell in sorted({cell for f in own for cell in f.cells()}):
            votes = np.zeros(block_at(cell, source.plane_shape).shape, np.int32)
            for one in own:
                votes += one.block(cell)
            joint.put(cell, votes >= max(2, _VOTES * len(own)))
        voted |= dict.fromkeys([(p, channel) for p in source.planes], joint)
    return voted
