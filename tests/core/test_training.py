"""Training: the same run whatever happens to it, and what it refuses."""

import csv
import os
import shutil
import subprocess
import sys
import tarfile
import time

import eii
import numpy as np
import pytest
import torch
from eii.errors import (
    Cancelled,
    MissingExtraError,
    OptionError,
    OutputError,
    OutputPathError,
    SourceError,
    WeightsError,
)
from eii.external.initial import push_pull, tension
from eii.external.network import ARCHITECTURES
from eii.training import loop
from eii.training.batches import Batches, augment
from eii.training.fit import train
from eii.training.holes import draw, read_masks
from eii.training.images import find_items, read_item
from eii.training.losses import confidence, relative_error
from eii.training.muon import orthogonal
from eii.training.options import TrainOptions
from eii.training.pool import make_pools
from eii.training.synthetic import cells, dead_leaves, fibres, printed_page, synthetic
from PIL import Image
from safetensors.torch import load_file
from torch.utils.data import DataLoader


def options(**changes):
    given = {
        "steps": 4,
        "width": 8,
        "windows": 48,
        "side": 64,
        "batch": 4,
        "device": "cpu",
    }
    return TrainOptions(**(given | changes))


def quiet(pictures, out, chosen):
    return make_pools(
        [pictures], out, chosen, on_progress=lambda _: None, should_stop=lambda: False
    )


def stripes(folder):
    """Make pictures whose holes can be told from what is around them."""
    folder.mkdir()
    y, x = np.mgrid[:128, :128]
    for number, angle in enumerate(np.linspace(0, np.pi, 12)):
        wave = np.sin((np.cos(angle) * x + np.sin(angle) * y) / 1.5)
        Image.fromarray(np.rint(127 + 100 * wave).astype(np.uint8)).save(folder / f"{number}.png")
    return folder


def test_training_lowers_the_loss_and_its_weights_restore(tmp_path):
    chosen = options(steps=150, batch=8, rate=3e-3, every=0.01)
    done = train([stripes(tmp_path / "stripes")], tmp_path, chosen)
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["loss"]) < 0.95 * float(rows[0]["loss"])
    assert done.gain > 0.2
    assert done.steps == int(rows[-1]["step"]) == 150
    assert done.waiting < 0.5
    with Image.open(tmp_path / "pictures.png") as grid:
        assert grid.width == 4 * 64
    image = (dead_leaves(128, np.random.default_rng(1)) * 255).astype(np.uint8)
    hole = np.zeros(image.shape[:2], bool)
    hole[40:60, 50:80] = True
    chosen = eii.RestoreOptions(backbone=f"file:{done.weights}")
    filled = eii.restore(image, hole, options=chosen)
    assert np.array_equal(filled[~hole], image[~hole])
    assert not np.array_equal(filled[hole], image[hole])


@pytest.mark.parametrize("backbone", ["unet", "gatedconv"])
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(tmp_path, pictures, pools, backbone):
    chosen = options(backbone=backbone, pools=pools)
    whole = train([pictures], tmp_path / "whole", chosen)
    calls = iter([False, True])
    with pytest.raises(Cancelled, match="step 2"):
        train([pictures], tmp_path / "parts", chosen, should_stop=lambda: next(calls))
    parts = train([pictures], tmp_path / "parts", chosen, resume=True)
    assert parts.steps == whole.steps
    assert whole.weights.read_bytes() == parts.weights.read_bytes()


def test_a_run_that_was_killed_goes_on_to_the_same_weights(tmp_path, pictures, pools):
    chosen = options(steps=15, pools=pools, every=1e-4)
    whole = train([pictures], tmp_path / "whole", chosen)
    command = [sys.executable, "-m", "eii.cli", "train", "--data", pictures, "--steps", "15"]
    command += ["--width", "8", "--windows", "48", "--side", "64", "--batch", "4"]
    command += ["--device", "cpu", "--pools", pools, "--every", "0.0001", "--quiet"]
    command = [*map(str, command), "--out", str(tmp_path / "killed")]
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    with subprocess.Popen(command, env=os.environ | threads) as run:
        while not (tmp_path / "killed" / "last.ckpt").exists() and run.poll() is None:
            time.sleep(0.01)
        run.kill()
    assert run.returncode == -9, "it was over before it was killed"
    parts = train([pictures], tmp_path / "killed", chosen, resume=True)
    one, other = (load_file(t.weights) for t in (whole, parts))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("mode", ["mono", "rgb"])
@pytest.mark.parametrize("backbone", ["gatedconv", "edgeconnect", "hifill", "gmcnn", "lama"])
def test_every_backbone_trains_by_its_own_losses(tmp_path, pictures, pools, backbone, mode):
    chosen = options(backbone=backbone, mode=mode, steps=3, batch=2, pools=pools)
    done = train([pictures], tmp_path, chosen)
    assert done.weights.stat().st_size > 1000
    held = load_file(done.weights)
    assert all(torch.isfinite(t.float()).all() for t in held.values())


@pytest.mark.parametrize(
    "changes", [{"guided": True}, {"first_fill": False}, {"adversarial": False}]
)
def test_ways_of_training(tmp_path, pictures, pools, changes):
    done = train(
        [pictures], tmp_path, options(backbone="gatedconv", steps=2, pools=pools, **changes)
    )
    image = (cells(64, np.random.default_rng(1)) * 255).astype(np.uint8)
    hole = np.zeros((64, 64), bool)
    hole[20:30, 20:30] = True
    filled = eii.restore(image, hole, options=eii.RestoreOptions(f"file:{done.weights}"))
    assert np.array_equal(filled[~hole], image[~hole])


def test_a_guided_network_follows_colour_in_a_restoration(tmp_path, pictures, pools):
    chosen = options(backbone="gatedconv", guided=True, first_fill=False, steps=2, pools=pools)
    weights = train([pictures], tmp_path, chosen).weights
    rng = np.random.default_rng(0)
    luma = rng.random((64, 64, 1)).astype(np.float32) * 0.4 + 0.3
    hole = np.zeros((64, 64), bool)
    hole[20:40, 20:40] = True
    tint = np.array([0.2, 0, -0.2 * 0.299 / 0.114], np.float32)
    run = eii.RestoreOptions(f"file:{weights}")
    gray, red = (eii.restore(luma + k * tint, hole, options=run, axes="yxc") for k in (0, 1))
    weighed = [(image @ np.array([0.299, 0.587, 0.114]))[hole] for image in (gray, red)]
    assert np.abs(weighed[0] - weighed[1]).max() > 1e-3


def test_edges_that_a_person_drew_are_followed(tmp_path, pictures, pools):
    weights = train(
        [pictures], tmp_path, options(backbone="edgeconnect", first_fill=False, pools=pools)
    ).weights
    image = (cells(96, np.random.default_rng(1)) * 255).astype(np.uint8)
    hole = np.zeros((96, 96), bool)
    hole[20:70, 20:70] = True
    results = []
    for at in (None, 0, 45):
        drawn = np.zeros((96, 96), np.uint8)
        if at is not None:
            drawn[at] = 255
        Image.fromarray(drawn).save(tmp_path / "edges.png")
        edges = None if at is None else str(tmp_path / "edges.png")
        run = eii.RestoreOptions(f"file:{weights}", edges=edges)
        results.append(eii.restore(image, hole, options=run))
    own, outside, across = results
    assert not np.array_equal(outside, across), "edges in the hole change it"
    assert not np.array_equal(own, across)
    assert np.array_equal(across[~hole], image[~hole])


def test_edges_for_a_network_that_follows_none_are_refused(tmp_path):
    Image.new("L", (64, 64)).save(tmp_path / "edges.png")
    hole = np.eye(64, dtype=bool)
    for backbone in ("unet", "classical"):
        run = eii.RestoreOptions(backbone, edges=str(tmp_path / "edges.png"))
        with pytest.raises(OptionError, match="edgeconnect alone"):
            eii.restore(np.zeros((64, 64), np.uint8), hole, options=run)


def test_perceptual_losses_take_the_users_file(tmp_path, pictures, pools):
    torch.manual_seed(0)
    held, before = {}, 3
    for n, width in zip((0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28), [4] * 13, strict=True):
        held[f"features.{n}.weight"] = torch.randn(width, before, 3, 3) / 4
        held[f"features.{n}.bias"], before = torch.zeros(width), width
    torch.save(held, tmp_path / "vgg.pth")
    for backbone in ("gmcnn", "edgeconnect", "lama"):
        chosen = options(backbone=backbone, steps=3, perceptual=tmp_path / "vgg.pth", pools=pools)
        train([pictures], tmp_path / backbone, chosen)
    torch.save({"features.0.weight": held["features.0.weight"]}, tmp_path / "cut.pth")
    cut = options(backbone="gmcnn", perceptual=tmp_path / "cut.pth", pools=pools)
    with pytest.raises(WeightsError, match="no VGG19"):
        train([pictures], tmp_path / "cut", cut)


def test_fine_tuning_starts_from_the_weights_that_ship(tmp_path, pictures, pools):
    chosen = options(steps=1, start="unet", width=None, rate=1e-9, pools=pools)
    tuned = train([pictures], tmp_path, chosen)
    shipped = load_file(eii.external.weights.packaged()["unet"])
    for name, value in load_file(tuned.weights).items():
        assert torch.allclose(value.float(), shipped[name].float(), atol=1e-3)


def test_weights_of_another_backbone_are_refused(tmp_path, pictures, trained_rgb):
    with pytest.raises(WeightsError, match="backbone 'unet', not 'lama'"):
        train([pictures], tmp_path / "a", options(backbone="lama", start="unet"))
    with pytest.raises(WeightsError, match="mode 'rgb'"):
        train([pictures], tmp_path / "b", options(start=str(trained_rgb)))
    with pytest.raises(WeightsError, match="neither a file nor weights that ship"):
        train([pictures], tmp_path / "c", options(start="best"))


def test_pictures_that_cannot_be_used_are_named_and_counted(tmp_path, pictures):
    own = tmp_path / "own"
    shutil.copytree(pictures, own)
    (own / "corrupt.png").write_bytes((own / "00.png").read_bytes()[:300])
    Image.new("L", (30, 200)).save(own / "narrow.png")
    done = train([own], tmp_path / "out", options(steps=1))
    assert len(done.skipped) == 2, done.skipped
    assert "corrupt.png" in done.skipped[0]
    assert "narrow.png is 30 x 200 pixels" in done.skipped[1]


def test_folders_without_pictures_are_refused(tmp_path, pictures):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SourceError, match="holds no picture"):
        train([empty], tmp_path / "a", options())
    Image.new("L", (40, 40)).save(empty / "small.png")
    with pytest.raises(SourceError, match=r"No picture could be used.*small.png is 40 x 40"):
        train([empty], tmp_path / "b", options())
    with pytest.raises(SourceError, match="does not exist"):
        train([tmp_path / "none"], tmp_path / "c", options())


def test_a_device_that_is_not_there_is_refused(tmp_path, pictures):
    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    with pytest.raises(OptionError, match="'cuda' is not there"):
        train([pictures], tmp_path, options(device="cuda"))


def test_a_folder_that_holds_a_run_is_not_overwritten(tmp_path, pictures, pools):
    with pytest.raises(OptionError, match="holds no training to go on with"):
        train([pictures], tmp_path, options(), resume=True)
    train([pictures], tmp_path, options(steps=1, pools=pools))
    with pytest.raises(OutputPathError, match="holds a training"):
        train([pictures], tmp_path, options())


def test_a_run_goes_on_as_it_was_begun_only(tmp_path, pictures, pools):
    calls = iter([True])
    with pytest.raises(Cancelled):
        train([pictures], tmp_path, options(pools=pools), should_stop=lambda: next(calls))
    with pytest.raises(OptionError, match="`backbone` was 'unet', now it is 'lama'"):
        train([pictures], tmp_path, options(backbone="lama", pools=pools), resume=True)
    (tmp_path / "last.ckpt").write_bytes(b"half of a checkp")
    with pytest.raises(OptionError, match="not a whole checkpoint"):
        train([pictures], tmp_path, options(pools=pools), resume=True)


def test_training_without_its_extra_says_what_to_install(tmp_path, pictures, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    with pytest.raises(MissingExtraError, match=r"napari-eii\[train\]"):
        train([pictures], tmp_path, options())


def test_the_last_good_checkpoint_survives_a_full_disk(tmp_path, pictures, pools, monkeypatch):
    chosen = options(steps=3, pools=pools, every=0)
    saved = []

    def save(self, path):
        if len(saved) == 2:
            path.write_bytes(b"half of a checkp")
            raise OSError(28, "No space left on device")
        saved.append(path)
        torch.save(self._checkpoint_connector.dump_checkpoint(), path)

    monkeypatch.setattr(loop.Trainer, "save_checkpoint", save)
    with pytest.raises(OutputError, match=r"No space left.*can be resumed"):
        train([pictures], tmp_path / "full", chosen)
    monkeypatch.undo()
    assert [p.name for p in (tmp_path / "full").glob(".last*")] == []
    parts = train([pictures], tmp_path / "full", chosen, resume=True)
    whole = train([pictures], tmp_path / "whole", chosen)
    assert parts.weights.read_bytes() == whole.weights.read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": None}, "either `minutes` or `steps`"),
        ({"minutes": 1.0}, "either `minutes` or `steps`"),
        ({"steps": 0}, "`steps` must be 1 or more; got 0"),
        ({"side": 100}, "multiple of 32"),
        ({"mode": "color"}, "`mode` must be one of mono, rgb"),
        ({"synthetic": 2.0}, "from 0 to 1"),
        ({"guided": True, "mode": "rgb"}, "for the mode 'mono'"),
    ],
)
def test_options_out_of_range_are_refused(changes, message):
    with pytest.raises(OptionError, match=message):
        options(**changes)


def test_a_backbone_that_is_not_there_is_refused(tmp_path, pictures):
    with pytest.raises(OptionError, match=", ".join(ARCHITECTURES)):
        train([pictures], tmp_path, options(backbone="unat"))
    with pytest.raises(OptionError, match="monochromic"):
        train([pictures], tmp_path, options(backbone="pixel", mode="rgb"))


def test_windows_of_the_pool_are_what_the_fills_make_of_them(pictures, pools):
    pool = quiet(pictures, pools, options()).train[0]
    windows = pool.take(np.arange(4))
    for n in range(4):
        truth, hole = windows["truth"][n, 0], windows["hole"][n, 0] > 0
        for name, of in (("plate", tension), ("smooth", push_pull)):
            filled = windows[name][n, 0]
            assert np.array_equal(filled[~hole], truth[~hole])
            assert np.abs(filled - of(truth, hole)).max() < 2e-3


def test_pools_of_one_and_three_channels_have_the_same_windows(pictures, pools):
    mono, rgb = (quiet(pictures, pools, options(mode=m)).train[0] for m in ("mono", "rgb"))
    assert np.array_equal(mono.hole, rgb.hole)
    of_three = Batches([rgb], options(guided=True), count=4, start=0).batch(0)
    of_one = Batches([mono], options(), count=4, start=0).batch(0)
    for name in ("truth", "plate", "smooth"):
        assert torch.allclose(of_three[name], of_one[name], atol=2e-3)
    assert not (of_three["rgb"] * of_three["hole"]).any()


def test_augmentation_commutes_with_the_fills(pictures, pools):
    windows = quiet(pictures, pools, options()).train[0].take(np.arange(3))
    changed = augment(windows, np.random.default_rng(3))
    for n in range(3):
        truth, hole = (np.ascontiguousarray(changed[k][n, 0]) for k in ("truth", "hole"))
        filled = tension(truth, hole > 0)
        assert np.abs(filled - changed["plate"][n, 0]).max() < 3e-3
    assert changed["truth"].min() >= 0
    assert changed["truth"].max() <= 1


def test_batches_are_functions_of_the_step(pictures, pools):
    made = quiet(pictures, pools, options()).train
    one, other = (Batches(made, options(), count=4, start=s) for s in (0, 2))
    stream = iter(one)
    third = [next(stream) for _ in range(3)][2]
    assert torch.equal(third["truth"], next(iter(other))["truth"])
    loader = DataLoader(other, batch_size=None, num_workers=2, multiprocessing_context="fork")
    for step, batch in zip(range(2, 7), loader, strict=False):
        assert all(torch.equal(batch[k], one.batch(step)[k]) for k in batch)
    ranked = Batches(made, options(), count=4, start=2, rank=1).batch(2)
    assert not torch.equal(third["truth"], ranked["truth"])


def test_a_pool_is_made_once(pictures, tmp_path):
    quiet(pictures, tmp_path, options())
    (pool,) = tmp_path.glob("pool-*")
    before = (pool / "made.json").stat().st_mtime_ns
    quiet(pictures, tmp_path, options())
    assert (pool / "made.json").stat().st_mtime_ns == before
    quiet(pictures, tmp_path, options(seed=1))
    assert len(list(tmp_path.glob("pool-*"))) == 2


def test_pictures_of_folders_shards_and_sixteen_bits_are_read(tmp_path):
    import tifffile

    deep = np.arange(64 * 80, dtype=np.uint16).reshape(64, 80) * 3
    tifffile.imwrite(tmp_path / "deep.tif", deep)
    rgb = np.random.default_rng(0).integers(0, 256, (70, 60, 4), dtype=np.uint8)
    Image.fromarray(rgb).save(tmp_path / "alpha.png")
    with tarfile.open(tmp_path / "shard.tar", "w") as shard:
        shard.add(tmp_path / "alpha.png", "in/alpha.png")
    (tmp_path / "notes.txt").write_text("no picture")
    found = find_items(tmp_path)
    assert [i.name.rpartition("/")[2] for i in found] == ["alpha.png", "deep.tif", "alpha.png"]
    one, sixteen, packed = map(read_item, found)
    assert np.array_equal(one, rgb[..., :3].astype(np.float32) / 255)
    assert np.array_equal(one, packed)
    assert sixteen.shape == (64, 80, 1)
    assert np.array_equal(sixteen[..., 0], (deep / np.float32(deep.max())).astype(np.float32))


@pytest.mark.parametrize("side", [64, 128, 256])
def test_holes_to_train_with_leave_enough_known(side, tmp_path):
    Image.fromarray(np.eye(200, dtype=bool)).save(tmp_path / "mask.png")
    masks = read_masks(tmp_path)
    rng = np.random.default_rng(0)
    shares = [draw(side, rng, masks).mean() for _ in range(60)]
    assert max(shares) <= 0.55
    assert min(shares) > 0
    assert np.std(shares) > 0.05


@pytest.mark.parametrize("make", [dead_leaves, printed_page, cells, fibres, synthetic])
def test_made_up_images_are_images(make):
    one, same = (make(96, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one, same)
    assert one.shape == (96, 96, 3)
    assert one.dtype == np.float32
    assert 0 <= one.min() < one.max() <= 1
    assert one.std() > 0.02


def test_the_relative_error_of_the_plate_is_about_one_and_of_the_truth_nothing():
    truth, hole = torch.rand(3, 1, 64, 64), torch.zeros(3, 1, 64, 64)
    hole[..., 20:30, 20:40] = 1
    plate = truth + 0.3 * hole * torch.randn_like(truth)
    assert 0.7 < float(relative_error(plate, truth, plate, hole)) < 1.1
    assert float(relative_error(truth, truth, plate, hole)) < 0.02


def test_confidence_is_most_at_the_border_of_the_hole():
    hole = torch.zeros(1, 1, 96, 96)
    hole[..., 20:76, 20:76] = 1
    weight = confidence(hole)[0, 0]
    assert weight[48, 48] < weight[48, 30] < weight[48, 20]
    assert weight[10, 10] == 0
    assert weight.max() == 1


@pytest.mark.parametrize("shape", [(16, 40), (40, 16)])
def test_muon_makes_matrices_orthogonal(shape):
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
    assert values.min() > 0.6
    assert values.max() < 1.3
