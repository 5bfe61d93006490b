"""eii evaluate: the same holes and figures for the same arguments, beside the peers."""

import csv

import numpy as np
import pytest
from eii.errors import OptionError, SourceError
from eii.evaluation.holes import KINDS, draw_hole
from eii.evaluation.measures import measure
from eii.evaluation.peers import peers
from eii.evaluation.protocols import HOLE, PROTOCOLS, protocol_of
from eii.evaluation.run import evaluate
from eii.options import RestoreOptions
from PIL import Image
from skimage import data


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(128, 128), (200, 331)])
def test_holes_are_a_function_of_the_seed_and_leave_half_known(kind, shape):
    one, same, other = (draw_hole(kind, shape, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert 0 < one.mean() <= 0.5


def test_an_unknown_kind_of_hole_lists_those_there_are():
    with pytest.raises(OptionError, match="scratch, stroke, block, line"):
        draw_hole("tear", (100, 100), 0)


def test_measures_of_the_truth_are_the_best_there_are():
    truth = data.brick()[:128, :128]
    hole = draw_hole("stroke", truth.shape, 0)
    best = measure(truth, truth, hole)
    assert (best.ssim, best.ciede, best.detail) == pytest.approx((1, 0, 1), abs=1e-6)
    flat = np.where(hole, 120, truth).astype(np.uint8)
    worse = measure(flat, truth, hole)
    error = np.mean((truth[hole].astype(float) - 120) ** 2)
    assert worse.psnr == pytest.approx(10 * np.log10(255**2 / error))
    assert best.psnr > 50
    assert worse.ssim < 0.9
    assert worse.detail < 0.7


@pytest.mark.parametrize("name", sorted(peers()))
def test_peers_fill_holes_alone(name):
    image = data.astronaut()[:96, :96]
    hole = draw_hole("scratch", image.shape[:2], 3)
    for truth in (image, image[..., 0]):
        filled = peers()[name](
            np.where(hole[..., None] if truth.ndim == 3 else hole, 0, truth), hole
        )
        assert filled.dtype == np.uint8
        assert np.array_equal(filled[~hole], truth[~hole])
        assert np.abs(filled[hole].astype(int) - truth[hole]).mean() < 40


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for domain, name, image in (
        ("photo", "camera", data.camera()),
        ("photo", "coffee", data.coffee()),
        ("micro", "stain", data.immunohistochemistry()),
    ):
        (folder / domain).mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / domain / f"{name}.png")
    return folder


def test_evaluation_of_packaged_images_ranks_the_network_first(images, tmp_path):
    methods = [RestoreOptions("unet"), RestoreOptions("classical")]
    holes = ("scratch", "stroke")
    rows = evaluate(images, tmp_path, holes=holes, methods=methods, side=192)
    assert len(rows) == 3 * 2 * (2 + len(peers()))
    means = {
        (kind, method): np.mean(
            [r.measures.psnr for r in rows if (r.kind, r.method) == (kind, method)]
        )
        for kind in holes
        for method in {r.method for r in rows}
    }
    for kind in holes:
        own = {m: v for (k, m), v in means.items() if k == kind}
        assert max(own, key=own.get) == "unet", own
    with (tmp_path / "rows.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == len(rows) + 1
    assert "| scratch | all |" in (tmp_path / "table.md").read_text()
    with Image.open(tmp_path / "pictures.png") as picture:
        assert picture.size == (192 * (4 + len(peers())), 206 * 4)
    again = evaluate(images, tmp_path, holes=holes, methods=methods[1:], side=192)
    assert [r for r in again if r.method == "classical"] == [
        r for r in rows if r.method == "classical"
    ]


def test_evaluation_without_an_image_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(SourceError, match="holds no image"):
            evaluate(folder, tmp_path / "out", holes=["line"], methods=[RestoreOptions()])
    assert not (tmp_path / "out").exists()


def layout(root, protocol):
    """Make a tiny data set laid out as its makers distribute it; return its test images."""
    names = {
        "places2": ["val_large/Places365_val_00000001.jpg", "val_large/Places365_val_00000002.jpg"],
        "celeba-hq": [f"CelebA-HQ-img/{n}.jpg" for n in (5, 26999, 27000, 29999)],
        "paris": ["paris_eval_gt/001_im.png", "paris_train_original/1.png"],
        "dtd": ["images/banded/banded_0002.jpg", "images/dotted/dotted_0001.jpg"],
    }[protocol]
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (90, 120, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    if protocol == "dtd":
        (root / "labels").mkdir()
        (root / "labels" / "test1.txt").write_text("banded/banded_0002.jpg\n")
    return {"places2": 2, "celeba-hq": 2, "paris": 1, "dtd": 1}[protocol]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_published_data_sets_are_found_in_their_layout(tmp_path, name):
    count = layout(tmp_path, name)
    protocol = protocol_of(name)
    found = protocol.files(tmp_path)
    assert len(found) == count
    assert "26999" not in {path.stem for _, path in found}
    image = protocol.read(found[0][1])
    assert image.shape == (*protocol.shape, 3)
    with pytest.raises(SourceError, match="expected"):
        protocol.files(tmp_path / "none")


def test_a_published_list_that_names_what_is_not_there_is_an_error(tmp_path):
    layout(tmp_path, "dtd")
    (tmp_path / "labels" / "test1.txt").write_text("banded/banded_0002.jpg\nlost/lost_1.jpg\n")
    with pytest.raises(SourceError, match=r"lost_1\.jpg and 0 more"):
        protocol_of("dtd").files(tmp_path)


def test_an_unknown_protocol_lists_those_there_are():
    with pytest.raises(OptionError, match="places2, celeba-hq, paris, dtd"):
        protocol_of("imagenet")


def test_a_protocol_is_evaluated_whole_with_its_own_holes(tmp_path):
    layout(tmp_path / "data", "paris")
    rows = evaluate(
        tmp_path / "data",
        tmp_path / "out",
        holes=[HOLE],
        methods=[RestoreOptions("classical")],
        protocol=protocol_of("paris"),
        compare=False,
    )
    assert [(r.domain, r.name, r.kind, r.method) for r in rows] == [
        ("paris", "001_im", "brush", "classical")
    ]


@pytest.mark.parametrize("share", [5, 35, 75])
def test_holes_of_a_share_cover_it(share):
    hole = draw_hole(f"cover{share}", (120, 150), 3)
    assert hole.mean() == pytest.approx(share / 100, abs=0.011)


def test_a_baseline_of_rgb_is_evaluated_at_once(tmp_path, trained_rgb):
    Image.fromarray(data.astronaut()[:96, :96]).save(tmp_path / "colour.png")
    Image.fromarray(data.camera()[:96, :96]).save(tmp_path / "gray.png")
    backbone = f"file:{trained_rgb}"
    rows = evaluate(
        tmp_path,
        tmp_path / "out",
        holes=["stroke"],
        methods=[RestoreOptions(backbone)],
        side=96,
        compare=False,
    )
    assert {(r.name, r.method) for r in rows} == {("colour", backbone), ("gray", backbone)}
    assert min(r.measures.psnr for r in rows) > 10
