"""Pictures to train on, and a network trained on them."""

from pathlib import Path

import numpy as np
import pytest
from eii.training.fit import train
from eii.training.options import TrainOptions
from eii.training.synthetic import synthetic
from PIL import Image


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Return a folder of 24 pictures of 144 pixels, of four kinds of files."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(24):
        image = synthetic(144, np.random.default_rng(number))
        suffix = (".png", ".webp", ".jpg", ".tif")[number % 4]
        eight = np.rint(image * 255).astype(np.uint8)
        Image.fromarray(eight if number % 3 else eight[..., 0]).save(
            folder / f"{number:02d}{suffix}"
        )
    return folder


@pytest.fixture(scope="session")
def pools(tmp_path_factory):
    """Return a folder for the windows that trainings share."""
    return tmp_path_factory.mktemp("pools")


@pytest.fixture(scope="session")
def trained_rgb(tmp_path_factory, pictures, pools) -> Path:
    """Return the weights of a small baseline of RGB."""
    options = TrainOptions(
        steps=2, mode="rgb", width=8, windows=48, side=64, batch=4, device="cpu", pools=pools
    )
    return train([pictures], tmp_path_factory.mktemp("rgb"), options).weights
