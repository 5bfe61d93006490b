"""Dirt that lets light through: what it took is divided out, where infrared tells."""

import pickle

import eii
import numpy as np
import pytest
import zarr
from eii.errors import OptionError
from eii.evaluation.defects import add_thin_dirt
from skimage import data

CLEAN = (data.astronaut()[:320, :352] / 255).astype(np.float32)
FAST = eii.RestoreOptions("classical", standard_error=True)


def scan(dtype=np.uint16, *, gamma=1.0, inverted=False):
    """Return a scan, what is clean of it, in the scan's units, and where dirt is."""
    dirty, hole = add_thin_dirt(CLEAN, np.random.default_rng(4))
    colours, infrared = dirty[..., :3], dirty[..., 3:] ** (1 / gamma)
    clean = np.clip(CLEAN, 0.03, 1)
    if inverted:
        colours, clean = 1 - colours, 1 - clean
    most = 1.0 if dtype == np.float32 else np.iinfo(dtype).max
    both = np.concatenate([colours, infrared], axis=2) * most
    return both.astype(dtype), clean * most, hole


def found(image, **options):
    kinds = options.pop("kinds", ("infrared",))
    options = eii.DetectOptions(kinds, ir_channel=3, **options)
    return eii.detect(image, options=options, axes="yxc")


def restored(image, labels):
    return eii.restore_array(np.ascontiguousarray(image[..., :3]), labels, axes="yxc", options=FAST)


def noise(image, clean, where):
    """Return the root mean square error in a part, of the range."""
    return float(np.sqrt(np.square(image[where] - clean[where]).mean())) / clean.max()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_what_thin_dirt_took_is_divided_out(dtype):
    image, clean, _ = scan(dtype)
    labels = found(image)
    hole = np.asarray(labels) > 0
    lifted = restored(image, labels).image
    filled = restored(image, np.asarray(labels)).image
    assert noise(lifted, clean, hole) < 0.6 * noise(filled, clean, hole)
    assert np.array_equal(lifted[~hole], image[..., :3][~hole])
    assert lifted.dtype == dtype


def test_the_power_is_learnt_where_infrared_has_another_gamma():
    image, clean, _ = scan(gamma=1.8)
    labels = found(image)
    (veil,) = (lifting.veils["infrared"] for lifting in labels.veils.values())
    assert veil.exponents == pytest.approx((1.8,) * 3, rel=0.15)
    hole = np.asarray(labels) > 0
    own, other = restored(image, labels).image, restored(image, np.asarray(labels)).image
    assert noise(own, clean, hole) < 0.6 * noise(other, clean, hole)


def test_standard_errors_hold_where_dirt_is_divided_out():
    image, clean, _ = scan()
    labels = found(image)
    hole = np.asarray(labels) > 0
    done = restored(image, labels)
    # Where dirt took next to nothing, the scan's own noise is all there is: no error of ours.
    deep = hole & (image[..., :3] < 0.92 * clean).all(axis=2)
    within = np.abs(done.image[deep] - clean[deep]) < done.standard_error[deep]
    assert 0.55 < within.mean() < 0.9
    assert not done.standard_error[~hole].any()


def test_a_negative_that_was_turned_is_filled():
    image, _, _ = scan(inverted=True)
    labels = found(image)
    assert not labels.veils
    assert np.array_equal(restored(image, labels).image, restored(image, np.asarray(labels)).image)


def test_dirt_that_lets_too_little_through_is_filled():
    image, _, _ = scan()
    assert not found(image, transmission=1.0).veils
    some = restored(image, found(image, transmission=0.7)).image
    more = restored(image, found(image, transmission=0.3)).image
    hole = np.asarray(found(image)) > 0
    assert (some != more)[hole].any()


def test_what_other_kinds_found_is_filled():
    image, _, _ = scan()
    image[100:103, 100:103, :3] = 65535  # bright dust on the print, which infrared does not show
    labels = found(image, kinds=("saturated", "infrared"))
    hole = np.asarray(labels)
    assert hole[101, 101] == 3
    assert (restored(image, labels).image[101, 101] < 60000).all()


def test_dirt_of_another_picture_is_filled():
    image, _, _ = scan()
    labels = found(image)
    other = image // 2  # as a picture that was worked on after the scan
    assert np.array_equal(restored(other, labels).image, restored(other, np.asarray(labels)).image)


def test_veils_are_sent_to_other_processes():
    image, _, _ = scan()
    labels = found(image)
    again = pickle.loads(pickle.dumps(labels))
    assert np.array_equal(restored(image, labels).image, restored(image, again).image)


def test_a_run_that_detects_keeps_known_pixels_and_says_how(tmp_path):
    image, _, _ = scan(np.uint8)
    kinds = eii.DetectOptions(("infrared",), ir_channel=3)
    out = tmp_path / "out.zarr"
    options = eii.RestoreOptions("classical", channels="rgb")
    eii.restore_to_zarr(image, None, out, detect=kinds, axes="yxc", options=options)
    assert eii.verify(image, out, axes="yxc").difference is None


@pytest.mark.parametrize("first", [False, True], ids=["rgbi", "irgb"])
def test_a_scan_whose_infrared_is_a_channel_is_restored_whole(first, tmp_path):
    image, clean, _ = scan()
    stored = np.moveaxis(np.roll(image, 1, axis=2) if first else image, 2, 0)
    kinds = eii.DetectOptions(("infrared",), ir_channel=0 if first else 3)
    out = tmp_path / "out.zarr"
    options = eii.RestoreOptions("classical")
    eii.restore_to_zarr(stored, None, out, detect=kinds, axes="cyx", options=options)
    assert eii.verify(stored, out, axes="cyx").difference is None
    done = zarr.open(out / "0")[...]
    labels = eii.detect(stored, options=kinds, axes="cyx")
    hole = np.asarray(labels) > 0
    colours = np.moveaxis(done[1:] if first else done[:3], 0, 2)
    mask = np.asarray(labels)
    filled = eii.restore(stored, mask, axes="cyx", options=options)
    other = np.moveaxis(filled[1:] if first else filled[:3], 0, 2)
    assert noise(colours, clean, hole) < 0.6 * noise(other, clean, hole)
    own = 0 if first else 3
    assert (done[own] != stored[own])[hole].any()  # infrared itself is filled


@pytest.mark.parametrize("value", [0, -1, 1.5])
def test_transmissions_out_of_range_are_told(value):
    with pytest.raises(OptionError, match="`transmission`"):
        eii.DetectOptions(("infrared",), transmission=value)
