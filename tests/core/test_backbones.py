"""The published backbones: their sizes, what they keep, and their ways to be built."""

import numpy as np
import pytest
import torch
from eii.external.attention import similarity, transfer
from eii.external.baseline import load_baseline
from eii.external.edgeconnect import EdgeConnect, EdgeConnectShape, edges_of
from eii.external.hifill import Hifill, HifillShape
from eii.external.lama import Lama, LamaShape
from eii.external.network import ARCHITECTURES
from eii.external.published import Published

MILLIONS = {"gatedconv": 4.05, "edgeconnect": 21.6, "hifill": 2.7, "gmcnn": 12.6, "lama": 27.0}
WAYS = [
    {},
    {"guided": True},
    {"channels": 3},
    {"first_fill": False},
    {"guided": True, "first_fill": False},
    {"channels": 3, "first_fill": False},
]


def count(net):
    return sum(p.numel() for p in net.parameters()) / 1e6


def built(name, **way):
    torch.manual_seed(0)
    kind = ARCHITECTURES[name]
    return kind.module(kind.shape(width=8, **way)).eval()


def windows(channels=1, shape=(64, 96)):
    torch.manual_seed(1)
    plate = torch.rand(2, channels, *shape)
    hole = torch.zeros(2, 1, *shape)
    hole[..., 20:40, 20:50] = 1
    return plate, plate * (1 - hole) + hole * torch.rand_like(plate), hole


@pytest.mark.parametrize("name", MILLIONS)
def test_sizes_are_the_published_ones(name):
    kind = ARCHITECTURES[name]
    net = kind.module(kind.shape(channels=3, first_fill=False))
    assert count(net) == pytest.approx(MILLIONS[name], rel=0.02)


@pytest.mark.parametrize(("blocks", "millions"), [(9, 6.8), (6, 4.8)])
def test_smaller_lama_has_its_published_sizes(blocks, millions):
    net = Lama(LamaShape(32, blocks=blocks, channels=3, first_fill=False))
    assert count(net) == pytest.approx(millions, rel=0.02)


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("name", MILLIONS)
def test_known_pixels_stay_and_the_hole_is_answered(name, way):
    net = built(name, **way)
    plate, smooth, hole = windows(way.get("channels", 1))
    with torch.no_grad():
        filled = net(plate, smooth, hole, torch.rand(2, 3, *hole.shape[2:]))
    known = (hole == 0).expand_as(plate)
    assert torch.equal(filled[known], plate[known])
    assert torch.isfinite(filled).all()
    if way.get("first_fill", True):
        # Untrained, it is the plate and a little of pull-push.
        share = ((filled - plate) / (smooth - plate))[~known]
        assert 0 < share.median() < 0.3


@pytest.mark.parametrize("name", MILLIONS)
def test_what_the_hole_held_changes_nothing_as_published(name):
    net = built(name, first_fill=False)
    plate, smooth, hole = windows()
    other = torch.where(hole > 0, 0.3, plate)
    with torch.no_grad():
        assert torch.equal(net(plate, smooth, hole), net(other, smooth, hole))


@pytest.mark.parametrize("name", MILLIONS)
def test_a_guided_network_sees_the_colours_of_known_pixels(name):
    net = built(name, guided=True, first_fill=False)
    plate, smooth, hole = windows()
    rgb = torch.rand(2, 3, *hole.shape[2:])
    hidden, seen = (torch.where((hole > 0) == inside, 0.9, rgb) for inside in (True, False))
    with torch.no_grad():
        one, same, other = (net(plate, smooth, hole, colours) for colours in (rgb, hidden, seen))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_edgeconnect_follows_the_edges_it_is_given():
    net = EdgeConnect(EdgeConnectShape(8, first_fill=False)).eval()
    plate, smooth, hole = windows()
    drawn = torch.zeros_like(hole)
    drawn[..., 30, :] = 1
    with torch.no_grad():
        one, other = (net(plate, smooth, hole, None, e) for e in (drawn, torch.zeros_like(hole)))
    assert not torch.equal(one, other)


def test_edges_are_found_among_known_pixels_alone():
    image = torch.zeros(1, 1, 64, 64)
    image[..., 32:] = 1
    hole = torch.zeros_like(image)
    hole[..., 20:44, :] = 1
    found = edges_of(image, hole)
    assert found.sum() > 20
    assert not found[hole > 0].any()


def test_hifill_completes_windows_larger_than_it_was_trained_on():
    net = Hifill(HifillShape(8)).eval()
    y, x = torch.meshgrid(torch.arange(600.0), torch.arange(700.0), indexing="ij")
    plate = ((torch.sin(x / 3) + torch.sin(y / 40)) / 4 + 0.5)[None, None]
    hole = torch.zeros_like(plate)
    hole[..., 200:300, 200:300] = 1
    with torch.no_grad():
        filled = net(plate, plate, hole)
    assert torch.equal(filled[hole == 0], plate[hole == 0])
    # The fine stripes, which the small image has lost, are carried into the hole.
    fine = filled[..., 250, 200:300]
    assert (fine - fine.mean()).std() > 0.05


def test_attention_takes_from_known_patches_alone():
    torch.manual_seed(0)
    features, hole = torch.rand(1, 4, 8, 8), torch.zeros(1, 1, 8, 8)
    hole[..., 2:5, 2:5] = 1
    taken = similarity(features, hole, fuse=True)
    assert torch.allclose(taken.sum(2), torch.ones(1, 64))
    near = torch.nn.functional.max_pool2d(hole, 3, 1, 1).flatten() > 0
    assert taken[..., near].max() < 1e-6
    values = torch.rand(1, 2, 32, 32)
    itself = torch.eye(64)[None]
    assert torch.allclose(transfer(itself, values, (8, 8)), values)
    assert torch.allclose(transfer(itself, values, (8, 8), overlap=2), values, atol=1e-6)


def test_every_backbone_is_a_published_or_own_network():
    for name, kind in ARCHITECTURES.items():
        assert issubclass(kind.module, Published) == (name in MILLIONS)
        shape = kind.to_train(width=8, channels=1, guided=False, first_fill=True)
        assert shape.stride >= 1


def test_the_baseline_keeps_known_pixels_of_images_of_any_size(trained_rgb):
    complete = load_baseline(trained_rgb)
    image = np.random.default_rng(0).random((75, 91, 3)).astype(np.float32)
    hole = np.zeros((75, 91), bool)
    hole[30:40, 30:50] = True
    filled = complete(image, hole)
    assert np.array_equal(filled[~hole], image[~hole])
    assert filled.shape == image.shape
    assert filled.dtype == np.float32
