"""Colour by networks that are trained on the one image."""

import eii
import numpy as np
import pytest
from eii.errors import OptionError
from eii.internal import paper, progressive
from eii.internal.palette import prepare
from eii.internal.presets import Preset, preset_of
from eii.internal.stage import propagate_unit
from scipy import ndimage

WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
TINY = Preset(2, (0.01, 0.01), (40, 20), width=8, blocks=2)


def picture(shape=(64, 72)):
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(rng.random((*shape, 3)), (5, 5, 0)).astype(np.float32)
    image = (image - image.min()) / np.ptp(image)
    hole = np.zeros(shape, bool)
    hole[20:40, 20:44] = True
    return image, hole


def test_paper_has_the_published_network_and_settings():
    preset = preset_of("paper", 3)
    assert (preset.rates, preset.steps) == ((0.01, 0.005, 0.003), (400, 400, 400))
    assert preset_of("paper", 1).steps == (1000,)
    network = paper._network(4, 3, preset)
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(159_000, rel=0.02)
    with pytest.raises(OptionError, match="from 1 to 5"):
        preset_of("paper", 6)


def test_paper_learns_the_colours_of_the_known_pixels_and_is_repeatable():
    image, hole = picture()
    luma = image @ WEIGHTS
    blank = np.where(hole[..., np.newaxis], 0, image).astype(np.float32)
    short, longer, again = (
        paper.train([paper.Example(luma, blank, hole)], preset).paint(luma)
        for preset in (Preset(2, (0.01, 0.01), (1, 1), 8, 2), TINY, TINY)
    )
    assert np.array_equal(longer, again)
    errors = [np.square(x - image)[~hole].mean() for x in (short, longer)]
    assert errors[1] < 0.5 * errors[0]


def nearest(luma, values, hidden, hole):
    at = ndimage.distance_transform_edt(hidden | hole, return_distances=False, return_indices=True)
    return np.where(hidden[..., np.newaxis], values[tuple(at)], values)


def test_progressive_begins_as_its_start_and_mends_what_it_can_learn():
    image, hole = picture((120, 130))
    luma = image @ WEIGHTS
    values = image - luma[..., np.newaxis]
    start = nearest(luma, values, hole, np.zeros_like(hole))
    none = Preset(1, (1e-3,), (0,), 8, 2)
    learnt = Preset(2, (3e-3, 3e-3), (60, 60), 16, 4)
    untrained, trained, again = (
        progressive.train([(luma, values, hole)], nearest, p).mend(luma, start, hole)
        for p in (none, learnt, learnt)
    )
    assert np.array_equal(untrained, start)
    assert np.array_equal(trained, again)
    assert np.array_equal(trained[~hole], start[~hole])
    errors = [np.square(x - values)[hole].mean() for x in (start, trained)]
    assert errors[1] < 1.02 * errors[0]


def test_progressive_goes_through_the_whole_stage(monkeypatch):
    monkeypatch.setattr("eii.internal.palette.preset_of", lambda *_: TINY)
    image, hole = picture((100, 110))
    luma = image @ WEIGHTS
    blank = np.where(hole[..., np.newaxis], 0, image).astype(np.float32)
    for method in ("progressive", "paper"):
        palette = prepare(blank[~hole], [(blank, hole)], WEIGHTS, method=method)
        filled, _ = propagate_unit(
            luma, blank, hole, weights=WEIGHTS, method=method, palette=palette
        )
        assert np.array_equal(filled[~hole], image[~hole])
        assert np.allclose(filled @ WEIGHTS, luma, atol=1e-4)


def test_levels_of_methods_that_have_none_are_refused():
    with pytest.raises(OptionError, match="of progressive, paper, not of 'hybrid'"):
        eii.RestoreOptions(levels=2)
    with pytest.raises(OptionError, match="from 1 to 5"):
        eii.RestoreOptions(colour="paper", levels=6)
