"""The Batch dock: a folder of images, restored one after the other."""

# No `from __future__ import annotations` here: napari gives the viewer by its annotation.
import glob
import webbrowser
from pathlib import Path
from typing import Any

import eii
import napari
from eii.batch.jobs import FORMATS, BatchJob, find_jobs
from eii.batch.report import REPORT, write_report
from eii.batch.run import run_batch
from eii.batch.table import FAILED, BatchRow
from eii.errors import EIIError
from eii.options import BACKBONES
from magicgui.types import FileDialogMode
from magicgui.widgets import (
    ComboBox,
    Label,
    LineEdit,
    ProgressBar,
    PushButton,
    Select,
)
from napari.layers import Layer

from napari_eii._dock import Dock, path_edit, row

_KEPT = ("pattern", "holes", "hole_pattern", "kinds", "form", "backbone")
_MASKS, _FOUND = "masks beside the images", "found in the images"
_STOPPED = "The batch was stopped. Run goes on where it was."
_SHOWN = 3  # failures that are told in the dock; the table and the report have all
_FOLDER = FileDialogMode.EXISTING_DIRECTORY


class BatchWidget(Dock):
    """Restore all images of a folder; a table and a page of HTML tell of each.

    Parameters
    ----------
    viewer : napari.Viewer
    """

    def __init__(self, viewer: napari.Viewer) -> None:
        self._report: Path | None = None
        self._make_images()
        self._make_method()
        super().__init__(
            viewer,
            [
                *(self.folder, self.pattern, self.holes, self.hole_pattern, self.kinds),
                *(self.out, self.form, self.backbone),
            ],
            [row(self.run, self.cancel), self.open],
        )
        self._kept = self.keep("batch", _KEPT)
        self.run.changed.connect(self.start)
        self.cancel.changed.connect(self.stop)
        self.open.changed.connect(self.show_report)
        for control in (self.folder, self.pattern, self.holes, self.hole_pattern, self.kinds):
            control.changed.connect(self.review)
        self.out.changed.connect(self.review)
        self.listen()

    def _make_images(self) -> None:
        self.folder = path_edit("Images in", "The folder of the images.", _FOLDER)
        self.pattern = LineEdit(
            label="Named", value="*.tif", tooltip="A pattern: *.tif, scan*.png, **/*.jpg."
        )
        self.holes = ComboBox(
            label="Holes",
            choices=[_MASKS, _FOUND],
            tooltip="Where the holes come from: a mask for each image, or a search for defects.",
        )
        self.hole_pattern = LineEdit(
            label="Masks named",
            value="{stem}_mask.png",
            tooltip="Beside the image; {stem} is its name without the ending, {name} with it.",
        )
        self.kinds = Select(
            label="Defects",
            choices=list(eii.KINDS),
            value=["scratches", "dust"],
            tooltip="What is looked for. An image of which a tenth is marked is left out.",
        )

    def _make_method(self) -> None:
        self.out = path_edit(
            "Save in", "The folder of the results, of the table and the report.", _FOLDER
        )
        self.form = ComboBox(
            label="As",
            choices=list(FORMATS),
            tooltip="zarr: OME-Zarr; source: files like the images (PNG for JPEG).",
        )
        self.backbone = ComboBox(
            label="Structure", choices=list(BACKBONES), tooltip="As in the Restore dock."
        )
        self.run = PushButton(text="Run", tooltip="What is done before is not done again.")
        self.cancel = PushButton(text="Cancel", enabled=False, tooltip="Stop after this window.")
        self.open = PushButton(
            text="Open report", enabled=False, tooltip="Before and after, in the browser."
        )
        self.progress = ProgressBar(min=0, max=1, value=0)
        self.status = Label(value="")

    def follow(self, layer: Layer) -> None:
        """Do nothing: a batch is of files, not of layers."""

    def review(self) -> None:
        """Show what of the controls has a meaning, and why Run is not to be pressed."""
        found = self.holes.value == _FOUND
        self.hole_pattern.visible, self.kinds.visible = not found, found
        if self._job is None:
            jobs = self._jobs_or_why_not()
            self.run.enabled = not isinstance(jobs, str)
            self.status.value = jobs if isinstance(jobs, str) else f"{len(jobs)} images."

    def _jobs_or_why_not(self) -> list[BatchJob] | str:
        """Return what there is to do, or why there is nothing; the folder is looked through."""
        if self.folder.value is None:
            return "Choose the folder of the images."
        if self.out.value is None:
            return "Choose a folder for the results."
        if self.holes.value == _FOUND and not self.kinds.value:
            return "Choose a kind of defect, or several."
        try:
            return self._jobs()
        except EIIError as error:
            return str(error)

    def _jobs(self) -> list[BatchJob]:
        found = self.holes.value == _FOUND
        folder = glob.escape(str(self.folder.value))  # a pattern is what follows it alone
        return find_jobs(
            str(Path(folder) / self.pattern.value),
            Path(str(self.out.value)),
            hole_pattern=None if found else self.hole_pattern.value,
            form=self.form.value,
            detect=found,
        )

    def start(self) -> None:
        """Restore in a thread; an error is shown in the dock."""
        jobs = "" if self._job is not None else self._jobs_or_why_not()
        if isinstance(jobs, str):
            return
        out = Path(str(self.out.value))
        options = eii.RestoreOptions(self.backbone.value)
        found = self.holes.value == _FOUND
        detect = eii.DetectOptions(tuple(self.kinds.value)) if found else None

        def work(on_progress: Any, should_stop: Any) -> list[BatchRow]:
            rows = run_batch(
                jobs,
                out,
                options=options,
                detect=detect,
                resume=True,
                on_progress=on_progress,
                should_stop=should_stop,
            )
            write_report(out / REPORT, rows)
            return rows

        self.open.enabled, self._report = False, out / REPORT
        self.begin(work, self._told, _STOPPED)

    def _told(self, rows: list[BatchRow]) -> None:
        """Say what became of the images; those that failed by name."""
        failed = [r for r in rows if r.status == FAILED]
        lines = [f"{len(rows) - len(failed)} of {len(rows)} images restored."]
        lines += [_short(r) for r in failed[:_SHOWN]]
        if len(failed) > _SHOWN:
            lines.append(f"{len(failed) - _SHOWN} more failed: see the report.")
        self.status.value = "\n".join(lines)
        self.open.enabled = True

    def show_report(self) -> None:
        """Open the page of the last batch in the browser."""
        if self._report is not None:
            webbrowser.open(self._report.resolve().as_uri())


def _short(failed: BatchRow) -> str:
    """Return why an image failed, with its name and without its folder."""
    name = Path(failed.image).name
    told = failed.error.replace(failed.image, name)
    return told if name in told else f"{name}: {told}"
