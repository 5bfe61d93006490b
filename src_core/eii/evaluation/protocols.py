"""Published comparisons: which images of a data set, how large, with which holes.

The user brings the data, laid out as its makers distribute it.

References
----------
.. [1] B. Zhou et al., "Places: a 10 million image database for scene recognition", TPAMI 2017.
.. [2] T. Karras et al., "Progressive growing of GANs", ICLR 2018 (CelebA-HQ).
.. [3] C. Doersch et al., "What makes Paris look like Paris?", SIGGRAPH 2012 (Paris StreetView).
.. [4] M. Cimpoi et al., "Describing textures in the wild", CVPR 2014 (DTD).
.. [5] T. Wang, H. Ouyang, Q. Chen, "Image inpainting with external-internal learning and
       monochromic bottleneck", CVPR 2021, section 4.1 (sizes and splits).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from eii.errors import OptionError, SourceError

Image = NDArray[np.uint8]
Found = list[tuple[str, Path]]

HOLE = "brush"
"""The hole of published comparisons; see `eii.evaluation.holes.brush`."""
_FACES = 27_000  # number of the first of the 3,000 test images of CelebA-HQ
_PICTURES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Protocol:
    """A published comparison.

    Parameters
    ----------
    name : str
    shape : (int, int)
        Height and width that images are brought to, in pixels.
    find : callable
        Takes the folder of the data set, returns its test images with their domain.
    layout : str
        Where they are looked for.
    """

    name: str
    shape: tuple[int, int]
    find: Callable[[Path], Found]
    layout: str

    def files(self, root: Path) -> Found:
        """Return the test images, as (domain, path).

        Raises
        ------
        SourceError
            If the folder has another layout, or lacks images of its own list.
        """
        found = self.find(root) if root.is_dir() else []
        if not found:
            raise SourceError(
                f"{root} holds no test images of {self.name}: expected {self.layout}."
            )
        missing = [path for _, path in found if not path.is_file()]
        if missing:
            raise SourceError(f"{missing[0]} and {len(missing) - 1} more images are missing.")
        return found

    def read(self, path: Path) -> Image:
        """Return an image, shape (M, N, 3), uint8: its middle, scaled to the protocol's size."""
        height, width = self.shape
        try:
            with Picture.open(path) as picture:
                rgb = picture.convert("RGB")
        except OSError as error:
            raise SourceError(f"{path} is not a whole picture: {error}.") from error
        scale = max(width / rgb.width, height / rgb.height)
        size = [max(n, round(m * scale)) for n, m in ((width, rgb.width), (height, rgb.height))]
        scaled = rgb.resize((size[0], size[1]), Picture.Resampling.LANCZOS)
        x, y = (size[0] - width) // 2, (size[1] - height) // 2
        return np.asarray(scaled.crop((x, y, x + width, y + height)))


def _pictures(folders: Iterable[Path], domain: str) -> Found:
    """Return the pictures of the first of some folders that has any."""
    for folder in folders:
        listed = sorted(folder.iterdir()) if folder.is_dir() else []
        found = [(domain, p) for p in listed if p.suffix.lower() in _PICTURES]
        if found:
            return found
    return []


def _places2(root: Path) -> Found:
    return _pictures((root / "val_large", root / "val_256", root / "val"), "places2")


def _celeba_hq(root: Path) -> Found:
    numbered = [
        (domain, path)
        for domain, path in _pictures(
            (root / "CelebA-HQ-img", root / "celeba_hq", root), "celeba-hq"
        )
        if path.stem.isdecimal() and int(path.stem) >= _FACES
    ]
    return sorted(numbered, key=lambda item: int(item[1].stem))


def _paris(root: Path) -> Found:
    return _pictures((root / "paris_eval_gt", root / "paris_eval"), "paris")


def _dtd(root: Path) -> Found:
    """Return the images of the first test list that ships with the data set."""
    listed = root / "labels" / "test1.txt"
    if not listed.is_file():
        return []
    names = sorted(filter(None, listed.read_text(encoding="utf-8").splitlines()))
    return [("dtd", root / "images" / name) for name in names]


PROTOCOLS = {
    p.name: p
    for p in (
        Protocol("places2", (512, 640), _places2, "val_large/*.jpg or val_256/*.jpg"),
        Protocol("celeba-hq", (256, 256), _celeba_hq, "CelebA-HQ-img/27000.jpg to 29999.jpg"),
        Protocol("paris", (256, 256), _paris, "paris_eval_gt/*.png"),
        Protocol("dtd", (512, 512), _dtd, "labels/test1.txt and images/"),
    )
}


def protocol_of(name: str) -> Protocol:
    """Return a protocol by its name.

    Raises
    ------
    OptionError
        If there is no such protocol.
    """
    if name not in PROTOCOLS:
        raise OptionError(f"`protocol` must be one of {', '.join(PROTOCOLS)}; got {name!r}.")
    return PROTOCOLS[name]
