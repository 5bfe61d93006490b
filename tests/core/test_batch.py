"""Many images in one run: what fails is named, the rest is done, once."""

import csv
import shutil

import eii
import numpy as np
import pytest
import tifffile
from eii.batch.jobs import BatchJob, find_jobs
from eii.batch.report import write_report
from eii.batch.run import run_batch
from eii.batch.table import RESULTS
from eii.errors import Cancelled, OptionError, SourceError
from eii.evaluation.defects import add_thin_dirt
from eii.options import DetectOptions, RestoreOptions
from PIL import Image
from skimage import data

CLASSICAL = RestoreOptions("classical", workers=2)


def scans(folder, count=4, suffix=".png"):
    """Write scans and their masks."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        image = np.roll(data.astronaut()[:96, :120], 10 * number, axis=1)
        hole = np.zeros(image.shape[:2], np.uint8)
        hole[20 + number : 26 + number, 30:70] = 255
        Image.fromarray(image).save(folder / f"scan {number}{suffix}")
        Image.fromarray(hole).save(folder / f"scan {number}_mask.png")
    return folder


def table(out):
    with (out / RESULTS).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_pattern_finds_images_and_holes_and_leaves_the_masks(tmp_path):
    folder = scans(tmp_path / "in")
    jobs = find_jobs(str(folder / "*.png"), tmp_path / "out", hole_pattern="{stem}_mask.png")
    assert [j.image.name for j in jobs] == [f"scan {n}.png" for n in range(4)]
    assert jobs[1].hole == folder / "scan 1_mask.png"
    assert jobs[1].out == tmp_path / "out" / "scan 1.zarr"


def test_results_are_those_of_single_runs(tmp_path):
    folder = scans(tmp_path / "in", 2)
    jobs = find_jobs(str(folder / "*.png"), tmp_path / "out", hole_pattern="{stem}_mask.png")
    rows = run_batch(jobs, tmp_path / "out", options=CLASSICAL)
    assert [row.status for row in rows] == ["done", "done"]
    assert rows[0].filled == 6 * 40
    assert rows[0].share == pytest.approx(240 / (96 * 120))
    assert 0 < rows[0].standard_error < 60
    for job in jobs:
        assert eii.verify(job.image, job.out).difference is None
    single = tmp_path / "single" / jobs[0].out.name
    single.parent.mkdir()
    eii.restore_to_zarr(jobs[0].image, jobs[0].hole, single, options=RestoreOptions("classical"))
    for name in ("0/c/0/0/0", "labels/inpainted/0/c/0/0"):
        assert (single / name).read_bytes() == (jobs[0].out / name).read_bytes()


@pytest.mark.parametrize(
    ("suffix", "expected"), [(".tif", ".tif"), (".png", ".png"), (".jpg", ".png")]
)
def test_results_in_the_format_of_their_source(tmp_path, suffix, expected):
    folder = scans(tmp_path / "in", 1, suffix)
    jobs = find_jobs(
        str(folder / f"*0{suffix}"), tmp_path / "out", hole_pattern="{stem}_mask.png", form="source"
    )
    rows = run_batch(jobs, tmp_path / "out", options=CLASSICAL)
    assert rows[0].status == "done", rows[0].error
    assert {p.name for p in (tmp_path / "out").iterdir()} == {f"scan 0{expected}", RESULTS}
    with Image.open(jobs[0].image) as before, Image.open(jobs[0].out) as after:
        known = np.asarray(Image.open(jobs[0].hole)) == 0
        assert np.array_equal(np.asarray(before)[known], np.asarray(after)[known])


def test_broken_files_are_named_and_the_rest_is_done(tmp_path):
    folder = scans(tmp_path / "in", 4)
    (folder / "scan 0.png").write_bytes(b"no picture at all")
    (folder / "scan 1_mask.png").unlink()
    whole = np.full((96, 120), 255, np.uint8)
    Image.fromarray(whole).save(folder / "scan 2_mask.png")
    jobs = find_jobs(str(folder / "scan ?.png"), tmp_path / "out", hole_pattern="{stem}_mask.png")
    rows = run_batch(jobs, tmp_path / "out", options=CLASSICAL)
    assert [r.status for r in rows] == ["failed"] * 3 + ["done"]
    assert "scan 0.png" in rows[0].error
    assert "scan 1_mask.png does not exist" in rows[1].error
    assert "covers all" in rows[2].error
    assert sorted(r["status"] for r in table(tmp_path / "out")) == ["done"] + ["failed"] * 3
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"scan 3.zarr", RESULTS}


def test_an_error_that_nobody_foresaw_ends_one_image_alone(tmp_path, monkeypatch):
    from eii.batch import run as module

    folder = scans(tmp_path / "in", 2)
    restore = module.restore_to_zarr

    def fails(image, *rest, **options):
        if image.stem == "scan 0":
            raise ZeroDivisionError("as in a library")
        return restore(image, *rest, **options)

    monkeypatch.setattr(module, "restore_to_zarr", fails)
    jobs = find_jobs(str(folder / "*.png"), tmp_path / "out", hole_pattern="{stem}_mask.png")
    rows = run_batch(jobs, tmp_path / "out", options=CLASSICAL)
    assert rows[0].error == "unexpected ZeroDivisionError: as in a library"
    assert rows[1].status == "done"


def _bytes_of(result):
    """Return what is in a file, or in the chunks of a Zarr, by name."""
    files = [result] if result.is_file() else result.rglob("c/**/*")
    return {p.name + str(p.parent): p.read_bytes() for p in files if p.is_file()}


def test_resume_replaces_no_result_that_an_earlier_call_found(tmp_path):
    folder, out = scans(tmp_path / "in", 1), tmp_path / "out"
    jobs = find_jobs(str(folder / "*.png"), out, hole_pattern="{stem}_mask.png")
    run_batch(jobs, out, options=CLASSICAL)
    (out / RESULTS).unlink()
    (row,) = run_batch(jobs, out, options=CLASSICAL, resume=True)
    assert row.status == "failed"
    assert "exists" in row.error


def test_resume_replaces_nothing_where_a_job_has_failed(tmp_path):
    folder, out = scans(tmp_path / "in", 1), tmp_path / "out"
    jobs = find_jobs(str(folder / "*.png"), out, hole_pattern="{stem}_mask.png", form="source")
    picture = jobs[0].image.read_bytes()
    jobs[0].image.write_bytes(b"no picture")
    (row,) = run_batch(jobs, out, options=CLASSICAL)
    assert row.status == "failed"
    (out / ".begun").write_text(f"{jobs[0].out}\n")  # as of a call that was killed after that
    jobs[0].image.write_bytes(picture)
    jobs[0].out.write_bytes(b"somebody's")
    (row,) = run_batch(jobs, out, options=CLASSICAL, resume=True)
    assert "exists" in row.error
    assert jobs[0].out.read_bytes() == b"somebody's"


@pytest.mark.parametrize("cut", [2, 40, 70])
def test_a_row_that_a_killed_call_wrote_in_part_is_done_again(tmp_path, cut):
    folder, out = scans(tmp_path / "in", 2), tmp_path / "out"
    jobs = find_jobs(str(folder / "*.png"), out, hole_pattern="{stem}_mask.png")
    run_batch(jobs, out, options=CLASSICAL)
    text = (out / RESULTS).read_bytes()
    (out / RESULTS).write_bytes(text[:-cut])
    (out / ".begun").write_text("".join(f"{job.out}\n" for job in jobs))
    rows = run_batch(jobs, out, options=CLASSICAL, resume=True)
    assert sorted(r.status for r in rows) == ["done", "done before"]
    assert len(table(out)) == 2


@pytest.mark.parametrize("form", ["source", "zarr"])
def test_a_result_that_a_killed_call_did_not_note_is_no_obstacle(tmp_path, monkeypatch, form):
    from eii.batch import run as module

    folder, out = scans(tmp_path / "in", 1), tmp_path / "out"
    jobs = find_jobs(str(folder / "*.png"), out, hole_pattern="{stem}_mask.png", form=form)

    def killed(*_):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(module, "note", killed)
        with pytest.raises(SystemExit):
            run_batch(jobs, out, options=CLASSICAL)
    assert jobs[0].out.exists()
    before = _bytes_of(jobs[0].out)
    (row,) = run_batch(jobs, out, options=CLASSICAL, resume=True)
    assert (row.status, row.error) == ("done", "")
    assert _bytes_of(jobs[0].out) == before
    assert {p.name for p in out.iterdir()} == {jobs[0].out.name, RESULTS}


def test_resume_leaves_what_is_done_and_does_the_rest(tmp_path):
    folder, out = scans(tmp_path / "in", 4), tmp_path / "out"
    jobs = find_jobs(str(folder / "*.png"), out, hole_pattern="{stem}_mask.png")
    seen = []
    with pytest.raises(Cancelled):
        run_batch(
            jobs, out, options=CLASSICAL, on_progress=seen.append, should_stop=lambda: bool(seen)
        )
    before = {r["image"] for r in table(out)}
    assert 0 < len(before) < 4
    shutil.rmtree(jobs[0].out, ignore_errors=True)
    rows = run_batch(jobs, out, options=CLASSICAL, resume=True)
    assert {r.status for r in rows} <= {"done", "done before"}
    assert {r.image for r in rows if r.status == "done before"} == before - {str(jobs[0].image)}
    assert len(table(out)) == 4
    again = run_batch(jobs, out, options=CLASSICAL)
    assert all("exists" in r.error for r in again), "without resume nothing is replaced"


def test_images_that_do_not_fit_the_memory_together_are_done_one_after_the_other(tmp_path):
    folder = scans(tmp_path / "in", 3)
    jobs = find_jobs(str(folder / "*.png"), tmp_path / "out", hole_pattern="{stem}_mask.png")
    rows = run_batch(jobs, tmp_path / "out", options=CLASSICAL, memory=0.001)
    assert [r.status for r in rows] == ["done"] * 3


def test_a_table_names_images_holes_and_outputs(tmp_path):
    folder = scans(tmp_path / "in", 2)
    lines = ["image,hole,out", "scan 0.png,scan 0_mask.png,", "scan 1.png,scan 1_mask.png,b/c.zarr"]
    (folder / "jobs.csv").write_text("\n".join(lines))
    jobs = find_jobs(str(folder / "jobs.csv"), tmp_path / "out")
    assert [j.out for j in jobs] == [tmp_path / "out" / n for n in ("scan 0.zarr", "b/c.zarr")]
    assert [j.hole for j in jobs] == [folder / f"scan {n}_mask.png" for n in range(2)]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("image\na.png\n", OptionError, "lacks the column hole"),
        ("image,hole\n", SourceError, "holds no jobs"),
        ("image,hole\na.png,\n", OptionError, "row 1: image and hole must be given"),
        ("image,hole\na.png,m.png\nb/a.tif,m.png\n", OptionError, "both be written to"),
    ],
)
def test_tables_that_say_too_little_are_refused(tmp_path, text, error, message):
    (tmp_path / "jobs.csv").write_text(text)
    with pytest.raises(error, match=message):
        find_jobs(str(tmp_path / "jobs.csv"), tmp_path / "out")


def test_patterns_that_say_too_little_are_refused(tmp_path):
    scans(tmp_path, 1)
    pattern = str(tmp_path / "*.png")
    with pytest.raises(SourceError, match="No image matches"):
        find_jobs(str(tmp_path / "*.tif"), tmp_path, hole_pattern="{stem}.png")
    with pytest.raises(OptionError, match="says where the holes are"):
        find_jobs(pattern, tmp_path)
    with pytest.raises(OptionError, match="may name"):
        find_jobs(pattern, tmp_path, hole_pattern="{steam}.png")
    with pytest.raises(OptionError, match="`format` must be one of"):
        find_jobs(pattern, tmp_path, hole_pattern="{stem}_mask.png", form="jpeg")
    with pytest.raises(SourceError, match="cannot be read"):
        find_jobs(str(tmp_path / "none.csv"), tmp_path)


def test_the_report_escapes_names_and_holds_its_pictures(tmp_path):
    folder, out = scans(tmp_path / "in", 1), tmp_path / "out"
    odd = folder / "<script>alert(1)<&'.png"
    (folder / "scan 0.png").rename(odd)
    jobs = [
        BatchJob(odd, folder / "scan 0_mask.png", out / "odd.zarr"),
        BatchJob(folder / "<b>none.png", odd, out / "none.zarr"),
    ]
    rows = run_batch(jobs, out, options=CLASSICAL)
    write_report(out / "report.html", rows)
    text = (out / "report.html").read_text()
    assert text.count("<script>") == 1, "the page's own"
    assert "&lt;script&gt;alert(1)" in text
    assert "<b>" not in text
    assert text.count("data:image/webp;base64,") == 2
    assert "http" not in text, "it needs nothing else"
    assert "1 of 2 images restored, 1 failed" in text


def test_holes_are_found_in_the_images_of_a_batch(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    image = np.minimum(data.astronaut()[100:196, :120], 250)
    image[30:36, 40:46] = 255
    Image.fromarray(image).save(folder / "one.png")
    ruined = np.maximum(image, 1)
    ruined[:60] = 0
    Image.fromarray(ruined).save(folder / "ruined.png")
    jobs = find_jobs(str(folder / "*.png"), tmp_path / "out", detect=True)
    assert [job.hole for job in jobs] == [None, None]
    found = eii.DetectOptions(("saturated", "missing"))
    rows = run_batch(jobs, tmp_path / "out", options=CLASSICAL, detect=found)
    assert [row.status for row in rows] == ["done", "failed"]
    assert rows[0].filled == 8 * 8
    assert "more than the 10% that are let through" in rows[1].error
    again = run_batch(jobs[:1], tmp_path / "out", options=CLASSICAL, detect=found, resume=True)
    assert again[0].status == "done before"
    write_report(tmp_path / "out" / "report.html", rows)
    (folder / "jobs.csv").write_text("image\none.png\n")
    assert find_jobs(str(folder / "jobs.csv"), tmp_path / "out", detect=True)[0].hole is None
    with pytest.raises(OptionError, match="not both"):
        find_jobs(str(folder / "*"), tmp_path, hole_pattern="{stem}", detect=True)


def test_scans_with_infrared_on_a_second_page_are_cleaned_in_a_batch(tmp_path):
    rng = np.random.default_rng(3)
    clean = (data.astronaut()[:160, :192] / 255).astype(np.float32)
    for number in range(2):
        dirty, _ = add_thin_dirt(clean, rng)
        stored = np.rint(65535 * dirty).astype(np.uint16)
        with tifffile.TiffWriter(tmp_path / f"scan{number}.tif") as tiff:
            tiff.write(stored[..., :3], photometric="rgb", metadata=None)
            tiff.write(stored[..., 3], photometric="minisblack", metadata=None)
    jobs = find_jobs(str(tmp_path / "*.tif"), tmp_path / "out", detect=True)
    kinds = DetectOptions(("infrared",), ir="#1")
    rows = run_batch(jobs, tmp_path / "out", options=CLASSICAL, detect=kinds, series=0)
    assert [row.status for row in rows] == ["done", "done"]
    assert all(row.filled for row in rows)
    (failed, _) = run_batch(jobs, tmp_path / "more", options=CLASSICAL, detect=kinds)
    assert "`series`" in failed.error
