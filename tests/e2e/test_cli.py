"""The command line, as a user runs it."""

import subprocess
import sys

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

pytestmark = pytest.mark.e2e

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 255, (50, 60), np.uint8)
HOLE = np.zeros((50, 60), np.uint8)
HOLE[10:20, 15:30] = 255


def eii(*arguments):
    command = [sys.executable, "-m", "eii.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def folder(tmp_path):
    Image.fromarray(GRAY).save(tmp_path / "gray.png")
    Image.fromarray(HOLE).save(tmp_path / "hole.png")
    Image.fromarray(np.stack([GRAY, 255 - GRAY, GRAY // 2], -1)).save(tmp_path / "colour.png")
    tifffile.imwrite(tmp_path / "deep.tif", GRAY.astype(np.uint16) * 200)
    return tmp_path


@pytest.mark.parametrize("name", ["gray.png", "colour.png", "deep.tif"])
def test_restore_verify_export(folder, name):
    out = folder / "out.zarr"
    run = eii("restore", folder / name, folder / "hole.png", out, "--quiet")
    assert run.returncode == 0, run.stderr
    assert "150 pixels filled" in run.stdout
    run = eii("verify", folder / name, out)
    assert run.returncode == 0
    assert "2850 known pixels are identical" in run.stdout
    assert eii("export", out, folder / "out.tif").returncode == 0
    shape = tifffile.imread(folder / "out.tif").shape
    assert shape == ((50, 60, 3) if name == "colour.png" else (50, 60))


def test_verify_names_the_first_differing_pixel(folder):
    out = folder / "out.zarr"
    eii("restore", folder / "gray.png", folder / "hole.png", out, "--quiet")
    zarr.open_array(f"{out}/0", mode="r+")[3, 4] = np.uint8(255 - GRAY[3, 4])
    run = eii("verify", folder / "gray.png", out)
    assert run.returncode == 1
    assert "y=3, x=4" in run.stderr


def test_info_says_what_a_file_holds(folder):
    run = eii("info", folder / "deep.tif")
    assert run.returncode == 0
    assert "uint16" in run.stdout
    assert "(50, 60)" in run.stdout


def test_demo_leaves_a_verified_result_and_a_picture(tmp_path):
    run = eii("demo", tmp_path)
    assert run.returncode == 0, run.stderr
    assert "verified identical" in run.stdout
    with Image.open(tmp_path / "before_after.png") as picture:
        assert picture.size == (1432, 520)
    with Image.open(tmp_path / "grain_and_error.png") as picture:
        assert picture.size == (1432, 520)
    assert (tmp_path / "photograph.zarr" / "zarr.json").exists()


@pytest.mark.parametrize("name", ["before_after.png", "grain_and_error.png"])
def test_demo_replaces_no_picture_of_others(tmp_path, name):
    (tmp_path / name).write_bytes(b"mine")
    run = eii("demo", tmp_path)
    assert run.returncode != 0
    assert "no earlier demo wrote it" in " ".join(run.stderr.split())
    assert (tmp_path / name).read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.png", "hole.png", "out.zarr"], "does not exist"),
        (["gray.png", "absent.png", "out.zarr"], "does not exist"),
        (["hole.png", "notes.txt", "out.zarr"], "not an image"),
        (["gray.png", "small.png", "out.zarr"], "does not fit"),
        (["gray.png", "full.png", "out.zarr"], "covers all"),
        (["gray.png", "hole.png", "taken"], "exists"),
        (["gray.png", "hole.png", "out.zarr", "--colour", "magic"], "`colour` must be one of"),
        (["gray.png", "hole.png", "out.zarr", "--grow", "-3"], "`grow` must be from 0"),
        (["gray.png", "hole.png"], "IMAGE, HOLE and OUT"),
    ],
)
def test_wrong_input_is_one_line_exit_2_and_nothing_written(folder, arguments, message):
    Image.fromarray(HOLE[:20]).save(folder / "small.png")
    Image.fromarray(np.full_like(HOLE, 255)).save(folder / "full.png")
    (folder / "notes.txt").write_text("no picture")
    (folder / "taken").mkdir()
    before = set(folder.rglob("*"))
    paths = [a if a.startswith("-") or i > 2 else folder / a for i, a in enumerate(arguments)]
    run = eii("restore", *paths)
    assert run.returncode == 2
    assert message in run.stderr
    assert "Traceback" not in run.stderr
    assert set(folder.rglob("*")) == before


def test_debug_shows_the_traceback(folder):
    run = eii("--debug", "info", folder / "absent.png")
    assert run.returncode != 0
    assert "Traceback" in run.stderr


def test_a_failed_write_is_exit_1(folder):
    (folder / "file").touch()
    run = eii("restore", folder / "gray.png", folder / "hole.png", folder / "file" / "o", "--quiet")
    assert run.returncode == 1
    assert run.stderr.startswith("eii: ")
    assert len(run.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["restore", "gray.png", "hole.png", "o.zarr", "--grow", "lots"],
        ["restore", "gray.png", "hole.png", "o.zarr", "--workers", "two"],
        ["restore", "gray.png", "hole.png", "o.zarr", "--no-such-option"],
        ["restore", "gray.png", "hole.png", "o.zarr", "--grow", "1000000000"],
        ["no-such-command"],
        ["info", "bad.tif"],
        ["info", "name\x1b[31m.png"],
    ],
)
def test_whatever_is_wrong_is_one_line_without_control_characters(folder, arguments):
    whole = (folder / "deep.tif").read_bytes()
    (folder / "bad.tif").write_bytes(whole[:8] + bytes(reversed(whole[8:])))
    paths = [a if not a.endswith((".png", ".zarr", ".tif")) else folder / a for a in arguments]
    run = eii(*paths)
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1
    assert run.stderr.startswith("eii: ")
    assert run.stderr.strip().isprintable()


def test_grow_auto_is_taken(folder):
    run = eii(
        *("restore", folder / "gray.png", folder / "hole.png", folder / "o.zarr"),
        *("--grow", "auto", "--quiet"),
    )
    assert run.returncode == 0, run.stderr


def test_a_stack_that_names_no_axes_is_restored_and_verified_with_them(folder):
    np.save(folder / "stack.npy", np.stack([GRAY] * 3)[np.newaxis])
    out = folder / "o.zarr"
    run = eii(
        "restore", folder / "stack.npy", folder / "hole.png", out, "--axes", "czyx", "--quiet"
    )
    assert run.returncode == 0, run.stderr
    run = eii("verify", folder / "stack.npy", out, "--axes", "czyx")
    assert run.returncode == 0, run.stderr
    assert "8550 known pixels are identical" in run.stdout


def test_what_a_mask_means_and_where_it_lies_is_said_by_options(folder):
    stack = np.stack([np.full((50, 60), 40 + 10 * z, np.float32) for z in range(4)])
    stack[2], stack[0, 5, 5], stack[1, :3] = 0, np.nan, -1
    np.save(folder / "stack.npy", stack)
    holes = np.zeros((2, 4, 25, 30), np.uint8)
    holes[1, 2] = 4
    holes[1, 0, 20, 20] = 2  # a label that is not asked for
    with tifffile.TiffWriter(folder / "holes.tif") as writer:
        for hole in holes:
            writer.write(hole, photometric="minisblack")
    options = "--axes zyx --hole-series 1 --hole-axes zyx --hole-labels 3,4 --hole-scale fit"
    options += " --fill-planes --nan-is-hole --nodata=-1 --backbone classical --quiet"
    out = folder / "out.zarr"
    run = eii("restore", folder / "stack.npy", folder / "holes.tif", out, *options.split())
    assert run.returncode == 0, run.stderr
    assert f"{50 * 60 + 1} pixels filled" in run.stdout
    result = zarr.open_array(f"{out}/0", mode="r")[...]
    # Where the plane before holds no data, the plane after counts alone.
    assert np.allclose(result[2, :3], 70)
    assert np.allclose(result[2, 3:], 60)
    assert result[0, 5, 5] == 40
    assert (result[1, :3] == -1).all()


@pytest.mark.parametrize(("suffix", "lossy"), [("jpg", True), ("webp", True), ("jp2", False)])
def test_export_says_when_a_format_is_lossy(folder, suffix, lossy):
    eii("restore", folder / "colour.png", folder / "hole.png", folder / "o.zarr", "--quiet")
    run = eii("export", folder / "o.zarr", folder / f"o.{suffix}")
    assert run.returncode == 0, run.stderr
    assert ("lossy" in run.stdout) == lossy


def test_a_warning_that_nothing_was_filled_says_what_to_change(folder):
    Image.fromarray(np.zeros((50, 60), np.uint8)).save(folder / "empty.png")
    given = "--backbone", "classical", "--quiet"
    run = eii("restore", folder / "gray.png", folder / "empty.png", folder / "a.zarr", *given)
    assert run.returncode == 0
    assert "nothing was filled" in run.stderr
    assert "--hole-above" in run.stderr
    run = eii("restore", folder / "gray.png", folder / "b.zarr", "--detect", "missing", *given)
    assert run.returncode == 0
    assert "nothing was filled" in run.stderr
    assert "higher --sensitivity" in run.stderr
    assert "--hole-above" not in run.stderr
