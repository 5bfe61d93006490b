"""Standard errors of what is invented: how far it may be off, in the image's own units."""

import eii
import numpy as np
import pytest
import zarr
from eii.engine.doubt import Calibration, calibrated, usual
from eii.engine.job import make_job
from eii.engine.trials import _place_of, trials_of
from eii.errors import EIIError
from scipy import ndimage
from skimage import data
from typer.testing import CliRunner

FAST = eii.RestoreOptions("classical")
COLOUR = np.ascontiguousarray(data.astronaut()[:300, :400])


def scratched(shape=COLOUR.shape[:2], count=14, seed=0):
    rng = np.random.default_rng(seed)
    hole = np.zeros(shape, bool)
    for y, x in zip(*(rng.integers(0, n - 30, count) for n in shape), strict=True):
        hole[y : y + 5, x : x + 30] = True
    return hole


def restored(image, hole, options=FAST, **rest):
    damaged = image.copy()
    damaged[hole] = 0
    return eii.restore_array(damaged, hole, options=options, **rest)


def test_two_thirds_of_the_errors_are_within_one_standard_error():
    hole = scratched(count=60)
    done = restored(COLOUR, hole)
    assert done.standard_error.shape == COLOUR.shape
    assert done.standard_error.dtype == np.float32
    assert (done.standard_error[~hole] == 0).all()
    assert (done.standard_error[hole] > 0).all()
    off = np.abs(done.image.astype(float) - COLOUR)[hole]
    assert 0.58 < (off <= done.standard_error[hole]).mean() < 0.8


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_they_are_in_units_of_the_image(dtype):
    hole = scratched()
    gray = COLOUR[..., 1]
    small, large = (restored(gray.astype(dtype) * n, hole) for n in (1, 100))
    ratio = large.standard_error[hole] / small.standard_error[hole]
    assert np.median(ratio) == pytest.approx(100, rel=0.02)


def test_they_grow_towards_the_middle_of_a_large_hole_and_with_the_detail_around():
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(rng.random((900, 900)), 8)
    image = (255 * (image - image.min()) / np.ptp(image)).astype(np.uint8)
    hole = np.zeros(image.shape, bool)
    hole[300:600, 300:600] = True
    errors = restored(image, hole).standard_error
    assert errors[440:460, 440:460].mean() > 4 * errors[300:303, 320:580].mean()
    image = rng.integers(60, 140, image.shape)
    flat = np.where(np.arange(900) < 450, 100, image).astype(np.uint8)
    marks = scratched(image.shape, 60)
    errors = restored(flat, marks).standard_error
    calm, busy = (errors[:, part][marks[:, part]].mean() for part in (np.s_[:400], np.s_[500:]))
    assert busy > 10 * calm


def test_of_a_constant_image_they_are_those_of_rounding():
    image, hole = np.full((300, 300), 70, np.uint8), scratched((300, 300))
    errors = restored(image, hole).standard_error[hole]
    assert errors.min() == pytest.approx(12**-0.5)
    assert errors.max() < 0.5


def test_where_nothing_can_be_hidden_they_are_what_is_usual():
    image = COLOUR[:40, :40, 0]
    hole = np.ones(image.shape, bool)
    hole[0] = False
    done = restored(image, hole)
    assert np.isfinite(done.standard_error).all()
    assert (done.standard_error[hole] > 0).all()
    assert usual(3).of(np.float32([[5, 0.1]])).shape == (1, 3)


def test_grain_makes_them_larger():
    rng = np.random.default_rng(1)
    image = np.clip(120 + rng.normal(0, 15, (300, 300)), 0, 255).astype(np.uint8)
    hole = scratched(image.shape)
    smooth = restored(image, hole).standard_error[hole].mean()
    grainy = restored(image, hole, eii.RestoreOptions("classical", grain="match"))
    assert 1.2 < grainy.standard_error[hole].mean() / smooth < 1.7


@pytest.mark.parametrize("axes", ["cyx", "tcyx"])
def test_channels_with_holes_of_their_own_have_errors_of_their_own(axes):
    image = np.moveaxis(COLOUR, 2, 0).astype(np.uint16)
    image = image if axes == "cyx" else np.stack([image, image + 5])
    hole = np.zeros(image.shape, bool)
    hole[..., 1, :, :] = scratched()
    done = restored(image, hole, axes=axes)
    assert np.array_equal(done.standard_error > 0, hole)


def test_what_is_hidden_was_known():
    source = eii.open_source(COLOUR)
    job = make_job(source, eii.open_hole(scratched(count=90), source), FAST)
    places = 0
    for _, number, unit in trials_of(job, sized=False):
        layer = job.tasks[number].layer
        place = _place_of(unit, layer)
        assert not (place.hidden.any(axis=2) & layer.read_hole(place.window)).any()
        assert 0 < place.hidden.sum() <= layer.read_hole(unit.window).sum()
        places += 1
    assert places >= 1


def test_maps_never_fall_and_are_the_quantiles_of_what_was_seen():
    rng = np.random.default_rng(2)
    score = rng.uniform(0.05, 0.5, 40_000).astype(np.float32)
    off = np.abs(rng.normal(0, 1, (len(score), 1)) * score[:, np.newaxis]).astype(np.float32)
    doubt = np.stack([np.full_like(score, 0.5), score], axis=1)  # of a depth that counts as 1
    trials = list(zip(np.split(doubt, 40), np.split(off, 40), strict=True))
    found = calibrated(trials, 1)
    assert (np.diff(found.errors) >= 0).all()
    assert found.of(np.float32([[0.5, 0.3]]))[0, 0] == pytest.approx(0.3, rel=0.1)
    assert found.pixels == len(score)
    far = Calibration(np.array([0.1, 0.2]), np.array([[0.1, 0.2]]))
    assert far.of(np.float32([[0.5, 0.3], [0.5, 9.0]]))[:, 0] == pytest.approx([0.3, 0.4])


def test_results_keep_them_and_say_their_mean_and_percentile(tmp_path):
    from eii.cli import app

    image, hole = np.tile(COLOUR, (4, 4, 1)), np.tile(scratched(), (4, 4))
    out = tmp_path / "out.zarr"
    eii.restore_to_zarr(image, hole, out, options=FAST)
    root = zarr.open_group(str(out), mode="r")
    errors = np.moveaxis(root["standard_error/0"][...], 0, 2)
    expected = eii.restore_array(image, hole, options=FAST).standard_error
    assert np.array_equal(errors, expected)
    assert root["standard_error/1"].shape == (3, 600, 800)
    told = root.attrs["eii"]
    assert told["standard_error"]["mean"] == pytest.approx(errors[hole].mean(axis=0), rel=1e-3)
    percentile = np.percentile(errors[hole], 95, axis=0)
    assert told["standard_error"]["p95"] == pytest.approx(percentile, rel=0.03)
    assert told["chosen"][0]["standard_error"]["hidden_pixels"] > 100
    said = CliRunner().invoke(app, ["info", str(out)]).output
    assert f"mean, of each channel: {told['standard_error']['mean'][0]:.3g}" in said
    assert "95th percentile" in said


def test_they_can_be_left_out(tmp_path):
    options = eii.RestoreOptions("classical", standard_error=False)
    assert restored(COLOUR, scratched(), options).standard_error is None
    eii.restore_to_zarr(COLOUR, scratched(), tmp_path / "out.zarr", options=options)
    root = zarr.open_group(str(tmp_path / "out.zarr"), mode="r")
    assert "standard_error" not in root
    assert "standard_error" not in root.attrs["eii"]
    with pytest.raises(EIIError):
        eii.verify(COLOUR[:10], tmp_path / "out.zarr")


def test_known_pixels_that_are_not_finite_are_not_hidden(tmp_path):
    # Far from any hole they are copied as bytes, and are no error.
    image = np.tile(COLOUR[:256, :256, 0].astype(np.float32), (2, 8))
    image[:, 1024::16] = np.nan
    hole = np.zeros(image.shape, np.uint8)
    hole[100:104, 940:990] = 1
    store = zarr.create_array(
        str(tmp_path / "in.zarr"), shape=image.shape, chunks=(256, 256), dtype=np.float32
    )
    store[:] = image
    done = eii.restore_to_zarr(tmp_path / "in.zarr", hole, tmp_path / "out.zarr", options=FAST)
    assert done.filled == 200


def test_pixels_that_are_all_alike_have_one_error():
    doubt = np.full((400, 2), 0.5, np.float32)
    off = np.linspace(0, 0.1, 400, dtype=np.float32)[:, np.newaxis]
    found = calibrated([(doubt, off)] * 3, 1)
    assert found.of(doubt[:1])[0, 0] == pytest.approx(0.068, rel=0.1)
