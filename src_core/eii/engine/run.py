"""Restore the units of a job on threads, and lay what they filled on regions of the output."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.engine.batches import packs_of
from eii.engine.between import as_dtype, between
from eii.engine.cells import touched_regions
from eii.engine.doubt import Calibration
from eii.engine.job import Job
from eii.engine.lifted import lay_lifted
from eii.engine.packs import PackKey, PatchStore
from eii.engine.patches import Overlay, Pasted, Patch, UnitIndex, lay
from eii.engine.plan import fit_window
from eii.engine.recipe import Recipe
from eii.engine.threads import run_all
from eii.engine.units import restore_units
from eii.external.backbone import Backbone
from eii.image.dtype import check_known, from_unit, rounding_error
from eii.image.geometry import Box, Region
from eii.options import MATCH, NO_GRAIN
from eii.progress import Progress, Reporting, ShouldStop, check_stop, never_stop

RunPacks = Callable[[Iterable[Callable[[], int]]], Iterator[int]]
"""Runs calls, in any order or at the same time; yields what each returns."""


class Runner:
    """Restores the units of a job into a store of patches, and reads the result by region.

    Parameters
    ----------
    job : Job
    store : PatchStore
        Units it already has are not computed again.
    backbone : Backbone
    reload : callable, optional
        Returns the backbone anew, for a runner that is sent to another process.
    calibrations : tuple of Calibration
        Of each group of channels; without them standard errors are 0.
    """

    def __init__(
        self,
        job: Job,
        store: PatchStore,
        backbone: Backbone,
        *,
        reload: Callable[[], Backbone] | None = None,
        calibrations: tuple[Calibration, ...] = (),
    ) -> None:
        self._job = job
        self._store = store
        self._backbone = backbone
        self._reload, self._calibrations = reload, calibrations
        self._should_stop: ShouldStop = never_stop
        self._indexes: dict[tuple[int, int], UnitIndex] = {}
        self._numbers: dict[tuple[int, ...], list[int]] = {}
        self._packs = packs_of(job, backbone.batch)
        for number, task in enumerate(job.tasks):
            self._numbers.setdefault(task.plane, []).append(number)

    def __reduce__(self) -> tuple[Any, ...]:
        """Send the job and where patches are; the backbone is loaded again."""
        if self._reload is None:
            raise TypeError("a runner without `reload` stays in its process")
        return _remade, (self._job, self._store, self._reload, self._calibrations)

    @property
    def job(self) -> Job:
        """Return what is restored."""
        return self._job

    @property
    def backbone(self) -> Backbone:
        """Return what completes the structure."""
        return self._backbone

    @property
    def unit_count(self) -> int:
        """Return how many windows the job has."""
        return self._job.unit_count

    @property
    def by_channel(self) -> bool:
        """Return whether channels may be filled at pixels where others are known."""
        return self._job.by_channel

    def chosen(self) -> list[dict[str, Any]]:
        """Return what was chosen from the image, for each group of channels, as JSON."""
        found: list[dict[str, Any]] = []
        for number, recipe in enumerate(self._job.recipes):
            if recipe is None:
                continue
            channels = self._job.groups[number].channels
            own: dict[str, Any] = {"channels": channels, "weights": recipe.weights}
            own |= {"zero": recipe.scale.low, "one": recipe.scale.high}
            if recipe.palette is not None:
                own["pull"] = recipe.palette.pull
            if self._calibrations:
                own["standard_error"] = {"hidden_pixels": self._calibrations[number].pixels}
            own["grain"] = NO_GRAIN if recipe.grain is None else MATCH
            found.append(own)
        return found

    def compute(
        self, reporting: Reporting, *, workers: int | None = None, run: RunPacks | None = None
    ) -> None:
        """Restore every unit that the store does not have, coarse levels first.

        Parameters
        ----------
        reporting : Reporting
        workers : int, optional
            Threads; by default as many as there are processors. The result does not depend on it.
        run : callable, optional
            Runs packs elsewhere than on threads.

        Raises
        ------
        Cancelled
            If the caller asked to stop; finished units are kept.
        """
        self._should_stop = reporting.should_stop
        run = run or partial(run_all, should_stop=reporting.should_stop, workers=workers)
        done, total = 0, self._job.unit_count
        levels = sorted({u.level for t in self._job.tasks for u in t.units}, reverse=True)
        for level in levels:
            for count in run(self._calls(level)):
                done += count
                reporting.on_progress(Progress("restore", done, total))

    def calibrated(self, calibrations: Sequence[Calibration]) -> Runner:
        """Return the same with what the scores of each group of channels stand for."""
        kept, parts = tuple(calibrations), (self._job, self._store, self._backbone)
        return Runner(*parts, reload=self._reload, calibrations=kept)

    def _calls(self, level: int) -> Iterator[Callable[[], int]]:
        for number, packs in enumerate(self._packs):
            for count, pack in enumerate(packs.batches):
                if self._job.tasks[number].units[pack[0][0]].level == level:
                    yield partial(restore_pack, self, (number, count))

    def restore_pack(self, key: PackKey) -> int:
        """Restore the units of a pack, unless the store has it; return how many they are."""
        number, count = key
        batches = self._packs[number].batches[count]
        found: dict[int, Patch] = {}
        if not self._store.has(key):
            for batch in batches:
                check_stop(self._should_stop)
                found.update(zip(batch, self.restored(number, batch), strict=True))
            self._store.put(key, found)
        return sum(map(len, batches))

    def batches(self, number: int) -> list[list[int]]:
        """Return the units of a task, by position, that are restored together."""
        return [batch for pack in self._packs[number].batches for batch in pack]

    def restored(self, number: int, batch: Sequence[int]) -> list[Patch]:
        """Restore units of a task by their positions, of one level and size; keep nothing."""
        task = self._job.tasks[number]
        units = [task.units[index] for index in batch]
        if self._backbone.window is None:
            units = [fit_window(unit, task.layer.shape) for unit in units]
        return restore_units(
            units,
            task.layer,
            self.recipe(number),
            backbone=self._backbone,
            read_guide=lambda box: self.overlay(number, box, level=units[0].level + 1),
        )

    def recipe(self, number: int) -> Recipe:
        """Return how the units of a task are restored."""
        recipe = self._job.recipes[self._job.tasks[number].group]
        if recipe is None:
            raise RuntimeError(f"task {number} has units but no recipe")
        return recipe

    def overlay(self, number: int, region: Box, *, level: int = 0) -> Overlay:
        """Return what the units of one task and level filled in a region."""
        task = self._job.tasks[number]
        index = self.index(number, level)
        of = self._packs[number].of
        patches = (self._store.get((number, of[i]), i) for i in index.meeting(region))
        return lay(patches, region, len(self._job.groups[task.group].channels))

    def paste(self, pixels: NDArray[Any], region: Box, numbers: Sequence[int]) -> Pasted:
        """Lay what the units filled on the pixels of a region, in place.

        Parameters
        ----------
        pixels : ndarray of shape (h, w, C)
            The region as the source has it; known pixels stay bit-identical.
        region : Box
        numbers : sequence of int
            The tasks that belong to the region's plane.

        Returns
        -------
        Pasted
        """
        filled = np.zeros(pixels.shape, bool)
        errors = np.zeros(pixels.shape, np.float32)
        for number in numbers:
            task = self._job.tasks[number]
            channels = list(self._job.groups[task.group].channels)
            own = pixels[..., channels]
            invented, off = self._fill(number, own, region)
            if invented.any():
                pixels[..., channels] = own
                filled[..., channels] = invented
                errors[..., channels] = off
        return Pasted(pixels, filled, errors)

    def _fill(
        self, number: int, pixels: NDArray[Any], region: Box
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Fill the pixels (h, w, C) of a task in place; return which, and their errors."""
        task = self._job.tasks[number]
        hole = task.layer.read_hole(region)
        holes = hole if task.layer.read_holes is None else task.layer.read_holes(region)
        check_known(pixels, task.layer.read_unknowns(region))
        each = np.broadcast_to(holes if holes.ndim == 3 else hole[..., np.newaxis], pixels.shape)
        if task.lost:
            values, off = between([(self._whole(n, region), w) for n, w in task.sources])
            pixels[each] = as_dtype(values, pixels.dtype)[each]
            off = np.maximum(off, rounding_error(pixels.dtype))
            return each, np.where(each, off, np.float32(0))
        errors = np.zeros(pixels.shape, np.float32)
        if not hole.any():
            return each, errors
        lifted = task.layer.lift and task.layer.lift(region, pixels)
        overlay = self.overlay(number, region)
        own = from_unit(overlay.values[hole], self.recipe(number).scale, pixels.dtype)
        # Where channels have holes of their own, those that are known stay.
        pixels[hole] = np.where(each[hole], own, pixels[hole])
        if self._calibrations:
            errors[hole] = np.where(each[hole], self._errors(number, overlay.doubt[hole]), 0)
        if lifted is not None:
            lay_lifted(lifted, pixels, errors, each)
        if self._calibrations:
            np.maximum(errors, rounding_error(pixels.dtype), out=errors, where=each)
        return each, errors

    def _errors(self, number: int, doubt: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the standard error (K, C) of doubts (K, 2), in the image's own units."""
        scale = self.recipe(number).scale
        spans = np.subtract(scale.high, scale.low).astype(np.float32)
        return self._calibrations[self._job.tasks[number].group].of(doubt) * spans

    def _whole(self, number: int, region: Box) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return a region of a task that is not lost, filled, and where it holds no data."""
        layer = self._job.tasks[number].layer
        pixels = layer.read_image(region)
        self._fill(number, pixels, region)
        empty = layer.read_missing
        return pixels, np.zeros(region.shape, bool) if empty is None else empty(region)

    def touched(self, shape: tuple[int, int], side: tuple[int, int]) -> list[Region]:
        """Return the regions in which something may be filled; see `touched_regions`."""
        return list(touched_regions(self._job, shape, side))

    def index(self, number: int, level: int) -> UnitIndex:
        """Return what finds the units of a task at a level."""
        index = self._indexes.get((number, level))
        if index is None:
            index = self._indexes[number, level] = UnitIndex(self._job.tasks[number].units, level)
        return index

    def numbers_of(self, plane: tuple[int, ...]) -> list[int]:
        """Return the tasks of a plane."""
        return self._numbers[plane]


def restore_pack(runner: Runner, key: PackKey) -> int:
    """Restore a pack; a function, so that it can be sent without its runner."""
    return runner.restore_pack(key)


def _remade(
    job: Job,
    store: PatchStore,
    reload: Callable[[], Backbone],
    calibrations: tuple[Calibration, ...],
) -> Runner:
    return Runner(job, store, reload(), reload=reload, calibrations=calibrations)
