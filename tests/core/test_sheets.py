"""Sheets of defects: drawn once, laid over many windows."""

import numpy as np
import pytest
from eii.evaluation.film_covers import line
from eii.evaluation.film_defects import Defect
from eii.external.segmenter import GIVEN
from eii.finders.film import DUST, SCRATCHES
from eii.training import sheets
from eii.training.damaged import SIDE, Windows, make_sample
from eii.training.images import find_items
from eii.training.sheets import Sheet, _halved, draw_sheet, lay_sheet

WINDOW = np.full((64, 64, 3), 0.5, np.float32)


def bar(kind, rows, columns, **given):
    """Return a sheet of one opaque bar."""
    box = slice(*rows), slice(*columns)
    cover = np.ones((rows[1] - rows[0], columns[1] - columns[0]), np.float32)
    return Sheet(((kind, Defect(box, cover, bright=True, least=0.9, **given)),))


@pytest.mark.parametrize("kind", [SCRATCHES, DUST])
def test_a_defect_is_laid_where_it_was_drawn_and_noted_as_of_its_kind(kind):
    changed, masks = lay_sheet(WINDOW, bar(kind, (10, 20), (5, 60)), 1.0, np.random.default_rng(0))
    truth = np.zeros((64, 64), bool)
    truth[10:20, 5:60] = True
    assert np.array_equal(masks[kind], truth)
    assert not masks[1 - kind].any()
    assert np.array_equal((changed != WINDOW).all(axis=2), truth)
    assert (changed[truth] > 0.75).all()


def test_none_of_a_sheet_leaves_a_window_as_it_is():
    sheet = draw_sheet(64, np.random.default_rng(1))
    changed, masks = lay_sheet(WINDOW, sheet, 0.0, np.random.default_rng(1))
    assert np.array_equal(changed, WINDOW)
    assert not masks.any()


def test_what_is_not_seen_to_change_a_window_is_no_defect():
    sheet = bar(DUST, (10, 20), (5, 60), most=0.9)
    ((_, defect),) = sheet.defects
    faint = Sheet(((DUST, Defect(defect.box, 0.03 * defect.cover, edge=0.01)),))
    _, masks = lay_sheet(WINDOW, faint, 1.0, np.random.default_rng(0))
    assert not masks.any()


@pytest.mark.parametrize("start", [(6, 8), (7, 9), (0, 31)])
def test_a_defect_of_half_the_size_is_as_the_whole_image_halved(start):
    rng = np.random.default_rng(4)
    cover = np.zeros((80, 80), np.float32)
    y, x = start
    cover[y : y + 33, x : x + 40] = line((33, 40), rng)
    box = slice(y, y + 33), slice(x, x + 40)
    small = _halved(Defect(box, cover[box]))
    whole = np.zeros((40, 40), np.float32)
    whole[small.box] = small.cover
    assert whole == pytest.approx(cover.reshape(40, 2, 40, 2).mean(axis=(1, 3)), abs=1e-6)


def test_sheets_hold_both_kinds_inside_their_windows():
    kinds = set()
    for seed in range(12):
        for kind, defect in draw_sheet(96, np.random.default_rng(seed)).defects:
            kinds.add(kind)
            place = np.zeros((96, 96), np.float32)
            assert place[defect.box].shape == defect.cover.shape
            assert defect.cover.min() >= 0
            assert defect.cover.max() <= 1
    assert kinds == {SCRATCHES, DUST}


def test_the_cracks_and_flakes_of_a_print_show_paper_of_one_tone(monkeypatch):
    monkeypatch.setattr(sheets, "_CRACKED", 1.0)
    for seed in range(6):
        defects = [one for _, one in draw_sheet(96, np.random.default_rng(seed)).defects]
        light = [one for one in defects if one.bright and one.most - one.least < 0.11]
        assert light
        assert np.ptp([one.least for one in light]) == 0
        assert 0 < light[0].least < light[0].most <= 1


def test_windows_are_normalised_and_some_have_defects_and_some_none(pictures):
    windows = iter(Windows(find_items(pictures), 0))
    samples = [next(windows) for _ in range(24)]
    for given, masks in samples:
        assert given.shape == (GIVEN, SIDE, SIDE)
        assert given.dtype == np.float32
        assert masks.shape == (2, SIDE, SIDE)
        assert given[0].mean() == pytest.approx(0, abs=1e-3)
    assert 0 < sum(masks.any() for _, masks in samples) < 24


def test_many_grains_alike_are_not_dust(monkeypatch):
    monkeypatch.setattr("eii.training.damaged._GRAINY", 1.0)
    flat = np.full((SIDE, SIDE, 3), 0.5, np.float32)
    for seed in range(8):
        given, masks = make_sample(flat, Sheet(()), np.random.default_rng(seed))
        assert not masks.any()
        assert given[0].std() == pytest.approx(1, abs=1e-2)
