"""The network that finds scratches and dust: folded, loaded, asked, trained."""

import json
import subprocess
import sys
from math import comb

import eii
import numpy as np
import pytest
import torch
from eii.errors import OptionError, OutputPathError, SourceError, WeightsError
from eii.evaluation.film_defects import add_dust, add_scratches
from eii.external.segmenter import (
    COMPARED,
    GIVEN,
    TINTS,
    WIDTHS,
    Segmenter,
    folded,
    normalised,
    widened,
)
from eii.external.segmenting import load_segmenter
from eii.finders.kinds import ALL, FILM
from eii.training.fit import train_finder
from eii.training.saving import write_weights
from eii.training.segmenter import BATCH, Learner, _later
from scipy import ndimage
from skimage import data

GRAY = data.camera()[:300, :320]


def test_a_folded_network_gives_what_the_trained_one_does():
    torch.manual_seed(0)
    net = Segmenter((8, 12, 16, 20))
    with torch.no_grad():
        for _ in range(3):
            net(torch.randn(2, GIVEN, 64, 64))
        luma = torch.randn(1, GIVEN, 64, 48)
        ours, theirs = folded(net)(luma), net.eval()(luma)
    assert torch.allclose(ours, theirs, atol=1e-4)


def test_a_widened_network_gives_what_it_gave():
    net = Segmenter((8, 12, 16), compared=0, channels=1, tints=0, normed=False).eval()
    wide = widened(net).eval()
    assert (wide.channels, len(wide.compared), wide.tints) == (3, COMPARED, TINTS)
    given = torch.randn(1, GIVEN, 64, 48)
    with torch.no_grad():
        assert torch.allclose(net(given), wide(given), atol=1e-5)
        wide.down[1][0].weight[:, 8:] += 3
        assert not torch.allclose(net(given), wide(given), atol=1e-3)


@pytest.mark.parametrize("power", [1, 4])
def test_later_steps_count_more_in_the_average(power):
    steps = torch.arange(1.0, 21.0) ** 2
    average = steps[0]
    for count, step in enumerate(steps[1:], start=1):
        average = _later(power, average, step, count)
    counts = [comb(n + power - 1, power) for n in range(1, 21)]  # n, of a power of 1
    assert float(average) == pytest.approx(np.average(steps, weights=counts), rel=1e-5)


@pytest.mark.parametrize(("normed", "larger"), [(True, 1), (False, 2)])
def test_weights_that_are_trained_on_take_larger_steps_of_more_windows(normed, larger):
    net = Segmenter((8, 12, 16), normed=normed)
    one, many = (
        max(group["lr"] for group in Learner(net, float, batch)._groups())
        for batch in (BATCH, 4 * BATCH)
    )
    assert many == pytest.approx(larger * one)
    if not normed:
        huge = Learner(net, float, 10**6)._groups()
        new = Learner(Segmenter((8, 12, 16)), float)._groups()
        assert min(g["lr"] for g in huge) == pytest.approx(min(g["lr"] for g in new))


def test_luma_is_normalised_whatever_its_range():
    luma = GRAY.astype(np.float32)[..., np.newaxis]
    found = normalised(luma * 257 + 1000)
    assert found[0].mean() == pytest.approx(0, abs=1e-3)
    assert found[0].std() == pytest.approx(1, abs=1e-3)
    assert np.allclose(found, normalised(luma), atol=1e-3)
    assert not normalised(np.full((9, 9, 1), 7, np.float32)).any()


def test_colour_is_told_of_red_green_and_blue_alone():
    colours = data.astronaut()[:40, :50].astype(np.float32)
    gray = colours.mean(axis=2, keepdims=True)
    found = normalised(colours)
    assert np.allclose(found[0], normalised(gray)[0], atol=1e-4)
    scale = gray.std()
    assert np.allclose(found[1] * scale, colours[..., 0] - gray[..., 0], atol=1e-2)
    assert np.allclose(found[2] * scale, colours[..., 2] - gray[..., 0], atol=1e-2)
    assert not normalised(gray)[[1, 2, 5, 6]].any()
    assert not normalised(gray.repeat(4, axis=2))[[1, 2, 5, 6]].any()


@pytest.mark.parametrize("shape", [(80, 100), (81, 99)])
def test_what_looks_like_nothing_else_of_its_image_is_rare(shape):
    rng = np.random.default_rng(0)
    print_, speck = np.zeros(shape, bool), np.zeros(shape, bool)
    print_[10::20, :], speck[40:48, 41:50] = True, True
    page = np.where(print_[..., np.newaxis], [90, 60, 30], [220, 200, 150]).astype(np.float32)
    page[speck] = 120  # as dark as between both, and gray
    page += rng.normal(0, 3, page.shape).astype(np.float32)
    found = normalised(page)
    inside = np.s_[42:46, 43:48]
    for rare in found[3:5]:
        assert rare.shape == shape
        assert rare[inside].min() > np.percentile(rare, 98)
    assert np.allclose(found, normalised(page * 257 + 30), atol=0.02)
    red, blue = found[5:]
    assert red[inside].max() < -1
    assert blue[inside].min() > 1


@pytest.mark.parametrize(("axes", "channels"), [("yxc", 3), ("cyx", 1)])
def test_the_network_is_given_colour_of_rgb_and_luma_of_other_channels(monkeypatch, axes, channels):
    given = []

    def segment(pixels):
        given.append(pixels.shape)
        return np.full((2, *pixels.shape[:2]), -9, np.float32)

    monkeypatch.setattr("eii.finding_networks._segment_on", lambda *_: segment)
    image = data.astronaut()[:40, :50]
    image = image if axes == "yxc" else np.moveaxis(image, 2, 0).astype(np.uint16)
    eii.detect(image, options=eii.DetectOptions(("dust",)), axes=axes)
    assert given == [(40, 50, channels), (20, 25, channels)]  # as it is, and half as large


@pytest.mark.parametrize("shape", [(1, 1), (7, 30), (64, 65)])
def test_the_network_that_ships_takes_any_size(shape):
    found = load_segmenter()(np.zeros((*shape, 3), np.float32))
    assert found.shape == (2, *shape)
    assert np.isfinite(found).all()


@pytest.mark.parametrize(("kind", "add"), [("scratches", add_scratches), ("dust", add_dust)])
def test_the_network_that_ships_finds_made_up_defects(kind, add):
    clean = (GRAY / 255).astype(np.float32)[..., np.newaxis]
    changed, truth = add(clean, np.random.default_rng(3))
    image = np.rint(changed[..., 0] * 255).astype(np.uint8)
    options = eii.DetectOptions(("scratches", "dust"), grow=0)
    found = np.asarray(eii.detect(image, options=options)) > 0
    near = ndimage.binary_dilation(truth, iterations=2)
    assert (found & truth).sum() > 0.25 * truth.sum()
    assert (found & ~near).mean() < 0.005
    wide = np.asarray(eii.detect(image.astype(np.uint16) * 200, options=options)) > 0
    assert (wide != found).mean() < 0.001


@pytest.mark.parametrize("kind", ["scratches", "dust"])
@pytest.mark.parametrize("image", [np.full((40, 50), 9, np.uint8), np.zeros((1, 1), np.float32)])
def test_constant_and_tiny_images_have_neither(kind, image):
    options = eii.DetectOptions((kind,))
    assert not np.asarray(eii.detect(image, options=options)).any()


def test_weights_that_are_wrong_are_told(tmp_path):
    with pytest.raises(WeightsError, match="neither a file"):
        load_segmenter(tmp_path / "none.safetensors")
    (tmp_path / "w.safetensors").write_bytes(b"no")
    with pytest.raises(WeightsError, match="no card"):
        load_segmenter(tmp_path / "w.safetensors")


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_training_makes_weights_that_find_and_goes_on(pictures, tmp_path):
    out = tmp_path / "run"
    weights = train_finder(pictures, out, minutes=5, steps=2)
    card = json.loads(weights.with_suffix(".json").read_text())
    assert card["shape"] == {
        "widths": list(WIDTHS),
        "kinds": 2,
        "compared": COMPARED,
        "channels": 3,
        "tints": TINTS,
    }
    options = eii.DetectOptions(("dust",), weights=str(weights))
    assert np.asarray(eii.detect(GRAY, options=options)).shape == GRAY.shape
    with pytest.raises(OutputPathError, match="holds a training"):
        train_finder(pictures, out, minutes=5, steps=2)
    before = weights.read_bytes()
    train_finder(pictures, out, minutes=5, steps=3, resume=True)
    assert weights.read_bytes() != before


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_training_goes_on_from_the_weights_that_ship(pictures, tmp_path):
    weights = train_finder(pictures, tmp_path / "on", minutes=5, steps=1, start="film", batch=2)
    luma = GRAY.astype(np.float32)[..., np.newaxis]
    ours, theirs = load_segmenter(weights)(luma), load_segmenter()(luma)
    assert not np.array_equal(ours, theirs)
    assert np.abs(ours - theirs).mean() < 0.1 * np.abs(theirs).mean()
    before = weights.read_bytes()
    train_finder(pictures, tmp_path / "on", minutes=5, steps=2, resume=True)
    assert weights.read_bytes() != before
    # Weights of other widths too are gone on with, and again after that.
    small = Segmenter((8, 12, 16), compared=0, channels=1, tints=0, normed=False)
    told = {"architecture": FILM, "licence": "", "summary": ""}
    shape = {"widths": small.widths, "kinds": small.kinds}
    own = write_weights(tmp_path / "small.safetensors", small.state_dict(), shape=shape, **told)
    for steps in (1, 2):
        again = {"start": str(own)} if steps == 1 else {"resume": True}
        done = train_finder(pictures, tmp_path / "small", minutes=5, steps=steps, batch=2, **again)
        assert json.loads(done.with_suffix(".json").read_text())["shape"]["widths"] == [8, 12, 16]
    with pytest.raises(OptionError, match="`batch`"):
        train_finder(pictures, tmp_path / "none", minutes=1, batch=0)
    with pytest.raises(WeightsError, match="neither a file"):
        train_finder(pictures, tmp_path / "none", minutes=1, start=str(tmp_path / "x.safetensors"))


def test_training_without_pictures_or_time_is_an_error(tmp_path, pictures):
    with pytest.raises(SourceError, match="holds no picture"):
        train_finder(tmp_path, tmp_path / "run", minutes=1)
    with pytest.raises(OptionError, match="`minutes`"):
        train_finder(pictures, tmp_path / "run", minutes=0)
    with pytest.raises(OptionError, match="no training to go on with"):
        train_finder(pictures, tmp_path / "other", minutes=1, resume=True)
    command = [sys.executable, "-m", "eii.cli", "train-finder", "--data", str(tmp_path / "x")]
    run = subprocess.run(
        [*command, "--out", str(tmp_path / "y")], capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert "does not exist" in run.stderr


def test_kinds_asked_for_together_are_found_as_alone_and_the_network_is_asked_once(monkeypatch):
    clean = (GRAY / 255).astype(np.float32)[..., np.newaxis]
    rng = np.random.default_rng(5)
    changed = add_dust(add_scratches(clean, rng)[0], rng)[0]
    image = np.rint(changed[..., 0] * 255).astype(np.uint8)
    asked = []
    real = load_segmenter()
    monkeypatch.setattr(
        "eii.finding_networks._segment_on",
        lambda *_: lambda luma: asked.append(luma.shape) or real(luma),
    )

    def found(*kinds):
        return np.asarray(eii.detect(image, options=eii.DetectOptions(kinds)))

    kinds = ("scratches", "dust", "hot-pixels", "saturated")
    together = found(*kinds)
    assert len(asked) == len(set(asked)) == 2  # as it is, and half as large
    for kind in kinds:
        label = next(k.label for k in ALL if k.name == kind)
        alone = found(kind) > 0
        before = np.isin(together, [k.label for k in ALL if k.name in kinds[: kinds.index(kind)]])
        assert np.array_equal(together == label, alone & ~before), kind


@pytest.mark.parametrize("kind", ["scratches", "dust"])
def test_more_is_found_the_more_readily_it_is_looked_for(kind):
    clean = (GRAY / 255).astype(np.float32)[..., np.newaxis]
    rng = np.random.default_rng(7)
    changed = add_dust(add_scratches(clean, rng)[0], rng)[0]
    image = np.rint(changed[..., 0] * 255).astype(np.uint8)
    before = np.zeros(image.shape, bool)
    for sensitivity in (0.1, 0.3, 0.5, 0.7, 0.9):
        options = eii.DetectOptions((kind,), sensitivity=sensitivity)
        found = np.asarray(eii.detect(image, options=options)) > 0
        assert (found | ~before).mean() > 0.999
        assert found.sum() >= before.sum()
        before = found
    assert before.any()
