"""Pyramids: the same values as means in float, by integer sums."""

import eii
import numpy as np
import pytest
import zarr
from eii.image.dtype import DTYPES, value_range
from eii.io.kept import CHUNK
from eii.io.multiscale import halve
from hypothesis import given
from hypothesis import strategies as st


@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    dtype=st.sampled_from(DTYPES),
    seed=st.integers(0, 99),
)
def test_halve_is_the_mean_or_the_greatest_of_each_cell(height, width, dtype, seed):
    least, most = value_range(dtype) if np.dtype(dtype).kind != "f" else (-900, 900)
    drawn = np.random.default_rng(seed).integers(int(least), int(most) + 1, (height, width))
    pixels = drawn.astype(dtype)
    cells = [
        [pixels[y : y + 2, x : x + 2] for x in range(0, width, 2)] for y in range(0, height, 2)
    ]
    mean = np.array([[c.mean(dtype=np.float64) for c in row] for row in cells])
    expected = mean.astype(dtype) if np.dtype(dtype).kind == "f" else np.rint(mean).astype(dtype)
    assert np.array_equal(halve(pixels), expected)
    greatest = np.array([[c.max() for c in row] for row in cells])
    assert np.array_equal(halve(pixels, greatest=True), greatest)
    assert halve(pixels).dtype == pixels.dtype


def test_only_touched_chunks_of_labels_and_errors_are_stored(tmp_path):
    image = np.zeros((3 * CHUNK, 2 * CHUNK), np.uint8)
    hole = np.zeros(image.shape, bool)
    hole[2100:2110, 1500:1600] = True
    eii.restore_to_zarr(image, hole, tmp_path / "o.zarr")
    for name, fill in (("labels/inpainted", 0), ("standard_error", 0)):
        for level in range(3):
            array = zarr.open_array(f"{tmp_path}/o.zarr/{name}/{level}", mode="r")
            stored = list((tmp_path / "o.zarr" / name / str(level) / "c").rglob("*"))
            assert len([p for p in stored if p.is_file()]) == 1
            changed = np.argwhere(array[:] != fill) * 2**level
            assert changed.min() >= 1400
    label = zarr.open_array(f"{tmp_path}/o.zarr/labels/inpainted/2", mode="r")[:]
    expected = hole.reshape(label.shape[0], 4, label.shape[1], 4).max(axis=(1, 3))
    assert np.array_equal(label, expected)


@pytest.mark.parametrize("workers", [1, 3])
def test_result_on_disk_is_the_same_for_any_number_of_threads(tmp_path, workers):
    rng = np.random.default_rng(0)
    image, hole = rng.integers(0, 255, (1500, 2100), np.uint8), rng.random((1500, 2100)) < 0.01
    for name, count in (("a", 2), ("b", workers)):
        options = eii.RestoreOptions(workers=count)
        eii.restore_to_zarr(image, hole, tmp_path / name, options=options)
    files = [p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file()]
    for file in files:
        if file.name != "zarr.json":
            assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
