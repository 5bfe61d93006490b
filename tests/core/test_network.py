"""Networks as backbones: weights, models of the user's, what they may and may not do."""

import json
import shutil
import subprocess
import sys

import eii
import numpy as np
import pytest
import torch
from eii.errors import OptionError, WeightsError
from eii.external.adapter import ModelPredictor
from eii.external.backbone import NO_CLUES
from eii.external.network import ARCHITECTURES, TorchPredictor
from eii.external.predicted import PredictedBackbone
from eii.external.stage import load_backbone
from eii.external.weights import packaged, read_card
from safetensors.torch import load_file, save_file
from scipy import ndimage
from skimage import data

NETWORKS = sorted(packaged())


def picture(shape=(160, 160), seed=0):
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.random(shape), 3) + 0.2 * ndimage.gaussian_filter(
        rng.random(shape), 1
    )
    return ((smooth - smooth.min()) / np.ptp(smooth)).astype(np.float32)


def holes(shape=(160, 160)):
    hole = np.zeros(shape, bool)
    hole[30:34] = hole[60:100, 70:110] = True
    return hole


@pytest.mark.parametrize("name", NETWORKS)
def test_network_keeps_known_pixels_and_beats_the_classical_fill(name):
    hole = holes()
    if name == "pixel":
        hole[60:100] = False
    gains = []
    for image in (data.camera(), data.coins()[:300], data.page(), data.astronaut()[..., 1]):
        for y, x in ((0, 0), (30, 200), (30, 100)):
            truth = (image[y : y + 160, x : x + 160] / 255).astype(np.float32)
            damaged = np.where(hole, 0, truth).astype(np.float32)
            done, classical = (
                load_backbone(n).complete(damaged[np.newaxis], hole[np.newaxis])[0]
                for n in (name, "classical")
            )
            assert np.array_equal(done[~hole], truth[~hole])
            errors = [np.square(i - truth)[hole].mean() + 1e-6 for i in (done, classical)]
            gains.append(10 * np.log10(errors[1] / errors[0]))
    assert np.mean(gains) > (0.2 if name == "unet" else 0.05), gains


@pytest.mark.parametrize("name", NETWORKS)
def test_gain_and_offset_of_the_image_change_nothing(name):
    image = (picture(seed=1) * 200).astype(np.float32)
    hole = holes()
    options = eii.RestoreOptions(backbone=name)
    one, other = (eii.restore(i, hole, options=options) for i in (image, 0.3 * image + 50))
    assert np.abs(other - (0.3 * one + 50)).max() < 1


@pytest.mark.parametrize("name", NETWORKS)
def test_what_the_hole_held_does_not_matter(name):
    image, hole = picture(seed=2), holes()
    other = np.where(hole, 7, image).astype(np.float32)
    options = eii.RestoreOptions(backbone=name)
    assert np.array_equal(*(eii.restore(i, hole, options=options) for i in (image, other)))


@pytest.mark.parametrize("name", ["unet", "classical"])
def test_deep_and_guided_holes_have_no_seam(name):
    y, x = np.indices((900, 900), np.float32)
    image = (np.sin(x / 150) * 60 + np.cos(y / 200) * 50 + 128).astype(np.uint8)
    hole = np.zeros(image.shape, bool)
    hole[150:750, 200:700] = hole[820:890, 30:100] = True
    damaged = np.where(hole, 0, image).astype(np.uint8)
    result = eii.restore(damaged, hole, options=eii.RestoreOptions(backbone=name)).astype(int)
    assert np.abs(np.diff(result, axis=0)).max() <= 10
    assert np.abs(np.diff(result, axis=1)).max() <= 10


def test_a_constant_image_stays_constant():
    for value in (0, 77, 255):
        image = np.full((100, 100), value, np.uint8)
        hole = np.zeros(image.shape, bool)
        hole[20:60, 30:70] = True
        assert (eii.restore(np.where(hole, 9, image).astype(np.uint8), hole) == value).all()


def copy_of(folder, name="unet"):
    for ending in (".safetensors", ".json"):
        shutil.copy(packaged()[name].with_suffix(ending), folder / f"mine{ending}")
    return folder / "mine.safetensors"


def test_weights_of_the_users_are_taken(tmp_path):
    path = copy_of(tmp_path)
    image, hole = picture()[np.newaxis], holes()[np.newaxis]
    mine, ours = (load_backbone(n).complete(image, hole) for n in (f"file:{path}", "unet"))
    assert np.array_equal(mine, ours)
    path.with_suffix(".json").unlink()
    assert np.array_equal(load_backbone(f"file:{path}").complete(image, hole), ours)


def truncate(path):
    path.write_bytes(path.read_bytes()[:100_000])
    path.with_suffix(".json").unlink()


def change_a_byte(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def swap(path):
    shutil.copy(packaged()["pixel"], path)


def swap_and_forget_the_card(path):
    swap(path)
    path.with_suffix(".json").unlink()


def rename_a_tensor(path):
    weights = load_file(path)
    weights["other"] = weights.pop("stem.bias")
    save_file(weights, path)
    path.with_suffix(".json").unlink()


def not_finite(path):
    weights = load_file(path)
    weights["stem.bias"][0] = float("nan")
    save_file(weights, path)
    path.with_suffix(".json").unlink()


def garble_the_card(path):
    path.with_suffix(".json").write_text("{")


def unknown_architecture(path):
    card = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**card, "architecture": "transformer"}))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (truncate, "not a whole file"),
        (change_a_byte, "SHA-256"),
        (swap, "SHA-256"),
        (swap_and_forget_the_card, "names or shapes differ"),
        (rename_a_tensor, "names or shapes differ"),
        (not_finite, "not finite"),
        (garble_the_card, "not a card"),
        (unknown_architecture, "architecture 'transformer'"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(tmp_path, spoil, message):
    path = copy_of(tmp_path)
    spoil(path)
    with pytest.raises(WeightsError, match=message) as told:
        load_backbone(f"file:{path}")
    assert "mine" in str(told.value)


def test_cards_are_whole():
    assert set(NETWORKS) == {"unet", "pixel"} <= set(ARCHITECTURES)
    for path in packaged().values():
        card = read_card(path)
        assert card.table
        assert path.with_suffix(".md").exists()
        assert path.stat().st_size < 15e6


class Mean(torch.nn.Module):
    """Fill with each channel's mean of the known pixels."""

    def forward(self, image: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
        known = 1 - hole
        mean = (image * known).sum((2, 3), keepdim=True) / known.sum((2, 3), keepdim=True)
        return image * known + mean * hole


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_torchscript_runs_only_when_trusted(tmp_path):
    path = tmp_path / "mean.pt"
    torch.jit.save(torch.jit.script(Mean()), str(path))
    image, hole = picture((100, 90)), holes((160, 160))[:100, :90]
    with pytest.raises(OptionError, match="can run any code"):
        eii.restore(image, hole, options=eii.RestoreOptions(backbone=f"file:{path}"))
    options = eii.RestoreOptions(backbone=f"file:{path}", trust=True)
    result = eii.restore(image, hole, options=options)
    assert np.array_equal(result[~hole], image[~hole])
    assert np.ptp(result[hole]) < 0.05


def test_a_file_that_is_no_model_is_refused(tmp_path):
    for name in ("a.pt", "a.onnx", "a.safetensors"):
        (tmp_path / name).write_bytes(b"no model")
        with pytest.raises(WeightsError, match="is not a"):
            load_backbone(f"file:{tmp_path / name}", trust=True)
    with pytest.raises(OptionError, match="is not a file"):
        load_backbone(f"file:{tmp_path / 'absent.onnx'}")
    with pytest.raises(OptionError, match="unet, pixel, classical, file:PATH"):
        load_backbone("nothing")


def onnx_model(path, inputs, kind="mean"):
    import onnx
    from onnx import TensorProto, helper

    given = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, c, None, None])
        for n, c in inputs
    ]
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    if kind == "nan":
        nodes = [
            helper.make_node("Sub", ["image", "image"], ["zero"]),
            helper.make_node("Div", ["zero", "zero"], ["out"]),
        ]
    else:
        nodes = [helper.make_node("Add", ["image", "hole"], ["out"])]
    graph = helper.make_graph(nodes, "g", given, [out])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)


def test_onnx_models_are_made_monochromic(tmp_path):
    path = tmp_path / "white.onnx"
    onnx_model(path, [("image", 3), ("hole", 1)])
    rng = np.random.default_rng(0)
    image, hole = rng.integers(0, 255, (90, 100, 3), np.uint8), holes()[:90, :100]
    options = eii.RestoreOptions(backbone=f"file:{path}")
    result = eii.restore(image, hole, options=options)
    assert np.array_equal(result[~hole], image[~hole])
    luma = result @ np.array([0.299, 0.587, 0.114])
    assert luma[hole].mean() > 190


def test_an_onnx_model_of_another_signature_is_refused_with_its_inputs(tmp_path):
    path = tmp_path / "other.onnx"
    onnx_model(path, [("image", 4), ("hole", 1)])
    with pytest.raises(WeightsError, match=r"inputs image tensor\(float\).*Expected are an image"):
        load_backbone(f"file:{path}")


def test_a_model_that_returns_nan_is_an_error_and_nothing_is_written(tmp_path):
    path = tmp_path / "nan.onnx"
    onnx_model(path, [("image", 3), ("hole", 1)], kind="nan")
    options = eii.RestoreOptions(backbone=f"file:{path}")
    with pytest.raises(WeightsError, match="nan returned values that are not finite"):
        eii.restore_to_zarr(picture(), holes(), tmp_path / "o.zarr", options=options)
    assert [p.name for p in tmp_path.iterdir()] == ["nan.onnx"]


def test_a_model_that_returns_another_shape_is_an_error():
    predictor = ModelPredictor("half", lambda image, hole: image[:, :, ::2], 3)
    backbone = PredictedBackbone("half", predictor, stride=64)
    with pytest.raises(WeightsError, match="returned the shape"):
        backbone.complete(picture()[np.newaxis], holes()[np.newaxis])


class Greedy(torch.nn.Module):
    """A network that takes one window at a time."""

    def __init__(self):
        super().__init__()
        self.sizes = []

    def forward(self, plate, smooth, hole):
        self.sizes.append(len(plate))
        if len(plate) > 1:
            raise torch.OutOfMemoryError
        return plate + 0.25 * hole


def test_a_batch_larger_than_the_memory_is_halved_and_the_result_stays():
    net = Greedy()
    predictor = TorchPredictor(net, stride=16, device="cpu")
    plate = np.random.default_rng(0).random((5, 40, 50), dtype=np.float32)
    hole = np.ones(plate.shape, bool)
    assert np.allclose(predictor(plate, plate, hole, NO_CLUES), plate + 0.25)
    assert net.sizes == [5, 2, 1, 1, 3, 1, 2, 1, 1]


def test_classical_needs_no_torch():
    code = (
        "import sys, numpy as np, eii; a = np.zeros((9, 9), np.uint8);"
        "eii.restore(a, np.eye(9), options=eii.RestoreOptions('classical'));"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


class Batches:
    """A classical backbone that takes windows by four, and notes how many it gets."""

    name, stride, window, batch = "batches", 32, 512, 4

    def __init__(self):
        self.inner, self.sizes = load_backbone("classical"), []

    follows = frozenset()

    def complete(self, luma, hole, guide=None, clues=None):
        self.sizes.append(luma.shape)
        return self.inner.complete(luma, hole, guide)


def test_batches_are_of_one_size_whatever_is_left():
    from eii.engine.job import make_job
    from eii.engine.packs import MemoryPatches
    from eii.engine.run import Runner
    from eii.image.geometry import Box
    from eii.progress import Reporting, ignore_progress, never_stop

    image = np.random.default_rng(0).integers(0, 255, (1500, 1500), np.uint8)
    hole = np.zeros(image.shape, bool)
    hole[100::400, 100::400] = hole[700:702] = True
    source = eii.open_source(image)
    results = []
    for backbone in (Batches(), load_backbone("classical")):
        job = make_job(source, eii.open_hole(hole, source), eii.RestoreOptions())
        runner = Runner(job, MemoryPatches(), backbone)
        runner.compute(Reporting(ignore_progress, never_stop))
        pixels = image[..., np.newaxis].copy()
        results.append(runner.paste(pixels, Box(0, 0, *image.shape), [0]).pixels)
        if isinstance(backbone, Batches):
            assert {size[0] for size in backbone.sizes} == {4}
    assert np.abs(results[0].astype(int) - results[1]).max() <= 6


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(OptionError, match="'cuda' is not there on this machine"):
        eii.restore(picture(), holes(), options=eii.RestoreOptions(device="cuda"))
